//! What every side was seen to hold, and who put it there: written down by an onlooker, while it happens.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use aws_sdk_dynamodbstreams::types::Record;
use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request};
use im_engine::ports::IntegrationStore as _;
use im_model::{
    BasePair, Digest, ExternalRecord, Field, Incident, Integration, IntegrationType, LinkState,
    NoteKind, Origin,
};
use im_tests::{Direct, Shown, Vendors, Witness, Worker, World, base_url};
use im_vendors::{Connection, Memory, registry::vendor_api};
use jiff::Timestamp;
use serde_json::Value;

use crate::accounts::{Accounts, Secrets};

/// A field of a vendor's record changed.
#[derive(Debug, Clone)]
pub struct Change {
    pub at: Timestamp,
    pub vendor: IntegrationType,
    pub record: String,
    pub field: &'static str,
    pub before: String,
    /// The invocation of ours that did it; a person if none.
    pub worker: Option<String>,
    /// It had been answered the value before.
    pub knew: bool,
    /// A person had put the value before there.
    pub was_a_persons: bool,
    /// Something else changed with it.
    pub with_others: bool,
}

/// A link brought a value in.
#[derive(Debug, Clone)]
pub struct Pull {
    pub at: Timestamp,
    pub incident: String,
    pub integration: String,
    pub field: Field,
}

/// A note that a person wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// Where; on the platform if none.
    pub vendor: Option<IntegrationType>,
    /// The incident's or the record's id.
    pub on: String,
    pub kind: NoteKind,
    pub text: String,
}

