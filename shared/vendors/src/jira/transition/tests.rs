use std::collections::BTreeMap;

use im_model::{ExternalValue, Observed, RecordVersion};
use serde_json::json;

use super::{super::scripted::*, *};

fn record(status: &str) -> ExternalRecord {
    let now = "2026-11-22T04:00:00Z".parse().expect("a time");
    let status = Observed::value(ExternalValue::text(status));
    ExternalRecord {
        id: ExternalId::parse("10002").expect("an id"),
        version: RecordVersion(1),
        url: None,
        merged_into: None,
        correlation: None,
        created_at: now,
        updated_at: now,
        fields: BTreeMap::from([(Field::Status, status)]),
    }
}

fn status(id: u64) -> Json {
    let (name, key) = match id {
        1 => ("To Do", "new"),
        2 => ("In Progress", "indeterminate"),
        3 => ("Review", "indeterminate"),
        _ => ("Done", "done"),
    };
    json!({"id": id.to_string(), "name": name, "statusCategory": {"key": key}})
}

fn to(id: u64) -> Json {
    json!({"id": format!("{id}1"), "name": format!("to {id}"), "to": status(id)})
}

fn transitions(open: &[Json]) -> Json {
    json!({ "transitions": open })
}

fn issue(status_id: u64) -> Json {
    json!({"id": "10002", "fields": {"status": status(status_id),
        "project": {"id": "10000"}, "issuetype": {"id": "10001"}}})
}

fn workflow(edges: &[(u64, u64)]) -> Json {
    let reference = |id: u64| format!("s{id}");
    let statuses: Vec<_> = (1..=4)
        .map(|id| {
            let name = &status(id)["name"];
            let category = ["TODO", "IN_PROGRESS", "IN_PROGRESS", "DONE"][usize::try_from(id).expect("small") - 1];
            json!({"id": id.to_string(), "name": name, "statusCategory": category, "statusReference": reference(id)})
        })
        .collect();
    let transitions: Vec<_> = edges
        .iter()
        .map(|(from, to)| {
            json!({"id": format!("{to}1"), "name": format!("to {to}"), "type": "DIRECTED",
                "toStatusReference": reference(*to), "links": [{"fromStatusReference": reference(*from)}]})
        })
        .collect();
    let references: Vec<_> = (1..=4)
        .map(|id| json!({"statusReference": reference(id)}))
        .collect();
    json!({"statuses": statuses,
        "workflows": [{"name": "w", "statuses": references, "transitions": transitions}]})
}

const AVAILABLE: &str = "GET /issue/10002/transitions?expand=transitions.fields";
const TAKE: &str = "POST /issue/10002/transitions";
const WHERE: &str = "GET /issue/10002?fields=status%2Cproject%2Cissuetype";
const NOW: &str = "GET /issue/10002?fields=status";
const ALL: &str = "POST /workflows";

fn go(account: &Account, from: &str, target: &str) -> Result<(), String> {
    run(move_to(&account.connection(), &record(from), target)).expect("an answer")
}

fn taken(account: &Account) -> Vec<String> {
    let asked = account.asked();
    let taken = asked
        .iter()
        .filter(|asked| asked.what.starts_with("POST /issue"));
    taken
        .map(|asked| {
            asked.body["transition"]["id"]
                .as_str()
                .expect("an id")
                .to_owned()
        })
        .collect()
}

#[test]
fn one_transition_away_takes_two_requests() {
    let account = Account::new()
        .answers(AVAILABLE, 200, &transitions(&[to(2), to(4)]))
        .answers(TAKE, 204, &Json::Null);
    assert_eq!(go(&account, "To Do", "done"), Ok(()));
    assert_eq!(taken(&account), ["41"]);
}

#[test]
fn several_away_the_workflow_leads() {
    let account = Account::new()
        .answers(AVAILABLE, 200, &transitions(&[to(2), to(3)]))
        .answers(WHERE, 200, &issue(1))
        .answers(ALL, 200, &workflow(&[(1, 2), (1, 3), (3, 4)]))
        .answers(TAKE, 204, &Json::Null)
        .answers(NOW, 200, &issue(3))
        .answers(AVAILABLE, 200, &transitions(&[to(4)]))
        .answers(TAKE, 204, &Json::Null);
    assert_eq!(go(&account, "To Do", "Done"), Ok(()));
    assert_eq!(taken(&account), ["31", "41"]);
    let pair = json!([{"projectId": "10000", "issueTypeId": "10001"}]);
    assert_eq!(account.sent(ALL)["projectAndIssueTypes"], pair);
}

