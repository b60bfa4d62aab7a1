//! Runs the functions as Lambda does, on virtual time: streams and queues are mapped to them, webhooks arrive when they
//! arrive, invocations overlap, and some are killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use aws_sdk_sqs::types::Message;
use fastrand::Rng;
use futures::{StreamExt as _, stream::FuturesUnordered};
use im_engine::RetryMessage;
use im_local::{
    QueuePoller, StreamPoller,
    events::{queue_event, scheduled_event},
    mapping::{Ended, StreamBatch, StreamMapping},
};
use im_model::{IntegrationId, IntegrationType};
use im_sandbox::WebhookDelivery;
use im_tests::{Death, Worker, World};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    ledger::Ledger,
    plan::{Function, Step, WebhookWeather},
};

/// What Lambda gives an invocation (`Timeout`).
const TIMEOUT: Duration = Duration::from_secs(15);
/// The same of the reconciler's.
const RECONCILER_TIMEOUT: Duration = Duration::from_mins(2);
/// How often the schedule is let pass when there is nothing else: the sweep wakes what was left for an hour.
const LAST_TICKS: [i64; 3] = [60, 600, 3_100];
/// How often a vendor sends a webhook that was not taken.
const MOST_POSTS: u32 = 6;

/// The functions at work.
pub struct Lambda {
    pub world: Arc<World>,
    ledger: Arc<Ledger>,
    rng: Rng,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Happened>>>>,
    calendar: BTreeMap<(Timestamp, u64), Due>,
    entries: u64,
    streams: Vec<MappedStream>,
    queues: Vec<MappedQueue>,
    weather: WebhookWeather,
    /// Invocations that are to be killed.
    pub deaths: Vec<(Function, Death)>,
    invocations: u32,
    idle_ticks: usize,
    steps_under_way: usize,
    /// Webhooks that were answered 202, by event id.
    pub accepted: Vec<(IntegrationType, WebhookDelivery)>,
    /// How many invocations were killed, webhooks dropped, records given up.
    pub killed: u32,
    pub dropped: u32,
    pub given_up: u32,
    /// The ends of jobs that `dead-letter` was told of, each once however often it came.
    pub ends: BTreeSet<(IntegrationId, String)>,
    /// How many records were given up: of each, jobs may have died.
    pub records_given_up: u64,
    /// How much was found that nobody worked on any more.
    pub swept: u64,
}

struct MappedStream {
    function: Function,
    poller: StreamPoller,
    mapping: StreamMapping,
}

struct MappedQueue {
    function: Function,
    url: String,
    poller: QueuePoller,
}

enum Due {
    Step(Step),
    Post {
        vendor: IntegrationType,
        delivery: Box<WebhookDelivery>,
        attempt: u32,
    },
    ReadStreams,
    Tick,
}

enum Happened {
    Ticked(Ended),
    Stepped,
    Streamed {
        stream: usize,
        batch: StreamBatch,
        how: Ended,
    },
    Queued {
        queue: usize,
        messages: Vec<Message>,
        how: Ended,
    },
    Posted {
        vendor: IntegrationType,
        delivery: Box<WebhookDelivery>,
        attempt: u32,
        status: u16,
    },
}

/// What carries a step out.
pub type Carry = Box<dyn Fn(&mut Lambda, Step) -> Pin<Box<dyn Future<Output = ()>>>>;

