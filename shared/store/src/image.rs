//! Rows as stream records show them.

use im_engine::{Delivery, StoreError};
use im_model::Incident;
use serde_dynamo::Item;

use crate::{
    row::{DeliveryRow, IncidentRow},
    unreadable,
};

/// The incident of a `sync` record's new image.
pub fn incident(image: Item) -> Result<Incident, StoreError> {
    let row: IncidentRow = serde_dynamo::from_item(image)
        .map_err(|error| unreadable("an incident's image", &error))?;
    Ok(row.into())
}

/// The delivery of a `deliveries` record's new image.
pub fn delivery(image: Item) -> Result<Delivery, StoreError> {
    let row: DeliveryRow =
        serde_dynamo::from_item(image).map_err(|error| unreadable("a delivery's image", &error))?;
    Ok(row.into())
}
