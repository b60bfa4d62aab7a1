//! A listed record beside what the platform holds. A listing is a hint: it says what is worth a closer look.

use im_model::{DriftItem, ExternalRecord, Incident, Integration, Link, LinkState};
use im_sync::{Action, LinkRules, PlanInput, plan, unhealed};
use jiff::Timestamp;

use crate::sync::{drift, has_moved, left};

/// What a listed record looks like beside its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// As it should be, or not to be judged by a listing.
    Fine,
    /// Something is on its way already.
    InProgress,
    /// Worth a closer look. What the listing says is for where there is no time for one.
    Differs(Vec<DriftItem>),
}

/// Compares a record with the link that names it.
pub(super) fn compare(
    integration: &Integration,
    rules: &LinkRules,
    incident: &Incident,
    record: &ExternalRecord,
    now: Timestamp,
) -> Look {
    let Some(link) = incident.links.get(&integration.id) else {
        return Look::Fine;
    };
    let LinkState::Linked { external_id, url } = &link.state else {
        return Look::Fine;
    };
    // Trace 19: what the link has seen since is newer.
    let is_stale = link
        .record_version
        .is_some_and(|known| record.version < known);
    if *external_id != record.id || is_stale {
        return Look::Fine;
    }
    if is_on_its_way(integration, incident) {
        return Look::InProgress;
    }
    let lapses = record.merged_into.is_some() || has_moved(url.as_deref(), record.url.as_deref());
    let input = input(integration, rules, incident, link, record, now);
    let planned = plan(&input);
    let is_drift = planned
        .decisions
        .values()
        .any(|decision| decision.action != Action::Rebase);
    let unhealed = unhealed(&input);
    if !lapses && !is_drift && unhealed.is_empty() {
        return Look::Fine;
    }
    let decided = planned.decisions.iter();
    let decided = decided.filter_map(|(field, it)| drift(incident, &record.id, field, it));
    let unhealed = unhealed.iter();
    let unhealed = unhealed.map(|(field, it)| left(incident, &record.id, field, it));
    let items = decided.chain(unhealed).map(|item| DriftItem {
        verified: false,
        ..item
    });
    Look::Differs(items.collect())
}

/// Is the integration owed the incident, and nothing says that it is stuck?
pub(super) fn is_on_its_way(integration: &Integration, incident: &Incident) -> bool {
    let id = &integration.id;
    incident.pending.contains_key(id) && !incident.dead.contains_key(id)
}

fn input<'a>(
    integration: &'a Integration,
    rules: &'a LinkRules,
    incident: &'a Incident,
    link: &'a Link,
    record: &'a ExternalRecord,
    now: Timestamp,
) -> PlanInput<'a> {
    PlanInput {
        base: &link.base,
        incident,
        external: record,
        rules,
        created_from: link.created_from,
        notices: &link.notices,
        insist: false,
        heals_for: Some(&integration.id),
        reviews: &link.reviews,
        flips: &link.flips,
        now,
    }
}
