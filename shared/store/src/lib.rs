#![doc = include_str!("../README.md")]

mod audit;
mod batch;
mod circuit;
mod conflict;
mod dead_letter;
mod delivery;
mod expression;
mod figures;
pub mod image;
mod incident;
mod integration;
mod journal;
mod keys;
mod row;
mod run;
pub mod schema;
mod transaction;
mod work;

use aws_sdk_dynamodb::{Client, error::ProvideErrorMetadata};
use im_engine::StoreError;

/// The tables' names.
#[derive(Debug, Clone)]
pub struct Tables {
    /// The inbox.
    pub deliveries: String,
    /// Incidents, integrations and all that hangs on them.
    pub sync: String,
}

/// The store on DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoStore {
    client: Client,
    tables: Tables,
    trace: fn() -> Option<String>,
}

impl DynamoStore {
    /// A store on these tables.
    pub fn new(client: Client, tables: Tables) -> Self {
        let trace = || None;
        Self {
            client,
            tables,
            trace,
        }
    }

    /// The same; what wakes a function carries the trace that this names, for the function to go on with it: a W3C
    /// `traceparent`.
    #[must_use]
    pub fn carrying(self, trace: fn() -> Option<String>) -> Self {
        Self { trace, ..self }
    }
}

/// An SDK error, as what was tried and what DynamoDB said.
fn failed<E: ProvideErrorMetadata>(tried: &'static str, on: &str, error: &E) -> StoreError {
    let detail = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => "DynamoDB could not be reached".to_owned(),
    };
    StoreError {
        tried,
        on: on.to_owned(),
        detail,
    }
}

/// A row that is not as this program writes it.
fn unreadable(on: &str, error: &serde_dynamo::Error) -> StoreError {
    StoreError {
        tried: "read",
        on: on.to_owned(),
        detail: without_values(&error.to_string()),
    }
}

/// What a parser says names what it met: a value may be among it. What it misses is a name of ours.
fn without_values(error: &str) -> String {
    if error.starts_with("missing field") {
        return error.to_owned();
    }
    "an attribute is not as this version writes it".to_owned()
}

/// A value that cannot become a row.
fn unwritable(on: &str, error: &serde_dynamo::Error) -> StoreError {
    StoreError {
        tried: "write",
        on: on.to_owned(),
        detail: error.to_string(),
    }
}

/// Was the write refused by its condition, or by another transaction on the same item?
fn is_lost_race<E: ProvideErrorMetadata>(error: &E) -> bool {
    matches!(
        error.code(),
        Some("ConditionalCheckFailedException" | "TransactionConflictException")
    )
}
