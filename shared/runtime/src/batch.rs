//! Batches: stream records and queue messages in, partial failures out.

use std::{collections::BTreeMap, time::Duration};

use aws_lambda_events::{
    dynamodb::Event as StreamEvent,
    sqs::{SqsEvent, SqsMessage},
};
use futures::future::join_all;
use im_engine::{Cause, JobRunner, RetryMessage};
use im_model::{Incident, Severity};
use serde_dynamo::AttributeValue;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::{
    Source,
    item_failures::{carried_by, item_failures},
    trace::{self, TRACEPARENT},
};

/// A function that works on a stream and on its own retry queue.
pub struct BatchFunction {
    source: Source,
    runner: JobRunner,
}

/// A job, and the batch items that brought it.
struct Brought {
    items: Vec<String>,
    message: RetryMessage,
    image: Option<Incident>,
    /// What it is part of.
    traces: Vec<String>,
}

impl Brought {
    /// Whose turn it is, as far as that is known before anything is loaded.
    fn severity(&self) -> Severity {
        im_engine::severity_of(self.image.as_ref(), self.message.severity)
    }
}

impl BatchFunction {
    /// A function on this stream.
    pub fn new(source: Source, runner: JobRunner) -> Self {
        Self { source, runner }
    }

    /// Works on a Lambda event of either kind. The answer names the items that could not be put anywhere: a queue
    /// brings those again, a stream all from the first of them on.
    ///
    /// # Errors
    /// The event is neither a DynamoDB stream's nor a queue's.
    pub async fn handle(&self, event: Value) -> Result<Value, serde_json::Error> {
        let is_queue = event["Records"][0]["eventSource"] == "aws:sqs";
        let patience = if is_queue {
            JobRunner::JOB_TIMEOUT
        } else {
            JobRunner::STREAM_PATIENCE
        };
        let (brought, mut failed) = if is_queue {
            Self::brought_by_queue(serde_json::from_value(event)?)
        } else {
            self.brought_by_stream(serde_json::from_value(event)?)
        };
        // One link's hints one after the other: in parallel they would only meet each other's claims.
        let mut by_link: BTreeMap<String, Vec<Brought>> = BTreeMap::new();
        for job in brought {
            by_link
                .entry(job.message.job.hint.to_string())
                .or_default()
                .push(job);
        }
        // The most severe first: what they leave of a vendor's budget is for the others.
        let mut by_link: Vec<_> = by_link.into_values().collect();
        by_link.sort_by_key(|jobs| jobs.iter().map(Brought::severity).min());
        let links = by_link
            .into_iter()
            .map(|jobs| self.one_link(jobs, patience));
        let done = join_all(links).await;
        failed.extend(done.into_iter().flatten());
        failed.sort();
        failed.dedup();
        trace::flush().await;
        Ok(item_failures(failed))
    }

    /// After a vendor let one job wait, the others on the same record would only wait as long: a function has 15 s.
    async fn one_link(&self, jobs: Vec<Brought>, patience: Duration) -> Vec<String> {
        const FOR_MORE: Duration = Duration::from_secs(2);
        let mut failed = Vec::new();
        let began = Instant::now();
        for Brought {
            items,
            message,
            image,
            traces,
        } in jobs
        {
            let job = message.job.hint.to_string();
            let span = span_of(&message, &traces);
            let done = async {
                if began.elapsed() < FOR_MORE {
                    self.runner.run(message, image, patience).await
                } else {
                    self.runner.postpone(message).await
                }
            };
            let done = done.instrument(span).await;
            if let Err(error) = done {
                tracing::error!(job, %error, "the job stays in its batch");
                failed.extend(items);
            }
        }
        failed
    }

    fn brought_by_queue(event: SqsEvent) -> (Vec<Brought>, Vec<String>) {
        let (mut brought, mut failed) = (Vec::new(), Vec::new());
        for message in event.records {
            let traces = carried_by(&message);
            let SqsMessage {
                message_id, body, ..
            } = message;
            let item = message_id.unwrap_or_default();
            match serde_json::from_str(&body.unwrap_or_default()) {
                Ok(message) => brought.push(Brought {
                    items: vec![item],
                    message,
                    image: None,
                    traces,
                }),
                Err(error) => {
                    // Its redrive policy takes it to the dead letters. What a parser says may quote it: only where.
                    let (line, column) = (error.line(), error.column());
                    tracing::error!(message = item, line, column, "an unreadable message");
                    failed.push(item);
                }
            }
        }
        (brought, failed)
    }

    fn brought_by_stream(&self, event: StreamEvent) -> (Vec<Brought>, Vec<String>) {
        let (mut brought, mut failed) = (Vec::new(), Vec::new());
        for record in event.records {
            let item = record.change.sequence_number.clone().unwrap_or_default();
            let trace = record.change.new_image.get(TRACEPARENT).cloned();
            let traces = match trace {
                Some(AttributeValue::S(trace)) => vec![trace],
                _ => Vec::new(),
            };
            match self.source.jobs_of(record.change.new_image) {
                Ok(jobs) => brought.extend(jobs.into_iter().map(|(job, image)| Brought {
                    items: vec![item.clone()],
                    message: RetryMessage::first(job, self.runner.clock.now()),
                    image,
                    traces: traces.clone(),
                })),
                Err(error) => {
                    tracing::error!(record = item, %error, "an unreadable record");
                    failed.push(item);
                }
            }
        }
        (coalesced(brought), failed)
    }
}

/// A job's span goes on with what brought it; of several changes with the first, and says which others.
fn span_of(message: &RetryMessage, traces: &[String]) -> Span {
    let span = tracing::info_span!(
        "job",
        otel.kind = "consumer",
        job = %message.job.hint,
        attempt = message.attempt,
    );
    let mut traces = traces.iter().map(String::as_str);
    trace::go_on(&span, traces.next());
    traces.for_each(|other| trace::link(&span, Some(other)));
    span
}

/// Several hints for one link in a batch are one job. Of changes of an incident the last image says all that is owed. Of
/// deliveries about a record the last one takes in what those before it announce, as far as the same person did it.
fn coalesced(brought: Vec<Brought>) -> Vec<Brought> {
    let mut jobs: Vec<Brought> = Vec::new();
    for later in brought {
        let hint = &later.message.job.hint;
        let same_link = |job: &&mut Brought| job.message.job.hint.to_string() == hint.to_string();
        let earlier = jobs.iter_mut().rev().find(same_link);
        if !earlier.is_some_and(|job| job.take_in(&later)) {
            jobs.push(later);
        }
    }
    jobs
}

impl Brought {
    /// Takes a later job of the same link in, if the two can be one.
    fn take_in(&mut self, later: &Self) -> bool {
        let job = &mut self.message.job;
        match (&mut job.cause, &later.message.job.cause) {
            (Cause::Change, Cause::Change) => self.image.clone_from(&later.image),
            (Cause::Delivery { also, .. }, Cause::Delivery { key, .. }) => {
                if !job.hint.absorb(&later.message.job.hint) {
                    return false;
                }
                also.push(key.clone());
            }
            _ => return false,
        }
        self.items.extend(later.items.iter().cloned());
        self.traces.extend(later.traces.iter().cloned());
        true
    }
}
