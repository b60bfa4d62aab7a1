//! The states of a record: which code stands for which of the platform's statuses.

use std::collections::BTreeMap;

use im_model::Status;
use im_sync::{Otherwise, ValueMap};

use super::options::option;

/// The code of a new record (FACTS.md, "Incident").
pub(super) const NEW: &str = "1";

/// On Hold, which needs a `hold_reason` (FACTS.md, "Incident").
pub(super) const ON_HOLD: &str = "3";

/// What a code means where no option says otherwise (interface.md, "Default value maps").
const INWARD: [(&str, Status); 6] = [
    ("1", Status::Open),
    ("2", Status::Acknowledged),
    ("3", Status::Acknowledged),
    ("6", Status::Resolved),
    ("7", Status::Closed),
    ("8", Status::Closed),
];

/// An instance's states. Options `state.<status>` name the code that a status is sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct States {
    /// In the order of an incident's life, with whether an option says so.
    codes: Vec<(Status, String, bool)>,
}

impl States {
    pub(super) fn of(options: &BTreeMap<String, String>) -> Self {
        let code = |status: &Status| {
            let configured = option(options, &name(*status));
            let code = configured.unwrap_or(default_code(*status));
            (*status, code.to_owned(), configured.is_some())
        };
        Self {
            codes: Status::ALL.iter().map(code).collect(),
        }
    }

    /// The options that name a code, with it.
    pub(super) fn configured(
        options: &BTreeMap<String, String>,
    ) -> impl Iterator<Item = (String, &str)> {
        Status::ALL.iter().filter_map(|status| {
            let name = name(*status);
            let code = option(options, &name)?;
            Some((name, code))
        })
    }

    pub(super) fn outward(&self) -> ValueMap {
        let entries = self.codes.iter();
        ValueMap::Table {
            entries: entries
                .map(|(status, code, _)| (status.to_string(), code.clone()))
                .collect(),
            otherwise: Otherwise::Error,
        }
    }

    /// A configured code comes back as its status; as the earliest one, if several are sent as it.
    pub(super) fn inward(&self) -> ValueMap {
        let defaults = INWARD.iter();
        let mut entries: BTreeMap<_, _> = defaults
            .map(|(code, status)| ((*code).to_owned(), status.to_string()))
            .collect();
        for (at, (status, code, is_configured)) in self.codes.iter().enumerate() {
            let is_first = !self.codes[..at].iter().any(|(_, other, _)| other == code);
            if *is_configured && is_first {
                entries.insert(code.clone(), status.to_string());
            }
        }
        ValueMap::Table {
            entries,
            otherwise: Otherwise::LeaveAlone,
        }
    }

    /// The codes of the base system, and those that the options name.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        let own = self.codes.iter().map(|(_, code, _)| code.as_str());
        INWARD.iter().map(|(code, _)| *code).chain(own)
    }

    /// Does this code end the work, so that it needs `close_code` and `close_notes` (FACTS.md, "Incident")?
    pub(super) fn is_end(&self, code: &str) -> bool {
        let mut codes = self.codes.iter();
        codes.any(|(status, own, _)| {
            matches!(status, Status::Resolved | Status::Closed) && own == code
        })
    }
}

fn name(status: Status) -> String {
    format!("state.{status}")
}

fn default_code(status: Status) -> &'static str {
    match status {
        Status::Open => NEW,
        Status::Acknowledged | Status::Mitigated => "2",
        Status::Resolved => "6",
        Status::Closed => "7",
    }
}

#[cfg(test)]
mod tests {
    use im_model::Value;

    use super::*;

    fn states(pairs: &[(&str, &str)]) -> States {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        States::of(&owned.collect())
    }

    fn mapped(map: &ValueMap, text: &str) -> Option<String> {
        let mapped = map.apply(&Value::text(text));
        Some(mapped.value()?.as_str()?.to_owned())
    }

    fn maps(states: &States, out: [(&str, &str); 5], back: &[(&str, Option<&str>)]) {
        for (status, code) in out {
            assert_eq!(
                mapped(&states.outward(), status).as_deref(),
                Some(code),
                "{status}"
            );
        }
        for (code, status) in back {
            assert_eq!(mapped(&states.inward(), code).as_deref(), *status, "{code}");
        }
    }

    #[test]
    fn the_default_model_is_the_guides() {
        let states = states(&[("state.open", "")]);
        let out = [
            ("open", "1"),
            ("acknowledged", "2"),
            ("mitigated", "2"),
            ("resolved", "6"),
            ("closed", "7"),
        ];
        let back = [
            ("1", Some("open")),
            ("2", Some("acknowledged")),
            ("3", Some("acknowledged")),
            ("6", Some("resolved")),
            ("7", Some("closed")),
            ("8", Some("closed")),
            ("4", None),
        ];
        maps(&states, out, &back);
        assert!(states.is_end("6") && states.is_end("7"));
        assert!(!states.is_end("2") && !states.is_end("8"));
    }

    #[test]
    fn a_configured_code_comes_back_as_the_earliest_status_that_is_sent_as_it() {
        let states = states(&[
            ("state.open", "10"),
            ("state.mitigated", "3"),
            ("state.closed", "6"),
        ]);
        let out = [
            ("open", "10"),
            ("acknowledged", "2"),
            ("mitigated", "3"),
            ("resolved", "6"),
            ("closed", "6"),
        ];
        let back = [
            ("10", Some("open")),
            ("1", Some("open")),
            ("3", Some("mitigated")),
            ("6", Some("resolved")),
            ("7", Some("closed")),
        ];
        maps(&states, out, &back);
        assert!(states.is_end("6") && !states.is_end("7"));
        let explicit = super::tests::states(&[("state.mitigated", "2")]);
        assert_eq!(
            mapped(&explicit.inward(), "2").as_deref(),
            Some("acknowledged")
        );
    }
}
