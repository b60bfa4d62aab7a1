//! Claims: conditional puts under link, version and attempt. Never changed, never deleted here.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use im_engine::{Claim, JournalEntry, StoreError, ports::Attempt};
use im_model::{IncidentId, IntegrationId};
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore, failed, incident::row::EditRow, is_lost_race, keys, transaction::item, unreadable,
    unwritable,
};

#[derive(Serialize, Deserialize)]
struct ClaimRow {
    pk: String,
    sk: String,
    #[serde(flatten)]
    claim: Claim,
}

impl ClaimRow {
    fn of(claim: &Claim) -> Self {
        Self {
            pk: keys::incident(&claim.incident),
            sk: keys::claim(&claim.integration, claim.link_version, claim.attempt),
            claim: claim.clone(),
        }
    }
}

impl DynamoStore {
    pub(crate) async fn put_claim(&self, claim: &Claim) -> Result<Attempt, StoreError> {
        let row = ClaimRow::of(claim);
        self.put_new(&row, &row.sk).await
    }

    pub(crate) async fn find_last_claim(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Option<Claim>, StoreError> {
        let prefix = keys::claims(integration, link_version);
        let tried = "read the last claim";
        let query = self.entries(incident, &prefix);
        let answer = query.scan_index_forward(false).limit(1).send().await;
        let answer = answer.map_err(|error| failed(tried, &prefix, &error))?;
        let last = answer.items.unwrap_or_default().into_iter().next();
        last.map(|item| read_claim(item, &prefix)).transpose()
    }

    pub(crate) async fn find_claims(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Vec<Claim>, StoreError> {
        let prefix = keys::claims(integration, link_version);
        let items = self.all_entries(incident, &prefix).await?.into_iter();
        items.map(|item| read_claim(item, &prefix)).collect()
    }

    pub(crate) async fn read_journal(
        &self,
        incident: &IncidentId,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        let on = keys::incident(incident);
        let items = self.all_entries(incident, keys::JOURNAL).await?.into_iter();
        let read = |item: HashMap<String, AttributeValue>| {
            let is_edit = item
                .get("sk")
                .and_then(|sk| sk.as_s().ok())
                .is_some_and(|sk| sk.starts_with(keys::EDITS));
            if !is_edit {
                let claim = read_claim(item, &on)?;
                return Ok(JournalEntry::Claim(Box::new(claim)));
            }
            let row: EditRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
                .map_err(|error| unreadable(&on, &error))?;
            Ok(JournalEntry::Edit(row.edit))
        };
        items.map(read).collect()
    }

    /// The item of an entry of a new incident.
    pub(crate) fn journal_item(
        incident: &IncidentId,
        entry: &JournalEntry,
    ) -> Result<HashMap<String, AttributeValue>, StoreError> {
        let on = keys::incident(incident);
        match entry {
            JournalEntry::Claim(claim) => item(&ClaimRow::of(claim), &on),
            JournalEntry::Edit(edit) => item(&EditRow::of(incident, edit.clone()), &on),
        }
    }

    fn entries(&self, incident: &IncidentId, prefix: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", AttributeValue::S(keys::incident(incident)))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .consistent_read(true)
    }

    async fn all_entries(
        &self,
        incident: &IncidentId,
        prefix: &str,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        let (mut all, mut start) = (Vec::new(), None);
        loop {
            let query = self.entries(incident, prefix);
            let answer = query.set_exclusive_start_key(start).send().await;
            let answer = answer.map_err(|error| failed("read the journal", prefix, &error))?;
            all.extend(answer.items.unwrap_or_default());
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(all);
            }
        }
    }

    /// Puts an item that must not exist yet.
    pub(crate) async fn put_new(
        &self,
        row: &impl Serialize,
        on: &str,
    ) -> Result<Attempt, StoreError> {
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(row)
            .map_err(|error| unwritable(on, &error))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sync)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("store", on, &error)),
        }
    }
}

fn read_claim(item: HashMap<String, AttributeValue>, on: &str) -> Result<Claim, StoreError> {
    let row: ClaimRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| unreadable(on, &error))?;
    Ok(row.claim)
}
