//! The calls, in the order the vendor's API demands.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use im_model::{
    ExternalId, ExternalRecord, ExternalValue, Field, IncidentId, Integration, OwnershipRules,
};
use im_sync::{Change, History, LinkRules};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::{PagerDuty, defaults, request, request::ResolvedIds, response};
use crate::{
    Configuration, Connection, TransportError, VendorApi, VendorError, VendorErrorKind, Written,
};

#[async_trait]
impl VendorApi for PagerDuty {
    fn configuration(&self) -> Configuration {
        defaults::CONFIGURATION
    }

    fn default_ownership(&self) -> OwnershipRules {
        defaults::ownership()
    }

    fn rules(&self, integration: &Integration) -> LinkRules {
        defaults::rules(integration)
    }

    /// A creation is always `triggered`, and takes assignees only without an escalation policy (official schema).
    fn creatable(
        &self,
        mut values: BTreeMap<Field, ExternalValue>,
    ) -> BTreeMap<Field, ExternalValue> {
        values.remove(&Field::Status);
        if values.contains_key(&Field::EscalationPolicy) {
            values.remove(&Field::AssignedTo);
        }
        values
    }

    fn implied_by_creation(&self) -> BTreeMap<Field, ExternalValue> {
        BTreeMap::from([
            (Field::Status, ExternalValue::text("triggered")),
            (Field::Priority, ExternalValue::EMPTY),
        ])
    }

    fn history_covers(&self) -> BTreeSet<Field> {
        BTreeSet::from([Field::Status, Field::AssignedTo, Field::Severity])
    }

    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError> {
        let answer: response::OneIncident =
            call(&connection, request::read(&connection, id)?).await?;
        read_record(&connection, answer.incident).await
    }

    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError> {
        let answer: response::Incidents =
            call(&connection, request::find(&connection, incident)?).await?;
        let mut found = Vec::new();
        for candidate in answer.incidents {
            let record = read_record(&connection, candidate).await?;
            if record.correlation.as_ref() == Some(incident) {
                found.push(record);
            }
        }
        found.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(found)
    }

    async fn refusals(
        &self,
        connection: Connection<'_>,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<BTreeMap<Field, String>, VendorError> {
        resolve_ids(&connection, values, true)
            .await
            .map(|(_, refused)| refused)
    }

    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let (ids, refused) = resolve_ids(&connection, values, true).await?;
        let values = without(values, &refused);
        let request = request::create(&connection, incident, &values, &ids)?;
        let answer: response::OneIncident = call(&connection, request).await?;
        let record = written_record(answer.incident, &ids, &values)?;
        Ok(Written { record, refused })
    }

    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError> {
        let (ids, refused) = resolve_ids(&connection, values, false).await?;
        let values = without(values, &refused);
        if values.is_empty() {
            return Ok(Written {
                record: record.clone(),
                refused,
            });
        }
        let request = request::update(&connection, &record.id, &values, &ids)?;
        match call::<response::OneIncident>(&connection, request).await {
            Ok(answer) => {
                let record = written_record(answer.incident, &ids, &values)?;
                Ok(Written { record, refused })
            }
            // Somebody resolved it first: what we wanted is so, or the next plan will see that it is not.
            Err(error) if is_already_resolved(&error) && wants_only_resolved(&values) => {
                let record = self.read(connection, &record.id).await?;
                Ok(Written { record, refused })
            }
            Err(error) => Err(error),
        }
    }

    async fn history(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        since: Timestamp,
    ) -> Result<History, VendorError> {
        // A history of more than this is no history of one claim's lease.
        const MOST_PAGES: usize = 10;
        let mut changes: Vec<Change> = Vec::new();
        let mut seen = 0;
        for _ in 0..MOST_PAGES {
            let request = request::log_entries(&connection, id, since, seen)?;
            let page: response::LogEntries = call(&connection, request).await?;
            seen += page.log_entries.len();
            let more = page.more && !page.log_entries.is_empty();
            changes.extend(
                page.log_entries
                    .into_iter()
                    .filter_map(response::LogEntry::change),
            );
            if !more {
                break;
            }
        }
        changes.sort_by_key(|change| change.at);
        Ok(History {
            covers: self.history_covers(),
            changes,
        })
    }
}

