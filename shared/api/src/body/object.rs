//! JSON objects, walked by hand, so that one answer names everything that is wrong with them.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use im_engine::manage::FieldProblem;
use serde_json::{Map, Value};

/// What a JSON value is, with its article.
pub(super) fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Field names come from the caller: no answer repeats a long one in full.
pub(crate) fn shortened(name: &str) -> String {
    const MOST: usize = 80;
    match name.char_indices().nth(MOST) {
        None => name.to_owned(),
        Some((end, _)) => format!("{}…", &name[..end]),
    }
}

/// Takes the members of an object one by one and collects what is wrong with them.
pub(crate) struct ObjectReader {
    left: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl ObjectReader {
    /// A reader of this object.
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self {
            left: object,
            problems: Vec::new(),
        }
    }

    /// Notes what is wrong with a field. Values are never repeated: they may be credentials.
    pub(crate) fn refuse(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.problems.push(FieldProblem::new(field, problem));
    }

    /// Notes that a field has the wrong JSON type.
    pub(crate) fn refuse_type(&mut self, field: &str, expected: &str, found: &Value) {
        self.refuse(field, format!("must be {expected}, not {}", a(found)));
    }

    /// Notes those of the fields that are not there.
    pub(crate) fn require(&mut self, fields: &[&str]) {
        for field in fields {
            if !self.has(field) {
                self.refuse(*field, "is required");
            }
        }
    }

    /// True if a member is there that was not taken yet.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.left.contains_key(field)
    }

    /// The names in an object that was not taken yet: none if it is absent, `None` if it is no object.
    pub(crate) fn names_in(&self, field: &str) -> Option<Vec<String>> {
        match self.left.get(field) {
            None => Some(Vec::new()),
            Some(Value::Object(object)) => Some(object.keys().cloned().collect()),
            Some(_) => None,
        }
    }

    /// Takes a member as it is.
    pub(crate) fn take(&mut self, field: &str) -> Option<Value> {
        self.left.remove(field)
    }

    /// Takes a string.
    pub(crate) fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) => Some(text),
            other => {
                self.refuse_type(field, "a string", &other);
                None
            }
        }
    }

    /// Takes a string that parses as a `T`.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field)?;
        text.parse()
            .map_err(|error: T::Err| self.refuse(field, error.to_string()))
            .ok()
    }

    /// Takes a boolean.
    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.take(field)? {
            Value::Bool(value) => Some(value),
            other => {
                self.refuse_type(field, "true or false", &other);
                None
            }
        }
    }

    /// Takes a whole number from `least` to `most`.
    pub(crate) fn whole<T>(&mut self, field: &str, least: T, most: T) -> Option<T>
    where
        T: Copy + Display + PartialOrd + TryFrom<u64>,
    {
        let value = self.take(field)?;
        let number = value.as_u64().and_then(|number| T::try_from(number).ok());
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.refuse(
                field,
                format!("must be a whole number from {least} to {most}"),
            );
        }
        number
    }

    /// Takes an object.
    pub(crate) fn object(&mut self, field: &str) -> Map<String, Value> {
        match self.take(field) {
            None => Map::new(),
            Some(Value::Object(object)) => object,
            Some(other) => {
                self.refuse_type(field, "an object", &other);
                Map::new()
            }
        }
    }

    /// Takes an object of strings, none longer than `most` characters.
    pub(crate) fn texts(&mut self, field: &str, most: usize) -> BTreeMap<String, String> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.object(field) {
            let path = format!("{field}.{}", shortened(&name));
            match value {
                Value::String(text) if text.chars().count() > most => {
                    self.refuse(path, format!("must be at most {most} characters"));
                }
                Value::String(text) => _ = texts.insert(name, text),
                other => self.refuse_type(&path, "a string", &other),
            }
        }
        texts
    }

    /// Ends the reading: what was not taken is unknown, or fixed for a reason of its own.
    pub(crate) fn finish(
        mut self,
        accepted: &[&str],
        fixed: &[(&[&str], &str)],
    ) -> Vec<FieldProblem> {
        let mut left: Vec<_> = std::mem::take(&mut self.left).into_iter().collect();
        left.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, _) in &left {
            let reason = fixed
                .iter()
                .find(|(names, _)| names.contains(&name.as_str()));
            let problem = match reason {
                Some((_, reason)) => (*reason).to_owned(),
                None => format!("unknown; expected one of {}", accepted.join(", ")),
            };
            self.refuse(shortened(name), problem);
        }
        self.problems
    }
}

#[cfg(test)]
mod tests {
    use im_model::Status;
    use serde_json::json;

    use super::*;
    use crate::Problem;

    #[test]
    fn every_problem_is_collected() {
        let Value::Object(object) = json!({
            "status": "lost", "enabled": 1, "options": {"a": 1, "b": "b", "c": "long"},
            "odd": 0, "id": "x",
        }) else {
            panic!("an object")
        };
        let mut reader = ObjectReader::new(object);
        reader.require(&["title", "status"]);
        assert_eq!(reader.parsed::<Status>("status"), None);
        assert_eq!(reader.boolean("enabled"), None);
        let texts = reader.texts("options", 3);
        assert_eq!(
            texts.into_iter().collect::<Vec<_>>(),
            [("b".to_owned(), "b".to_owned())]
        );
        let problems = Problem::invalid(reader.finish(&["status"], &[(&["id"], "is read-only")]));
        assert_eq!(
            problems.errors(),
            [
                ("title", "is required"),
                (
                    "status",
                    "must be one of open, acknowledged, mitigated, resolved, closed"
                ),
                ("enabled", "must be true or false, not a number"),
                ("options.a", "must be a string, not a number"),
                ("options.c", "must be at most 3 characters"),
                ("id", "is read-only"),
                ("odd", "unknown; expected one of status"),
            ]
        );
    }

    #[test]
    fn long_names_are_shortened_at_a_character() {
        assert_eq!(shortened("title"), "title");
        assert_eq!(shortened(&"é".repeat(100)), format!("{}…", "é".repeat(80)));
    }
}
