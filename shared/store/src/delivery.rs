//! The inbox: a conditional put is the dedupe.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use im_engine::{
    Delivery, DeliveryEnd, DeliveryKey, StoreError,
    ports::{Attempt, DeliveryPosition, DeliveryStore, Page},
};
use im_model::IntegrationId;
use jiff::{SignedDuration, Timestamp};

use crate::{
    DynamoStore, failed, is_lost_race, keys,
    row::{DeliveryRow, sort_key},
    schema, unreadable, unwritable,
};

/// How long a delivery is remembered: longer than any vendor redelivers (`PagerDuty`: 48 h).
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

#[async_trait]
impl DeliveryStore for DynamoStore {
    // What every webhook waits for: built as its function is, which is for speed, and not as this crate, for size.
    #[inline]
    async fn accept(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let key = delivery.key.to_string();
        let waits = delivery.announced.is_some();
        let announced = delivery.announced.clone();
        let row = DeliveryRow {
            pk: delivery.key.clone(),
            integration: Some(delivery.key.integration.clone()),
            received_at: delivery.received_at,
            event_type: delivery.event_type.clone(),
            occurred_at: delivery.occurred_at,
            external_id: announced
                .as_ref()
                .map(|announced| announced.external_id.clone()),
            at_least: announced.as_ref().and_then(|announced| announced.at_least),
            author: announced
                .as_ref()
                .and_then(|announced| announced.author.clone()),
            notes: announced.as_ref().is_some_and(|announced| announced.notes),
            changed: announced
                .map(|announced| announced.changed)
                .unwrap_or_default(),
            outcome: (!waits).then(|| "nothing to do".to_owned()),
            disposition: (!waits).then(|| {
                let why = "it announces nothing that is synced".to_owned();
                DeliveryEnd::Skipped(why).to_string()
            }),
            reopened_at: None,
            traceparent: (self.trace)(),
            wake: waits.then(|| delivery.received_at.to_string()),
            open_shard: waits.then(|| keys::shard(&key)),
            open_since: waits.then_some(delivery.received_at),
            expires_at: (delivery.received_at + KEPT_FOR).as_second(),
        };
        let item = serde_dynamo::aws_sdk_dynamodb_1::to_item(row)
            .map_err(|error| unwritable(&key, &error))?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.deliveries)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) if is_lost_race(&error) => Ok(false),
            Err(error) => Err(failed("store the delivery", &key, &error)),
        }
    }

    async fn delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        let key = key.to_string();
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.deliveries)
            .key("pk", AttributeValue::S(key.clone()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the delivery", &key, &error))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let row: DeliveryRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| unreadable(&key, &error))?;
        Ok(Some(row.into()))
    }

    async fn deliveries(
        &self,
        integration: &IntegrationId,
        after: Option<&DeliveryPosition>,
        limit: u16,
    ) -> Result<Page<Delivery>, StoreError> {
        let partition = integration.as_str();
        let answer = self
            .client
            .query()
            .table_name(&self.tables.deliveries)
            .index_name(schema::LISTING)
            .key_condition_expression("integration = :integration")
            .expression_attribute_values(":integration", text(partition))
            .scan_index_forward(false)
            .set_exclusive_start_key(after.map(|after| start_after(integration, after)))
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| failed("list the deliveries", partition, &error))?;
        let next = answer.last_evaluated_key.as_ref().and_then(position);
        let keys = answer.items.unwrap_or_default().into_iter();
        let keys = keys.map(|mut item| {
            item.retain(|name, _| name == "pk");
            item
        });
        let items = self
            .get_all(&self.tables.deliveries, keys.collect())
            .await?;
        let items = items.into_iter().map(|item| {
            let row: DeliveryRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
                .map_err(|error| unreadable(partition, &error))?;
            Ok(row.into())
        });
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: next.map(|next| next.to_string()),
        })
    }

    async fn reopen(&self, key: &DeliveryKey, now: Timestamp) -> Result<Attempt, StoreError> {
        let key = key.to_string();
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.deliveries)
            .key("pk", text(&key))
            .condition_expression("attribute_exists(external_id)")
            .update_expression(
                "SET wake = :now, open_shard = :shard, open_since = :now, reopened_at = :now \
                 REMOVE outcome, disposition, changed, author",
            )
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":shard", text(&keys::shard(&key)))
            .send()
            .await;
        match update {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("reopen the delivery", &key, &error)),
        }
    }

    async fn finish(
        &self,
        key: &DeliveryKey,
        end: &DeliveryEnd,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let key = key.to_string();
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.deliveries)
            .key("pk", AttributeValue::S(key.clone()))
            .condition_expression(match end {
                // What was done meanwhile did not die.
                DeliveryEnd::Dead => "attribute_exists(open_since)",
                // Never brings back one that its TTL has removed.
                _ => "attribute_exists(pk)",
            })
            .update_expression(
                "SET outcome = :outcome, disposition = :end REMOVE wake, open_shard, open_since",
            )
            .expression_attribute_values(":outcome", text(outcome))
            .expression_attribute_values(":end", text(&end.to_string()))
            .send()
            .await;
        match update {
            Err(error) if !is_lost_race(&error) => Err(failed("finish the delivery", &key, &error)),
            _ => Ok(()),
        }
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn start_after(
    integration: &IntegrationId,
    after: &DeliveryPosition,
) -> HashMap<String, AttributeValue> {
    let key = DeliveryKey {
        integration: integration.clone(),
        delivery: after.delivery.clone(),
    };
    HashMap::from([
        ("pk".to_owned(), text(&key.to_string())),
        ("integration".to_owned(), text(integration.as_str())),
        ("received_at".to_owned(), text(&sort_key(after.received_at))),
    ])
}

/// Where the index says that the page ended.
fn position(key: &HashMap<String, AttributeValue>) -> Option<DeliveryPosition> {
    let text = |name: &str| key.get(name)?.as_s().ok();
    let key: DeliveryKey = text("pk")?.parse().ok()?;
    Some(DeliveryPosition {
        received_at: text("received_at")?.parse().ok()?,
        delivery: key.delivery,
    })
}
