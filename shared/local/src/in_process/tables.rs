//! DynamoDB and its streams, by calls of the embedded database.

use std::{path::Path, sync::Arc};

use dynoxide::{
    Database, DynoxideError, actions::transact_write_items::TransactWriteItemsRequest,
    storage_backend::Clock as StreamClock,
};
use im_engine::ports::Clock;
use serde::{Serialize, de::DeserializeOwned};

use super::Service;
use crate::database;

/// DynamoDB on an embedded database.
pub struct TableService {
    database: Database,
    /// Whether a transaction's second request is known by its token.
    knows_tokens: bool,
}

impl TableService {
    /// Answers from a file, which is made if it does not exist. What its streams held is forgotten.
    ///
    /// # Errors
    /// The file cannot be opened, or is something else.
    pub fn in_file(file: &Path) -> anyhow::Result<Self> {
        database::in_file(file).map(Self::of)
    }

    /// Answers from memory. Stream records are dated by this clock.
    ///
    /// # Errors
    /// The memory could not be had.
    pub fn in_memory(clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let database = Database::memory_with_clock(Arc::new(Dating(clock)));
        let database = database.map_err(|error| anyhow::anyhow!("opening the tables: {error}"))?;
        database::index_empty(&database)?;
        Ok(Self::of(database))
    }

    fn of(database: Database) -> Self {
        let knows_tokens = true;
        Self {
            database,
            knows_tokens,
        }
    }

    /// The same, carrying out a transaction as often as it is asked for. The database keeps each token for ten minutes and
    /// looks through all of them at each transaction; where no answer can be lost on its way, nobody asks twice.
    #[must_use]
    pub fn without_tokens(self) -> Self {
        let knows_tokens = false;
        Self {
            knows_tokens,
            ..self
        }
    }

    fn carry_out(&self, operation: &str, body: &str) -> Result<String, DynoxideError> {
        let tables = &self.database;
        match operation {
            "PutItem" => with(body, |request| tables.put_item(request)),
            "GetItem" => with(body, |request| tables.get_item(request)),
            "UpdateItem" => with(body, |request| tables.update_item(request)),
            "DeleteItem" => with(body, |request| tables.delete_item(request)),
            "Query" => with(body, |request| tables.query(request)),
            "Scan" => with(body, |request| tables.scan(request)),
            "BatchGetItem" => with(body, |request| tables.batch_get_item(request)),
            "BatchWriteItem" => with(body, |request| tables.batch_write_item(request)),
            "TransactWriteItems" => with(body, |mut request: TransactWriteItemsRequest| {
                let token = request.client_request_token.take();
                request.client_request_token = token.filter(|_| self.knows_tokens);
                tables.transact_write_items(request)
            }),
            "TransactGetItems" => with(body, |request| tables.transact_get_items(request)),
            "CreateTable" => with(body, |request| tables.create_table(request)),
            "DescribeTable" => with(body, |request| tables.describe_table(request)),
            "UpdateTable" => with(body, |request| tables.update_table(request)),
            "DeleteTable" => with(body, |request| tables.delete_table(request)),
            "ListTables" => with(body, |request| tables.list_tables(request)),
            "UpdateTimeToLive" => with(body, |request| tables.update_time_to_live(request)),
            "DescribeTimeToLive" => with(body, |request| tables.describe_time_to_live(request)),
            "ListStreams" => with(body, |request| tables.list_streams(request)),
            "DescribeStream" => with(body, |request| tables.describe_stream(request)),
            "GetShardIterator" => with(body, |request| tables.get_shard_iterator(request)),
            "GetRecords" => with(body, |request| tables.get_records(request)),
            unknown => Err(DynoxideError::ValidationException(format!(
                "nothing here uses {unknown}"
            ))),
        }
    }
}

impl Service for TableService {
    fn answer(&self, operation: &str, body: &str) -> (u16, String) {
        match self.carry_out(operation, body) {
            Ok(answer) => (200, answer),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }
}

fn with<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_str(body)
        .map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    serde_json::to_string(&operation(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The system's clock, as the database asks for it.
struct Dating(Arc<dyn Clock>);

impl StreamClock for Dating {
    fn now_unix_secs(&self) -> u64 {
        self.0.now().as_second().unsigned_abs()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "exact to the microsecond for centuries"
    )]
    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now().as_microsecond() as f64 / 1e6
    }
}
