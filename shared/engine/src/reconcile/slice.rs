//! What one invocation does of a run.

use std::collections::HashSet;

use im_model::{ExternalId, ExternalValue, Integration, Place, Purpose, Run};
use im_sync::{LinkRules, Subject, Trigger};
use im_vendors::Credentials;

use super::{Reconciler, Step};
use crate::{SyncEngine, SyncError};

/// One invocation's work on a run.
pub(super) struct Slice<'a> {
    pub(super) reconciler: &'a Reconciler,
    pub(super) integration: Integration,
    pub(super) login: Option<Login>,
    /// Marks of the records that were listed, once they are asked for.
    seen: Option<HashSet<u64>>,
}

/// What is asked of the vendor before all else.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) credentials: Credentials,
    pub(super) rules: LinkRules,
}

impl<'a> Slice<'a> {
    pub(super) fn new(reconciler: &'a Reconciler, integration: Integration) -> Self {
        Self {
            reconciler,
            integration,
            login: None,
            seen: None,
        }
    }

    /// The next step of a run, as far as it gets.
    pub(super) async fn step(&mut self, run: &mut Run) -> Result<Step, SyncError> {
        match run.place.clone() {
            Place::Listing { after } => self.list(run, after.as_deref()).await,
            Place::Links { after } => self.look_through(run, after).await,
            Place::Looking { chunk } => self.look(run, chunk).await,
            Place::Applying { chunk } => self.apply(run, chunk).await,
            Place::Finished => Ok(Step::Done(Place::Finished)),
        }
    }

    pub(super) fn engine(&self) -> &'a SyncEngine {
        &self.reconciler.engine
    }

    pub(super) async fn login(&mut self) -> Result<Login, SyncError> {
        if let Some(login) = &self.login {
            return Ok(login.clone());
        }
        let engine = self.engine();
        let vendor = im_vendors::registry::vendor_api(self.integration.integration_type);
        let mut credentials = engine.credentials_of(&self.integration).await?;
        let rules = engine
            .rules(vendor, &self.integration, &mut credentials)
            .await?;
        let login = Login { credentials, rules };
        self.login = Some(login.clone());
        Ok(login)
    }

    /// The integration's trigger on one side; `None` if it has none.
    pub(super) fn trigger(&self, subject: Subject) -> Result<Option<Trigger>, SyncError> {
        let triggers = &self.integration.triggers;
        let text = match subject {
            Subject::Incident => &triggers.outbound,
            Subject::Record => &triggers.inbound,
        };
        let parsed = text.as_deref().map(|text| Trigger::parse(text, subject));
        parsed
            .transpose()
            .map_err(|error| SyncError::Misconfigured {
                integration: self.integration.id.clone(),
                detail: format!("a trigger is not valid any more; save it anew: {error}"),
            })
    }

    /// Was this record listed by the run?
    pub(super) async fn was_seen(&mut self, run: &Run, id: &ExternalId) -> Result<bool, SyncError> {
        if self.seen.is_none() {
            let marks = self.reconciler.starter.runs.seen(&run.id).await?;
            self.seen = Some(marks.into_iter().collect());
        }
        let seen = self.seen.as_ref();
        Ok(seen.is_some_and(|seen| seen.contains(&mark(id))))
    }

    /// What comes after all was looked through.
    pub(super) fn after_looking(&self, run: &Run) -> Step {
        if run.is_poll() || !run.apply || run.counts.to_heal == 0 {
            return Step::Done(Place::Finished);
        }
        let links = run.counts.linked.max(run.links_before.unwrap_or_default());
        let limit = self.integration.brake.limit(links);
        if run.purpose == Purpose::Reconcile && run.counts.to_heal > limit {
            return Step::Braked(format!(
                "it would write to {} of {links} links, and the brake allows {limit}: look at what was found, and confirm the run \
                 if it is right",
                run.counts.to_heal
            ));
        }
        Step::Done(Place::Applying { chunk: 0 })
    }
}

/// A record's mark: 64 bits of a digest. Two records of one mark among a million are one in 37 million; the worst that it does is
/// that one deletion is found by the next run.
pub(super) fn mark(id: &ExternalId) -> u64 {
    ExternalValue::text(id.as_str()).digest().leading_bits()
}
