//! Names to ids, and the one place that sends.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Request;
use im_model::{ExternalValue, Field, Secret};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;

use super::{refusal, request, request::ResolvedIds, response};
use crate::{Connection, VendorError, VendorErrorKind, exchange};

/// Looks up the ids of the names among the values. A name that the account does not have, or may not look up, is
/// refused by field: the others need not wait for it.
pub(super) async fn resolve_ids(
    connection: &Connection<'_>,
    values: &BTreeMap<Field, ExternalValue>,
    creating: bool,
) -> Result<(ResolvedIds, BTreeMap<Field, String>), VendorError> {
    let mut ids = ResolvedIds::default();
    let mut refused = BTreeMap::new();
    if let Some(email) = values
        .get(&Field::AssignedTo)
        .and_then(ExternalValue::as_str)
    {
        match user_id(connection, email).await? {
            Ok(id) => ids.assignee = Some(id),
            Err(why) => {
                refused.insert(Field::AssignedTo, why);
            }
        }
    }
    if let Some(name) = values.get(&Field::Priority).and_then(ExternalValue::as_str) {
        match priority_id(connection, name).await? {
            // An update names it, a creation needs its id (official schemas of PUT and POST).
            Ok(id) => ids.priority = creating.then_some(id),
            Err(why) => {
                refused.insert(Field::Priority, why);
            }
        }
    }
    if let Some(id) = values
        .get(&Field::EscalationPolicy)
        .and_then(ExternalValue::as_str)
        && !id
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        let why = format!("{id:?} is not the id of a PagerDuty escalation policy (e.g. PT20YPA)");
        refused.insert(Field::EscalationPolicy, why);
    }
    Ok((ids, refused))
}

/// A person's id stays what it is; that there is no such person may change soon.
const REMEMBER_PERSON: SignedDuration = SignedDuration::from_hours(1);

/// Remembers: address → user id.
const PERSON: &str = "person";
/// Remembers: user id → address.
const ADDRESS: &str = "address";

pub(super) async fn user_id(
    connection: &Connection<'_>,
    email: &str,
) -> Result<Result<String, String>, VendorError> {
    let (memory, integration) = (connection.memory, connection.integration);
    let email = email.to_lowercase();
    if let Some(id) = memory.recall(integration, PERSON, &email, connection.now) {
        return Ok(Ok(id.reveal().to_owned()));
    }
    let found = find_user(connection, &email).await?;
    if let Ok(id) = &found {
        keep(connection, PERSON, &email, id);
        keep(connection, ADDRESS, id, &email);
    }
    Ok(found)
}

/// The address behind a user's id, in lower case; `None` if it is hidden, or the user is no more.
pub(super) async fn address_of(
    connection: &Connection<'_>,
    id: &str,
) -> Result<Option<String>, VendorError> {
    if let Some(email) = known_address(connection, id) {
        return Ok(Some(email));
    }
    let request = request::user(connection, id)?;
    let answer = unless_closed(call::<response::OneUser>(connection, request).await)?;
    let email = answer.and_then(|answer| answer.user.email);
    let email = email.map(|email| email.to_lowercase());
    if let Some(email) = &email {
        keep(connection, ADDRESS, id, email);
    }
    Ok(email)
}

/// The same, if it is remembered.
pub(super) fn known_address(connection: &Connection<'_>, id: &str) -> Option<String> {
    let (memory, integration) = (connection.memory, connection.integration);
    let email = memory.recall(integration, ADDRESS, id, connection.now)?;
    Some(email.reveal().to_owned())
}

fn keep(connection: &Connection<'_>, kind: &'static str, which: &str, value: &str) {
    let (memory, integration) = (connection.memory, connection.integration);
    let (value, now) = (Secret::new(value), connection.now);
    memory.remember(integration, kind, which, value, now, REMEMBER_PERSON);
}

async fn find_user(
    connection: &Connection<'_>,
    email: &str,
) -> Result<Result<String, String>, VendorError> {
    let request = request::users(connection, email)?;
    let Some(answer) = unless_closed(call::<response::Users>(connection, request).await)? else {
        return Ok(Err("the account may not look up PagerDuty users".to_owned()));
    };
    let is_it = |user: &response::User| {
        user.email
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(email))
    };
    let found = answer.users.into_iter().find(is_it).map(|user| user.id);
    Ok(found.ok_or_else(|| format!("the PagerDuty account has no user with the address {email}")))
}

async fn priority_id(
    connection: &Connection<'_>,
    name: &str,
) -> Result<Result<String, String>, VendorError> {
    let request = request::priorities(connection)?;
    let answer = unless_closed(call::<response::Priorities>(connection, request).await)?;
    let Some(answer) = answer else {
        return Ok(Err(
            "the PagerDuty account has no priorities, or may not list them".to_owned(),
        ));
    };
    let is_it = |priority: &response::Named| {
        priority.name.as_deref().or(priority.summary.as_deref()) == Some(name)
    };
    let found = answer
        .priorities
        .into_iter()
        .find(is_it)
        .and_then(|priority| priority.id);
    Ok(found.ok_or_else(|| format!("the PagerDuty account has no priority named {name}")))
}

/// `None` if the account lacks the feature or the permission: 402, 403 and 404 are documented for look-ups.
pub(super) fn unless_closed<T>(answer: Result<T, VendorError>) -> Result<Option<T>, VendorError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(VendorError {
            kind:
                VendorErrorKind::NotFound | VendorErrorKind::Forbidden | VendorErrorKind::Refused { .. },
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends a request and parses its answer.
pub(super) async fn call<T: DeserializeOwned>(
    connection: &Connection<'_>,
    request: Request<Bytes>,
) -> Result<T, VendorError> {
    let tried = exchange::tried(&request);
    let response = exchange::send(connection, request).await?;
    refusal::parse(&tried, &response)
}
