//! People: the platform knows them by address, `ServiceNow` by `sys_id`. Nobody is guessed.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{ExternalValue, Secret};
use jiff::SignedDuration;

use super::{
    options,
    refusal::{garbage, row, rows, unless_closed},
    request,
    response::Row,
};
use crate::{Connection, VendorError, VendorErrorKind};

/// Remembers: `sys_id` → the value that stands for the person; nothing where we may not look.
const ADDRESS: &str = "address";
/// Remembers: address → `sys_id`.
const PERSON: &str = "person";
/// Addresses move seldom, permissions do.
const REMEMBER: SignedDuration = SignedDuration::from_hours(1);

/// What a column that refers to a person says: the address, or the `sys_id` itself where there is none, which the
/// platform refuses and reports. `None` if the account may not look: then nothing is observed.
pub(super) async fn value(
    connection: &Connection<'_>,
    sys_id: &str,
) -> Result<Option<ExternalValue>, VendorError> {
    if sys_id.is_empty() {
        return Ok(Some(ExternalValue::EMPTY));
    }
    if let Some(known) = recall(connection, ADDRESS, sys_id) {
        return Ok((!known.is_empty()).then(|| ExternalValue::text(known)));
    }
    let text = look_up(connection, sys_id).await?;
    keep(
        connection,
        ADDRESS,
        sys_id,
        text.as_deref().unwrap_or_default(),
    );
    Ok(text.map(ExternalValue::text))
}

async fn look_up(connection: &Connection<'_>, sys_id: &str) -> Result<Option<String>, VendorError> {
    let answer = row(connection, request::user(connection, sys_id)?).await;
    let user = match answer {
        // Deleted, or hidden by a rule that says so in this way.
        Err(error) if error.kind == VendorErrorKind::NotFound => {
            return Ok(Some(sys_id.to_owned()));
        }
        answer => unless_closed(answer)?,
    };
    Ok(user.as_ref().and_then(|user| shown(user, sys_id)))
}

/// What a user's row says; `None` without the column: we may not see the address.
fn shown(user: &Row, sys_id: &str) -> Option<String> {
    user.get("email").map(|email| match email.trim() {
        "" => sys_id.to_owned(),
        email => email.to_lowercase(),
    })
}

/// No address of a request may be longer than some thousand characters.
const AT_ONCE: usize = 100;

/// Looks up all of these who are not known yet together, so that [`value`] need not ask for each.
pub(super) async fn learn(
    connection: &Connection<'_>,
    sys_ids: BTreeSet<&str>,
) -> Result<(), VendorError> {
    let is_new = |id: &&str| options::is_sys_id(id) && recall(connection, ADDRESS, id).is_none();
    let unknown: Vec<_> = sys_ids.into_iter().filter(is_new).collect();
    for some in unknown.chunks(AT_ONCE) {
        let request = request::users_of(connection, some)?;
        let tried = request.tried();
        let Some(users) = unless_closed(rows(connection, request).await)? else {
            for id in some {
                keep(connection, ADDRESS, id, "");
            }
            continue;
        };
        let mut texts: BTreeMap<_, _> = some
            .iter()
            .map(|id| (*id, Some((*id).to_owned())))
            .collect();
        for user in &users {
            let id = user.get("sys_id").unwrap_or_default();
            let Some(text) = texts.get_mut(id) else {
                return Err(garbage(&tried, "users who were not asked for"));
            };
            *text = shown(user, id);
        }
        // Who is not shown is deleted, or hidden by a rule: as where one is asked for.
        for (id, text) in texts {
            keep(connection, ADDRESS, id, &text.unwrap_or_default());
        }
    }
    Ok(())
}

/// Whose address this is, or why that is not known.
pub(super) async fn id_of(
    connection: &Connection<'_>,
    email: &str,
) -> Result<Result<String, String>, VendorError> {
    let email = email.trim().to_lowercase();
    if let Some(known) = recall(connection, PERSON, &email) {
        return Ok(Ok(known));
    }
    if !is_searchable(&email) {
        return Ok(Err(format!(
            "ServiceNow cannot be asked for the address {email}"
        )));
    }
    let answer = rows(connection, request::users(connection, &email)?).await;
    let Some(users) = unless_closed(answer)? else {
        return Ok(Err(format!(
            "the account may not look up ServiceNow users, {email} among them"
        )));
    };
    let found = only(&users, &email);
    if let Ok(id) = &found {
        keep(connection, PERSON, &email, id);
        keep(connection, ADDRESS, id, &email);
    }
    Ok(found)
}

/// The one active user of exactly this address. A query that was ignored brings anybody (FACTS.md, "Table API").
fn only(users: &[Row], email: &str) -> Result<String, String> {
    let is_of = |user: &&Row| {
        let own = user.get("email").unwrap_or_default().trim().to_lowercase();
        own == email && user.get("active") != Some("false")
    };
    let mut ids = users
        .iter()
        .filter(is_of)
        .filter_map(|user| user.full("sys_id"));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id.to_owned()),
        (Some(_), Some(_)) => Err(format!(
            "the ServiceNow instance has several active users with the address {email}"
        )),
        (None, _) => Err(format!(
            "the ServiceNow instance has no user with the address {email}"
        )),
    }
}

/// `^` would end the fragment, and `javascript:` is evaluated: neither is ever sent.
fn is_searchable(email: &str) -> bool {
    !email.is_empty() && !email.contains(['^', '\n', '\r']) && !email.contains("javascript:")
}

fn keep(connection: &Connection<'_>, kind: &'static str, which: &str, value: &str) {
    let (memory, integration) = (connection.memory, connection.integration);
    let value = Secret::new(value);
    memory.remember(integration, kind, which, value, connection.now, REMEMBER);
}

fn recall(connection: &Connection<'_>, kind: &'static str, which: &str) -> Option<String> {
    let (memory, integration) = (connection.memory, connection.integration);
    let known = memory.recall(integration, kind, which, connection.now)?;
    Some(known.reveal().to_owned())
}

#[cfg(test)]
mod tests {
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
}