#[test]
fn a_workflow_that_may_not_be_read_is_explored_and_what_was_met_is_remembered() {
    for status in [401, 403, 404] {
        let account = Account::new()
            .answers(AVAILABLE, 200, &transitions(&[to(2)]))
            .answers(WHERE, 200, &issue(1))
            .answers(ALL, status, &json!({}))
            .answers(TAKE, 204, &Json::Null)
            .answers(NOW, 200, &issue(2))
            .answers(AVAILABLE, 200, &transitions(&[to(1), to(4)]))
            .answers(TAKE, 204, &Json::Null);
        assert_eq!(go(&account, "To Do", "Done"), Ok(()));
        // Again, with a status in the way that nothing is known of: the known path is taken, nobody is asked.
        let account = account
            .answers(AVAILABLE, 200, &transitions(&[to(2), to(3)]))
            .answers(WHERE, 200, &issue(1))
            .answers(TAKE, 204, &Json::Null)
            .answers(NOW, 200, &issue(2))
            .answers(AVAILABLE, 200, &transitions(&[to(4)]))
            .answers(TAKE, 204, &Json::Null);
        assert_eq!(go(&account, "To Do", "Done"), Ok(()));
        assert_eq!(taken(&account), ["21", "41", "21", "41"]);
    }
}

#[test]
fn where_nothing_leads_there_it_says_so_and_asks_for_the_workflow_again_next_time() {
    let mut account = Account::new();
    for _ in 0..2 {
        account = account
            .answers(AVAILABLE, 200, &transitions(&[to(2)]))
            .answers(WHERE, 200, &issue(1))
            .answers(ALL, 200, &workflow(&[(1, 2)]));
        let why = go(&account, "To Do", "Done").expect_err("no path");
        assert!(why.contains("To Do") && why.contains("Done"), "{why}");
    }
    assert_eq!(taken(&account), [""; 0]);
}

#[test]
fn somebody_was_faster() {
    let account = Account::new()
        .answers(AVAILABLE, 200, &transitions(&[to(1)]))
        .answers(WHERE, 200, &issue(4))
        .answers(ALL, 403, &json!({}));
    assert_eq!(go(&account, "To Do", "Done"), Ok(()));
}

#[test]
fn a_refused_transition_is_told_in_jiras_words() {
    let refusal = json!({"errorMessages": ["The approval is missing."], "errors": {}});
    let account = Account::new()
        .answers(AVAILABLE, 200, &transitions(&[to(4)]))
        .answers(TAKE, 400, &refusal);
    let why = go(&account, "To Do", "Done").expect_err("refused");
    assert!(
        why.contains("The approval is missing.") && why.contains("to 4"),
        "{why}"
    );
}

#[test]
fn what_waiting_helps_against_is_no_refusal() {
    for status in [409, 429, 503] {
        let account = Account::new()
            .answers(AVAILABLE, 200, &transitions(&[to(4)]))
            .answers(TAKE, status, &json!({}));
        let result = run(move_to(&account.connection(), &record("To Do"), "Done"));
        assert!(!result.expect_err("an error").is_permanent());
    }
}

fn demanding(key: &str, schema: &str) -> Json {
    let mut open = to(4);
    open["fields"] = json!({ key: {"key": key, "name": key, "required": true, "operations": ["set"],
        "schema": {"type": schema}} });
    open
}

#[test]
fn a_resolution_is_filled_in() {
    for (option, expected) in [("", "Done"), ("Fixed", "Fixed")] {
        let account = Account::new()
            .option("resolution", option)
            .answers(
                AVAILABLE,
                200,
                &transitions(&[demanding("resolution", "resolution")]),
            )
            .answers(TAKE, 204, &Json::Null);
        assert_eq!(go(&account, "To Do", "Done"), Ok(()));
        let fields = json!({"resolution": {"name": expected}});
        assert_eq!(account.sent(TAKE)["fields"], fields);
    }
}

#[test]
fn a_field_that_has_a_value_needs_none() {
    let asked = "GET /issue/10002?fields=customfield_1";
    for (value, goes) in [(json!("x"), true), (json!(null), false), (json!([]), false)] {
        let mut account = Account::new()
            .answers(
                AVAILABLE,
                200,
                &transitions(&[demanding("customfield_1", "string")]),
            )
            .answers(
                asked,
                200,
                &json!({"id": "10002", "fields": {"customfield_1": value}}),
            );
        if goes {
            account = account.answers(TAKE, 204, &Json::Null);
        }
        let went = go(&account, "To Do", "Done");
        match went {
            Ok(()) => assert!(goes),
            Err(why) => assert!(
                !goes && why.contains("transition_field.customfield_1"),
                "{why}"
            ),
        }
        account.asked();
    }
    let account = Account::new()
        .option("transition_field.customfield_1", "set")
        .answers(
            AVAILABLE,
            200,
            &transitions(&[demanding("customfield_1", "string")]),
        )
        .answers(TAKE, 204, &Json::Null);
    assert_eq!(go(&account, "To Do", "Done"), Ok(()));
    assert_eq!(
        account.sent(TAKE)["fields"],
        json!({"customfield_1": "set"})
    );
}
