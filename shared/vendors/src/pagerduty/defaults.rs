//! The guide's defaults for `PagerDuty` (`interface.md`, "Default value maps"; design section 3, ownership).

use im_model::{Field, Integration, Owner, Ownership, OwnershipRules, Writability};
use im_sync::{FieldRule, Limit, LinkRules, Otherwise, TextForm, ValueMap};

use crate::Configuration;
use crate::rules::link_rules;

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

/// A note there is internal: it comes in as a work note.
pub(super) fn rules(integration: &Integration) -> LinkRules {
    link_rules(integration, mapped_fields())
}

fn mapped_fields() -> [(Field, FieldRule); 7] {
    use Otherwise::{Error, LeaveAlone};
    let same = || ValueMap::Same(TextForm::Trimmed);
    [
        (Field::Title, FieldRule::new(same(), same(), most(1024))),
        (
            Field::Description,
            FieldRule {
                // PUT has no `body`: the description is set on create only (FACTS).
                writability: Writability::OnCreate,
                ..FieldRule::new(
                    ValueMap::Same(TextForm::Exact),
                    ValueMap::Same(TextForm::Exact),
                    Limit::default(),
                )
            },
        ),
        (
            Field::Severity,
            FieldRule::new(
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
                Limit::REQUIRED,
            )
            .with_vendor_values(["high", "low"]),
        ),
        // By name. An account names its priorities as it likes; what the platform does not know is left alone.
        (
            Field::Priority,
            FieldRule::new(
                same(),
                ValueMap::table(
                    ["P1", "P2", "P3", "P4", "P5"].map(|name| (name, name)),
                    LeaveAlone,
                ),
                Limit::REQUIRED,
            ),
        ),
        (
            Field::Status,
            FieldRule::new(
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
                Limit::REQUIRED,
            )
            .with_vendor_values(["triggered", "acknowledged", "resolved"]),
        ),
        (
            Field::AssignedTo,
            FieldRule::new(ValueMap::Same(TextForm::LowerCase), same(), Limit::REQUIRED),
        ),
        (
            Field::EscalationPolicy,
            FieldRule::new(same(), same(), Limit::REQUIRED),
        ),
    ]
}

fn most(characters: usize) -> Limit {
    Limit {
        most_characters: Some(characters),
        required: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgency_and_status_are_counted_and_an_accounts_priorities_are_not() {
        let known = |wanted: &Field| {
            let mut rules = mapped_fields().into_iter();
            let (_, rule) = rules.find(|(field, _)| field == wanted).expect("mapped");
            let known = rule.vendor_values?;
            Some(known.into_iter().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(known(&Field::Severity).as_deref(), Some("high low"));
        assert_eq!(
            known(&Field::Status).as_deref(),
            Some("acknowledged resolved triggered")
        );
        for field in [Field::Title, Field::Priority, Field::AssignedTo] {
            assert_eq!(known(&field), None, "{field}");
        }
    }
}
