//! Integrations.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem},
};
use im_engine::{
    StoreError,
    ports::{Attempt, IntegrationStore},
};
use im_model::{AuditEntry, Integration, IntegrationId, OrganizationId};

use crate::{
    DynamoStore, failed, keys,
    row::{GoneRow, IntegrationRow},
    transaction::{broken, item},
    unreadable,
};

#[async_trait]
impl IntegrationStore for DynamoStore {
    async fn integration(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreError> {
        let pk = keys::integration(id);
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(keys::META.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the integration", &pk, &error))?;
        let Some(item) = answer.item else {
            return Ok(None);
        };
        let row: IntegrationRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
            .map_err(|error| unreadable(&pk, &error))?;
        Ok(Some(row.into()))
    }

    async fn integrations_of(
        &self,
        organization: &OrganizationId,
    ) -> Result<Vec<Integration>, StoreError> {
        let partition = keys::integrations_of(organization);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.listing(&partition, after.as_deref(), 100).await?;
            for item in page.items {
                let row: IntegrationRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
                    .map_err(|error| unreadable(&partition, &error))?;
                all.push(row.into());
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    async fn create_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        let row = IntegrationRow::from(integration);
        let (pk, tried) = (row.pk.clone(), "create the integration");
        let broken = |error: BuildError| broken(tried, &pk, &error);
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &pk)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(broken)?;
        let not_anothers = ConditionCheck::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(keys::GONE.to_owned()))
            .condition_expression("attribute_not_exists(pk) OR organization = :organization")
            .expression_attribute_values(
                ":organization",
                AttributeValue::S(integration.organization.to_string()),
            )
            .build()
            .map_err(broken)?;
        let items = vec![
            TransactWriteItem::builder().put(put).build(),
            TransactWriteItem::builder()
                .condition_check(not_anothers)
                .build(),
            self.audited(audit, tried)?,
        ];
        self.transact(items, tried, &pk).await
    }

    async fn update_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        let row = IntegrationRow::from(integration);
        let (pk, tried) = (row.pk.clone(), "store the integration");
        let replaced = AttributeValue::N((integration.version - 1).to_string());
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &pk)?))
            .condition_expression("#version = :replaced")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":replaced", replaced)
            .build()
            .map_err(|error| broken(tried, &pk, &error))?;
        let items = vec![
            TransactWriteItem::builder().put(put).build(),
            self.audited(audit, tried)?,
        ];
        self.transact(items, tried, &pk).await
    }

    async fn delete_integration(
        &self,
        integration: &Integration,
        audit: &AuditEntry,
    ) -> Result<Attempt, StoreError> {
        let (pk, tried) = (keys::integration(&integration.id), "delete the integration");
        let broken = |error: BuildError| broken(tried, &pk, &error);
        let delete = Delete::builder()
            .table_name(&self.tables.sync)
            .key("pk", AttributeValue::S(pk.clone()))
            .key("sk", AttributeValue::S(keys::META.to_owned()))
            .condition_expression("attribute_exists(pk)")
            .build()
            .map_err(broken)?;
        let gone = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&GoneRow::of(integration), &pk)?))
            .build()
            .map_err(broken)?;
        let items = vec![
            TransactWriteItem::builder().delete(delete).build(),
            TransactWriteItem::builder().put(gone).build(),
            self.audited(audit, tried)?,
        ];
        self.transact(items, tried, &pk).await
    }
}

/// A page of items of the `listing` index.
pub(crate) struct ListingPage {
    pub(crate) items: Vec<HashMap<String, AttributeValue>>,
    /// The `listing_sk` after which the next page starts.
    pub(crate) next: Option<String>,
}

impl DynamoStore {
    /// A page of items of the `listing` index, newest first, below a `listing_sk`.
    pub(crate) async fn newest(
        &self,
        partition: &str,
        before: Option<&str>,
        limit: u16,
    ) -> Result<ListingPage, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let query = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .index_name(crate::schema::LISTING)
            .expression_attribute_values(":partition", text(partition))
            .scan_index_forward(false)
            .limit(i32::from(limit));
        let query = match before {
            None => query.key_condition_expression("listing_pk = :partition"),
            Some(before) => query
                .key_condition_expression("listing_pk = :partition AND listing_sk < :before")
                .expression_attribute_values(":before", text(before)),
        };
        let answer = query
            .send()
            .await
            .map_err(|error| failed("list", partition, &error))?;
        self.listed(answer.items, answer.last_evaluated_key).await
    }

    /// The index holds keys only: a change of a field costs no write to it. The items are read by key, consistently.
    pub(crate) async fn listing(
        &self,
        partition: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<ListingPage, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let kind = partition.split('#').next().unwrap_or_default();
        let sort_key = if kind == "INC" {
            keys::STATE
        } else {
            keys::META
        };
        let start = after.map(|after| {
            HashMap::from([
                ("listing_pk".to_owned(), text(partition)),
                ("listing_sk".to_owned(), text(after)),
                ("pk".to_owned(), text(&format!("{kind}#{after}"))),
                ("sk".to_owned(), text(sort_key)),
            ])
        });
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .index_name(crate::schema::LISTING)
            .key_condition_expression("listing_pk = :partition")
            .expression_attribute_values(":partition", text(partition))
            .set_exclusive_start_key(start)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| failed("list", partition, &error))?;
        self.listed(answer.items, answer.last_evaluated_key).await
    }

    /// The items that an index names, in its order.
    pub(crate) async fn listed(
        &self,
        found: Option<Vec<HashMap<String, AttributeValue>>>,
        last: Option<HashMap<String, AttributeValue>>,
    ) -> Result<ListingPage, StoreError> {
        let next = last.and_then(|key| key.get("listing_sk")?.as_s().ok().cloned());
        let keys = found.unwrap_or_default().into_iter().map(|mut item| {
            item.retain(|name, _| name == "pk" || name == "sk");
            item
        });
        Ok(ListingPage {
            items: self.get_all(&self.tables.sync, keys.collect()).await?,
            next,
        })
    }
}
