//! Reconciliation runs, what they found, and what is remembered between them.

mod lookup;
mod marks;

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use im_engine::{
    Counters, StoreError, Suspect,
    ports::{Attempt, Page, RunStore},
};
use im_model::{AuditEntry, DriftItem, IntegrationId, Reconciliation, Run, RunId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    DynamoStore, failed, is_lost_race, keys,
    transaction::{broken, item},
    unreadable,
};

/// For so long a run's report is kept after it began.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 90);

/// `INT#id` / `RECONCILIATION`.
#[derive(Serialize, Deserialize)]
struct ReconciliationRow {
    pk: String,
    sk: String,
    version: u64,
    state: Reconciliation,
}

/// `INT#id` / `RUN#id`.
#[derive(Serialize, Deserialize)]
struct RunRow {
    pk: String,
    sk: String,
    version: u64,
    run: Run,
    expires_at: i64,
}

/// `RUN#id` / `ITEMS#number` or `SUSPECTS#number`.
#[derive(Serialize, Deserialize)]
struct ChunkRow {
    pk: String,
    sk: String,
    /// As JSON: a page of them is read as a whole.
    items: String,
    expires_at: i64,
}

fn uncounted(run: &Run) -> Counters {
    Counters {
        drift_discrepancies: run.uncounted,
        ..Counters::NONE
    }
}

impl RunRow {
    fn of(run: &Run) -> Self {
        Self {
            pk: keys::integration(&run.integration),
            sk: keys::run(&run.id),
            version: run.version,
            run: run.clone(),
            expires_at: (run.started_at + KEPT_FOR).as_second(),
        }
    }
}

impl ReconciliationRow {
    fn of(id: &IntegrationId, state: &Reconciliation) -> Self {
        Self {
            pk: keys::integration(id),
            sk: keys::RECONCILIATION.to_owned(),
            version: state.version,
            state: state.clone(),
        }
    }
}

#[async_trait]
impl RunStore for DynamoStore {
    async fn reconciliation(&self, id: &IntegrationId) -> Result<Reconciliation, StoreError> {
        let pk = keys::integration(id);
        let row: Option<ReconciliationRow> = self.row(&pk, keys::RECONCILIATION).await?;
        Ok(row.map(|row| row.state).unwrap_or_default())
    }

    async fn put_reconciliation(
        &self,
        id: &IntegrationId,
        state: &Reconciliation,
        audit: Option<&AuditEntry>,
    ) -> Result<Attempt, StoreError> {
        let tried = "store the reconciliation";
        let row = ReconciliationRow::of(id, state);
        let Some(audit) = audit else {
            return self.replace(&row, &row.pk, row.version).await;
        };
        let items = vec![
            self.replacement(&row, &row.pk, row.version, tried)?,
            self.audited(audit, tried)?,
        ];
        self.transact(items, tried, &row.pk).await
    }

    async fn run(
        &self,
        integration: &IntegrationId,
        id: &RunId,
    ) -> Result<Option<Run>, StoreError> {
        let pk = keys::integration(integration);
        let row: Option<RunRow> = self.row(&pk, &keys::run(id)).await?;
        Ok(row.map(|row| row.run))
    }

    async fn put_run(&self, run: &Run) -> Result<Attempt, StoreError> {
        let row = RunRow::of(run);
        if run.uncounted == 0 {
            return self.replace(&row, &row.pk, row.version).await;
        }
        let tried = "store the run";
        let items = vec![self.replacement(&row, &row.pk, row.version, tried)?];
        let counted = (&run.integration, uncounted(run));
        self.transact_and_count(items, counted, tried, &row.pk)
            .await
    }

    async fn put_run_and_reconciliation(
        &self,
        run: &Run,
        state: &Reconciliation,
    ) -> Result<Attempt, StoreError> {
        let (tried, pk) = ("store the run", keys::integration(&run.integration));
        let row = ReconciliationRow::of(&run.integration, state);
        let items = vec![
            self.replacement(&RunRow::of(run), &pk, run.version, tried)?,
            self.replacement(&row, &pk, state.version, tried)?,
        ];
        let counted = (&run.integration, uncounted(run));
        self.transact_and_count(items, counted, tried, &pk).await
    }

