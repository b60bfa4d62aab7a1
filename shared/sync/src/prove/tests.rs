use im_model::{
    ConflictStrategy, Direction, FieldMaps, NoteKind, Otherwise, Owner, Ownership, ValueTable,
    Writability,
};
use proptest::prelude::*;

use super::*;
use crate::{FieldRule, Limit, TextForm, ValueMap, ValueType};

fn table(pairs: &[(&str, &str)], otherwise: Otherwise) -> ValueTable {
    let owned = |(from, to): &(&str, &str)| ((*from).to_owned(), (*to).to_owned());
    ValueTable {
        values: pairs.iter().map(owned).collect(),
        otherwise,
    }
}

fn map(pairs: &[(&str, &str)], otherwise: Otherwise) -> ValueMap {
    let ValueTable { values, otherwise } = table(pairs, otherwise);
    ValueMap::Table {
        entries: values,
        otherwise,
    }
}

const OUT: [(&str, &str); 4] = [
    ("SEV-1", "a"),
    ("SEV-2", "b"),
    ("SEV-3", "c"),
    ("SEV-4", "d"),
];
const IN: [(&str, &str); 4] = [
    ("a", "SEV-1"),
    ("b", "SEV-2"),
    ("c", "SEV-3"),
    ("d", "SEV-4"),
];

/// A severity of which nothing is to be said.
fn sound() -> FieldRule {
    let (out, back) = (map(&OUT, Otherwise::Error), map(&IN, Otherwise::Error));
    FieldRule::new(out, back, Limit::REQUIRED).with_vendor_values(["a", "b", "c", "d"])
}

fn with_out(changes: &[(&str, &str)], otherwise: Otherwise) -> FieldRule {
    let mut pairs: BTreeMap<_, _> = OUT.into();
    pairs.extend(changes.iter().copied());
    pairs.retain(|_, to| *to != "none");
    let pairs: Vec<_> = pairs.into_iter().collect();
    FieldRule {
        outward: map(&pairs, otherwise),
        ..sound()
    }
}

fn with_in(changes: &[(&str, &str)], otherwise: Otherwise) -> FieldRule {
    let mut pairs: BTreeMap<_, _> = IN.into();
    pairs.extend(changes.iter().copied());
    pairs.retain(|_, to| *to != "none");
    let pairs: Vec<_> = pairs.into_iter().collect();
    FieldRule {
        inward: map(&pairs, otherwise),
        ..sound()
    }
}

fn owned(owner: Owner) -> FieldRule {
    FieldRule {
        ownership: Ownership::only(owner, 10),
        ..sound()
    }
}

fn rules(field: &Field, rule: &FieldRule) -> LinkRules {
    LinkRules {
        direction: Direction::Bidirectional,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: im_model::Integration::CONFLICT_WINDOW,
        fields: [(field.clone(), rule.clone())].into(),
        notes_in_since: BTreeMap::new(),
        notes: NoteKind::ALL
            .iter()
            .map(|kind| (*kind, Ownership::default()))
            .collect(),
    }
}

fn proved(rules: &LinkRules) -> Vec<Finding> {
    let (others, ownership, mappings) = (BTreeMap::new(), OwnershipRules::new(), Mappings::new());
    prove(&Subject {
        id: &"prod".parse().expect("an id"),
        rules,
        ownership: &ownership,
        mappings: &mappings,
        others: &others,
    })
}

/// Level, kind, field and detail, as one line each.
fn lines(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| {
        let field = finding
            .field
            .as_ref()
            .map_or("-".to_owned(), ToString::to_string);
        let (level, kind) = (finding.level.as_str(), finding.kind.as_str());
        format!("{level} {kind} {field}: {}", finding.detail)
    };
    findings.iter().map(line).collect()
}

fn of_severity(rule: &FieldRule) -> Vec<String> {
    lines(&proved(&rules(&Field::Severity, rule)))
}

