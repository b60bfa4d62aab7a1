//! The conditional updates of an incident: what must still be as it was loaded, and what becomes of it.

use std::collections::BTreeSet;

use im_engine::{Commit, EditOfIncident, NewNote, Ruling, Unlink};
use im_model::{Field, FieldState, Incident, IntegrationId, Link, Origin};
use jiff::Timestamp;

use crate::{
    expression::Expression,
    keys,
    row::{FieldRow, LinkRow},
};

pub(super) fn edit_expression(
    edit: &EditOfIncident<'_>,
) -> Result<Expression, serde_dynamo::Error> {
    let incident = edit.incident;
    let mut update = Expression::default();
    update.require("attribute_exists(pk)".to_owned());
    // Whom it is assigned to may decide who may edit it.
    let seen: BTreeSet<_> = edit.values.keys().chain([&Field::AssignedTo]).collect();
    require_fields(&mut update, incident, seen.into_iter())?;
    if let Some(revision) = edit.if_revision {
        update.require_equal(&["revision"], &revision)?;
    }
    for (field, value) in &edit.values {
        let state = FieldState {
            value: value.clone(),
            version: incident.field_version(field) + 1,
            changed_at: edit.now,
            origin: Origin::Platform {
                actor: edit.actor.clone(),
            },
        };
        update.set(&["fields", &field.name()], &FieldRow::from(&state))?;
    }
    raise_revision(&mut update, incident, &edit.owed, edit.now)?;
    Ok(update)
}

pub(super) fn commit_expression(
    commit: &Commit<'_>,
    after: &Link,
) -> Result<Expression, serde_dynamo::Error> {
    let incident = commit.incident;
    let mut update = Expression::default();
    require_link(&mut update, commit.integration, after.version - 1)?;
    let touched: BTreeSet<_> = commit.base.keys().chain(commit.pulls.keys()).collect();
    require_fields(&mut update, incident, touched.into_iter())?;
    set_link(&mut update, commit.integration, after)?;
    for (field, pulled) in &commit.pulls {
        let state = FieldState {
            value: pulled.value.clone(),
            version: incident.field_version(field) + 1,
            changed_at: pulled.changed_at,
            origin: Origin::External {
                integration: commit.integration.clone(),
                author: pulled.author.clone(),
            },
        };
        update.set(&["fields", &field.name()], &FieldRow::from(&state))?;
    }
    let owes = !commit.owed.is_empty();
    if incident.pending.contains_key(commit.integration) && !commit.keeps_debt {
        settle_debt(&mut update, incident, commit.integration, owes)?;
    }
    let has_notes = commit.notes.is_some_and(|notes| notes.news);
    if has_notes {
        raise_notes(&mut update)?;
    }
    if commit.pulls.is_empty() && !has_notes {
        update.remove(&["wake"]);
    } else {
        raise_revision(&mut update, incident, &commit.owed, commit.now)?;
    }
    Ok(update)
}

/// A note was written on the platform: its item is there, and now whoever is owed it is woken.
pub(super) fn announce_note(new: &NewNote<'_>) -> Result<Expression, serde_dynamo::Error> {
    let mut update = Expression::default();
    update.require("attribute_exists(pk)".to_owned());
    raise_notes(&mut update)?;
    raise_revision(&mut update, new.incident, &new.owed, new.now)?;
    Ok(update)
}

/// A person's word on a conflict, and the value that it brings back.
pub(super) fn ruling_expression(ruling: &Ruling<'_>) -> Result<Expression, serde_dynamo::Error> {
    let mut update = Expression::default();
    require_link(&mut update, ruling.integration, ruling.link.version - 1)?;
    // The word is about this value: an edit since makes it a question again.
    let field = [&ruling.conflict.field];
    require_fields(&mut update, ruling.incident, field.into_iter())?;
    set_link(&mut update, ruling.integration, &ruling.link)?;
    let edits = ruling.edit.iter();
    for (edit, (field, value)) in edits.flat_map(|edit| edit.after.iter().map(move |it| (edit, it)))
    {
        let state = FieldState {
            value: value.clone(),
            version: ruling.incident.field_version(field) + 1,
            changed_at: ruling.now,
            origin: Origin::Platform {
                actor: edit.actor.clone(),
            },
        };
        update.set(&["fields", &field.name()], &FieldRow::from(&state))?;
    }
    raise_revision(&mut update, ruling.incident, &ruling.owed, ruling.now)?;
    Ok(update)
}

