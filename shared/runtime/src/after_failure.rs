//! The functions that take over where the others have failed: `dead-letter` and `reconciler`, which also reconciles.

use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    DeadLetterFunction, DynamoStreams, Error, EventBridgeAnnouncer, HttpTransport, Ports,
    ReconcilerFunction, Settings, SqsJobQueue, SqsRunQueue, aws, dead_letter_recorder,
    reconciler_of, run_starter, sweeper, telemetry,
};

/// Runs `dead-letter`: the queue of what has failed for good.
pub async fn dead_letter() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env();
    let ports = Ports::from_env(&settings, &config)?;
    let announcer = EventBridgeAnnouncer::new(aws_sdk_eventbridge::Client::new(&config));
    let streams = DynamoStreams::new(aws_sdk_dynamodbstreams::Client::new(&config));
    let function = &DeadLetterFunction::new(
        dead_letter_recorder(&ports, Arc::new(announcer)),
        Arc::new(streams),
        settings.tables()?,
    );
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}

/// Runs `reconciler`: the minute tick, and reconciliation runs.
pub async fn reconciler() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env();
    let ports = Ports::from_env(&settings, &config)?;
    let client = aws_sdk_sqs::Client::new(&config);
    let runs = SqsRunQueue::new(client.clone(), settings.reconcile_queue()?, 1);
    let starter = run_starter(&ports, Arc::new(runs));
    let queue = SqsJobQueue::new(client, settings.retry_queue()?, ports.clock.clone(), 1);
    let queue = Arc::new(queue);
    let listings = Arc::new(HttpTransport::for_listings(settings.reach())?);
    let reconciler = reconciler_of(&ports, starter.clone(), listings, queue.clone());
    let function = &ReconcilerFunction::new(sweeper(&ports, queue, starter), reconciler);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}
