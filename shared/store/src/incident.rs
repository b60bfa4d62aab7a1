//! Incidents and their links: one item, one conditional update.

mod link;
mod note;
pub(crate) mod row;
mod update;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, builders::PutBuilder};
use im_engine::{
    Claim, Commit, Connect, Counters, CreationOrigin, EditOfIncident, JournalEntry, LinkByHand,
    NewIncident, NewNote, NoteCopied, Propagated, Reserve, Ruling, StoreError, Unlink,
    ports::{Attempt, IncidentStore, Page},
};
use im_model::{
    Conflict, Digest, ExternalId, IdempotencyKey, Incident, IncidentId, IntegrationId, Note,
    OrganizationId,
};

use self::{
    row::{EditRow, StateRow},
    update::{
        announce_note, commit_expression, edit_expression, require_fields, require_link,
        ruling_expression, set_link, settle_debt, unlink_expression,
    },
};
use crate::{
    DynamoStore,
    expression::Expression,
    failed,
    figures::measured::CountedFor,
    is_lost_race, keys,
    row::{ExternalRow, IncidentRow, RequestRow},
    transaction::{broken, item},
    unreadable, unwritable,
};

#[async_trait]
impl IncidentStore for DynamoStore {
    async fn incident_of(
        &self,
        integration: &IntegrationId,
        external_id: &ExternalId,
    ) -> Result<Option<IncidentId>, StoreError> {
        let pk = keys::external(integration, external_id);
        let Some(item) = self.get(&pk, keys::LINK).await? else {
            return Ok(None);
        };
        let row: ExternalRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| unreadable(&pk, &error))?;
        Ok(Some(row.incident))
    }

    async fn load(&self, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        let pk = keys::incident(id);
        let Some(item) = self.get(&pk, keys::STATE).await? else {
            return Ok(None);
        };
        read_incident(item, &pk).map(Some)
    }

    async fn list(
        &self,
        organization: &OrganizationId,
        after: Option<&IncidentId>,
        limit: u16,
    ) -> Result<Page<Incident>, StoreError> {
        let partition = keys::incidents_of(organization);
        let page = self
            .listing(&partition, after.map(IncidentId::as_str), limit)
            .await?;
        let items = page
            .items
            .into_iter()
            .map(|item| read_incident(item, &partition));
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next,
        })
    }

    async fn create(&self, new: &NewIncident) -> Result<Attempt, StoreError> {
        let row = StateRow::of(&new.incident);
        let pk = row.pk.clone();
        let entry = match &new.origin {
            CreationOrigin::Request => None,
            CreationOrigin::Record(integration, external_id) => {
                let entry = external_row(integration, external_id, &new.incident.id);
                let put = self.put_of(item(&entry, &pk)?);
                Some(put.condition_expression("attribute_not_exists(pk)"))
            }
            CreationOrigin::NamedRequest(key, asked) => {
                let entry = RequestRow::of(&new.incident, key, *asked);
                // TTL removes what has run out when it likes.
                let put = self
                    .put_of(item(&entry, &pk)?)
                    .condition_expression("attribute_not_exists(pk) OR expires_at < :now")
                    .expression_attribute_values(
                        ":now",
                        AttributeValue::N(new.incident.created_at.as_second().to_string()),
                    );
                Some(put)
            }
        };
        let mut state = item(&row, &pk)?;
        if let Some(traceparent) = (self.trace)() {
            state.insert("traceparent".to_owned(), AttributeValue::S(traceparent));
        }
        let state = self
            .put_of(state)
            .condition_expression("attribute_not_exists(pk)");
        let mut puts = Vec::new();
        let journal = self.put_of(Self::journal_item(&new.incident.id, &new.entry)?);
        for put in [Some(state), entry, Some(journal)].into_iter().flatten() {
            let put = put
                .build()
                .map_err(|error| broken("create the incident", &pk, &error))?;
            puts.push(TransactWriteItem::builder().put(put).build());
        }
        let tried = "create the incident";
        match new.counters() {
            Some(counted) => self.transact_and_count(puts, counted, tried, &pk).await,
            None => self.transact(puts, tried, &pk).await,
        }
    }

    async fn created_by(
        &self,
        organization: &OrganizationId,
        key: &IdempotencyKey,
    ) -> Result<Option<(IncidentId, Digest)>, StoreError> {
        let pk = keys::request(organization, key);
        let Some(item) = self.get(&pk, keys::CREATED).await? else {
            return Ok(None);
        };
        let row: RequestRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| unreadable(&pk, &error))?;
        Ok(Some((row.incident, row.asked)))
    }

    async fn edit(&self, edit: &EditOfIncident<'_>) -> Result<Attempt, StoreError> {
        let incident = edit.incident;
        let pk = keys::incident(&incident.id);
        let entry = EditRow::of_request(edit);
        // An entry whose update then loses a race says what was tried; the next attempt has an entry of its own.
        let _ = self.put_new(&entry, &entry.sk).await?;
        let update = edit_expression(edit).map_err(|error| unwritable(&pk, &error))?;
        self.update(&pk, &update, "edit the incident").await
    }

    async fn reserve(&self, reserve: &Reserve<'_>) -> Result<Attempt, StoreError> {
        let pk = keys::incident(&reserve.incident.id);
        let build = || {
            let mut update = Expression::default();
            require_link(&mut update, reserve.integration, reserve.link.version - 1)?;
            require_fields(&mut update, reserve.incident, reserve.fields.iter())?;
            set_link(&mut update, reserve.integration, &reserve.link)?;
            update.remove(&["wake"]);
            Ok(update)
        };
        let update = build().map_err(|error| unwritable(&pk, &error))?;
        self.update(&pk, &update, "reserve the link").await
    }

    async fn connect(&self, connect: &Connect<'_>) -> Result<Attempt, StoreError> {
        self.put_connection(connect).await
    }

    async fn link_by_hand(&self, link: &LinkByHand<'_>) -> Result<Attempt, StoreError> {
        self.put_link(link).await
    }

    async fn unlink(&self, unlink: &Unlink<'_>) -> Result<Attempt, StoreError> {
        let (pk, tried) = (keys::incident(&unlink.incident.id), "unlink the incident");
        let update = unlink_expression(unlink).map_err(|error| unwritable(&pk, &error))?;
        let counted = Counters::conflicts(&unlink.conflicts);
        let counted = (unlink.integration, counted);
        self.update_with(&pk, &update, &unlink.conflicts, counted.into(), tried)
            .await
    }

    async fn claim(&self, claim: &Claim) -> Result<Attempt, StoreError> {
        self.put_claim(claim).await
    }

    async fn last_claim(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Option<Claim>, StoreError> {
        self.find_last_claim(incident, integration, link_version)
            .await
    }

    async fn claims_on(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Vec<Claim>, StoreError> {
        self.find_claims(incident, integration, link_version).await
    }

    async fn journal(&self, incident: &IncidentId) -> Result<Vec<JournalEntry>, StoreError> {
        self.read_journal(incident).await
    }

    async fn rule(&self, ruling: &Ruling<'_>) -> Result<Attempt, StoreError> {
        let (pk, tried) = (keys::incident(&ruling.incident.id), "rule on the conflict");
        let update = ruling_expression(ruling).map_err(|error| unwritable(&pk, &error))?;
        let mut items = vec![
            self.state_update(&pk, &update, tried)?,
            self.conflict_put(&ruling.conflict, tried)?,
            self.audited(&ruling.audit, tried)?,
        ];
        if let Some(edit) = &ruling.edit {
            let row = EditRow::of(&ruling.incident.id, edit.clone());
            let put = self.put_of(item(&row, &pk)?).build();
            let put = put.map_err(|error| broken(tried, &pk, &error))?;
            items.push(TransactWriteItem::builder().put(put).build());
        }
        let counted = (ruling.integration, ruling.counted);
        self.transact_and_count(items, counted, tried, &pk).await
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<Attempt, StoreError> {
        let (pk, tried) = (keys::incident(&commit.incident.id), "commit the sync");
        let Some(after) = commit.link_after() else {
            return Ok(Attempt::LostRace);
        };
        let update = commit_expression(commit, &after).map_err(|error| unwritable(&pk, &error))?;
        let counted = CountedFor {
            integration: commit.integration,
            counters: commit.counters(),
            propagated: Some(&commit.propagated),
        };
        self.update_with(&pk, &update, &commit.conflicts, counted, tried)
            .await
    }

    async fn notes(&self, incident: &IncidentId) -> Result<Vec<Note>, StoreError> {
        self.read_notes(incident).await
    }

    async fn add_note(
        &self,
        incident: &IncidentId,
        note: &Note,
        propagated: &Propagated,
    ) -> Result<Attempt, StoreError> {
        self.put_note(incident, note, propagated).await
    }

    async fn write_note(&self, new: &NewNote<'_>) -> Result<Attempt, StoreError> {
        let (pk, tried) = (keys::incident(&new.incident.id), "write the note");
        let update = announce_note(new).map_err(|error| unwritable(&pk, &error))?;
        let items = vec![
            self.new_note(&new.incident.id, &new.note, tried)?,
            self.state_update(&pk, &update, tried)?,
        ];
        let refused = self.refused_of(items, tried, &pk).await?;
        Ok(match refused.as_deref() {
            // One that is there has been announced with it.
            None | Some([true, ..]) => Attempt::Done,
            Some(_) => Attempt::LostRace,
        })
    }

    async fn note_copied(&self, copied: &NoteCopied<'_>) -> Result<(), StoreError> {
        self.put_copy(copied).await
    }

    async fn settle_debt(
        &self,
        incident: &Incident,
        integration: &IntegrationId,
    ) -> Result<Attempt, StoreError> {
        let pk = keys::incident(&incident.id);
        let mut update = Expression::default();
        settle_debt(&mut update, incident, integration, false)
            .map_err(|error| unwritable(&pk, &error))?;
        update.remove(&["wake"]);
        self.update(&pk, &update, "settle the debt").await
    }
}

impl DynamoStore {
    fn put_of(&self, item: HashMap<String, AttributeValue>) -> PutBuilder {
        Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item))
    }

    pub(crate) async fn get(
        &self,
        pk: &str,
        sk: &str,
    ) -> Result<Option<HashMap<String, AttributeValue>>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(sk.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read", pk, &error))?;
        Ok(answer.item)
    }

    /// One update; a transaction where something is counted, or conflicts have changed, too.
    async fn update_with(
        &self,
        pk: &str,
        update: &Expression,
        conflicts: &[Conflict],
        counted: CountedFor<'_>,
        tried: &'static str,
    ) -> Result<Attempt, StoreError> {
        if conflicts.is_empty() && counted.counters == Counters::NONE {
            return self.update(pk, update, tried).await;
        }
        let mut items = vec![self.state_update(pk, update, tried)?];
        for conflict in conflicts {
            items.push(self.conflict_put(conflict, tried)?);
        }
        self.transact_and_count(items, counted, tried, pk).await
    }

    /// What wakes `outbound` carries the trace that it goes on with.
    pub(crate) fn carried_by(
        &self,
        expression: &Expression,
        on: &str,
    ) -> Result<Expression, StoreError> {
        let mut expression = expression.clone();
        if expression.wakes()
            && let Some(traceparent) = (self.trace)()
        {
            let set = expression.set(&["traceparent"], &traceparent);
            set.map_err(|error| unwritable(on, &error))?;
        }
        Ok(expression)
    }

    pub(crate) async fn update(
        &self,
        pk: &str,
        expression: &Expression,
        tried: &'static str,
    ) -> Result<Attempt, StoreError> {
        let expression = self.carried_by(expression, pk)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.to_owned()))
            .key("sk", AttributeValue::S(keys::STATE.to_owned()))
            .update_expression(expression.update())
            .condition_expression(expression.condition())
            .set_expression_attribute_names(Some(expression.names()))
            .set_expression_attribute_values(expression.values())
            .send()
            .await;
        match update {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed(tried, pk, &error)),
        }
    }
}

pub(crate) fn read_incident(
    item: HashMap<String, AttributeValue>,
    on: &str,
) -> Result<Incident, StoreError> {
    let row: IncidentRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| unreadable(on, &error))?;
    Ok(row.into())
}

fn external_row(
    integration: &IntegrationId,
    external_id: &ExternalId,
    incident: &IncidentId,
) -> ExternalRow {
    ExternalRow {
        pk: keys::external(integration, external_id),
        sk: keys::LINK.to_owned(),
        incident: incident.clone(),
    }
}
