//! `reconciler`: the minute tick, and reconciliation runs.

use std::sync::Arc;

use im_engine::{
    Reconciler, RunStarter, Sweeper,
    ports::{Announcer, JobQueue},
};
use im_vendors::Transport;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::{
    Ports,
    engine::{credentials, pacing, sync_engine},
    run_starter,
};
use crate::{
    Error, EventBridgeAnnouncer, HttpTransport, ReconcilerFunction, Settings, SqsJobQueue,
    SqsRunQueue, aws, telemetry,
};

/// What works on reconciliation runs. `transport` is for pages of many records, `retries` for links that could not be healed.
pub fn reconciler_of(
    ports: &Ports,
    starter: RunStarter,
    transport: Arc<dyn Transport>,
    retries: Arc<dyn JobQueue>,
    announcer: Arc<dyn Announcer>,
) -> Reconciler {
    Reconciler {
        starter,
        engine: sync_engine(ports, announcer),
        lookup: ports.store.clone(),
        transport,
        retries,
    }
}

/// What the minute tick does. `queue` is where retries of dead letters go.
pub fn sweeper(ports: &Ports, queue: Arc<dyn JobQueue>, starter: RunStarter) -> Sweeper {
    let (memory, pace) = pacing(ports);
    Sweeper {
        places: im_engine::Places::default(),
        tasks: ports.store.clone(),
        figures: ports.store.clone(),
        work: ports.store.clone(),
        letters: ports.store.clone(),
        incidents: ports.store.clone(),
        integrations: ports.store.clone(),
        credentials: credentials(ports),
        transport: ports.transport.clone(),
        memory,
        pace,
        queue,
        starter,
        clock: ports.clock.clone(),
    }
}

/// Runs `reconciler`: the minute tick, and reconciliation runs.
pub async fn reconciler() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env()?;
    let ports = Ports::from_env(&settings, &config)?;
    let client = aws_sdk_sqs::Client::new(&config);
    let runs = SqsRunQueue::new(client.clone(), settings.reconcile_queue()?, 1);
    let starter = run_starter(&ports, Arc::new(runs));
    let queue = SqsJobQueue::new(client, settings.retry_queue()?, ports.clock.clone(), 1);
    let queue = Arc::new(queue);
    let listings = Arc::new(HttpTransport::for_listings(settings.reach(), &settings)?);
    let announcer = EventBridgeAnnouncer::new(aws_sdk_eventbridge::Client::new(&config));
    let announcer = Arc::new(announcer);
    let reconciler = reconciler_of(&ports, starter.clone(), listings, queue.clone(), announcer);
    let function = &ReconcilerFunction::new(sweeper(&ports, queue, starter), reconciler);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}
