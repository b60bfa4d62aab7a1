//! What is not done: the sparse indexes of both tables, and the minute tick's tasks.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use im_engine::{
    DeliveryKey, StoreError,
    ports::{Attempt, OpenWork, Page, Task, TaskStore},
};
use im_model::{IncidentId, IntegrationId, TaskKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore, expression::Expression, failed, is_lost_race, keys, schema, transaction::item,
    unreadable, unwritable,
};

/// `TASKS` / `kind#integration`.
#[derive(Serialize, Deserialize)]
struct TaskRow {
    pk: String,
    sk: String,
    kind: TaskKind,
    integration: IntegrationId,
    asked_at: Timestamp,
    due_at: Timestamp,
    tries: u32,
}

/// One of the two sparse indexes.
struct SparseIndex<'a> {
    table: &'a str,
    name: &'static str,
    shard: &'static str,
    since: &'static str,
    sk: Option<&'static str>,
}

#[async_trait]
impl TaskStore for DynamoStore {
    async fn tasks(&self) -> Result<Vec<Task>, StoreError> {
        let (mut tasks, mut start) = (Vec::new(), None);
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.tables.sync)
                .key_condition_expression("pk = :tasks")
                .expression_attribute_values(":tasks", text(keys::TASKS))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| failed("list", keys::TASKS, &error))?;
            for item in answer.items.unwrap_or_default() {
                let row: TaskRow = serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
                    .map_err(|error| unreadable(keys::TASKS, &error))?;
                tasks.push(Task {
                    kind: row.kind,
                    integration: row.integration,
                    asked_at: row.asked_at,
                    due_at: row.due_at,
                    tries: row.tries,
                });
            }
            match answer.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(tasks),
            }
        }
    }

    async fn put_task(&self, task: &Task) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.sync);
        let put = put.set_item(Some(item(&TaskRow::from(task), keys::TASKS)?));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("store the task", keys::TASKS, &error)),
        }
    }

    async fn add_task(&self, task: &Task) -> Result<(), StoreError> {
        let row = TaskRow::from(task);
        let asked = self
            .client
            .update_item()
            .table_name(&self.tables.sync)
            .key("pk", text(&row.pk))
            .key("sk", text(&row.sk))
            .update_expression(
                "SET kind = :kind, integration = :integration, asked_at = :asked_at, \
                 due_at = if_not_exists(due_at, :due_at), tries = if_not_exists(tries, :tries)",
            )
            .expression_attribute_values(":kind", text(row.kind.as_str()))
            .expression_attribute_values(":integration", text(row.integration.as_str()))
            .expression_attribute_values(":asked_at", text(&row.asked_at.to_string()))
            .expression_attribute_values(":due_at", text(&row.due_at.to_string()))
            .expression_attribute_values(":tries", AttributeValue::N(row.tries.to_string()))
            .send()
            .await;
        match asked {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("store the task", keys::TASKS, &error)),
        }
    }

    async fn put_off_task(&self, task: &Task) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&TaskRow::from(task), keys::TASKS)?))
            .condition_expression("asked_at = :asked_at")
            .expression_attribute_values(":asked_at", text(&task.asked_at.to_string()));
        match put.send().await {
            Err(error) if !is_lost_race(&error) => {
                Err(failed("put off the task", keys::TASKS, &error))
            }
            _ => Ok(()),
        }
    }

    async fn drop_task(
        &self,
        kind: TaskKind,
        integration: &IntegrationId,
    ) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.sync)
            .key("pk", text(keys::TASKS))
            .key("sk", text(&keys::task(kind.as_str(), integration)))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("drop the task", keys::TASKS, &error)),
        }
    }

    async fn finish_task(&self, task: &Task) -> Result<(), StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.sync)
            .key("pk", text(keys::TASKS))
            .key(
                "sk",
                text(&keys::task(task.kind.as_str(), &task.integration)),
            )
            .condition_expression("asked_at = :asked_at")
            .expression_attribute_values(":asked_at", text(&task.asked_at.to_string()))
            .send()
            .await;
        match deleted {
            Err(error) if !is_lost_race(&error) => {
                Err(failed("finish the task", keys::TASKS, &error))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl OpenWork for DynamoStore {
    async fn open_deliveries(
        &self,
        partition: u8,
        before: Timestamp,
        after: Option<&str>,
    ) -> Result<Option<Page<(DeliveryKey, Timestamp)>>, StoreError> {
        let index = SparseIndex {
            table: &self.tables.deliveries,
            name: schema::OPEN,
            shard: "open_shard",
            since: "open_since",
            sk: None,
        };
        let page = self.open_page(&index, partition, before, after).await?;
        Ok(page.map(|page| parsed(page, str::parse)))
    }

    async fn owing_incidents(
        &self,
        partition: u8,
        before: Timestamp,
        after: Option<&str>,
    ) -> Result<Option<Page<(IncidentId, Timestamp)>>, StoreError> {
        let index = SparseIndex {
            table: &self.tables.sync,
            name: schema::PENDING,
            shard: "pending_shard",
            since: "pending_since",
            sk: Some(keys::STATE),
        };
        let page = self.open_page(&index, partition, before, after).await?;
        let id = |pk: &str| pk.strip_prefix("INC#").unwrap_or(pk).parse();
        Ok(page.map(|page| parsed(page, id)))
    }

    async fn wake_delivery(
        &self,
        key: &DeliveryKey,
        open_since: Timestamp,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let pk = key.to_string();
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.deliveries)
            .key("pk", text(&pk))
            .condition_expression("open_since = :since")
            .update_expression("SET wake = :now, open_since = :now")
            .expression_attribute_values(":since", text(&open_since.to_string()))
            .expression_attribute_values(":now", text(&now.to_string()))
            .send()
            .await;
        match update {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("wake the delivery", &pk, &error)),
        }
    }

    async fn wake_incident(
        &self,
        id: &IncidentId,
        owing_since: Timestamp,
        now: Timestamp,
    ) -> Result<Attempt, StoreError> {
        let pk = keys::incident(id);
        let build = || {
            let mut update = Expression::default();
            update.require_equal(&["pending_since"], &owing_since)?;
            update.set(&["pending_since"], &now)?;
            update.set(&["wake"], &now)?;
            Ok(update)
        };
        let update = build().map_err(|error| unwritable(&pk, &error))?;
        self.update(&pk, &update, "wake the incident").await
    }
}