    async fn runs(
        &self,
        integration: &IntegrationId,
        before: Option<&RunId>,
        limit: u16,
    ) -> Result<Page<Run>, StoreError> {
        let pk = keys::integration(integration);
        let start = before.map(|before| key(&pk, &keys::run(before)));
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :runs)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":runs", text(keys::RUNS))
            .scan_index_forward(false)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .limit(i32::from(limit))
            .send()
            .await
            .map_err(|error| failed("list the runs of", &pk, &error))?;
        let more = answer.last_evaluated_key.is_some();
        let rows = answer.items.unwrap_or_default().into_iter();
        let rows = rows.map(|item| read::<RunRow>(item, &pk).map(|row| row.run));
        let items: Vec<_> = rows.collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| more).map(|run| run.id.to_string());
        Ok(Page { items, next })
    }

    async fn drop_run(&self, run: &Run) -> Result<(), StoreError> {
        let pk = keys::integration(&run.integration);
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.sync)
            .set_key(Some(key(&pk, &keys::run(&run.id))))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("remove the run", &pk, &error)),
        }
    }

    async fn put_suspects(
        &self,
        run: &RunId,
        chunk: u32,
        suspects: &[Suspect],
    ) -> Result<(), StoreError> {
        self.put_chunk(run, keys::suspects(chunk), suspects).await
    }

    async fn suspects(&self, run: &RunId, chunk: u32) -> Result<Vec<Suspect>, StoreError> {
        let suspects = self.chunk(run, &keys::suspects(chunk)).await?;
        Ok(suspects.unwrap_or_default())
    }

    async fn put_items(
        &self,
        run: &RunId,
        chunk: u32,
        items: &[DriftItem],
    ) -> Result<(), StoreError> {
        self.put_chunk(run, keys::items(chunk), items).await
    }

    async fn items(&self, run: &RunId, chunk: u32) -> Result<Option<Vec<DriftItem>>, StoreError> {
        self.chunk(run, &keys::items(chunk)).await
    }

    async fn put_seen(&self, run: &RunId, step: u32, marks: &[u64]) -> Result<(), StoreError> {
        self.put_marks(run, step, marks).await
    }

    async fn seen(&self, run: &RunId) -> Result<Vec<u64>, StoreError> {
        self.all_marks(run).await
    }
}

impl DynamoStore {
    async fn put_chunk(
        &self,
        run: &RunId,
        sk: String,
        content: &(impl Serialize + ?Sized),
    ) -> Result<(), StoreError> {
        let pk = keys::run(run);
        let items =
            serde_json::to_string(content).map_err(|error| not_json("store", &pk, &error))?;
        let row = ChunkRow {
            sk,
            items,
            expires_at: expiry(run),
            pk,
        };
        self.put_row(&row, &row.pk).await
    }

    async fn chunk<T: DeserializeOwned>(
        &self,
        run: &RunId,
        sk: &str,
    ) -> Result<Option<Vec<T>>, StoreError> {
        let pk = keys::run(run);
        let row: Option<ChunkRow> = self.row(&pk, sk).await?;
        let items = row.map(|row| serde_json::from_str(&row.items));
        items
            .transpose()
            .map_err(|error| not_json("read", &pk, &error))
    }

    /// One item, read consistently.
    async fn row<T: DeserializeOwned>(&self, pk: &str, sk: &str) -> Result<Option<T>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.sync)
            .set_key(Some(key(pk, sk)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read", pk, &error))?;
        answer.item.map(|item| read(item, pk)).transpose()
    }

    async fn put_row(&self, row: &impl Serialize, pk: &str) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.sync);
        match put.set_item(Some(item(row, pk)?)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed("store", pk, &error)),
        }
    }

    /// Puts an item over the version before it; version 1 is the first.
    async fn replace(
        &self,
        row: &impl Serialize,
        pk: &str,
        version: u64,
    ) -> Result<Attempt, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sync)
            .set_item(Some(item(row, pk)?))
            .condition_expression(CONDITION)
            .expression_attribute_values(":before", number(version - 1))
            .expression_attribute_values(":none", number(0));
        match put.send().await {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("store", pk, &error)),
        }
    }

    fn replacement(
        &self,
        row: &impl Serialize,
        pk: &str,
        version: u64,
        tried: &'static str,
    ) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.sync)
            .set_item(Some(item(row, pk)?))
            .condition_expression(CONDITION)
            .expression_attribute_values(":before", number(version - 1))
            .expression_attribute_values(":none", number(0))
            .build()
            .map_err(|error| broken(tried, pk, &error))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// Nothing is there, and nothing was to be there; or the version before is.
const CONDITION: &str = "(attribute_not_exists(pk) AND :before = :none) OR version = :before";

/// When what a run left may go: its id says when it began.
fn expiry(run: &RunId) -> i64 {
    let began = run.as_str().strip_prefix("RUN-");
    let began = began.and_then(|ulid| ulid::Ulid::from_string(ulid).ok());
    let millisecond = began.map_or(0, |ulid| ulid.timestamp_ms());
    let began = i64::try_from(millisecond)
        .ok()
        .map(Timestamp::from_millisecond);
    let began = began.and_then(Result::ok).unwrap_or(Timestamp::UNIX_EPOCH);
    (began + KEPT_FOR).as_second()
}

fn not_json(tried: &'static str, pk: &str, error: &serde_json::Error) -> StoreError {
    StoreError {
        tried,
        on: pk.to_owned(),
        detail: error.to_string(),
    }
}

fn key(pk: &str, sk: &str) -> HashMap<String, AttributeValue> {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn read<T: DeserializeOwned>(
    item: HashMap<String, AttributeValue>,
    pk: &str,
) -> Result<T, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|error| unreadable(pk, &error))
}
