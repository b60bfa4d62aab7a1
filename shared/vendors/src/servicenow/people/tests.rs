use serde_json::{Value as Json, json};

use super::{
    super::scripted::{Account, run},
    *,
};

const ANN: &str = "46c6f9efa9fe198101ddf5eed9adf6e7";
const BOB: &str = "6816f79cc0a8016401c5a33be04be441";

fn user(sys_id: &str, email: &str, active: &str) -> Json {
    json!({"sys_id": sys_id, "email": email, "user_name": "x", "active": active})
}

fn found(users: &Json) -> Result<String, String> {
    let account = Account::new().answers("GET /sys_user?", 200, &json!({"result": users}));
    let found = run(id_of(&account.connection(), "Ann@example.com")).expect("an answer");
    account.asked();
    found
}

#[test]
fn a_person_is_looked_up_once_in_either_direction() {
    let one = json!({"result": [user(ANN, "Ann@Example.com", "true")]});
    let account = Account::new().answers("GET /sys_user?", 200, &one);
    let connection = account.connection();
    for _ in 0..2 {
        let found = run(id_of(&connection, " ANN@example.com")).expect("an answer");
        assert_eq!(found, Ok(ANN.to_owned()));
    }
    let seen = run(value(&connection, ANN)).expect("an answer");
    assert_eq!(seen, Some(ExternalValue::text("ann@example.com")));
    let asked = account.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        asked[0].query("sysparm_query"),
        Some("email=ann@example.com".to_owned())
    );
    let one = json!({"result": user(BOB, "Bob@Example.com", "false")});
    let account = Account::new().answers(&format!("GET /sys_user/{BOB}?"), 200, &one);
    for _ in 0..2 {
        let seen = run(value(&account.connection(), BOB)).expect("an answer");
        assert_eq!(seen, Some(ExternalValue::text("bob@example.com")));
    }
    account.asked();
}

#[test]
fn many_are_looked_up_together_and_those_not_shown_stand_as_no_address() {
    const GONE: &str = "00000000000000000000000000000009";
    let ids = || BTreeSet::from([ANN, BOB, GONE, "no id^ORactive=true"]);
    let answer = json!({"result": [user(ANN, "Ann@Example.com", "true"), {"sys_id": BOB}]});
    let account = Account::new().answers("GET /sys_user?", 200, &answer);
    let connection = account.connection();
    for _ in 0..2 {
        run(learn(&connection, ids())).expect("learned");
    }
    for (id, expected) in [
        (ANN, Some("ann@example.com")),
        (BOB, None),
        (GONE, Some(GONE)),
    ] {
        let seen = run(value(&connection, id)).expect("known");
        assert_eq!(seen, expected.map(ExternalValue::text));
    }
    let asked = account.asked();
    let query = asked[0].query("sysparm_query").expect("a query");
    assert_eq!(
        (asked.len(), query),
        (1, format!("sys_idIN{GONE},{ANN},{BOB}"))
    );
}

#[test]
fn of_many_nobody_is_guessed_and_a_closed_table_is_not_asked_again() {
    let stranger = json!({"result": [user(BOB, "bob@example.com", "true")]});
    let account = Account::new().answers("GET /sys_user?", 200, &stranger);
    let error = run(learn(&account.connection(), [ANN].into())).expect_err("ignored");
    assert_eq!(error.kind, VendorErrorKind::Garbage);
    let account = Account::new().answers("GET /sys_user?", 403, &json!({}));
    for _ in 0..2 {
        run(learn(&account.connection(), [ANN].into())).expect("closed");
        assert_eq!(run(value(&account.connection(), ANN)), Ok(None));
    }
    account.asked();
}

#[test]
fn only_the_one_active_user_of_the_very_address_is_the_person() {
    let ann = || user(ANN, "ann@example.com", "true");
    let gone = user(BOB, "ann@example.com", "false");
    assert_eq!(found(&json!([gone, ann()])), Ok(ANN.to_owned()));
    // The query was ignored: everybody came.
    let others = json!([
        user(BOB, "ann@example.com.au", "true"),
        user(BOB, "", "true")
    ]);
    for (users, words) in [
        (json!([]), "no user with the address ann@example.com"),
        (others, "no user with the address ann@example.com"),
        (json!([gone]), "no user"),
        (
            json!([ann(), user(BOB, "Ann@example.com", "true")]),
            "several active users",
        ),
    ] {
        let why = found(&users).expect_err("nobody");
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn nothing_that_is_more_than_a_value_is_sent() {
    let account = Account::new();
    for bad in [
        "ann@example.com^ORactive=true",
        "javascript:gs.getUser()@x",
        "",
    ] {
        let found = run(id_of(&account.connection(), bad)).expect("an answer");
        assert!(found.is_err(), "{bad}");
    }
    assert_eq!(account.asked().len(), 0);
}

#[test]
fn who_may_not_look_observes_nobody_and_does_not_ask_again() {
    let forbidden = json!({"error": {"message": "User Not Authorized"}});
    let hidden = json!({"result": {"sys_id": ANN}});
    for (status, body) in [(403, forbidden.clone()), (200, hidden)] {
        let account = Account::new().answers("GET /sys_user/", status, &body);
        for _ in 0..2 {
            assert_eq!(run(value(&account.connection(), ANN)), Ok(None));
        }
        account.asked();
    }
    let account = Account::new().answers("GET /sys_user?", 403, &forbidden);
    let found = run(id_of(&account.connection(), "ann@example.com")).expect("an answer");
    assert!(found.expect_err("closed").contains("may not look up"));
}

#[test]
fn a_person_without_an_address_stands_as_what_is_none() {
    for (status, body) in [
        (200, json!({"result": user(ANN, " ", "true")})),
        (404, json!({"error": {"message": "No Record found"}})),
    ] {
        let account = Account::new().answers("GET /sys_user/", status, &body);
        let seen = run(value(&account.connection(), ANN)).expect("an answer");
        assert_eq!(seen, Some(ExternalValue::text(ANN)));
    }
    let account = Account::new();
    let nobody = run(value(&account.connection(), "")).expect("an answer");
    assert_eq!(nobody, Some(ExternalValue::EMPTY));
    let account = Account::new().answers("GET /sys_user/", 503, &json!({}));
    assert!(run(value(&account.connection(), ANN)).is_err());
}
