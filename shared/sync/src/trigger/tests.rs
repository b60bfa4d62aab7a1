//! What is refused and where, and what a condition says of a subject.
#![allow(clippy::expect_used, reason = "tests")]

use std::{collections::BTreeMap, fmt::Write};

use proptest::prelude::*;

use super::*;

/// What is wrong with each of these, one below the other.
fn refusals(subject: Subject, texts: &[&str]) -> String {
    let mut all = String::new();
    for text in texts {
        let error = Trigger::parse(text, subject).expect_err(text);
        writeln!(all, "{error}").expect("a string");
    }
    all
}

fn incident(fields: &[(&str, &str)]) -> Facts {
    let blank = Facts::blank(Subject::Incident);
    fields.iter().fold(blank, |facts, (field, text)| {
        assert!(field.parse::<im_model::Field>().is_ok(), "{field}");
        facts.with(field, text)
    })
}

fn verdict(text: &str, facts: &Facts) -> (bool, String) {
    let subject = match facts.external() {
        Some(_) => Subject::Record,
        None => Subject::Incident,
    };
    let trigger = Trigger::parse(text, subject).unwrap_or_else(|error| panic!("{error}"));
    let verdict = trigger.evaluate(facts);
    (verdict.holds, verdict.reason)
}

#[test]
fn syntax_errors_name_the_place() {
    let texts = [
        "",
        "severity ==",
        "severity = 'SEV-1'",
        "severity == 'SEV-1' &&\n  (title == 'a'",
        "severity == 'SEV-1",
        "severity == 'SEV-1\" ",
        "severity == 'SEV-1')",
        "title == 'a' title == 'b'",
        "title == 'größer' && @",
        "title == 'größer' ö",
        "has(title)",
        "labels.exists(1, true)",
        "labels.?team == 'it'",
        "if == 'a'",
        "1 == 99999999999999999999",
        "title == '\\q'",
        "title == '\\x4'",
        "title == r'a'",
        "title == '''a'''",
        "`title` == 'a'",
        "title == 'a\nb'",
        "(title == 'a']",
    ];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @r#"
    1:1: there is no condition
      
      ^
    1:12: the condition breaks off here
      severity ==
                 ^
    1:10: = is no comparison; write ==
      severity = 'SEV-1'
               ^
    2:16: the condition breaks off here
        (title == 'a'
                     ^
    1:13: a text that does not end with '
      severity == 'SEV-1
                  ^
    1:13: a text that does not end with '
      severity == 'SEV-1" 
                  ^
    1:20: there is nothing that ) could close
      severity == 'SEV-1')
                         ^
    1:14: 'title' makes no sense here
      title == 'a' title == 'b'
                   ^
    1:22: @ means nothing here
      title == 'größer' && @
                           ^
    1:19: ö means nothing here
      title == 'größer' ö
                        ^
    1:5: has() takes one field, as in has(labels.team)
      has(title)
          ^
    1:15: argument must be a simple name
      labels.exists(1, true)
                    ^
    1:7: unsupported syntax '.?'
      labels.?team == 'it'
            ^
    1:1: reserved identifier: if
      if == 'a'
      ^
    1:6: invalid int literal
      1 == 99999999999999999999
           ^
    1:11: \ means nothing here; for a \ in a text write \\
      title == '\q'
                ^
    1:11: \ means nothing here; for a \ in a text write \\
      title == '\x4'
                ^
    1:11: a text stands by itself: 'like this' or "like this"
      title == r'a'
                ^
    1:12: a text right after a text; within one, write \' or \"
      title == '''a'''
                 ^
    1:1: ` means nothing here
      `title` == 'a'
      ^
    1:10: a text that does not end with '
      title == 'a
               ^
    1:14: ] does not close (
      (title == 'a']
                   ^
    "#);
}

#[test]
fn unknown_names_are_refused_with_those_that_there_are() {
    let texts = [
        "severty == 'SEV-1'",
        "incident.severity == 'SEV-1'",
        "labels['cost center'] == 'a'",
        "'cost-center' in labels",
        "external.status == 'To Do'",
        "title.matches('a')",
        "now() == 'a'",
        "contains(title, 'a')",
        "title.int() == 1",
        "labels.exists(k)",
        "has(labels.team, title)",
        "Foo{a: 1} == title",
        ".severity == 'SEV-1'",
    ];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @r#"
    1:1: there is no variable severty; there are title, description, severity, priority, status, assigned_to, escalation_policy, custom, labels
      severty == 'SEV-1'
      ^
    1:1: there is no variable incident; there are title, description, severity, priority, status, assigned_to, escalation_policy, custom, labels
      incident.severity == 'SEV-1'
      ^
    1:8: no custom field is named "cost center": a name has 1 to 64 of a-z, A-Z, 0-9 and _
      labels['cost center'] == 'a'
             ^
    1:1: no custom field is named "cost-center": a name has 1 to 64 of a-z, A-Z, 0-9 and _
      'cost-center' in labels
      ^
    1:1: only a vendor's record has external: use it in the inbound trigger
      external.status == 'To Do'
      ^
    1:14: there is no function matches(); there are contains, startsWith, endsWith, size, int, double, string, has, all, exists, exists_one, filter, map
      title.matches('a')
                   ^
    1:4: there is no function now(); there are contains, startsWith, endsWith, size, int, double, string, has, all, exists, exists_one, filter, map
      now() == 'a'
         ^
    1:9: contains() is called on something, as in title.contains(…)
      contains(title, 'a')
              ^
    1:10: int() is not called on something; write int(…)
      title.int() == 1
               ^
    1:14: exists() is called on a list or map, with a name and what it is used in, as in labels.exists(x, x == 'a')
      labels.exists(k)
                   ^
    1:4: has() takes one field, as in has(labels.team)
      has(labels.team, title)
         ^
    1:4: there is no type Foo
      Foo{a: 1} == title
         ^
    1:2: there is no variable .severity; there are title, description, severity, priority, status, assigned_to, escalation_policy, custom, labels
      .severity == 'SEV-1'
       ^
    "#);
    let texts = [
        "external.state == '1'",
        "external['custom.'] == 'a'",
        "severty == ''",
    ];
    insta::assert_snapshot!(refusals(Subject::Record, &texts), @r#"
    1:9: external has no "state": it has title, description, severity, priority, status, assigned_to, escalation_policy and "custom.<name>"
      external.state == '1'
              ^
    1:10: external has no "custom.": it has title, description, severity, priority, status, assigned_to, escalation_policy and "custom.<name>"
      external['custom.'] == 'a'
               ^
    1:1: there is no variable severty; there are title, description, severity, priority, status, assigned_to, escalation_policy, custom, labels, external
      severty == ''
      ^
    "#);
}

#[test]
fn type_errors_name_the_place() {
    let texts = [
        "title",
        "size(title)",
        "title == 1",
        "title && true",
        "!title",
        "true || size(title)",
        "priority < 3",
        "title + 1 == 'a'",
        "size(title) * 1.5 > 3.0",
        "1.5 % 2.0 == 1.0",
        "-title == 'a'",
        "1 in labels",
        "title in 'a'",
        "1 in ['a']",
        "['a', 1].exists(x, x == 'a')",
        "{'a': 1, 'b': 'c'}.a == 1",
        "{1: 'a'}.a == 'a'",
        "title.team == 'it'",
        "title[0] == 'a'",
        "labels[0] == 'a'",
        "['a']['b'] == 'a'",
    ];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @"
    1:1: a trigger is true or false; this is a string
      title
      ^
    1:5: a trigger is true or false; this is an int
      size(title)
          ^
    1:7: a string and an int are never the same
      title == 1
            ^
    1:1: && is for conditions, and this is a string
      title && true
      ^
    1:2: ! is for conditions, and this is a string
      !title
       ^
    1:13: || is for conditions, and this is an int
      true || size(title)
                  ^
    1:10: < compares two strings, or two numbers of one type, not a string with an int
      priority < 3
               ^
    1:7: + joins two strings, two lists, or two numbers of one type, not a string and an int
      title + 1 == 'a'
            ^
    1:13: * is for two numbers of one type, not for an int and a double
      size(title) * 1.5 > 3.0
                  ^
    1:5: % is for two ints, not for doubles
      1.5 % 2.0 == 1.0
          ^
    1:2: - is for an int or a double, not for a string
      -title == 'a'
       ^
    1:3: an int is never in it: each element, or key, is a string
      1 in labels
        ^
    1:10: in looks into a list or a map, not into a string
      title in 'a'
               ^
    1:3: an int is never in it: each element, or key, is a string
      1 in ['a']
        ^
    1:7: a list has elements of one type: a string, and not an int
      ['a', 1].exists(x, x == 'a')
            ^
    1:15: a map has values of one type: an int, and not a string
      {'a': 1, 'b': 'c'}.a == 1
                    ^
    1:2: a map's keys are strings, not an int
      {1: 'a'}.a == 'a'
       ^
    1:6: only a map has fields such as team; this is a string
      title.team == 'it'
           ^
    1:6: only a list or a map has [ ]; this is a string
      title[0] == 'a'
           ^
    1:8: a map's keys are strings, not an int
      labels[0] == 'a'
             ^
    1:7: a list has numbers, and this is a string
      ['a']['b'] == 'a'
            ^
    ");
}

#[test]
fn wrong_calls_and_loops_name_the_place() {
    let texts = [
        "title.contains(1)",
        "title.contains()",
        "size(1) == 1",
        "int(true) == 1",
        "labels.team == null",
        "title ? true : false",
        "true ? title : 1",
        "title.exists(x, x == 'a')",
        "labels.all(k, k)",
        "labels.map(k, size(k)) == ['a']",
        "labels.exists(a, labels.exists(b, a == b))",
    ];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @"
    1:16: contains() takes a string, not an int
      title.contains(1)
                     ^
    1:15: contains() takes 1 argument, not 0
      title.contains()
                    ^
    1:6: size() takes a string, a list or a map, not an int
      size(1) == 1
           ^
    1:5: int() takes a string or a number, not a condition
      int(true) == 1
          ^
    1:13: a string and null are never the same; has(labels.x) says whether a custom field is set, == '' whether another is empty
      labels.team == null
                  ^
    1:1: ? is for a condition, and this is a string
      title ? true : false
      ^
    1:6: both sides of : are of one type, not a string and an int
      true ? title : 1
           ^
    1:1: this goes over a list or a map, not over a string
      title.exists(x, x == 'a')
      ^
    1:15: && is for conditions, and this is a string
      labels.all(k, k)
                    ^
    1:24: a list and a list are never the same
      labels.map(k, size(k)) == ['a']
                             ^
    1:31: a list or map is gone over within another; that is not possible here
      labels.exists(a, labels.exists(b, a == b))
                                    ^
    ");
}

#[test]
fn a_comparison_that_never_holds_is_refused_with_the_valid_values() {
    let texts = [
        "severity == 'SEV-9'",
        "'sev-1' == severity",
        "status != 'Open'",
        "priority in ['P1', 'P0']",
        "severity == priority",
    ];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @r#"
    1:13: severity is never "SEV-9": it is one of SEV-1, SEV-2, SEV-3, SEV-4, or empty
      severity == 'SEV-9'
                  ^
    1:1: severity is never "sev-1": it is one of SEV-1, SEV-2, SEV-3, SEV-4, or empty
      'sev-1' == severity
      ^
    1:11: status is never "Open": it is one of open, acknowledged, mitigated, resolved, closed, or empty
      status != 'Open'
                ^
    1:20: priority is never "P0": it is one of P1, P2, P3, P4, P5, or empty
      priority in ['P1', 'P0']
                         ^
    1:10: severity and priority have no value in common
      severity == priority
               ^
    "#);
}

#[test]
fn a_long_line_is_shown_around_the_place_and_control_characters_are_not() {
    let long = format!(
        "{}severty == 'a'{}",
        "title == 'a' || ".repeat(9),
        " ".repeat(200)
    );
    let texts = [long.as_str(), "title ==\t'a\u{1b}[2J'\r\n\t&& 1"];
    insta::assert_snapshot!(refusals(Subject::Incident, &texts), @"
    1:145: there is no variable severty; there are title, description, severity, priority, status, assigned_to, escalation_policy, custom, labels
      …e == 'a' || title == 'a' || title == 'a' || title == 'a' || severty == 'a'                                               …
                                                                   ^
    2:5: && is for conditions, and this is an int
       && 1
          ^
    ");
}

#[test]
fn what_is_too_long_or_nested_too_deep_is_refused() {
    let refused = |text: String| {
        let error = Trigger::parse(&text, Subject::Incident).expect_err("must be refused");
        format!("{}:{}: {}", error.line, error.column, error.problem)
    };
    let within = |open: &str, times, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let refusals = [
        refused(" ".repeat(2_001)),
        refused("(".repeat(2_000)),
        refused(within("(", 6, "true", ")")),
        refused("a ? ([{a.b(".repeat(2)),
        refused("( ] ".repeat(100)),
        refused(format!(
            "{}title{}",
            "true ? true : true ? true : (".repeat(5),
            ".a".repeat(200)
        )),
        refused(format!("title == '))))' && {}", "(".repeat(6))),
        refused(format!("title{} == 'a'", ".a".repeat(240))),
        refused(format!("title{} == 'a'", ".a".repeat(251))),
        refused(format!("{}title == 'a'", "title + ".repeat(200))),
        refused("true ? true : ".repeat(120)),
    ];
    insta::assert_snapshot!(refusals.join("\n"), @"
    1:2002: a trigger has at most 2000 characters, not 2001
    1:6: more than 5 brackets are open here
    1:6: more than 5 brackets are open here
    1:17: more than 5 brackets are open here
    1:3: ] does not close (
    1:551: the condition breaks off here
    1:25: more than 5 brackets are open here
    1:446: more than 20 parts are nested here; join conditions with && and || instead
    1:506: a trigger has at most 250 operators, dots and opening brackets
    1:1457: more than 20 parts are nested here; join conditions with && and || instead
    1:295: more than 20 parts are nested here; join conditions with && and || instead
    ");
    for fine in [
        within("(", 5, "true", ")"),
        within("!(", 5, "true", ")"),
        format!("{}title == 'a'", "title + ".repeat(17)),
        format!("{}title == 'a'", "title == 'a' || ".repeat(120)),
        format!("title == '{}' // {}", "(".repeat(100), "('".repeat(100)),
    ] {
        verdict(&fine, &incident(&[]));
    }
}

#[test]
fn a_condition_says_what_it_saw() {
    let facts = incident(&[
        ("title", "db \"one\" down"),
        ("severity", "SEV-3"),
        ("custom.cost_center", "42"),
    ]);
    for (text, holds, reason) in [
        (
            "severity in ['SEV-1', 'SEV-2'] && labels.team == 'it'",
            false,
            r#"severity is "SEV-3", labels.team is not set"#,
        ),
        ("severity == 'SEV-3'", true, r#"severity is "SEV-3""#),
        (
            "severity > 'SEV-2' && priority == ''",
            true,
            r#"severity is "SEV-3", priority is empty"#,
        ),
        // What is decided without the missing field is decided.
        (
            "severity == 'SEV-3' || labels.team == 'it'",
            true,
            r#"severity is "SEV-3", labels.team is not set"#,
        ),
        ("labels.team == 'it'", false, "labels.team is not set"),
        ("!(labels.team == 'it')", false, "labels.team is not set"),
        ("has(labels.team)", false, "labels.team is not set"),
        (
            "!has(labels.team) || labels.team == 'it'",
            true,
            "labels.team is not set",
        ),
        (
            "custom.cost_center == labels['cost_center']",
            true,
            r#"custom.cost_center is "42", labels.cost_center is "42""#,
        ),
        (
            "int(labels.cost_center) > 41",
            true,
            r#"labels.cost_center is "42""#,
        ),
        (
            "'cost_center' in labels && size(labels) == 1",
            true,
            "labels has 1 field",
        ),
        (
            "labels.exists(k, labels[k] == '42')",
            true,
            "labels has 1 field",
        ),
        (
            "labels.exists_one(k, k.startsWith('cost'))",
            true,
            "labels has 1 field",
        ),
        (
            "labels.filter(k, size(k) > 3).map(k, labels[k]) == ['42']",
            true,
            "labels has 1 field",
        ),
        (
            "labels[title] == 'a'",
            false,
            r#"labels has 1 field, title is "db \"one\" down"; no field "db \"one\" down" is set"#,
        ),
        (
            "title.contains('down') ? severity == 'SEV-3' : false",
            true,
            r#"title is "db \"one\" down", severity is "SEV-3""#,
        ),
        ("true", true, "it reads no field"),
    ] {
        assert_eq!(verdict(text, &facts), (holds, reason.to_owned()), "{text}");
    }
}

#[test]
fn what_has_no_answer_does_not_hold_and_says_why() {
    let facts = incident(&[("custom.count", "many"), ("title", &"x".repeat(200))]);
    let (holds, reason) = verdict("int(labels.count) > 3", &facts);
    assert!(
        !holds && reason.starts_with(r#"labels.count is "many"; it has no answer: "#),
        "{reason}"
    );
    let (holds, reason) = verdict("1 / size(labels.filter(k, k == 'a')) == 1", &facts);
    assert!(
        !holds && reason.contains("; it has no answer: "),
        "{reason}"
    );
    let (holds, reason) = verdict("['a'][size(labels)] == 'a'", &facts);
    assert!(
        !holds && reason.contains("; it has no answer: "),
        "{reason}"
    );
    let (_, reason) = verdict("title == 'a'", &facts);
    assert_eq!(reason, format!("title is \"{}…\"", "x".repeat(80)));
}

#[test]
fn a_records_own_values_are_there_beside_the_mapped_ones() {
    use im_model::{ExternalRecord, Field, Observed};
    let rules = crate::LinkRules {
        direction: im_model::Direction::Outbound,
        strategy: im_model::ConflictStrategy::LastWriteWins,
        conflict_window: jiff::SignedDuration::from_secs(5),
        fields: BTreeMap::from([(
            Field::Severity,
            crate::FieldRule::new(
                crate::ValueMap::Same(crate::TextForm::Exact),
                crate::ValueMap::table([("1/1", "SEV-1")], crate::Otherwise::Error),
                crate::Limit::default(),
            ),
        )]),
        notes_in_since: BTreeMap::new(),
        notes: BTreeMap::new(),
    };
    let record = |severity: &str| ExternalRecord {
        id: "R1".parse().expect("an id"),
        url: None,
        version: im_model::RecordVersion(1),
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
        merged_into: None,
        correlation: None,
        fields: BTreeMap::from([
            (
                Field::Severity,
                Observed::value(im_model::ExternalValue::text(severity)),
            ),
            // Shown, and not mapped.
            (
                Field::Status,
                Observed::value(im_model::ExternalValue::text("To Do")),
            ),
        ]),
    };
    let both = "severity == 'SEV-1' && external.severity == '1/1' && external.status == 'To Do'";
    let (holds, reason) = verdict(both, &Facts::of_record(&record("1/1"), &rules));
    assert!(holds, "{reason}");
    let facts = Facts::of_record(&record("3/3"), &rules);
    let saw = r#"severity is empty, external.severity is "3/3", external.title is not set"#;
    let text = "severity == '' && external.severity == '3/3' && external.title == ''";
    assert_eq!(verdict(text, &facts), (false, saw.to_owned()));
}

#[test]
fn whether_a_condition_can_ever_hold_is_known_of_listed_values() {
    for (text, expected) in [
        ("severity == 'SEV-1'", Some(true)),
        ("severity == 'SEV-1' && severity == 'SEV-2'", Some(false)),
        (
            "status == 'open' && !(status in ['open', 'closed'])",
            Some(false),
        ),
        ("priority == '' && severity < 'SEV-1'", Some(true)),
        ("severity.contains('X')", Some(false)),
        (
            "severity == 'SEV-1' && priority == 'P1' && status == 'closed'",
            Some(true),
        ),
        ("false", Some(false)),
        ("true", Some(true)),
        ("false && title == 'a'", None),
        ("labels.team == 'it'", None),
    ] {
        let trigger = Trigger::parse(text, Subject::Incident).expect(text);
        assert_eq!(trigger.can_ever_hold(), expected, "{text}");
    }
}

/// Texts that come near to being conditions.
fn near_miss() -> impl Strategy<Value = String> {
    const TOKENS: &[&str] = &[
        "severity",
        "labels",
        "title",
        "x",
        "'SEV-1'",
        "'a'",
        "\"",
        "'",
        "1",
        "1.5",
        "2u",
        "true",
        "null",
        "==",
        "!=",
        "<",
        "&&",
        "||",
        "!",
        "-",
        "+",
        "%",
        "?",
        ":",
        ".",
        ",",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "in",
        "has(",
        ".exists(x,",
        ".map(x,",
        "size(",
        "team",
        "\n",
        "\\",
        "é",
        "😀",
        "//",
        "r'",
        "b'",
        "`",
        "0x",
        "1e",
        ".?",
        "[?",
    ];
    prop::collection::vec(prop::sample::select(TOKENS), 0..30).prop_map(|all| all.join(" "))
}

proptest! {
    #[test]
    fn no_text_panics(text in prop_oneof![any::<String>(), near_miss()], subject in prop::bool::ANY) {
        let subject = if subject { Subject::Record } else { Subject::Incident };
        match Trigger::parse(&text, subject) {
            Ok(trigger) => {
                for facts in [Facts::blank(subject), Facts::filled(subject)] {
                    trigger.evaluate(&facts);
                }
                trigger.can_ever_hold();
            }
            Err(error) => {
                let lines: Vec<_> = text.split('\n').collect();
                prop_assert!((1..=lines.len()).contains(&error.line));
                let length = lines[error.line - 1].chars().count();
                prop_assert!((1..=length + 1).contains(&error.column));
                prop_assert_eq!(error.to_string().lines().count(), 3);
            }
        }
    }
}
