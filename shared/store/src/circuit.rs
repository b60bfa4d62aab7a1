//! Circuits, and the requests that were taken within a minute.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use im_engine::{
    CircuitState, OpenCircuit, StoreError,
    ports::{Attempt, CircuitStore},
};
use im_model::{Integration, IntegrationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    DynamoStore, failed, is_lost_race, keys, row::IntegrationRow, transaction::item, unreadable,
};

/// For so long a minute's count is kept.
const COUNT_KEPT_SECONDS: i64 = 3600;

/// `INT#id` / `CIRCUIT`.
#[derive(Debug, Serialize, Deserialize)]
struct CircuitRow {
    pk: String,
    sk: String,
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<OpenRow>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, Deserialize)]
struct OpenRow {
    since: Timestamp,
    until: Timestamp,
    failed_trials: u32,
    why: String,
}

impl From<CircuitRow> for CircuitState {
    fn from(row: CircuitRow) -> Self {
        Self {
            version: row.version,
            open: row.open.map(|open| OpenCircuit {
                since: open.since,
                until: open.until,
                failed_trials: open.failed_trials,
                why: open.why,
            }),
            paused_until: row.paused_until,
        }
    }
}

fn key(id: &IntegrationId, sk: &str) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([
        ("pk".to_owned(), text(&keys::integration(id))),
        ("sk".to_owned(), text(sk)),
    ])
}

fn read<T: for<'a> Deserialize<'a>>(
    item: HashMap<String, AttributeValue>,
    id: &IntegrationId,
) -> Result<T, StoreError> {
    serde_dynamo::aws_sdk_dynamodb_1::from_item(item)
        .map_err(|error| unreadable(&keys::integration(id), &error))
}

#[async_trait]
impl CircuitStore for DynamoStore {
    async fn integration_with_circuit(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<(Integration, CircuitState)>, StoreError> {
        let both = vec![key(id, keys::META), key(id, keys::CIRCUIT)];
        let (mut integration, mut circuit) = (None, CircuitState::default());
        for item in self.get_all(&self.tables.sync, both).await? {
            let is_circuit = item.get("sk").and_then(|sk| sk.as_s().ok());
            if is_circuit.is_some_and(|sk| sk == keys::CIRCUIT) {
                circuit = read::<CircuitRow>(item, id)?.into();
            } else {
                integration = Some(read::<IntegrationRow>(item, id)?.into());
            }
        }
        Ok(integration.map(|integration| (integration, circuit)))
    }

    async fn circuit(&self, id: &IntegrationId) -> Result<CircuitState, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.sync)
            .set_key(Some(key(id, keys::CIRCUIT)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the circuit", id.as_str(), &error))?;
        match answer.item {
            Some(item) => Ok(read::<CircuitRow>(item, id)?.into()),
            None => Ok(CircuitState::default()),
        }
    }

    async fn put_circuit(
        &self,
        id: &IntegrationId,
        state: &CircuitState,
    ) -> Result<Attempt, StoreError> {
        let state = state.clone();
        let row = CircuitRow {
            pk: keys::integration(id),
            sk: keys::CIRCUIT.to_owned(),
            version: state.version,
            open: state.open.map(|open| OpenRow {
                since: open.since,
                until: open.until,
                failed_trials: open.failed_trials,
                why: open.why,
            }),
            paused_until: state.paused_until,
        };
        let replaced = AttributeValue::N(state.version.saturating_sub(1).to_string());
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.sync)
            .set_item(Some(item(&row, id.as_str())?))
            .expression_attribute_names("#version", "version");
        let put = if state.version <= 1 {
            put.condition_expression("attribute_not_exists(#version)")
        } else {
            put.condition_expression("#version = :replaced")
                .expression_attribute_values(":replaced", replaced)
        };
        match put.send().await {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("store the circuit", id.as_str(), &error)),
        }
    }

    async fn take_requests(
        &self,
        id: &IntegrationId,
        minute: i64,
        wanted: u32,
        ceiling: u32,
    ) -> Result<Attempt, StoreError> {
        let Some(most) = ceiling.checked_sub(wanted) else {
            return Ok(Attempt::LostRace);
        };
        let number = |number: i64| AttributeValue::N(number.to_string());
        let until = minute.saturating_mul(60).saturating_add(COUNT_KEPT_SECONDS);
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.sync)
            .set_key(Some(key(id, &keys::requests_in(minute))))
            .update_expression("ADD taken :wanted SET expires_at = :until")
            .condition_expression("attribute_not_exists(taken) OR taken <= :most")
            .expression_attribute_values(":wanted", number(i64::from(wanted)))
            .expression_attribute_values(":most", number(i64::from(most)))
            .expression_attribute_values(":until", number(until));
        match update.send().await {
            Ok(_) => Ok(Attempt::Done),
            Err(error) if is_lost_race(&error) => Ok(Attempt::LostRace),
            Err(error) => Err(failed("count the requests", id.as_str(), &error)),
        }
    }
}
