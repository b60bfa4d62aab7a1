//! `INC#id` / `NOTE#source#origin id`: an item each, put once.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use im_engine::{Counters, NoteCopied, Propagated, StoreError, ports::Attempt};
use im_model::{IncidentId, IntegrationId, Note, NoteCopy, NoteSource};
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore,
    expression::Expression,
    failed,
    figures::measured::CountedFor,
    is_lost_race, keys,
    transaction::{broken, item},
    unreadable, unwritable,
};

#[derive(Serialize, Deserialize)]
struct NoteRow {
    pk: String,
    sk: String,
    /// Always there, even empty: an update can only set what is in a map that exists.
    copies: BTreeMap<IntegrationId, NoteCopy>,
    note: Note,
}

impl NoteRow {
    fn of(incident: &IncidentId, note: &Note) -> Self {
        Self {
            pk: keys::incident(incident),
            sk: keys::note(&note.key),
            copies: note.copies.clone(),
            note: Note {
                copies: BTreeMap::new(),
                ..note.clone()
            },
        }
    }
}

impl From<NoteRow> for Note {
    fn from(row: NoteRow) -> Self {
        Self {
            copies: row.copies,
            ..row.note
        }
    }
}

impl DynamoStore {
    /// An incident's notes. A page holds 1 MB; a long story has several.
    pub(super) async fn read_notes(&self, incident: &IncidentId) -> Result<Vec<Note>, StoreError> {
        let pk = keys::incident(incident);
        let mut notes = Vec::new();
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.sync)
                .key_condition_expression("pk = :pk AND begins_with(sk, :notes)")
                .expression_attribute_values(":pk", AttributeValue::S(pk.clone()))
                .expression_attribute_values(":notes", AttributeValue::S(keys::NOTES.to_owned()))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|error| failed("read the notes", &pk, &error))?;
            for item in page.items.unwrap_or_default() {
                let row: NoteRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
                    .map_err(|error| unreadable(&pk, &error))?;
                notes.push(row.into());
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(notes);
            }
        }
    }

    pub(super) async fn put_note(
        &self,
        incident: &IncidentId,
        note: &Note,
        propagated: &Propagated,
    ) -> Result<Attempt, StoreError> {
        let NoteSource::Integration(integration) = &note.key.source else {
            let row = NoteRow::of(incident, note);
            return self.put_new(&row, &row.sk).await;
        };
        let (pk, tried) = (keys::incident(incident), "store the note");
        let items = vec![self.new_note(incident, note, tried)?];
        let counted = CountedFor {
            integration,
            counters: Counters::INBOUND,
            propagated: Some(propagated),
        };
        self.transact_and_count(items, counted, tried, &pk).await
    }

    /// A note that must not be there yet.
    pub(super) fn new_note(
        &self,
        incident: &IncidentId,
        note: &Note,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = NoteRow::of(incident, note);
        let put = self.put_of(item(&row, &row.sk)?);
        let put = put.condition_expression("attribute_not_exists(pk)").build();
        let put = put.map_err(|error| broken(tried, &row.sk, &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(super) async fn put_copy(&self, made: &NoteCopied<'_>) -> Result<(), StoreError> {
        let is_sent = matches!(made.copy, NoteCopy::Sent { .. });
        if is_sent && self.copy_sent(made).await? {
            return Ok(());
        }
        let (pk, sk) = (keys::incident(made.incident), keys::note(made.note));
        let update = copied(made, false).map_err(|error| unwritable(&sk, &error))?;
        let sent = self
            .client
            .update_item()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk))
            .key("sk", AttributeValue::S(sk.clone()))
            .update_expression(update.update())
            .condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .send()
            .await;
        match sent {
            Err(error) if !is_lost_race(&error) => Err(failed("remember the copy of", &sk, &error)),
            _ => Ok(()),
        }
    }

    /// Counts it the first time; false if somebody did before.
    async fn copy_sent(&self, made: &NoteCopied<'_>) -> Result<bool, StoreError> {
        let (pk, sk) = (keys::incident(made.incident), keys::note(made.note));
        let tried = "remember the copy of";
        let update = copied(made, true).map_err(|error| unwritable(&sk, &error))?;
        let update = Update::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(sk.clone()))
            .update_expression(update.update())
            .condition_expression(update.condition())
            .set_expression_attribute_names(Some(update.names()))
            .set_expression_attribute_values(update.values())
            .build()
            .map_err(|error| broken(tried, &sk, &error))?;
        let items = vec![TransactWriteItem::builder().update(update).build()];
        let counted = CountedFor {
            integration: made.integration,
            counters: Counters::OUTBOUND,
            propagated: Some(&made.propagated),
        };
        let stored = self.transact_and_count(items, counted, tried, &pk).await?;
        Ok(stored == Attempt::Done)
    }
}

/// What became of a note, of one that was not known to be sent if that is asked for.
fn copied(
    made: &NoteCopied<'_>,
    for_the_first_time: bool,
) -> Result<Expression, serde_dynamo::Error> {
    let integration = made.integration.as_str();
    let mut update = Expression::default();
    update.require("attribute_exists(pk)".to_owned());
    if for_the_first_time {
        let (state, sent) = (
            update.path(&["copies", integration, "state"]),
            update.value(&"sent")?,
        );
        update.require(format!(
            "(attribute_not_exists({state}) OR {state} <> {sent})"
        ));
    }
    update.set(&["copies", integration], &made.copy)?;
    Ok(update)
}
