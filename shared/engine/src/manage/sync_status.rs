//! How an integration is: whether it works, what waits, what is dead, and what was done.

use std::sync::Arc;

use futures::try_join;
use im_model::{Activity, DeadLetterStatus, FailureReason, IntegrationId, OrganizationId};
use jiff::{SignedDuration, Timestamp};

use super::ManageError;
use crate::{
    CircuitState, Counted, DeadLetter, DeliveryCount, Measured, Waiting,
    ports::{CircuitStore, Clock, DeadLetterStore, Figures},
};

/// Tells how integrations are.
pub struct SyncStatuses {
    /// The integrations, with what is known of their vendors.
    pub integrations: Arc<dyn CircuitStore>,
    /// What is dead of them.
    pub letters: Arc<dyn DeadLetterStore>,
    /// What is counted.
    pub figures: Arc<dyn Figures>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

/// How an integration is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncStatus {
    /// Which.
    pub integration: IntegrationId,
    /// When it was so.
    pub at: Timestamp,
    /// In a word.
    pub state: SyncState,
    /// Since when its vendor does not answer, if so.
    pub failing_since: Option<Timestamp>,
    /// In a sentence, with what to do where something is to be done.
    pub says: String,
    /// Accepted deliveries that are not done.
    pub waiting_deliveries: Waiting,
    /// Incidents that owe it a change.
    pub waiting_incidents: Waiting,
    /// Dead letters that wait for somebody.
    pub open: Counted,
    /// Dead letters that are being tried again.
    pub retrying: Counted,
    /// What became of its deliveries.
    pub deliveries: DeliveryCount,
    /// Whether its vendor is called at present.
    pub circuit: CircuitState,
    /// Since when the oldest conflict waits that nobody has settled.
    pub oldest_conflict: Option<Timestamp>,
    /// What was counted and measured since it was created.
    pub measured: Measured,
}

/// How an integration is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncState {
    /// Its jobs are worked on.
    Working,
    /// The vendor does not answer: jobs are tried again by themselves.
    Failing,
    /// Its jobs wait until it is resumed.
    Paused,
    /// Nothing is synced until it is enabled.
    Disabled,
}

impl SyncState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Working, Self::Failing, Self::Paused, Self::Disabled];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Failing => "failing",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

impl SyncStatuses {
    /// Over how long deliveries are counted unless told otherwise.
    pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

    /// The longest that they can be: so long are they kept.
    pub const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);

    /// How many of the oldest dead letters are looked at to find since when the vendor does not answer.
    const LOOKED_AT: u16 = 25;

    /// How one integration is; its deliveries are counted since `since`.
    pub async fn of(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        since: Timestamp,
    ) -> Result<SyncStatus, ManageError> {
        let found = self.integrations.integration_with_circuit(id).await?;
        let found = found.filter(|(integration, _)| integration.organization == *organization);
        let Some((integration, circuit)) = found else {
            return Err(ManageError::NotFound(format!("integration {id}")));
        };
        let (figures, letters) = (&self.figures, &self.letters);
        let (waiting_deliveries, waiting_incidents, open, retrying, oldest, deliveries, measured) =
            try_join!(
                figures.waiting_deliveries(id),
                figures.waiting_incidents(id),
                figures.count_dead_letters(id, DeadLetterStatus::Open),
                figures.count_dead_letters(id, DeadLetterStatus::Retrying),
                letters.dead_letters(id, DeadLetterStatus::Open, None, Self::LOOKED_AT),
                figures.count_deliveries(id, since),
                figures.measured(id),
            )?;
        let oldest_conflict = match measured.counters.conflicts_pending() {
            0 => None,
            _ => figures.oldest_conflict(organization, id).await?,
        };
        let failing = failing(&circuit, &oldest.items);
        let because = integration.paused_because.as_deref();
        let set = (integration.enabled, integration.activity, because);
        let (state, says) = in_words(set, failing.as_ref(), open);
        Ok(SyncStatus {
            integration: id.clone(),
            at: self.clock.now(),
            failing_since: failing
                .filter(|_| state == SyncState::Failing)
                .map(|(since, _)| since),
            state,
            says,
            waiting_deliveries,
            waiting_incidents,
            open,
            retrying,
            deliveries,
            circuit,
            oldest_conflict: oldest_conflict.map(|conflict| conflict.opened_at),
            measured,
        })
    }
}

/// Since when the vendor does not answer, and what it says; `None` if it does, as far as anybody knows.
fn failing(circuit: &CircuitState, oldest: &[DeadLetter]) -> Option<(Timestamp, String)> {
    let by_circuit = circuit
        .open
        .as_ref()
        .map(|open| (open.since, open.why.clone()));
    // One that was tried again when the vendor answered, and died again, says nothing of the vendor.
    let unanswered =
        |letter: &&DeadLetter| letter.reason == FailureReason::Unavailable && letter.redriven == 0;
    let by_letters = oldest.iter().filter(unanswered).map(|letter| {
        let first = letter.attempts.first().map(|first| first.at);
        first.map_or(letter.opened_at, |first| first.min(letter.opened_at))
    });
    match (by_circuit, by_letters.min()) {
        (Some((since, why)), Some(dead)) => Some((since.min(dead), why)),
        (Some(open), None) => Some(open),
        // What the vendor said is told to whoever may read dead letters.
        (None, Some(dead)) => Some((dead, "jobs have died of it".to_owned())),
        (None, None) => None,
    }
}

fn in_words(
    (enabled, activity, paused_because): (bool, Activity, Option<&str>),
    failing: Option<&(Timestamp, String)>,
    open: Counted,
) -> (SyncState, String) {
    const KEPT: &str = "webhooks are still accepted, and changes are kept until then";
    if !enabled {
        let says = format!("It is disabled: nothing is synced until it is enabled; {KEPT}.");
        return (SyncState::Disabled, says);
    }
    if activity == Activity::Paused {
        let says = match paused_because {
            Some(why) => format!("It was paused: {why}. Mend that, then resume it; {KEPT}."),
            None => format!("It is paused: nothing is synced until it is resumed; {KEPT}."),
        };
        return (SyncState::Paused, says);
    }
    if let Some((since, why)) = failing {
        let says = format!(
            "The vendor has not answered since {since:.0}: {why}. It is asked again by itself, and what has died of it is \
             tried again when it answers."
        );
        return (SyncState::Failing, says);
    }
    let says = match open.count {
        0 => "It works.".to_owned(),
        1 => "It works, but for one link that has a dead letter.".to_owned(),
        count => {
            let least = if open.at_least { "at least " } else { "" };
            format!("It works, but for {least}{count} links that have a dead letter.")
        }
    };
    (SyncState::Working, says)
}

#[cfg(test)]
mod tests;
