//! What a trigger is evaluated on.

use std::collections::BTreeMap;

use im_model::{ExternalRecord, Field, Incident};

use super::{Subject, seen::Seen, types::Vocabulary};
use crate::LinkRules;

/// The values of one subject by field. A field that is absent is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    values: BTreeMap<Field, String>,
    /// A record's own, before the inbound map.
    external: Option<BTreeMap<String, String>>,
}

impl Facts {
    /// The facts of an incident.
    pub fn of_incident(incident: &Incident) -> Self {
        let values = incident.fields.iter().filter_map(|(field, state)| {
            let text = state.value.as_str()?;
            Some((field.clone(), text.to_owned()))
        });
        Self {
            values: values.collect(),
            external: None,
        }
    }

    /// The facts of a vendor's record: its values as the inbound maps have them, whatever may flow; what a map has no
    /// answer for is empty.
    pub fn of_record(record: &ExternalRecord, rules: &LinkRules) -> Self {
        let mapped = record.fields.iter().filter_map(|(field, observed)| {
            let mapped = rules.fields.get(field)?.inward.apply(&observed.value.0);
            let text = mapped.value()?.as_str()?.to_owned();
            let is_valid = field.parse_value(Some(&text)).is_ok();
            is_valid.then(|| (field.clone(), text))
        });
        let external = record.fields.iter().map(|(field, observed)| {
            let text = observed.value.as_str().unwrap_or_default();
            (field.name(), text.to_owned())
        });
        Self {
            values: mapped.collect(),
            external: Some(external.collect()),
        }
    }

    /// A subject of which nothing is known.
    pub(super) fn blank(subject: Subject) -> Self {
        Self {
            values: BTreeMap::new(),
            external: (subject == Subject::Record).then(BTreeMap::new),
        }
    }

    /// A subject of which all built-in fields are set.
    pub(super) fn filled(subject: Subject) -> Self {
        let mut facts = Self::blank(subject);
        for field in Field::BUILT_IN {
            let listed = Vocabulary::of(&field.name());
            let first = listed.and_then(|vocabulary| vocabulary.values().first().copied());
            let text = first.unwrap_or("a text");
            facts = facts.with(&field.name(), text);
            if let Some(external) = &mut facts.external {
                external.insert(field.name(), text.to_owned());
            }
        }
        facts
    }

    /// The same with another value of a field.
    pub(super) fn with(mut self, field: &str, text: &str) -> Self {
        if let Ok(field) = field.parse() {
            self.values.insert(field, text.to_owned());
        }
        self
    }

    /// The built-in fields by name. One that is not set is empty.
    pub fn built_in(&self) -> BTreeMap<String, &str> {
        Field::BUILT_IN
            .iter()
            .map(|field| (field.name(), self.value(field)))
            .collect()
    }

    /// What a built-in field holds; empty if nothing.
    pub(super) fn value(&self, field: &Field) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    /// The custom fields that are set, by the name after `custom.`.
    pub fn custom(&self) -> BTreeMap<&str, &str> {
        let custom = self.values.iter().filter_map(|(field, text)| match field {
            Field::Custom(name) => Some((name.as_str(), text.as_str())),
            _ => None,
        });
        custom.collect()
    }

    /// A record's own values by field name, those of fields that it does not show left out; `None` of an incident.
    pub fn external(&self) -> Option<&BTreeMap<String, String>> {
        self.external.as_ref()
    }

    /// What was seen there.
    pub(super) fn held(&self, seen: &Seen) -> Held<'_> {
        let of_custom = || self.custom();
        let (text, fields) = match (&seen.key, seen.variable.as_str()) {
            (Some(key), "external") => {
                let external = self.external.as_ref();
                (external.and_then(|it| it.get(key)).map(String::as_str), 0)
            }
            (Some(key), _) => (of_custom().get(key.as_str()).copied(), 0),
            (None, "external") => (None, self.external.as_ref().map_or(0, BTreeMap::len)),
            (None, "custom" | "labels") => (None, of_custom().len()),
            (None, name) => (name.parse().ok().map(|field| self.value(&field)), 0),
        };
        match text {
            Some(text) => Held::Text(text),
            None if seen.key.is_some() => Held::Nothing,
            None => Held::Fields(fields),
        }
    }
}

/// What a part of a subject holds.
pub(super) enum Held<'a> {
    Text(&'a str),
    /// It is not set.
    Nothing,
    /// So many fields.
    Fields(usize),
}
