//! The guide's defaults for `ServiceNow` (interface.md, "Default value maps"; design section 3, ownership).

use im_model::{Field, Integration, NoteKind, Owner, Ownership, OwnershipRules, Severity};
use im_sync::{FieldRule, Limit, LinkRules, NormalForm, Otherwise, TextForm, ValueMap, ValueType};

use super::{options, state::States};
use crate::rules::link_rules;

/// Characters that `short_description` holds (dictionary of the base system).
const MOST_OF_A_TITLE: usize = 160;

/// Characters that `description` holds (dictionary of the base system).
const MOST_OF_A_DESCRIPTION: usize = 4000;

pub(super) fn ownership() -> OwnershipRules {
    let only = |field: Field, owner| (field.into(), Ownership::only(owner, 10));
    OwnershipRules::from([
        only(Field::Severity, Owner::Platform),
        only(Field::Title, Owner::Platform),
        only(Field::Description, Owner::Platform),
        only(Field::AssignedTo, Owner::External),
        (
            NoteKind::WorkNote.into(),
            Ownership::only(Owner::External, 10),
        ),
    ])
}

pub(super) fn rules(integration: &Integration) -> LinkRules {
    let built_in = built_in(&States::of(&integration.options));
    let custom = options::custom(&integration.options);
    let custom = custom.iter().map(|field| {
        let (name, mut rule) = field.rule();
        // Such a column is true or false: emptied, it is false.
        rule.limit.required = field.value_type == ValueType::Boolean;
        if field.value_type == ValueType::Boolean {
            rule = rule.with_vendor_values(["true", "false"]);
        }
        (name, rule)
    });
    link_rules(integration, built_in.into_iter().chain(custom))
}

fn built_in(states: &States) -> [(Field, FieldRule); 5] {
    let same = || ValueMap::Same(TextForm::Exact);
    let most = Limit {
        most_characters: Some(MOST_OF_A_DESCRIPTION),
        required: false,
    };
    [
        (
            Field::Title,
            FieldRule::new(
                ValueMap::Formed(NormalForm(short_description)),
                ValueMap::Same(TextForm::Trimmed),
                Limit::default(),
            ),
        ),
        (Field::Description, FieldRule::new(same(), same(), most)),
        (
            Field::Severity,
            FieldRule::new(severity_outward(), severity_inward(), Limit::REQUIRED)
                .with_vendor_values(pairs().map(|(impact, urgency)| severity(impact, urgency))),
        ),
        (
            Field::Status,
            FieldRule::new(states.outward(), states.inward(), Limit::REQUIRED)
                .with_vendor_values(states.known()),
        ),
        (
            Field::AssignedTo,
            FieldRule::new(
                ValueMap::Same(TextForm::LowerCase),
                ValueMap::Same(TextForm::Trimmed),
                Limit::default(),
            ),
        ),
    ]
}

/// Trimmed, and cut where the column ends.
fn short_description(title: &str) -> String {
    let title = title.trim();
    if title.chars().count() <= MOST_OF_A_TITLE {
        return title.to_owned();
    }
    let kept: String = title.chars().take(MOST_OF_A_TITLE - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Impact and urgency; the priority follows from them and is never written.
fn severity_outward() -> ValueMap {
    ValueMap::table(
        [
            ("SEV-1", "1/1"),
            ("SEV-2", "2/1"),
            ("SEV-3", "2/2"),
            ("SEV-4", "3/2"),
        ],
        Otherwise::Error,
    )
}

/// Impact and urgency are each high, medium or low, as 1, 2 and 3.
fn pairs() -> impl Iterator<Item = (u8, u8)> {
    (1..=3).flat_map(|impact| (1..=3).map(move |urgency| (impact, urgency)))
}

fn severity(impact: u8, urgency: u8) -> String {
    format!("{impact}/{urgency}")
}

/// By the priority that `ServiceNow` computes of impact and urgency (FACTS.md, "Incident").
fn severity_inward() -> ValueMap {
    let of_priority = |priority| match priority {
        1 => Severity::Sev1,
        2 => Severity::Sev2,
        3 => Severity::Sev3,
        _ => Severity::Sev4,
    };
    let entries = pairs().map(|(impact, urgency)| {
        let ours = of_priority(impact + urgency - 1);
        (severity(impact, urgency), ours.to_string())
    });
    ValueMap::Table {
        entries: entries.collect(),
        otherwise: Otherwise::LeaveAlone,
    }
}

#[cfg(test)]
mod tests {
    use im_model::Value;

    use super::*;

    #[test]
    fn a_pair_is_the_severity_of_its_priority() {
        let inward = severity_inward();
        // (impact, urgency) → priority: 11→1, 12→2, 13→3, 21→2, 22→3, 23→4, 31→3, 32→4, 33→5 (FACTS.md).
        for (pair, severity) in [
            ("1/1", Some("SEV-1")),
            ("1/2", Some("SEV-2")),
            ("1/3", Some("SEV-3")),
            ("2/1", Some("SEV-2")),
            ("2/2", Some("SEV-3")),
            ("2/3", Some("SEV-4")),
            ("3/1", Some("SEV-3")),
            ("3/2", Some("SEV-4")),
            ("3/3", Some("SEV-4")),
            ("4/1", None),
            ("2/", None),
        ] {
            let mapped = inward.apply(&Value::text(pair));
            assert_eq!(mapped.value().and_then(Value::as_str), severity, "{pair}");
        }
    }

    #[test]
    fn each_severity_comes_back_as_itself() {
        for severity in Severity::ALL {
            let out = severity_outward().apply(&Value::text(severity.as_str()));
            let back = severity_inward().apply(out.value().expect("listed"));
            let back = back.value().and_then(Value::as_str);
            assert_eq!(back, Some(severity.as_str()));
        }
    }

    #[test]
    fn pairs_and_states_are_counted() {
        let options = [("state.open", "10"), ("state.closed", "6")];
        let options = options.map(|(name, code)| (name.to_owned(), code.to_owned()));
        let rules = built_in(&States::of(&options.into()));
        let known = |wanted: &Field| {
            let mut rules = rules.iter();
            let (_, rule) = rules.find(|(field, _)| field == wanted).expect("mapped");
            let known: Vec<_> = rule.vendor_values.iter().flatten().cloned().collect();
            known.join(" ")
        };
        assert_eq!(
            known(&Field::Severity),
            "1/1 1/2 1/3 2/1 2/2 2/3 3/1 3/2 3/3"
        );
        assert_eq!(known(&Field::Status), "1 10 2 3 6 7 8");
        assert_eq!(known(&Field::Title), "");
    }

    #[test]
    fn a_long_title_is_cut_once() {
        let long = format!(" {} {}", "ä".repeat(158), "x".repeat(900));
        let cut = short_description(&long);
        assert_eq!(cut, format!("{}…", "ä".repeat(158)));
        assert_eq!(short_description(&cut), cut);
        let cut = short_description(&"x".repeat(161));
        assert_eq!(cut.chars().count(), 160);
        assert_eq!(short_description(&cut), cut);
        let whole = "x".repeat(160);
        assert_eq!(short_description(&format!("{whole}\n")), whole);
    }
}
