//! What an integration with `ServiceNow` is configured with.

use std::collections::BTreeMap;

use http::HeaderName;

use super::state::{ON_HOLD, States};
use crate::{Configuration, CustomField, custom_fields};

type Options = BTreeMap<String, String>;

pub(super) const CONFIGURATION: Configuration = Configuration {
    options: &[
        "table",
        "close_code",
        "close_notes",
        "hold_reason",
        "state.open",
        "state.acknowledged",
        "state.mitigated",
        "state.resolved",
        "state.closed",
        "signature_header",
        "signature_encoding",
        "custom.",
    ],
    required_options: &[],
    credentials: &[
        "username",
        "password",
        "client_id",
        "client_secret",
        "webhook_secret",
        "previous_webhook_secret",
    ],
    required_credentials: &["webhook_secret"],
    logins: &[&["username", "password"], &["client_id", "client_secret"]],
};

/// The header that our Business Rule signs in.
pub(super) const DEFAULT_HEADER: &str = "X-ServiceNow-Signature";

/// Most characters of a table's or a column's name: `ServiceNow` has none longer than this.
pub(super) const MOST_OF_A_NAME: usize = 80;

/// Said where something is resolved or closed and no option says it otherwise.
const DEFAULT_CLOSE_NOTES: &str = "Resolved on the incident platform; what was done is said there.";

/// Columns that a custom field must not be mapped to: we write them, or `ServiceNow` computes them.
const TAKEN: [&str; 14] = [
    "short_description",
    "description",
    "impact",
    "urgency",
    "priority",
    "state",
    "incident_state",
    "assigned_to",
    "correlation_id",
    "close_code",
    "close_notes",
    "hold_reason",
    "comments",
    "work_notes",
];

/// In which forms a signature may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Hex,
    Base64,
    Any,
}

impl Encoding {
    pub(super) fn allows_hex(self) -> bool {
        self != Self::Base64
    }

    pub(super) fn allows_base64(self) -> bool {
        self != Self::Hex
    }
}

/// An option, unless it is absent or emptied.
pub(super) fn option<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    let text = options.get(name)?.trim();
    (!text.is_empty()).then_some(text)
}

/// The table that the records are in.
pub(super) fn table(options: &Options) -> &str {
    option(options, "table").unwrap_or("incident")
}

/// `None` if the option is no header's name.
pub(super) fn signature_header(options: &Options) -> Option<HeaderName> {
    let name = option(options, "signature_header").unwrap_or(DEFAULT_HEADER);
    name.parse().ok()
}

/// `None` if the option names no encoding.
pub(super) fn signature_encoding(options: &Options) -> Option<Encoding> {
    match option(options, "signature_encoding") {
        None | Some("any") => Some(Encoding::Any),
        Some("hex") => Some(Encoding::Hex),
        Some("base64") => Some(Encoding::Base64),
        Some(_) => None,
    }
}

/// What is sent with a state that ends the work. `close_code` has no default: its values differ per instance (FACTS.md).
pub(super) fn closure(options: &Options) -> Vec<(&'static str, &str)> {
    let notes = option(options, "close_notes").unwrap_or(DEFAULT_CLOSE_NOTES);
    let code = option(options, "close_code").map(|code| ("close_code", code));
    code.into_iter().chain([("close_notes", notes)]).collect()
}

/// The custom fields that are mapped. Options that are wrong were refused when they were set.
pub(super) fn custom(options: &Options) -> Vec<CustomField> {
    custom_fields(options).unwrap_or_default()
}

