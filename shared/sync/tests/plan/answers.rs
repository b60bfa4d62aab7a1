//! What the vendor's answer and its history make of a plan.

use std::collections::BTreeMap;

use im_model::{ExternalValue, Field, NoticeKind, Observed, PlatformValue};
use im_sync::{Answer, Sent, conclude, settle};

use crate::link::*;

#[test]
fn an_overruled_value_becomes_base_and_is_not_sent_again() {
    let mut link = in_agreement().platform(Field::Status, "resolved", 60);
    let plan = link.plan();
    let mut answered = link.external.clone();
    answered.fields.insert(
        Field::Status,
        Observed::value(ExternalValue::text("acknowledged")),
    );
    let answer = Answer {
        record: Some(answered.clone()),
        ..Answer::default()
    };
    let conclusion = conclude(&plan, &link.rules, &link.incident, &answer, at(61));
    assert_eq!(
        conclusion.notices[&Field::Status]
            .as_ref()
            .map(|notice| notice.kind),
        Some(NoticeKind::Overruled)
    );
    assert!(
        conclusion.pulls.is_empty(),
        "nobody said that the vendor owns it"
    );
    link.base.extend(conclusion.base);
    link.external = answered;
    assert!(link.plan().is_empty());
}

/// Trace 6: a user's edit right after our write is no overruling.
#[test]
fn trace_6_a_later_edit_is_a_change_and_is_pulled() {
    let mut link = in_agreement().platform(Field::Status, "resolved", 60);
    let plan = link.plan();
    link.external.fields.insert(
        Field::Status,
        Observed {
            value: ExternalValue::text("triggered"),
            changed: Some(vendor_time(62)),
            author: None,
        },
    );
    let answer = Answer {
        record: Some(link.external.clone()),
        superseded: [Field::Status].into(),
        ..Answer::default()
    };
    let conclusion = conclude(&plan, &link.rules, &link.incident, &answer, at(63));
    link.base.extend(conclusion.base);
    let decision = link.decision(&Field::Status).expect("the edit is seen");
    assert_eq!(pulled(&decision), Some("open"));
}

/// Trace 5: a claim is recognised by the vendor's history, not by the value alone.
#[test]
fn trace_5_a_write_that_a_user_has_undone_is_found_in_the_history() {
    let mut link = in_agreement().platform(Field::Status, "resolved", 60);
    let sent = BTreeMap::from([(
        Field::Status,
        Sent {
            platform: PlatformValue::text("resolved"),
            external: ExternalValue::text("resolved"),
        },
    )]);
    let change = |value: &str, second| im_sync::Change {
        field: Field::Status,
        value: Some(ExternalValue::text(value)),
        at: at(second),
        author: None,
    };
    let history = im_sync::History {
        changes: vec![change("resolved", 61), change("triggered", 65)],
    };
    link = link.vendor(Field::Status, "triggered", 65);
    link.base
        .extend(settle(&sent, &link.external, &history, at(61)));
    let decision = link
        .decision(&Field::Status)
        .expect("the user's edit is seen");
    assert_eq!(pulled(&decision), Some("open"), "and is not overwritten");
    // Without the history it looks as if our write had never happened.
    assert!(settle(&sent, &link.external, &im_sync::History::default(), at(61)).is_empty());
    // A change before the claim is not ours.
    assert!(settle(&sent, &link.external, &history, at(64)).is_empty());
}

/// Refused is refused, also where the value had won a conflict: no hint sends it again.
#[test]
fn a_conflicts_winner_that_the_vendor_refuses_is_not_sent_again() {
    let mut link =
        in_agreement()
            .platform(Field::Title, "ours", 70)
            .vendor(Field::Title, "theirs", 60);
    let plan = link.plan();
    assert_eq!(plan.decisions[&Field::Title].action, push("ours"));
    let answer = Answer {
        record: Some(link.external.clone()),
        refused: BTreeMap::from([(Field::Title, "a data policy".to_owned())]),
        ..Answer::default()
    };
    let conclusion = conclude(&plan, &link.rules, &link.incident, &answer, at(71));
    assert!(conclusion.failed.contains_key(&Field::Title));
    let notices = conclusion.notices.into_iter();
    link.notices
        .extend(notices.filter_map(|(field, notice)| Some((field, notice?))));
    assert!(link.plan().is_empty(), "{:?}", link.plan());
}
