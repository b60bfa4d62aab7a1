//! What an integration with Jira is configured with.

use std::collections::BTreeMap;

use super::{verify::Scheme, workflow::fields::OPTION_PREFIX};
use crate::{Configuration, CustomField, custom_fields};

type Options = BTreeMap<String, String>;

pub(super) const CONFIGURATION: Configuration = Configuration {
    options: &[
        "project",
        "issue_type",
        "signature_scheme",
        "webhook_base_path",
        "resolution",
        OPTION_PREFIX,
        "status.open",
        "status.acknowledged",
        "status.mitigated",
        "status.resolved",
        "status.closed",
        "custom.",
    ],
    required_options: &["project", "issue_type"],
    credentials: &[
        "email",
        "api_key",
        "access_token",
        "client_key",
        "webhook_secret",
        "previous_webhook_secret",
    ],
    required_credentials: &["webhook_secret"],
    logins: &[&["email", "api_key"], &["access_token"]],
};

/// An option, unless it is absent or emptied.
pub(super) fn option<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    let text = options.get(name)?.trim();
    (!text.is_empty()).then_some(text)
}

/// The scheme by which webhooks are signed; `None` if the option names none.
pub(super) fn scheme(options: &Options) -> Option<Scheme> {
    match option(options, "signature_scheme") {
        None | Some("connect") => Some(Scheme::Connect),
        Some("oauth") => Some(Scheme::OAuth),
        Some("hub") => Some(Scheme::HubSignature),
        Some(_) => None,
    }
}

/// The path that Jira signs: relative to the base URL that it knows the app by.
pub(super) fn signed_path(options: &Options, integration: &str) -> String {
    let base = option(options, "webhook_base_path").unwrap_or_default();
    format!("{}/webhooks/jira/{integration}", base.trim_end_matches('/'))
}

/// The custom fields that are mapped. Options that are wrong were refused when they were set.
pub(super) fn custom(options: &Options) -> Vec<CustomField> {
    custom_fields(options).unwrap_or_default()
}

/// The options that fill in transitions, with the default of the one field that nearly every workflow demands.
pub(super) fn transition_fields(options: &Options) -> Options {
    let mut fields = options.clone();
    let resolution = option(options, "resolution").unwrap_or("Done");
    fields
        .entry(format!("{OPTION_PREFIX}resolution"))
        .or_insert_with(|| resolution.to_owned());
    fields
}

/// Ids of projects and issue types are numbers; names and keys are none.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What is wrong with the values of options, by option.
pub(super) fn check(options: &Options) -> BTreeMap<String, String> {
    let mut problems = custom_fields(options).err().unwrap_or_default();
    for field in custom(options) {
        if !is_custom_field_id(&field.path) {
            let problem = "must be the id of a Jira custom field, e.g. customfield_10050";
            problems.insert(field.field.name(), problem.to_owned());
        }
    }
    let mut say = |name: &str, problem: &str| {
        problems.insert(name.to_owned(), problem.to_owned());
    };
    if scheme(options).is_none() {
        say("signature_scheme", "must be connect, oauth or hub");
    }
    if option(options, "project").is_some_and(|key| !is_project(key)) {
        say(
            "project",
            "must be the key of a Jira project, e.g. OPS, or its id",
        );
    }
    if option(options, "webhook_base_path").is_some_and(|path| !is_path(path)) {
        say(
            "webhook_base_path",
            "must be a path, e.g. /im, without a query",
        );
    }
    problems
}

fn is_project(key: &str) -> bool {
    key.len() <= 255 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || c == '?' || c == '#')
}

fn is_custom_field_id(path: &str) -> bool {
    path.strip_prefix("customfield_").is_some_and(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> Options {
        Options::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn right_values_pass_and_wrong_ones_are_named() {
        for (name, value) in [
            ("signature_scheme", "hub"),
            ("signature_scheme", ""),
            ("project", "OPS"),
            ("project", "10001"),
            ("webhook_base_path", "/im"),
            ("custom.cost", "customfield_10050:number"),
            ("issue_type", "[System] Incident"),
        ] {
            assert_eq!(check(&given(name, value)), Options::new(), "{name}={value}");
        }
        for (name, value) in [
            ("signature_scheme", "none"),
            ("project", "OPS\" OR project = \"HR"),
            ("webhook_base_path", "im"),
            ("webhook_base_path", "/im?a=b"),
            ("custom.cost", "priority"),
            ("custom.cost", "customfield_10050:money"),
        ] {
            assert!(
                check(&given(name, value)).contains_key(name),
                "{name}={value}"
            );
        }
    }

    #[test]
    fn the_signed_path_has_the_prefix_of_the_apps_base_url() {
        assert_eq!(signed_path(&Options::new(), "a"), "/webhooks/jira/a");
        let prefixed = given("webhook_base_path", "/im/");
        assert_eq!(signed_path(&prefixed, "a"), "/im/webhooks/jira/a");
    }

    #[test]
    fn a_resolution_has_a_default_and_two_options_the_special_one_wins() {
        let resolution =
            |options: &Options| transition_fields(options)["transition_field.resolution"].clone();
        assert_eq!(resolution(&Options::new()), "Done");
        assert_eq!(resolution(&given("resolution", "Fixed")), "Fixed");
        let special = given("transition_field.resolution", "Solved");
        assert_eq!(resolution(&special), "Solved");
    }

    #[test]
    fn a_scheme_that_is_not_known_is_none() {
        assert_eq!(scheme(&Options::new()), Some(Scheme::Connect));
        assert_eq!(
            scheme(&given("signature_scheme", "oauth")),
            Some(Scheme::OAuth)
        );
        assert_eq!(scheme(&given("signature_scheme", "Hub")), None);
    }
}
