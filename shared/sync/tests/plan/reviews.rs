//! Manual review: a field waits, its siblings do not; what was chosen holds for the pair it was chosen for.

use im_model::{ConflictStrategy, ExternalValue, Field, PlatformValue, Verdict};
use im_sync::{Action, ConflictStep};

use crate::link::*;

/// The title is in review, with "ours" and "theirs".
fn in_review() -> Link {
    let mut link = in_agreement();
    link.rules.strategy = ConflictStrategy::ManualReview;
    link = link
        .platform(Field::Title, "ours", 60)
        .vendor(Field::Title, "theirs", 70);
    link.execute();
    assert_eq!(link.reviews[&Field::Title].verdict, Verdict::Pending);
    link
}

fn values(link: &Link) -> (PlatformValue, ExternalValue) {
    (
        link.incident.value(&Field::Title),
        link.external_value(&Field::Title),
    )
}

fn both(platform: &str, external: &str) -> (PlatformValue, ExternalValue) {
    (PlatformValue::text(platform), ExternalValue::text(external))
}

/// Ten more looks at what is there change nothing.
fn stays(link: &mut Link) {
    let before = values(link);
    for _ in 0..10 {
        let plan = link.plan();
        assert!(plan.is_empty(), "{plan:?}");
        link.execute();
    }
    assert_eq!(values(link), before);
}

#[test]
fn a_field_in_review_moves_in_neither_direction_while_its_siblings_do() {
    let mut link = in_review()
        .platform(Field::Status, "acknowledged", 80)
        .vendor(Field::Severity, "low", 80);
    link.execute();
    assert_eq!(values(&link), both("ours", "theirs"));
    assert_eq!(
        link.external_value(&Field::Status).as_str(),
        Some("acknowledged")
    );
    assert_eq!(
        link.incident.value(&Field::Severity).as_str(),
        Some("SEV-3")
    );
    stays(&mut link);
}

#[test]
fn later_edits_update_the_queued_conflict() {
    let mut link = in_review().vendor(Field::Title, "theirs again", 80);
    let conflict = link.reviews[&Field::Title].conflict.clone();
    let decision = link.decision(&Field::Title).expect("an update");
    assert_eq!(decision.action, Action::Hold);
    assert_eq!(
        decision.conflict,
        Some(ConflictStep::Update {
            conflict: conflict.clone()
        })
    );
    link.execute();
    let mut link = link.platform(Field::Title, "ours again", 90);
    link.execute();
    assert_eq!(
        link.reviews[&Field::Title].conflict,
        conflict,
        "one question, not three"
    );
    link.choose(&Field::Title, Verdict::UseExternal);
    link.execute();
    assert_eq!(values(&link), both("theirs again", "theirs again"));
    stays(&mut link);
}

#[test]
fn each_choice_leaves_both_sides_as_it_says_and_stays_so() {
    for (verdict, expected) in [
        (Verdict::UsePlatform, both("ours", "ours")),
        (Verdict::UseExternal, both("theirs", "theirs")),
        (Verdict::Ignore, both("ours", "theirs")),
    ] {
        let mut link = in_review();
        link.choose(&Field::Title, verdict.clone());
        link.execute();
        assert_eq!(values(&link), expected, "{verdict:?}");
        stays(&mut link);
    }
}

#[test]
fn a_choice_for_values_that_are_no_more_is_asked_again_and_writes_nothing() {
    for verdict in [Verdict::UsePlatform, Verdict::UseExternal, Verdict::Ignore] {
        let mut link = in_review();
        link.choose(&Field::Title, verdict);
        let mut link = link.vendor(Field::Title, "newer", 80);
        link.execute();
        assert_eq!(values(&link), both("ours", "newer"));
        assert_eq!(link.reviews[&Field::Title].verdict, Verdict::Pending);
    }
}

#[test]
fn what_was_ignored_is_left_alone_until_one_side_changes() {
    let mut link = in_review();
    link.choose(&Field::Title, Verdict::Ignore);
    link.execute();
    assert_eq!(link.reviews[&Field::Title].verdict, Verdict::Ignore);
    let mut link = link.platform(Field::Title, "moved on", 800);
    link.execute();
    assert_eq!(values(&link), both("moved on", "moved on"));
    assert!(link.reviews.is_empty());
}

#[test]
fn two_that_come_to_say_the_same_are_no_question_any_more() {
    let mut link = in_review().vendor(Field::Title, "ours", 80);
    let decision = link.decision(&Field::Title).expect("agreed");
    assert!(matches!(
        decision.conflict,
        Some(ConflictStep::Agree { .. })
    ));
    link.execute();
    assert!(link.reviews.is_empty());
    stays(&mut link);
}

#[test]
fn a_choice_that_may_not_flow_any_more_moves_nothing() {
    let mut link = in_review();
    link.choose(&Field::Title, Verdict::UsePlatform);
    let mut link = link.direction(im_model::Direction::Inbound);
    link.execute();
    assert_eq!(values(&link), both("ours", "theirs"));
    stays(&mut link);
}

/// The vendor's value was chosen, and just now the vendor does not show the field: the choice waits for it.
#[test]
fn a_choice_of_a_value_that_is_not_shown_waits_until_it_is() {
    let mut link = in_review();
    link.choose(&Field::Title, Verdict::UseExternal);
    let shown = link.external.fields.remove(&Field::Title).expect("shown");
    assert!(link.plan().is_empty(), "{:?}", link.plan());
    link.external.fields.insert(Field::Title, shown);
    link.execute();
    assert_eq!(values(&link), both("theirs", "theirs"));
    stays(&mut link);
}

/// A person has the last word in a war of rules.
#[test]
fn a_choice_is_carried_out_where_two_rules_are_at_war() {
    for (verdict, expected) in [
        (Verdict::UsePlatform, both("ours", "ours")),
        (Verdict::UseExternal, both("theirs", "theirs")),
    ] {
        let mut link = in_review();
        let state = link.incident.fields.get_mut(&Field::Title).expect("set");
        state.origin = im_model::Origin::External {
            integration: "prod-jira".parse().expect("an id"),
            author: None,
        };
        let [ours, theirs] = ["ours", "theirs"].map(|text| PlatformValue::text(text).digest());
        let flips = (0..im_sync::flips::MOST).fold(None, |known, _| {
            let counted = im_sync::flips::counted(known.as_ref(), ours, theirs, link.now);
            Some(counted)
        });
        link.flips.extend(flips.map(|flips| (Field::Title, flips)));
        link.choose(&Field::Title, verdict.clone());
        link.execute();
        assert_eq!(values(&link), expected, "{verdict:?}");
    }
}

/// What waits for a person is not looked up again at every hint.
#[test]
fn a_queued_conflict_asks_no_history_until_a_side_changes() {
    let mut link = in_agreement();
    link.rules.strategy = ConflictStrategy::ManualReview;
    let mut link =
        link.platform(Field::Title, "ours", 60)
            .vendor_record(Field::Title, "theirs", 70);
    assert!(link.wanting().contains(&Field::Title));
    link.execute();
    assert!(link.wanting().is_empty());
    let mut chosen = link.clone();
    chosen.choose(&Field::Title, Verdict::UsePlatform);
    assert!(chosen.wanting().is_empty(), "the person has decided");
    let edited = link.vendor_record(Field::Title, "theirs again", 80);
    assert!(edited.wanting().contains(&Field::Title));
}