#[test]
fn every_value_is_followed() {
    use Otherwise::{Default, Error, LeaveAlone};
    for (what, rule, expected) in [
        ("nothing to say", sound(), &[][..]),
        (
            "two become one",
            with_out(&[("SEV-2", "a")], Error),
            &[
                "warning round_trip severity: SEV-2 → a → SEV-1",
                "warning round_trip severity: b → SEV-2 → a",
            ],
        ),
        (
            "no answer",
            with_out(&[("SEV-4", "none")], Error),
            &["error no_answer severity: SEV-4 → no answer at the vendor"],
        ),
        (
            "left alone",
            with_out(&[("SEV-4", "none")], LeaveAlone),
            &["warning no_answer severity: SEV-4 → left alone at the vendor"],
        ),
        (
            "a default, which comes back as another",
            with_out(&[("SEV-4", "none")], Default("c".to_owned())),
            &[
                "warning round_trip severity: SEV-4 → c → SEV-3",
                "warning round_trip severity: d → SEV-4 → c",
            ],
        ),
        (
            "unknown to the vendor",
            with_out(&[("SEV-4", "e")], Error),
            &["error unknown_value severity: SEV-4 → e"],
        ),
        (
            "refused by the vendor",
            with_out(&[("SEV-4", "")], Error),
            &["error unknown_value severity: SEV-4 → (empty)"],
        ),
        (
            "no answer inward",
            with_in(&[("d", "none")], Error),
            &["warning no_answer severity: d → no answer on the platform"],
        ),
        (
            "left alone inward",
            with_in(&[("d", "none")], LeaveAlone),
            &["warning no_answer severity: d → left alone on the platform"],
        ),
        (
            "unknown to the platform",
            with_in(&[("d", "SEV-5")], Error),
            &["error unknown_value severity: d → SEV-5"],
        ),
        (
            "a cycle",
            with_in(&[("a", "SEV-2"), ("b", "SEV-1")], Error),
            &["error cycle severity: SEV-1 → a → SEV-2 → b → SEV-1"],
        ),
        (
            "into a cycle",
            with_in(&[("a", "SEV-2"), ("b", "SEV-3"), ("c", "SEV-2")], Error),
            &[
                "error cycle severity: SEV-2 → b → SEV-3 → c → SEV-2",
                "warning round_trip severity: SEV-1 → a → SEV-2",
                "warning round_trip severity: a → SEV-2 → b",
            ],
        ),
    ] {
        assert_eq!(of_severity(&rule), expected, "{what}");
    }
}

#[test]
fn only_what_may_flow_is_followed() {
    use Direction::{Bidirectional, Inbound, None as Neither, Outbound};
    // Wrong in every way, outward and inward.
    let wrong = FieldRule {
        outward: map(&[("SEV-1", "e")], Otherwise::Error),
        inward: map(&[("a", "SEV-9")], Otherwise::Error),
        ..sound()
    };
    let kinds = |direction, owner: Option<Owner>| {
        let ownership = owner.map_or_else(Ownership::default, |owner| Ownership::only(owner, 10));
        let rule = FieldRule {
            ownership,
            ..wrong.clone()
        };
        let findings = proved(&LinkRules {
            direction,
            ..rules(&Field::Severity, &rule)
        });
        let sides = [
            "at the vendor",
            "on the platform",
            "flows neither way",
            "nothing flows",
        ];
        let said = |side: &&str| {
            findings
                .iter()
                .any(|finding| finding.to_string().contains(side))
        };
        sides.into_iter().filter(said).collect::<Vec<_>>()
    };
    let (out, back) = ("at the vendor", "on the platform");
    assert_eq!(kinds(Bidirectional, None), [out, back]);
    assert_eq!(kinds(Bidirectional, Some(Owner::Platform)), [out]);
    assert_eq!(kinds(Bidirectional, Some(Owner::External)), [back]);
    assert_eq!(kinds(Outbound, None), [out]);
    assert_eq!(kinds(Inbound, None), [back]);
    assert_eq!(kinds(Inbound, Some(Owner::Platform)), ["flows neither way"]);
    assert_eq!(
        kinds(Outbound, Some(Owner::External)),
        ["flows neither way"]
    );
    assert_eq!(kinds(Neither, None), ["nothing flows"]);
}

