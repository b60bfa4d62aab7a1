use serde_json::json;

use super::{super::scripted::*, *};

fn with_secrets() -> Account {
    let mut account = Account::new();
    for name in ["webhook_secret", "client_key"] {
        let secret = im_model::Secret::new("x");
        account.credentials.0.insert(name.to_owned(), secret);
    }
    account
}

fn project() -> Json {
    json!({"id": "10000", "key": "OPS", "issueTypes": [
        {"id": "1", "name": "Task"}, {"id": "2", "name": "Incident"}]})
}

fn permissions(lacking: &str) -> Json {
    let one = |(key, ..): &(&str, &str, CheckOutcome)| {
        let has = json!({"havePermission": *key != lacking});
        ((*key).to_owned(), has)
    };
    let all: serde_json::Map<_, _> = PERMISSIONS.iter().map(one).collect();
    json!({ "permissions": all })
}

fn statuses() -> Json {
    let names = [
        ("To Do", "new"),
        ("In Progress", "indeterminate"),
        ("Done", "done"),
    ];
    let statuses =
        names.map(|(name, key)| json!({"id": name, "name": name, "statusCategory": {"key": key}}));
    json!([{"id": "2", "name": "Incident", "statuses": statuses}])
}

fn workflow() -> Json {
    json!({"statuses": [
        {"id": "1", "name": "To Do", "statusReference": "a"},
        {"id": "2", "name": "Done", "statusReference": "b"}],
    "workflows": [{"name": "w", "statuses": [{"statusReference": "a"}, {"statusReference": "b"}],
        "transitions": [{"id": "11", "name": "Do", "type": "DIRECTED", "toStatusReference": "b",
            "links": [{"fromStatusReference": "a"}]}]}]})
}

fn outcomes(account: &Account) -> Vec<(String, CheckOutcome)> {
    let checks = run(probe(&account.connection()));
    account.asked();
    checks
        .into_iter()
        .map(|check| (check.what, check.outcome))
        .collect()
}

fn everything(lacking: &str, status: u16, workflow: &Json) -> Account {
    with_secrets()
        .answers(
            "GET /myself",
            200,
            &json!({"accountId": "bot", "displayName": "Bot"}),
        )
        .answers("GET /project/OPS", 200, &project())
        .answers(
            "GET /mypermissions?projectKey=OPS&permissions=BROWSE",
            200,
            &permissions(lacking),
        )
        .answers("GET /project/OPS/statuses", 200, &statuses())
        .answers("POST /workflows", status, workflow)
}

#[test]
fn where_all_is_well_all_passes_and_nothing_was_changed() {
    let account = everything("", 200, &workflow()).option("signature_scheme", "hub");
    let outcomes = outcomes(&account);
    assert_eq!(outcomes.len(), 12);
    for (what, outcome) in outcomes {
        assert_eq!(outcome, CheckOutcome::Passed, "{what}");
    }
}

#[test]
fn what_is_lacking_is_named() {
    let account = everything("CREATE_ISSUES", 403, &json!({}));
    let outcomes = outcomes(&account);
    let of = |wanted: &str| {
        let found = outcomes.iter().find(|(what, _)| what == wanted);
        found.map(|(_, outcome)| *outcome)
    };
    assert_eq!(of("create issues"), Some(CheckOutcome::Failed));
    assert_eq!(of("edit issues"), Some(CheckOutcome::Passed));
    assert_eq!(of("read the workflow"), Some(CheckOutcome::Limited));
    let account = everything("ADD_COMMENTS", 403, &json!({}));
    assert!(
        super::tests::outcomes(&account)
            .contains(&("add comments".to_owned(), CheckOutcome::Limited))
    );
}

#[test]
fn without_a_client_key_connect_verifies_nothing() {
    let mut account = with_secrets().answers("GET /myself", 401, &json!({}));
    account.credentials.0.remove("client_key");
    let checks = run(probe(&account.connection()));
    assert_eq!(checks[1].outcome, CheckOutcome::Failed);
    assert!(
        checks[1].detail.contains("client_key"),
        "{}",
        checks[1].detail
    );
    // Nobody who cannot log in is asked the rest.
    assert_eq!(checks.len(), 2);
    assert_eq!(checks[0].outcome, CheckOutcome::Failed);
}

#[test]
fn an_issue_type_that_the_project_lacks_is_told_with_those_it_has() {
    let account = with_secrets()
        .option("issue_type", "Bug")
        .answers("GET /myself", 200, &json!({"accountId": "bot"}))
        .answers("GET /project/OPS", 200, &project())
        .answers("GET /mypermissions", 200, &permissions(""))
        .answers("GET /project/OPS/statuses", 200, &json!([]));
    let checks = run(probe(&account.connection()));
    let found = checks
        .iter()
        .find(|check| check.what == "find the issue type");
    let detail = &found.expect("a check").detail;
    assert!(detail.contains("Task, Incident"), "{detail}");
    let statuses = checks.iter().find(|check| check.what == "see the statuses");
    assert_eq!(statuses.expect("a check").outcome, CheckOutcome::Limited);
    account.asked();
}

#[test]
fn an_issue_type_in_another_case_is_found_with_a_hint() {
    let mut account = everything("", 200, &workflow());
    account
        .options
        .insert("issue_type".to_owned(), "incident".to_owned());
    let found = ("find the issue type".to_owned(), CheckOutcome::Limited);
    assert!(outcomes(&account).contains(&found));
}
