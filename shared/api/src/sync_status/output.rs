//! How an integration is, as it is shown.

use std::collections::BTreeMap;

use im_engine::{CircuitState, Counted, DeliveryCount, Latencies, Waiting, manage::SyncStatus};
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
    conflicts: ConflictsJson,
    circuit: CircuitJson,
    propagation: PropagationJson,
    rate_limit: RateLimitJson,
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
struct ConflictsJson {
    pending: u64,
    /// The age of the oldest, in whole seconds.
    oldest_seconds: Option<i64>,
}

/// Whether the vendor is called at present.
#[derive(Debug, Serialize)]
struct CircuitJson {
    state: &'static str,
    since: Option<Timestamp>,
    next_trial_at: Option<Timestamp>,
    why: Option<String>,
    /// Until when the vendor has asked to be left alone.
    paused_until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct PropagationJson {
    inbound: LatenciesJson,
    outbound: LatenciesJson,
}

#[derive(Debug, Serialize)]
struct LatenciesJson {
    edits: u64,
    within_1s: u64,
    within_5s: u64,
    within_60s: u64,
    latest: Option<LatestJson>,
}

#[derive(Debug, Serialize)]
struct LatestJson {
    at: Timestamp,
    milliseconds: u64,
}

#[derive(Debug, Serialize)]
struct RateLimitJson {
    headroom_percent: Option<u8>,
    at: Option<Timestamp>,
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
        let seconds = |since| status.at.duration_since(since).as_secs().max(0);
        let age = |waiting: Waiting| waiting.since.map(seconds);
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
            conflicts: ConflictsJson {
                pending: status.measured.counters.conflicts_pending(),
                oldest_seconds: status.oldest_conflict.map(seconds),
            },
            circuit: CircuitJson::of(&status.circuit, status.at),
            propagation: PropagationJson {
                inbound: status.measured.inbound.into(),
                outbound: status.measured.outbound.into(),
            },
            rate_limit: RateLimitJson {
                headroom_percent: status.measured.headroom.map(|(_, headroom)| headroom),
                at: status.measured.headroom.map(|(at, _)| at),
            },
            deliveries: (&status.deliveries).into(),
            counters: status.measured.counters.named().into(),
        }
    }
}

impl CircuitJson {
    fn of(circuit: &CircuitState, now: Timestamp) -> Self {
        let open = circuit.open.as_ref();
        Self {
            state: if open.is_some() { "open" } else { "closed" },
            since: open.map(|open| open.since),
            next_trial_at: open.map(|open| open.until),
            why: open.map(|open| open.why.clone()),
            paused_until: circuit.paused_until.filter(|until| now < *until),
        }
    }
}

impl From<Latencies> for LatenciesJson {
    fn from(latencies: Latencies) -> Self {
        let [within_1s, within_5s, within_60s] = latencies.within;
        let latest = latencies.latest.map(|(at, took)| LatestJson {
            at,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or_default(),
        });
        Self {
            edits: latencies.edits,
            within_1s,
            within_5s,
            within_60s,
            latest,
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