#[test]
fn true_and_false_are_counted_and_a_texts_named_values_are() {
    let flag = Field::Custom("vip".to_owned());
    let typed = ValueMap::Typed(ValueType::Boolean);
    let boolean = |maps: &FieldMaps| {
        let rule = FieldRule::new(typed.clone(), typed.clone(), Limit::default());
        let rule = rule.with_vendor_values(["true", "false"]);
        lines(&proved(&rules(&flag, &rule.with_tables(maps))))
    };
    assert_eq!(boolean(&FieldMaps::default()), Vec::<String>::new());
    let swapped = FieldMaps {
        outbound: Some(table(
            &[("true", "false"), ("false", "true")],
            Otherwise::Error,
        )),
        inbound: None,
    };
    assert_eq!(
        boolean(&swapped),
        ["error cycle custom.vip: true → false → false → true → true"]
    );
    let same = ValueMap::Same(TextForm::Exact);
    let person = FieldRule::new(same.clone(), same, Limit::default());
    let renamed = FieldMaps {
        outbound: Some(table(&[("ann@a", "ann@b")], Otherwise::Inherit)),
        inbound: Some(table(&[("bob@b", "bob")], Otherwise::Inherit)),
    };
    assert_eq!(
        lines(&proved(&rules(
            &Field::AssignedTo,
            &person.with_tables(&renamed)
        ))),
        [
            "error unknown_value assigned_to: bob@b → bob",
            "warning round_trip assigned_to: ann@a → ann@b → ann@b",
        ]
    );
    let default = |to: &str| FieldMaps {
        outbound: None,
        inbound: Some(table(&[], Otherwise::Default(to.to_owned()))),
    };
    assert_eq!(
        lines(&proved(&rules(
            &Field::AssignedTo,
            &person.with_tables(&default("nobody"))
        )))[0],
        "error unknown_value assigned_to: any other value → nobody"
    );
}

#[test]
fn what_can_never_act_is_named() {
    let severity = Field::Severity;
    let of = |direction, rule: &FieldRule| {
        lines(&proved(&LinkRules {
            direction,
            ..rules(&severity, rule)
        }))
    };
    let both = FieldMaps {
        outbound: Some(table(&OUT, Otherwise::Error)),
        inbound: Some(table(&IN, Otherwise::Error)),
    };
    let configured = sound().with_tables(&both);
    let never = |what: &str| format!("warning never_acts severity: {what}");
    assert_eq!(of(Direction::Bidirectional, &configured), [""; 0]);
    assert_eq!(
        of(Direction::Inbound, &configured),
        [never("the outbound table")]
    );
    assert_eq!(
        of(Direction::Outbound, &configured),
        [never("the inbound table")]
    );
    assert_eq!(
        of(Direction::Inbound, &owned(Owner::Platform)),
        [never("owned by platform, direction inbound")]
    );
    let more = |pairs: &[(&str, &str)]| Some(table(pairs, Otherwise::Inherit));
    let dead = sound().with_tables(&FieldMaps {
        outbound: more(&[("SEV-7", "a")]),
        inbound: more(&[("z", "SEV-1")]),
    });
    assert_eq!(
        of(Direction::Bidirectional, &dead),
        [never("SEV-7 → a"), never("z → SEV-1")]
    );
    let once = FieldRule {
        writability: Writability::OnCreate,
        ..with_in(&[("a", "SEV-2"), ("b", "SEV-1")], Otherwise::Error)
    };
    assert_eq!(
        of(Direction::Bidirectional, &once),
        ["warning unwritable severity: written only when the record is created"],
        "and nothing can go round"
    );
}

#[test]
fn rules_of_what_is_not_mapped_are_named() {
    let rules = rules(&Field::Severity, &sound());
    let ownership = OwnershipRules::from([
        (Field::Priority.into(), Ownership::only(Owner::Platform, 10)),
        (
            NoteKind::Comment.into(),
            Ownership::only(Owner::Platform, 10),
        ),
    ]);
    let mappings = Mappings::from([(Field::Status, FieldMaps::default())]);
    let findings = prove(&Subject {
        id: &"prod".parse().expect("an id"),
        rules: &rules,
        ownership: &ownership,
        mappings: &mappings,
        others: &BTreeMap::new(),
    });
    assert_eq!(
        lines(&findings),
        [
            "warning never_acts priority: an ownership rule of a field that is not mapped",
            "warning never_acts status: a table of a field that is not mapped",
        ]
    );
    assert_eq!(Verdict::of(&findings), Verdict::Warnings);
}

