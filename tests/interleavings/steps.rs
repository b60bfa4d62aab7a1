//! What may happen next in a state.

use im_model::{Field, IntegrationId};

use super::{
    ask::Ask,
    scenario::{FIELDS, Scenario},
    state::{Flying, Item, Running, State, incident_id, value},
    workers::{Next, Workers},
};

/// How a request to a vendor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Answered,
    /// It is carried out, and nobody hears of it.
    AnswerLost,
    /// Nobody hears of it, and it is carried out later.
    Late,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A person edits: on the platform (`None`) or at a vendor.
    Edit(Option<IntegrationId>, Field, usize),
    /// A worker takes a job, which stays in the queue if it is to come a second time.
    Start(usize, bool),
    /// A worker's next question is answered.
    Work(usize, Fate),
    /// A worker dies; its job comes again.
    Crash(usize),
    /// A request arrives that nobody waits for any more.
    Land(usize),
    /// Time passes.
    Wait(u32),
}

/// Most workers at once.
const WORKERS: usize = 2;
/// A function's timeout: an older worker is dead.
const LONGEST: u32 = 15;

impl Item {
    /// It is not worked on before.
    fn until(&self) -> u32 {
        let held = self.held.as_ref().map_or(0, |(_, until)| *until);
        self.not_before.max(held)
    }
}

impl State {
    /// All that may happen next.
    pub fn steps(&self, scenario: &Scenario, workers: &Workers) -> Vec<Step> {
        let mut steps = Vec::new();
        for (place, worker) in self.workers.iter().enumerate() {
            steps.push(Step::Work(place, Fate::Answered));
            if self.left.silences > 0
                && let Next::Asks(Ask::Vendor(_, ask)) = &*workers.next(worker.life)
            {
                if ask.changes_something() {
                    steps.push(Step::Work(place, Fate::Late));
                }
                if ask.changes_something() || worker.wrote {
                    steps.push(Step::Work(place, Fate::AnswerLost));
                }
            }
            // One that has not written anything yet might as well not have begun.
            if self.left.crashes > 0 && worker.wrote {
                steps.push(Step::Crash(place));
            }
        }
        for (place, item) in self.queue.iter().enumerate() {
            let is_first = place == 0 || self.queue[place - 1] != *item;
            if is_first && item.until() <= self.now && self.workers.len() < WORKERS {
                steps.push(Step::Start(place, false));
                if self.left.repeats > 0 {
                    steps.push(Step::Start(place, true));
                }
            }
        }
        steps.extend((0..self.flying.len()).map(Step::Land));
        self.waits(scenario, &mut steps);
        self.edits(scenario, &mut steps);
        if self.left.switches == Some(0) && self.turn.is_some() {
            steps.retain(|step| {
                self.worker_of(step, workers)
                    .is_none_or(|it| self.turn == Some(it))
            });
        }
        steps
    }

    /// Who works in a step; nobody yet, if somebody begins.
    pub(super) fn worker_of(&self, step: &Step, workers: &Workers) -> Option<u32> {
        match step {
            Step::Work(place, _) => Some(workers.beginning(self.workers[*place].life).worker),
            Step::Start(..) => Some(0),
            _ => None,
        }
    }

    fn waits(&self, scenario: &Scenario, steps: &mut Vec<Step>) {
        let later = self.queue.iter().map(Item::until);
        let Some(next) = later.filter(|at| *at > self.now).min() else {
            return;
        };
        let may_stall = self.workers.is_empty() || self.left.stalls > 0;
        if may_stall && self.may_pass(next, scenario) {
            steps.push(Step::Wait(next));
        }
    }

    /// Nobody works longer than a function may, and no vendor holds a request for longer than it does.
    pub(super) fn may_pass(&self, until: u32, scenario: &Scenario) -> bool {
        let lives = |worker: &Running| until - worker.since <= LONGEST;
        let lands = |flying: &Flying| until <= flying.until;
        self.workers.iter().all(lives)
            && (!scenario.protocol.vendor_keeps_the_lease || self.flying.iter().all(lands))
    }

    /// Values are alike: a field's next new one is always the lowest that was never there.
    fn edits(&self, scenario: &Scenario, steps: &mut Vec<Step>) {
        if self.left.edits == 0 || !self.may_pass(self.now + scenario.gap, scenario) {
            return;
        }
        let is_first = self.seen.edits.is_empty();
        let has_incident = self.incidents.contains_key(&incident_id());
        let platform = has_incident.then_some(None);
        let known = self
            .vendors
            .iter()
            .filter(|(_, vendor)| !vendor.records.is_empty());
        let sides = known.map(|(id, _)| Some(id.clone())).chain(platform);
        for side in sides {
            for (place, field) in FIELDS.into_iter().enumerate() {
                // Fields that are alike: the first edit is of the first one.
                if place > 0 && is_first && scenario.ownership[0] == scenario.ownership[1] {
                    continue;
                }
                let held = self.seen.held.iter().filter(|((_, of), _)| *of == field);
                let used = (0..scenario.values)
                    .take_while(|n| held.clone().any(|(_, values)| values.contains(&value(*n))));
                let most = used.count().min(scenario.values - 1);
                for number in 0..=most {
                    if self.held_by(side.as_ref(), &field) != value(number) {
                        steps.push(Step::Edit(side.clone(), field.clone(), number));
                    }
                }
            }
        }
    }

    pub fn held_by(&self, side: Option<&IntegrationId>, field: &Field) -> String {
        if let Some(id) = side {
            let record = self.vendors[id].records.values().next();
            record.map_or_else(String::new, |record| record.value(field).to_owned())
        } else {
            let incident = &self.incidents[&incident_id()];
            incident
                .value(field)
                .as_str()
                .unwrap_or_default()
                .to_owned()
        }
    }
}
