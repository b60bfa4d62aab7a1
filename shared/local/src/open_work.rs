//! What an earlier process left undone.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use im_runtime::BatchFunction;
use tokio::task::JoinSet;

use crate::events::{failures, open_items_event};

/// Deliveries that are open, and incidents that owe somebody a change.
pub struct OpenWork {
    pub(crate) deliveries: Left,
    pub(crate) incidents: Left,
}

/// Items of a table, and the function that works on them.
pub(crate) struct Left {
    pub(crate) items: Vec<HashMap<String, AttributeValue>>,
    pub(crate) function: Arc<BatchFunction>,
}

impl OpenWork {
    /// How many items a function is handed at a time.
    const BATCH: usize = 4;
    /// How many batches are worked on at once. All of them would share this machine and run into their timeouts; one
    /// would let a vendor that does not answer hold up the others.
    const AT_ONCE: usize = 2;

    /// Accepted webhooks.
    pub fn deliveries(&self) -> usize {
        self.deliveries.items.len()
    }

    /// Incidents.
    pub fn incidents(&self) -> usize {
        self.incidents.items.len()
    }

    /// Hands all of it to the functions. What fails waits in their retry queues, as always.
    pub async fn bring(self) {
        let mut running = JoinSet::new();
        for left in [self.deliveries, self.incidents] {
            for items in left.items.chunks(Self::BATCH) {
                if running.len() == Self::AT_ONCE {
                    running.join_next().await;
                }
                running.spawn(bring(left.function.clone(), items.to_vec()));
            }
        }
        // A panic ends its batch, not the rest.
        while running.join_next().await.is_some() {}
    }
}

/// Hands items over, and those that could not be put anywhere again.
async fn bring(function: Arc<BatchFunction>, mut items: Vec<HashMap<String, AttributeValue>>) {
    const MOST_RETRIES: u32 = 3;
    for attempt in 0..=MOST_RETRIES {
        let failed = match function.handle(open_items_event(&items)).await {
            Ok(answer) => failures(&answer),
            Err(error) => {
                tracing::error!(%error, "the function failed");
                return;
            }
        };
        let places = failed.iter().filter_map(|place| place.parse().ok());
        items = places
            .filter_map(|place: usize| items.get(place).cloned())
            .collect();
        if items.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200 << attempt)).await;
    }
    tracing::error!(
        items = items.len(),
        "given up; the tables still list them as open"
    );
}
