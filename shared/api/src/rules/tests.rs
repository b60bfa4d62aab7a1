use im_engine::manage::{NewMappings, NewOwnership};
use im_model::{Otherwise, Owner};
use serde_json::{Value, json};

use super::input;
use crate::{Problem, body::ObjectReader};

fn reader(body: &Value) -> ObjectReader {
    ObjectReader::new(body.as_object().expect("an object").clone())
}

fn ownership(body: &Value) -> Result<NewOwnership, Problem> {
    input::ownership(reader(body), false)
}

fn mappings(body: &Value) -> Result<NewMappings, Problem> {
    input::mappings(reader(body))
}

fn errors(problem: &Problem) -> Vec<String> {
    let errors = problem.errors().into_iter();
    errors
        .map(|(field, problem)| format!("{field}: {problem}"))
        .collect()
}

#[test]
fn owners_have_priorities() {
    let body = json!({"rules": [{"owner": "platform"}, {"owner": "external", "priority": 100}]});
    let expected = vec![(Owner::Platform, 10), (Owner::External, 100)];
    assert_eq!(ownership(&body).expect("valid").rules, expected);
}

#[test]
fn every_bad_rule_is_named() {
    let priority = "must be a whole number from 1 to 100";
    for (body, expected) in [
        (json!({}), vec!["rules: is required".to_owned()]),
        (
            json!({"rules": {}}),
            vec!["rules: must be an array, not an object".to_owned()],
        ),
        (
            json!({"rules": [1, {"owner": "vendor", "prio": 3}], "rule": 1}),
            vec![
                "rules.0: must be an object, not a number".to_owned(),
                "rules.1.owner: must be one of platform, external".to_owned(),
                "rules.1.prio: unknown; expected one of owner, priority".to_owned(),
                "rule: unknown; expected one of rules".to_owned(),
            ],
        ),
        (
            json!({"rules": [{"priority": 0}]}),
            vec![
                "rules.0.owner: is required".to_owned(),
                format!("rules.0.priority: {priority}"),
            ],
        ),
        (
            json!({"rules": [{"owner": "platform", "priority": 101}, {"owner": "external", "priority": 1.5}]}),
            vec![
                format!("rules.0.priority: {priority}"),
                format!("rules.1.priority: {priority}"),
            ],
        ),
        (
            json!({"rules": [{}, {}, {}]}),
            vec!["rules: must have at most one rule for each owner".to_owned()],
        ),
    ] {
        assert_eq!(
            errors(&ownership(&body).expect_err("bad")),
            expected,
            "{body}"
        );
    }
}

#[test]
fn what_is_shown_can_be_sent_back() {
    let body = json!({
        "version": 3, "configured": ["severity.outbound"], "notes": [], "defaults": {},
        "fields": {"custom.cost": "u_cost:number"},
        "values": {
            "severity": {
                "outbound": {"values": {"SEV-1": "1/1"}, "otherwise": "inherit"},
                "inbound": {"values": {}, "otherwise": {"default": "SEV-4"}},
            },
            "status": {"inbound": {"otherwise": "leave_alone"}},
        },
    });
    let new = mappings(&body).expect("valid");
    assert_eq!(new.fields.expect("given")["custom.cost"], "u_cost:number");
    let severity = &new.values["severity"];
    let outbound = severity.outbound.as_ref().expect("a table");
    assert_eq!(
        (outbound.values["SEV-1"].as_str(), &outbound.otherwise),
        ("1/1", &Otherwise::Inherit)
    );
    let inbound = severity.inbound.as_ref().expect("a table");
    assert_eq!(inbound.otherwise, Otherwise::Default("SEV-4".to_owned()));
    assert_eq!(new.values["status"].outbound, None);
    assert_eq!(mappings(&json!({"values": {}})), Ok(NewMappings::default()));
}

#[test]
fn every_bad_place_in_mappings_is_named_with_its_path() {
    let body = json!({
        "fields": {"custom.cost": 1},
        "value": {},
        "values": {
            "severity": {
                "outbound": {"values": {"SEV-1": 1}, "otherwise": "ignore", "default": "x"},
                "both": {},
            },
            "status": {"inbound": {"values": []}},
            "title": null,
        },
    });
    let otherwise = "must be \"error\", \"leave_alone\", \"inherit\" or {\"default\": \"<value>\"}";
    assert_eq!(
        errors(&mappings(&body).expect_err("bad")),
        [
            "fields.custom.cost: must be a string, not a number".to_owned(),
            "values.severity.outbound.values.SEV-1: must be a string, not a number".to_owned(),
            format!("values.severity.outbound.otherwise: {otherwise}"),
            "values.severity.outbound.default: unknown; expected one of values, otherwise"
                .to_owned(),
            "values.severity.both: unknown; expected one of outbound, inbound".to_owned(),
            "values.status.inbound.otherwise: is required".to_owned(),
            "values.status.inbound.values: must be an object, not an array".to_owned(),
            "values.title: must be an object, not null".to_owned(),
            "value: unknown; expected one of fields, values".to_owned(),
        ]
    );
    assert_eq!(
        errors(&mappings(&json!({})).expect_err("bad")),
        ["values: is required"]
    );
}
