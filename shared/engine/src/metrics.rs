//! What is measured as it happens: events of the target `im_metrics`, which the runtime makes metrics of. Numbers, integrations
//! and directions; never a value of a field.

use im_model::{Conflict, Integration, IntegrationId};
use jiff::{SignedDuration, Timestamp};

use crate::{CircuitState, Counters, Waiting};

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

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    In,
    Out,
}

/// An edit is where it should be, so long after it was made.
pub(crate) fn propagated(
    integration: &IntegrationId,
    way: Way,
    edited_at: Timestamp,
    now: Timestamp,
) {
    let direction = match way {
        Way::In => "inbound",
        Way::Out => "outbound",
    };
    // A vendor's clock may be ahead of ours.
    let latency = now.duration_since(edited_at).max(SignedDuration::ZERO);
    let propagation_latency = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: TARGET, %integration, direction, propagation_latency);
}

/// How many hundredths of its requests a vendor still takes, as it says itself.
pub(crate) fn headroom(integration: &IntegrationId, rate_limit_headroom: u64) {
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
            since.map_or(0, |since| now.duration_since(since).as_secs().max(0))
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
            conflicts_pending = counters.conflicts_detected.saturating_sub(counters.conflicts_resolved),
            oldest_conflict_seconds = seconds(self.oldest_conflict.as_ref().map(|it| it.opened_at)),
            reconcile_overdue_seconds = seconds(self.reconcile_due_at),
        );
    }
}
