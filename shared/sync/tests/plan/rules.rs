//! Rule by rule.

use std::collections::BTreeMap;

use im_model::{
    ConflictStrategy, Direction, Field, NoticeKind, Owner, Ownership, PlatformValue, Side,
    Writability,
};
use im_sync::{Action, Answer, Limit, Otherwise, Rule, ValueMap, conclude};
use jiff::SignedDuration;

use crate::link::*;

#[test]
fn rule_1_in_sync_moves_nothing_but_the_base() {
    assert!(in_agreement().plan().is_empty());
    let both = in_agreement()
        .platform(Field::Status, "resolved", 9)
        .vendor(Field::Status, "resolved", 8);
    let decision = both.decision(&Field::Status).expect("the base moves");
    assert_eq!(
        (decision.rule, decision.action),
        (Rule::InSync, Action::Rebase)
    );
}

#[test]
fn rule_1_the_echo_of_a_many_to_one_map_never_changes_the_value_it_came_from() {
    for (severity, urgency) in [("SEV-1", "high"), ("SEV-2", "high"), ("SEV-4", "low")] {
        let mut link = in_agreement().platform(Field::Severity, severity, 9);
        link.execute();
        let echo = link.vendor(Field::Severity, urgency, 10);
        assert!(echo.plan().is_empty(), "{severity}");
        assert_eq!(
            echo.incident.value(&Field::Severity).as_str(),
            Some(severity)
        );
    }
}

#[test]
fn rule_2_a_platform_change_is_pushed() {
    let decision = in_agreement()
        .platform(Field::Status, "acknowledged", 60)
        .decision(&Field::Status)
        .expect("a change");
    assert_eq!(
        (decision.rule, decision.action),
        (Rule::PlatformChanged, push("acknowledged"))
    );
}

#[test]
fn rule_2_what_may_not_flow_out_becomes_base_and_is_journaled_once() {
    let external = Ownership::only(Owner::External, 10);
    let mut link =
        in_agreement()
            .owned_by(&Field::Status, external)
            .platform(Field::Status, "closed", 60);
    let decision = link.decision(&Field::Status).expect("journaled");
    assert_eq!(
        (decision.rule, decision.action),
        (Rule::PlatformChanged, Action::Rebase)
    );
    link.execute();
    assert!(link.plan().is_empty());
}

#[test]
fn rule_3_a_vendor_change_is_pulled_with_its_time() {
    let link = in_agreement().vendor(Field::Status, "resolved", 60);
    let decision = link.decision(&Field::Status).expect("a change");
    assert_eq!(decision.rule, Rule::ExternalChanged);
    assert_eq!(
        decision.action,
        Action::Pull {
            value: PlatformValue::text("resolved"),
            changed_at: at(60),
            author: None,
        }
    );
}

#[test]
fn rule_3_what_may_not_flow_in_is_ignored_once() {
    let platform = Ownership::only(Owner::Platform, 10);
    let mut link =
        in_agreement()
            .owned_by(&Field::Title, platform)
            .vendor(Field::Title, "renamed", 60);
    assert_eq!(
        link.decision(&Field::Title).expect("journaled").action,
        Action::Rebase
    );
    link.execute();
    assert_eq!(link.incident.value(&Field::Title).as_str(), Some("db down"));
    assert!(link.plan().is_empty());
}

#[test]
fn rule_4_the_later_change_wins_a_tie_goes_to_the_platform_and_the_loser_is_recorded() {
    for (ours, theirs, winner) in [
        (60, 61, Side::External),
        (61, 60, Side::Platform),
        (60, 60, Side::Platform),
    ] {
        let link = in_agreement()
            .platform(Field::Status, "resolved", ours)
            .vendor(Field::Status, "acknowledged", theirs);
        let decision = link.decision(&Field::Status).expect("a conflict");
        assert_eq!(decision.rule, Rule::Conflict);
        assert_eq!(decision.notice, Some(NoticeKind::Conflict));
        let lost = decision.lost.clone().expect("somebody lost");
        match winner {
            Side::Platform => {
                assert_eq!(decision.action, push("resolved"));
                assert_eq!((lost.side, lost.changed_at), (Side::External, at(theirs)));
            }
            Side::External => {
                assert_eq!(pulled(&decision), Some("acknowledged"));
                assert_eq!((lost.side, lost.changed_at), (Side::Platform, at(ours)));
            }
        }
        assert_eq!(
            decision.platform.as_str(),
            Some("resolved"),
            "the journal has both values"
        );
        assert_eq!(decision.external.as_str(), Some("acknowledged"));
    }
}

