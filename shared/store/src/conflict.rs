//! Conflicts: items of their own, listed by status.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use im_engine::{
    StoreError,
    ports::{ConflictStore, Page},
};
use im_model::{Conflict, ConflictId, ConflictStatus, OrganizationId};
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore, keys,
    transaction::{broken, item},
    unreadable,
};

/// `CONFLICT#id` / `META`.
#[derive(Serialize, Deserialize)]
struct ConflictRow {
    pk: String,
    sk: String,
    listing_pk: String,
    listing_sk: String,
    #[serde(flatten)]
    conflict: Conflict,
}

impl DynamoStore {
    /// Stores a new conflict, or replaces the version before it.
    pub(crate) fn conflict_put(
        &self,
        conflict: &Conflict,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = ConflictRow {
            pk: keys::conflict(&conflict.id),
            sk: keys::META.to_owned(),
            listing_pk: keys::conflicts_of(&conflict.organization, conflict.status),
            listing_sk: conflict.id.to_string(),
            conflict: conflict.clone(),
        };
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &row.pk)?));
        let put = if conflict.version == 1 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            let replaced = AttributeValue::N((conflict.version - 1).to_string());
            put.condition_expression("#version = :replaced")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":replaced", replaced)
        };
        let put = put
            .build()
            .map_err(|error| broken(tried, &row.pk, &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

#[async_trait]
impl ConflictStore for DynamoStore {
    async fn conflict(&self, id: &ConflictId) -> Result<Option<Conflict>, StoreError> {
        let pk = keys::conflict(id);
        let item = self.get(&pk, keys::META).await?;
        item.map(|item| read(item, &pk)).transpose()
    }

    async fn conflicts(
        &self,
        organization: &OrganizationId,
        status: ConflictStatus,
        before: Option<&ConflictId>,
        limit: u16,
    ) -> Result<Page<Conflict>, StoreError> {
        let partition = keys::conflicts_of(organization, status);
        let page = self
            .newest(&partition, before.map(ConflictId::as_str), limit)
            .await?;
        let items = page.items.into_iter().map(|item| read(item, &partition));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(Page {
            // The index may lag behind: what has another status by now is on its list.
            items: items
                .into_iter()
                .filter(|conflict| conflict.status == status)
                .collect(),
            next: page.next,
        })
    }
}

pub(crate) fn read(
    item: HashMap<String, AttributeValue>,
    on: &str,
) -> Result<Conflict, StoreError> {
    let row: ConflictRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| unreadable(on, &error))?;
    Ok(row.conflict)
}
