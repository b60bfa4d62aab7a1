//! Turns what came to the dead-letter queue into an entry.

use std::sync::Arc;

use im_model::{
    DeadLetterId, DeadLetterStatus, ExternalId, FailureReason, Incident, LinkState, TaskKind,
};
use jiff::Timestamp;

use super::{
    DeadLetter,
    close::{is_still_refused, mark_to_clear},
    refused_fields,
};
use crate::{
    Announcement, Counters, DeliveryEnd, FailedAttempt, Hint, RetryMessage, StoreError,
    ports::{
        Announcer, Attempt, Clock, DeadLetterStore, DeliveryStore, IncidentStore, Mark, Task,
        TaskStore,
    },
};

/// Records dead jobs.
pub struct DeadLetterRecorder {
    /// Entries.
    pub letters: Arc<dyn DeadLetterStore>,
    /// Incidents and their links.
    pub incidents: Arc<dyn IncidentStore>,
    /// Where the delivery that made a job is marked done.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// Where the vendor's recovery is asked for.
    pub tasks: Arc<dyn TaskStore>,
    /// Whom it is told.
    pub announcer: Arc<dyn Announcer>,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl DeadLetterRecorder {
    const MOST_RACES: u32 = 8;

    /// Makes an entry of a dead job, or adds it to its link's. The delivery that made it is done only then: whoever dies
    /// before has lost nothing. The same job brought twice is recorded once, and announced twice.
    ///
    /// # Errors
    /// Somebody of these could not be reached: the queue must bring it again.
    pub async fn record(&self, message: RetryMessage) -> Result<DeadLetter, StoreError> {
        let message = with_an_end(message);
        let letter = self.entry(&message).await?;
        if letter.status == DeadLetterStatus::Open {
            if letter.reason.passes() {
                self.ask_for_recovery(&letter).await?;
            }
            let announcement = Announcement::DeadLetter(Box::new(letter.clone()));
            self.announcer.announce(&announcement).await?;
        }
        for key in message.job.cause.deliveries() {
            let outcome = format!("dead letter {}", letter.id);
            self.deliveries
                .finish(key, &DeliveryEnd::Dead, &outcome)
                .await?;
        }
        tracing::error!(
            entry = %letter.id,
            integration = %letter.integration,
            job = %letter.job.hint,
            reason = %letter.reason,
            status = %letter.status,
            "a dead letter"
        );
        Ok(letter)
    }

    /// Records the job of a stream's record that Lambda has given up, if it is still open. Of such a batch most may have
    /// been done before, or brought again since. `comes_again` says that the batch cannot be taken as a whole: then a link
    /// that has an entry has it from the last time.
    ///
    /// # Errors
    /// As [`DeadLetterRecorder::record`].
    pub async fn record_given_up(
        &self,
        message: RetryMessage,
        comes_again: bool,
    ) -> Result<Option<DeadLetter>, StoreError> {
        if self.is_open(&message, comes_again).await? {
            return self.record(message).await.map(Some);
        }
        tracing::info!(job = %message.job.hint, "given up, and done all the same");
        Ok(None)
    }

    async fn is_open(&self, message: &RetryMessage, comes_again: bool) -> Result<bool, StoreError> {
        if let Hint::Incident {
            incident,
            integration,
        } = &message.job.hint
        {
            let incident = self.incidents.load(incident).await?;
            return Ok(incident.is_some_and(|it| {
                it.pending.contains_key(integration)
                    && !(comes_again && it.dead.contains_key(integration))
            }));
        }
        for key in message.job.cause.deliveries() {
            let delivery = self.deliveries.delivery(key).await?;
            if delivery.is_some_and(|delivery| delivery.outcome.is_none()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The entry. A job that it did not know before is counted with it.
    async fn entry(&self, message: &RetryMessage) -> Result<DeadLetter, StoreError> {
        let integration = message.job.hint.integration();
        // Of a record that belongs to no incident yet the entry keeps its name when it does.
        let mut name = message.entry.clone();
        let mut is_counted = false;
        for _ in 0..Self::MOST_RACES {
            let (incident, external_id) = self.subject(&message.job.hint).await?;
            let marked = incident.as_ref().and_then(|it| it.dead.get(integration));
            let id = name.clone().or_else(|| marked.cloned());
            let id = id.unwrap_or_else(|| {
                let incident = incident.as_ref().map(|incident| &incident.id);
                DeadLetter::id_of(integration, incident, external_id.as_ref())
            });
            let present = self.letters.dead_letter(integration, &id).await?;
            let known = present.clone().filter(|it| it.knows(message));
            let was_known = known.is_some();
            let told = present.as_ref().map(|present| present.died_at);
            let mut letter = match present {
                Some(present) => present.with(message),
                None => DeadLetter::of(id, message),
            };
            if let Some(incident) = &incident {
                letter.add_untold(incident, told);
            }
            letter.incident = incident.as_ref().map(|incident| incident.id.clone());
            letter.external_id = external_id.or(letter.external_id);
            letter.severity = incident.as_ref().map_or(letter.severity, severity);
            let over = self.is_over(incident.as_ref(), &letter).await?;
            if let Some(why) = over {
                letter.status = DeadLetterStatus::Resolved;
                why.clone_into(&mut letter.changed_by);
            }
            let mark = match &incident {
                None => Mark::Keep,
                Some(incident) if over.is_some() => mark_to_clear(incident, &letter),
                Some(incident) => Mark::Set(&incident.id),
            };
            if let Some(known) = known
                && (!known.status.is_unsettled()
                    || over.is_none()
                        && known.incident == letter.incident
                        && (incident.is_none() || marked == Some(&known.id)))
            {
                // Brought again by the queue; it may have been settled meanwhile.
                return Ok(known);
            }
            let counted = if is_counted || was_known {
                Counters::NONE
            } else {
                Counters::failure(&message.job.hint)
            };
            let put = self.letters.put_dead_letter(&letter, mark, None, counted);
            if put.await? == Attempt::LostRace {
                continue;
            }
            is_counted = true;
            // Imported meanwhile: its success found no mark, so look again.
            if incident.is_none() && self.subject(&message.job.hint).await?.0.is_some() {
                name = Some(letter.id);
                continue;
            }
            return Ok(letter);
        }
        Err(StoreError {
            tried: "record the dead letter",
            on: message.job.hint.to_string(),
            detail: format!("lost {} races in a row", Self::MOST_RACES),
        })
    }

    /// The incident and the record that a hint is about, as far as they are known.
    async fn subject(
        &self,
        hint: &Hint,
    ) -> Result<(Option<Incident>, Option<ExternalId>), StoreError> {
        let id = match hint {
            Hint::Incident { incident, .. } => Some(incident.clone()),
            Hint::External {
                integration,
                external_id,
                ..
            } => self.incidents.incident_of(integration, external_id).await?,
        };
        let incident = match id {
            Some(id) => self.incidents.load(&id).await?,
            None => None,
        };
        let linked = |incident: &Incident| {
            let link = incident.links.get(hint.integration());
            link.and_then(|link| link.external_id().cloned())
        };
        let external_id = match hint {
            Hint::External { external_id, .. } => Some(external_id.clone()),
            Hint::Incident { .. } => incident.as_ref().and_then(linked),
        };
        Ok((incident, external_id))
    }

    /// Why an entry is none any more, if so: something newer was faster than the dead job's way to here.
    async fn is_over(
        &self,
        incident: Option<&Incident>,
        letter: &DeadLetter,
    ) -> Result<Option<&'static str>, StoreError> {
        let Some(incident) = incident else {
            let is_of_an_incident = matches!(letter.job.hint, Hint::Incident { .. });
            return Ok(is_of_an_incident.then_some("the incident does not exist"));
        };
        let link = incident.links.get(&letter.integration);
        if link.is_some_and(|link| matches!(link.state, LinkState::Unlinked { .. })) {
            return Ok(Some("it was unlinked by hand"));
        }
        if is_still_refused(self.incidents.as_ref(), incident, letter).await? {
            return Ok(None);
        }
        let is_about_fields = |last: &FailedAttempt| !last.fields.is_empty();
        if letter.attempts.last().is_some_and(is_about_fields) {
            return Ok(Some("what was refused was synced since"));
        }
        let committed = link
            .and_then(|link| link.outcome.as_ref())
            .map(|last| last.at);
        let is_owed = incident.pending.contains_key(&letter.integration);
        let is_overtaken = match letter.job.hint {
            Hint::Incident { .. } => {
                return Ok((!is_owed).then_some("nothing is owed any more"));
            }
            // A commit says nothing of notes.
            Hint::External { notes: true, .. } => false,
            Hint::External { .. } => committed.is_some_and(|at| at > letter.died_at),
        };
        Ok(is_overtaken.then_some("the link was synced since"))
    }

    async fn ask_for_recovery(&self, letter: &DeadLetter) -> Result<(), StoreError> {
        let now = self.clock.now();
        let probe = Task {
            kind: TaskKind::Probe,
            integration: letter.integration.clone(),
            asked_at: now,
            due_at: now,
            tries: 0,
        };
        // The first time the vendor is asked at the next tick. What has died again has had its turn: the probe that is
        // there knows when it may be tried again.
        if letter.redriven == 0 {
            self.tasks.put_task(&probe).await
        } else {
            self.tasks.add_task(&probe).await
        }
    }
}

/// A job that its queue has given up says nothing of how it ended. Its last attempt is dated by when it was due, so that
/// the same job brought twice ends the same.
fn with_an_end(message: RetryMessage) -> RetryMessage {
    if message.died_at.is_some() {
        return message;
    }
    let mut message = message;
    message.failures.push(FailedAttempt {
        at: message.not_before,
        error: "the function that worked on it crashed, or ran out of time, each time it was given this job; its log \
                says more"
            .to_owned(),
        reason: FailureReason::Crashed,
        fields: std::collections::BTreeSet::new(),
    });
    message
}

fn severity(incident: &Incident) -> Option<im_model::Severity> {
    let value = incident.value(&im_model::Field::Severity);
    value.as_str()?.parse().ok()
}

impl DeadLetter {
    /// The entry of a first dead job.
    fn of(id: DeadLetterId, message: &RetryMessage) -> Self {
        let (job, at) = (message.job.clone(), message.ended_at());
        let mut letter = Self {
            id,
            integration: job.hint.integration().clone(),
            incident: None,
            external_id: None,
            status: DeadLetterStatus::Open,
            job,
            reason: FailureReason::Internal,
            attempts: Vec::new(),
            attempts_in_all: 0,
            jobs: 0,
            redriven: 0,
            severity: message.severity,
            opened_at: at,
            died_at: at,
            changed_at: at,
            changed_by: String::new(),
            version: 1,
        };
        letter.add(message);
        letter
    }

    /// Is this job's end among its attempts already? Its message may come a second time when others have died since, or
    /// when the entry is being tried again.
    fn knows(&self, message: &RetryMessage) -> bool {
        let failures = &message.failures;
        // Its fields may have become more: see `add_untold`.
        let is_same = |one: &FailedAttempt, other: &FailedAttempt| {
            let FailedAttempt {
                at, error, reason, ..
            } = other;
            (one.at, &one.error, one.reason) == (*at, error, *reason)
                && one.fields.is_superset(&other.fields)
        };
        let is_this = |kept: &[FailedAttempt]| {
            let mut pairs = kept.iter().zip(failures);
            pairs.all(|(one, other)| is_same(one, other))
        };
        // Each end has a failure: `with_an_end`, and the ladder's.
        self.attempts.windows(failures.len().max(1)).any(is_this)
    }

    /// What was refused since the entry last heard of this link, and whose own job never came here, for its worker died:
    /// told with this one's, so that every refusal is some entry's.
    fn add_untold(&mut self, incident: &Incident, told: Option<Timestamp>) {
        let Some(last) = self.attempts.last_mut() else {
            return;
        };
        let refused = refused_fields(incident, &self.integration);
        let untold = refused.filter(|(_, notice)| told.is_none_or(|told| told < notice.at));
        last.fields
            .extend(untold.map(|(field, _)| field.clone().into()));
    }

    /// The next version, with one more dead job. One that was settled begins anew.
    fn with(self, message: &RetryMessage) -> Self {
        let version = self.version + 1;
        if !self.status.is_unsettled() && !self.knows(message) {
            return Self {
                version,
                ..Self::of(self.id, message)
            };
        }
        let mut letter = Self { version, ..self };
        if !letter.knows(message) {
            letter.add(message);
        }
        letter
    }

    fn add(&mut self, message: &RetryMessage) {
        self.status = DeadLetterStatus::Open;
        "the job died".clone_into(&mut self.changed_by);
        self.job = message.job.clone();
        // A retry asks anew what the job that died announced.
        self.job.waited = false;
        self.died_at = message.ended_at();
        self.changed_at = self.died_at;
        self.jobs += 1;
        if let Some(last) = message.failures.last() {
            self.reason = last.reason;
        }
        self.attempts.extend(message.failures.iter().cloned());
        self.attempts_in_all += u32::try_from(message.failures.len()).unwrap_or(u32::MAX);
        let surplus = self.attempts.len().saturating_sub(Self::MOST_ATTEMPTS);
        self.attempts.drain(..surplus);
    }

    /// Moves it on.
    pub(crate) fn changed(&mut self, status: DeadLetterStatus, by: &str, now: Timestamp) {
        self.status = status;
        by.clone_into(&mut self.changed_by);
        self.changed_at = now;
        self.version += 1;
    }
}

impl RetryMessage {
    fn ended_at(&self) -> Timestamp {
        let last = self.failures.last().map(|last| last.at);
        self.died_at.or(last).unwrap_or(self.not_before)
    }
}
