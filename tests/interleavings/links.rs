//! The store: links that come to be, and incidents that are made of records (`im_store`'s `incident/link.rs`).

use im_engine::{CreationOrigin, JournalEntry, NewIncident};

use super::{
    ask::{Connected, Reserved},
    scenario::Protocol,
    shared::Shared,
    state::State,
};

impl State {
    /// `reserve`.
    pub fn reserve(&mut self, reserve: &Reserved) -> bool {
        let version = reserve.link.version - 1;
        if !self.has_link(&reserve.incident.id, &reserve.integration, version)
            || !self.has_fields(&reserve.incident, reserve.fields.iter())
        {
            return false;
        }
        let mut incident = (*self.incidents[&reserve.incident.id]).clone();
        incident
            .links
            .insert(reserve.integration.clone(), reserve.link.clone());
        self.put_incident(incident);
        true
    }

    /// `put_connection`: link and entry in one transaction.
    pub fn connect(&mut self, connect: &Connected, protocol: &Protocol) -> bool {
        let id = &connect.incident.id;
        let entry = (connect.integration.clone(), connect.external_id.clone());
        let is_free = self.entries.get(&entry).is_none_or(|owner| owner == id);
        let version = connect.link.version - 1;
        if !self.has_link(id, &connect.integration, version)
            || protocol.entry_is_conditional && !is_free
        {
            return false;
        }
        let mut incident = if connect.settles_debt {
            match self.settled(&connect.incident, &connect.integration) {
                Some(incident) => incident,
                None => return false,
            }
        } else {
            (*self.incidents[id]).clone()
        };
        incident
            .links
            .insert(connect.integration.clone(), connect.link.clone());
        self.entries.insert(entry, id.clone());
        self.put_incident(incident);
        true
    }

    /// `create`: incident, entry and journal in one transaction.
    pub fn import(&mut self, new: &NewIncident, protocol: &Protocol) -> bool {
        let CreationOrigin::Record(integration, external_id) = &new.origin else {
            unreachable!("workers import records");
        };
        let entry = (integration.clone(), external_id.clone());
        if protocol.entry_is_conditional && self.entries.contains_key(&entry) {
            return false;
        }
        self.entries.insert(entry, new.incident.id.clone());
        if let JournalEntry::Claim(claim) = &new.entry {
            let of = (
                claim.incident.clone(),
                claim.integration.clone(),
                claim.link_version,
            );
            self.journal
                .insert((of, claim.attempt), Shared::new((**claim).clone()));
        }
        let owed: Vec<_> = new.incident.pending.keys().cloned().collect();
        let mut incident = new.incident.clone();
        incident.revision -= 1;
        let id = incident.id.clone();
        self.put_incident(incident);
        self.owe(&id, owed.iter());
        true
    }
}
