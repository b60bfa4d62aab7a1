//! The queue that wakes the reconciler for its runs.

use async_trait::async_trait;
use aws_sdk_sqs::{Client, error::ProvideErrorMetadata};
use im_engine::{StoreError, ports::RunQueue};
use im_model::{IntegrationId, RunId};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::queue::carried;

/// Which run is to be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunMessage {
    pub(crate) integration: IntegrationId,
    pub(crate) run: RunId,
}

/// The reconciler's own queue.
pub struct SqsRunQueue {
    client: Client,
    url: String,
    time_scale: u32,
}

impl SqsRunQueue {
    /// SQS delays a message by at most 15 min; who is woken too early asks again.
    const MOST_DELAY_SECONDS: i128 = 900;

    /// A queue by URL. `time_scale` is how fast the clock runs: 1 but for `im dev`.
    pub fn new(client: Client, url: String, time_scale: u32) -> Self {
        Self {
            client,
            url,
            time_scale: time_scale.max(1),
        }
    }
}

#[async_trait]
impl RunQueue for SqsRunQueue {
    async fn wake(
        &self,
        integration: &IntegrationId,
        run: &RunId,
        delay: SignedDuration,
    ) -> Result<(), StoreError> {
        let failed = |detail: String| StoreError {
            tried: "wake the reconciler for",
            on: run.to_string(),
            detail,
        };
        let message = RunMessage {
            integration: integration.clone(),
            run: run.clone(),
        };
        let body = serde_json::to_string(&message).map_err(|error| failed(error.to_string()))?;
        let milliseconds = delay.as_millis() / i128::from(self.time_scale);
        let seconds = ((milliseconds + 999) / 1000).clamp(0, Self::MOST_DELAY_SECONDS);
        let sent = self
            .client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .set_message_attributes(carried())
            .delay_seconds(i32::try_from(seconds).unwrap_or(0))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => {
                let code = error.code().unwrap_or("SQS could not be reached");
                Err(failed(code.to_owned()))
            }
        }
    }
}
