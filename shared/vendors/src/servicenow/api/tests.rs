use serde_json::{Value as Json, json};

use super::{
    super::scripted::{Account, run},
    *,
};

const SYS_ID: &str = "c537bae64f411200adf9f8e18110c76e";
const ANN: &str = "6816f79cc0a8016401c5a33be04be441";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

// An excerpt of the official sample of a creation's answer, with a correlation.
fn row_with(changes: &Json) -> Json {
    let mut row = json!({"impact": "2", "urgency": "2", "correlation_id": INCIDENT,
        "description": "", "sys_mod_count": "0", "sys_updated_on": "2016-01-22 14:28:24",
        "state": "1", "sys_created_on": "2016-01-22 14:28:24",
        "short_description": "Unable to connect to office wifi", "assigned_to": "",
        "sys_id": SYS_ID});
    for (column, value) in changes.as_object().into_iter().flatten() {
        row[column] = value.clone();
    }
    row
}

fn one(changes: &Json) -> Json {
    json!({"result": row_with(changes)})
}

fn incident() -> IncidentId {
    IncidentId::parse(INCIDENT).expect("an id")
}

fn values(pairs: &[(Field, &str)]) -> BTreeMap<Field, ExternalValue> {
    let value = |(field, text): &(Field, &str)| (field.clone(), ExternalValue::text(*text));
    pairs.iter().map(value).collect()
}

fn held(status: &str) -> ExternalRecord {
    let path = format!("GET /incident/{SYS_ID}?");
    let account = Account::new().answers(&path, 200, &one(&json!({"state": status})));
    let id = ExternalId::parse(SYS_ID).expect("an id");
    run(ServiceNow.read(account.connection(), &id)).expect("a record")
}

fn user() -> Json {
    json!({"result": {"sys_id": ANN, "email": "Ann@example.com", "active": "true"}})
}

#[test]
fn a_record_is_read_with_its_assignees_address() {
    let row = one(&json!({"assigned_to": ANN, "state": "3"}));
    let account = Account::new()
        .answers(&format!("GET /incident/{SYS_ID}?"), 200, &row)
        .answers(&format!("GET /sys_user/{ANN}?"), 200, &user());
    let id = ExternalId::parse(SYS_ID).expect("an id");
    let record = run(ServiceNow.read(account.connection(), &id)).expect("a record");
    assert_eq!(record.correlation, Some(incident()));
    let shown = |field| record.fields[&field].value.as_str();
    assert_eq!(shown(Field::AssignedTo), Some("ann@example.com"));
    assert_eq!(shown(Field::Severity), Some("2/2"));
    assert_eq!(shown(Field::Status), Some("3"));
    account.asked();
}

#[test]
fn a_creation_is_one_request_and_its_answer_is_the_record() {
    let found = json!({"result": [user()["result"]]});
    let account = Account::new()
        .answers("GET /sys_user?", 200, &found)
        .answers("POST /incident?", 201, &one(&json!({"assigned_to": ANN})));
    let mut wanted = values(&[
        (Field::Title, "Unable to connect to office wifi"),
        (Field::Severity, "2/2"),
        (Field::Status, "1"),
        (Field::AssignedTo, "ann@example.com"),
    ]);
    assert_eq!(ServiceNow.creatable(wanted.clone()), wanted);
    let created = run(ServiceNow.create(account.connection(), &incident(), &wanted));
    let created = created.expect("created");
    assert_eq!(created.refused, BTreeMap::new());
    for (field, value) in &wanted {
        assert_eq!(created.record.fields[field].value, *value, "{field}");
    }
    let sent = account.asked()[1].json();
    let expected = json!({"short_description": "Unable to connect to office wifi", "impact": "2",
        "urgency": "2", "state": "1", "assigned_to": ANN, "correlation_id": INCIDENT});
    assert_eq!(sent, expected);
    wanted.insert(Field::Status, ExternalValue::text("6"));
    assert!(!ServiceNow.creatable(wanted).contains_key(&Field::Status));
}

#[test]
fn only_records_that_carry_the_incidents_id_are_found_oldest_first() {
    let other = row_with(&json!({"correlation_id": ""}));
    let younger = row_with(&json!({}));
    let older = row_with(&json!({"sys_id": ANN, "sys_created_on": "2016-01-22 14:28:23"}));
    let answer = json!({"result": [younger, other, older]});
    let account = Account::new().answers("GET /incident?", 200, &answer);
    let found = run(ServiceNow.find(account.connection(), &incident())).expect("found");
    let ids: Vec<_> = found.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, [ANN, SYS_ID]);
    let account = Account::new().answers("GET /incident?", 200, &json!({"result": []}));
    assert_eq!(
        run(ServiceNow.find(account.connection(), &incident())),
        Ok(Vec::new())
    );
}

