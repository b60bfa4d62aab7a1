//! Claims: conditional puts under link, version and attempt. Never changed, never deleted here.

use aws_sdk_dynamodb::types::AttributeValue;
use im_engine::{Claim, StoreError, ports::Attempt};
use im_model::{IncidentId, IntegrationId};
use serde::{Deserialize, Serialize};

use crate::{DynamoStore, failed, is_lost_race, keys, unreadable, unwritable};

#[derive(Serialize, Deserialize)]
struct ClaimRow {
    pk: String,
    sk: String,
    #[serde(flatten)]
    claim: Claim,
}

impl DynamoStore {
    pub(crate) async fn put_claim(&self, claim: &Claim) -> Result<Attempt, StoreError> {
        let row = ClaimRow {
            pk: keys::incident(&claim.incident),
            sk: keys::claim(&claim.integration, claim.link_version, claim.attempt),
            claim: claim.clone(),
        };
        self.put_new(&row, &row.sk).await
    }

    pub(crate) async fn find_last_claim(
        &self,
        incident: &IncidentId,
        integration: &IntegrationId,
        link_version: u64,
    ) -> Result<Option<Claim>, StoreError> {
        let prefix = keys::claims(integration, link_version);
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :claims)")
            .expression_attribute_values(":pk", AttributeValue::S(keys::incident(incident)))
            .expression_attribute_values(":claims", AttributeValue::S(prefix.clone()))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(|error| failed("read the last claim", &prefix, &error))?;
        let Some(item) = answer.items.unwrap_or_default().into_iter().next() else {
            return Ok(None);
        };
        let row: ClaimRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| unreadable(&prefix, &error))?;
        Ok(Some(row.claim))
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
