//! The platform's scalar fields and what each of them accepts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{PlatformValue, Priority, Severity, Status};

/// A scalar field of an incident. Notes are not fields: they are grow-only lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Field {
    /// One line that says what is wrong.
    Title,
    /// The longer text.
    Description,
    /// SEV-1 … SEV-4.
    Severity,
    /// P1 … P5.
    Priority,
    /// open, acknowledged, mitigated, resolved, closed.
    Status,
    /// The e-mail of whoever works on it.
    AssignedTo,
    /// The name or id of the escalation policy.
    EscalationPolicy,
    /// A field of the customer's own, `custom.<name>`.
    Custom(String),
}

/// A text that names no field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown field {0:?}: expected title, description, severity, priority, status, assigned_to, \
     escalation_policy or custom.<name>"
)]
pub struct InvalidField(String);

/// A value that a field cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct InvalidValue {
    /// The field that refuses.
    pub field: Field,
    /// What it would accept.
    pub rule: String,
}

impl Field {
    /// The fields every incident has, in the order people read them.
    pub const BUILT_IN: [Self; 7] = [
        Self::Title,
        Self::Description,
        Self::Severity,
        Self::Priority,
        Self::Status,
        Self::AssignedTo,
        Self::EscalationPolicy,
    ];

    /// The field's name in the API, the CLI and the store.
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Parses a platform value of this field. `None` and an empty text are the empty value.
    ///
    /// # Errors
    /// Names the field and what it accepts.
    pub fn parse_value(&self, text: Option<&str>) -> Result<PlatformValue, InvalidValue> {
        let value = PlatformValue::text(text.unwrap_or_default());
        match self.violated_rule(value.as_str()) {
            None => Ok(value),
            Some(rule) => Err(InvalidValue {
                field: self.clone(),
                rule,
            }),
        }
    }

    fn violated_rule(&self, text: Option<&str>) -> Option<String> {
        let Some(text) = text else {
            let required = matches!(self, Self::Title | Self::Severity | Self::Status);
            return required.then(|| "must not be empty".to_owned());
        };
        match self {
            Self::Title if text.trim().is_empty() => Some("must not be blank".to_owned()),
            Self::Title => at_most(text, 1024).or_else(|| {
                text.contains(['\n', '\r'])
                    .then(|| "must be one line".to_owned())
            }),
            Self::Description => at_most(text, 32_768),
            Self::Severity => text.parse::<Severity>().err().map(|e| e.to_string()),
            Self::Priority => text.parse::<Priority>().err().map(|e| e.to_string()),
            Self::Status => text.parse::<Status>().err().map(|e| e.to_string()),
            Self::AssignedTo => {
                let valid = text.len() <= 254
                    && !text.contains(char::is_whitespace)
                    && text.split_once('@').is_some_and(|(user, host)| {
                        !user.is_empty() && !host.is_empty() && !host.contains('@')
                    });
                (!valid).then(|| "must be an e-mail address".to_owned())
            }
            Self::EscalationPolicy => at_most(text, 256),
            Self::Custom(_) => at_most(text, 4096),
        }
    }
}

fn at_most(text: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    (length > most).then(|| format!("must be at most {most} characters, not {length}"))
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Title => f.write_str("title"),
            Self::Description => f.write_str("description"),
            Self::Severity => f.write_str("severity"),
            Self::Priority => f.write_str("priority"),
            Self::Status => f.write_str("status"),
            Self::AssignedTo => f.write_str("assigned_to"),
            Self::EscalationPolicy => f.write_str("escalation_policy"),
            Self::Custom(name) => write!(f, "custom.{name}"),
        }
    }
}

impl FromStr for Field {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        if let Some(field) = Self::BUILT_IN.iter().find(|field| field.name() == text) {
            return Ok(field.clone());
        }
        text.strip_prefix("custom.")
            .filter(|name| {
                (1..=64).contains(&name.len())
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
            .map(|name| Self::Custom(name.to_owned()))
            .ok_or_else(|| InvalidField(text.chars().take(80).collect()))
    }
}

impl TryFrom<String> for Field {
    type Error = InvalidField;
    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl From<Field> for String {
    fn from(field: Field) -> String {
        field.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for field in Field::BUILT_IN
            .into_iter()
            .chain([Field::Custom("cost_center".into())])
        {
            assert_eq!(field.name().parse(), Ok(field));
        }
        for bad in ["", "Title", "custom.", "custom.a b", "links"] {
            assert!(bad.parse::<Field>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn each_field_says_what_it_accepts() {
        let refused = |field: Field, text: &str| {
            field
                .parse_value(Some(text))
                .expect_err("must be refused")
                .to_string()
        };
        assert_eq!(refused(Field::Title, ""), "title: must not be empty");
        assert_eq!(refused(Field::Title, "a\nb"), "title: must be one line");
        assert_eq!(
            refused(Field::Title, &"x".repeat(1025)),
            "title: must be at most 1024 characters, not 1025"
        );
        assert_eq!(
            refused(Field::Severity, "SEV-9"),
            "severity: must be one of SEV-1, SEV-2, SEV-3, SEV-4"
        );
        assert_eq!(
            refused(Field::AssignedTo, "ann"),
            "assigned_to: must be an e-mail address"
        );
        assert_eq!(
            Field::AssignedTo.parse_value(None),
            Ok(PlatformValue::EMPTY)
        );
    }
}
