//! How an integration is, as it is shown.

use std::collections::BTreeMap;

use im_engine::{Counted, DeliveryCount, Waiting, manage::SyncStatus};
use jiff::Timestamp;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct SyncStatusJson<'a> {
    integration_id: &'a str,
    at: Timestamp,
    health: &'static str,
    says: &'a str,
    failing_since: Option<Timestamp>,
    lag: LagJson,
    waiting: WaitingJson,
    dead_letters: DeadLettersJson,
    deliveries: DeliveriesJson<'a>,
    counters: BTreeMap<&'static str, u64>,
}

/// Whole seconds.
#[derive(Debug, Serialize)]
struct LagJson {
    inbound_seconds: Option<i64>,
    outbound_seconds: Option<i64>,
}

#[derive(Debug, Serialize)]
struct WaitingJson {
    deliveries: CountJson,
    incidents: CountJson,
}

#[derive(Debug, Serialize)]
struct DeadLettersJson {
    open: CountJson,
    retrying: CountJson,
}

#[derive(Debug, Serialize)]
struct CountJson {
    count: u64,
    at_least: bool,
}

#[derive(Debug, Serialize)]
struct DeliveriesJson<'a> {
    since: Timestamp,
    complete: bool,
    accepted: u64,
    applied: u64,
    nothing_new: u64,
    skipped: u64,
    skipped_because: &'a BTreeMap<String, u64>,
    dead: u64,
    open: u64,
}

impl<'a> SyncStatusJson<'a> {
    pub(super) fn of(status: &'a SyncStatus) -> Self {
        let age = |waiting: Waiting| {
            let since = waiting.since?;
            Some(status.at.duration_since(since).as_secs().max(0))
        };
        Self {
            integration_id: status.integration.as_str(),
            at: status.at,
            health: status.state.as_str(),
            says: &status.says,
            failing_since: status.failing_since,
            lag: LagJson {
                inbound_seconds: age(status.waiting_deliveries),
                outbound_seconds: age(status.waiting_incidents),
            },
            waiting: WaitingJson {
                deliveries: status.waiting_deliveries.count.into(),
                incidents: status.waiting_incidents.count.into(),
            },
            dead_letters: DeadLettersJson {
                open: status.open.into(),
                retrying: status.retrying.into(),
            },
            deliveries: (&status.deliveries).into(),
            counters: status.counters.named().into(),
        }
    }
}

impl From<Counted> for CountJson {
    fn from(Counted { count, at_least }: Counted) -> Self {
        Self { count, at_least }
    }
}

impl<'a> From<&'a DeliveryCount> for DeliveriesJson<'a> {
    fn from(count: &'a DeliveryCount) -> Self {
        Self {
            since: count.since,
            complete: count.complete,
            accepted: count.accepted(),
            applied: count.applied,
            nothing_new: count.nothing_new,
            skipped: count.skipped_in_all(),
            skipped_because: &count.skipped,
            dead: count.dead,
            open: count.open,
        }
    }
}
