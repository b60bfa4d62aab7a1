//! `outbound` as Lambda runs it: ten partitions by key, a batch at a time in each, and a process for each invocation
//! that runs at the same time as others. Processes share nothing but the tables.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use im_local::{
    Embedded, QueuePoller, StreamPoller,
    events::queue_event,
    mapping::{Ended, StreamBatch, StreamMapping},
};
use im_runtime::BatchFunction;
use im_tests::WorldClock;
use serde_json::Value;
use tokio::task::JoinSet;

/// How many batches of the retry queue are worked on at once: what Lambda begins with.
const QUEUE_POLLERS: usize = 5;
const EVERY: Duration = Duration::from_millis(20);

type Start = Box<dyn Fn() -> BatchFunction + Send + Sync>;

/// The processes of a function.
pub struct Processes {
    start: Start,
    idle: Mutex<Vec<BatchFunction>>,
    started: Mutex<usize>,
}

impl Processes {
    /// None yet; each is started so.
    pub fn new(start: Start) -> Arc<Self> {
        Arc::new(Self {
            start,
            idle: Mutex::default(),
            started: Mutex::default(),
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        *self.started.lock().expect("not poisoned")
    }

    async fn invoke(self: Arc<Self>, event: Value) -> Ended {
        let idle = self.idle.lock().expect("not poisoned").pop();
        let process = idle.unwrap_or_else(|| {
            *self.started.lock().expect("not poisoned") += 1;
            (self.start)()
        });
        let answer = process.handle(event).await;
        self.idle.lock().expect("not poisoned").push(process);
        answer.map_or(Ended::Crashed, Ended::Answered)
    }
}

/// Runs the mappings until the set is dropped.
pub async fn run(
    embedded: &Embedded,
    processes: &Arc<Processes>,
    clock: &WorldClock,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let mut poller = StreamPoller::new(embedded.streams.clone(), embedded.tables.sync.clone());
    poller.skip_present().await.expect("the stream answers");
    let mapping = poller.mapping("outbound").await.expect("a shard");
    tasks.spawn(stream(poller, mapping, processes.clone(), clock.clone()));
    for _ in 0..QUEUE_POLLERS {
        let poller = QueuePoller::new(embedded.sqs.clone(), embedded.queues.outbound.clone());
        tasks.spawn(queue(poller, processes.clone()));
    }
    tasks
}

async fn stream(
    mut poller: StreamPoller,
    mut mapping: StreamMapping,
    processes: Arc<Processes>,
    clock: WorldClock,
) {
    let mut running: JoinSet<(StreamBatch, Ended)> = JoinSet::new();
    loop {
        mapping.take_in(poller.poll().await.expect("the stream answers"));
        while let Some(batch) = mapping.next(clock.read()) {
            let processes = processes.clone();
            running.spawn(async move {
                let ended = processes.invoke(batch.event()).await;
                (batch, ended)
            });
        }
        tokio::select! {
            Some(ended) = running.join_next() => {
                let (batch, how) = ended.expect("no panic");
                let given_up = mapping.ended(batch, &how, clock.read());
                assert_eq!(given_up, None);
            }
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn queue(poller: QueuePoller, processes: Arc<Processes>) {
    loop {
        let messages = poller.receive().await.expect("the queue answers");
        if messages.is_empty() {
            tokio::time::sleep(EVERY * 5).await;
            continue;
        }
        let how = processes.clone().invoke(queue_event(&messages)).await;
        poller
            .ended(&messages, &how)
            .await
            .expect("the queue answers");
    }
}