#[test]
fn rule_4_ownership_priority_goes_before_the_clock() {
    let both = Ownership {
        platform: Some(20),
        external: Some(10),
    };
    let mut link = in_agreement()
        .owned_by(&Field::Status, both)
        .platform(Field::Status, "resolved", 60)
        .vendor(Field::Status, "acknowledged", 90);
    link.rules.strategy = ConflictStrategy::OwnershipPriority;
    assert_eq!(
        link.decision(&Field::Status).expect("one").action,
        push("resolved")
    );
    let tie = link.owned_by(
        &Field::Status,
        Ownership {
            platform: Some(5),
            external: Some(5),
        },
    );
    let decision = tie.decision(&Field::Status).expect("one");
    assert_eq!(
        pulled(&decision),
        Some("acknowledged"),
        "a tie falls back to the clock"
    );
}

#[test]
fn rule_4_two_edits_within_the_window_are_a_conflict_although_only_one_changed_since_base() {
    // Ann's edit was agreed on; a vendor's user edits 3 s later.
    let link = in_agreement()
        .platform(Field::Status, "acknowledged", 60)
        .vendor(Field::Status, "acknowledged", 60)
        .agreed()
        .vendor(Field::Status, "resolved", 63);
    let decision = link.decision(&Field::Status).expect("a change");
    assert_eq!(decision.rule, Rule::Conflict);
    assert_eq!(
        pulled(&decision),
        Some("resolved"),
        "it was edited after both agreed"
    );
    let later = link
        .vendor(Field::Status, "resolved", 66)
        .decision(&Field::Status);
    assert_eq!(later.expect("a change").rule, Rule::ExternalChanged);
}

#[test]
fn rule_4_our_own_write_is_nobodys_edit() {
    let mut link = in_agreement().platform(Field::Status, "acknowledged", 898);
    link.execute();
    // The vendor's time of our write is 900; the next edit is 2 s later.
    let decision = link
        .platform(Field::Status, "resolved", 902)
        .decision(&Field::Status)
        .expect("a change");
    assert_eq!(decision.rule, Rule::PlatformChanged);
}

/// Trace 8: direction outbound, field owned externally: nothing may flow, and nothing does.
#[test]
fn trace_8_neither_may_flow() {
    let link = || {
        in_agreement()
            .direction(Direction::Outbound)
            .owned_by(&Field::Status, Ownership::only(Owner::External, 10))
            .platform(Field::Status, "resolved", 60)
            .vendor(Field::Status, "acknowledged", 61)
    };
    assert_eq!(
        link()
            .decision(&Field::Status)
            .expect("both changed")
            .action,
        Action::Rebase
    );
    let mut unlinked = link();
    unlinked.base.clear();
    assert_eq!(
        unlinked.decision(&Field::Status).expect("no base").action,
        Action::Rebase
    );
}

#[test]
fn rule_5_the_owner_gives_the_first_value_else_the_side_the_link_was_created_from() {
    let first = |ownership, created_from| {
        let mut link = Link::new()
            .owned_by(&Field::Title, ownership)
            .platform(Field::Title, "ours", 1)
            .vendor(Field::Title, "theirs", 2);
        link.created_from = created_from;
        link.decision(&Field::Title).expect("they differ").action
    };
    let external = Ownership::only(Owner::External, 1);
    assert!(matches!(
        first(external, Side::Platform),
        Action::Pull { .. }
    ));
    assert_eq!(
        first(Ownership::only(Owner::Platform, 1), Side::External),
        push("ours")
    );
    assert_eq!(first(Ownership::default(), Side::Platform), push("ours"));
    assert!(matches!(
        first(Ownership::default(), Side::External),
        Action::Pull { .. }
    ));
}

#[test]
fn rule_5_an_empty_value_never_wipes_a_full_one() {
    let mut link = Link::new()
        .platform(Field::Title, "ours", 1)
        .vendor(Field::Title, "", 2);
    link.created_from = Side::External;
    assert_eq!(
        link.decision(&Field::Title).expect("no base").action,
        Action::Rebase
    );
    let link = Link::new()
        .platform(Field::Title, "", 1)
        .vendor(Field::Title, "theirs", 2);
    assert_eq!(
        link.decision(&Field::Title).expect("no base").action,
        Action::Rebase
    );
}

/// Trace 12: one unmapped field fails by itself; it is said once, and tried again when its value changes.
#[test]
fn trace_12_an_unmapped_field_does_not_block_the_link() {
    let mut link = in_agreement()
        .platform(Field::Severity, "SEV-9", 60)
        .platform(Field::Title, "new", 60);
    let conclusion = link.execute();
    assert_eq!(
        conclusion.failed.keys().collect::<Vec<_>>(),
        [&Field::Severity]
    );
    assert_eq!(link.external_value(&Field::Title).as_str(), Some("new"));
    assert!(link.plan().is_empty(), "said once");
    let mended = link.platform(Field::Severity, "SEV-3", 70);
    assert_eq!(
        mended.decision(&Field::Severity).expect("tried").action,
        push("low")
    );
}