#[test]
fn a_strategy_needs_priorities_and_something_to_decide() {
    use ConflictStrategy::{LastWriteWins, ManualReview, OwnershipPriority};
    let both = |platform, external| Ownership {
        platform: Some(platform),
        external: Some(external),
    };
    let of = |strategy, ownership| {
        let rule = FieldRule {
            ownership,
            ..sound()
        };
        lines(&proved(&LinkRules {
            strategy,
            ..rules(&Field::Severity, &rule)
        }))
    };
    let tie = |detail: &str| vec![format!("warning priority_tie severity: {detail}")];
    let idle = |strategy| {
        vec![format!(
            "warning never_acts -: conflict strategy {strategy}"
        )]
    };
    let (nobody, single) = (Ownership::default(), Ownership::only(Owner::Platform, 10));
    for (strategy, ownership, expected) in [
        (OwnershipPriority, both(10, 20), vec![]),
        (
            OwnershipPriority,
            both(10, 10),
            tie("both owners have priority 10"),
        ),
        (OwnershipPriority, nobody, tie("no owner has a priority")),
        (OwnershipPriority, single, idle(OwnershipPriority)),
        (ManualReview, single, idle(ManualReview)),
        (ManualReview, both(10, 10), vec![]),
        (LastWriteWins, both(10, 10), vec![]),
        (LastWriteWins, single, vec![]),
    ] {
        assert_eq!(
            of(strategy, ownership),
            expected,
            "{strategy} {ownership:?}"
        );
    }
}

#[test]
fn two_vendors_that_own_one_field_are_named() {
    let of = |ours: &FieldRule, theirs: &FieldRule, direction| {
        let other = LinkRules {
            direction,
            ..rules(&Field::Severity, theirs)
        };
        let others = BTreeMap::from([
            (
                "prod".parse().expect("an id"),
                rules(&Field::Severity, theirs),
            ),
            ("snow".parse().expect("an id"), other),
        ]);
        let rules = rules(&Field::Severity, ours);
        lines(&prove(&Subject {
            id: &"prod".parse().expect("an id"),
            rules: &rules,
            ownership: &OwnershipRules::new(),
            mappings: &Mappings::new(),
            others: &others,
        }))
    };
    let external = owned(Owner::External);
    let both = Direction::Bidirectional;
    assert_eq!(
        of(&external, &external, both),
        ["warning shared_owner severity: owned externally by prod and snow"]
    );
    assert_eq!(of(&external, &sound(), both), [""; 0]);
    assert_eq!(of(&sound(), &external, both), [""; 0]);
    assert_eq!(of(&external, &external, Direction::Outbound), [""; 0]);
}

#[test]
fn errors_come_first() {
    let findings = proved(&rules(
        &Field::Severity,
        &with_out(&[("SEV-2", "a"), ("SEV-4", "none")], Otherwise::Error),
    ));
    let levels: Vec<_> = findings.iter().map(|finding| finding.level).collect();
    assert_eq!(levels, [Level::Error, Level::Warning, Level::Warning]);
    assert_eq!(Verdict::of(&findings), Verdict::Errors);
    assert_eq!(Verdict::of(&[]), Verdict::Ok);
}

#[test]
fn what_a_table_cannot_say_is_named_with_its_place() {
    use Otherwise::{Default, Error, Inherit};
    let problems = |maps: FieldMaps| -> Vec<(String, String)> {
        let problems = check_tables(&Field::Severity, &sound(), &maps).into_iter();
        problems.map(|p| (p.path, p.problem)).collect()
    };
    let out = |pairs: &[(&str, &str)], otherwise| FieldMaps {
        outbound: Some(table(pairs, otherwise)),
        inbound: None,
    };
    let back = |pairs: &[(&str, &str)], otherwise| FieldMaps {
        outbound: None,
        inbound: Some(table(pairs, otherwise)),
    };
    let not_ours = "must be one of SEV-1, SEV-2, SEV-3, SEV-4";
    let not_theirs = "the vendor has no z; it has a, b, c, d";
    for (maps, path, problem) in [
        (
            out(&[("SEV-9", "a")], Error),
            "outbound.values.SEV-9",
            format!("\"SEV-9\": {not_ours}"),
        ),
        (
            out(&[("SEV-1", "z")], Error),
            "outbound.values.SEV-1",
            format!("\"z\": {not_theirs}"),
        ),
        (
            out(&[], Default("z".into())),
            "outbound.otherwise.default",
            format!("\"z\": {not_theirs}"),
        ),
        (
            out(&[("", "a")], Error),
            "outbound.values.",
            "the empty value stays empty".into(),
        ),
        (
            back(&[("a", "SEV-9")], Error),
            "inbound.values.a",
            format!("\"SEV-9\": {not_ours}"),
        ),
        (
            back(&[("a", "")], Error),
            "inbound.values.a",
            "\"\": must not be empty".into(),
        ),
        (
            back(&[], Default("x".into())),
            "inbound.otherwise.default",
            format!("\"x\": {not_ours}"),
        ),
        (
            back(&[("a", "SEV-2"), ("b", "SEV-1")], Inherit),
            "",
            "the tables lead round in a cycle: SEV-1 → a → SEV-2 → b → SEV-1".into(),
        ),
    ] {
        assert_eq!(problems(maps), [(path.to_owned(), problem)]);
    }
    assert_eq!(problems(back(&[("unheard of", "SEV-1")], Inherit)), []);
    let (long, many) = (
        "x".repeat(1025),
        "must be at most 1024 characters".to_owned(),
    );
    let place = format!("inbound.values.{}", "x".repeat(80));
    assert_eq!(
        problems(back(&[(&long, "SEV-1")], Inherit)),
        [(place, many)]
    );
}

