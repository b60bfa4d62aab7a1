//! The vendor's pages, compared with the links.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use im_model::{
    DriftItem, DriftKind, ExternalId, ExternalRecord, Incident, IncidentId, Place, Purpose, Run,
    Severity,
};
use im_sync::{Facts, Subject, Trigger};
use im_vendors::{ListQuery, Listing, registry};

use super::{
    Step,
    compare::{Look, compare, is_on_its_way},
    slice::{Login, Slice, mark},
};
use crate::{
    Cause, Hint, Job, Outcome, RetryMessage, SyncError,
    sync::{Inspection, is_unauthorized},
};

/// So many links of a run are looked at closely. Of more it is said what the listing shows: the brake will stop such a run.
const MOST_READS: u64 = 1000;

/// So many requests to the vendor run at once.
pub(super) const AT_ONCE: usize = 4;

/// What is worth a closer look, and at what of it.
pub(super) struct Suspect {
    pub(super) hint: Hint,
    /// Anything but notes.
    pub(super) values: bool,
    pub(super) notes: bool,
    /// What the listing says, where there is no time for a closer look.
    pub(super) listed: Vec<DriftItem>,
}

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
        if run.is_poll() {
            self.take_in(run, &page, &compared).await?;
        } else {
            let suspects = self.suspects(run, &login, &page, &compared)?;
            let found = self.look_closely(run, suspects).await?;
            self.keep(run, found).await?;
        }
        Ok(match page.next {
            Some(next) => Step::Done(Place::Listing { after: Some(next) }),
            None if !run.is_poll() && (run.is_full() || run.purpose == Purpose::Backfill) => {
                Step::Done(Place::Links { after: None })
            }
            None => self.after_looking(run),
        })
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
        listed
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
                Some(_) => continue,
                None if self.may_be_missed(run, login, trigger.as_ref(), record) => Vec::new(),
                None => continue,
            };
            let suspect = self.suspect(&record.id, true, false, listed);
            suspects.insert(&record.id, suspect);
        }
        for id in &page.changed {
            let may_be_new = compared.incident_of(id).is_none();
            if run.purpose == Purpose::Reconcile || may_be_new {
                suspects
                    .entry(id)
                    .or_insert_with(|| self.suspect(id, true, false, Vec::new()));
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
            let suspect = suspect.or_insert_with(|| self.suspect(id, false, true, Vec::new()));
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
        let is_old = record.created_at < self.integration.created_at;
        if record.merged_into.is_some() || is_old && run.purpose == Purpose::Reconcile {
            return false;
        }
        let comes_in = self.integration.direction.allows_inbound()
            && trigger.is_none_or(|trigger| {
                trigger
                    .evaluate(&Facts::of_record(record, &login.rules))
                    .holds
            });
        record.correlation.is_some() || comes_in
    }

    fn suspect(
        &self,
        id: &ExternalId,
        values: bool,
        notes: bool,
        listed: Vec<DriftItem>,
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

    /// Each suspect by a fresh read.
    pub(super) async fn look_closely(
        &self,
        run: &mut Run,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<DriftItem>, SyncError> {
        let left =
            usize::try_from(MOST_READS.saturating_sub(run.counts.reads)).unwrap_or(usize::MAX);
        let id = run.id.clone();
        let looks = suspects.into_iter().enumerate().map(|(number, suspect)| {
            let hint = suspect.hint.clone();
            let job = self.job(&id, hint.clone(), true);
            async move {
                if number >= left && !suspect.listed.is_empty() {
                    return (hint, false, Ok(Inspection::Found(suspect.listed)));
                }
                let inspected = self.engine().inspect(&job).await;
                let wanted = |item: &DriftItem| match item.kind {
                    DriftKind::MissingNote => suspect.notes,
                    _ => suspect.values,
                };
                let inspected = inspected.map(|inspection| match inspection {
                    Inspection::Found(mut items) => {
                        items.retain(wanted);
                        Inspection::Found(items)
                    }
                    Inspection::InProgress => Inspection::InProgress,
                });
                (hint, true, inspected)
            }
        });
        let looks: Vec<_> = looks.collect();
        let mut looked = stream::iter(looks).buffered(AT_ONCE);
        let mut found = Vec::new();
        while let Some((hint, was_read, inspected)) = looked.next().await {
            run.counts.reads += u64::from(was_read);
            match inspected {
                Ok(Inspection::Found(items)) => found.extend(items),
                Ok(Inspection::InProgress) => run.counts.in_progress += 1,
                Err(error @ SyncError::Store(_)) => return Err(error),
                Err(error) if self.reconciler.wait_after(&error).is_some() => return Err(error),
                Err(error) => found.push(unreadable(&hint, &error)),
            }
        }
        self.within_limit(run, &mut found);
        Ok(found)
    }

    /// A backfill may be limited to so many creations, and looks for nothing else.
    fn within_limit(&self, run: &Run, found: &mut Vec<DriftItem>) {
        if run.purpose == Purpose::Backfill {
            found.retain(|item| {
                matches!(
                    item.kind,
                    DriftKind::MissedCreate | DriftKind::MissingRecord
                )
            });
        }
        if let Some(limit) = run.limit {
            let left = u64::from(limit).saturating_sub(run.found());
            found.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
    }

    pub(super) fn job(&self, run: &im_model::RunId, hint: Hint, heals: bool) -> Job {
        Job {
            hint,
            cause: Cause::Run {
                run: run.clone(),
                heals,
            },
            waited: true,
            insist: false,
        }
    }

    /// Polling: what changed is synced as if a webhook had said so.
    async fn take_in(
        &self,
        run: &mut Run,
        page: &Listing,
        compared: &Compared,
    ) -> Result<(), SyncError> {
        let shown = page.records.iter().filter(|record| {
            let incident = compared.incident_of(&record.id);
            let link = incident.and_then(|it| it.links.get(&self.integration.id));
            link.is_none_or(|link| link.record_version < Some(record.version))
        });
        let shown = shown.map(|record| &record.id);
        let changed: BTreeSet<_> = shown.chain(&page.changed).chain(&page.noted).collect();
        let id = run.id.clone();
        let syncs = changed.into_iter().map(|record| {
            let job = self.job(&id, self.hint(record, page.noted.contains(record)), false);
            async move {
                let synced = self.engine().sync(&job, None, None).await;
                (job, synced)
            }
        });
        let syncs: Vec<_> = syncs.collect();
        let mut synced = stream::iter(syncs).buffered(AT_ONCE);
        while let Some((job, synced)) = synced.next().await {
            run.counts.reads += 1;
            match synced {
                Ok(Outcome::NothingNew | Outcome::Skipped(_) | Outcome::Suspended(_)) => {}
                Ok(_) => run.counts.healed += 1,
                Err(error) => {
                    // The retry ladder takes it from here, and lists it if it dies.
                    run.counts.failed += 1;
                    tracing::warn!(job = %job.hint, error = error.summary(), "polled, and not synced yet");
                    let message = RetryMessage::first(job, self.reconciler.now());
                    self.reconciler.retries.put(&message).await?;
                }
            }
        }
        Ok(())
    }
}

impl Compared {
    fn incident_of(&self, id: &ExternalId) -> Option<&Incident> {
        self.incidents.get(self.owners.get(id)?)
    }
}

/// One that cannot be looked at is no reason not to look at the others.
fn unreadable(hint: &Hint, error: &SyncError) -> DriftItem {
    let (incident, external_id) = match hint {
        Hint::External { external_id, .. } => (None, Some(external_id.clone())),
        Hint::Incident { incident, .. } => (Some(incident.clone()), None),
    };
    DriftItem {
        kind: DriftKind::ValueDrift,
        incident,
        external_id,
        field: None,
        base: None,
        platform: None,
        external: None,
        right: None,
        why: format!("it could not be looked at: {error}"),
        action: im_model::ProposedAction::None,
        verified: false,
        result: None,
    }
}
