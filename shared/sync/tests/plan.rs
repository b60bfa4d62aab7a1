//! `plan`, rule by rule, and its properties over arbitrary edits.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;

use im_model::{
    BasePair, ConflictStrategy, Direction, ExternalRecord, ExternalValue, Field, FieldState,
    Incident, IncidentId, NoticeKind, Observed, Origin, Owner, Ownership, PlatformValue,
    RecordVersion, Side, Writability,
};
use im_sync::{
    Action, Answer, Conclusion, Decision, FieldRule, Limit, LinkRules, Otherwise, Plan, PlanInput,
    Rule, Sent, TextForm, ValueMap, conclude, plan, settle,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const FIELDS: [Field; 4] = [
    Field::Title,
    Field::Severity,
    Field::Status,
    Field::AssignedTo,
];

/// Both sides of a link, and all that a plan is made from.
#[derive(Debug, Clone)]
struct Link {
    base: BTreeMap<Field, BasePair>,
    incident: Incident,
    external: ExternalRecord,
    rules: LinkRules,
    created_from: Side,
    notices: BTreeMap<Field, im_model::Notice>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("a time")
}

fn platform_edit() -> Origin {
    Origin::Platform {
        actor: "ann".parse().expect("an actor"),
    }
}

fn rule(field: &Field) -> FieldRule {
    let same = ValueMap::Same(TextForm::Trimmed);
    let (outward, inward) = match field {
        Field::Severity => (
            ValueMap::table(
                [
                    ("SEV-1", "high"),
                    ("SEV-2", "high"),
                    ("SEV-3", "low"),
                    ("SEV-4", "low"),
                ],
                Otherwise::Error,
            ),
            ValueMap::table([("high", "SEV-2"), ("low", "SEV-3")], Otherwise::LeaveAlone),
        ),
        Field::Status => (
            ValueMap::table(
                [
                    ("open", "triggered"),
                    ("acknowledged", "acknowledged"),
                    ("mitigated", "acknowledged"),
                    ("resolved", "resolved"),
                    ("closed", "resolved"),
                ],
                Otherwise::Error,
            ),
            ValueMap::table(
                [
                    ("triggered", "open"),
                    ("acknowledged", "acknowledged"),
                    ("resolved", "resolved"),
                ],
                Otherwise::LeaveAlone,
            ),
        ),
        _ => (same.clone(), same),
    };
    FieldRule::new(outward, inward, Limit::default())
}

impl Link {
    /// A link with nothing on either side, and no base.
    fn new() -> Self {
        Self {
            base: BTreeMap::new(),
            incident: Incident {
                id: IncidentId::from_ulid(ulid::Ulid(1)),
                organization: "acme".parse().expect("an id"),
                created_at: at(0),
                revision: 1,
                fields: BTreeMap::new(),
                links: BTreeMap::new(),
                notes: 0,
                pending: BTreeMap::new(),
            },
            external: ExternalRecord {
                id: "P1".parse().expect("an id"),
                version: RecordVersion(1),
                url: None,
                correlation: None,
                created_at: at(0),
                updated_at: at(0),
                fields: BTreeMap::new(),
            },
            rules: LinkRules {
                direction: Direction::Bidirectional,
                strategy: ConflictStrategy::LastWriteWins,
                conflict_window: im_model::Integration::CONFLICT_WINDOW,
                notes: BTreeMap::new(),
                fields: FIELDS
                    .iter()
                    .map(|field| (field.clone(), rule(field)))
                    .collect(),
            },
            created_from: Side::Platform,
            notices: BTreeMap::new(),
        }
    }

    fn platform(mut self, field: Field, value: &str, second: i64) -> Self {
        let version = self.incident.field_version(&field) + 1;
        let value = PlatformValue::text(value);
        let state = FieldState {
            value,
            version,
            changed_at: at(second),
            origin: platform_edit(),
        };
        self.incident.fields.insert(field, state);
        self
    }

    fn vendor(mut self, field: Field, value: &str, second: i64) -> Self {
        let observed = Observed {
            value: ExternalValue::text(value),
            changed_at: Some(at(second)),
            author: None,
        };
        self.external.fields.insert(field, observed);
        self
    }

    /// What both sides hold now becomes base.
    fn agreed(mut self) -> Self {
        for field in &FIELDS {
            let pair = BasePair::seen(&self.incident.value(field), &self.external_value(field));
            self.base.insert(field.clone(), pair);
        }
        self
    }

    fn owned_by(mut self, field: &Field, ownership: Ownership) -> Self {
        self.rules.fields.get_mut(field).expect("mapped").ownership = ownership;
        self
    }

    fn direction(mut self, direction: Direction) -> Self {
        self.rules.direction = direction;
        self
    }

    fn external_value(&self, field: &Field) -> ExternalValue {
        self.external
            .fields
            .get(field)
            .map_or(ExternalValue::EMPTY, |o| o.value.clone())
    }

    fn plan(&self) -> Plan {
        plan(&PlanInput {
            base: &self.base,
            incident: &self.incident,
            external: &self.external,
            rules: &self.rules,
            created_from: self.created_from,
            notices: &self.notices,
            insist: false,
        })
    }

    fn decision(&self, field: &Field) -> Option<Decision> {
        self.plan().decisions.get(field).cloned()
    }

    /// Does what the plan says: the vendor takes what it is sent, and the conclusion is stored.
    fn execute(&mut self) -> Conclusion {
        let plan = self.plan();
        for (field, value) in plan.pushes() {
            let observed = Observed {
                value,
                changed_at: Some(at(900)),
                author: None,
            };
            self.external.fields.insert(field, observed);
        }
        let record = Some(self.external.clone());
        let answer = Answer {
            record,
            ..Answer::default()
        };
        let conclusion = conclude(&plan, &self.rules, &self.incident, &answer, at(900));
        self.base.extend(conclusion.base.clone());
        for (field, pulled) in conclusion.pulls.clone() {
            let origin = Origin::External {
                integration: "pd".parse().expect("an id"),
                author: None,
            };
            let version = self.incident.field_version(&field) + 1;
            let (value, changed_at) = (pulled.value, pulled.changed_at);
            let state = FieldState {
                value,
                version,
                changed_at,
                origin,
            };
            self.incident.fields.insert(field, state);
        }
        for (field, notice) in conclusion.notices.clone() {
            match notice {
                Some(notice) => self.notices.insert(field, notice),
                None => self.notices.remove(&field),
            };
        }
        conclusion
    }
}

fn in_agreement() -> Link {
    Link::new()
        .platform(Field::Title, "db down", 0)
        .vendor(Field::Title, "db down", 0)
        .platform(Field::Severity, "SEV-1", 0)
        .vendor(Field::Severity, "high", 0)
        .platform(Field::Status, "open", 0)
        .vendor(Field::Status, "triggered", 0)
        .agreed()
}

fn push(value: &str) -> Action {
    Action::Push {
        value: ExternalValue::text(value),
    }
}

fn pulled(decision: &Decision) -> Option<&str> {
    match &decision.action {
        Action::Pull { value, .. } => value.as_str(),
        _ => None,
    }
}

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
            changed_at: Some(at(62)),
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

fn value_of(field: &Field) -> impl Strategy<Value = (&'static str, &'static str)> + use<> {
    let pairs: &'static [(&str, &str)] = match field {
        Field::Severity => &[
            ("SEV-1", "high"),
            ("SEV-2", "high"),
            ("SEV-3", "low"),
            ("SEV-4", "low"),
        ],
        Field::Status => &[
            ("open", "triggered"),
            ("acknowledged", "acknowledged"),
            ("mitigated", "acknowledged"),
            ("resolved", "resolved"),
            ("closed", "resolved"),
        ],
        Field::AssignedTo => &[("a@x.org", "a@x.org"), ("b@x.org", "b@x.org"), ("", "")],
        _ => &[
            ("db down", "db down"),
            ("db up", "db up"),
            (" padded", "padded"),
        ],
    };
    proptest::sample::select(pairs)
}

