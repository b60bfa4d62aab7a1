//! Items by key, many at once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use futures::{StreamExt, TryStreamExt, stream};
use im_engine::StoreError;

use crate::{DynamoStore, failed};

/// Of one request.
const MOST_KEYS: usize = 100;

impl DynamoStore {
    /// A table's items by key, in the keys' order; those that are gone are left out. Read consistently, 100 at most.
    pub(crate) async fn get_all(
        &self,
        on: &str,
        keys: Vec<HashMap<String, AttributeValue>>,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        self.get_batch(on, keys, true).await
    }

    /// The same of any number of keys; what is read may be a moment old, and costs half.
    pub(crate) async fn get_many(
        &self,
        on: &str,
        keys: &[HashMap<String, AttributeValue>],
    ) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        const AT_ONCE: usize = 4;
        let batches = keys.chunks(MOST_KEYS).map(<[_]>::to_vec);
        let batches: Vec<_> = batches
            .map(|batch| self.get_batch(on, batch, false))
            .collect();
        let batches = stream::iter(batches).buffered(AT_ONCE);
        batches.try_concat().await
    }

    async fn get_batch(
        &self,
        on: &str,
        keys: Vec<HashMap<String, AttributeValue>>,
        consistent: bool,
    ) -> Result<Vec<HashMap<String, AttributeValue>>, StoreError> {
        let mut found = HashMap::new();
        let mut wanted = keys.clone();
        while !wanted.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .consistent_read(consistent)
                .build()
                .map_err(|error| StoreError {
                    tried: "read items",
                    on: on.to_owned(),
                    detail: error.to_string(),
                })?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(on, request)
                .send()
                .await
                .map_err(|error| failed("read items", on, &error))?;
            let items = answer
                .responses
                .unwrap_or_default()
                .remove(on)
                .unwrap_or_default();
            found.extend(
                items
                    .into_iter()
                    .filter_map(|item| Some((name(&item)?, item))),
            );
            wanted = answer
                .unprocessed_keys
                .and_then(|mut rest| rest.remove(on))
                .map(|rest| rest.keys)
                .unwrap_or_default();
        }
        Ok(keys
            .iter()
            .filter_map(|key| found.remove(&name(key)?))
            .collect())
    }
}

/// Partition and sort key, where there is one.
fn name(item: &HashMap<String, AttributeValue>) -> Option<(String, Option<String>)> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    Some((text("pk")?, text("sk")))
}
