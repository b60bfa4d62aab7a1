//! `INT#id` / `COUNTER#…`: the counters of an integration, and what is kept with them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use im_engine::{Counters, Latencies, Measured, Propagated, StoreError};
use im_model::IntegrationId;
use jiff::{SignedDuration, Timestamp};

use super::text;
use crate::{DynamoStore, failed, keys, transaction::broken};

/// What is raised with something that is stored, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct CountedFor<'a> {
    pub(crate) integration: &'a IntegrationId,
    pub(crate) counters: Counters,
    pub(crate) propagated: Option<&'a Propagated>,
}

impl<'a> From<(&'a IntegrationId, Counters)> for CountedFor<'a> {
    fn from((integration, counters): (&'a IntegrationId, Counters)) -> Self {
        Self {
            integration,
            counters,
            propagated: None,
        }
    }
}

/// The attributes of one direction.
struct Names {
    edits: &'static str,
    within: [&'static str; 3],
    latest_at: &'static str,
    latest_ms: &'static str,
}

const INBOUND: Names = Names {
    edits: "inbound_edits",
    within: [
        "inbound_within_1s",
        "inbound_within_5s",
        "inbound_within_60s",
    ],
    latest_at: "inbound_latest_at",
    latest_ms: "inbound_latest_ms",
};

const OUTBOUND: Names = Names {
    edits: "outbound_edits",
    within: [
        "outbound_within_1s",
        "outbound_within_5s",
        "outbound_within_60s",
    ],
    latest_at: "outbound_latest_at",
    latest_ms: "outbound_latest_ms",
};

const HEADROOM: &str = "headroom";
const HEADROOM_AT: &str = "headroom_at";

/// What one update of an item raises and sets.
#[derive(Default)]
struct Raise {
    additions: Vec<(&'static str, u64)>,
    settings: Vec<(&'static str, AttributeValue)>,
}

impl Raise {
    fn of(counted: &CountedFor<'_>) -> Self {
        let raised = counted.counters.named().into_iter();
        let mut raise = Self {
            additions: raised.filter(|(_, by)| *by > 0).collect(),
            settings: Vec::new(),
        };
        if let Some(propagated) = counted.propagated {
            raise.arrived(&INBOUND, propagated.inbound, propagated.at);
            raise.arrived(&OUTBOUND, propagated.outbound, propagated.at);
            if let Some(headroom) = propagated.headroom {
                let headroom = AttributeValue::N(headroom.to_string());
                raise.settings.push((HEADROOM, headroom));
                let at = text(&propagated.at.to_string());
                raise.settings.push((HEADROOM_AT, at));
            }
        }
        raise
    }

    fn arrived(&mut self, names: &Names, took: Option<SignedDuration>, at: Timestamp) {
        let Some(took) = took else {
            return;
        };
        self.additions.push((names.edits, 1));
        let within = names.within.into_iter().zip(Latencies::within(took));
        self.additions.extend(within.filter(|(_, by)| *by > 0));
        let took = AttributeValue::N(took.as_millis().to_string());
        self.settings.push((names.latest_ms, took));
        self.settings.push((names.latest_at, text(&at.to_string())));
    }

    fn expression(&self) -> String {
        let additions = self
            .additions
            .iter()
            .map(|(name, _)| format!("{name} :{name}"));
        let additions: Vec<_> = additions.collect();
        let settings = self
            .settings
            .iter()
            .map(|(name, _)| format!("{name} = :{name}"));
        let settings: Vec<_> = settings.collect();
        let mut expression = format!("ADD {}", additions.join(", "));
        if !settings.is_empty() {
            expression = format!("{expression} SET {}", settings.join(", "));
        }
        expression
    }

    fn values(self) -> HashMap<String, AttributeValue> {
        let number = |(name, by): (&'static str, u64)| (name, AttributeValue::N(by.to_string()));
        let additions = self.additions.into_iter().map(number);
        let all = additions.chain(self.settings);
        all.map(|(name, value)| (format!(":{name}"), value))
            .collect()
    }
}

impl DynamoStore {
    /// Raises counters. They are kept in several items, so that many functions can count at once: `salt` chooses one.
    pub(crate) fn addition(
        &self,
        counted: &CountedFor<'_>,
        salt: &str,
    ) -> Result<TransactWriteItem, StoreError> {
        let pk = keys::integration(counted.integration);
        let raise = Raise::of(counted);
        let update = Update::builder()
            .table_name(&self.tables.sync)
            .key("pk", text(&pk))
            .key("sk", text(&keys::counter(salt)))
            .update_expression(raise.expression())
            .set_expression_attribute_values(Some(raise.values()))
            .build()
            .map_err(|error| broken("count", &pk, &error))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    pub(super) async fn read_measured(
        &self,
        integration: &IntegrationId,
    ) -> Result<Measured, StoreError> {
        let pk = keys::integration(integration);
        let answer = self
            .client
            .query()
            .table_name(&self.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :counters)")
            .expression_attribute_values(":pk", text(&pk))
            .expression_attribute_values(":counters", text(keys::COUNTERS))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failed("read the counters", &pk, &error))?;
        let mut sum = Measured::default();
        for item in answer.items.unwrap_or_default() {
            sum += Item(&item).measured();
        }
        Ok(sum)
    }
}

/// One of the items.
struct Item<'a>(&'a HashMap<String, AttributeValue>);

impl Item<'_> {
    fn measured(&self) -> Measured {
        let headroom = (self.time(HEADROOM_AT), self.number(HEADROOM));
        Measured {
            counters: Counters::from_named(|name| self.number(name)),
            inbound: self.latencies(&INBOUND),
            outbound: self.latencies(&OUTBOUND),
            headroom: headroom.0.zip(headroom.1),
        }
    }

    fn latencies(&self, names: &Names) -> Latencies {
        let took = self.number(names.latest_ms);
        Latencies {
            edits: self.number(names.edits).unwrap_or_default(),
            within: names
                .within
                .map(|name| self.number(name).unwrap_or_default()),
            latest: self
                .time(names.latest_at)
                .zip(took.map(SignedDuration::from_millis)),
        }
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    fn time(&self, name: &str) -> Option<Timestamp> {
        self.0.get(name)?.as_s().ok()?.parse().ok()
    }
}
