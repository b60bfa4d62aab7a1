//! What holds over arbitrary edits.

use im_model::{BasePair, ConflictStrategy, Direction, Field, Ownership, PlatformValue, Side};
use im_sync::Action;
use proptest::prelude::*;

use crate::link::*;

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
                Action::Rebase | Action::Report | Action::Hold => {}
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