fn ownership() -> impl Strategy<Value = Ownership> {
    (proptest::option::of(0..3_u8), proptest::option::of(0..3_u8))
        .prop_map(|(platform, external)| Ownership { platform, external })
}

/// An agreed link, then edits on either side, on any field, at any time.
fn links() -> impl Strategy<Value = Link> {
    let direction = proptest::sample::select(Direction::ALL);
    let strategy = proptest::sample::select(&[
        ConflictStrategy::LastWriteWins,
        ConflictStrategy::OwnershipPriority,
    ]);
    let edits = FIELDS.map(|field| {
        let edit = || proptest::option::of((value_of(&field), 1..100_i64));
        let edits = (edit(), edit());
        (value_of(&field), edits, ownership(), any::<bool>())
    });
    (direction, strategy, edits, any::<bool>()).prop_map(|(direction, strategy, fields, side)| {
        let mut link = Link::new().direction(direction);
        link.rules.strategy = strategy;
        link.created_from = if side { Side::Platform } else { Side::External };
        for (field, (agreed, _, ownership, _)) in FIELDS.iter().zip(&fields) {
            link = link
                .owned_by(field, *ownership)
                .platform(field.clone(), agreed.0, 0)
                .vendor(field.clone(), agreed.1, 0);
        }
        link = link.agreed();
        for (field, (_, (ours, theirs), _, has_base)) in FIELDS.iter().zip(&fields) {
            if !has_base {
                link.base.remove(field);
            }
            if let Some((value, second)) = ours {
                link = link.platform(field.clone(), value.0, *second);
            }
            if let Some((value, second)) = theirs {
                link = link.vendor(field.clone(), value.1, *second);
            }
        }
        link
    })
}

