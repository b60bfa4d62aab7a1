//! How fast and whether at all a vendor is called: a circuit breaker, the vendor's own budget and the operator's limit.
//!
//! In normal times it costs no call: what other processes know comes with the configuration, and is written only where
//! something has changed. If the store fails here, each process goes by what it has seen itself.

mod circuit;
pub(crate) mod lane;
mod quota;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use im_model::{FailureReason, Integration, IntegrationId, Severity};
use im_vendors::{Memory, VendorErrorKind};
use jiff::{SignedDuration, Timestamp};

pub use self::circuit::{CircuitState, OpenCircuit};
use self::{
    circuit::{Circuit, Way},
    quota::{Quota, Turn},
};
use crate::{
    Outcome, StoreError, SyncError,
    ports::{Attempt, CircuitStore, Clock},
};

/// Paces the jobs of one process, by integration.
pub struct Pace {
    store: Arc<dyn CircuitStore>,
    memory: Arc<Memory>,
    clock: Arc<dyn Clock>,
    integrations: Mutex<HashMap<IntegrationId, Local>>,
}

/// What this process knows of one integration.
#[derive(Debug, Default)]
struct Local {
    circuit: Circuit,
    /// When the store was last asked for the circuit.
    asked: Option<Timestamp>,
    quota: Quota,
    /// Jobs that were let through and are not done.
    under_way: u32,
}

/// A job's leave to call a vendor. Dropped without [`Permit::end`], the job was cut off: the vendor did not answer.
pub(crate) struct Permit<'a> {
    pace: &'a Pace,
    integration: IntegrationId,
    is_trial: bool,
    is_admitted: AtomicBool,
    has_ended: bool,
}

/// What a job says of the vendor.
enum Verdict {
    Answered,
    /// The vendor was not there, in words.
    Failed(String),
    /// Nothing: it may not have been asked.
    None,
}

impl Pace {
    /// While a vendor is under suspicion, other processes are asked this often what they have seen.
    const ASK_EVERY: SignedDuration = SignedDuration::from_secs(1);

