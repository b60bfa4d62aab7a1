//! One state of the whole: store, vendors, hints, workers, and what was seen on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
};

use im_engine::{Cause, Claim, DeliveryKey, Hint, Job};
use im_model::{
    ActorId, Conflict, ConflictId, ExternalId, Field, Incident, IncidentId, IntegrationId,
    LinkState,
};
use ulid::Ulid;

use super::{
    ask::{LinkVersion, VendorAsk},
    http::{OURSELVES, SOMEBODY},
    scenario::{Left, Style},
    shared::{Mark, Marker, Part, Shared},
    vendor::{Author, Record, Vendor},
    workers::Life,
};

/// A job that waits: in a stream or in a retry queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    pub job: Shared<Job>,
    /// The incident as the stream shows it, at the first attempt.
    pub image: Option<Shared<Incident>>,
    pub attempt: u32,
    pub waits: u32,
    pub not_before: u32,
    /// Somebody holds this version of the link, and may until then.
    pub held: Option<(LinkVersion, u32)>,
}

/// A job that is worked on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Running {
    pub life: Life,
    pub item: Item,
    pub since: u32,
    /// Has it written anything?
    pub wrote: bool,
}

/// A request that nobody waits for any more, and that the vendor has not carried out yet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flying {
    pub to: IntegrationId,
    pub ask: VendorAsk,
    pub version: BTreeMap<Field, u64>,
    /// The vendor holds no request for longer.
    pub until: u32,
}

/// A value that one side does not hold any more, because of us, and of which the journal does not tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Missing {
    pub integration: IntegrationId,
    pub side: u8,
    pub field: Field,
    pub value: String,
    pub worker: u32,
}

/// What was seen on the way, for the checks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Seen {
    /// All values that a side ever held; the platform's under `None`.
    pub held: BTreeMap<(Option<IntegrationId>, Field), BTreeSet<String>>,
    /// The version of the platform's value that a vendor was given last, or gave.
    pub known_version: BTreeMap<(IntegrationId, Field), u64>,
    /// The record's count at the read whose value the platform took last.
    pub pulled_count: BTreeMap<(IntegrationId, Field), u32>,
    /// People's edits, by side.
    pub edits: BTreeMap<(Option<IntegrationId>, Field), u32>,
    /// Our effective writes: to a vendor, or to the platform (`true`) of a vendor's value.
    pub writes: BTreeMap<(IntegrationId, Field, bool), u32>,
    pub missing: BTreeSet<Missing>,
}

/// Where the journal keeps a claim.
pub type ClaimKey = (LinkVersion, u32);

/// The whole.
#[derive(Debug, Clone, Hash)]
pub struct State {
    pub now: u32,
    pub incidents: Part<BTreeMap<IncidentId, Shared<Incident>>>,
    pub journal: Part<BTreeMap<ClaimKey, Shared<Claim>>>,
    pub entries: Part<BTreeMap<(IntegrationId, ExternalId), IncidentId>>,
    pub conflicts: Part<BTreeMap<ConflictId, Shared<Conflict>>>,
    pub vendors: Part<BTreeMap<IntegrationId, Vendor>>,
    pub queue: Vec<Item>,
    pub workers: Vec<Running>,
    pub flying: Vec<Flying>,
    pub left: Left,
    pub seen: Part<Seen>,
    /// Do jobs of one link wait together?
    pub together: bool,
    /// Who worked last, and still does, where switches are counted.
    pub turn: Option<u32>,
}

/// The incident that people edit.
pub fn incident_id() -> IncidentId {
    IncidentId::from_ulid(Ulid(7 << 64))
}

/// A field's values, by number.
pub fn value(number: usize) -> String {
    ["as it was", "one", "two", "three"][number].to_owned()
}

impl State {
    pub fn mark(&self) -> Mark {
        Marker::of(self)
    }