#[test]
fn a_refused_value_that_is_taken_back_is_a_notice_no_more() {
    for taken_back in [false, true] {
        let mut link = in_agreement().platform(Field::Severity, "SEV-9", 60);
        link.execute();
        let back = if taken_back { "SEV-1" } else { "SEV-9" };
        let mut link = link.platform(Field::Severity, back, 70);
        assert_eq!(link.plan().is_empty(), !taken_back, "{back}");
        link.execute();
        assert_eq!(link.notices.is_empty(), taken_back, "{back}");
        assert_eq!(link.external_value(&Field::Severity).as_str(), Some("high"));
        assert!(link.plan().is_empty(), "once");
    }
}

#[test]
fn a_value_the_vendor_cannot_hold_is_an_error_that_names_the_field() {
    let mut link = in_agreement().platform(Field::Title, "x".repeat(20).as_str(), 60);
    link.rules
        .fields
        .get_mut(&Field::Title)
        .expect("mapped")
        .limit = Limit {
        most_characters: Some(10),
        required: true,
    };
    let conclusion = link.execute();
    assert_eq!(
        conclusion.failed.get(&Field::Title).map(String::as_str),
        Some("the vendor holds 10 characters, the value has 20")
    );
}

#[test]
fn a_field_that_is_written_on_create_only_is_reported_once() {
    let mut link = in_agreement().platform(Field::Title, "renamed", 60);
    link.rules
        .fields
        .get_mut(&Field::Title)
        .expect("mapped")
        .writability = Writability::OnCreate;
    let conclusion = link.execute();
    let notice = conclusion.notices[&Field::Title]
        .as_ref()
        .expect("reported");
    assert_eq!(notice.kind, NoticeKind::Unwritable);
    assert!(conclusion.failed.is_empty() && link.plan().is_empty());
}

#[test]
fn the_window_is_five_seconds_unless_configured() {
    assert_eq!(
        im_model::Integration::CONFLICT_WINDOW,
        SignedDuration::from_secs(5)
    );
}

/// Rule 4: the window concerns people's edits, not values that a link brought.
#[test]
fn rule_4_a_value_that_a_link_brought_starts_no_window() {
    let by_link = |mut link: Link| {
        let state = link.incident.fields.get_mut(&Field::Title).expect("set");
        state.origin = im_model::Origin::External {
            integration: "another".parse().expect("an id"),
            author: None,
        };
        link
    };
    let title = Field::Title;
    let theirs = by_link(
        in_agreement()
            .platform(title.clone(), "brought", 98)
            .agreed(),
    )
    .vendor(title.clone(), "theirs", 100);
    let decision = theirs.decision(&title).expect("changed");
    assert_eq!(decision.rule, im_sync::Rule::ExternalChanged);
    let ours = by_link(
        in_agreement()
            .vendor(title.clone(), "theirs", 98)
            .agreed()
            .platform(title.clone(), "brought", 100),
    );
    let decision = ours.decision(&title).expect("changed");
    assert_eq!(decision.rule, im_sync::Rule::PlatformChanged);
}

/// Up to ten minutes may be configured: as long is looked for the vendor's time.
#[test]
fn rule_4_a_long_window_asks_for_times_as_long() {
    let mut link = in_agreement();
    link.rules.conflict_window = SignedDuration::from_mins(10);
    let mut edited = link.platform(Field::Title, "ours", 60);
    edited.execute();
    let asked = |second| {
        let link = edited.clone();
        let link = link.vendor_record(Field::Title, "theirs", second);
        link.wanting().contains(&Field::Title)
    };
    assert!(asked(60 + 300));
    assert!(!asked(60 + 1200));
}

/// Rule 4: that an incident was created a moment ago is nobody's edit of its status.
#[test]
fn rule_4_a_creation_starts_no_window() {
    let title = Field::Title;
    let mut link = Link::new()
        .platform(title.clone(), "created", 0)
        .vendor(title.clone(), "created", 0)
        .agreed();
    link.incident.created_at = at(0);
    let link = link.vendor(title.clone(), "theirs", 2);
    let decision = link.decision(&title).expect("changed");
    assert_eq!(decision.rule, Rule::ExternalChanged);
    assert!(decision.lost.is_none());
}

/// What was refused is not sent again, but what another map makes of the same value is.
#[test]
fn a_corrected_map_is_tried_although_the_value_was_refused_before() {
    let mut link = in_agreement().platform(Field::Severity, "SEV-4", 60);
    let plan = link.plan();
    let answer = Answer {
        refused: BTreeMap::from([(Field::Severity, "low is not there".to_owned())]),
        ..Answer::default()
    };
    let conclusion = conclude(&plan, &link.rules, &link.incident, &answer, at(61));
    let notices = conclusion.notices.into_iter();
    link.notices
        .extend(notices.filter_map(|(field, notice)| Some((field, notice?))));
    assert!(link.plan().is_empty(), "it was refused");
    let rule = link.rules.fields.get_mut(&Field::Severity).expect("mapped");
    rule.outward = ValueMap::table([("SEV-4", "lowest")], Otherwise::Error);
    let decision = link.decision(&Field::Severity).expect("tried");
    assert_eq!(decision.action, push("lowest"));
}
