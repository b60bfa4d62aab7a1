//! What is explored: how the link is configured, what may happen, and which rule is taken out.

use std::{collections::BTreeMap, sync::Arc};

use im_model::{
    Activity, ConflictStrategy, Direction, Field, Integration, IntegrationId, IntegrationType,
    NoteKind, Owner, Ownership,
};
use jiff::SignedDuration;

use super::outside::Configured;

/// What may still happen by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Edits by people, on either side.
    pub edits: u8,
    /// Workers that die between two steps.
    pub crashes: u8,
    /// Answers of a vendor's that do not arrive, or that arrive when nobody waits any more.
    pub silences: u8,
    /// Hints that come a second time.
    pub repeats: u8,
    /// Moments in which time passes while somebody works.
    pub stalls: u8,
    /// How often a worker goes on while another one that has just worked stands still; `None` is without end.
    pub switches: Option<u8>,
}

/// How a case begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Incident and records are linked and agree.
    Linked,
    /// An incident that is to be sent, and nothing at the vendor.
    Unsent,
    /// A record of a person's that is to be imported.
    Unknown,
}

/// The rules of the protocol. Each `false` breaks one of them outside of the engine: in what the store or a vendor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch a rule")]
pub struct Protocol {
    /// A claim is put only where there is none.
    pub claim_is_conditional: bool,
    /// Nobody takes a link over while its claim's lease runs.
    pub lease_is_waited_for: bool,
    /// What a dead worker has sent is looked for.
    pub dead_claims_are_settled: bool,
    /// A commit requires the link as it was loaded.
    pub commit_requires_the_link: bool,
    /// A commit requires the fields as they were loaded.
    pub commit_requires_the_fields: bool,
    /// Only written, pulled and agreed fields get a new base.
    pub base_is_of_decided_fields: bool,
    /// A commit moves the base.
    pub commit_moves_the_base: bool,
    /// An edit on the platform wakes `outbound`.
    pub edits_wake: bool,
    /// What a write took the place of is looked for.
    pub overwritten_is_looked_for: bool,
    /// A record carries the id of its incident.
    pub record_carries_the_incident: bool,
    /// Whoever takes a reservation over looks for the record first.
    pub record_is_looked_for: bool,
    /// An external id has one entry.
    pub entry_is_conditional: bool,
    /// What a vendor carries out late, it carries out within the lease.
    pub vendor_keeps_the_lease: bool,
}

impl Protocol {
    /// As it is.
    pub const WHOLE: Self = Self {
        claim_is_conditional: true,
        lease_is_waited_for: true,
        dead_claims_are_settled: true,
        commit_requires_the_link: true,
        commit_requires_the_fields: true,
        base_is_of_decided_fields: true,
        commit_moves_the_base: true,
        edits_wake: true,
        overwritten_is_looked_for: true,
        record_carries_the_incident: true,
        record_is_looked_for: true,
        entry_is_conditional: true,
        vendor_keeps_the_lease: true,
    };
}

/// How the vendor tells of edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Records count their changes; a webhook only says that there was one (`ServiceNow`).
    Counts,
    /// Records have times only; a webhook says who changed what and when (Jira).
    Tells,
}

/// One case to explore.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: &'static str,
    pub start: Start,
    pub vendors: usize,
    pub style: Style,
    pub strategy: ConflictStrategy,
    /// Of the title and of the description.
    pub ownership: [Ownership; 2],
    /// How many values a field may have.
    pub values: usize,
    /// Do jobs of one link that wait become one? Else each of them is worked on, in any order.
    pub together: bool,
    /// Seconds between two edits. The window of conflicts is 5 s.
    pub gap: u32,
    pub left: Left,
    pub protocol: Protocol,
}

/// Both sides may change it.
pub const SHARED: Ownership = Ownership {
    platform: Some(1),
    external: Some(1),
};

/// The fields that people edit.
pub const FIELDS: [Field; 2] = [Field::Title, Field::Description];

impl Scenario {
    /// Two systems, two shared fields, no faults yet.
    pub fn of(name: &'static str, edits: u8) -> Self {
        Self {
            name,
            start: Start::Linked,
            vendors: 1,
            style: Style::Counts,
            strategy: ConflictStrategy::LastWriteWins,
            ownership: [SHARED; 2],
            values: 3,
            together: false,
            gap: 7,
            left: Left {
                edits,
                crashes: 0,
                silences: 0,
                repeats: 0,
                stalls: 0,
                switches: None,
            },
            protocol: Protocol::WHOLE,
        }
    }

    pub fn ids(&self) -> Vec<IntegrationId> {
        let names = ["snow", "other"].into_iter().take(self.vendors);
        names.map(|name| name.parse().expect("an id")).collect()
    }

    pub fn owner(&self, field: &Field) -> Ownership {
        let place = FIELDS.iter().position(|known| known == field);
        place.map_or(SHARED, |place| self.ownership[place])
    }

    pub fn configured(&self) -> Arc<Configured> {
        let integrations = self
            .ids()
            .into_iter()
            .map(|id| (id.clone(), self.integration(id)));
        Arc::new(Configured {
            integrations: integrations.collect(),
            counts: self.style == Style::Counts,
        })
    }

    fn integration(&self, id: IntegrationId) -> Integration {
        let notes = NoteKind::ALL.iter().map(|kind| {
            // Not part of the model: no note comes in.
            ((*kind).into(), Ownership::only(Owner::Platform, 1))
        });
        let fields = FIELDS
            .into_iter()
            .map(|field| (field.clone().into(), self.owner(&field)));
        Integration {
            base_url: format!("https://{id}.example.com").parse().expect("a URL"),
            name: id.to_string(),
            secret_id: id.to_string(),
            id,
            organization: "acme".parse().expect("an id"),
            integration_type: IntegrationType::ServiceNow,
            direction: Direction::Bidirectional,
            enabled: true,
            activity: Activity::Active,
            paused_because: None,
            requests_per_minute: None,
            mode: im_model::Mode::Webhook,
            brake: im_model::Brake::default(),
            strategy: self.strategy,
            conflict_window: SignedDuration::from_secs(5),
            mappings: BTreeMap::new(),
            triggers: im_model::Triggers::default(),
            options: BTreeMap::new(),
            ownership: notes.chain(fields).collect(),
            notes_in_since: BTreeMap::new(),
            version: 1,
            created_at: super::at(0),
            updated_at: super::at(0),
        }
    }
}
