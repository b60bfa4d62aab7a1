//! Several items at once, or none of them.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem},
};
use im_engine::{Counters, StoreError, metrics, ports::Attempt};
use serde::Serialize;

use crate::{DynamoStore, failed, figures::measured::CountedFor, unwritable};

/// What is said of an item that others write at this moment.
const IN_THE_WAY: &str = "TransactionConflict";

/// What is said of an item that was not the reason.
const NOTHING_WRONG: &str = "None";

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

    /// The same, and raises an integration's counters with it, and what is kept with them: neither happens without the other.
    pub(crate) async fn transact_and_count(
        &self,
        items: Vec<TransactWriteItem>,
        counted: impl Into<CountedFor<'_>>,
        tried: &'static str,
        on: &str,
    ) -> Result<Attempt, StoreError> {
        let counted = counted.into();
        if counted.counters == Counters::NONE {
            return self.transact(items, tried, on).await;
        }
        for turn in 0..Self::MOST_TURNS {
            let mut items = items.clone();
            items.push(self.addition(&counted, &format!("{on}/{turn}"))?);
            let Some(codes) = self.canceled_by(items, tried, on).await? else {
                metrics::counted(counted.integration, &counted.counters);
                if let Some(propagated) = &counted.propagated {
                    metrics::propagated(counted.integration, propagated);
                }
                return Ok(Attempt::Done);
            };
            let Some((counter, others)) = codes.split_last() else {
                break;
            };
            // Somebody else counts there at this moment. Another place will do.
            let only_counting = others.iter().all(|code| code == NOTHING_WRONG);
            if !only_counting || counter != IN_THE_WAY {
                break;
            }
        }
        Ok(Attempt::LostRace)
    }

    /// So many places to count in are tried before the whole of it is taken for a lost race.
    const MOST_TURNS: u32 = 8;

    /// The same, telling of each item whether it was its condition that did not hold; `None` if all is done.
    pub(crate) async fn refused_of(
        &self,
        items: Vec<TransactWriteItem>,
        tried: &'static str,
        on: &str,
    ) -> Result<Option<Vec<bool>>, StoreError> {
        let codes = self.canceled_by(items, tried, on).await?;
        let refused = |code: &String| code == "ConditionalCheckFailed";
        Ok(codes.map(|codes| codes.iter().map(refused).collect()))
    }

    /// Why it was not done, item by item, where that was a lost race; `None` if all is done.
    async fn canceled_by(
        &self,
        items: Vec<TransactWriteItem>,
        tried: &'static str,
        on: &str,
    ) -> Result<Option<Vec<String>>, StoreError> {
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
            let codes: Vec<_> = reasons
                .map(|it| it.code().unwrap_or(NOTHING_WRONG).to_owned())
                .collect();
            let is_lost = |code: &String| code == IN_THE_WAY || code == "ConditionalCheckFailed";
            if codes.iter().any(is_lost) {
                return Ok(Some(codes));
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
