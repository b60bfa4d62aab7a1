//! What a creation at the vendor can send, and what both sides hold then.

use std::collections::BTreeMap;

use im_model::{BasePair, ExternalValue, Field, Incident, NoticeKind, PlatformValue};

use crate::{LinkRules, Mapped, Sent};

/// An incident's values as a new record would get them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outward {
    /// Those that may flow to the vendor, and that its fields can hold.
    pub values: BTreeMap<Field, ExternalValue>,
    /// Those that may, and cannot be sent.
    pub refused: BTreeMap<Field, (NoticeKind, String)>,
}

/// What of an incident may flow to a new record.
pub fn outward_values(incident: &Incident, rules: &LinkRules) -> Outward {
    let mut outward = Outward::default();
    for (field, rule) in &rules.fields {
        let platform = incident.value(field);
        if platform.is_empty() || !rule.ownership.lets_out() {
            continue;
        }
        match rule.outward.apply(&platform.0) {
            Mapped::LeaveAlone => {}
            Mapped::Unmapped => {
                let why = format!("the outbound map has no answer for {platform:?}");
                let refused = (NoticeKind::Unmapped, why);
                outward.refused.insert(field.clone(), refused);
            }
            Mapped::Value(value) => {
                let value = ExternalValue(value);
                if let Some(why) = rule.limit.refuses(&value) {
                    let refused = (NoticeKind::Unwritable, why);
                    outward.refused.insert(field.clone(), refused);
                } else {
                    outward.values.insert(field.clone(), value);
                }
            }
        }
    }
    outward
}

/// What is sent in a creation, with the platform's values it stands for.
pub fn sent_in_creation(
    incident: &Incident,
    values: &BTreeMap<Field, ExternalValue>,
) -> BTreeMap<Field, Sent> {
    let sent = values.iter().map(|(field, value)| {
        let sent = Sent {
            platform: incident.value(field),
            external: value.clone(),
        };
        (field.clone(), sent)
    });
    sent.collect()
}

/// What both sides will hold when the record is there: what is sent, and what a creation sets by itself.
pub fn base_of_creation(
    implied: &BTreeMap<Field, Sent>,
    sent: &BTreeMap<Field, Sent>,
) -> BTreeMap<Field, BasePair> {
    let pairs = implied.iter().chain(sent).map(|(field, pair)| {
        let pair = BasePair::written(&pair.platform, &pair.external);
        (field.clone(), pair)
    });
    pairs.collect()
}

/// What a creation sets by itself, with the platform's value it stands for. Where the platform already says something
/// else, its side is empty: its value counts as a change since.
pub fn implied_pairs(
    incident: &Incident,
    rules: &LinkRules,
    implied: BTreeMap<Field, ExternalValue>,
) -> BTreeMap<Field, Sent> {
    let pairs = implied.into_iter().filter_map(|(field, external)| {
        let platform = incident.value(&field);
        let outward = rules.fields.get(&field)?.outward.apply(&platform.0);
        let platform = if outward.value() == Some(&external.0) {
            platform
        } else {
            PlatformValue::EMPTY
        };
        Some((field, Sent { platform, external }))
    });
    pairs.collect()
}
