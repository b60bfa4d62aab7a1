use super::{super::scripted::*, *};

const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn values(pairs: &[(Field, &str)]) -> BTreeMap<Field, ExternalValue> {
    let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
    pairs.iter().map(value).collect()
}

fn issue(status: &str) -> Json {
    json!({"id": "10002", "key": "OPS-7", "fields": {
        "summary": "Down", "status": {"name": status, "id": "1"}, "labels": [INCIDENT],
        "created": "2026-11-22T03:59:00.000+0000", "updated": "2026-11-22T03:59:01.000+0000",
    }})
}

fn record(status: &str) -> ExternalRecord {
    let issue = serde_json::from_value(issue(status)).expect("an issue");
    run(issue::record(&Account::new().connection(), issue)).expect("a record")
}

fn statuses() -> Json {
    let names = [
        ("To Do", "new"),
        ("In Progress", "indeterminate"),
        ("Done", "done"),
    ];
    let statuses =
        names.map(|(name, key)| json!({"id": name, "name": name, "statusCategory": {"key": key}}));
    json!([{"id": "1", "name": "Incident", "statuses": statuses}])
}

fn transitions(to: &str) -> Json {
    json!({"transitions": [{"id": "41", "name": "Go", "to": {"id": "4", "name": to}}]})
}

fn refusal(fields: &Json) -> Json {
    json!({"errorMessages": [], "errors": fields})
}

const READ: &str = "GET /issue/10002?fields=summary%2C";
const EDIT: &str = "PUT /issue/10002";
const CREATE: &str = "POST /issue";
const STATUSES: &str = "GET /project/OPS/statuses";
const AVAILABLE: &str = "GET /issue/10002/transitions";
const TAKE: &str = "POST /issue/10002/transitions";

