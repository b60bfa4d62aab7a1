//! Query parameters and pages.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::parameters::Parameters;

/// The parameters of a query, decoded.
pub(crate) struct Query(Parameters);

impl Query {
    pub(crate) fn parse(query: Option<&str>) -> Self {
        Self(Parameters::parse(query.unwrap_or_default().as_bytes()))
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.one(name)
    }

    /// The values of `name[]`.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.0.list(name)
    }

    /// The values of `name[]`, each of them one of `allowed`.
    pub(crate) fn list_of(&self, name: &str, allowed: &[&str]) -> Result<Vec<String>, Refusal> {
        let values = self.list(name);
        match values
            .iter()
            .find(|value| !allowed.contains(&value.as_str()))
        {
            Some(value) => Err(Refusal::invalid(format!("{name} cannot be {value}"))),
            None => Ok(values),
        }
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.one(name) else {
            return Ok(None);
        };
        let time = text.parse();
        time.map(Some)
            .map_err(|_| Refusal::invalid(format!("{name} is not a date and time")))
    }

    fn number(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        self.one(name).map_or(Ok(default), |text| {
            let number = text.parse();
            number.map_err(|_| Refusal::invalid(format!("{name} must be a number")))
        })
    }

    /// One page of `all`, as `{name: […], limit, offset, more, total}`.
    pub(crate) fn page<T>(
        &self,
        name: &str,
        all: &[T],
        render: impl Fn(&T) -> Value,
    ) -> Result<Value, Refusal> {
        let limit = self.number("limit", 25)?;
        let offset = self.number("offset", 0)?;
        if !(1..=100).contains(&limit) {
            return Err(Refusal::invalid("limit must be between 1 and 100"));
        }
        if limit + offset > 10_000 {
            return Err(Refusal::invalid("limit and offset reach beyond 10000"));
        }
        let total = match self.one("total") {
            Some("true") => Some(all.len()),
            Some("false") | None => None,
            Some(_) => return Err(Refusal::invalid("total must be true or false")),
        };
        let rows: Vec<_> = all.iter().skip(offset).take(limit).map(render).collect();
        Ok(json!({
            name: rows,
            "limit": limit,
            "offset": offset,
            "more": all.len() > offset.saturating_add(limit),
            "total": total,
        }))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<Value, Refusal> {
        let all: Vec<u8> = (0..30).collect();
        Query::parse(Some(query)).page("rows", &all, |row| json!(row))
    }

    #[test]
    fn pages_say_whether_there_is_more() {
        let first = page("").unwrap();
        assert_eq!(first["rows"].as_array().unwrap().len(), 25);
        assert_eq!(first["more"], true);
        assert_eq!(first["total"], Value::Null);
        let last = page("offset=25&limit=5&total=true").unwrap();
        assert_eq!(last["rows"], json!([25, 26, 27, 28, 29]));
        assert_eq!(last["more"], false);
        assert_eq!(last["total"], 30);
    }

    #[test]
    fn limits_are_refused_rather_than_cut() {
        for query in ["limit=101", "limit=0", "limit=x", "offset=9990", "total=1"] {
            assert_eq!(page(query).unwrap_err().code, 2001, "{query}");
        }
    }
}
