//! Value maps: one per direction, each with an explicit answer for a value it does not list.

use std::collections::BTreeMap;

pub use im_model::Otherwise;
use im_model::{Value, ValueTable};
use serde::{Deserialize, Serialize};

pub use crate::value_type::ValueType;

/// What a map says about one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapped {
    /// It becomes this.
    Value(Value),
    /// The field is left as it is, and nobody needs to know.
    LeaveAlone,
    /// There is no answer; the field fails, its siblings do not.
    Unmapped,
}

impl Mapped {
    /// The mapped value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::LeaveAlone | Self::Unmapped => None,
        }
    }
}

/// The vendor's normal form of a text: what it would answer if it were sent the text. Part of the outbound map, so
/// that trimming is not mistaken for an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextForm {
    /// Kept to the letter.
    #[default]
    Exact,
    /// Without white space at both ends.
    Trimmed,
    /// Without white space at both ends, in lower case: e-mail addresses.
    LowerCase,
}

/// What the vendor makes of a text, where that is more than a [`TextForm`]: Jira keeps a description as a document.
///
/// It must be idempotent: the form of a form is the form.
#[derive(Clone, Copy)]
pub struct NormalForm(pub fn(&str) -> String);

impl std::fmt::Debug for NormalForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the vendor's normal form")
    }
}

impl PartialEq for NormalForm {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for NormalForm {}

/// Maps the values of one field in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueMap {
    /// Every value stays what it is, in the receiving side's normal form.
    Same(TextForm),
    /// Every value becomes what the vendor makes of it.
    Formed(NormalForm),
    /// A value of this type becomes its canonical text; any other has no answer.
    Typed(ValueType),
    /// Listed values; the empty value stays empty.
    Table {
        /// From → to.
        entries: BTreeMap<String, String>,
        /// What happens to any other value.
        otherwise: Otherwise,
    },
    /// An operator's table over the vendor's default map.
    Configured {
        /// What the operator says.
        table: ValueTable,
        /// What the vendor's default is: it gives the normal form, and the answer to what the table leaves to it.
        default: Box<ValueMap>,
    },
}

impl ValueMap {
    /// A table from pairs.
    pub fn table<const N: usize>(entries: [(&str, &str); N], otherwise: Otherwise) -> Self {
        let entries = entries
            .into_iter()
            .map(|(from, to)| (from.to_owned(), to.to_owned()));
        Self::Table {
            entries: entries.collect(),
            otherwise,
        }
    }

    /// Maps one value.
    pub fn apply(&self, value: &Value) -> Mapped {
        let Some(text) = value.as_str() else {
            return Mapped::Value(Value::EMPTY);
        };
        match self {
            Self::Same(TextForm::Exact) => Mapped::Value(value.clone()),
            Self::Same(TextForm::Trimmed) => Mapped::Value(Value::text(text.trim())),
            Self::Same(TextForm::LowerCase) => {
                Mapped::Value(Value::text(text.trim().to_lowercase()))
            }
            Self::Formed(NormalForm(form)) => Mapped::Value(Value::text(form(text))),
            Self::Typed(value_type) => match value_type.canonical(text) {
                Some(text) => Mapped::Value(Value::text(text)),
                None => Mapped::Unmapped,
            },
            Self::Table { entries, otherwise } => match (entries.get(text), otherwise) {
                (Some(to), _) | (None, Otherwise::Default(to)) => Mapped::Value(Value::text(to)),
                (None, Otherwise::LeaveAlone) => Mapped::LeaveAlone,
                (None, Otherwise::Error | Otherwise::Inherit) => Mapped::Unmapped,
            },
            Self::Configured { table, default } => {
                match (table.values.get(text), &table.otherwise) {
                    (Some(to), _) | (None, Otherwise::Default(to)) => {
                        Mapped::Value(default.form(to))
                    }
                    (None, Otherwise::LeaveAlone) => Mapped::LeaveAlone,
                    (None, Otherwise::Error) => Mapped::Unmapped,
                    (None, Otherwise::Inherit) => default.apply(value),
                }
            }
        }
    }

    /// The same map with an operator's table over it.
    #[must_use]
    pub fn configured(self, table: &ValueTable) -> Self {
        Self::Configured {
            table: table.clone(),
            default: Box::new(self),
        }
    }

    /// The receiving side's normal form of a value that is already its own.
    fn form(&self, text: &str) -> Value {
        match self {
            Self::Table { .. } => Value::text(text),
            Self::Configured { default, .. } => default.form(text),
            Self::Same(_) | Self::Formed(_) | Self::Typed(_) => {
                let formed = self.apply(&Value::text(text));
                formed.value().cloned().unwrap_or_else(|| Value::text(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_answers_listed_unlisted_and_empty_values() {
        let map = |otherwise| ValueMap::table([("SEV-1", "high")], otherwise);
        let mapped = |otherwise, text: &str| map(otherwise).apply(&Value::text(text));
        assert_eq!(
            mapped(Otherwise::Error, "SEV-1"),
            Mapped::Value(Value::text("high"))
        );
        assert_eq!(mapped(Otherwise::Error, "SEV-5"), Mapped::Unmapped);
        assert_eq!(mapped(Otherwise::LeaveAlone, "SEV-5"), Mapped::LeaveAlone);
        assert_eq!(
            mapped(Otherwise::Default("low".into()), "SEV-5"),
            Mapped::Value(Value::text("low"))
        );
        assert_eq!(mapped(Otherwise::Error, ""), Mapped::Value(Value::EMPTY));
    }

    #[test]
    fn a_configured_table_lies_over_the_default_and_keeps_its_normal_form() {
        let table = |otherwise| ValueTable {
            values: BTreeMap::from([("SEV-1".to_owned(), " Blocker ".to_owned())]),
            otherwise,
        };
        let listed = ValueMap::table([("SEV-1", "high"), ("SEV-2", "low")], Otherwise::Error);
        let map = |default: &ValueMap, otherwise, text: &str| {
            let map = default.clone().configured(&table(otherwise));
            map.apply(&Value::text(text))
        };
        let to = |text: &str| Mapped::Value(Value::text(text));
        assert_eq!(map(&listed, Otherwise::Error, "SEV-1"), to(" Blocker "));
        assert_eq!(map(&listed, Otherwise::Error, "SEV-2"), Mapped::Unmapped);
        assert_eq!(map(&listed, Otherwise::Inherit, "SEV-2"), to("low"));
        assert_eq!(map(&listed, Otherwise::Inherit, "SEV-3"), Mapped::Unmapped);
        assert_eq!(
            map(&listed, Otherwise::LeaveAlone, "SEV-2"),
            Mapped::LeaveAlone
        );
        let trimmed = ValueMap::Same(TextForm::Trimmed);
        assert_eq!(map(&trimmed, Otherwise::Inherit, "SEV-1"), to("Blocker"));
        assert_eq!(map(&trimmed, Otherwise::Inherit, " x "), to("x"));
        assert_eq!(
            map(&trimmed, Otherwise::Default(" y ".into()), "x"),
            to("y")
        );
    }

    #[test]
    fn a_normal_form_is_part_of_the_map() {
        let trimmed = ValueMap::Same(TextForm::Trimmed).apply(&Value::text("  db down "));
        assert_eq!(trimmed, Mapped::Value(Value::text("db down")));
        assert_eq!(
            ValueMap::Same(TextForm::Trimmed).apply(&Value::text("  ")),
            Mapped::Value(Value::EMPTY)
        );
    }
}
