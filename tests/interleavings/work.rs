//! A worker's next question is answered: by the store, or by a vendor.

use std::collections::BTreeMap;

use im_engine::{Disposition, RetryLadder, RetryMessage, SyncError};
use im_model::{Field, IntegrationId};

use super::{
    ask::{Ask, LinkVersion, Said, VendorAsk},
    checks::Violation,
    scenario::Scenario,
    shared::Shared,
    state::{Flying, Item, Running, State},
    steps::Fate,
    vendor::Author,
    workers::{Next, Workers},
};

/// The longest that a vendor holds a request.
const HELD: u32 = 3;

impl Running {
    pub(super) fn is_new(&self, workers: &Workers) -> bool {
        let mut told = workers.told(self.life);
        !told.any(|said| !matches!(said, Said::Owner(Some(_))))
    }
}

impl State {
    pub(super) fn work(
        &mut self,
        place: usize,
        fate: Fate,
        workers: &mut Workers,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let mut running = self.workers.remove(place);
        let next = workers.next(running.life);
        let Next::Asks(ask) = &*next else {
            unreachable!("who has ended is gone");
        };
        let number = workers.beginning(running.life).worker;
        let said = match ask {
            Ask::Vendor(to, ask) => {
                running.wrote |= ask.changes_something();
                let version = workers.versions(running.life);
                self.ask_vendor(to, ask, fate, &version, number, scenario)?
            }
            ask => {
                let before = self.clone();
                let said = self.stored(ask, &scenario.protocol);
                if said == Said::Stored(true) {
                    running.wrote = true;
                    self.check_stored(&before, ask, workers.told(running.life), scenario)?;
                }
                said
            }
        };
        if said == Said::Silence {
            self.give_up_looking(number);
        }
        running.life = workers.go_on(running.life, self.now, said);
        self.on_with(running, workers, scenario)
    }

    pub(super) fn ask_vendor(
        &mut self,
        to: &IntegrationId,
        ask: &VendorAsk,
        fate: Fate,
        version: &BTreeMap<Field, u64>,
        worker: u32,
        scenario: &Scenario,
    ) -> Result<Said, Violation> {
        if fate != Fate::Answered {
            self.left.silences -= 1;
        }
        if fate == Fate::Late {
            self.flying.push(Flying {
                to: to.clone(),
                ask: ask.clone(),
                version: version.clone(),
                until: self.now + HELD,
            });
            self.flying.sort();
            return Ok(Said::Silence);
        }
        let said = self.at_vendor(to, ask, version, worker, scenario)?;
        Ok(if fate == Fate::AnswerLost {
            Said::Silence
        } else {
            said
        })
    }

    /// The vendor carries a request out, and announces what has changed.
    pub(super) fn at_vendor(
        &mut self,
        to: &IntegrationId,
        ask: &VendorAsk,
        version: &BTreeMap<Field, u64>,
        worker: u32,
        scenario: &Scenario,
    ) -> Result<Said, Violation> {
        let before = self.vendors[to].clone();
        let vendor = self.vendors.get_mut(to).expect("configured");
        let (said, after) = vendor.carry_out(ask, self.now);
        if let Some(after) = after {
            let old = before.records.get(&after.id).cloned();
            self.announce(to, &after, Author::Us, scenario.style);
            self.check_vendor_write(to, old.as_deref(), &after, version, worker, scenario)?;
        }
        Ok(shown(said, ask, scenario))
    }

    /// A worker goes on by itself where nothing else can change what it is told; if it has ended, so does its job.
    pub(super) fn on_with(
        &mut self,
        mut running: Running,
        workers: &mut Workers,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        loop {
            let next = workers.next(running.life);
            match &*next {
                Next::Asks(Ask::IncidentOf(integration, id))
                    if self
                        .entries
                        .contains_key(&(integration.clone(), id.clone())) =>
                {
                    let ask = Ask::IncidentOf(integration.clone(), id.clone());
                    let said = self.stored(&ask, &scenario.protocol);
                    running.life = workers.go_on(running.life, self.now, said);
                }
                Next::Asks(_) => {
                    self.workers.push(running);
                    self.workers.sort();
                    return Ok(());
                }
                Next::Ends(Ok(_)) => return Ok(()),
                Next::Ends(Err(error)) => {
                    let seen = workers.link_seen(running.life);
                    return self.failed(running.item, error, seen);
                }
            }
        }
    }

    /// `JobRunner::failed`. Of the times at which a job looks again whether a claim is closed, only those are kept that find
    /// something else than before.
    pub(super) fn failed(
        &mut self,
        item: Item,
        error: &SyncError,
        seen: Option<LinkVersion>,
    ) -> Result<(), Violation> {
        if let SyncError::Busy { until } = error {
            let until = until.as_second() - super::at(0).as_second();
            let until = u32::try_from(until).expect("later");
            let held = seen.map(|version| (version, until));
            self.queue_up(Item {
                image: None,
                held,
                ..item
            });
            return Ok(());
        }
        let mut message = RetryMessage::first((*item.job).clone(), super::at(self.now));
        message.attempt = item.attempt;
        message.waits = item.waits;
        match RetryLadder::default().after(message, error, super::at(self.now)) {
            Disposition::Retry(next) => {
                let not_before = next.not_before.as_second() - super::at(0).as_second();
                self.queue_up(Item {
                    job: Shared::new(next.job),
                    image: None,
                    attempt: next.attempt,
                    waits: next.waits,
                    not_before: u32::try_from(not_before).expect("later"),
                    held: None,
                });
                Ok(())
            }
            Disposition::Dead(_) | Disposition::Leave(_) => Self::died(error),
        }
    }
}

/// What the account may see of it.
fn shown(said: Said, ask: &VendorAsk, scenario: &Scenario) -> Said {
    let protocol = &scenario.protocol;
    let without = |record: &super::vendor::Record| {
        let mut shown = record.clone();
        if !protocol.record_carries_the_incident {
            shown.correlation = None;
        }
        if matches!(ask, VendorAsk::Audit(_)) && !protocol.overwritten_is_looked_for {
            shown.audit.clear();
        }
        if !matches!(ask, VendorAsk::Audit(_)) {
            shown.audit.clear();
        }
        Shared::new(shown)
    };
    match said {
        Said::Record(record) => Said::Record(without(&record)),
        Said::Records(_) if !protocol.record_is_looked_for => Said::Records(Vec::new()),
        Said::Records(records) => {
            Said::Records(records.iter().map(|record| without(record)).collect())
        }
        said => said,
    }
}
