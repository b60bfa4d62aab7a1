//! `/integrations/{id}/sync-status`.

mod output;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::Uri;
use im_engine::manage::SyncStatuses;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use self::output::SyncStatusJson;
use crate::{
    Api, Problem, authorise::Action, caller::Caller, integration::admitted, query::Query,
    router::PathId,
};

const SINCE: &str = "since";

/// `GET /integrations/{id}/sync-status`
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Response, Problem> {
    let now = api.sync_statuses.clock.now();
    let mut query = Query::of(&uri);
    let since = query.parsed(SINCE, |text| since(text, now));
    query.finish(&[SINCE])?;
    let id = admitted(&api, &caller, Action::ReadSyncStatus, &id)?;
    let since = since.unwrap_or(now - SyncStatuses::WINDOW);
    let status = api
        .sync_statuses
        .of(&caller.organization, &id, since)
        .await?;
    Ok(Json(SyncStatusJson::of(&status)).into_response())
}

/// A time, or how long ago.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let ago = |text: &str| -> Option<SignedDuration> {
        let span: Span = text.parse().ok()?;
        let days = SpanRelativeTo::days_are_24_hours();
        span.to_duration(days).ok()
    };
    let since = match text.parse::<Timestamp>() {
        Ok(since) => Some(since),
        Err(_) => ago(text).and_then(|ago| now.checked_sub(ago).ok()),
    };
    let earliest = now - SyncStatuses::LONGEST_WINDOW;
    since
        .filter(|since| (earliest..=now).contains(since))
        .ok_or_else(|| {
            "must be a time or how long ago, at most 14 days, e.g. 24h, 7d, 2026-01-02T03:04:05Z"
                .to_owned()
        })
}
