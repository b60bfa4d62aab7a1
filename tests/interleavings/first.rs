//! How a case begins.

use std::collections::BTreeMap;

use im_model::{
    ActorId, BasePair, ExternalValue, Field, FieldState, Incident, IncidentId, IntegrationId, Link,
    LinkState, Origin, PlatformValue, RecordVersion, Side,
};

use super::{
    scenario::{FIELDS, Scenario, Start},
    shared::{Part, Shared},
    state::{Seen, State, incident_id, value},
    vendor::{Author, Record, Vendor},
};

impl State {
    pub fn first(scenario: &Scenario) -> Self {
        let mut state = Self {
            now: 1000,
            incidents: Part::new(BTreeMap::new()),
            journal: Part::new(BTreeMap::new()),
            entries: Part::new(BTreeMap::new()),
            conflicts: Part::new(BTreeMap::new()),
            vendors: Part::new(
                scenario
                    .ids()
                    .into_iter()
                    .map(|id| (id, Vendor::default()))
                    .collect(),
            ),
            queue: Vec::new(),
            workers: Vec::new(),
            flying: Vec::new(),
            left: scenario.left,
            seen: Part::new(Seen::default()),
            together: scenario.together,
            turn: None,
        };
        if scenario.start != Start::Unknown {
            let incident = first_incident();
            state
                .incidents
                .insert(incident.id.clone(), Shared::new(incident));
        }
        for id in scenario.ids() {
            match scenario.start {
                Start::Linked => state.link(&id),
                Start::Unsent => {}
                Start::Unknown => state.add_record(&id, None),
            }
        }
        for field in FIELDS {
            let sides = scenario.ids().into_iter().map(Some).chain([None]);
            for side in sides {
                let held = state.seen.held.entry((side, field.clone())).or_default();
                held.insert(value(0));
            }
        }
        match scenario.start {
            Start::Linked => {}
            Start::Unsent => state.owe(&incident_id(), scenario.ids().iter()),
            Start::Unknown => {
                for id in scenario.ids() {
                    let record = state.vendors[&id].records.values().next().cloned();
                    state.announce(&id, &record.expect("one"), Author::Person, scenario.style);
                }
            }
        }
        state
    }

    pub(super) fn link(&mut self, id: &IntegrationId) {
        self.add_record(id, Some(incident_id()));
        let record = self.vendors[id]
            .records
            .values()
            .next()
            .expect("one")
            .clone();
        let pair = |platform: &str, external: &str| {
            BasePair::seen(
                &PlatformValue::text(platform),
                &ExternalValue::text(external),
            )
        };
        let linked = LinkState::Linked {
            external_id: record.id.clone(),
            url: None,
        };
        let mut link = Link::new(1, linked, Side::Platform);
        link.record_version = Some(RecordVersion(record.announced().0));
        link.base = FIELDS
            .map(|field| (field, pair(&value(0), &value(0))))
            .into();
        link.base.insert(Field::Status, pair("open", "1"));
        self.entries
            .insert((id.clone(), record.id.clone()), incident_id());
        let mut incident = (*self.incidents[&incident_id()]).clone();
        incident.links.insert(id.clone(), link);
        self.incidents.insert(incident_id(), Shared::new(incident));
    }

    pub(super) fn add_record(&mut self, id: &IntegrationId, correlation: Option<IncidentId>) {
        let mut fields: BTreeMap<_, _> = FIELDS.map(|field| (field, value(0))).into();
        fields.insert(Field::Status, "1".to_owned());
        let vendor = self.vendors.get_mut(id).expect("configured");
        let record = Record {
            id: vendor.next_id(),
            created_at: 10,
            updated_at: 10,
            count: 0,
            correlation,
            fields,
            audit: Vec::new(),
        };
        vendor
            .records
            .insert(record.id.clone(), Shared::new(record));
    }
}

fn first_incident() -> Incident {
    let state = |text: &str| FieldState {
        value: PlatformValue::text(text),
        version: 1,
        changed_at: super::at(10),
        origin: Origin::Platform {
            actor: ActorId::parse("eve").expect("an actor"),
        },
    };
    let mut fields: BTreeMap<_, _> = FIELDS.map(|field| (field, state(&value(0)))).into();
    fields.insert(Field::Status, state("open"));
    Incident {
        id: incident_id(),
        organization: "acme".parse().expect("an id"),
        created_at: super::at(10),
        revision: 1,
        fields,
        links: BTreeMap::new(),
        pending: BTreeMap::new(),
        notes: 0,
        dead: BTreeMap::new(),
    }
}
