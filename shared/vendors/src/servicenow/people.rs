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
mod tests;
