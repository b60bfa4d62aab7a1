//! The audit: items beside their integration, listed by organization.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use im_engine::{
    StoreError,
    ports::{AuditStore, Page},
};
use im_model::{AuditEntry, AuditId, IntegrationId, OrganizationId};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore, failed, keys,
    transaction::{broken, item},
    unreadable,
};

/// For so long an entry is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 400);

/// `INT#id` / `AUDIT#id`.
#[derive(Serialize, Deserialize)]
struct AuditRow {
    pk: String,
    sk: String,
    listing_pk: String,
    listing_sk: String,
    expires_at: i64,
    #[serde(flatten)]
    entry: AuditEntry,
}

impl AuditRow {
    fn of(entry: &AuditEntry) -> Self {
        Self {
            pk: keys::integration(&entry.integration),
            sk: keys::audit(&entry.id),
            listing_pk: keys::audit_of(&entry.organization),
            listing_sk: entry.id.to_string(),
            expires_at: (entry.at + KEPT_FOR).as_second(),
            entry: entry.clone(),
        }
    }
}

#[async_trait]
impl AuditStore for DynamoStore {
    async fn record(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let row = AuditRow::of(entry);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &row.pk)?))
            .send()
            .await;
        put.map(|_| ())
            .map_err(|error| failed("store the audit's entry of", &row.pk, &error))
    }

    async fn audit(
        &self,
        organization: &OrganizationId,
        integration: Option<&IntegrationId>,
        before: Option<&AuditId>,
        limit: u16,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let Some(integration) = integration else {
            let partition = keys::audit_of(organization);
            let page = self.newest(&partition, before.map(AuditId::as_str), limit);
            let page = page.await?;
            return Ok(Page {
                items: entries(page.items, &partition)?,
                next: page.next,
            });
        };
        let pk = keys::integration(integration);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let start = before.map(|before| {
            HashMap::from([
                ("pk".to_owned(), text(&pk)),
                ("sk".to_owned(), text(&keys::audit(before))),
            ])
        });
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :audit)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":audit", text(keys::AUDIT))
            .scan_index_forward(false)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| failed("list the audit of", &pk, &error))?;
        let more = answer.last_evaluated_key.is_some();
        let items = entries(answer.items.unwrap_or_default(), &pk)?;
        let next = items
            .last()
            .filter(|_| more)
            .map(|entry| entry.id.to_string());
        // An id stays its organization's, but this is not the place to rely on it.
        let own = |entry: &AuditEntry| entry.organization == *organization;
        Ok(Page {
            items: items.into_iter().filter(own).collect(),
            next,
        })
    }
}

fn entries(
    items: Vec<HashMap<String, AttributeValue>>,
    on: &str,
) -> Result<Vec<AuditEntry>, StoreError> {
    let rows = items.into_iter().map(|item| {
        let row: Result<AuditRow, _> = serde_dynamo::aws_sdk_dynamodb_1::from_item(item);
        row.map(|row| row.entry)
            .map_err(|error| unreadable(on, &error))
    });
    rows.collect()
}

impl DynamoStore {
    /// The entry as a part of what it tells of.
    pub(crate) fn audited(
        &self,
        entry: &AuditEntry,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let row = AuditRow::of(entry);
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &row.pk)?))
            .build()
            .map_err(|error| broken(tried, &row.pk, &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}
