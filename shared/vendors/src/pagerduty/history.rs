//! The log of an incident: what changed when, and by whom.

use im_model::{ActorId, ExternalId, ExternalValue, Field};
use im_sync::{Change, History};
use jiff::Timestamp;

use super::{
    lookup::{address_of, call},
    request, response,
    response::LogEntry,
};
use crate::{Connection, VendorError};

/// A history of more than this is no history of one claim's lease.
const MOST_PAGES: usize = 10;

/// The official file has log entries of all of these, but none of an incident's body. Which of the application's fields
/// make a `field_value_change_log_entry` it does not say; title and priority are taken to be among them.
pub(super) fn covers(field: &Field) -> bool {
    match field {
        Field::Title
        | Field::Severity
        | Field::Priority
        | Field::Status
        | Field::AssignedTo
        | Field::EscalationPolicy => true,
        Field::Description | Field::Custom(_) => false,
    }
}

/// What changed since a moment.
pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
) -> Result<History, VendorError> {
    let mut changes = Vec::new();
    let mut seen = 0;
    for _ in 0..MOST_PAGES {
        let request = request::log_entries(connection, id, since, seen)?;
        let page: response::LogEntries = call(connection, request).await?;
        seen += page.log_entries.len();
        let more = page.more && !page.log_entries.is_empty();
        for entry in page.log_entries {
            let author = entry.agent.as_ref().and_then(|agent| agent.id.as_deref());
            let author = author.and_then(|id| ActorId::parse(id).ok());
            for (field, value) in told(connection, &entry).await? {
                changes.push(Change {
                    field,
                    value,
                    at: entry.created_at,
                    author: author.clone(),
                });
            }
        }
        if !more {
            break;
        }
    }
    // Newest first, as they come: of one second, too.
    changes.reverse();
    changes.sort_by_key(|change| change.at);
    Ok(History { changes })
}

/// What an entry says has changed, and to what, where it says that.
async fn told(
    connection: &Connection<'_>,
    entry: &LogEntry,
) -> Result<Vec<(Field, Option<ExternalValue>)>, VendorError> {
    let status = |status: &str| vec![(Field::Status, Some(ExternalValue::text(status)))];
    Ok(match entry.kind.trim_end_matches("_reference") {
        "trigger_log_entry" | "unacknowledge_log_entry" => status("triggered"),
        // The official file spells it both ways.
        "acknowledge_log_entry" | "acknowledgement_log_entry" => status("acknowledged"),
        "resolve_log_entry" => status("resolved"),
        "assign_log_entry" | "escalate_log_entry" => {
            vec![(Field::AssignedTo, assignee(connection, entry).await?)]
        }
        // To another policy, which the entry does not name.
        "delegate_log_entry" => vec![
            (Field::AssignedTo, assignee(connection, entry).await?),
            (Field::EscalationPolicy, None),
        ],
        "urgency_change_log_entry" => vec![(Field::Severity, None)],
        "field_value_change_log_entry" => {
            entry.changed_fields().filter_map(changed_field).collect()
        }
        _ => Vec::new(),
    })
}

/// The first of those that it was given to, as a record shows it.
async fn assignee(
    connection: &Connection<'_>,
    entry: &LogEntry,
) -> Result<Option<ExternalValue>, VendorError> {
    let Some(first) = entry.assignees.first() else {
        return Ok(None);
    };
    let email = match &first.email {
        Some(email) => Some(email.to_lowercase()),
        None => address_of(connection, &first.id).await?,
    };
    Ok(email.map(ExternalValue::text))
}

/// The official example of a reference is an id, where a record shows a priority by name: only that it changed.
fn changed_field((name, value): (&str, Option<&str>)) -> Option<(Field, Option<ExternalValue>)> {
    match name {
        "title" => Some((Field::Title, value.map(ExternalValue::text))),
        "priority" => Some((Field::Priority, None)),
        _ => None,
    }
}
