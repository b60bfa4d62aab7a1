//! Runs the world: webhooks, streams, queues, and time when there is nothing else to do.

use im_engine::{RetryMessage, SweepReport};
use im_local::{
    QueuePoller,
    events::{failures, queue_event, scheduled_event, stream_event},
    mapping::Ended,
};
use im_model::IntegrationType;
use im_runtime::BatchFunction;
use im_sandbox::WebhookDelivery;
use jiff::{SignedDuration, Timestamp};

use crate::World;

impl World {
    /// The webhooks that wait at the vendors.
    pub fn drain_webhooks(&self) -> Vec<(IntegrationType, WebhookDelivery)> {
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
        waiting
    }

    /// A webhook as its vendor sends it now, for the how-manieth time (1 is the first).
    pub fn posted(
        &self,
        vendor: IntegrationType,
        delivery: &WebhookDelivery,
        attempt: u32,
    ) -> WebhookDelivery {
        match vendor {
            IntegrationType::PagerDuty => self.pagerduty.repeated(delivery, attempt),
            IntegrationType::Jira => self.jira.repeated(delivery, attempt),
            IntegrationType::ServiceNow => self.servicenow.repeated(delivery, attempt),
        }
    }

    /// Sends the webhooks that wait at the vendor; returns how many.
    pub async fn deliver_webhooks(&self) -> usize {
        let waiting = self.drain_webhooks();
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
        let queues = &self.system.embedded.queues;
        let (inbound, outbound) = (&self.system.inbound, &self.system.outbound);
        let mut count = 0;
        for (queue, function) in [(&queues.inbound, inbound), (&queues.outbound, outbound)] {
            let poller = QueuePoller::new(self.lambda_sqs.clone(), queue.clone());
            loop {
                let messages = poller.receive().await.expect("the queue answers");
                if messages.is_empty() {
                    break;
                }
                let answer = function.handle(queue_event(&messages)).await;
                let answer = answer.expect("an event of ours");
                assert_eq!(
                    failures(&answer),
                    Vec::<String>::new(),
                    "a message that nobody took"
                );
                let ended = poller.ended(&messages, &Ended::Answered(answer)).await;
                ended.expect("the queue answers");
                count += messages.len();
            }
        }
        count
    }

    /// The jobs that wait, soonest first.
    pub fn waiting_jobs(&self) -> Vec<RetryMessage> {
        let queues = &self.system.embedded.queues;
        let mut waiting = self.jobs_in(&queues.inbound);
        waiting.extend(self.jobs_in(&queues.outbound));
        waiting.sort_by_key(|message| message.not_before);
        waiting
    }

    fn jobs_in(&self, queue: &str) -> Vec<RetryMessage> {
        let messages = self.queues.messages(queue).into_iter();
        messages
            .map(|message| serde_json::from_str(&message.body).expect("a retry message"))
            .collect()
    }

    /// When the next message of a retry queue can be received.
    fn next_retry(&self) -> Option<Timestamp> {
        let queues = &self.system.embedded.queues;
        let mut messages = self.queues.messages(&queues.inbound);
        messages.extend(self.queues.messages(&queues.outbound));
        messages.extend(self.queues.messages(&queues.reconcile));
        messages.iter().map(|message| message.visible_at).min()
    }

    /// Runs `dead-letter` on what came to its queue; returns how many jobs.
    pub async fn run_dead_letters(&self) -> usize {
        let queue = self.system.embedded.queues.dead_letters.clone();
        let poller = QueuePoller::new(self.lambda_sqs.clone(), queue);
        let mut count = 0;
        loop {
            let messages = poller.receive().await.expect("the queue answers");
            if messages.is_empty() {
                return count;
            }
            for message in &messages {
                let body = message.body.as_deref().expect("a body");
                let job: RetryMessage = serde_json::from_str(body).expect("a retry message");
                self.buried.lock().await.push(job);
                count += 1;
            }
            let event = queue_event(&messages);
            let answer = self.system.dead_letter.handle(event).await;
            let answer = answer.expect("an event of ours");
            assert_eq!(
                failures(&answer),
                Vec::<String>::new(),
                "it was not recorded"
            );
            let ended = poller.ended(&messages, &Ended::Answered(answer)).await;
            ended.expect("the queue answers");
        }
    }

    /// What was on its way to `dead-letter` never gets there; nobody was told that it would.
    pub async fn drop_buried(&self) {
        let queue = self.system.embedded.queues.dead_letters.clone();
        let poller = QueuePoller::new(self.lambda_sqs.clone(), queue);
        loop {
            let messages = poller.receive().await.expect("the queue answers");
            if messages.is_empty() {
                return;
            }
            let nobody = Ended::Answered(serde_json::json!({"batchItemFailures": []}));
            let ended = poller.ended(&messages, &nobody).await;
            ended.expect("the queue answers");
        }
    }

    /// Records a dead job that comes to `dead-letter` by another way.
    pub async fn record(&self, job: &RetryMessage) {
        let body = serde_json::to_string(job).expect("JSON");
        let message = aws_sdk_sqs::types::Message::builder()
            .message_id("1")
            .body(body)
            .build();
        let answer = self
            .system
            .dead_letter
            .handle(queue_event(&[message]))
            .await;
        assert_eq!(
            failures(&answer.expect("an event of ours")),
            Vec::<String>::new()
        );
    }

    /// The jobs that died since the last time this was asked.
    pub async fn dead_letters(&self) -> Vec<RetryMessage> {
        self.run_dead_letters().await;
        std::mem::take(&mut *self.buried.lock().await)
    }

    /// The minute tick.
    pub async fn tick(&self) -> SweepReport {
        let event = scheduled_event(self.clock.read());
        let answer = self.system.reconciler.handle(&event).await;
        let answer = answer.expect("the store answers");
        serde_json::from_value(answer).expect("a report")
    }

    /// Runs everything that can run now, without moving the clock.
    pub async fn run_now(&self) {
        for _ in 0..200 {
            let moved = self.deliver_webhooks().await
                + self.run_inbound().await
                + self.run_outbound().await
                + self.run_retries().await
                + self.run_reconciler().await
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
            let Some(next) = self.next_retry() else {
                return;
            };
            let wait = next
                .duration_since(self.clock.read())
                .max(SignedDuration::ZERO);
            self.clock.advance(wait);
        }
        panic!("the world does not settle: {:#?}", self.waiting_jobs());
    }
}
