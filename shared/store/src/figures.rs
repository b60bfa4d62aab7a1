//! Figures about one integration: what waits, what was done, and the counters.

pub(crate) mod measured;
mod waiting;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Select};
use im_engine::{
    AllWaiting, Counted, DeliveryCount, DeliveryEnd, Measured, StoreError, Waiting, ports::Figures,
};
use im_model::{Conflict, ConflictStatus, DeadLetterStatus, IntegrationId, OrganizationId};
use jiff::Timestamp;

use crate::{DynamoStore, conflict, failed, keys, row::sort_key, schema};

/// Pages of 1 MB that counting an integration's deliveries may take: some 150,000 deliveries, 3,000 read units and 2 s.
const DELIVERY_PAGES: usize = 25;

/// How many deliveries are asked for at once; a page of 1 MB holds fewer where ids are long.
const DELIVERIES_PER_PAGE: i32 = 10_000;

/// Pages that counting dead letters may take.
const DEAD_LETTER_PAGES: usize = 4;

/// Pages that looking for the oldest conflict may take.
const CONFLICT_PAGES: usize = 4;

/// How many conflicts are looked at at once.
const CONFLICTS_PER_PAGE: u16 = 100;

/// How many dead letters are counted at once.
const DEAD_LETTERS_PER_PAGE: i32 = 1_000;

#[async_trait]
impl Figures for DynamoStore {
    async fn waiting_deliveries(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        let open = self.open_by_integration(Some(integration)).await?;
        Ok(open.of(integration))
    }

    async fn waiting_incidents(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        let owed = self.owed_by_integration(Some(integration)).await?;
        Ok(owed.of(integration))
    }

    async fn all_waiting(&self) -> Result<AllWaiting, StoreError> {
        Ok(AllWaiting {
            deliveries: self.open_by_integration(None).await?,
            incidents: self.owed_by_integration(None).await?,
        })
    }

    async fn count_dead_letters(
        &self,
        integration: &IntegrationId,
        status: DeadLetterStatus,
    ) -> Result<Counted, StoreError> {
        let partition = keys::dead_letters_of(integration, status);
        let (mut count, mut start) = (0, None);
        for _ in 0..DEAD_LETTER_PAGES {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.sync)
                .index_name(schema::LISTING)
                .key_condition_expression("listing_pk = :partition")
                .expression_attribute_values(":partition", text(&partition))
                .select(Select::Count)
                .limit(DEAD_LETTERS_PER_PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("count", &partition, &error))?;
            count += u64::try_from(answer.count).unwrap_or_default();
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(Counted {
            count,
            at_least: start.is_some(),
        })
    }

    async fn count_deliveries(
        &self,
        integration: &IntegrationId,
        since: Timestamp,
    ) -> Result<DeliveryCount, StoreError> {
        let (mut count, mut start) = (DeliveryCount::since(since), None);
        for _ in 0..DELIVERY_PAGES {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.deliveries)
                .index_name(schema::LISTING)
                .key_condition_expression("integration = :integration AND received_at >= :since")
                .expression_attribute_values(":integration", text(integration.as_str()))
                .expression_attribute_values(":since", text(&sort_key(since)))
                .projection_expression("disposition")
                .scan_index_forward(false)
                .limit(DELIVERIES_PER_PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("count the deliveries", integration.as_str(), &error))?;
            for item in answer.items.unwrap_or_default() {
                let end = item.get("disposition").and_then(|end| end.as_s().ok());
                // Every text is an end.
                count.add(end.and_then(|end| end.parse::<DeliveryEnd>().ok()));
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
        let reached = start.and_then(|key| key.get("received_at")?.as_s().ok()?.parse().ok());
        Ok(DeliveryCount {
            since: reached.unwrap_or(since),
            complete: false,
            ..count
        })
    }

    async fn oldest_conflict(
        &self,
        organization: &OrganizationId,
        integration: &IntegrationId,
    ) -> Result<Option<Conflict>, StoreError> {
        let partition = keys::conflicts_of(organization, ConflictStatus::Pending);
        let mut after = None;
        for _ in 0..CONFLICT_PAGES {
            let page = self
                .listing(&partition, after.as_deref(), CONFLICTS_PER_PAGE)
                .await?;
            for item in page.items {
                let conflict = conflict::read(item, &partition)?;
                // The index may lag behind.
                let is_pending = conflict.status == ConflictStatus::Pending;
                if is_pending && conflict.integration == *integration {
                    return Ok(Some(conflict));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn measured(&self, integration: &IntegrationId) -> Result<Measured, StoreError> {
        self.read_measured(integration).await
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
