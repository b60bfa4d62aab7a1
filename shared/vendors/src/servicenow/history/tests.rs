use serde_json::{Value as Json, json};

use super::{
    super::scripted::{Account, run},
    *,
};

const SYS_ID: &str = "a9e30c7dc61122760116894de7bcc7bd";
const ANN: &str = "46c6f9efa9fe198101ddf5eed9adf6e7";

fn id() -> ExternalId {
    ExternalId::parse(SYS_ID).expect("an id")
}

fn since() -> Timestamp {
    "2026-11-22T03:00:00.9Z".parse().expect("a time")
}

fn audit(at: &str, update: u32, column: &str, old: &str, new: &str, user: &str) -> Json {
    json!({"sys_id": format!("{update}{column}"), "documentkey": SYS_ID, "fieldname": column,
        "oldvalue": old, "newvalue": new, "user": user, "record_checkpoint": update.to_string(),
        "sys_created_on": format!("2026-11-22 {at}")})
}

fn instance(impact: &str, urgency: &str, rows: &[Json]) -> Account {
    let current = json!({"result": {"sys_id": SYS_ID, "impact": impact, "urgency": urgency}});
    Account::new()
        .answers(&format!("GET /incident/{SYS_ID}?"), 200, &current)
        .answers("GET /sys_audit?", 200, &json!({"result": rows}))
}

/// Field, value, time of day, author.
type Told = (String, Option<String>, String, Option<String>);

fn told(account: &Account) -> Vec<Told> {
    let history = run(read(&account.connection(), &id(), since())).expect("a history");
    account.asked();
    let tell = |change: Change| {
        let value = change
            .value
            .map(|value| value.as_str().unwrap_or_default().to_owned());
        let at = change.at.strftime("%H:%M:%S").to_string();
        (
            change.field.name(),
            value,
            at,
            change.author.map(|author| author.to_string()),
        )
    };
    history.changes.into_iter().map(tell).collect()
}

fn change(field: &str, value: &str, at: &str, user: &str) -> Told {
    let [field, value, at, user] = [field, value, at, user].map(str::to_owned);
    (field, Some(value), at, Some(user))
}

#[test]
fn each_column_is_told_as_the_field_it_is() {
    let rows = [
        audit("03:00:02", 6, "state", "1", "2", "ann"),
        audit("03:00:01", 5, "short_description", "a", "b", "im.bot"),
        audit("03:00:02", 6, "description", "x", "", "ann"),
        audit("03:00:03", 7, "assigned_to", "", ANN, "ann"),
        audit("03:00:04", 8, "assigned_to", ANN, "", "ann"),
    ];
    let user = json!({"result": {"sys_id": ANN, "email": "Ann@example.com"}});
    let account = instance("2", "1", &rows).answers(&format!("GET /sys_user/{ANN}?"), 200, &user);
    let expected = [
        change("title", "b", "03:00:01", "im.bot"),
        change("status", "2", "03:00:02", "ann"),
        change("description", "", "03:00:02", "ann"),
        change("assigned_to", "ann@example.com", "03:00:03", "ann"),
        change("assigned_to", "", "03:00:04", "ann"),
    ];
    assert_eq!(told(&account), expected);
}

#[test]
fn columns_that_options_map_are_told_in_the_form_that_a_record_shows() {
    let rows = [
        audit("03:00:01", 5, "u_cost_center", "", "4711", "ann"),
        audit("03:00:02", 6, "u_major", "0", "1", "ann"),
        audit("03:00:03", 7, "u_due", "", "2026-11-30 12:00:00", "ann"),
        audit("03:00:04", 8, "u_due", "2026-11-30 12:00:00", "", "ann"),
        audit("03:00:05", 9, "u_due", "", "soon", "ann"),
        audit("03:00:06", 10, "u_unmapped", "", "x", "ann"),
    ];
    let mut account = instance("2", "1", &rows);
    for (name, column) in [
        ("custom.cost", "u_cost_center"),
        ("custom.major", "u_major:boolean"),
        ("custom.due", "u_due:datetime"),
    ] {
        account = account.option(name, column);
    }
    let history = run(read(&account.connection(), &id(), since())).expect("a history");
    let text = |text: &str| Some(ExternalValue::text(text));
    let told: Vec<_> = history
        .changes
        .into_iter()
        .map(|change| (change.field.name(), change.value))
        .collect();
    let due = || "custom.due".to_owned();
    assert_eq!(
        told,
        [
            ("custom.cost".to_owned(), text("4711")),
            ("custom.major".to_owned(), text("true")),
            (due(), text("2026-11-30T12:00:00Z")),
            (due(), text("")),
            (due(), None),
        ]
    );
    let query = account.asked()[1].query("sysparm_query");
    assert!(query.expect("a query").contains(",u_cost_center,u_due,"));
}

