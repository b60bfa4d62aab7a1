//! The tables' streams, and the jobs that their records make.

use im_engine::{Cause, Hint, Job, StoreError};
use im_model::{Incident, IntegrationId};
use serde_dynamo::Item;

/// Which stream a function reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// New deliveries: `inbound`.
    Deliveries,
    /// Incidents that owe somebody a change: `outbound`.
    Incidents,
}

impl Source {
    /// The jobs that a record's new image makes, each with the incident where the image is one. None if it wakes nobody:
    /// the template's filter asks for the same.
    pub(crate) fn jobs_of(self, image: Item) -> Result<Vec<(Job, Option<Incident>)>, StoreError> {
        if !image.contains_key("wake") {
            return Ok(Vec::new());
        }
        match self {
            Self::Deliveries => {
                let delivery = im_store::image::delivery(image)?;
                let hint = Hint::from_delivery(&delivery);
                let cause = Cause::Delivery {
                    key: delivery.key,
                    also: Vec::new(),
                };
                Ok(hint
                    .map(|hint| (job(hint, cause), None))
                    .into_iter()
                    .collect())
            }
            Self::Incidents => {
                let incident = im_store::image::incident(image)?;
                let owed = |integration: &IntegrationId| {
                    let hint = Hint::Incident {
                        incident: incident.id.clone(),
                        integration: integration.clone(),
                    };
                    (job(hint, Cause::Change), Some(incident.clone()))
                };
                Ok(incident.pending.keys().map(owed).collect())
            }
        }
    }
}

fn job(hint: Hint, cause: Cause) -> Job {
    Job {
        hint,
        cause,
        waited: false,
        insist: false,
    }
}
