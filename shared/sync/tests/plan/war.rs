//! Trace 11: two vendors' automations at war over a shared field.

use im_model::{Field, NoticeKind, Origin};
use im_sync::flips;

use crate::link::*;

/// Another link brings SEV-2, this vendor's automation makes "low" of it, for ever: the count ends it, and says so.
#[test]
fn trace_11_two_rules_at_war_are_stopped_by_a_count() {
    let mut link = in_agreement();
    let mut moves = 0;
    let mut stopped = None;
    for round in 0..50 {
        link = from_another_link(link, "SEV-2", 100 + round);
        let conclusion = link.execute();
        moves += usize::from(link.external_value(&Field::Severity).as_str() == Some("high"));
        if let Some(Some(notice)) = conclusion.notices.get(&Field::Severity) {
            stopped = Some(notice.kind);
            break;
        }
        link = link.vendor(Field::Severity, "low", 100 + round);
        link.execute();
        if link.incident.value(&Field::Severity).as_str() != Some("SEV-3") {
            stopped = link.notices.get(&Field::Severity).map(|notice| notice.kind);
            break;
        }
    }
    assert_eq!(stopped, Some(NoticeKind::Flipping));
    assert!(
        moves <= usize::try_from(flips::MOST).expect("small"),
        "{moves}"
    );
    assert!(link.plan().is_empty(), "both sides stay as they are");
    // A person's edit is heard at once…
    let mut edited = link.clone().platform(Field::Severity, "SEV-4", 700);
    edited.external.fields.remove(&Field::Severity);
    let edited = edited.vendor(Field::Severity, "high", 0);
    let decision = edited.decision(&Field::Severity).expect("heard");
    assert_eq!(decision.action, push("low"));
}

fn from_another_link(link: Link, value: &str, second: i64) -> Link {
    let mut link = link.platform(Field::Severity, value, second);
    let state = link.incident.fields.get_mut(&Field::Severity).expect("set");
    state.origin = Origin::External {
        integration: "prod-jira".parse().expect("an id"),
        author: None,
    };
    link
}
