//! Batches: stream records and queue messages in, partial failures out.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_lambda_events::{
    dynamodb::{Event as StreamEvent, EventRecord},
    sqs::{SqsEvent, SqsMessage},
};
use futures::future::join_all;
use im_engine::{Cause, Hint, Job, JobRunner, RetryMessage, StoreError};
use im_model::Incident;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Which stream a function reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// New deliveries: `inbound`.
    Deliveries,
    /// Incidents that owe somebody a change: `outbound`.
    Incidents,
}

/// A function that works on a stream and on its own retry queue.
pub struct BatchFunction {
    source: Source,
    runner: JobRunner,
}

/// A job, and the batch item that brought it.
struct Brought {
    item: String,
    message: RetryMessage,
    image: Option<Incident>,
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
        let done = join_all(by_link.into_values().map(|jobs| self.one_link(jobs))).await;
        failed.extend(done.into_iter().flatten());
        failed.sort();
        failed.dedup();
        let failures: Vec<_> = failed
            .into_iter()
            .map(|item| json!({"itemIdentifier": item}))
            .collect();
        Ok(json!({"batchItemFailures": failures}))
    }

    /// After a vendor let one job wait, the others on the same record would only wait as long: a function has 15 s.
    async fn one_link(&self, jobs: Vec<Brought>) -> Vec<String> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut failed = Vec::new();
        let began = Instant::now();
        for Brought {
            item,
            message,
            image,
        } in jobs
        {
            let job = message.job.hint.to_string();
            let done = if began.elapsed() < PATIENCE {
                self.runner.run(message, image).await
            } else {
                self.runner.postpone(message).await
            };
            if let Err(error) = done {
                tracing::error!(job, %error, "the job stays in its batch");
                failed.push(item);
            }
        }
        failed
    }

    fn brought_by_queue(event: SqsEvent) -> (Vec<Brought>, Vec<String>) {
        let (mut brought, mut failed) = (Vec::new(), Vec::new());
        for SqsMessage {
            message_id, body, ..
        } in event.records
        {
            let item = message_id.unwrap_or_default();
            match serde_json::from_str(&body.unwrap_or_default()) {
                Ok(message) => brought.push(Brought {
                    item,
                    message,
                    image: None,
                }),
                Err(error) => {
                    // Its redrive policy takes it to the dead letters.
                    tracing::error!(message = item, %error, "an unreadable message");
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
            match self.jobs_of(record) {
                Ok(jobs) => brought.extend(jobs.into_iter().map(|(job, image)| Brought {
                    item: item.clone(),
                    message: RetryMessage::first(job, self.runner.clock.now()),
                    image,
                })),
                Err(error) => {
                    tracing::error!(record = item, %error, "an unreadable record");
                    failed.push(item);
                }
            }
        }
        (coalesced(brought), failed)
    }

    fn jobs_of(&self, record: EventRecord) -> Result<Vec<(Job, Option<Incident>)>, StoreError> {
        let image = record.change.new_image;
        // The template's filter asks for the same.
        if !image.contains_key("wake") {
            return Ok(Vec::new());
        }
        match self.source {
            Source::Deliveries => {
                let delivery = im_store::image::delivery(image)?;
                let hint = Hint::from_delivery(&delivery);
                let cause = Cause::Delivery { key: delivery.key };
                let job = hint.map(|hint| {
                    (
                        Job {
                            hint,
                            cause,
                            waited: false,
                            insist: false,
                        },
                        None,
                    )
                });
                Ok(job.into_iter().collect())
            }
            Source::Incidents => {
                let incident = im_store::image::incident(image)?;
                let job = |integration: &im_model::IntegrationId| {
                    let hint = Hint::Incident {
                        incident: incident.id.clone(),
                        integration: integration.clone(),
                    };
                    let job = Job {
                        hint,
                        cause: Cause::Change,
                        waited: false,
                        insist: false,
                    };
                    (job, Some(incident.clone()))
                };
                Ok(incident.pending.keys().map(job).collect())
            }
        }
    }
}

/// Several changes of one incident in a batch are one job: the last image says all that is owed. Deliveries stay
/// apart, for each is marked done by itself.
fn coalesced(brought: Vec<Brought>) -> Vec<Brought> {
    let mut last: HashMap<String, usize> = HashMap::new();
    for (index, job) in brought.iter().enumerate() {
        if matches!(job.message.job.cause, Cause::Change) {
            last.insert(job.message.job.hint.to_string(), index);
        }
    }
    let keep = |(index, job): (usize, Brought)| {
        let newest = last
            .get(&job.message.job.hint.to_string())
            .is_none_or(|last| *last == index);
        newest.then_some(job)
    };
    brought.into_iter().enumerate().filter_map(keep).collect()
}
