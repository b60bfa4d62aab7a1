//! `dead-letter`: the queue of what has failed for good.

use std::sync::Arc;

use im_engine::{
    DeadLetterRecorder,
    ports::{Announcer, Clock},
};
use im_store::DynamoStore;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    DeadLetterFunction, DynamoStreams, Error, EventBridgeAnnouncer, Settings, SystemClock, aws,
    telemetry, trace,
};

/// What makes entries of dead jobs.
pub fn dead_letter_recorder(
    store: &Arc<DynamoStore>,
    clock: Arc<dyn Clock>,
    announcer: Arc<dyn Announcer>,
) -> DeadLetterRecorder {
    DeadLetterRecorder {
        letters: store.clone(),
        incidents: store.clone(),
        deliveries: store.clone(),
        tasks: store.clone(),
        announcer,
        clock,
    }
}

/// Runs `dead-letter`: the queue of what has failed for good.
pub async fn dead_letter() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env()?;
    let client = aws_sdk_dynamodb::Client::new(&config);
    let store = DynamoStore::new(client, settings.tables()?).carrying(trace::current);
    let store = Arc::new(store);
    let announcer = EventBridgeAnnouncer::new(aws_sdk_eventbridge::Client::new(&config));
    let streams = DynamoStreams::new(aws_sdk_dynamodbstreams::Client::new(&config));
    let function = &DeadLetterFunction::new(
        dead_letter_recorder(&store, Arc::new(SystemClock), Arc::new(announcer)),
        Arc::new(streams),
        settings.tables()?,
    );
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        function.handle(event.payload).await.map_err(Error::from)
    }))
    .await
}
