//! The vendor's pages, compared with the links.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{ExternalId, ExternalRecord, Incident, IncidentId, Place, Purpose, Run, Severity};
use im_sync::{Facts, Subject, Trigger};
use im_vendors::{ListQuery, Listing, registry};

use super::{
    Step,
    compare::{Look, compare, is_on_its_way},
    slice::{Login, Slice, mark},
};
use crate::{Hint, Outcome, Suspect, SyncError, sync::is_unauthorized};

/// A page with what the platform holds of it.
struct Compared {
    owners: BTreeMap<ExternalId, IncidentId>,
    incidents: BTreeMap<IncidentId, Incident>,
}

impl Slice<'_> {
    pub(super) async fn list(
        &mut self,
        run: &mut Run,
        after: Option<&str>,
    ) -> Result<Step, SyncError> {
        let login = self.login().await?;
        let page = self.page(run, after).await?;
        run.counts.pages += 1;
        run.counts.records += page.records.len() as u64;
        let compared = self.compared(&page).await?;
        run.counts.linked += page
            .records
            .iter()
            .filter(|record| compared.owners.contains_key(&record.id))
            .count() as u64;
        if run.is_full() {
            let marks: Vec<_> = page.records.iter().map(|record| mark(&record.id)).collect();
            let runs = &self.reconciler.starter.runs;
            runs.put_seen(&run.id, run.counts.steps, &marks).await?;
        }
        let suspects = if run.is_poll() {
            self.polled(&page, &compared)
        } else {
            self.suspects(run, &login, &page, &compared)?
        };
        self.suspect(run, suspects).await?;
        let looks_at_links = run.is_full() || run.purpose == Purpose::Backfill;
        Ok(Step::Done(match page.next {
            _ if Self::is_limit_reached(run) => Place::Looking { chunk: 0 },
            Some(next) => Place::Listing { after: Some(next) },
            None if !run.is_poll() && looks_at_links => Place::Links { after: None },
            None => Place::Looking { chunk: 0 },
        }))
    }

    /// One page, in the lane of what is least urgent.
    async fn page(&mut self, run: &Run, after: Option<&str>) -> Result<Listing, SyncError> {
        let query = ListQuery {
            since: run.since,
            noted_since: run.noted_since,
            until: run.started_at,
        };
        let engine = self.engine();
        let permit = engine.pace.enter(&self.integration.id).await?;
        permit.admit(&self.integration, Severity::Sev4).await?;
        let mut listed = self.ask(&query, after).await;
        if listed.as_ref().is_err_and(is_unauthorized) {
            engine
                .credentials
                .fetch(&self.integration.secret_id)
                .await?;
            self.login = None;
            listed = self.ask(&query, after).await;
        }
        let came_to = listed.as_ref().map(|_| Outcome::NothingNew);
        permit.end(&came_to.map_err(Clone::clone)).await;
        match listed {
            // As for any job: it is paused, and says why.
            Err(error) if is_unauthorized(&error) => {
                engine.refused(error, &self.integration).await?;
                Err(self.suspended("the vendor refuses its credentials (401); it was paused"))
            }
            listed => listed,
        }
    }

    /// What is newer than its link has seen.
    fn polled(&self, page: &Listing, compared: &Compared) -> Vec<Suspect> {
        let shown = page.records.iter().filter(|record| {
            let incident = compared.incident_of(&record.id);
            let link = incident.and_then(|it| it.links.get(&self.integration.id));
            link.is_none_or(|link| link.record_version < Some(record.version))
        });
        let shown = shown.map(|record| &record.id);
        let changed: BTreeSet<_> = shown.chain(&page.changed).chain(&page.noted).collect();
        let noted = |id: &ExternalId| page.noted.contains(id);
        let suspects = changed.into_iter();
        let suspects = suspects.map(|id| self.suspect_at(id, true, noted(id), Vec::new()));
        suspects.collect()
    }

    async fn ask(&mut self, query: &ListQuery, after: Option<&str>) -> Result<Listing, SyncError> {
        let Login { credentials, .. } = self.login().await?;
        let vendor = registry::vendor_api(self.integration.integration_type);
        let connection = im_vendors::Connection {
            transport: self.reconciler.transport.as_ref(),
            ..self.engine().connection(&self.integration, &credentials)
        };
        Ok(vendor.list(connection, query, after).await?)
    }

    async fn compared(&self, page: &Listing) -> Result<Compared, SyncError> {
        let shown = page.records.iter().map(|record| &record.id);
        let ids: BTreeSet<_> = shown.chain(&page.changed).chain(&page.noted).collect();
        let ids: Vec<_> = ids.into_iter().cloned().collect();
        let lookup = &self.reconciler.lookup;
        let owners = lookup
            .incidents_of_records(&self.integration.id, &ids)
            .await?;
        let incidents: BTreeSet<_> = owners.values().cloned().collect();
        let incidents: Vec<_> = incidents.into_iter().collect();
        let incidents = lookup.load_many(&incidents).await?.into_iter();
        Ok(Compared {
            owners,
            incidents: incidents.map(|it| (it.id.clone(), it)).collect(),
        })
    }

    fn suspects(
        &self,
        run: &mut Run,
        login: &Login,
        page: &Listing,
        compared: &Compared,
    ) -> Result<Vec<Suspect>, SyncError> {
        let trigger = self.trigger(Subject::Record)?;
        let mut suspects: BTreeMap<&ExternalId, Suspect> = BTreeMap::new();
        for record in &page.records {
            let incident = compared.incident_of(&record.id);
            let listed = match incident {
                Some(incident) if run.purpose == Purpose::Reconcile => {
                    let now = self.reconciler.now();
                    match compare(&self.integration, &login.rules, incident, record, now) {
                        Look::Fine => continue,
                        Look::InProgress => {
                            run.counts.in_progress += 1;
                            continue;
                        }
                        Look::Differs(items) => items,
                    }
                }
                None if self.may_be_missed(run, login, trigger.as_ref(), record) => Vec::new(),
                Some(_) | None => continue,
            };
            let suspect = self.suspect_at(&record.id, true, false, listed);
            suspects.insert(&record.id, suspect);
        }
        for id in &page.changed {
            let may_be_new = compared.incident_of(id).is_none();
            if run.purpose == Purpose::Reconcile || may_be_new {
                suspects
                    .entry(id)
                    .or_insert_with(|| self.suspect_at(id, true, false, Vec::new()));
            }
        }
        for id in page
            .noted
            .iter()
            .filter(|_| run.purpose == Purpose::Reconcile)
        {
            let Some(incident) = compared.incident_of(id) else {
                continue;
            };
            if is_on_its_way(&self.integration, incident) {
                continue;
            }
            let suspect = suspects.entry(id);
            let suspect = suspect.or_insert_with(|| self.suspect_at(id, false, true, Vec::new()));
            suspect.notes = true;
            suspect.hint = self.hint(id, true);
        }
        Ok(suspects.into_values().collect())
    }

    /// A record without an incident: is it one that should have become one? What was there before the integration is a
    /// backfill's.
    fn may_be_missed(
        &self,
        run: &Run,
        login: &Login,
        trigger: Option<&Trigger>,
        record: &ExternalRecord,
    ) -> bool {
        let is_old = record.updated_at < self.integration.created_at;
        if record.merged_into.is_some() {
            return false;
        }
        if record.correlation.is_some() {
            return true;
        }
        if is_old && run.purpose == Purpose::Reconcile {
            return false;
        }
        self.integration.direction.allows_inbound()
            && trigger.is_none_or(|trigger| {
                trigger
                    .evaluate(&Facts::of_record(record, &login.rules))
                    .holds
            })
    }

    fn suspect_at(
        &self,
        id: &ExternalId,
        values: bool,
        notes: bool,
        listed: Vec<im_model::DriftItem>,
    ) -> Suspect {
        Suspect {
            hint: self.hint(id, notes),
            values,
            notes,
            listed,
        }
    }

    pub(super) fn hint(&self, id: &ExternalId, notes: bool) -> Hint {
        Hint::External {
            integration: self.integration.id.clone(),
            external_id: id.clone(),
            at_least: None,
            changed: BTreeMap::new(),
            author: None,
            notes,
        }
    }
}

impl Compared {
    fn incident_of(&self, id: &ExternalId) -> Option<&Incident> {
        self.incidents.get(self.owners.get(id)?)
    }
}
