//! Dead letters: items of their own, listed by integration and status, marked on their incident.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use im_engine::{
    Counters, DeadLetter, StoreError,
    ports::{Attempt, DeadLetterStore, Mark, Page},
};
use im_model::{AuditEntry, DeadLetterId, DeadLetterStatus, IncidentId, IntegrationId};
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore,
    expression::Expression,
    failed, keys,
    row::sort_key,
    transaction::{broken, item},
    unreadable, unwritable,
};

/// `DLQ#id` / `META`.
#[derive(Serialize, Deserialize)]
struct DeadLetterRow {
    pk: String,
    sk: String,
    listing_pk: String,
    listing_sk: String,
    #[serde(flatten)]
    letter: DeadLetter,
}

#[async_trait]
impl DeadLetterStore for DynamoStore {
    async fn dead_letter(
        &self,
        integration: &IntegrationId,
        id: &DeadLetterId,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let pk = keys::dead_letter(id);
        let found = self.get(&pk, keys::META).await?;
        let letter = found.map(|item| read(item, &pk)).transpose()?;
        Ok(letter.filter(|letter| letter.integration == *integration))
    }

    async fn dead_letters(
        &self,
        integration: &IntegrationId,
        status: DeadLetterStatus,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page<DeadLetter>, StoreError> {
        let partition = keys::dead_letters_of(integration, status);
        let page = self.oldest(&partition, after, limit).await?;
        let items = page.items.into_iter().map(|item| read(item, &partition));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(Page {
            // The index may lag behind: what has another status by now is on its list.
            items: items
                .into_iter()
                .filter(|letter| letter.status == status)
                .collect(),
            next: page.next,
        })
    }

    async fn put_dead_letter(
        &self,
        letter: &DeadLetter,
        mark: Mark<'_>,
        audit: Option<&AuditEntry>,
        counted: Counters,
    ) -> Result<Attempt, StoreError> {
        const TRIED: &str = "store the dead letter";
        let row = DeadLetterRow {
            pk: keys::dead_letter(&letter.id),
            sk: keys::META.to_owned(),
            listing_pk: keys::dead_letters_of(&letter.integration, letter.status),
            listing_sk: format!("{}#{}", sort_key(letter.opened_at), letter.id),
            letter: letter.clone(),
        };
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, &row.pk)?));
        let put = if letter.version == 1 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            let replaced = AttributeValue::N((letter.version - 1).to_string());
            put.condition_expression("#version = :replaced")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":replaced", replaced)
        };
        let put = put
            .build()
            .map_err(|error| broken(TRIED, &row.pk, &error))?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        if let Some((incident, update)) = marking(letter, mark)? {
            items.push(self.state_update(&keys::incident(incident), &update, TRIED)?);
        }
        if let Some(audit) = audit {
            items.push(self.audited(audit, TRIED)?);
        }
        let counted = (&letter.integration, counted);
        self.transact_and_count(items, counted, TRIED, &row.pk)
            .await
    }
}

/// The incident's mark wakes nobody.
fn marking<'a>(
    letter: &DeadLetter,
    mark: Mark<'a>,
) -> Result<Option<(&'a IncidentId, Expression)>, StoreError> {
    let path = ["dead", letter.integration.as_str()];
    let mut update = Expression::default();
    let unwritable = |error| unwritable(letter.id.as_str(), &error);
    let incident = match mark {
        Mark::Keep => return Ok(None),
        Mark::Set(incident) => {
            update.require("attribute_exists(pk)".to_owned());
            update.set(&path, &letter.id).map_err(unwritable)?;
            incident
        }
        Mark::Clear(incident) => {
            update
                .require_equal(&path, &letter.id)
                .map_err(unwritable)?;
            update.remove(&path);
            incident
        }
    };
    update.remove(&["wake"]);
    Ok(Some((incident, update)))
}

impl DynamoStore {
    /// A page of items of the `listing` index, oldest first, above a `listing_sk`.
    async fn oldest(
        &self,
        partition: &str,
        after: Option<&str>,
        limit: u16,
    ) -> Result<crate::integration::ListingPage, StoreError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let query = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .index_name(crate::schema::LISTING)
            .expression_attribute_values(":partition", text(partition))
            .limit(i32::from(limit));
        let query = match after {
            None => query.key_condition_expression("listing_pk = :partition"),
            Some(after) => query
                .key_condition_expression("listing_pk = :partition AND listing_sk > :after")
                .expression_attribute_values(":after", text(after)),
        };
        let answer = query
            .send()
            .await
            .map_err(|error| failed("list", partition, &error))?;
        self.listed(answer.items, answer.last_evaluated_key).await
    }
}

fn read(item: HashMap<String, AttributeValue>, on: &str) -> Result<DeadLetter, StoreError> {
    let row: DeadLetterRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| unreadable(on, &error))?;
    Ok(row.letter)
}