/// The onlooker.
pub struct Ledger {
    pub secrets: Secrets,
    vendors: Vendors,
    /// To the vendors' records as they are, and as they were one or two changes ago.
    direct: [Direct; 3],
    accounts: Arc<Accounts>,
    clock: im_tests::WorldClock,
    state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    before: BTreeMap<(IntegrationType, String), Shown>,
    writing: bool,
    authors: BTreeMap<(IntegrationType, String, &'static str), bool>,
    answers: BTreeMap<String, String>,
    versions: BTreeMap<(String, Field), u64>,
    /// By incident, field and side.
    platform_held: BTreeMap<(String, Field), BTreeSet<Digest>>,
    vendor_held: BTreeMap<(IntegrationType, String, Field), BTreeSet<Digest>>,
    /// The fields that a record shows now: one that PagerDuty has resolved shows no assignee.
    shown: BTreeMap<(IntegrationType, String), BTreeSet<Field>>,
    /// The bases that were looked at, by incident, integration and field.
    bases: BTreeMap<(String, String, Field), BasePair>,
    pub changes: Vec<Change>,
    pub pulls: Vec<Pull>,
    pub edits: Vec<(String, String, String)>,
    pub notes: Vec<Written>,
    pub configurations: BTreeMap<String, Vec<(Timestamp, Integration)>>,
}

impl Ledger {
    pub fn new(world: &World, accounts: Arc<Accounts>) -> Arc<Self> {
        let secrets = Secrets::default();
        secrets.add(&accounts.secrets());
        Arc::new(Self {
            secrets,
            vendors: world.vendors(),
            direct: [0, 1, 2].map(|behind| world.transport.direct_behind(behind)),
            accounts,
            clock: world.clock.clone(),
            state: Mutex::default(),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned")
    }

    pub fn edited_on_platform(&self, incident: &str, body: &Value) {
        let members = body.as_object().expect("an object").iter();
        let edits = members.map(|(field, value)| {
            (
                incident.to_owned(),
                field.clone(),
                value.as_str().unwrap_or_default().to_owned(),
            )
        });
        self.state().edits.extend(edits);
    }

    pub fn noted_on_platform(&self, incident: &str, list: &str, text: &str) {
        let kind = if list == "comments" {
            NoteKind::Comment
        } else {
            NoteKind::WorkNote
        };
        let (on, text) = (incident.to_owned(), text.to_owned());
        self.state().notes.push(Written {
            vendor: None,
            on,
            kind,
            text,
        });
    }

    pub fn noted_at_vendor(
        &self,
        vendor: IntegrationType,
        record: &str,
        text: &str,
        internal: bool,
    ) {
        let internal = internal || vendor == IntegrationType::PagerDuty;
        let kind = if internal {
            NoteKind::WorkNote
        } else {
            NoteKind::Comment
        };
        let (on, text) = (record.to_owned(), text.to_owned());
        self.state().notes.push(Written {
            vendor: Some(vendor),
            on,
            kind,
            text,
        });
    }

    /// The settings as they are from about now on.
    pub async fn configured(&self, world: &World) {
        for vendor in self.accounts.vendors() {
            let id = World::integration_with(vendor);
            let store = &world.system.ports.store;
            let found = store.integration(&id.parse().expect("an id")).await;
            let found = found.expect("the store answers").expect("it exists");
            let mut state = self.state();
            let known = state.configurations.entry(id.to_owned()).or_default();
            if known
                .last()
                .is_none_or(|(_, last)| last.version != found.version)
            {
                known.push((self.clock.read(), found));
            }
        }
    }

    /// What a person does at a vendor.
    pub fn by_person<T>(&self, vendor: IntegrationType, act: impl FnOnce() -> T) -> T {
        self.snapshot(vendor);
        let done = act();
        self.compare(vendor, None);
        done
    }

    fn snapshot(&self, vendor: IntegrationType) {
        let records = self.vendors.records(vendor).into_iter();
        let records = records.map(|(id, shown)| ((vendor, id), shown)).collect();
        self.state().before = records;
    }

    fn compare(&self, vendor: IntegrationType, worker: Option<&String>) {
        for (record, after) in self.vendors.records(vendor) {
            let before = self.state().before.remove(&(vendor, record.clone()));
            if before.as_ref() == Some(&after) {
                continue;
            }
            self.hold(vendor, &record);
            let before = before.unwrap_or_default();
            let changed: Vec<_> = after
                .iter()
                .filter(|(field, now)| before.get(*field) != Some(now))
                .collect();
            let mut state = self.state();
            let state = &mut *state;
            for (field, _) in &changed {
                let key = (vendor, record.clone(), **field);
                let was_a_persons = state
                    .authors
                    .insert(key, worker.is_none())
                    .unwrap_or_default();
                let Some(was) = before.get(*field) else {
                    continue;
                };
                let answers = worker.and_then(|worker| state.answers.get(worker));
                state.changes.push(Change {
                    at: self.clock.read(),
                    vendor,
                    record: record.clone(),
                    field,
                    before: was.clone(),
                    worker: worker.cloned(),
                    knew: answers.is_some_and(|answers| answers.contains(was.as_str())),
                    was_a_persons,
                    with_others: changed.len() > 1,
                });
            }
        }
    }

    /// The record as the product would read it.
    pub fn look(&self, vendor: IntegrationType, record: &str) -> Option<ExternalRecord> {
        self.look_by(&self.direct[0], vendor, record)
    }

    fn look_by(
        &self,
        way: &Direct,
        vendor: IntegrationType,
        record: &str,
    ) -> Option<ExternalRecord> {
        let (options, memory) = (self.options(vendor), Memory::default());
        let credentials = self.accounts.credentials(vendor);
        let base_url = base_url(vendor).parse().expect("a URL");
        let integration = World::integration_with(vendor).parse().expect("an id");
        let connection = Connection {
            base_url: &base_url,
            options: &options,
            credentials: &credentials,
            transport: way,
            memory: &memory,
            integration: &integration,
            now: self.clock.read(),
        };
        let id = record.parse().expect("an id");
        let read = vendor_api(vendor).read(connection, &id).now_or_never();
        read.expect("nothing to wait for").ok()
    }

    fn options(&self, vendor: IntegrationType) -> BTreeMap<String, String> {
        let state = self.state();
        let known = state.configurations.get(World::integration_with(vendor));
        let last = known.and_then(|known| known.last());
        last.map(|(_, integration)| integration.options.clone())
            .unwrap_or_default()
    }

    fn hold(&self, vendor: IntegrationType, record: &str) {
        // A change may take several steps, and a copy that lags shows each of them.
        let seen = self
            .direct
            .iter()
            .map(|way| self.look_by(way, vendor, record));
        let seen: Vec<_> = seen.flatten().collect();
        let mut state = self.state();
        if let Some(now) = seen.first() {
            let fields = now.fields.keys().cloned().collect();
            state.shown.insert((vendor, record.to_owned()), fields);
        }
        for (field, observed) in seen.into_iter().flat_map(|seen| seen.fields) {
            let key = (vendor, record.to_owned(), field);
            state
                .vendor_held
                .entry(key)
                .or_default()
                .insert(observed.value.digest());
        }
    }

    /// Looks at what the tables' streams show.
    pub fn inspect(&self, records: &[Record]) {
        for record in records {
            let image = record
                .dynamodb
                .as_ref()
                .and_then(|change| change.new_image.clone());
            let Some(image) = image.filter(|image| {
                image
                    .get("sk")
                    .and_then(|sk| sk.as_s().ok())
                    .is_some_and(|sk| sk == "STATE")
            }) else {
                continue;
            };
            let image = serde_dynamo::Item::from(image);
            if let Ok(incident) = im_store::image::incident(image) {
                self.inspect_incident(&incident);
            }
        }
    }

    fn inspect_incident(&self, incident: &Incident) {
        let mut state = self.state();
        let state = &mut *state;
        for (field, held) in &incident.fields {
            let key = (incident.id.to_string(), field.clone());
            let digests = state.platform_held.entry(key.clone()).or_default();
            digests.insert(held.value.digest());
            let known = state.versions.insert(key, held.version);
            if let (Origin::External { integration, .. }, Some(known)) = (&held.origin, known)
                && known < held.version
            {
                state.pulls.push(Pull {
                    at: self.clock.read(),
                    incident: incident.id.to_string(),
                    integration: integration.to_string(),
                    field: field.clone(),
                });
            }
        }
        for (integration, link) in &incident.links {
            let LinkState::Linked { external_id, .. } = &link.state else {
                continue;
            };
            let vendor = vendor_of(integration.as_str());
            for (field, pair) in &link.base {
                let key = (
                    incident.id.to_string(),
                    integration.to_string(),
                    field.clone(),
                );
                if state.bases.insert(key, *pair) == Some(*pair) {
                    continue;
                }
                let empty = im_model::PlatformValue::EMPTY.digest();
                let ours = state
                    .platform_held
                    .get(&(incident.id.to_string(), field.clone()));
                let ours = ours.is_some_and(|held| held.contains(&pair.platform))
                    || pair.platform == empty;
                let theirs =
                    state
                        .vendor_held
                        .get(&(vendor, external_id.to_string(), field.clone()));
                let shown = state.shown.get(&(vendor, external_id.to_string()));
                let is_shown = shown.is_some_and(|fields| fields.contains(field));
                // What a vendor takes and does not show is not seen here, either.
                let theirs = theirs.is_none_or(|held| held.contains(&pair.external))
                    || !is_shown
                    || pair.external == im_model::ExternalValue::EMPTY.digest();
                assert!(
                    ours && theirs,
                    "invariant 7: the base of {field} of {} at {integration} {external_id} holds what {} was never \
                     seen to hold",
                    incident.id,
                    if ours { "the vendor" } else { "the platform" },
                );
            }
        }
    }
}

/// Whose integration it is.
pub fn vendor_of(integration: &str) -> IntegrationType {
    let mut all = IntegrationType::ALL.iter().copied();
    let it = all.find(|vendor| World::integration_with(*vendor) == integration);
    it.expect("one of ours")
}

fn writes(request: &Request<Bytes>) -> bool {
    request.method() != Method::GET && !request.uri().path().contains("search")
}

impl Witness for Ledger {
    fn arrives(&self, vendor: IntegrationType, request: &Request<Bytes>) {
        if writes(request) {
            self.snapshot(vendor);
            self.state().writing = true;
        }
    }

    fn carried_out(&self, vendor: IntegrationType, answer: &[u8]) {
        let worker = Worker::present()
            .map_or_else(|| "nobody".to_owned(), |worker| worker.name().to_owned());
        if std::mem::take(&mut self.state().writing) {
            self.compare(vendor, Some(&worker));
        }
        let answer = String::from_utf8_lossy(answer);
        let mut state = self.state();
        state.answers.entry(worker).or_default().push_str(&answer);
    }
}