    /// Paces jobs by what their calls leave in this memory.
    pub fn new(store: Arc<dyn CircuitStore>, memory: Arc<Memory>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            memory,
            clock,
            integrations: Mutex::default(),
        }
    }

    /// What all processes know of an integration's circuit. One read.
    pub async fn state(&self, id: &IntegrationId) -> Result<CircuitState, StoreError> {
        let stored = self.store.circuit(id).await?;
        self.with(id, |local| local.circuit.learn(stored.clone()));
        Ok(stored)
    }

    /// Closes an integration's circuit in all processes, which learn of it within 10 s: the vendor was seen to answer.
    /// One read; one write if it was open.
    pub async fn reset(&self, id: &IntegrationId) -> Result<(), StoreError> {
        for _ in 0..2 {
            self.state(id).await?;
            self.with(id, |local| local.circuit.answered());
            if self.store_change(id).await? == Attempt::Done {
                return Ok(());
            }
        }
        Ok(())
    }

    /// An integration as the store has it now, and with it what other processes know of its circuit. One read.
    pub(crate) async fn refresh(
        &self,
        id: &IntegrationId,
    ) -> Result<Option<Integration>, StoreError> {
        let found = self.store.integration_with_circuit(id).await?;
        let now = self.clock.now();
        Ok(found.map(|(integration, stored)| {
            self.with(id, |local| {
                local.circuit.learn(stored);
                local.asked = Some(now);
            });
            integration
        }))
    }

    /// Lets a job through, unless the circuit is open.
    pub(crate) async fn enter(&self, id: &IntegrationId) -> Result<Permit<'_>, SyncError> {
        self.publish(id).await;
        self.ask_if_suspect(id).await;
        let now = self.clock.now();
        let is_trial = match self.with(id, |local| local.circuit.way(now)) {
            Way::Free => false,
            Way::Trial => {
                self.begin_trial(id).await?;
                true
            }
            Way::Barred(open) => return Err(barred(open)),
        };
        Ok(Permit {
            pace: self,
            integration: id.clone(),
            is_trial,
            is_admitted: AtomicBool::new(false),
            has_ended: false,
        })
    }

    /// Stores what has changed here, for the other processes to know. What cannot be stored is stored later.
    pub(crate) async fn publish(&self, id: &IntegrationId) {
        for _ in 0..2 {
            match self.store_change(id).await {
                Ok(Attempt::Done) => return,
                Ok(Attempt::LostRace) => match self.store.circuit(id).await {
                    Ok(stored) => self.with(id, |local| local.circuit.merge(stored)),
                    Err(error) => return unheard(id, &error),
                },
                Err(error) => return unheard(id, &error),
            }
        }
    }

    /// Only one process may try: the one whose write comes first.
    async fn begin_trial(&self, id: &IntegrationId) -> Result<(), SyncError> {
        let now = self.clock.now();
        self.with(id, |local| local.circuit.begin_trial(now));
        match self.store_change(id).await {
            Ok(Attempt::Done) => return Ok(()),
            Ok(Attempt::LostRace) => match self.store.circuit(id).await {
                Ok(stored) => self.with(id, |local| local.circuit.replace(stored)),
                Err(error) => unheard(id, &error),
            },
            Err(error) => unheard(id, &error),
        }
        match self.with(id, |local| local.circuit.way(now)) {
            Way::Barred(open) => Err(barred(open)),
            // Closed meanwhile, or the store does not answer: then the job will tell.
            Way::Free | Way::Trial => Ok(()),
        }
    }

    async fn ask_if_suspect(&self, id: &IntegrationId) {
        let now = self.clock.now();
        let is_due = self.with(id, |local| {
            let is_due = local
                .asked
                .is_none_or(|asked| now.duration_since(asked) >= Self::ASK_EVERY);
            let is_due = is_due && local.circuit.is_suspect();
            if is_due {
                local.asked = Some(now);
            }
            is_due
        });
        if is_due && let Err(error) = self.state(id).await {
            unheard(id, &error);
        }
    }

    /// Stores what has changed here since the last time, if anything has.
    async fn store_change(&self, id: &IntegrationId) -> Result<Attempt, StoreError> {
        let change = self.with(id, |local| {
            let is_due = std::mem::take(&mut local.circuit.is_unpublished);
            is_due.then(|| local.circuit.state.clone())
        });
        let Some(change) = change else {
            return Ok(Attempt::Done);
        };
        let stored = self.store.put_circuit(id, &change).await;
        if stored.is_err() {
            self.with(id, |local| {
                local.circuit.is_unpublished |= local.circuit.state == change;
            });
        }
        stored
    }

    /// May a job of this severity call the vendor now? If so it is under way.
    async fn admit(&self, integration: &Integration, severity: Severity) -> Result<(), SyncError> {
        let id = &integration.id;
        loop {
            let now = self.clock.now();
            let turn = self.with(id, |local| {
                let turn = self.turn(local, integration, severity, now);
                if turn == Turn::Go {
                    local.under_way += 1;
                }
                turn
            });
            match turn {
                Turn::Go => return Ok(()),
                Turn::Wait(until) => return Err(SyncError::Throttled { until, severity }),
                Turn::Take {
                    minute,
                    wanted,
                    ceiling,
                } => {
                    let given = self
                        .store
                        .take_requests(id, minute, wanted, ceiling)
                        .await?;
                    self.with(id, |local| match given {
                        Attempt::Done => local.quota.took(minute, wanted),
                        Attempt::LostRace => local.quota.was_refused(minute, severity),
                    });
                }
            }
        }
    }

    fn turn(
        &self,
        local: &mut Local,
        integration: &Integration,
        severity: Severity,
        now: Timestamp,
    ) -> Turn {
        let id = &integration.id;
        let told = local
            .circuit
            .state
            .paused_until
            .filter(|until| now < *until);
        if let Some(until) = told.max(self.memory.paused_until(id, now)) {
            return Turn::Wait(until);
        }
        if let Some(budget) = self.memory.budget(id, now)
            && let Some(until) = lane::refusal(&budget, severity, local.under_way)
        {
            return Turn::Wait(until);
        }
        let Some(per_minute) = integration.requests_per_minute else {
            return Turn::Go;
        };
        let sent = self.memory.requests_sent(id);
        local
            .quota
            .turn(per_minute.get(), severity, local.under_way, sent, now)
    }

    fn note(&self, id: &IntegrationId, was_trial: bool, verdict: &Verdict) {
        let now = self.clock.now();
        let paused = self.memory.paused_until(id, now);
        self.with(id, |local| {
            match verdict {
                Verdict::Answered => local.circuit.answered(),
                Verdict::Failed(why) => local.circuit.failed(was_trial, why, now),
                Verdict::None if was_trial => local.circuit.end_trial_early(now),
                Verdict::None => {}
            }
            if let Some(until) = paused {
                local.circuit.paused(until);
            }
        });
    }

    fn with<T>(&self, id: &IntegrationId, f: impl FnOnce(&mut Local) -> T) -> T {
        let mut integrations = self.locked();
        f(integrations.entry(id.clone()).or_default())
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<IntegrationId, Local>> {
        self.integrations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// Asks, once per job, whether it is the turn of one of this severity.
    pub(crate) async fn admit(
        &self,
        integration: &Integration,
        severity: Severity,
    ) -> Result<(), SyncError> {
        if !self.is_admitted.load(Ordering::Relaxed) {
            self.pace.admit(integration, severity).await?;
            self.is_admitted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes the leave back, with what the job came to.
    pub(crate) async fn end(mut self, result: &Result<Outcome, SyncError>) {
        let verdict = verdict(result);
        self.has_ended = true;
        self.pace.note(&self.integration, self.is_trial, &verdict);
        self.pace.publish(&self.integration).await;
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_admitted.load(Ordering::Relaxed) {
            self.pace.with(&self.integration, |local| {
                local.under_way = local.under_way.saturating_sub(1);
            });
        }
        if !self.has_ended {
            let verdict = Verdict::Failed("no answer in time".to_owned());
            self.pace.note(&self.integration, self.is_trial, &verdict);
        }
    }
}

fn verdict(result: &Result<Outcome, SyncError>) -> Verdict {
    match result {
        Err(error @ SyncError::Vendor(vendor)) => match vendor.kind {
            // Not sent.
            VendorErrorKind::Unsendable { .. } | VendorErrorKind::OutOfReach => Verdict::None,
            _ if error.reason() == FailureReason::Unavailable => Verdict::Failed(error.summary()),
            _ => Verdict::Answered,
        },
        // Perhaps without a call.
        Ok(Outcome::Skipped(_) | Outcome::Suspended(_))
        | Err(
            SyncError::Store(_)
            | SyncError::Busy { .. }
            | SyncError::Unlisted(_)
            | SyncError::TooManyRaces(_)
            | SyncError::Misconfigured { .. }
            | SyncError::CircuitOpen { .. }
            | SyncError::Throttled { .. },
        ) => Verdict::None,
        Ok(_)
        | Err(
            SyncError::Stale { .. }
            | SyncError::NotThere { .. }
            | SyncError::Fields(_)
            | SyncError::Duplicate { .. },
        ) => Verdict::Answered,
    }
}

fn barred(open: OpenCircuit) -> SyncError {
    SyncError::CircuitOpen {
        until: open.until,
        why: open.why,
    }
}

fn unheard(id: &IntegrationId, error: &StoreError) {
    tracing::warn!(integration = %id, %error, "the circuit goes by what this process has seen");
}

#[cfg(test)]
mod tests;
