//! The vendor's recovery: a probe, and when it is answered, what is dead for want of an answer is tried again.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response, StatusCode};
use im_model::{DeadLetterStatus, Integration};
use im_vendors::{Check, CheckOutcome, Connection, Transport, TransportError};
use jiff::SignedDuration;

use super::{Sweeper, Tick, ask_to_catch_up};
use crate::{
    Cause, Counters, DeadLetter, StoreError,
    ports::{Attempt, Mark, Task},
};

/// The longest between two probes of a vendor that does not answer.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// An entry is retried by itself this often at most. Then it waits for a person: it is not the vendor that is ill.
const MOST_REDRIVES: u32 = 8;

/// A retry of which nothing came for so long has got lost on its way.
const LOST: SignedDuration = SignedDuration::from_hours(1);

/// Notes whether the vendor's own service has answered, and not only something before it.
struct Listening<'a> {
    transport: &'a dyn Transport,
    has_heard: AtomicBool,
}

#[async_trait]
impl Transport for Listening<'_> {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let answer = self.transport.send(request).await?;
        let status = answer.status();
        if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS {
            self.has_heard.store(true, Ordering::Relaxed);
        }
        Ok(answer)
    }
}

/// How many entries a page has.
const PAGE: u16 = 100;

impl Tick<'_> {
    /// Asks the vendors whether they are there, all at once: none waits for another that hangs.
    pub(super) async fn probe(&mut self, tasks: Vec<Task>) {
        let mut asked = Vec::new();
        for task in tasks {
            match self.integration(&task.integration).await {
                Ok(None) => {
                    let finished = self.sweeper.tasks.finish_task(&task).await;
                    self.note(&format!("end the probe of {}", task.integration), finished);
                }
                // Resuming brings everything anyway.
                Ok(Some(integration)) if !integration.is_working() => {}
                Ok(Some(integration)) => asked.push((task, integration)),
                Err(error) => self.note(&format!("probe {}", task.integration), Err(error)),
            }
        }
        let answers = asked
            .iter()
            .map(|(_, integration)| self.answers(integration));
        let answers = join_all(answers).await;
        for ((task, integration), answers) in asked.into_iter().zip(answers) {
            self.until = (self.now() + Sweeper::TURN).min(self.end - Sweeper::TURN * 2);
            if self.is_over() {
                return;
            }
            let done = match answers {
                Ok(true) => self.recovered(&task, &integration).await,
                Ok(false) => {
                    self.report.silent += 1;
                    self.probe_later(&task).await
                }
                Err(error) => {
                    let later = self.probe_later(&task).await;
                    later.and(Err(error))
                }
            };
            self.note(&format!("probe {}", task.integration), done);
        }
    }

    /// The vendor is there: redrive, and catch up.
    async fn recovered(
        &mut self,
        task: &Task,
        integration: &Integration,
    ) -> Result<(), StoreError> {
        self.sweeper.pace.reset(&task.integration).await?;
        let left = self.redrive(integration).await?;
        if left != Some(SignedDuration::ZERO) {
            // Once, and not at every tick that an unfinished redrive takes.
            ask_to_catch_up(self.sweeper.tasks.as_ref(), &task.integration, self.now()).await?;
        }
        match left {
            // All that can be retried by itself is under way, or done.
            None => self.sweeper.tasks.finish_task(task).await,
            Some(wait) => {
                let later = Task {
                    due_at: self.now() + wait,
                    tries: 0,
                    ..task.clone()
                };
                self.sweeper.tasks.put_off_task(&later).await
            }
        }
    }

    /// A minute later, then two, four … up to ten.
    async fn probe_later(&self, task: &Task) -> Result<(), StoreError> {
        let minutes = 1_i64.checked_shl(task.tries).unwrap_or(i64::MAX).min(60);
        let later = Task {
            due_at: self.now() + SignedDuration::from_mins(minutes).min(LONGEST),
            tries: task.tries + 1,
            ..task.clone()
        };
        self.sweeper.tasks.put_off_task(&later).await
    }

    async fn answers(&self, integration: &Integration) -> Result<bool, StoreError> {
        let sweeper = self.sweeper;
        let vendor = im_vendors::registry::vendor_api(integration.integration_type);
        let credentials = sweeper.credentials.get(&integration.secret_id).await?;
        let credentials = credentials
            .map(|kept| kept.current.clone())
            .unwrap_or_default();
        let listening = Listening {
            transport: sweeper.transport.as_ref(),
            has_heard: AtomicBool::new(false),
        };
        let connection = Connection {
            base_url: &integration.base_url,
            options: &integration.options,
            credentials: &credentials,
            transport: &listening,
            memory: &sweeper.memory,
            integration: &integration.id,
            now: self.now(),
        };
        let checks = vendor.probe(connection).await;
        let passed = |check: &Check| check.outcome == CheckOutcome::Passed;
        Ok(listening.has_heard.into_inner() && checks.iter().any(passed))
    }

    /// Retries what is dead for a reason that passes. How long until the next may be retried, if there are others; `None`
    /// if none is left that may.
    async fn redrive(
        &mut self,
        integration: &Integration,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let mut soonest = None::<SignedDuration>;
        // In this order: one that dies again in between is seen at least once.
        for status in [DeadLetterStatus::Retrying, DeadLetterStatus::Open] {
            let mut after = None::<String>;
            loop {
                let letters = &self.sweeper.letters;
                let page = letters.dead_letters(&integration.id, status, after.as_deref(), PAGE);
                let mut page = page.await?;
                // Among those of a page the severe ones first: the queue hands them out in about this order.
                page.items.sort_by_key(|letter| letter.severity);
                for letter in page.items {
                    if self.is_over() {
                        return Ok(Some(SignedDuration::ZERO));
                    }
                    let wait = self.redrive_one(letter).await?;
                    soonest = match (soonest, wait) {
                        (Some(soonest), Some(wait)) => Some(soonest.min(wait)),
                        (soonest, wait) => soonest.or(wait),
                    };
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
        }
        Ok(soonest)
    }

    /// Retries an entry, or says when it may be.
    async fn redrive_one(
        &mut self,
        letter: DeadLetter,
    ) -> Result<Option<SignedDuration>, StoreError> {
        let now = self.now();
        let waited = now.duration_since(letter.changed_at);
        if letter.status == DeadLetterStatus::Retrying && waited < LOST {
            return Ok(Some(LOST - waited));
        }
        if !letter.reason.passes() || letter.redriven >= MOST_REDRIVES {
            return Ok(None);
        }
        // At once, then half an hour after it died again, an hour, two …: a record at which the vendor always fails must
        // not be tried for ever.
        let pause = match letter.redriven {
            0 => SignedDuration::ZERO,
            again => SignedDuration::from_mins(30) * 2_i32.pow(again - 1),
        };
        let since = now.duration_since(letter.died_at);
        if since < pause {
            return Ok(Some(pause - since));
        }
        self.retry(letter).await?;
        Ok(Some(LOST))
    }

    /// The job first: whoever dies between has tried it once more than is written down.
    async fn retry(&mut self, letter: DeadLetter) -> Result<(), StoreError> {
        let now = self.now();
        let message = letter.retry(Cause::Recovery, false, now);
        self.sweeper.queue.put(&message).await?;
        let mut letter = letter;
        letter.redriven += 1;
        letter.changed(DeadLetterStatus::Retrying, "the vendor answers again", now);
        let stored = self
            .sweeper
            .letters
            .put_dead_letter(&letter, Mark::Keep, None, Counters::NONE)
            .await?;
        if stored == Attempt::Done {
            self.report.redriven += 1;
        }
        Ok(())
    }
}
