//! What is measured as it happens: events of the target `im_metrics`, which the runtime makes metrics of. Numbers, integrations
//! and directions; never a value of a field.

use im_model::{Conflict, Integration, IntegrationId};
use jiff::Timestamp;

use crate::{CircuitState, Counters, Propagated, Waiting};

/// The target of all such events.
pub const TARGET: &str = "im_metrics";

/// Counters of an integration were raised by these.
pub fn counted(integration: &IntegrationId, counters: &Counters) {
    let [
        (_, outbound_success),
        (_, outbound_failed),
        (_, inbound_success),
        (_, inbound_failed),
        (_, conflicts_detected),
        (_, conflicts_resolved),
        (_, drift_discrepancies),
    ] = counters.named();
    tracing::info!(
        target: TARGET,
        %integration,
        outbound_success,
        outbound_failed,
        inbound_success,
        inbound_failed,
        conflicts_detected,
        conflicts_resolved,
        drift_discrepancies,
    );
}

/// Edits are where they should be, so long after they were made.
pub fn propagated(integration: &IntegrationId, propagated: &Propagated) {
    let ways = [
        ("inbound", propagated.inbound),
        ("outbound", propagated.outbound),
    ];
    for (direction, took) in ways {
        let Some(took) = took else {
            continue;
        };
        let propagation_latency = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: TARGET, %integration, direction, propagation_latency);
    }
}

/// How many hundredths of its requests a vendor still takes, as it says itself.
pub(crate) fn headroom(integration: &IntegrationId, headroom: u8) {
    let rate_limit_headroom = u64::from(headroom);
    tracing::info!(target: TARGET, %integration, rate_limit_headroom);
}

/// A vendor refused an integration's credentials, which was paused for it.
pub(crate) fn credentials_refused(integration: &IntegrationId) {
    tracing::info!(target: TARGET, %integration, credentials_refused = 1_u64);
}

/// How an integration is, once a minute.
pub(crate) struct Gauges {
    pub(crate) deliveries: Waiting,
    pub(crate) incidents: Waiting,
    pub(crate) dead_letters: u64,
    pub(crate) circuit: CircuitState,
    pub(crate) counters: Counters,
    pub(crate) oldest_conflict: Option<Conflict>,
    pub(crate) reconcile_due_at: Option<Timestamp>,
}

impl Gauges {
    pub(crate) fn tell(&self, integration: &Integration, now: Timestamp) {
        let seconds = |since: Option<Timestamp>| {
            let seconds = since.map_or(0, |since| now.duration_since(since).as_secs());
            u64::try_from(seconds).unwrap_or_default()
        };
        let oldest = [self.deliveries.since, self.incidents.since];
        let oldest = oldest.into_iter().flatten().min();
        let counters = &self.counters;
        tracing::info!(
            target: TARGET,
            integration = %integration.id,
            pending_deliveries = self.deliveries.count.count,
            pending_incidents = self.incidents.count.count,
            oldest_pending_seconds = seconds(oldest),
            circuit_open = u64::from(self.circuit.open.is_some()),
            dead_letters_open = self.dead_letters,
            conflicts_pending = counters.conflicts_pending(),
            oldest_conflict_seconds = seconds(self.oldest_conflict.as_ref().map(|it| it.opened_at)),
            reconcile_overdue_seconds = seconds(self.reconcile_due_at),
        );
    }
}