impl DynamoStore {
    /// A page of keys of one partition of a sparse index, with the times by which it sorts them.
    async fn open_page(
        &self,
        index: &SparseIndex<'_>,
        partition: u8,
        before: Timestamp,
        after: Option<&str>,
    ) -> Result<Option<Page<(String, String)>>, StoreError> {
        let Some(shard) = keys::shards().nth(usize::from(partition)) else {
            return Ok(None);
        };
        let answer = self
            .client
            .query()
            .table_name(index.table)
            .index_name(index.name)
            .key_condition_expression("#shard = :shard AND #since <= :before")
            .expression_attribute_names("#shard", index.shard)
            .expression_attribute_names("#since", index.since)
            .expression_attribute_values(":shard", text(&shard))
            .expression_attribute_values(":before", text(&before.to_string()))
            .set_exclusive_start_key(after.and_then(|after| index.start(&shard, after)))
            .limit(200)
            .send()
            .await
            .map_err(|error| failed("list what is open of", index.table, &error))?;
        let key = |item: &HashMap<String, AttributeValue>| {
            let text = |name: &str| item.get(name)?.as_s().ok().cloned();
            Some((text("pk")?, text(index.since)?))
        };
        let next = answer.last_evaluated_key.as_ref().and_then(key);
        let items = answer.items.unwrap_or_default();
        Ok(Some(Page {
            items: items.iter().filter_map(key).collect(),
            next: next.map(|(pk, since)| format!("{since}~{pk}")),
        }))
    }
}

impl SparseIndex<'_> {
    /// Where a page starts that follows one which ended so.
    fn start(&self, shard: &str, after: &str) -> Option<HashMap<String, AttributeValue>> {
        let (since, pk) = after.split_once('~')?;
        let mut key = HashMap::from([
            ("pk".to_owned(), text(pk)),
            (self.shard.to_owned(), text(shard)),
            (self.since.to_owned(), text(since)),
        ]);
        if let Some(sk) = self.sk {
            key.insert("sk".to_owned(), text(sk));
        }
        Some(key)
    }
}

fn parsed<T, E>(
    page: Page<(String, String)>,
    id: impl Fn(&str) -> Result<T, E>,
) -> Page<(T, Timestamp)> {
    let one = |(pk, since): (String, String)| Some((id(&pk).ok()?, since.parse().ok()?));
    Page {
        items: page.items.into_iter().filter_map(one).collect(),
        next: page.next,
    }
}

impl From<&Task> for TaskRow {
    fn from(task: &Task) -> Self {
        Self {
            pk: keys::TASKS.to_owned(),
            sk: keys::task(task.kind.as_str(), &task.integration),
            kind: task.kind,
            integration: task.integration.clone(),
            asked_at: task.asked_at,
            due_at: task.due_at,
            tries: task.tries,
        }
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