#[test]
fn a_typed_fields_table_has_its_type() {
    let typed = ValueMap::Typed(ValueType::Number);
    let rule = FieldRule::new(typed.clone(), typed, Limit::default());
    let maps = FieldMaps {
        outbound: Some(table(&[("one", "1"), ("2", "two")], Otherwise::Inherit)),
        inbound: Some(table(&[("three", "3"), ("4", "four")], Otherwise::Inherit)),
    };
    let field = Field::Custom("cost".to_owned());
    let problems = check_tables(&field, &rule, &maps).into_iter();
    let problems: Vec<_> = problems
        .map(|p| format!("{} {}", p.path, p.problem))
        .collect();
    assert_eq!(
        problems,
        [
            "outbound.values.2 \"two\": must be a number",
            "outbound.values.one \"one\": must be a number",
            "inbound.values.4 \"four\": must be a number",
            "inbound.values.three \"three\": must be a number",
        ]
    );
}

/// Mostly one to one, so that sound tables are met often enough.
fn any_table(from: [&'static str; 4], to: [&'static str; 4]) -> impl Strategy<Value = ValueMap> {
    let otherwise = prop_oneof![
        Just(Otherwise::Error),
        Just(Otherwise::LeaveAlone),
        Just(Otherwise::Default(to[0].to_owned())),
    ];
    let change = proptest::option::weighted(0.3, (0..4_usize, proptest::option::of(0..4_usize)));
    (change, otherwise).prop_map(move |(change, otherwise)| {
        let mut pairs: BTreeMap<_, _> = from.into_iter().zip(to).collect();
        match change {
            Some((at, Some(other))) => _ = pairs.insert(from[at], to[other]),
            Some((at, None)) => _ = pairs.remove(from[at]),
            None => {}
        }
        let pairs: Vec<_> = pairs.into_iter().collect();
        map(&pairs, otherwise)
    })
}

proptest! {
    #[test]
    fn tables_without_findings_and_no_others_survive_every_round_trip(
        (ours, outward, inward) in Just(["SEV-1", "SEV-2", "SEV-3", "SEV-4"])
            .prop_shuffle()
            .prop_flat_map(|ours| {
                let theirs = ["a", "b", "c", "d"];
                (Just(ours), any_table(ours, theirs), any_table(theirs, ours))
            }),
    ) {
        let rule = FieldRule { outward, inward, ..sound() };
        let there_and_back = |there: &ValueMap, back: &ValueMap, value: &str| {
            let value = im_model::Value::text(value);
            let sent = there.apply(&value);
            sent.value().map(|sent| back.apply(sent)) == Some(crate::Mapped::Value(value))
        };
        let ours_survive = ours.iter().all(|value| there_and_back(&rule.outward, &rule.inward, value));
        let theirs_survive = ["a", "b", "c", "d"]
            .iter()
            .all(|value| there_and_back(&rule.inward, &rule.outward, value));
        prop_assert_eq!(of_severity(&rule).is_empty(), ours_survive && theirs_survive);
    }
}
