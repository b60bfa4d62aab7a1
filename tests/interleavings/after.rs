//! What comes of a step.

use std::collections::BTreeMap;

use im_model::{ConflictId, Field, IntegrationId};

use super::{
    checks::Violation,
    scenario::Scenario,
    shared::Shared,
    state::{Running, State, incident_id, value},
    steps::{Fate, Step},
    vendor::Author,
    workers::{Beginning, Workers},
};

impl State {
    /// The state after a step.
    pub fn after(
        &self,
        step: &Step,
        scenario: &Scenario,
        workers: &mut Workers,
    ) -> Result<Self, Violation> {
        let mut state = self.clone();
        match step {
            Step::Edit(side, field, number) => {
                state.edited(side.as_ref(), field, *number, scenario);
            }
            Step::Start(place, again) => state.start(*place, *again, workers, scenario)?,
            Step::Work(place, fate) => state.work(*place, *fate, workers, scenario)?,
            Step::Crash(place) => {
                state.left.crashes -= 1;
                let mut dead = state.workers.remove(*place);
                state.give_up_looking(workers.beginning(dead.life).worker);
                dead.item.not_before = 0;
                state.queue_up(dead.item);
            }
            Step::Land(place) => {
                let flying = state.flying.remove(*place);
                state.at_vendor(&flying.to, &flying.ask, &flying.version, 0, scenario)?;
            }
            Step::Wait(until) => {
                if !state.workers.is_empty() {
                    state.left.stalls -= 1;
                }
                state.now = *until;
            }
        }
        state.release();
        state.take_turns(self, step, workers);
        state.check(scenario)?;
        Ok(state)
    }

    pub(super) fn edited(
        &mut self,
        side: Option<&IntegrationId>,
        field: &Field,
        number: usize,
        scenario: &Scenario,
    ) {
        self.now += scenario.gap;
        self.left.edits -= 1;
        self.note_edit(side, field, &value(number));
        match side {
            None => self.edit(
                &incident_id(),
                field,
                &value(number),
                scenario.protocol.edits_wake,
            ),
            Some(id) => {
                let vendor = self.vendors.get_mut(id).expect("known");
                let before = vendor.records.values().next().expect("a record").clone();
                let to = BTreeMap::from([(field.clone(), value(number))]);
                let after = before.changed(&to, Author::Person, self.now);
                let after = Shared::new(after.expect("another value"));
                vendor.records.insert(after.id.clone(), after.clone());
                self.field_moved(id, field, scenario);
                self.announce(id, &after, Author::Person, scenario.style);
            }
        }
    }

    pub(super) fn start(
        &mut self,
        place: usize,
        again: bool,
        workers: &mut Workers,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let item = self.queue[place].clone();
        if again {
            self.left.repeats -= 1;
        } else {
            self.queue.remove(place);
        }
        let beginning = Beginning {
            job: item.job.clone(),
            image: item.image.clone(),
            worker: self.free_worker(workers),
            now: self.now,
        };
        let running = Running {
            life: workers.begin(&beginning),
            item,
            since: self.now,
            wrote: false,
        };
        self.on_with(running, workers, scenario)?;
        // Nobody can tell whether a worker that has asked nothing has begun.
        match self
            .workers
            .iter()
            .position(|worker| worker.is_new(workers))
        {
            Some(place) => self.work(place, Fate::Answered, workers, scenario),
            None => Ok(()),
        }
    }

    /// The lowest number that no worker has, and that no claim and no conflict comes from.
    pub(super) fn free_worker(&self, workers: &Workers) -> u32 {
        let is_free = |number: &u32| {
            let named = |n: u128| ulid::Ulid(u128::from(*number) << 16 | n);
            let id = named(1).to_string();
            let made = |conflict: &ConflictId| {
                (2..5).any(|n| *conflict == ConflictId::from_ulid(named(n)))
            };
            let has_it = |worker: &Running| workers.beginning(worker.life).worker == *number;
            !self.workers.iter().any(has_it)
                && !self.journal.values().any(|claim| claim.worker == id)
                && !self.conflicts.keys().any(made)
        };
        (1..u32::MAX)
            .find(is_free)
            .expect("there are more numbers than workers")
    }

    /// Counts a switch from one worker to another, if it is one.
    pub(super) fn take_turns(&mut self, before: &Self, step: &Step, workers: &Workers) {
        let Some(left) = before.left.switches else {
            return;
        };
        let number = |running: &Running| workers.beginning(running.life).worker;
        let was = |it: u32| before.workers.iter().any(|running| number(running) == it);
        if let Some(worker) = before.worker_of(step, workers) {
            if before.turn.is_some_and(|turn| turn != worker) {
                self.left.switches = Some(left - 1);
            }
            let begun = self.workers.iter().map(number).find(|it| !was(*it));
            self.turn = if worker == 0 { begun } else { Some(worker) };
        }
        if !self
            .workers
            .iter()
            .any(|running| Some(number(running)) == self.turn)
        {
            self.turn = None;
        }
    }
}
