//! Figures about one integration: what waits, what was done, and the counters.

mod waiting;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Select, TransactWriteItem, Update};
use im_engine::{
    Counted, Counters, DeliveryCount, DeliveryEnd, StoreError, Waiting, ports::Figures,
};
use im_model::{Conflict, ConflictStatus, DeadLetterStatus, IntegrationId, OrganizationId};
use jiff::Timestamp;

use crate::{DynamoStore, conflict, failed, keys, row::sort_key, schema, transaction::broken};

/// Pages of 1 MB that counting an integration's deliveries may take: some 150,000 deliveries, 3,000 read units and 2 s.
const DELIVERY_PAGES: usize = 25;

/// How many deliveries are asked for at once; a page of 1 MB holds fewer where ids are long.
const DELIVERIES_PER_PAGE: i32 = 10_000;

/// Pages that counting dead letters may take.
const DEAD_LETTER_PAGES: usize = 4;

/// Pages that looking for the oldest conflict may take.
const CONFLICT_PAGES: usize = 4;

/// How many conflicts are looked at at once.
const CONFLICTS_PER_PAGE: i32 = 100;

/// How many dead letters are counted at once.
const DEAD_LETTERS_PER_PAGE: i32 = 1_000;

#[async_trait]
impl Figures for DynamoStore {
    async fn waiting_deliveries(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        self.open_of(integration).await
    }

    async fn waiting_incidents(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        self.owed_to(integration).await
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
        let mut start = None;
        for _ in 0..CONFLICT_PAGES {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.sync)
                .index_name(schema::LISTING)
                .key_condition_expression("listing_pk = :partition")
                .expression_attribute_values(":partition", text(&partition))
                .limit(CONFLICTS_PER_PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("look for the oldest of", &partition, &error))?;
            for item in answer.items.unwrap_or_default() {
                let conflict = conflict::read(item, &partition)?;
                // The index may lag behind.
                let is_pending = conflict.status == ConflictStatus::Pending;
                if is_pending && conflict.integration == *integration {
                    return Ok(Some(conflict));
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(None)
    }

    async fn counters(&self, integration: &IntegrationId) -> Result<Counters, StoreError> {
        let pk = keys::integration(integration);
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :counters)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":counters", text(keys::COUNTERS))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the counters", &pk, &error))?;
        let mut sum = Counters::default();
        for item in answer.items.unwrap_or_default() {
            sum += Counters::from_named(|name| item.get(name)?.as_n().ok()?.parse().ok());
        }
        Ok(sum)
    }
}

impl DynamoStore {
    /// Raises counters. They are kept in several items, so that many functions can count at once: `salt` chooses one.
    pub(crate) fn addition(
        &self,
        integration: &IntegrationId,
        counters: &Counters,
        salt: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let pk = keys::integration(integration);
        let raised = counters.named().into_iter().filter(|(_, by)| *by > 0);
        let mut update = Update::builder().table_name(&self.tables.sync);
        let mut additions = Vec::new();
        for (name, by) in raised {
            additions.push(format!("{name} :{name}"));
            let by = AttributeValue::N(by.to_string());
            update = update.expression_attribute_values(format!(":{name}"), by);
        }
        let update = update
            .key("pk", text(&pk))
            .key("sk", text(&keys::counter(salt)))
            .update_expression(format!("ADD {}", additions.join(", ")))
            .build()
            .map_err(|error| broken("count", &pk, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
