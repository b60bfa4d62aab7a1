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
        let refused = self.refused_of(items, tried, on).await?;
        Ok(refused.map_or(Attempt::Done, |_| Attempt::LostRace))
    }

    /// The same, telling of each item whether it was its condition that did not hold; `None` if all is done.
    pub(crate) async fn refused_of(
        &self,
        items: Vec<TransactWriteItem>,
        tried: &'static str,
        on: &str,
    ) -> Result<Option<Vec<bool>>, StoreError> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(None);
        };
        if let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) =
            error.as_service_error()
        {
            let reasons = canceled.cancellation_reasons().iter();
            let codes: Vec<_> = reasons.map(|it| it.code().unwrap_or_default()).collect();
            let refused: Vec<_> = codes
                .iter()
                .map(|code| *code == "ConditionalCheckFailed")
                .collect();
            if codes.contains(&"TransactionConflict") || refused.contains(&true) {
                return Ok(Some(refused));
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