impl Lambda {
    pub async fn new(
        world: Arc<World>,
        ledger: Arc<Ledger>,
        seed: u64,
        weather: WebhookWeather,
    ) -> Self {
        let embedded = &world.system.embedded;
        let mut streams = Vec::new();
        for (function, table, name) in [
            (Function::Inbound, &embedded.tables.deliveries, "inbound"),
            (Function::Outbound, &embedded.tables.sync, "outbound"),
        ] {
            let poller = StreamPoller::new(embedded.streams.clone(), table.clone());
            let mapping = poller.mapping(name).await.expect("a stream");
            streams.push(MappedStream {
                function,
                poller,
                mapping,
            });
        }
        let queue = |function, url: &String| MappedQueue {
            function,
            url: url.clone(),
            poller: QueuePoller::new(world.lambda_sqs.clone(), url.clone()),
        };
        let queues = vec![
            queue(Function::Inbound, &embedded.queues.inbound),
            queue(Function::Outbound, &embedded.queues.outbound),
            queue(Function::DeadLetter, &embedded.queues.dead_letters),
            MappedQueue {
                poller: QueuePoller::new(
                    world.lambda_sqs.clone(),
                    embedded.queues.reconcile.clone(),
                )
                .one_by_one(),
                ..queue(Function::Reconciler, &embedded.queues.reconcile)
            },
        ];
        Self {
            world,
            ledger,
            rng: Rng::with_seed(seed ^ 0x5EED),
            running: FuturesUnordered::new(),
            calendar: BTreeMap::new(),
            entries: 0,
            streams,
            queues,
            weather,
            deaths: Vec::new(),
            invocations: 0,
            idle_ticks: 0,
            steps_under_way: 0,
            accepted: Vec::new(),
            killed: 0,
            dropped: 0,
            given_up: 0,
            ends: BTreeSet::new(),
            records_given_up: 0,
            swept: 0,
        }
    }

    /// From here on every webhook arrives at once, once, and nobody is killed.
    pub fn be_fair(&mut self) {
        self.weather = WebhookWeather::default();
        self.deaths.clear();
    }

    /// Enters a step.
    pub fn plan(&mut self, at: Timestamp, step: Step) {
        self.enter(at, Due::Step(step));
    }

    fn enter(&mut self, at: Timestamp, due: Due) {
        self.entries += 1;
        self.calendar.insert((at, self.entries), due);
    }

    fn now(&self) -> Timestamp {
        self.world.clock.read()
    }

    /// Runs until nothing is left to be done, at most for this long.
    pub async fn run(&mut self, most: SignedDuration, carry: &Carry) {
        let end = self.now() + most;
        self.idle_ticks = 0;
        self.enter(self.now() + SignedDuration::from_secs(60), Due::Tick);
        loop {
            self.collect_webhooks();
            self.start_due(carry).await;
            self.start_batches().await;
            let next = self.next();
            assert!(
                next.is_none_or(|next| next < end) && self.now() < end,
                "invariant 1: the world does not come to rest within {most:#}"
            );
            if self.running.is_empty() && next.is_none() {
                return;
            }
            let now = self.now();
            let wait =
                next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
            let waits = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            let world = self.world.clone();
            let happened = tokio::select! {
                biased;
                Some(happened) = self.running.next() => Some(happened),
                () = world.io.changed() => None,
                () = waits => None,
            };
            if world.io.has_written() {
                let soon = SignedDuration::from_millis(self.rng.i64(1..200));
                self.enter(self.now() + soon, Due::ReadStreams);
            }
            if let Some(happened) = happened {
                self.learn(happened).await;
            }
        }
    }

    /// When the next thing happens by itself.
    fn next(&self) -> Option<Timestamp> {
        let entry = self.calendar.first_key_value().map(|((at, _), _)| *at);
        let streams = self
            .streams
            .iter()
            .filter_map(|stream| stream.mapping.next_at());
        let queues = self.queues.iter().filter_map(|queue| {
            let messages = self.world.queues.messages(&queue.url);
            messages.iter().map(|message| message.visible_at).min()
        });
        streams.chain(queues).chain(entry).min()
    }

    fn collect_webhooks(&mut self) {
        for (vendor, delivery) in self.world.drain_webhooks() {
            let drawn = self.rng.u32(0..100);
            let WebhookWeather {
                dropped,
                doubled,
                late,
            } = self.weather;
            let mut wait = SignedDuration::from_millis(self.rng.i64(5..400));
            let mut copies = 1;
            if drawn < dropped {
                self.dropped += 1;
                copies = 0;
            } else if self.rng.u32(0..100) < late {
                wait = SignedDuration::from_millis(self.rng.i64(1_000..1_800_000));
            }
            if self.rng.u32(0..100) < doubled {
                copies *= 2;
            }
            let what = &delivery.event_type;
            self.world.io.note(format_args!(
                "{vendor} announces {what}, {copies} times, in {wait:#}"
            ));
            for _ in 0..copies {
                let delivery = Box::new(delivery.clone());
                self.enter(
                    self.now() + wait,
                    Due::Post {
                        vendor,
                        delivery,
                        attempt: 1,
                    },
                );
                wait += SignedDuration::from_millis(self.rng.i64(0..30_000));
            }
        }
    }

