//! What the audit says of a record. An account that may not read it has no history, and is not asked again for an hour.

use im_model::{ActorId, ExternalId, ExternalValue, Field, Secret};
use im_sync::{Change, History};
use jiff::{SignedDuration, Timestamp};

use super::{
    columns, options, people,
    refusal::{is_closed, row, rows},
    request,
    response::{self, Row},
};
use crate::{Connection, CustomField, VendorError};

/// Remembers that the audit is closed to us.
const CLOSED: &str = "audit_closed";
const REMEMBER: SignedDuration = SignedDuration::from_hours(1);

/// A history of more pages than this is no history of one claim's lease.
const MOST_PAGES: usize = 10;

/// A table is audited as a whole, columns of the customer's own among them.
pub(super) fn covers(field: &Field) -> bool {
    !matches!(field, Field::Priority | Field::EscalationPolicy)
}

/// One column's change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Audited {
    sys_id: String,
    at: Timestamp,
    /// The record's `sys_mod_count` then: rows of one update share it.
    update: Option<u64>,
    column: String,
    old: String,
    new: String,
    user: Option<ActorId>,
}

pub(super) async fn read(
    connection: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
) -> Result<History, VendorError> {
    let (memory, integration, now) = (connection.memory, connection.integration, connection.now);
    if memory.recall(integration, CLOSED, "", now).is_some() {
        return Ok(History::default());
    }
    let custom = options::custom(connection.options);
    // Before the audit is read: what changes in between is then in the audit.
    let current = row(connection, request::severity(connection, id)?).await?;
    let audited = match audited(connection, id, since, &custom).await {
        Ok(audited) => audited,
        Err(error) if is_closed(&error) => {
            memory.remember(integration, CLOSED, "", Secret::new("yes"), now, REMEMBER);
            return Ok(History::default());
        }
        Err(error) => return Err(error),
    };
    // The audit keeps whole seconds.
    let since = Timestamp::from_second(since.as_second()).unwrap_or(since);
    let mut changes = severities(&audited, &current);
    for (place, one) in audited.iter().enumerate() {
        // A look-up for nothing is spared.
        if one.at < since {
            continue;
        }
        let value = || Some(ExternalValue::text(one.new.clone()));
        let (field, value) = match one.column.as_str() {
            "short_description" => (Field::Title, value()),
            "description" => (Field::Description, value()),
            "state" => (Field::Status, value()),
            "assigned_to" => (
                Field::AssignedTo,
                people::value(connection, &one.new).await?,
            ),
            column => match custom.iter().find(|field| field.path == column) {
                Some(mapped) => (
                    mapped.field.clone(),
                    columns::audited_custom(mapped.value_type, &one.new),
                ),
                None => continue,
            },
        };
        changes.push((place, one.change(field, value)));
    }
    changes.retain(|(_, change)| change.at >= since);
    changes.sort_by_key(|(place, _)| *place);
    let changes = changes.into_iter().map(|(_, change)| change);
    Ok(History {
        changes: changes.collect(),
    })
}

async fn audited(
    connection: &Connection<'_>,
    id: &ExternalId,
    since: Timestamp,
    custom: &[CustomField],
) -> Result<Vec<Audited>, VendorError> {
    let mut found: Vec<Audited> = Vec::new();
    let mut offset = 0;
    for _ in 0..MOST_PAGES {
        let page = rows(connection, request::audit(connection, id, since, offset)?).await?;
        offset += page.len();
        let is_last = page.len() < request::PAGE;
        let more = page.iter().filter_map(|row| Audited::of(row, id, custom));
        let more: Vec<_> = more
            .filter(|one| !found.iter().any(|known| known.sys_id == one.sys_id))
            .collect();
        found.extend(more);
        if is_last {
            break;
        }
    }
    found.sort_by_key(|one| (one.at, one.update));
    Ok(found)
}

impl Audited {
    /// `None` for what was not asked for: an invalid fragment of a query is ignored (FACTS.md, "Table API").
    fn of(row: &Row, id: &ExternalId, custom: &[CustomField]) -> Option<Self> {
        let column = row.full("fieldname")?;
        let is_wanted = request::audited(custom).any(|wanted| wanted == column);
        if row.get("documentkey") != Some(id.as_str()) || !is_wanted {
            return None;
        }
        let user = row.full("user");
        Some(Self {
            sys_id: row.full("sys_id")?.to_owned(),
            at: row.time("sys_created_on")?,
            update: row
                .get("record_checkpoint")
                .and_then(|text| text.parse().ok()),
            column: column.to_owned(),
            old: row.get("oldvalue")?.to_owned(),
            new: row.get("newvalue")?.to_owned(),
            user: user.and_then(|user| ActorId::parse(user).ok()),
        })
    }

    fn is_of_one_update_with(&self, other: &Self) -> bool {
        match (self.update, other.update) {
            (Some(own), Some(theirs)) => own == theirs,
            _ => (self.at, &self.user) == (other.at, &other.user),
        }
    }

    fn change(&self, field: Field, value: Option<ExternalValue>) -> Change {
        Change {
            field,
            value,
            at: self.at,
            author: self.user.clone(),
        }
    }
}

/// Impact and urgency are one field of ours, so what one update does to them is one change. A column that never changed
/// in the time is what it is now.
fn severities(audited: &[Audited], current: &Row) -> Vec<(usize, Change)> {
    let before = |column: &str| {
        let first = audited.iter().find(|one| one.column == column);
        first
            .map(|one| one.old.clone())
            .or_else(|| current.get(column).map(str::to_owned))
    };
    let (mut impact, mut urgency) = (before("impact"), before("urgency"));
    let parts: Vec<_> = audited
        .iter()
        .enumerate()
        .filter(|(_, one)| matches!(one.column.as_str(), "impact" | "urgency"))
        .collect();
    let mut changes = Vec::new();
    for update in parts.chunk_by(|(_, a), (_, b)| a.is_of_one_update_with(b)) {
        for (_, one) in update {
            let part = if one.column == "impact" {
                &mut impact
            } else {
                &mut urgency
            };
            *part = Some(one.new.clone());
        }
        let value = response::severity(impact.as_deref(), urgency.as_deref());
        if let Some((place, last)) = update.last() {
            changes.push((*place, last.change(Field::Severity, value)));
        }
    }
    changes
}

#[cfg(test)]
mod tests;
