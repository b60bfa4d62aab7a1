//! The guide's defaults for Jira (`interface.md`, "Default value maps"; design section 3, ownership).

use std::collections::BTreeMap;

use im_model::{
    ExternalValue, Field, Integration, NoteKind, Owner, Ownership, OwnershipRules, Value,
};
use im_sync::{FieldRule, Limit, LinkRules, NormalForm, Otherwise, TextForm, ValueMap, ValueType};

use super::{
    adf,
    custom_value::{Shape, Shapes},
    options, status,
    workflow::Status,
};
use crate::CustomField;
use crate::rules::link_rules;

/// Most characters of a summary, as Java counts them: in UTF-16.
const MOST_OF_A_SUMMARY: usize = 255;
/// Most characters of a text of several lines.
const MOST_OF_A_TEXT: usize = 32_767;

pub(super) fn ownership() -> OwnershipRules {
    let only = |field: Field, owner| (field.into(), Ownership::only(owner, 10));
    OwnershipRules::from([
        only(Field::Severity, Owner::Platform),
        only(Field::Priority, Owner::Platform),
        only(Field::AssignedTo, Owner::External),
        (
            NoteKind::Comment.into(),
            Ownership::only(Owner::External, 10),
        ),
    ])
}

/// The rules, from the project's statuses and from how the site keeps its text fields.
pub(super) fn rules(
    integration: &Integration,
    statuses: Option<&[Status]>,
    shapes: &Shapes,
) -> LinkRules {
    let own = mapped_fields(statuses, &integration.options);
    let custom = options::custom(&integration.options);
    let custom = custom.iter().map(|mapped| {
        let (field, rule) = mapped.rule();
        (field, shaped(rule, mapped, shapes))
    });
    link_rules(integration, own.into_iter().chain(custom))
}

/// A text that is kept as a document comes back in that document's form.
fn shaped(rule: FieldRule, mapped: &CustomField, shapes: &Shapes) -> FieldRule {
    let is_document =
        mapped.value_type == ValueType::Text && shapes.get(&mapped.path) == Some(&Shape::Document);
    if !is_document {
        return rule;
    }
    FieldRule {
        outward: ValueMap::Formed(NormalForm(adf::normal_form)),
        ..rule
    }
}

/// What a creation sets by itself: the workflow's first status, which is taken to be what `open` is called.
pub(super) fn implied_by_creation(rules: &LinkRules) -> BTreeMap<Field, ExternalValue> {
    let rule = rules.fields.get(&Field::Status);
    let open = rule.map(|rule| rule.outward.apply(&Value::text("open")));
    let open = open.and_then(|open| open.value().cloned());
    open.map(|open| (Field::Status, ExternalValue(open)))
        .into_iter()
        .collect()
}

fn mapped_fields(
    statuses: Option<&[Status]>,
    options: &BTreeMap<String, String>,
) -> [(Field, FieldRule); 5] {
    let same = |form| ValueMap::Same(form);
    let (status_outward, status_inward) = status::maps(statuses, options);
    let status = FieldRule::new(status_outward, status_inward, Limit::REQUIRED);
    // The usual names say nothing of what else this project may have.
    let status = match statuses {
        Some(known) => status.with_vendor_values(known.iter().map(|status| status.name.clone())),
        None => status,
    };
    [
        (
            Field::Title,
            FieldRule::new(
                ValueMap::Formed(NormalForm(summary)),
                same(TextForm::Trimmed),
                Limit::REQUIRED,
            ),
        ),
        (
            Field::Description,
            FieldRule::new(
                ValueMap::Formed(NormalForm(adf::normal_form)),
                same(TextForm::Exact),
                Limit {
                    most_characters: Some(MOST_OF_A_TEXT),
                    required: false,
                },
            ),
        ),
        (Field::Severity, severity()),
        (Field::Status, status),
        (
            Field::AssignedTo,
            FieldRule::new(
                same(TextForm::LowerCase),
                same(TextForm::Trimmed),
                Limit::default(),
            ),
        ),
    ]
}

/// By the name of the priority.
fn severity() -> FieldRule {
    let outward = [
        ("SEV-1", "Highest"),
        ("SEV-2", "High"),
        ("SEV-3", "Medium"),
        ("SEV-4", "Low"),
    ];
    let inward = [
        ("Highest", "SEV-1"),
        ("High", "SEV-2"),
        ("Medium", "SEV-3"),
        ("Low", "SEV-4"),
        ("Lowest", "SEV-4"),
    ];
    FieldRule::new(
        ValueMap::table(outward, Otherwise::Error),
        ValueMap::table(inward, Otherwise::LeaveAlone),
        Limit::REQUIRED,
    )
}

