//! `/deliveries`.

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::{FromRequestParts, Path, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, Uri, request::Parts};
use im_engine::{Delivery, DeliveryKey};
use im_model::IntegrationId;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Api, Problem,
    authorise::{Action, Resource},
    body::shortened,
    caller::Caller,
    query::{Query, Slice},
};

const INTEGRATION: &str = "integration_id";

/// What the list accepts in its query.
const LIST_PARAMETERS: [&str; 4] = [Slice::NAMES[0], Slice::NAMES[1], INTEGRATION, "status"];

/// Whether something is left to be done, by its word.
const OPEN: [(&str, bool); 2] = [("open", true), ("done", false)];

#[derive(Debug, Serialize)]
struct DeliveryJson {
    id: String,
    integration_id: String,
    delivery_id: String,
    event_type: String,
    received_at: Timestamp,
    occurred_at: Option<Timestamp>,
    external_id: Option<String>,
    status: &'static str,
    outcome: Option<String>,
}

#[derive(Serialize)]
struct List {
    items: Vec<DeliveryJson>,
    next: Option<String>,
}

impl DeliveryJson {
    fn of(delivery: &Delivery) -> Self {
        let DeliveryKey {
            integration,
            delivery: id,
        } = &delivery.key;
        let announced = delivery.announced.as_ref();
        Self {
            id: format!("{integration}/{id}"),
            integration_id: integration.to_string(),
            delivery_id: id.to_string(),
            event_type: delivery.event_type.clone(),
            received_at: delivery.received_at,
            occurred_at: delivery.occurred_at,
            external_id: announced.map(|announced| announced.external_id.to_string()),
            status: OPEN[usize::from(delivery.outcome.is_some())].0,
            outcome: delivery.outcome.clone(),
        }
    }
}

/// `GET /deliveries?integration_id=…`
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let mut query = Query::of(&uri);
    let Slice { cursor, limit } = query.slice();
    let integration = query.required(INTEGRATION, |text| {
        IntegrationId::parse(text).map_err(|error| error.to_string())
    });
    let open = query.parsed("status", |text| {
        let known = OPEN.iter().find(|(word, _)| *word == text);
        known
            .map(|(_, open)| *open)
            .ok_or_else(|| "must be one of open, done".to_owned())
    });
    query.finish(&LIST_PARAMETERS)?;
    let integration =
        integration.ok_or_else(|| Problem::malformed("integration_id is missing."))?;
    let resource = Resource::integration(&caller, &integration);
    api.policy.may(&caller, Action::ReadDeliveries, resource)?;
    let page = api
        .deliveries
        .list(
            &caller.organization,
            &integration,
            open,
            cursor.as_deref(),
            limit,
        )
        .await?;
    let items = page.items.iter().map(DeliveryJson::of).collect();
    Ok(Json(List {
        items,
        next: page.next,
    })
    .into_response())
}

/// `POST /deliveries/{id}/replay`
pub(crate) async fn replay(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathKey(key): PathKey,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::none(&uri)?;
    let resource = Resource::integration(&caller, &key.integration);
    api.policy.may(&caller, Action::ReplayDelivery, resource)?;
    let delivery = api.deliveries.replay(&caller.organization, &key).await?;
    let shown = Json(DeliveryJson::of(&delivery));
    Ok((StatusCode::ACCEPTED, shown).into_response())
}

/// `<integration>/<delivery id>` in a path, as two segments; or as one, with `/` or `#` encoded.
pub(crate) struct PathKey(DeliveryKey);

impl<S: Send + Sync> FromRequestParts<S> for PathKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        type Segments = Path<BTreeMap<String, String>>;
        let segments = Segments::from_request_parts(parts, state).await;
        let key = segments.ok().and_then(|Path(segments)| {
            let id = segments.get("id")?.as_str();
            let (integration, delivery) = match segments.get("delivery") {
                Some(delivery) => (id, delivery.as_str()),
                None => id.split_once(['/', '#'])?,
            };
            Some(DeliveryKey {
                integration: integration.parse().ok()?,
                delivery: delivery.parse().ok()?,
            })
        });
        key.map(Self)
            .ok_or_else(|| Problem::not_found(shortened(parts.uri.path())))
    }
}