/// 32 hexadecimal digits in lower case: what may stand in a query.
pub(super) fn is_sys_id(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// What is wrong with the values of options, by option.
pub(super) fn check(options: &Options) -> BTreeMap<String, String> {
    let mut problems = custom_fields(options).err().unwrap_or_default();
    for field in custom(options) {
        if let Some(problem) = problem_with_column(&field.path) {
            problems.insert(field.field.name(), problem);
        }
    }
    for (name, code) in States::configured(options) {
        if !is_code(code) {
            problems.insert(name, "must be a state's code, e.g. 2".to_owned());
        }
    }
    let mut say = |name: &str, problem: &str| {
        problems.insert(name.to_owned(), problem.to_owned());
    };
    if !is_name(table(options)) {
        say(
            "table",
            "must be a table's name, e.g. incident: a-z, 0-9 and _",
        );
    }
    if signature_header(options).is_none() {
        say("signature_header", "must be the name of an HTTP header");
    }
    if signature_encoding(options).is_none() {
        say("signature_encoding", "must be hex, base64 or any");
    }
    let holds = States::configured(options).any(|(_, code)| code == ON_HOLD);
    if holds && option(options, "hold_reason").is_none() {
        say(
            "hold_reason",
            "must be set where a status is sent as state 3 (On Hold), which needs a reason",
        );
    }
    problems
}

fn is_code(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    (1..=MOST_OF_A_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn problem_with_column(column: &str) -> Option<String> {
    if !is_name(column) {
        return Some(
            "must be the name of a ServiceNow column, e.g. u_cost_center: a-z, 0-9 and _"
                .to_owned(),
        );
    }
    let is_taken = TAKEN.contains(&column) || column.starts_with("sys_");
    is_taken.then(|| format!("{column} is no custom column: it is kept by im or by ServiceNow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Options {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        owned.collect()
    }

    #[test]
    fn right_values_pass_and_wrong_ones_are_named() {
        for (name, value) in [
            ("table", "x_acme_incident"),
            ("table", ""),
            ("state.open", "10"),
            ("state.closed", ""),
            ("signature_header", "X-Hub-Signature-256"),
            ("signature_encoding", "base64"),
            ("close_code", "Solved (Permanently)"),
            ("custom.cost", "u_cost:number"),
            ("custom.number", "number"),
        ] {
            assert_eq!(
                check(&given(&[(name, value)])),
                Options::new(),
                "{name}={value}"
            );
        }
        for (name, value) in [
            ("table", "incident/../sys_user"),
            ("table", "Incident"),
            ("state.open", "New"),
            ("state.mitigated", "2^ORDERBY"),
            ("signature_header", "X Mac"),
            ("signature_encoding", "base32"),
            ("custom.cost", "u_cost:money"),
            ("custom.cost", "U_COST"),
            ("custom.cost", "priority"),
            ("custom.cost", "work_notes"),
            ("custom.cost", "sys_id"),
        ] {
            let problems = check(&given(&[(name, value)]));
            assert!(problems.contains_key(name), "{name}={value}");
        }
    }

    #[test]
    fn on_hold_needs_a_reason() {
        let on_hold = ("state.mitigated", "3");
        assert!(check(&given(&[on_hold])).contains_key("hold_reason"));
        assert_eq!(
            check(&given(&[on_hold, ("hold_reason", "1")])),
            Options::new()
        );
    }

    #[test]
    fn a_closure_says_where_it_comes_from_and_has_no_code_of_its_own() {
        let none = Options::new();
        let [(name, notes)] = closure(&none)[..] else {
            panic!("not one")
        };
        assert_eq!(name, "close_notes");
        assert!(notes.contains("incident platform"), "{notes}");
        let given = given(&[("close_code", "Solved"), ("close_notes", "See im.")]);
        let expected = [("close_code", "Solved"), ("close_notes", "See im.")];
        assert_eq!(closure(&given), expected);
    }

    #[test]
    fn only_a_sys_id_is_one() {
        assert!(is_sys_id("a9e30c7dc61122760116894de7bcc7bd"));
        for bad in [
            "",
            "a9e30c7dc61122760116894de7bcc7b",
            "A9E30C7DC61122760116894DE7BCC7BD",
            "a9e30c7dc61122760116894de7bcc7b^",
        ] {
            assert!(!is_sys_id(bad), "{bad}");
        }
    }

    #[test]
    fn each_configured_option_is_one_that_is_checked_or_free_text() {
        for name in ["state.open", "custom.cost", "table", "hold_reason"] {
            assert!(CONFIGURATION.knows_option(name), "{name}");
        }
        for name in ["state.", "state.new", "priority"] {
            assert!(!CONFIGURATION.knows_option(name), "{name}");
        }
    }
}
