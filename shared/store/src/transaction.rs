//! Several items at once, or none of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem},
};
use im_engine::{StoreError, ports::Attempt};
use serde::Serialize;

use crate::{DynamoStore, failed, unwritable};

impl DynamoStore {
    pub(crate) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        tried: &'static str,
        on: &str,
    ) -> Result<Attempt, StoreError> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Attempt::Done);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let lost = canceled.cancellation_reasons().iter().any(|reason| {
                matches!(
                    reason.code(),
                    Some("ConditionalCheckFailed" | "TransactionConflict")
                )
            });
            if lost {
                return Ok(Attempt::LostRace);
            }
        }
        Err(failed(tried, on, &error))
    }
}

pub(crate) fn item(
    row: &impl Serialize,
    on: &str,
) -> Result<HashMap<String, AttributeValue>, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::to_item(row).map_err(|error| unwritable(on, &error))
}

/// A request that cannot be made.
pub(crate) fn broken(tried: &'static str, on: &str, error: &BuildError) -> StoreError {
    StoreError {
        tried,
        on: on.to_owned(),
        detail: error.to_string(),
    }
}
