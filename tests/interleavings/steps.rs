//! What may happen next in a state, and what comes of it.

use std::collections::BTreeMap;

use im_engine::{Disposition, Hint, RetryLadder, RetryMessage, SyncError};
use im_model::{ConflictId, Field, IntegrationId};

use super::{
    ask::{Ask, LinkVersion, Said, VendorAsk},
    checks::Violation,
    scenario::{FIELDS, Scenario},
    shared::Shared,
    state::{Flying, Item, Running, State, incident_id, value},
    vendor::Author,
    workers::{Beginning, Next, Workers},
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
/// The longest that a vendor holds a request.
const HELD: u32 = 3;

impl Item {
    /// It is not worked on before.
    fn until(&self) -> u32 {
        let held = self.held.as_ref().map_or(0, |(_, until)| *until);
        self.not_before.max(held)
    }
}

impl Running {
    fn is_new(&self, workers: &Workers) -> bool {
        let mut told = workers.told(self.life);
        !told.any(|said| !matches!(said, Said::Owner(Some(_))))
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
        if let Some(edited) = &self.edited {
            let near = steps
                .iter()
                .filter(|step| self.heeds(step, edited.as_ref(), workers));
            let near: Vec<_> = near.cloned().collect();
            if !near.is_empty() {
                return near;
            }
        }
        steps
    }

    /// Who works in a step; nobody yet, if somebody begins.
    fn worker_of(&self, step: &Step, workers: &Workers) -> Option<u32> {
        match step {
            Step::Work(place, _) => Some(workers.beginning(self.workers[*place].life).worker),
            Step::Start(..) => Some(0),
            _ => None,
        }
    }

    /// Counts a switch from one worker to another, if it is one.
    fn take_turns(&mut self, before: &Self, step: &Step, workers: &Workers) {
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

    /// Does it make a difference whether a step comes before or after an edit? Where it makes none, the step may as well
    /// come first: only such ways are gone.
    fn heeds(&self, step: &Step, edited: Option<&IntegrationId>, workers: &Workers) -> bool {
        match step {
            Step::Edit(..) | Step::Wait(_) => true,
            Step::Crash(_) => false,
            Step::Land(place) => edited == Some(&self.flying[*place].to),
            Step::Work(place, _) => match (&*workers.next(self.workers[*place].life), edited) {
                (Next::Asks(Ask::Vendor(to, _)), Some(at)) => to == at,
                (Next::Asks(ask), None) => ask.is_about_incidents(),
                _ => false,
            },
            Step::Start(place, _) => {
                let item = &self.queue[*place];
                match (&item.job.hint, edited) {
                    (Hint::External { integration, .. }, Some(at)) => integration == at,
                    (Hint::External { .. }, None) => true,
                    // With an image it begins at the vendor.
                    (Hint::Incident { integration, .. }, Some(at)) => {
                        item.image.is_some() && integration == at
                    }
                    (Hint::Incident { incident, .. }, None) => {
                        item.image.is_none() || item.image.as_ref() == self.incidents.get(incident)
                    }
                }
            }
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
    fn may_pass(&self, until: u32, scenario: &Scenario) -> bool {
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
        match side {
            Some(id) => {
                let record = self.vendors[id].records.values().next();
                record.map_or_else(String::new, |record| record.value(field).to_owned())
            }
            None => {
                let incident = &self.incidents[&incident_id()];
                incident
                    .value(field)
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            }
        }
    }

    /// The state after a step.
    pub fn after(
        &self,
        step: &Step,
        scenario: &Scenario,
        workers: &mut Workers,
    ) -> Result<Self, Violation> {
        let mut state = self.clone();
        state.edited = None;
        match step {
            Step::Edit(side, field, number) => {
                state.edited = Some(side.clone());
                state.edited(side.as_ref(), field, *number, scenario)
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

    fn edited(
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

    fn start(
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
    fn free_worker(&self, workers: &Workers) -> u32 {
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
        (1..).find(is_free).expect("a number")
    }

    fn work(
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

    fn ask_vendor(
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
    fn at_vendor(
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
    fn on_with(
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
                    return self.failed(running.item, error, seen, scenario);
                }
            }
        }
    }

    /// `JobRunner::failed`. Of the times at which a job looks again whether a claim is closed, only those are kept that find
    /// something else than before.
    fn failed(
        &mut self,
        item: Item,
        error: &SyncError,
        seen: Option<LinkVersion>,
        scenario: &Scenario,
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
            Disposition::Dead(_) => self.died(error, scenario),
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
