//! The guide's defaults for `PagerDuty` (`interface.md`, "Default value maps"; design section 3, ownership).

use im_model::{Field, Integration, NoteKind, Owner, Ownership, OwnershipRules, Writability};
use im_sync::{FieldRule, Limit, LinkRules, Otherwise, TextForm, ValueMap};

use crate::Configuration;

pub(super) const CONFIGURATION: Configuration = Configuration {
    options: &["service"],
    required_options: &["service"],
    credentials: &[
        "token",
        "from_email",
        "webhook_secret",
        "previous_webhook_secret",
    ],
    required_credentials: &["webhook_secret"],
    logins: &[&["token", "from_email"]],
};

pub(super) fn ownership() -> OwnershipRules {
    let only = |field: Field, owner| (field.into(), Ownership::only(owner, 10));
    OwnershipRules::from([
        only(Field::Title, Owner::Platform),
        only(Field::Description, Owner::Platform),
        only(Field::EscalationPolicy, Owner::External),
        only(Field::AssignedTo, Owner::External),
    ])
}

pub(super) fn rules(integration: &Integration) -> LinkRules {
    let fields = mapped_fields()
        .into_iter()
        .map(|(field, mut rule)| {
            rule.ownership = integration
                .ownership
                .get(&field.clone().into())
                .copied()
                .unwrap_or_default();
            (field, rule)
        })
        .collect();
    LinkRules {
        direction: integration.direction,
        strategy: integration.strategy,
        conflict_window: LinkRules::CONFLICT_WINDOW,
        fields,
        // A note there is internal: it comes in as a work note. Both lists go out.
        notes: crate::registry::note_rules(&integration.ownership, NoteKind::ALL),
    }
}

fn mapped_fields() -> [(Field, FieldRule); 7] {
    use Otherwise::{Error, LeaveAlone};
    let same = || ValueMap::Same(TextForm::Trimmed);
    [
        (Field::Title, rule(same(), same(), most(1024))),
        (
            Field::Description,
            FieldRule {
                // PUT has no `body`: the description is set on create only (FACTS).
                writability: Writability::OnCreate,
                ..rule(
                    ValueMap::Same(TextForm::Exact),
                    ValueMap::Same(TextForm::Exact),
                    Limit::default(),
                )
            },
        ),
        (
            Field::Severity,
            rule(
                ValueMap::table(
                    [
                        ("SEV-1", "high"),
                        ("SEV-2", "high"),
                        ("SEV-3", "low"),
                        ("SEV-4", "low"),
                    ],
                    Error,
                ),
                ValueMap::table([("high", "SEV-2"), ("low", "SEV-3")], LeaveAlone),
                required(),
            ),
        ),
        // By name. An account names its priorities as it likes; what the platform does not know is left alone.
        (
            Field::Priority,
            rule(
                same(),
                ValueMap::table(
                    ["P1", "P2", "P3", "P4", "P5"].map(|name| (name, name)),
                    LeaveAlone,
                ),
                required(),
            ),
        ),
        (
            Field::Status,
            rule(
                ValueMap::table(
                    [
                        ("open", "triggered"),
                        ("acknowledged", "acknowledged"),
                        ("mitigated", "acknowledged"),
                        ("resolved", "resolved"),
                        ("closed", "resolved"),
                    ],
                    Error,
                ),
                ValueMap::table(
                    [
                        ("triggered", "open"),
                        ("acknowledged", "acknowledged"),
                        ("resolved", "resolved"),
                    ],
                    LeaveAlone,
                ),
                required(),
            ),
        ),
        (
            Field::AssignedTo,
            rule(ValueMap::Same(TextForm::LowerCase), same(), required()),
        ),
        (Field::EscalationPolicy, rule(same(), same(), required())),
    ]
}

fn rule(outward: ValueMap, inward: ValueMap, limit: Limit) -> FieldRule {
    FieldRule {
        outward,
        inward,
        ownership: Ownership::default(),
        writability: Writability::Always,
        limit,
    }
}

/// The API has no way to clear the field.
fn required() -> Limit {
    Limit {
        most_characters: None,
        required: true,
    }
}

fn most(characters: usize) -> Limit {
    Limit {
        most_characters: Some(characters),
        required: true,
    }
}