/// The debt goes with the link: whoever is unlinked is owed nothing.
pub(super) fn unlink_expression(unlink: &Unlink<'_>) -> Result<Expression, serde_dynamo::Error> {
    let mut update = Expression::default();
    require_link(&mut update, unlink.integration, unlink.link.version - 1)?;
    set_link(&mut update, unlink.integration, &unlink.link)?;
    settle_debt(&mut update, unlink.incident, unlink.integration, false)?;
    update.remove(&["wake"]);
    Ok(update)
}

fn raise_notes(update: &mut Expression) -> Result<(), serde_dynamo::Error> {
    let (notes, zero, one) = (
        update.path(&["notes"]),
        update.value(&0)?,
        update.value(&1)?,
    );
    update.set_to(
        &["notes"],
        &format!("if_not_exists({notes}, {zero}) + {one}"),
    );
    Ok(())
}

/// Raises the revision, and with it what each of the integrations is owed; wakes `outbound` if there are any.
pub(super) fn raise_revision(
    update: &mut Expression,
    incident: &Incident,
    owed: &BTreeSet<IntegrationId>,
    now: Timestamp,
) -> Result<(), serde_dynamo::Error> {
    let (revision, one) = (update.path(&["revision"]), update.value(&1)?);
    let raised = format!("{revision} + {one}");
    update.set_to(&["revision"], &raised);
    if owed.is_empty() {
        update.remove(&["wake"]);
        return Ok(());
    }
    for integration in owed {
        update.set_to(&["pending", integration.as_str()], &raised);
    }
    update.set(&["wake"], &now)?;
    update.wake();
    let now = update.value(&now)?;
    for since in ["pending_since", "owed_since"] {
        let known = update.path(&[since]);
        update.set_to(&[since], &format!("if_not_exists({known}, {now})"));
    }
    update.set(&["pending_shard"], &keys::shard(incident.id.as_str()))
}

/// Takes an integration out of the outbox, if it is owed what it was owed when the incident was loaded.
pub(super) fn settle_debt(
    update: &mut Expression,
    incident: &Incident,
    integration: &IntegrationId,
    others_are_raised: bool,
) -> Result<(), serde_dynamo::Error> {
    let Some(owed) = incident.pending.get(integration) else {
        update.require("attribute_exists(pk)".to_owned());
        return Ok(());
    };
    let path = ["pending", integration.as_str()];
    update.require_equal(&path, owed)?;
    update.remove(&path);
    if others_are_raised {
        return Ok(());
    }
    // Whoever settles the last debt takes the incident out of the index. Two that settle at once are told apart by
    // the size: one of them loses the race and finds itself the last.
    let (pending, one) = (update.path(&["pending"]), update.value(&1)?);
    if incident.pending.len() == 1 {
        update.require(format!("size({pending}) = {one}"));
        update.remove(&["pending_since"]);
        update.remove(&["owed_since"]);
        update.remove(&["pending_shard"]);
    } else {
        update.require(format!("size({pending}) > {one}"));
    }
    Ok(())
}

/// The link must be at this version; at 0 it must not exist.
pub(super) fn require_link(
    update: &mut Expression,
    integration: &IntegrationId,
    version: u64,
) -> Result<(), serde_dynamo::Error> {
    if version == 0 {
        update.require("attribute_exists(pk)".to_owned());
        update.require_absent(&["links", integration.as_str()]);
        return Ok(());
    }
    update.require_equal(&["links", integration.as_str(), "n"], &version)
}

pub(super) fn set_link(
    update: &mut Expression,
    integration: &IntegrationId,
    link: &Link,
) -> Result<(), serde_dynamo::Error> {
    update.set(&["links", integration.as_str()], &LinkRow::from(link))
}

/// The fields must be as they were loaded: one that changed there and back is a change.
pub(super) fn require_fields<'a>(
    update: &mut Expression,
    incident: &Incident,
    fields: impl Iterator<Item = &'a Field>,
) -> Result<(), serde_dynamo::Error> {
    for field in fields {
        match incident.field_version(field) {
            0 => update.require_absent(&["fields", &field.name()]),
            version => update.require_equal(&["fields", &field.name(), "n"], &version)?,
        }
    }
    Ok(())
}
