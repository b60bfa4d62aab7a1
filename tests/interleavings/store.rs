//! The store: what `im_store` puts on which condition (`incident/update.rs`, `incident/link.rs`, `journal.rs`).

use std::collections::{BTreeMap, BTreeSet};

use im_engine::Claim;
use im_model::{
    BasePair, ExternalValue, Field, FieldState, Incident, IncidentId, IntegrationId, Origin,
    PlatformValue,
};

use super::{
    ask::{Ask, Committed, LinkVersion, Said},
    scenario::Protocol,
    shared::Shared,
    state::State,
};

impl State {
    /// Answers a question to the store.
    pub fn stored(&mut self, ask: &Ask, protocol: &Protocol) -> Said {
        match ask {
            Ask::IncidentOf(integration, id) => Said::Owner(
                self.entries
                    .get(&(integration.clone(), id.clone()))
                    .cloned(),
            ),
            Ask::Load(id) => Said::Incident(self.incidents.get(id).cloned()),
            Ask::Claim(claim) => Said::Stored(self.put_claim(claim, protocol)),
            Ask::LastClaim(of) => {
                let last = self.claims(of).into_iter().next_back();
                Said::Claim(last.map(|claim| Self::as_found(&claim, protocol)))
            }
            Ask::ClaimsOn(of) => {
                let claims = self.claims(of).into_iter();
                Said::Claims(
                    claims
                        .map(|claim| Self::as_found(&claim, protocol))
                        .collect(),
                )
            }
            Ask::Commit(commit) => Said::Stored(self.commit(commit, protocol)),
            Ask::SettleDebt(seen, integration) => {
                let settled = self.settled(seen, integration);
                let stored = settled.map(|incident| self.put_incident(incident));
                Said::Stored(stored.is_some())
            }
            Ask::Reserve(reserve) => Said::Stored(self.reserve(reserve)),
            Ask::Connect(connect) => Said::Stored(self.connect(connect, protocol)),
            Ask::Import(new) => Said::Stored(self.import(new, protocol)),
            Ask::Conflict(id) => Said::Conflict(self.conflicts.get(id).cloned()),
            Ask::Vendor(..) => unreachable!("the vendor's"),
        }
    }

    fn put_claim(&mut self, claim: &Shared<Claim>, protocol: &Protocol) -> bool {
        let of = (
            claim.incident.clone(),
            claim.integration.clone(),
            claim.link_version,
        );
        let key = (of, claim.attempt);
        if protocol.claim_is_conditional && self.journal.contains_key(&key) {
            return false;
        }
        let mut kept = (**claim).clone();
        // Words for people: no decision depends on them.
        kept.cause.clear();
        self.journal.insert(key, Shared::new(kept));
        true
    }

    /// All claims on a version of a link, by attempt.
    pub fn claims(&self, of: &LinkVersion) -> Vec<Shared<Claim>> {
        let on = self.journal.iter().filter(|((on, _), _)| on == of);
        on.map(|(_, claim)| claim.clone()).collect()
    }

    fn as_found(claim: &Shared<Claim>, protocol: &Protocol) -> Shared<Claim> {
        let mut found = (**claim).clone();
        if !protocol.dead_claims_are_settled {
            found.sent.clear();
        }
        if !protocol.lease_is_waited_for {
            found.lease_until = super::at(0);
        }
        if found == **claim {
            claim.clone()
        } else {
            Shared::new(found)
        }
    }

