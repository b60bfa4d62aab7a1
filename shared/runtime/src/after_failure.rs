//! The functions that take over where the others have failed: `dead-letter` and `reconciler`.

use std::sync::Arc;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    DeadLetterFunction, DynamoStreams, Error, EventBridgeAnnouncer, Ports, ReconcilerFunction,
    Settings, SqsJobQueue, aws, dead_letter_recorder, sweeper, telemetry,
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

/// Runs `reconciler`: the minute tick.
pub async fn reconciler() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env();
    let ports = Ports::from_env(&settings, &config)?;
    let client = aws_sdk_sqs::Client::new(&config);
    let queue = SqsJobQueue::new(client, settings.retry_queue()?, ports.clock.clone(), 1);
    let function = &ReconcilerFunction::new(sweeper(&ports, Arc::new(queue)));
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(&event.payload).await.map_err(Error::from)
    }))
    .await
}