#[test]
fn a_search_that_was_not_followed_is_no_proof_that_there_is_no_record() {
    let others = json!({"result": [row_with(&json!({"correlation_id": ""}))]});
    let none = json!({"result": []});
    for (total, body, kind) in [
        (None, others, VendorErrorKind::Garbage),
        (Some(1), none, VendorErrorKind::Forbidden),
    ] {
        let account = Account::new().answers_of("GET /incident?", 200, total, &body);
        let error = run(ServiceNow.find(account.connection(), &incident()));
        assert_eq!(error.expect_err("no proof").kind, kind);
    }
}

#[test]
fn a_write_is_one_request_and_says_what_it_could_not_write() {
    let account = Account::new()
        .answers("GET /sys_user?", 200, &json!({"result": []}))
        .answers("PATCH /incident/", 200, &one(&json!({"description": "x"})));
    let wanted = values(&[
        (Field::Description, "x"),
        (Field::AssignedTo, "no@example.com"),
    ]);
    let written = run(ServiceNow.write(account.connection(), &held("1"), &wanted));
    let written = written.expect("written");
    assert_eq!(
        written.refused.keys().collect::<Vec<_>>(),
        [&Field::AssignedTo]
    );
    assert_eq!(
        written.record.fields[&Field::Description].value.as_str(),
        Some("x")
    );
    assert_eq!(account.asked()[1].json(), json!({"description": "x"}));
    // Nothing is left to be sent.
    let nobody = Account::new().answers("GET /sys_user?", 200, &json!({"result": []}));
    let wanted = values(&[(Field::AssignedTo, "no@example.com")]);
    let written = run(ServiceNow.write(nobody.connection(), &held("1"), &wanted));
    assert_eq!(written.expect("nothing").record, held("1"));
    nobody.asked();
}

#[test]
fn a_write_that_is_done_does_not_fail_for_want_of_a_name() {
    let account = Account::new()
        .answers("PATCH /incident/", 200, &one(&json!({"assigned_to": ANN})))
        .answers("GET /sys_user/", 503, &json!({}));
    let wanted = values(&[(Field::Title, "x")]);
    let written = run(ServiceNow.write(account.connection(), &held("1"), &wanted));
    let record = written.expect("written").record;
    assert!(!record.fields.contains_key(&Field::AssignedTo));
    account.asked();
}

#[test]
fn who_resolved_it_keeps_their_notes_when_it_is_closed() {
    let policy = json!({"error": {"message": "Operation Failed",
        "detail": "Data Policy Exception: The following fields are mandatory: Resolution notes"}});
    let closed = one(&json!({"state": "7"}));
    let closes = |account: Account, from: &str| {
        let wanted = values(&[(Field::Status, "7")]);
        let written = run(ServiceNow.write(account.connection(), &held(from), &wanted));
        let sent: Vec<_> = account
            .asked()
            .iter()
            .map(super::super::scripted::Asked::json)
            .collect();
        (written.map(|written| written.record.version), sent)
    };
    let options = |account: Account| {
        account
            .option("close_code", "Solved")
            .option("close_notes", "n")
    };
    let alone = json!({"state": "7"});
    let whole = json!({"state": "7", "close_code": "Solved", "close_notes": "n"});
    let account = options(Account::new()).answers("PATCH /incident/", 200, &closed);
    let (written, sent) = closes(account, "6");
    assert_eq!((written.is_ok(), sent), (true, vec![alone.clone()]));
    let account = options(Account::new()).answers("PATCH /incident/", 200, &closed);
    let (written, sent) = closes(account, "2");
    assert_eq!((written.is_ok(), sent), (true, vec![whole.clone()]));
    // It was reopened in between, and its notes are gone.
    let account = options(Account::new())
        .answers("PATCH /incident/", 403, &policy)
        .answers("PATCH /incident/", 200, &closed);
    let (written, sent) = closes(account, "6");
    assert_eq!((written.is_ok(), sent), (true, vec![alone, whole]));
    // Refused for good: the engine repeats field by field.
    let account = Account::new().answers("PATCH /incident/", 403, &policy);
    let error = closes(account, "2").0.expect_err("refused");
    let refused = VendorErrorKind::Refused {
        status: 403,
        code: None,
    };
    assert_eq!(error.kind, refused);
}

#[test]
fn an_answer_that_is_no_record_is_garbage() {
    for body in [
        json!({"result": {}}),
        json!({"result": []}),
        json!({}),
        json!(null),
    ] {
        let account = Account::new().answers("PATCH /incident/", 200, &body);
        let wanted = values(&[(Field::Title, "x")]);
        let error = run(ServiceNow.write(account.connection(), &held("1"), &wanted));
        assert_eq!(
            error.expect_err("no record").kind,
            VendorErrorKind::Garbage,
            "{body}"
        );
    }
}

#[test]
fn the_history_covers_what_is_mapped() {
    let custom = [Field::Custom("cost_center".to_owned())];
    let mut fields: Vec<_> = Field::BUILT_IN.into_iter().chain(custom).collect();
    fields.retain(|field| ServiceNow.history_covers(field));
    let covered: Vec<_> = fields.iter().map(Field::name).collect();
    let expected = [
        "title",
        "description",
        "severity",
        "status",
        "assigned_to",
        "custom.cost_center",
    ];
    assert_eq!(covered, expected);
}