/// A summary is one line, trimmed, and short. A title that is too long is shortened: an issue with a shortened summary
/// is better than none, and the platform keeps its own.
fn summary(title: &str) -> String {
    let line = title.split(['\n', '\r']).map(str::trim);
    let line: Vec<_> = line.filter(|part| !part.is_empty()).collect();
    let line = line.join(" ");
    if line.encode_utf16().count() <= MOST_OF_A_SUMMARY {
        return line;
    }
    let mut length = 1;
    let fits = |c: &char| {
        length += c.len_utf16();
        length <= MOST_OF_A_SUMMARY
    };
    let kept: String = line.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use im_model::{ConflictStrategy, Direction, IntegrationType};
    use im_sync::Mapped;

    use super::{super::workflow::StatusId, *};

    fn integration(options: &[(&str, &str)]) -> Integration {
        let now = "2026-11-22T04:00:00Z".parse().expect("a time");
        let options = options
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Integration {
            id: "prod-jira".parse().expect("an id"),
            organization: "acme".parse().expect("an id"),
            integration_type: IntegrationType::Jira,
            name: "Jira".to_owned(),
            base_url: "https://acme.atlassian.net".parse().expect("a URL"),
            direction: Direction::Bidirectional,
            enabled: true,
            activity: im_model::Activity::Active,
            paused_because: None,
            strategy: ConflictStrategy::LastWriteWins,
            conflict_window: im_model::Integration::CONFLICT_WINDOW,
            requests_per_minute: None,
            mode: im_model::Mode::Webhook,
            brake: im_model::Brake::default(),
            mappings: im_model::Mappings::default(),
            triggers: im_model::Triggers::default(),
            notes_in_since: std::collections::BTreeMap::new(),
            options: options.collect(),
            ownership: ownership(),
            secret_id: String::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn outward(rules: &LinkRules, field: &Field, text: &str) -> Mapped {
        rules.fields[field].outward.apply(&Value::text(text))
    }

    #[test]
    fn severities_and_priorities_are_the_guides() {
        let rules = rules(&integration(&[]), None, &Shapes::new());
        let rule = &rules.fields[&Field::Severity];
        for (ours, theirs) in [
            ("SEV-1", "Highest"),
            ("SEV-2", "High"),
            ("SEV-3", "Medium"),
            ("SEV-4", "Low"),
        ] {
            assert_eq!(
                rule.outward.apply(&Value::text(ours)).value(),
                Some(&Value::text(theirs))
            );
            assert_eq!(
                rule.inward.apply(&Value::text(theirs)).value(),
                Some(&Value::text(ours))
            );
        }
        let lowest = rule.inward.apply(&Value::text("Lowest"));
        assert_eq!(lowest.value(), Some(&Value::text("SEV-4")));
        assert_eq!(
            rule.inward.apply(&Value::text("Blocker")),
            Mapped::LeaveAlone
        );
        assert_eq!(rule.ownership.single(), Some(Owner::Platform));
    }

    #[test]
    fn who_owns_what_is_the_guides() {
        let rules = rules(&integration(&[]), None, &Shapes::new());
        let owner = |field: Field| rules.fields[&field].ownership.single();
        assert_eq!(owner(Field::AssignedTo), Some(Owner::External));
        assert_eq!(owner(Field::Title), None);
        assert!(!rules.notes_flow_out(NoteKind::Comment) && rules.notes_flow_in(NoteKind::Comment));
        assert!(
            rules.notes_flow_out(NoteKind::WorkNote) && rules.notes_flow_in(NoteKind::WorkNote)
        );
    }

    #[test]
    fn a_summary_is_one_short_line_and_its_own_form() {
        for (title, expected) in [
            ("  Disk full ", "Disk full".to_owned()),
            ("Disk\r\n full\n", "Disk full".to_owned()),
            (&*"x".repeat(255), "x".repeat(255)),
            (&"x".repeat(256), format!("{}…", "x".repeat(254))),
            (
                &format!("{} y", "x".repeat(254)),
                format!("{}…", "x".repeat(254)),
            ),
            (&"😀".repeat(128), format!("{}…", "😀".repeat(127))),
            ("", String::new()),
        ] {
            assert_eq!(summary(title), expected);
            assert_eq!(summary(&expected), expected);
            assert!(expected.encode_utf16().count() <= 255);
        }
    }

    #[test]
    fn a_new_issue_is_open() {
        let rules = rules(
            &integration(&[("status.open", "Triage")]),
            None,
            &Shapes::new(),
        );
        let expected = [(Field::Status, ExternalValue::text("Triage"))];
        assert_eq!(implied_by_creation(&rules), expected.into());
    }

    #[test]
    fn statuses_are_counted_where_they_were_seen() {
        let of = |statuses: Option<&[Status]>| {
            let rules = rules(&integration(&[]), statuses, &Shapes::new());
            rules.fields[&Field::Status].vendor_values.clone()
        };
        let seen = ["Triage", "Done"].map(|name| Status {
            id: StatusId(name.to_lowercase()),
            name: name.to_owned(),
            category: None,
        });
        assert_eq!(of(None), None, "the usual names are a guess");
        let names = ["Done", "Triage"].map(str::to_owned);
        assert_eq!(of(Some(&seen)), Some(names.into()));
        let priorities = rules(&integration(&[]), None, &Shapes::new());
        assert_eq!(priorities.fields[&Field::Severity].vendor_values, None);
    }

    #[test]
    fn custom_fields_follow_their_type_and_shape() {
        let options = [
            ("custom.cost", "customfield_1:number"),
            ("custom.plan", "customfield_2"),
        ];
        let shapes = [("customfield_2".to_owned(), Shape::Document)].into();
        let rules = rules(&integration(&options), None, &shapes);
        let custom = |name: &str| Field::Custom(name.to_owned());
        let cost = outward(&rules, &custom("cost"), "012.50");
        assert_eq!(cost.value(), Some(&Value::text("12.5")));
        let plan = &rules.fields[&custom("plan")].outward;
        assert_eq!(plan, &ValueMap::Formed(NormalForm(adf::normal_form)));
    }
}
