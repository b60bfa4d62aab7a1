//! The values that choice columns may have, with their labels, as a new instance has them.

/// A value and its label.
pub(crate) type Choice = (&'static str, &'static str);

pub(crate) const STATES: &[Choice] = &[
    ("1", "New"),
    ("2", "In Progress"),
    ("3", "On Hold"),
    ("6", "Resolved"),
    ("7", "Closed"),
    ("8", "Canceled"),
];

pub(crate) const LEVELS: &[Choice] = &[("1", "1 - High"), ("2", "2 - Medium"), ("3", "3 - Low")];

pub(crate) const PRIORITIES: &[Choice] = &[
    ("1", "1 - Critical"),
    ("2", "2 - High"),
    ("3", "3 - Moderate"),
    ("4", "4 - Low"),
    ("5", "5 - Planning"),
];

pub(crate) const HOLD_REASONS: &[Choice] = &[
    ("1", "Awaiting Caller"),
    ("5", "Awaiting Change"),
    ("3", "Awaiting Problem"),
    ("4", "Awaiting Vendor"),
];

/// See [`super::ServiceNowConfig::close_codes`].
pub(crate) const CLOSE_CODES: &[&str] = &[
    "Duplicate",
    "Known error",
    "No resolution provided",
    "Resolved by caller",
    "Resolved by change",
    "Resolved by problem",
    "Resolved by request",
    "Solution provided",
    "Workaround provided",
    "User error",
];

pub(crate) fn is_one(choices: &[Choice], value: &str) -> bool {
    choices.iter().any(|(known, _)| *known == value)
}

pub(crate) fn label<'a>(choices: &[Choice], value: &'a str) -> &'a str {
    let known = choices.iter().find(|(known, _)| *known == value);
    known.map_or(value, |(_, label)| label)
}

/// Impact by urgency, as the vendor's lookup rules have it.
pub(crate) fn priority(impact: &str, urgency: &str) -> &'static str {
    match (impact, urgency) {
        ("1", "1") => "1",
        ("1", "2") | ("2", "1") => "2",
        ("1", "3") | ("2", "2") | ("3", "1") => "3",
        ("2", "3") | ("3", "2") => "4",
        _ => "5",
    }
}