#[test]
fn impact_and_urgency_of_one_update_are_one_change() {
    let rows = [
        audit("03:00:01", 5, "impact", "3", "1", "im.bot"),
        audit("03:00:01", 5, "urgency", "3", "1", "im.bot"),
        // In the same second, by the next update.
        audit("03:00:01", 10, "urgency", "1", "2", "ann"),
        audit("03:00:09", 11, "impact", "1", "2", "ann"),
    ];
    let expected = [
        change("severity", "1/1", "03:00:01", "im.bot"),
        change("severity", "1/2", "03:00:01", "ann"),
        change("severity", "2/2", "03:00:09", "ann"),
    ];
    assert_eq!(told(&instance("2", "2", &rows)), expected);
    // In whatever order the rows of a second come.
    let mut shuffled = rows.clone();
    shuffled.swap(0, 2);
    assert_eq!(told(&instance("2", "2", &shuffled)), expected);
}

#[test]
fn a_column_that_did_not_change_is_what_it_is_now() {
    let rows = [audit("03:00:01", 5, "impact", "3", "1", "ann")];
    let expected = [change("severity", "1/2", "03:00:01", "ann")];
    assert_eq!(told(&instance("1", "2", &rows)), expected);
    // It changed after it was read: what it was before is in the audit.
    let rows = [
        audit("03:00:01", 5, "impact", "3", "1", "ann"),
        audit("03:00:05", 6, "urgency", "2", "3", "bob"),
    ];
    let expected = [
        change("severity", "1/2", "03:00:01", "ann"),
        change("severity", "1/3", "03:00:05", "bob"),
    ];
    assert_eq!(told(&instance("1", "2", &rows)), expected);
}

#[test]
fn only_what_was_asked_for_is_told() {
    let mut other = audit("03:00:05", 6, "state", "1", "2", "ann");
    other["documentkey"] = json!(ANN);
    let rows = [
        other,
        audit("03:00:05", 6, "work_notes", "", "secret", "ann"),
        audit("02:59:59", 4, "state", "1", "2", "ann"),
        // Before, but what it left behind counts.
        audit("02:59:58", 3, "urgency", "3", "2", "ann"),
        audit("03:00:05", 6, "impact", "3", "2", "ann"),
        // In the second of the question, which has a fraction.
        audit("03:00:00", 5, "state", "2", "6", "ann"),
    ];
    let expected = [
        change("status", "6", "03:00:00", "ann"),
        change("severity", "2/2", "03:00:05", "ann"),
    ];
    assert_eq!(told(&instance("2", "2", &rows)), expected);
}

#[test]
fn the_question_reaches_back_over_any_time_zone() {
    let account = instance("1", "1", &[]);
    run(read(&account.connection(), &id(), since())).expect("a history");
    let query = account.asked()[1].query("sysparm_query");
    assert_eq!(
        query.as_deref(),
        Some(
            "tablename=incident^documentkey=a9e30c7dc61122760116894de7bcc7bd\
             ^fieldnameINshort_description,description,impact,urgency,state,assigned_to\
             ^sys_created_on>=2026-11-21 13:00:00^ORDERBYsys_created_on"
        )
    );
}

#[test]
fn a_person_whom_we_may_not_look_up_is_a_change_to_something() {
    let rows = [audit("03:00:03", 7, "assigned_to", "", ANN, "ann")];
    let account = instance("2", "1", &rows).answers("GET /sys_user/", 403, &json!({}));
    let [(field, value, ..)] = &told(&account)[..] else {
        panic!("not one change")
    };
    assert_eq!((field.as_str(), value), ("assigned_to", &None));
}

#[test]
fn who_may_not_read_the_audit_has_no_history_and_asks_once_an_hour() {
    let current = json!({"result": {"sys_id": SYS_ID}});
    let none = json!({"result": []});
    let asks = |account: Account, status, total, body: &Json| {
        account.answers("GET /incident/", 200, &current).answers_of(
            "GET /sys_audit?",
            status,
            total,
            body,
        )
    };
    for (status, total) in [(403, None), (200, Some(7))] {
        let mut account = asks(Account::new(), status, total, &none);
        for _ in 0..3 {
            assert_eq!(told(&account), []);
            account.waits(1199);
        }
        account.waits(3);
        let account = asks(account, 200, None, &none);
        assert_eq!(told(&account), []);
    }
    let account = asks(Account::new(), 503, None, &none);
    assert!(run(read(&account.connection(), &id(), since())).is_err());
}
