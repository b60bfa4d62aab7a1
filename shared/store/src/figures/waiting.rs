//! What is open of each integration, found in the sparse indexes, which are of all.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use im_engine::{StoreError, WaitingByIntegration};
use im_model::IntegrationId;
use jiff::Timestamp;

use super::text;
use crate::{DynamoStore, failed, keys, schema};

type Item = HashMap<String, AttributeValue>;

/// How many entries of each of the 8 partitions are looked at: 1,000 deliveries and 800 incidents in all, if they spread
/// evenly.
const DELIVERIES_EACH: i32 = 125;
const INCIDENTS_EACH: i32 = 100;

/// One read takes no more.
const READ_AT_ONCE: usize = 100;

/// A sparse index.
struct Open<'a> {
    table: &'a str,
    index: &'static str,
    shard: &'static str,
}

/// Keys that were found, and whether there are more.
#[derive(Default)]
struct Found {
    keys: Vec<Item>,
    is_cut: bool,
}

impl DynamoStore {
    /// Deliveries that are open, of all integrations or of one. One that a person had processed again waits since then.
    pub(super) async fn open_by_integration(
        &self,
        only: Option<&IntegrationId>,
    ) -> Result<WaitingByIntegration, StoreError> {
        let open = Open {
            table: &self.tables.deliveries,
            index: schema::OPEN,
            shard: "open_shard",
        };
        let mut found = self.sparse(&open, DELIVERIES_EACH).await?;
        found.keys.retain(|key| {
            let receiver = receiver(key);
            receiver.is_some_and(|receiver| only.is_none_or(|only| *only == receiver))
        });
        let parts = Parts {
            expression: "pk, received_at, reopened_at, open_since",
            names: HashMap::new(),
        };
        let items = self.parts_of(open.table, found.keys, &parts).await?;
        let waiting = items.iter().filter(|item| item.contains_key("open_since"));
        let since = waiting.filter_map(|item| {
            let since = time(item, "reopened_at").or(time(item, "received_at"));
            Some((receiver(item)?, since))
        });
        Ok(WaitingByIntegration::of_each(since, found.is_cut))
    }

    /// Incidents that owe something, to any integration or to one. Nobody writes down since when they owe it to just this
    /// one: not longer than they have owed anybody anything, nor than since the link was last synced.
    pub(super) async fn owed_by_integration(
        &self,
        only: Option<&IntegrationId>,
    ) -> Result<WaitingByIntegration, StoreError> {
        let open = Open {
            table: &self.tables.sync,
            index: schema::PENDING,
            shard: "pending_shard",
        };
        let found = self.sparse(&open, INCIDENTS_EACH).await?;
        let parts = only.map_or_else(Parts::of_debts, Parts::of_debt_to);
        let items = self.parts_of(open.table, found.keys, &parts).await?;
        let owed = items.iter().flat_map(|item| {
            let pending = item.get("pending").and_then(|map| map.as_m().ok());
            let owed = pending.into_iter().flat_map(HashMap::keys);
            owed.filter_map(|id| {
                let integration: IntegrationId = id.parse().ok()?;
                let since = time(item, "owed_since").max(synced_at(item, &integration));
                Some((integration, since))
            })
        });
        Ok(WaitingByIntegration::of_each(owed, found.is_cut))
    }

    /// The oldest keys of every partition of a sparse index.
    async fn sparse(&self, open: &Open<'_>, each: i32) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for shard in keys::shards() {
            let answer = self
                .client
                .query()
                .table_name(open.table)
                .index_name(open.index)
                .key_condition_expression("#shard = :shard")
                .expression_attribute_names("#shard", open.shard)
                .expression_attribute_values(":shard", text(&shard))
                .limit(each)
                .send()
                .await
                .map_err(|error| failed("list what is open of", open.table, &error))?;
            found.is_cut |= answer.last_evaluated_key.is_some();
            found.keys.extend(answer.items.unwrap_or_default());
        }
        for key in &mut found.keys {
            key.retain(|name, _| name == "pk" || name == "sk");
        }
        Ok(found)
    }

    /// Some attributes of items by key, in no order.
    async fn parts_of(
        &self,
        on: &str,
        keys: Vec<Item>,
        parts: &Parts,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::new();
        for some in keys.chunks(READ_AT_ONCE) {
            found.extend(self.some_parts_of(on, some.to_vec(), parts).await?);
        }
        Ok(found)
    }

    async fn some_parts_of(
        &self,
        on: &str,
        keys: Vec<Item>,
        parts: &Parts,
    ) -> Result<Vec<Item>, StoreError> {
        let (mut found, mut wanted) = (Vec::new(), keys);
        while !wanted.is_empty() {
            let names = (!parts.names.is_empty()).then(|| parts.names.clone());
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .projection_expression(parts.expression)
                .set_expression_attribute_names(names)
                .build()
                .map_err(|error| StoreError {
                    tried: "read items",
                    on: on.to_owned(),
                    detail: error.to_string(),
                })?;
            let answer = self.client.batch_get_item().request_items(on, request);
            let answer = answer
                .send()
                .await
                .map_err(|error| failed("read items", on, &error))?;
            let items = answer.responses.unwrap_or_default().remove(on);
            found.extend(items.unwrap_or_default());
            let rest = answer.unprocessed_keys;
            wanted = rest
                .and_then(|mut rest| rest.remove(on))
                .map(|rest| rest.keys)
                .unwrap_or_default();
        }
        Ok(found)
    }
}

/// What is read of an item.
struct Parts {
    expression: &'static str,
    names: HashMap<String, String>,
}

impl Parts {
    /// To whom an incident owes something.
    fn of_debts() -> Self {
        Self {
            expression: "pk, owed_since, pending, links",
            names: HashMap::new(),
        }
    }

    /// Whether it owes this one something.
    fn of_debt_to(integration: &IntegrationId) -> Self {
        let names = [
            ("#integration", integration.as_str()),
            ("#outcome", "outcome"),
            ("#at", "at"),
        ];
        let names = names.map(|(name, stands_for)| (name.to_owned(), stands_for.to_owned()));
        Self {
            expression: "pk, owed_since, pending.#integration, links.#integration.#outcome.#at",
            names: names.into(),
        }
    }
}

/// Whose delivery it is.
fn receiver(item: &Item) -> Option<IntegrationId> {
    let (integration, _) = item.get("pk")?.as_s().ok()?.split_once('#')?;
    integration.parse().ok()
}

fn time(item: &Item, name: &str) -> Option<Timestamp> {
    item.get(name)?.as_s().ok()?.parse().ok()
}

fn synced_at(item: &Item, integration: &IntegrationId) -> Option<Timestamp> {
    let member = |item: &Item, name: &str| item.get(name)?.as_m().ok().cloned();
    let link = member(&member(item, "links")?, integration.as_str())?;
    time(&member(&link, "outcome")?, "at")
}