impl PagerDuty {
    /// Appends a note. The API has no way to send the same note twice without doubling it: look before you send.
    pub async fn add_note(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        content: &str,
    ) -> Result<(), VendorError> {
        let request = request::note(&connection, id, content)?;
        call::<serde_json::Value>(&connection, request)
            .await
            .map(|_| ())
    }
}

fn is_already_resolved(error: &VendorError) -> bool {
    matches!(
        error.kind,
        VendorErrorKind::Refused {
            code: Some(response::ALREADY_RESOLVED),
            ..
        }
    )
}

fn wants_only_resolved(values: &BTreeMap<Field, ExternalValue>) -> bool {
    values.len() == 1
        && values.get(&Field::Status).and_then(ExternalValue::as_str) == Some("resolved")
}

fn without(
    values: &BTreeMap<Field, ExternalValue>,
    refused: &BTreeMap<Field, String>,
) -> BTreeMap<Field, ExternalValue> {
    let kept = values
        .iter()
        .filter(|(field, _)| !refused.contains_key(field));
    kept.map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// Looks up the ids of the names among the values. A name that the account does not have, or may not look up, is
/// refused by field: the others need not wait for it.
async fn resolve_ids(
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

async fn user_id(
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
fn unless_closed<T>(answer: Result<T, VendorError>) -> Result<Option<T>, VendorError> {
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

/// The record as read, with the assignee's address looked up where the answer holds only a reference.
async fn read_record(
    connection: &Connection<'_>,
    incident: response::Incident,
) -> Result<ExternalRecord, VendorError> {
    let mut known = BTreeMap::new();
    if let Some(id) = incident.assignee_to_look_up() {
        let request = request::user(connection, id)?;
        // A deleted or hidden user has no address any more: the field is then not observed.
        let answer = unless_closed(call::<response::OneUser>(connection, request).await)?;
        let email = answer.and_then(|answer| answer.user.email);
        known.extend(email.map(|email| (id.to_owned(), email)));
    }
    record(incident, &known)
}

/// The record as answered to a write: it holds references only, and the one we sent is known.
fn written_record(
    incident: response::Incident,
    ids: &ResolvedIds,
    values: &BTreeMap<Field, ExternalValue>,
) -> Result<ExternalRecord, VendorError> {
    let email = values
        .get(&Field::AssignedTo)
        .and_then(ExternalValue::as_str);
    let known = ids
        .assignee
        .iter()
        .zip(email)
        .map(|(id, email)| (id.clone(), email.to_owned()));
    record(incident, &known.collect())
}

fn record(
    incident: response::Incident,
    known: &BTreeMap<String, String>,
) -> Result<ExternalRecord, VendorError> {
    incident.into_record(known).map_err(|detail| VendorError {
        tried: "reading an incident".to_owned(),
        kind: VendorErrorKind::Garbage,
        detail,
    })
}

async fn call<T: DeserializeOwned>(
    connection: &Connection<'_>,
    request: Request<Bytes>,
) -> Result<T, VendorError> {
    let tried = format!("{} {}", request.method(), request.uri().path());
    match connection.transport.send(request).await {
        Ok(response) => response::parse(&tried, &response),
        Err(error) => {
            let kind = match error {
                TransportError::Timeout | TransportError::BrokenOff(_) => VendorErrorKind::Timeout,
                TransportError::Unreachable(_) => VendorErrorKind::Unreachable,
            };
            Err(VendorError {
                tried,
                kind,
                detail: error.to_string(),
            })
        }
    }
}