    async fn start_due(&mut self, carry: &Carry) {
        let now = self.now();
        while let Some(entry) = self.calendar.first_entry()
            && entry.key().0 <= now
        {
            match entry.remove() {
                Due::ReadStreams => self.read_streams().await,
                Due::Tick => self.tick(),
                Due::Step(step) => {
                    self.world.io.note(format_args!("step {:?}", step.what));
                    self.steps_under_way += 1;
                    let step = carry(self, step);
                    self.running.push(Box::pin(async move {
                        step.await;
                        Happened::Stepped
                    }));
                }
                Due::Post {
                    vendor,
                    delivery,
                    attempt,
                } => self.post(vendor, delivery, attempt),
            }
        }
    }

    /// The schedule. While something else is due soon it ticks every minute; through a long wait it is let pass less
    /// often, and at last it ends, for there is nothing left that it could wake.
    fn tick(&mut self) {
        let now = self.now();
        let busy = self.running.len() > self.steps_under_way;
        let soon = self
            .next()
            .is_some_and(|next| next < now + SignedDuration::from_secs(120));
        let next = if busy || soon {
            self.idle_ticks = 0;
            Some(60)
        } else {
            self.idle_ticks += 1;
            LAST_TICKS.get(self.idle_ticks - 1).copied()
        };
        let waits = self.steps_under_way > 0 || self.next().is_some();
        let next = next.or_else(|| waits.then_some(600));
        if let Some(seconds) = next {
            self.enter(now + SignedDuration::from_secs(seconds), Due::Tick);
        }
        let invoked = self.invoke(Function::Reconciler, scheduled_event(now));
        self.running
            .push(Box::pin(async move { Happened::Ticked(invoked.await) }));
    }

    fn post(&mut self, vendor: IntegrationType, delivery: Box<WebhookDelivery>, attempt: u32) {
        let worker = self.worker(Function::Webhook);
        let world = self.world.clone();
        self.running.push(Box::pin(async move {
            // Signed when it is sent, where a vendor does so.
            let sent = world.posted(vendor, &delivery, attempt);
            let posted = worker.run(TIMEOUT, world.post(vendor, &sent)).await;
            let status = posted.unwrap_or(502);
            world.io.note(format_args!(
                "{vendor} {} is answered {status}",
                delivery.event_id
            ));
            Happened::Posted {
                vendor,
                delivery,
                attempt,
                status,
            }
        }));
    }

    async fn read_streams(&mut self) {
        for stream in &mut self.streams {
            let records = stream.poller.poll().await.expect("the stream answers");
            self.ledger.inspect(&records);
            stream.mapping.take_in(records);
        }
    }

    async fn start_batches(&mut self) {
        let now = self.now();
        for number in 0..self.streams.len() {
            while let Some(batch) = self.streams[number].mapping.next(now) {
                let function = self.streams[number].function;
                let invoked = self.invoke(function, batch.event());
                self.running.push(Box::pin(async move {
                    Happened::Streamed {
                        stream: number,
                        batch,
                        how: invoked.await,
                    }
                }));
            }
        }
        for number in 0..self.queues.len() {
            let due = |message: &im_local::in_process::QueuedMessage| message.visible_at <= now;
            while self
                .world
                .queues
                .messages(&self.queues[number].url)
                .iter()
                .any(due)
            {
                let messages = self.queues[number].poller.receive().await;
                let messages = messages.expect("the queue answers");
                if messages.is_empty() {
                    continue;
                }
                let invoked = self.invoke(self.queues[number].function, queue_event(&messages));
                self.running.push(Box::pin(async move {
                    Happened::Queued {
                        queue: number,
                        messages,
                        how: invoked.await,
                    }
                }));
            }
        }
    }

    /// Who carries out the next invocation of a function.
    pub fn worker(&mut self, function: Function) -> Arc<Worker> {
        self.invocations += 1;
        let dies = self.deaths.iter().position(|(whose, _)| *whose == function);
        let dies = dies.map(|index| self.deaths.remove(index).1);
        Worker::new(format!("{function:?}#{}", self.invocations), dies)
    }