proptest! {
    #[test]
    fn replanning_after_applying_is_empty(mut link in links()) {
        link.execute();
        let again = link.plan();
        prop_assert!(again.is_empty(), "{again:?}");
    }

    #[test]
    fn an_unowned_side_is_never_written(link in links()) {
        for (field, decision) in &link.plan().decisions {
            let ownership = link.rules.fields[field].ownership;
            match decision.action {
                Action::Push { .. } => {
                    prop_assert!(ownership.lets_out() && link.rules.direction.allows_outbound());
                }
                Action::Pull { .. } => {
                    prop_assert!(ownership.lets_in() && link.rules.direction.allows_inbound());
                }
                Action::Rebase | Action::Report => {}
            }
        }
    }

    #[test]
    fn every_edit_is_applied_or_journaled(link in links()) {
        let plan = link.plan();
        for field in &FIELDS {
            let ours = link.incident.value(field);
            let theirs = link.external_value(field);
            let edited = link.base.get(field).is_none_or(|base| {
                !base.same_values(&BasePair::seen(&ours, &theirs))
            });
            match plan.decisions.get(field) {
                Some(decision) => {
                    prop_assert_eq!(&decision.platform, &ours);
                    prop_assert_eq!(&decision.external, &theirs);
                }
                None => prop_assert!(!edited, "{field} was edited and nobody was told"),
            }
        }
    }

    #[test]
    fn a_base_holds_only_what_both_sides_were_seen_to_hold(mut link in links()) {
        link.execute();
        for (field, pair) in &link.base {
            let seen = BasePair::seen(&link.incident.value(field), &link.external_value(field));
            prop_assert!(pair.same_values(&seen), "{field}");
        }
    }

    #[test]
    fn a_many_to_one_map_never_changes_the_value_it_came_from(
        (severity, urgency) in value_of(&Field::Severity),
        (other, _) in value_of(&Field::Severity),
    ) {
        let mut link = Link::new()
            .platform(Field::Severity, other, 0)
            .vendor(Field::Severity, urgency, 0)
            .agreed()
            .platform(Field::Severity, severity, 60);
        link.execute();
        let echo = link.clone().vendor(Field::Severity, urgency, 1000);
        prop_assert!(echo.plan().is_empty());
        prop_assert_eq!(echo.incident.value(&Field::Severity), PlatformValue::text(severity));
    }
}

#[test]
fn the_window_is_five_seconds_unless_configured() {
    assert_eq!(
        im_model::Integration::CONFLICT_WINDOW,
        SignedDuration::from_secs(5)
    );
}