    /// Raises the revision and what is owed, as `store::incident::update::raise_revision` does.
    pub fn owe<'a>(&mut self, id: &IncidentId, owed: impl Iterator<Item = &'a IntegrationId>) {
        let mut incident = (*self.incidents[id]).clone();
        incident.revision += 1;
        let revision = incident.revision;
        let mut is_owed = false;
        for integration in owed {
            incident.pending.insert(integration.clone(), revision);
            is_owed = true;
        }
        let incident = Shared::new(incident);
        self.incidents.insert(id.clone(), incident.clone());
        if is_owed {
            self.wake(&incident);
        }
    }

    /// The stream's record: a job for each integration that is owed something, as `runtime::batch::jobs_of` makes them.
    fn wake(&mut self, incident: &Shared<Incident>) {
        for integration in incident.pending.keys() {
            let hint = Hint::Incident {
                incident: incident.id.clone(),
                integration: integration.clone(),
            };
            self.put(hint, Cause::Change, Some(incident.clone()));
        }
    }

    /// The vendor's webhook, as far as it gets: a hint.
    pub fn announce(&mut self, id: &IntegrationId, record: &Record, by: Author, style: Style) {
        let tells = style == Style::Tells;
        let last = record
            .audit
            .iter()
            .filter(|change| change.count == record.count);
        let changed = last.map(|change| (change.field.clone(), super::at(change.at)));
        let author = match by {
            Author::Us => OURSELVES,
            Author::Person => SOMEBODY,
        };
        let hint = Hint::External {
            integration: id.clone(),
            external_id: record.id.clone(),
            // No read of the model's is older than what was announced before it.
            at_least: None,
            changed: if tells {
                changed.collect()
            } else {
                BTreeMap::new()
            },
            author: tells.then(|| ActorId::parse(author).expect("an actor")),
            // A comment updates the record like anything else, where nothing is told.
            notes: !tells,
        };
        let key = DeliveryKey {
            integration: id.clone(),
            delivery: "d".parse().expect("an id"),
        };
        self.put(
            hint,
            Cause::Delivery {
                key,
                also: Vec::new(),
            },
            None,
        );
    }

    fn put(&mut self, hint: Hint, cause: Cause, image: Option<Shared<Incident>>) {
        let job = Job {
            hint,
            cause,
            waited: false,
            insist: false,
        };
        self.queue_up(Item {
            job: Shared::new(job),
            image,
            attempt: 1,
            waits: 0,
            not_before: 0,
            held: None,
        });
    }

    /// Times that are over, and versions that somebody has replaced, keep nobody waiting.
    pub fn release(&mut self) {
        let mut queue = std::mem::take(&mut self.queue);
        for item in &mut queue {
            if item.not_before <= self.now {
                item.not_before = 0;
            }
            // Who finds a reservation comes back a second later at the earliest, and not in the moment between the next
            // reservation and its claim: two that did would take it from each other without end.
            let is_held = |((id, integration, version), until): &(LinkVersion, u32)| {
                let link = self
                    .incidents
                    .get(id)
                    .and_then(|it| it.links.get(integration));
                self.now < *until
                    && link.is_some_and(|link| {
                        link.version == *version || link.state == LinkState::Reserved
                    })
            };
            if !item.held.as_ref().is_some_and(is_held) {
                item.held = None;
            }
        }
        queue.sort();
        self.queue = queue;
    }

    /// Where jobs wait together, one of a link's and a side is enough: the last one, unless it waits for a time.
    pub fn queue_up(&mut self, item: Item) {
        if self.together {
            let is_older = |other: &Item| {
                other.attempt == item.attempt
                    && other.waits == item.waits
                    && match (&other.job.hint, &item.job.hint) {
                        (
                            Hint::External { author: None, .. },
                            Hint::External { author: None, .. },
                        )
                        | (Hint::Incident { .. }, Hint::Incident { .. }) => {
                            other.job.hint.to_string() == item.job.hint.to_string()
                        }
                        _ => other == &item,
                    }
            };
            self.queue.retain(|other| !is_older(other));
        }
        self.queue.push(item);
        self.queue.sort();
    }
}
