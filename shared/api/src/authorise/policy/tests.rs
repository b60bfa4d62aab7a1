use std::{collections::BTreeSet, fs, path::PathBuf};

use im_model::{ActorId, OrganizationId};

use super::*;

const TESTS: &str = include_str!("../../../../../infra/policies/authz_test.rego");

/// Runs `authz_test.rego` as `opa test` would, on this policy.
fn run_tests(policy: &str) -> Vec<(String, Result<Value, String>)> {
    let mut engine = Engine::new();
    for (name, text) in [("authz.rego", policy), ("authz_test.rego", TESTS)] {
        let added = engine.add_policy(name.to_owned(), text.to_owned());
        added.expect("compiles");
    }
    let names: BTreeSet<_> = TESTS
        .lines()
        .filter_map(|line| Some(line.strip_prefix("test_")?.split_once(" if")?.0))
        .map(|name| format!("test_{name}"))
        .collect();
    let run = |name: String| {
        let rule = format!("data.im.authz_test.{name}");
        let value = engine.eval_rule(rule).map_err(|error| error.to_string());
        (name, value)
    };
    names.into_iter().map(run).collect()
}

#[test]
fn the_policys_own_tests_pass() {
    let all = run_tests(Policy::BUILT_IN.1);
    assert_eq!(all.len(), TESTS.matches("\ntest_").count());
    assert!(all.len() >= 15, "{}", all.len());
    for (name, value) in all {
        assert_eq!(value, Ok(Value::Bool(true)), "{name}");
    }
}

/// Each is a mistake that somebody could make.
#[test]
fn the_policys_own_tests_notice_a_wrong_policy() {
    let right = Policy::BUILT_IN.1;
    for (part, mistake) in [
        (
            "input.action in in_scope[role]\n\tscope_covers_resource",
            "input.action in in_scope[role]",
        ),
        (
            "input.action in if_assigned[role]\n\tassigned_to_caller",
            "input.action in if_assigned[role]",
        ),
        ("startswith(integration, trim_suffix(scope, \"*\"))", "true"),
        (
            "input.caller.organization == input.resource.organization",
            "true",
        ),
        (
            "\"viewer\": {\"sync_status.read\"}",
            "\"viewer\": {\"sync_status.read\", \"incident.read\"}",
        ),
        (
            "administrator in input.caller.roles",
            "count(input.caller.roles) >= 0",
        ),
        (
            "count(input.caller.scopes) > 0",
            "count(input.caller.scopes) >= 0",
        ),
        (
            "input.resource.assigned_to == input.caller.subject",
            "lower(input.resource.assigned_to) == lower(input.caller.subject)",
        ),
    ] {
        assert!(right.contains(part), "{part}");
        let wrong = right.replace(part, mistake);
        let failed = run_tests(&wrong)
            .into_iter()
            .filter(|(_, value)| *value != Ok(Value::Bool(true)));
        assert!(failed.count() > 0, "{mistake}");
    }
}

#[test]
fn the_policy_knows_every_action_and_no_other() {
    let quoted = |text: &str| -> BTreeSet<String> {
        let words = text.split('"').skip(1).step_by(2);
        words
            .filter(|word| word.contains('.'))
            .map(str::to_owned)
            .collect()
    };
    let rules = Policy::BUILT_IN.1.split("# The roles of the caller").next();
    let mut named = quoted(rules.expect("the tables"));
    for role in ["platform.administrator", "integration.manager"] {
        assert!(named.remove(role));
    }
    let all: BTreeSet<_> = Action::ALL
        .iter()
        .map(|action| action.as_str().to_owned())
        .collect();
    assert_eq!(named, all);
}

fn caller() -> Caller {
    Caller {
        subject: ActorId::parse("ann@example.com").expect("valid"),
        organization: OrganizationId::parse("acme").expect("valid"),
        roles: BTreeSet::from(["on-call".to_owned()]),
        scopes: BTreeSet::new(),
    }
}

fn policy(text: &str) -> Result<Policy, String> {
    let files = [("mine.rego".to_owned(), text.to_owned())];
    Policy::parse(files, Some(r#"{"on_call": ["ann@example.com"]}"#))
        .map_err(|error| error.to_string())
}

const OPERATORS: &str = r#"
package im.authz
import rego.v1
default decision := {"allow": false, "reason": "only people on call"}
decision := {"allow": true} if {
    "on-call" in input.caller.roles
    input.caller.subject in data.on_call
    not input.action == "integration.delete"
}
decision := {"allow": "yes"} if input.action == "integration.delete"
"#;

#[test]
fn an_operators_policy_takes_the_place_of_ours() {
    let policy = policy(OPERATORS).expect("compiles");
    let (ann, mut bob) = (caller(), caller());
    bob.subject = ActorId::parse("bob@example.com").expect("valid");
    let read = |caller: &Caller| {
        let decided = policy.may(caller, Action::ReadIncidents, Resource::any_of(caller));
        decided.map_err(|denied| denied.to_string())
    };
    assert_eq!(read(&ann), Ok(()));
    assert_eq!(read(&bob), Err("only people on call".to_owned()));
}

#[test]
fn no_decision_is_a_denial() {
    let policy = policy(OPERATORS).expect("compiles");
    let ann = caller();
    let denied = policy.may(&ann, Action::DeleteIntegration, Resource::any_of(&ann));
    assert_eq!(
        denied.expect_err("\"yes\" is not true").to_string(),
        "the policy gave no decision on integration.delete: its log says why"
    );
}

#[test]
fn no_policy_lets_anybody_act_in_another_organization() {
    let policy = policy(OPERATORS).expect("compiles");
    let rival = OrganizationId::parse("rival").expect("valid");
    let resource = Resource {
        organization: &rival,
        which: Which::Any,
    };
    assert!(
        policy
            .may(&caller(), Action::ReadIncidents, resource)
            .is_err()
    );
}

#[test]
fn a_policy_that_cannot_work_is_refused_at_once() {
    for (text, reason) in [
        ("package im.authz\nimport rego.v1\nallow if {", "mine.rego"),
        (
            "package im.authz\nimport rego.v1\nallow := true",
            "data.im.authz.decision",
        ),
        (
            "package im.authz\nimport rego.v1\ndecision := {\"allow\": true, \"reason\": \"\"}",
            "it allows a caller without a role",
        ),
        (
            "package im.authz\nimport rego.v1\ndecision := 7",
            "must be an object with `allow`",
        ),
    ] {
        let refused = policy(text).err().expect("cannot work");
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn the_folder_of_policies_says_what_it_holds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/policies");
    let readme = fs::read_to_string(folder.join("README.md")).expect("is there");
    for action in Action::ALL {
        assert!(readme.contains(&format!("`{action}`")), "{action}");
    }
    for word in ["any", "incident", "integration", "conflict"] {
        assert!(readme.contains(&format!("\"{word}\"")), "{word}");
    }
}
