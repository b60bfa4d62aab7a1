//! Faults: what goes wrong, for which requests, how often.

use std::collections::BTreeMap;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The request is refused and nothing happens.
    RefuseWith {
        /// The HTTP status.
        status: u16,
        /// The body, sent as JSON.
        #[serde(default)]
        body: Value,
        /// Further headers, such as `retry-after`.
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// Nothing happens and no answer comes.
    TimeoutBeforeCommit,
    /// The change happens and no answer comes.
    TimeoutAfterCommit,
    /// The change happens; the answer is a 200 that is not JSON.
    Garbage,
    /// A single record is answered as it was `behind` changes ago.
    StaleRead {
        /// How many changes the answer lags behind.
        behind: usize,
    },
    /// An automation of the vendor changes `field` right after an accepted write.
    Overrule {
        /// The vendor's name of the field.
        field: String,
        /// The value the automation insists on.
        value: Value,
    },
    /// The answer comes this many milliseconds late.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// The webhook is never sent.
    DropWebhooks,
    /// The webhook is sent twice.
    DuplicateWebhooks,
    /// The webhook waits until it is released.
    HoldWebhooks,
}

impl Fault {
    /// Whether it strikes outgoing webhooks rather than requests.
    pub fn strikes_webhooks(&self) -> bool {
        matches!(
            self,
            Self::DropWebhooks | Self::DuplicateWebhooks | Self::HoldWebhooks
        )
    }
}

/// A fault with what it strikes. The first rule that matches is the one applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Only this method, such as `PUT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only paths that contain this; for webhooks, event types that do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_contains: Option<String>,
    /// How often it strikes; without it, until it is cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
}

impl FaultRule {
    /// Strikes everything, always.
    pub fn always(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            path_contains: None,
            remaining: None,
        }
    }

    /// Strikes once.
    pub fn once(fault: Fault) -> Self {
        Self::always(fault).times(1)
    }

    /// Strikes `count` times.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.remaining = Some(count);
        self
    }

    /// Strikes only requests of this method.
    #[must_use]
    pub fn method(mut self, method: &Method) -> Self {
        self.method = Some(method.to_string());
        self
    }

    /// Strikes only paths (or, for webhooks, event types) that contain `part`.
    #[must_use]
    pub fn path_contains(mut self, part: impl Into<String>) -> Self {
        self.path_contains = Some(part.into());
        self
    }

    fn matches(&self, method: Option<&Method>, path: &str) -> bool {
        self.remaining != Some(0)
            && self.fault.strikes_webhooks() == method.is_none()
            && self.method.as_ref().is_none_or(|wanted| {
                method.is_some_and(|method| wanted.eq_ignore_ascii_case(method.as_str()))
            })
            && self
                .path_contains
                .as_ref()
                .is_none_or(|part| path.contains(part.as_str()))
    }
}

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<FaultRule>,
    changed: bool,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.rules.push(rule);
        self.changed = true;
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
        self.changed = true;
    }

    pub(crate) fn rules(&self) -> &[FaultRule] {
        &self.rules
    }

    /// All of them, if they are others than at the last call.
    pub(crate) fn take_unsaved(&mut self) -> Option<Vec<FaultRule>> {
        std::mem::take(&mut self.changed).then(|| self.rules.clone())
    }

    /// Puts these in force, in place of the present ones.
    pub(crate) fn take_up(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules;
    }

    /// Takes the fault for a request.
    pub(crate) fn for_request(&mut self, method: &Method, path: &str) -> Option<Fault> {
        self.strike(Some(method), path)
    }

    /// Takes the fault for a webhook.
    pub(crate) fn for_webhook(&mut self, event_type: &str) -> Option<Fault> {
        self.strike(None, event_type)
    }

    fn strike(&mut self, method: Option<&Method>, path: &str) -> Option<Fault> {
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| rule.matches(method, path))?;
        if let Some(remaining) = &mut rule.remaining {
            *remaining -= 1;
            self.changed = true;
        }
        let fault = rule.fault.clone();
        self.rules.retain(|rule| rule.remaining != Some(0));
        Some(fault)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_rule_strikes_what_it_names_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(
            FaultRule::always(Fault::Garbage)
                .times(2)
                .method(&Method::PUT)
                .path_contains("/incidents/"),
        );
        assert_eq!(faults.for_request(&Method::GET, "/incidents/Q1"), None);
        assert_eq!(faults.for_request(&Method::PUT, "/users/Q1"), None);
        for _ in 0..2 {
            let fault = faults.for_request(&Method::PUT, "/incidents/Q1");
            assert_eq!(fault, Some(Fault::Garbage));
        }
        assert_eq!(faults.for_request(&Method::PUT, "/incidents/Q1"), None);
        assert_eq!(faults.rules(), []);
    }

    #[test]
    fn webhook_faults_and_request_faults_do_not_mix() {
        let mut faults = Faults::default();
        faults.add(FaultRule::once(Fault::DropWebhooks).path_contains("resolved"));
        assert_eq!(faults.for_request(&Method::GET, "/resolved"), None);
        assert_eq!(faults.for_webhook("incident.triggered"), None);
        assert_eq!(
            faults.for_webhook("incident.resolved"),
            Some(Fault::DropWebhooks)
        );
        faults.add(FaultRule::once(Fault::Garbage));
        assert_eq!(faults.for_webhook("incident.resolved"), None);
    }

    #[test]
    fn a_rule_has_one_flat_json_form() {
        let rule: FaultRule = serde_json::from_str(
            r#"{"fault":"refuse_with","status":503,"method":"PUT","remaining":1}"#,
        )
        .unwrap();
        assert_eq!(
            rule.fault,
            Fault::RefuseWith {
                status: 503,
                body: Value::Null,
                headers: BTreeMap::new()
            }
        );
        assert_eq!(rule.remaining, Some(1));
    }
}
