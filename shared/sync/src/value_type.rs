//! Types of custom fields, and the one text that stands for each value.

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

/// The type of a custom field's values. The platform holds them as text; both sides are compared in canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Any text.
    Text,
    /// A decimal number, e.g. `12.5`.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A day, e.g. `2026-11-22`.
    Date,
    /// A moment in UTC with whole seconds, e.g. `2026-11-22T04:05:06Z`: no vendor promises more.
    DateTime,
    /// One of the values that the vendor lists, by name.
    Choice,
}

impl ValueType {
    /// Every type with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("text", Self::Text),
        ("number", Self::Number),
        ("boolean", Self::Boolean),
        ("date", Self::Date),
        ("datetime", Self::DateTime),
        ("choice", Self::Choice),
    ];

    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value_type)| value_type)
    }

    /// The name of the type.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == self);
        found.map_or("text", |(name, _)| name)
    }

    /// The canonical text of a value; `None` if the text is none of this type.
    pub fn canonical(self, text: &str) -> Option<String> {
        let trimmed = text.trim();
        match self {
            Self::Text => Some(text.to_owned()),
            Self::Choice => Some(trimmed.to_owned()),
            Self::Number => canonical_number(trimmed),
            Self::Boolean => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some("true".to_owned()),
                "false" | "0" | "no" => Some("false".to_owned()),
                _ => None,
            },
            Self::Date => trimmed
                .parse::<civil::Date>()
                .ok()
                .map(|day| day.to_string()),
            Self::DateTime => {
                let at: Timestamp = trimmed.parse().ok()?;
                Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            }
        }
    }
}

/// Digits only, compared as text: a binary fraction would change `0.1`.
fn canonical_number(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    let fraction = fraction.trim_end_matches('0');
    Some(match (whole, fraction) {
        ("0", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_text_for_a_value_and_none_for_what_is_none() {
        use ValueType::{Boolean, Choice, Date, DateTime, Number, Text};
        for (value_type, text, canonical) in [
            (Number, "012.50", Some("12.5")),
            (Number, "5.0", Some("5")),
            (Number, "-0.0", Some("0")),
            (Number, "-.5", Some("-0.5")),
            (Number, "1e5", None),
            (Number, ".", None),
            (Boolean, "True", Some("true")),
            (Boolean, "maybe", None),
            (Date, "2026-11-22", Some("2026-11-22")),
            (Date, "22.11.2026", None),
            (
                DateTime,
                "2026-11-22T05:04:03.9+01:00",
                Some("2026-11-22T04:04:03Z"),
            ),
            (DateTime, "2026-11-22", None),
            (Choice, " Berlin ", Some("Berlin")),
            (Text, " a ", Some(" a ")),
        ] {
            assert_eq!(value_type.canonical(text).as_deref(), canonical, "{text:?}");
            let again = canonical.and_then(|text| value_type.canonical(text));
            assert_eq!(
                again.as_deref(),
                canonical,
                "canonical stays canonical: {text:?}"
            );
        }
    }
}
