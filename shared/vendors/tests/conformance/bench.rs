//! A rig with an integration of its vendor, and what the tests do with it again and again.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use im_model::{
    Activity, ConflictStrategy, Direction, ExternalId, ExternalRecord, ExternalValue, Field,
    IncidentId, Integration, OrganizationId, Secret, Writability,
};
use im_sandbox::{Clock as _, ManualClock};
use im_sync::LinkRules;
use im_vendors::{
    Connection, Credentials, Memory, VendorApi, VendorError, WebhookSource, Written, registry,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    rig::{Pairs, Rig, Sample, Setting},
    wire::Wire,
};

const START: &str = "2026-01-02T03:04:05.678Z";

/// Values by field, as they are written.
pub type Values = BTreeMap<Field, ExternalValue>;

/// A new account and an integration of it.
pub struct Bench<R> {
    pub wire: Wire<R>,
    pub api: &'static dyn VendorApi,
    pub webhooks: &'static dyn WebhookSource,
    pub integration: Integration,
    pub credentials: Credentials,
    pub memory: Memory,
    clock: ManualClock,
    incidents: AtomicU32,
}

impl<R: Rig> Bench<R> {
    pub fn new() -> Self {
        let clock = ManualClock::new(START.parse().expect("a time"));
        let api = registry::vendor_api(R::VENDOR);
        let integration = integration::<R>(api);
        let setting = Setting {
            clock: clock.clone(),
            webhook_url: format!(
                "https://im.example/webhooks/{}/{}",
                R::VENDOR,
                integration.id
            ),
        };
        Self {
            wire: Wire::new(R::new(setting)),
            api,
            webhooks: registry::webhook_source(R::VENDOR),
            integration,
            credentials: credentials(R::CREDENTIALS),
            memory: Memory::default(),
            clock,
            incidents: AtomicU32::new(1000),
        }
    }

    pub fn rig(&self) -> &R {
        &self.wire.rig
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A minute goes by: longer than any vendor's index lags, or its times are rounded.
    pub fn wait(&self) {
        self.clock.advance(SignedDuration::from_secs(60));
    }

    /// So much time goes by.
    pub fn pass(&self, time: SignedDuration) {
        self.clock.advance(time);
    }

    pub fn connection(&self) -> Connection<'_> {
        Connection {
            base_url: &self.integration.base_url,
            options: &self.integration.options,
            credentials: &self.credentials,
            transport: &self.wire,
            memory: &self.memory,
            integration: &self.integration.id,
            now: self.now(),
        }
    }

    pub async fn rules(&self) -> LinkRules {
        let rules = self.api.rules(&self.integration, self.connection()).await;
        rules.expect("the rules")
    }

    /// An incident that was not named before.
    pub fn next_incident(&self) -> IncidentId {
        incident(self.incidents.fetch_add(1, Ordering::Relaxed))
    }

    /// The samples of fields that can be written at any time.
    pub async fn writable(&self) -> Vec<Sample> {
        let rules = self.rules().await;
        let mut samples = R::samples();
        samples.retain(|sample| rules.fields[&sample.field].writability == Writability::Always);
        assert!(!samples.is_empty(), "nothing can be written");
        samples
    }

    /// Those of them that can be written together.
    pub async fn writable_together(&self) -> Vec<Sample> {
        let samples = self.writable().await;
        let losing: Vec<_> = samples
            .iter()
            .flat_map(|sample| sample.wins_over.iter().map(|(field, _)| field.clone()))
            .collect();
        let mut together = samples;
        together.retain(|sample| !losing.contains(&sample.field));
        together
    }

    /// A record that a person made, a minute ago.
    pub fn record(&self) -> ExternalId {
        let id = self.rig().create("Disk full");
        self.wait();
        id
    }

    pub async fn read(&self, id: &ExternalId) -> ExternalRecord {
        let read = self.api.read(self.connection(), id).await;
        read.expect("the record")
    }

    /// Reads the record and writes to it, as a worker does.
    pub async fn write(&self, id: &ExternalId, values: &Values) -> Result<Written, VendorError> {
        let record = self.read(id).await;
        let written = self.api.write(self.connection(), &record, values).await;
        self.wait();
        written
    }

    pub async fn create(
        &self,
        incident: &IncidentId,
        values: &Values,
    ) -> Result<Written, VendorError> {
        let created = self.api.create(self.connection(), incident, values).await;
        self.wait();
        created
    }

    pub async fn find(&self, incident: &IncidentId) -> Vec<ExternalRecord> {
        let found = self.api.find(self.connection(), incident).await;
        found.expect("an answer")
    }

    /// What the vendor holds and, where it shows it, what a record says must both be this.
    pub fn assert_holds(&self, record: &ExternalRecord, sample: &Sample, value: &ExternalValue) {
        let field = &sample.field;
        let held = self.rig().holds(&record.id, field);
        assert_eq!(
            held.as_deref(),
            value.as_str(),
            "what the vendor holds as {field}"
        );
        let shown = record.fields.get(field).map(|observed| &observed.value);
        match sample.read {
            crate::rig::Ability::Has => assert_eq!(shown, Some(value), "{field} as read"),
            crate::rig::Ability::Lacks(why) => {
                assert_eq!(shown, None, "{field} was said to be unreadable: {why}");
            }
        }
    }

    /// The requests since the last time that asked for a change and were granted it.
    pub fn take_writes(&self) -> usize {
        let sent = self.wire.take_sent();
        sent.iter()
            .filter(|sent| sent.write && sent.accepted)
            .count()
    }
}

/// An incident of the platform, by number.
pub fn incident(number: u32) -> IncidentId {
    IncidentId::parse(&format!("INC-{number:026}")).expect("an incident id")
}

/// One value of each sample: the first or the second.
pub fn values<'a>(samples: impl IntoIterator<Item = &'a Sample>, which: usize) -> Values {
    let value = |sample: &Sample| {
        let value = ExternalValue::text(sample.values[which]);
        (sample.field.clone(), value)
    };
    samples.into_iter().map(value).collect()
}

/// One field's value.
pub fn value(field: &Field, text: &str) -> Values {
    Values::from([(field.clone(), ExternalValue::text(text))])
}

pub fn credentials(pairs: Pairs) -> Credentials {
    let pairs = pairs.iter();
    let secrets = pairs.map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
    Credentials(secrets.collect())
}

fn integration<R: Rig>(api: &dyn VendorApi) -> Integration {
    let start: Timestamp = START.parse().expect("a time");
    let options = R::OPTIONS.iter();
    let options = options.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Integration {
        id: format!("prod-{}", R::VENDOR).parse().expect("an id"),
        organization: OrganizationId::parse("acme").expect("an id"),
        integration_type: R::VENDOR,
        name: R::VENDOR.to_string(),
        base_url: R::BASE_URL.parse().expect("a URL"),
        direction: Direction::Bidirectional,
        enabled: true,
        activity: Activity::Active,
        paused_because: None,
        strategy: ConflictStrategy::LastWriteWins,
        conflict_window: im_model::Integration::CONFLICT_WINDOW,
        requests_per_minute: None,
        mode: im_model::Mode::Webhook,
        brake: im_model::Brake::default(),
        mappings: im_model::Mappings::default(),
        triggers: im_model::Triggers::default(),
        notes_in_since: std::collections::BTreeMap::new(),
        options: options.collect(),
        ownership: api.default_ownership(),
        secret_id: "none".to_owned(),
        version: 1,
        created_at: start,
        updated_at: start,
    }
}