fn write(
    account: &Account,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Written, VendorError> {
    run(change(&account.connection(), &record("To Do"), values))
}

fn made(
    account: &Account,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<Written, VendorError> {
    let incident = INCIDENT.parse().expect("an id");
    run(create(&account.connection(), &incident, values))
}

fn order(account: &Account) -> Vec<String> {
    let is_write = |what: &String| !what.starts_with("GET");
    let what = account.asked().into_iter().map(|asked| asked.what);
    what.filter(is_write).collect()
}

#[test]
fn plain_fields_are_one_request_and_read_back_once() {
    let account =
        Account::new()
            .answers(EDIT, 204, &Json::Null)
            .answers(READ, 200, &issue("To Do"));
    let values = values(&[(Field::Title, "Down"), (Field::Severity, "High")]);
    let written = write(&account, &values).expect("written");
    assert_eq!(written.refused, BTreeMap::new());
    assert_eq!(written.record, record("To Do"));
    let body = json!({"fields": {"summary": "Down", "priority": {"name": "High"}}});
    assert_eq!(account.sent(EDIT), body);
}

#[test]
fn a_status_that_ends_the_work_comes_last_and_any_other_first() {
    let values = |status| values(&[(Field::Title, "Down"), (Field::Status, status)]);
    let account = Account::new()
        .answers(STATUSES, 200, &statuses())
        .answers(EDIT, 204, &Json::Null)
        .answers(AVAILABLE, 200, &transitions("Done"))
        .answers(TAKE, 204, &Json::Null)
        .answers(READ, 200, &issue("Done"));
    let written = write(&account, &values("Done")).expect("written");
    assert_eq!(written.record, record("Done"));
    assert_eq!(order(&account), [EDIT, TAKE]);

    let account = Account::new()
        .answers(STATUSES, 200, &statuses())
        .answers(AVAILABLE, 200, &transitions("In Progress"))
        .answers(TAKE, 204, &Json::Null)
        .answers(EDIT, 204, &Json::Null)
        .answers(READ, 200, &issue("In Progress"));
    write(&account, &values("In Progress")).expect("written");
    assert_eq!(order(&account), [TAKE, EDIT]);
}

#[test]
fn a_status_that_cannot_be_does_not_hold_up_the_other_fields() {
    let refused = json!({"errorMessages": ["No."]});
    let account = Account::new()
        .answers(STATUSES, 200, &statuses())
        .answers(AVAILABLE, 200, &transitions("In Progress"))
        .answers(TAKE, 400, &refused)
        .answers(EDIT, 204, &Json::Null)
        .answers(READ, 200, &issue("To Do"));
    let values = values(&[(Field::Title, "Down"), (Field::Status, "In Progress")]);
    let written = write(&account, &values).expect("written");
    let refused: Vec<_> = written.refused.keys().collect();
    assert_eq!(refused, [&Field::Status]);
    account.asked();
}

#[test]
fn a_field_that_jira_refuses_by_name_does_not_hold_up_the_others() {
    let account = Account::new()
        .answers(EDIT, 400, &refusal(&json!({"priority": "Unknown."})))
        .answers(EDIT, 204, &Json::Null)
        .answers(READ, 200, &issue("To Do"));
    let values = values(&[(Field::Title, "Down"), (Field::Severity, "Huge")]);
    let written = write(&account, &values).expect("written");
    assert_eq!(
        written.refused[&Field::Severity],
        "Jira refuses it: Unknown."
    );
    assert_eq!(
        account.asked()[1].body,
        json!({"fields": {"summary": "Down"}})
    );
}

#[test]
fn a_refusal_of_all_fields_or_of_none_by_name() {
    let title = values(&[(Field::Title, "Down")]);
    let account = Account::new()
        .answers(EDIT, 400, &refusal(&json!({"summary": "Too long."})))
        .answers(READ, 200, &issue("To Do"));
    assert_eq!(write(&account, &title).expect("read").refused.len(), 1);
    account.asked();

    let account = Account::new().answers(EDIT, 400, &json!({"errorMessages": ["No."]}));
    let error = write(&account, &title).expect_err("refused as a whole");
    assert!(matches!(
        error.kind,
        VendorErrorKind::Refused { status: 400, .. }
    ));

    let account = Account::new().answers(EDIT, 409, &refusal(&json!({"summary": "Taken."})));
    let error = write(&account, &title).expect_err("a conflict");
    assert_eq!(error.kind, VendorErrorKind::Unavailable { status: 409 });
}

#[test]
fn where_nothing_can_be_sent_nothing_is_asked() {
    let account = Account::new().answers("GET /user/assignable/search?", 200, &json!([]));
    let values = values(&[(Field::AssignedTo, "ann@example.com")]);
    let written = write(&account, &values).expect("nothing to do");
    assert_eq!(written.record, record("To Do"));
    assert!(written.refused[&Field::AssignedTo].contains("ann@example.com"));
    account.asked();
}

#[test]
fn an_assignee_that_jira_refuses_is_looked_up_again() {
    let found = json!([{"accountId": "5b1", "emailAddress": "ann@example.com"}]);
    let people = "GET /user/assignable/search?";
    let mut account = Account::new();
    for _ in 0..2 {
        account = account
            .answers(people, 200, &found)
            .answers(EDIT, 400, &refusal(&json!({"assignee": "Not assignable."})))
            .answers(READ, 200, &issue("To Do"));
    }
    let values = values(&[(Field::AssignedTo, "ann@example.com")]);
    for _ in 0..2 {
        assert_eq!(write(&account, &values).expect("read").refused.len(), 1);
    }
    account.asked();
}

#[test]
fn a_creation_names_project_type_label_and_fields_and_is_read_back() {
    let account = Account::new()
        .answers(CREATE, 201, &json!({"id": "10002", "key": "OPS-7"}))
        .answers(READ, 200, &issue("To Do"));
    let values = values(&[(Field::Title, "Down"), (Field::Severity, "High")]);
    let written = made(&account, &values).expect("created");
    assert_eq!(written.record, record("To Do"));
    assert_eq!(written.record.correlation, INCIDENT.parse().ok());
    let fields = json!({
        "project": {"key": "OPS"}, "issuetype": {"name": "Incident"}, "labels": [INCIDENT],
        "summary": "Down", "priority": {"name": "High"},
    });
    assert_eq!(account.sent(CREATE), json!({ "fields": fields }));
}

#[test]
fn project_and_type_may_be_ids() {
    let account = Account::new()
        .option("project", "10000")
        .option("issue_type", "10001")
        .answers(CREATE, 201, &json!({"id": "10002"}))
        .answers(READ, 200, &issue("To Do"));
    made(&account, &values(&[(Field::Title, "Down")])).expect("created");
    let fields = &account.sent(CREATE)["fields"];
    assert_eq!(fields["project"], json!({"id": "10000"}));
    assert_eq!(fields["issuetype"], json!({"id": "10001"}));
}

#[test]
fn a_creation_goes_on_without_what_is_not_on_the_screen() {
    let not_there =
        "Field 'priority' cannot be set. It is not on the appropriate screen, or unknown.";
    let account = Account::new()
        .answers(CREATE, 400, &refusal(&json!({"priority": not_there})))
        .answers(CREATE, 201, &json!({"id": "10002"}))
        .answers(READ, 200, &issue("To Do"));
    let values = values(&[(Field::Title, "Down"), (Field::Severity, "High")]);
    let written = made(&account, &values).expect("created");
    assert!(written.refused[&Field::Severity].contains("cannot be set"));
    assert!(account.asked()[1].body["fields"].get("priority").is_none());
}

#[test]
fn without_label_or_a_field_that_the_project_demands_nothing_is_created() {
    for named in ["labels", "customfield_10010"] {
        let account = Account::new().answers(CREATE, 400, &refusal(&json!({ named: "No." })));
        let error = made(&account, &values(&[(Field::Title, "Down")])).expect_err(named);
        assert!(
            error.is_permanent() && error.detail.contains(named),
            "{}",
            error.detail
        );
    }
}
