//! People: the platform knows them by address, Jira by account id, and it may hide addresses.

use im_model::{ExternalValue, Secret};
use jiff::SignedDuration;
use serde::Deserialize;

use super::{
    refusal::{call, unless_closed},
    request,
};
use crate::{Connection, VendorError};

/// A user, as far as Jira shows one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct User {
    pub(super) account_id: Option<String>,
    pub(super) email_address: Option<String>,
    pub(super) display_name: Option<String>,
}

impl User {
    /// In lower case. What is shown in the place of a hidden address is none.
    pub(super) fn email(&self) -> Option<String> {
        let email = self.email_address.as_deref()?.trim().to_lowercase();
        let parts = email.split_once('@');
        let is_one = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        is_one.then_some(email)
    }
}

/// How long an account's address is remembered, and that it is hidden.
const REMEMBER: SignedDuration = SignedDuration::from_hours(1);
/// Remembers: account id → address, or the text that stands for a hidden one.
const ADDRESS: &str = "address";
/// Remembers: address → account id.
const PERSON: &str = "person";
/// Remembers who we are, by what we log in with.
const SELF: &str = "self";

/// Begins the text that stands for a person whose address is hidden: no address begins so.
const HIDDEN: &str = "accountId:";

/// Does this stand for a person whose address is hidden?
pub(super) fn is_hidden(value: &ExternalValue) -> bool {
    value.as_str().is_some_and(|text| text.starts_with(HIDDEN))
}

/// What a field that holds a person says: the address, or a text that is none where Jira hides it.
pub(super) async fn value(
    connection: &Connection<'_>,
    user: &User,
) -> Result<ExternalValue, VendorError> {
    let Some(account_id) = &user.account_id else {
        return Ok(user
            .email()
            .map_or(ExternalValue::EMPTY, ExternalValue::text));
    };
    if let Some(email) = user.email() {
        remember(connection, account_id, &email);
        return Ok(ExternalValue::text(email));
    }
    value_of(connection, account_id).await
}

/// The same by account id.
pub(super) async fn value_of(
    connection: &Connection<'_>,
    account_id: &str,
) -> Result<ExternalValue, VendorError> {
    if let Some(known) = recall(connection, ADDRESS, account_id) {
        return Ok(ExternalValue::text(known));
    }
    let request = request::user(connection, account_id)?;
    let user = unless_closed(call::<User>(connection, request).await)?;
    if let Some(email) = user.and_then(|user| user.email()) {
        remember(connection, account_id, &email);
        return Ok(ExternalValue::text(email));
    }
    let hidden = format!("{HIDDEN}{account_id}");
    keep(connection, ADDRESS, account_id, &hidden);
    Ok(ExternalValue::text(hidden))
}

/// The account of an address, or why there is none. Only a result that shows the very address is that person.
pub(super) async fn account_of(
    connection: &Connection<'_>,
    email: &str,
) -> Result<Result<String, String>, VendorError> {
    let email = email.trim().to_lowercase();
    if let Some(known) = recall(connection, PERSON, &email) {
        return Ok(Ok(known));
    }
    let request = request::assignable(connection, &email)?;
    let Some(found) = unless_closed(call::<Vec<User>>(connection, request).await)? else {
        return Ok(Err("the account may not look up Jira users".to_owned()));
    };
    let mut found = found.into_iter();
    let account_id = found
        .find(|user| user.email().is_some_and(|own| own == email))
        .and_then(|user| user.account_id);
    let Some(account_id) = account_id else {
        let why = format!(
            "Jira shows no assignable user with the address {email} (their profile may hide it)"
        );
        return Ok(Err(why));
    };
    remember(connection, &account_id, &email);
    Ok(Ok(account_id))
}

/// The account that we act as.
pub(super) async fn own_account(
    connection: &Connection<'_>,
) -> Result<Option<String>, VendorError> {
    let login = request::login(connection, "GET /rest/api/3/myself")?;
    if let Some(known) = recall(connection, SELF, &login) {
        return Ok(Some(known));
    }
    let user: User = call(connection, request::myself(connection)?).await?;
    if let Some(account_id) = &user.account_id {
        keep(connection, SELF, &login, account_id);
    }
    Ok(user.account_id)
}

/// An account that Jira did not take may be another by now.
pub(super) fn forget(connection: &Connection<'_>, email: &str) {
    let email = email.trim().to_lowercase();
    connection
        .memory
        .forget(connection.integration, PERSON, &email);
}

fn remember(connection: &Connection<'_>, account_id: &str, email: &str) {
    keep(connection, ADDRESS, account_id, email);
    keep(connection, PERSON, email, account_id);
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
    use serde_json::json;

    use super::{super::scripted::*, *};

    fn user(json: &serde_json::Value) -> User {
        serde_json::from_value(json.clone()).expect("a user")
    }

    #[test]
    fn an_address_is_read_in_lower_case_and_a_placeholder_is_none() {
        let email = |text: &str| user(&json!({"accountId": "1", "emailAddress": text})).email();
        assert_eq!(email("Ann@Example.com").as_deref(), Some("ann@example.com"));
        for hidden in ["?", "", "\"?\"", "@"] {
            assert_eq!(email(hidden), None, "{hidden}");
        }
    }

    #[test]
    fn a_hidden_address_is_asked_for_once_and_then_stands_as_no_address() {
        let account =
            Account::new().answers("GET /user?accountId=5b1", 200, &json!({"accountId": "5b1"}));
        let connection = account.connection();
        let hidden = user(&json!({"accountId": "5b1", "emailAddress": null}));
        for _ in 0..2 {
            let value = run(value(&connection, &hidden)).expect("a value");
            assert_eq!(value, ExternalValue::text("accountId:5b1"));
        }
        assert_eq!(account.asked().len(), 1);
    }

    #[test]
    fn who_may_not_look_up_users_sees_no_address_either() {
        let account = Account::new().answers("GET /user", 403, &json!({}));
        let value = run(value_of(&account.connection(), "5b1")).expect("a value");
        assert_eq!(value, ExternalValue::text("accountId:5b1"));
    }

    #[test]
    fn only_the_very_address_is_the_person() {
        let found = json!([
            {"accountId": "1", "displayName": "ann@example.com"},
            {"accountId": "2", "emailAddress": "ann@example.com.au"},
            {"accountId": "3", "emailAddress": "Ann@Example.com"},
        ]);
        let account = Account::new().answers("GET /user/assignable/search?", 200, &found);
        let connection = account.connection();
        for _ in 0..2 {
            let found = run(account_of(&connection, "ANN@example.com")).expect("an answer");
            assert_eq!(found, Ok("3".to_owned()));
        }
        // Known by account id from now on, even where the address is hidden.
        let value = run(value_of(&connection, "3")).expect("a value");
        assert_eq!(value, ExternalValue::text("ann@example.com"));
        assert_eq!(account.asked().len(), 1);
    }

    #[test]
    fn nobody_is_guessed() {
        let found = json!([{"accountId": "1", "displayName": "Ann"}]);
        for (status, body) in [(200, found), (200, json!([])), (403, json!({}))] {
            let account = Account::new().answers("GET /user/assignable/search?", status, &body);
            let found = run(account_of(&account.connection(), "ann@example.com"));
            assert!(found.expect("an answer").is_err(), "{body}");
        }
        let account = Account::new().answers("GET /user/assignable/search?", 503, &json!({}));
        let found = run(account_of(&account.connection(), "ann@example.com"));
        assert!(found.is_err());
    }
}