    /// `commit_expression`.
    fn commit(&mut self, commit: &Committed, protocol: &Protocol) -> bool {
        let touched: BTreeSet<_> = commit.base.keys().chain(commit.pulls.keys()).collect();
        let version = commit.link.version - 1;
        if protocol.commit_requires_the_link
            && !self.has_link(&commit.incident.id, &commit.integration, version)
            || protocol.commit_requires_the_fields
                && !self.has_fields(&commit.incident, touched.into_iter())
        {
            return false;
        }
        let settles =
            commit.incident.pending.contains_key(&commit.integration) && !commit.keeps_debt;
        let mut incident = if settles {
            match self.settled(&commit.incident, &commit.integration) {
                Some(incident) => incident,
                None => return false,
            }
        } else {
            (*self.incidents[&commit.incident.id]).clone()
        };
        let mut link = commit.link.clone();
        self.forget_workers(commit);
        link.outcome = None;
        if !protocol.base_is_of_decided_fields {
            link.base
                .extend(self.present_pairs(&incident, &commit.integration));
        }
        if !protocol.commit_moves_the_base {
            link.base = incident.links[&commit.integration].base.clone();
        }
        incident.links.insert(commit.integration.clone(), link);
        for (field, pulled) in &commit.pulls {
            let state = FieldState {
                value: pulled.value.clone(),
                version: commit.incident.field_version(field) + 1,
                changed_at: pulled.changed_at,
                origin: Origin::External {
                    integration: commit.integration.clone(),
                    author: pulled.author.clone(),
                },
            };
            incident.fields.insert(field.clone(), state);
        }
        let id = incident.id.clone();
        self.put_incident(incident);
        for conflict in &commit.conflicts {
            self.conflicts
                .insert(conflict.id.clone(), Shared::new(conflict.clone()));
        }
        if !commit.pulls.is_empty() {
            self.owe(&id, commit.owed.iter());
        }
        true
    }

    /// Whose a closed claim was, and what came of it, changes nothing any more.
    fn forget_workers(&mut self, commit: &Committed) {
        let version = commit.link.version - 1;
        let of = (
            commit.incident.id.clone(),
            commit.integration.clone(),
            version,
        );
        for ((on, _), claim) in self.journal.iter_mut() {
            if *on == of && !claim.worker.is_empty() {
                let mut closed = (**claim).clone();
                closed.worker.clear();
                *claim = Shared::new(closed);
            }
        }
    }

    /// What both sides hold now, whoever has read it.
    fn present_pairs(&self, incident: &Incident, of: &IntegrationId) -> BTreeMap<Field, BasePair> {
        let record = incident.links[of].external_id();
        let record = record.and_then(|id| self.vendors[of].records.get(id));
        let fields = record.into_iter().flat_map(|record| &record.fields);
        fields
            .map(|(field, value)| {
                let pair = BasePair::seen(&incident.value(field), &ExternalValue::text(value));
                (field.clone(), pair)
            })
            .collect()
    }

    /// `settle_debt`: the incident without the debt, if it is owed what it was owed.
    pub fn settled(&self, seen: &Incident, integration: &IntegrationId) -> Option<Incident> {
        let mut incident = (**self.incidents.get(&seen.id)?).clone();
        let Some(owed) = seen.pending.get(integration) else {
            return Some(incident);
        };
        if incident.pending.get(integration) != Some(owed) {
            return None;
        }
        incident.pending.remove(integration);
        Some(incident)
    }

    /// `manage::Incidents::edit`, whose two steps are one here: the journal's entry comes first and is always there.
    pub fn edit(&mut self, id: &IncidentId, field: &Field, value: &str, wakes: bool) {
        let mut incident = (*self.incidents[id]).clone();
        let state = FieldState {
            value: PlatformValue::text(value),
            version: incident.field_version(field) + 1,
            changed_at: super::at(self.now),
            origin: Origin::Platform {
                actor: "eve".parse().expect("an actor"),
            },
        };
        incident.fields.insert(field.clone(), state);
        self.put_incident(incident);
        let owed: Vec<_> = self.vendors.keys().cloned().collect();
        let queue = self.queue.clone();
        self.owe(id, owed.iter());
        if !wakes {
            self.queue = queue;
        }
    }

    pub fn put_incident(&mut self, incident: Incident) {
        self.incidents
            .insert(incident.id.clone(), Shared::new(incident));
    }

    pub fn has_link(&self, id: &IncidentId, integration: &IntegrationId, version: u64) -> bool {
        let Some(incident) = self.incidents.get(id) else {
            return false;
        };
        incident
            .links
            .get(integration)
            .map_or(0, |link| link.version)
            == version
    }

    pub fn has_fields<'a>(
        &self,
        seen: &Incident,
        mut fields: impl Iterator<Item = &'a Field>,
    ) -> bool {
        let Some(incident) = self.incidents.get(&seen.id) else {
            return false;
        };
        fields.all(|field| incident.field_version(field) == seen.field_version(field))
    }
}
