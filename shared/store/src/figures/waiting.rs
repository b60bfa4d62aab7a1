//! What is open of one integration, found in the sparse indexes, which are of all.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use im_engine::{Counted, StoreError, Waiting};
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
    /// Deliveries that are open. One that a person had processed again waits since then.
    pub(super) async fn open_of(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        let open = Open {
            table: &self.tables.deliveries,
            index: schema::OPEN,
            shard: "open_shard",
        };
        let mine = format!("{integration}#");
        let mut found = self.sparse(&open, DELIVERIES_EACH).await?;
        found.keys.retain(|key| {
            let pk = key.get("pk").and_then(|pk| pk.as_s().ok());
            pk.is_some_and(|pk| pk.starts_with(&mine))
        });
        let parts = Parts {
            expression: "pk, received_at, reopened_at, open_since",
            names: HashMap::new(),
        };
        let items = self.parts_of(open.table, found.keys, &parts).await?;
        let waiting = items.iter().filter(|item| item.contains_key("open_since"));
        let since = waiting.map(|item| time(item, "reopened_at").or(time(item, "received_at")));
        Ok(waiting_since(since, found.is_cut))
    }

    /// Incidents that owe an integration something. Nobody writes down since when they owe it to just this one: not
    /// longer than they have owed anybody anything, nor than since the link was last synced.
    pub(super) async fn owed_to(&self, integration: &IntegrationId) -> Result<Waiting, StoreError> {
        let open = Open {
            table: &self.tables.sync,
            index: schema::PENDING,
            shard: "pending_shard",
        };
        let found = self.sparse(&open, INCIDENTS_EACH).await?;
        let parts = Parts {
            expression: "pk, owed_since, pending.#integration, links.#integration.#outcome.#at",
            names: HashMap::from(
                [
                    ("#integration", integration.as_str()),
                    ("#outcome", "outcome"),
                    ("#at", "at"),
                ]
                .map(|(name, stands_for)| (name.to_owned(), stands_for.to_owned())),
            ),
        };
        let items = self.parts_of(open.table, found.keys, &parts).await?;
        let owing = items.iter().filter(|item| {
            let pending = item.get("pending").and_then(|map| map.as_m().ok());
            pending.is_some_and(|pending| pending.contains_key(integration.as_str()))
        });
        let since = owing.map(|item| {
            let synced = synced_at(item, integration);
            time(item, "owed_since").max(synced)
        });
        Ok(waiting_since(since, found.is_cut))
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

fn waiting_since(times: impl Iterator<Item = Option<Timestamp>>, is_cut: bool) -> Waiting {
    let times: Vec<_> = times.collect();
    Waiting {
        count: Counted {
            count: times.len() as u64,
            at_least: is_cut,
        },
        since: times.into_iter().flatten().min(),
    }
}

fn time(item: &Item, name: &str) -> Option<Timestamp> {
    item.get(name)?.as_s().ok()?.parse().ok()
}

fn synced_at(item: &Item, integration: &IntegrationId) -> Option<Timestamp> {
    let member = |item: &Item, name: &str| item.get(name)?.as_m().ok().cloned();
    let link = member(&member(item, "links")?, integration.as_str())?;
    time(&member(&link, "outcome")?, "at")
}
