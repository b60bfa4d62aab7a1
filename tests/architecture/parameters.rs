//! What the parameters of the template come to: who may call the management API, and by which policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::template::{TEMPLATE, resource};

type Given = BTreeMap<String, String>;

/// The parameters of a deployment that gives these, and leaves the others.
fn given(parameters: &[(&str, &str)]) -> Given {
    let defaults = TEMPLATE["Parameters"].as_object().expect("parameters");
    let mut given: Given = defaults
        .iter()
        .filter_map(|(name, it)| Some((name.clone(), it["Default"].as_str()?.to_owned())))
        .collect();
    for (name, value) in parameters {
        let before = given.insert((*name).to_owned(), (*value).to_owned());
        assert!(before.is_some(), "{name}");
    }
    given
}

/// As much of `CloudFormation`'s conditions as the template uses.
fn holds(condition: &Value, given: &Given) -> bool {
    let (function, of) = condition
        .as_object()
        .and_then(|tag| tag.iter().next())
        .expect("a function");
    let of = of.as_array().expect("arguments");
    let value = |of: &Value| match &of["!Ref"] {
        Value::String(parameter) => given[parameter].clone(),
        _ => of.as_str().expect("a text").to_owned(),
    };
    match function.as_str() {
        "!Equals" => value(&of[0]) == value(&of[1]),
        "!Not" => !holds(&of[0], given),
        "!Or" => of.iter().any(|of| holds(of, given)),
        other => panic!("teach this test {other}"),
    }
}

/// Why a deployment is refused.
fn refusals(given: &Given) -> Vec<&'static str> {
    let rules = TEMPLATE["Rules"].as_object().expect("rules").values();
    let applies = |rule: &&Value| {
        let condition = &rule["RuleCondition"];
        condition.is_null() || holds(condition, given)
    };
    let assertions = rules
        .filter(applies)
        .flat_map(|rule| rule["Assertions"].as_array().expect("assertions"));
    assertions
        .filter(|assertion| !holds(&assertion["Assert"], given))
        .map(|assertion| assertion["AssertDescription"].as_str().expect("words"))
        .collect()
}

const ISSUER: (&str, &str) = ("TokenIssuer", "https://login.example.com/");
const AUDIENCE: (&str, &str) = ("TokenAudience", "im");
const SHARED: (&str, &str) = ("SharedTokenKey", "yes");

#[test]
fn nobody_deploys_an_api_that_cannot_check_tokens() {
    let none = "Give TokenIssuer and TokenAudience, or SharedTokenKey=yes.";
    let for_anybody = "TokenIssuer needs TokenAudience.";
    for (parameters, expected) in [
        (&[][..], &[none][..]),
        (&[AUDIENCE], &[none]),
        (&[ISSUER], &[for_anybody]),
        (&[ISSUER, SHARED], &[for_anybody]),
        (&[ISSUER, AUDIENCE], &[]),
        (&[SHARED], &[]),
        (&[ISSUER, AUDIENCE, SHARED], &[]),
    ] {
        assert_eq!(refusals(&given(parameters)), expected, "{parameters:?}");
    }
}

fn condition_holds(name: &str, given: &Given) -> bool {
    holds(&TEMPLATE["Conditions"][name], given)
}

/// What an `!If` comes to; nothing, where it is `AWS::NoValue`.
fn chosen<'a>(value: &'a Value, given: &Given) -> Option<&'a Value> {
    let Some(of) = value["!If"].as_array() else {
        return Some(value);
    };
    let condition = of[0].as_str().expect("a condition's name");
    let chosen = if condition_holds(condition, given) {
        &of[1]
    } else {
        &of[2]
    };
    (*chosen != json!({"!Ref": "AWS::NoValue"})).then_some(chosen)
}

/// The variables of `api` that not every deployment has.
fn variables(given: &Given) -> BTreeSet<&'static str> {
    let variables = &resource("ApiFunction")["Environment"]["Variables"];
    let variables = variables.as_object().expect("variables").iter();
    variables
        .filter(|(_, value)| value["!If"].is_array() && chosen(value, given).is_some())
        .map(|(name, _)| name.as_str())
        .collect()
}

#[test]
fn the_api_is_told_what_is_given() {
    let jwks = ("TokenJwksUrl", "https://login.example.com/keys");
    let layer = "arn:aws:lambda:eu-central-1:000000000000:layer:policy:1";
    for (parameters, expected) in [
        (&[SHARED][..], &["API_JWT_SECRET_ID"][..]),
        (&[ISSUER, AUDIENCE], &["API_JWT_AUDIENCE", "API_JWT_ISSUER"]),
        (&[jwks], &["API_JWT_JWKS_URL"]),
        (&[("PolicyLayerArn", layer)], &["IM_POLICY_DIR"]),
    ] {
        let given = given(parameters);
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(variables(&given), expected, "{parameters:?}");
        let has_layer = chosen(&resource("ApiFunction")["Layers"], &given).is_some();
        assert_eq!(has_layer, expected.contains("IM_POLICY_DIR"));
    }
}

/// A key that nobody asked for is a way in that nobody watches.
#[test]
fn without_a_shared_key_there_is_no_trace_of_it() {
    let statements = &resource("ApiRole")["Policies"][0]["PolicyDocument"]["Statement"];
    let statements = statements.as_array().expect("statements");
    for (parameters, shared) in [(&[SHARED][..], true), (&[ISSUER, AUDIENCE], false)] {
        let given = given(parameters);
        let parts = [
            &TEMPLATE["Resources"]["ApiJwtSecret"],
            &TEMPLATE["Outputs"]["ApiJwtSecretArn"],
        ];
        for part in parts {
            let condition = part["Condition"].as_str().expect("a condition's name");
            assert_eq!(condition_holds(condition, &given), shared);
        }
        let mut statements = statements.iter().filter_map(|it| chosen(it, &given));
        assert_eq!(statements.any(|it| it["Sid"] == "ReadTokenKey"), shared);
    }
}
