//! Runs the world: webhooks, streams, queues, and time when there is nothing else to do.

use im_engine::{RetryMessage, SweepReport};
use im_local::events::{failures, queue_event, stream_event};
use im_model::IntegrationType;
use im_runtime::BatchFunction;
use jiff::SignedDuration;

use crate::World;

impl World {
    /// Sends the webhooks that wait at the vendor; returns how many.
    pub async fn deliver_webhooks(&self) -> usize {
        let mut waiting = Vec::new();
        for (vendor, drained) in [
            (IntegrationType::PagerDuty, self.pagerduty.drain_webhooks()),
            (IntegrationType::Jira, self.jira.drain_webhooks()),
            (
                IntegrationType::ServiceNow,
                self.servicenow.drain_webhooks(),
            ),
        ] {
            waiting.extend(drained.into_iter().map(|delivery| (vendor, delivery)));
        }
        for (vendor, delivery) in &waiting {
            let status = self.post(*vendor, delivery).await;
            assert_eq!(status, 202, "{vendor}'s own webhook");
        }
        waiting.len()
    }

    /// Runs `inbound` on the stream of new deliveries; returns how many it was given.
    pub async fn run_inbound(&self) -> usize {
        self.run_stream(&self.deliveries, &self.system.inbound)
            .await
    }

    /// Runs `outbound` on the stream of changed incidents; returns how many it was given.
    pub async fn run_outbound(&self) -> usize {
        self.run_stream(&self.incidents, &self.system.outbound)
            .await
    }

    /// Whoever was to read what is in the streams now has died, and nobody reads it again.
    pub async fn skip_streams(&self) {
        for stream in [&self.deliveries, &self.incidents] {
            let _ = stream.lock().await.poll().await.expect("it answers");
        }
    }

    async fn run_stream(
        &self,
        stream: &tokio::sync::Mutex<im_local::StreamPoller>,
        function: &BatchFunction,
    ) -> usize {
        let records = stream
            .lock()
            .await
            .poll()
            .await
            .expect("the stream answers");
        let Some(event) = stream_event(&records) else {
            return 0;
        };
        let count = event["Records"].as_array().map_or(0, Vec::len);
        let answer = function.handle(event).await.expect("an event of ours");
        assert_eq!(
            failures(&answer),
            Vec::<String>::new(),
            "a record that nobody took"
        );
        count
    }

    /// Runs the jobs whose time has come; returns how many.
    pub async fn run_retries(&self) -> usize {
        self.collect_retries().await;
        let now = self.clock.read();
        let mut waiting = self.waiting.lock().await;
        let (due, later): (Vec<_>, Vec<_>) = waiting
            .drain(..)
            .partition(|(_, message)| message.not_before <= now);
        *waiting = later;
        drop(waiting);
        for (queue, message) in &due {
            let inbound = *queue == self.system.embedded.queues.inbound;
            let function = if inbound {
                &self.system.inbound
            } else {
                &self.system.outbound
            };
            let body = serde_json::to_string(message).expect("JSON");
            let message = aws_sdk_sqs::types::Message::builder()
                .message_id("1")
                .body(body)
                .build();
            let answer = function
                .handle(queue_event(&[message]))
                .await
                .expect("an event of ours");
            assert_eq!(
                failures(&answer),
                Vec::<String>::new(),
                "a message that nobody took"
            );
        }
        due.len()
    }

    /// The jobs that wait, soonest first.
    pub async fn waiting_jobs(&self) -> Vec<RetryMessage> {
        self.collect_retries().await;
        let mut waiting: Vec<_> = self
            .waiting
            .lock()
            .await
            .iter()
            .map(|(_, message)| message.clone())
            .collect();
        waiting.sort_by_key(|message| message.not_before);
        waiting
    }

    async fn collect_retries(&self) {
        let queues = &self.system.embedded.queues;
        for queue in [&queues.inbound, &queues.outbound] {
            for message in self.take_all(queue).await {
                self.waiting.lock().await.push((queue.clone(), message));
            }
        }
    }

    /// Runs `dead-letter` on what came to its queue; returns how many jobs.
    pub async fn run_dead_letters(&self) -> usize {
        let queue = self.system.embedded.queues.dead_letters.clone();
        let dead = self.take_all(&queue).await;
        let count = dead.len();
        for message in dead {
            let recorded = self.recorder.record(message.clone()).await;
            recorded.expect("the store answers");
            self.buried.lock().await.push(message);
        }
        count
    }

    /// The jobs that died since the last time this was asked.
    pub async fn dead_letters(&self) -> Vec<RetryMessage> {
        self.run_dead_letters().await;
        std::mem::take(&mut *self.buried.lock().await)
    }

    /// The minute tick.
    pub async fn tick(&self) -> SweepReport {
        self.sweeper.tick().await.expect("the store answers")
    }

    async fn take_all(&self, queue: &str) -> Vec<RetryMessage> {
        let sqs = &self.system.embedded.sqs;
        let mut taken = Vec::new();
        loop {
            let answer = sqs
                .receive_message()
                .queue_url(queue)
                .max_number_of_messages(10)
                .send()
                .await;
            let messages = answer
                .expect("the queue answers")
                .messages
                .unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let body = message.body.expect("a body");
                taken.push(serde_json::from_str(&body).expect("a retry message"));
                let handle = message.receipt_handle.expect("a handle");
                let deleted = sqs
                    .delete_message()
                    .queue_url(queue)
                    .receipt_handle(handle)
                    .send()
                    .await;
                deleted.expect("the queue answers");
            }
        }
    }

    /// Runs everything that can run now, without moving the clock.
    pub async fn run_now(&self) {
        for _ in 0..200 {
            let moved = self.deliver_webhooks().await
                + self.run_inbound().await
                + self.run_outbound().await
                + self.run_retries().await
                + self.run_dead_letters().await;
            if moved == 0 {
                return;
            }
        }
        panic!("the world does not come to rest: something echoes for ever");
    }

    /// Runs everything, and moves the clock to the next waiting job, until nothing waits.
    pub async fn settle(&self) {
        for _ in 0..200 {
            self.run_now().await;
            let Some(next) = self.waiting_jobs().await.first().map(|job| job.not_before) else {
                return;
            };
            let wait = next
                .duration_since(self.clock.read())
                .max(SignedDuration::ZERO);
            self.clock.advance(wait);
        }
        panic!(
            "the world does not settle: {:#?}",
            self.waiting_jobs().await
        );
    }
}
