//! `inbound` and `outbound`.

use std::sync::Arc;

use im_engine::{
    JobRunner, RetryLadder,
    ports::{Announcer, RetryQueue},
};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use super::{Ports, engine::sync_engine};
use crate::{
    BatchFunction, Error, EventBridgeAnnouncer, Settings, Source, SqsQueue, aws, telemetry,
};

/// `inbound` or `outbound`.
pub fn batch_function(
    source: Source,
    ports: &Ports,
    queue: Arc<dyn RetryQueue>,
    ladder: RetryLadder,
    announcer: Arc<dyn Announcer>,
) -> BatchFunction {
    let engine = sync_engine(ports, announcer);
    let deliveries = (source == Source::Deliveries).then(|| ports.store.clone() as Arc<_>);
    let clock = ports.clock.clone();
    BatchFunction::new(
        source,
        JobRunner {
            engine,
            deliveries,
            queue,
            ladder,
            clock,
        },
    )
}

/// Runs `inbound`: accepted deliveries, and its retry queue.
pub async fn inbound() -> Result<(), Error> {
    batch(Source::Deliveries).await
}

/// Runs `outbound`: changed incidents, and its retry queue.
pub async fn outbound() -> Result<(), Error> {
    batch(Source::Incidents).await
}

async fn batch(source: Source) -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env()?;
    let ports = Ports::from_env(&settings, &config)?;
    let client = aws_sdk_sqs::Client::new(&config);
    let queue = SqsQueue::new(client, settings.queues()?, ports.clock.clone(), 1);
    let announcer = EventBridgeAnnouncer::new(aws_sdk_eventbridge::Client::new(&config));
    let (queue, ladder) = (Arc::new(queue), settings.retry_ladder()?);
    let function = &batch_function(source, &ports, queue, ladder, Arc::new(announcer));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