    /// What `dead-letter` is told of: it comes again after a crash, and word for word.
    fn note_ends(&mut self, event: &Value) {
        for record in event["Records"].as_array().into_iter().flatten() {
            let body = record["body"].as_str().unwrap_or_default();
            match serde_json::from_str::<RetryMessage>(body) {
                Ok(end) => {
                    let integration = end.job.hint.integration().clone();
                    self.ends.insert((integration, body.to_owned()));
                }
                Err(_) => {
                    let given_up: Value = serde_json::from_str(body).expect("JSON");
                    let records = given_up["DDBStreamBatchInfo"]["batchSize"].as_u64();
                    self.records_given_up += records.expect("a batch that was given up");
                }
            }
        }
    }

    fn invoke(&mut self, function: Function, event: Value) -> impl Future<Output = Ended> + use<> {
        if function == Function::DeadLetter {
            self.note_ends(&event);
        }
        let worker = self.worker(function);
        let world = self.world.clone();
        async move {
            let name = worker.name().to_owned();
            world.io.note(format_args!(
                "{name} begins with {} records",
                event["Records"].as_array().map_or(0, Vec::len)
            ));
            let handler: Arc<dyn im_local::Function> = match function {
                Function::Inbound => world.system.inbound.clone(),
                Function::DeadLetter => world.system.dead_letter.clone(),
                Function::Reconciler => world.system.reconciler.clone(),
                _ => world.system.outbound.clone(),
            };
            let timeout = match function {
                Function::Reconciler => RECONCILER_TIMEOUT,
                _ => TIMEOUT,
            };
            let ended = match worker.run(timeout, handler.invoke(event)).await {
                Some(Ok(answer)) => Ended::Answered(answer),
                Some(Err(error)) => {
                    world.io.note(format_args!("{name} fails: {error:#}"));
                    Ended::Crashed
                }
                None => Ended::Crashed,
            };
            world.io.note(format_args!("{name} ends: {ended:?}"));
            ended
        }
    }

    async fn learn(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Stepped => self.steps_under_way -= 1,
            Happened::Ticked(Ended::Answered(report)) => {
                let count = |what: &str| report[what].as_u64().unwrap_or_default();
                self.swept += count("deliveries") + count("incidents");
            }
            // The schedule goes on, whatever became of a tick: also where it was the last that was let pass.
            Happened::Ticked(Ended::Crashed) => {
                if self.next().is_none() {
                    self.idle_ticks = 0;
                    self.enter(self.now() + SignedDuration::from_secs(60), Due::Tick);
                }
            }
            Happened::Streamed { stream, batch, how } => {
                self.killed += u32::from(how == Ended::Crashed);
                let given_up = self.streams[stream].mapping.ended(batch, &how, now);
                if let Some(given_up) = given_up {
                    self.given_up += 1;
                    self.world.io.note(format_args!("given up: {given_up}"));
                    let dead_letters = &self.world.system.embedded.queues.dead_letters;
                    let sent = self.world.lambda_sqs.send_message().queue_url(dead_letters);
                    let sent = sent.message_body(given_up.to_string()).send().await;
                    sent.expect("the queue answers");
                }
            }
            Happened::Queued {
                queue,
                messages,
                how,
            } => {
                self.killed += u32::from(how == Ended::Crashed);
                let ended = self.queues[queue].poller.ended(&messages, &how).await;
                ended.expect("the queue answers");
            }
            Happened::Posted {
                vendor,
                delivery,
                status: 202,
                ..
            } => {
                self.accepted.push((vendor, *delivery));
            }
            Happened::Posted {
                vendor,
                delivery,
                attempt,
                ..
            } if attempt < MOST_POSTS => {
                let wait = SignedDuration::from_secs(self.rng.i64(2..30) * i64::from(attempt));
                self.enter(
                    now + wait,
                    Due::Post {
                        vendor,
                        delivery,
                        attempt: attempt + 1,
                    },
                );
            }
            Happened::Posted {
                vendor, delivery, ..
            } => {
                self.dropped += 1;
                self.world
                    .io
                    .note(format_args!("{vendor} gives {} up", delivery.event_id));
            }
        }
    }
}
