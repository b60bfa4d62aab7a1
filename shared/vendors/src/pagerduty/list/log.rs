//! The log of the account: which incidents changed, and which got a note.

use im_model::ExternalId;
use jiff::Timestamp;

use super::{
    super::{
        lookup::call,
        request::{self, service_of, written},
        response::{LogEntries, LogEntry},
    },
    PAGE, Place, SECOND, garbage, is_of, whole,
    window::Falling,
};
use crate::{Connection, ListQuery, Listing, VendorError};

const TRIED: &str = "GET /log_entries";

pub(super) async fn page(
    connection: &Connection<'_>,
    query: &ListQuery,
    window: Falling,
) -> Result<(Listing, Option<Place>), VendorError> {
    let service = service_of(connection, TRIED)?;
    let (limit, offset) = (PAGE.to_string(), window.offset.to_string());
    let (since, until) = (written(window.since), written(window.before));
    let parameters = [
        ("since", since.as_str()),
        ("until", &until),
        ("time_zone", "UTC"),
        ("limit", &limit),
        ("offset", &offset),
    ];
    let request = request::listing(connection, "log_entries", &parameters)?;
    let page: LogEntries = call(connection, request).await?;
    let at: Vec<_> = page
        .log_entries
        .iter()
        .map(|entry| entry.created_at)
        .collect();
    check(&at, page.more, &window)?;
    let mut listing = Listing::default();
    let ours = page.log_entries.iter();
    for entry in ours.filter(|entry| is_of(entry.service.as_ref(), service)) {
        note(entry, query, &mut listing)?;
    }
    let next = window.next(&at, page.more);
    let stands =
        |next: Falling| (next.before, next.offset <= window.offset) == (window.before, true);
    if next.is_some_and(stands) {
        return Err(garbage(
            TRIED,
            "more entries of one second than offsets reach",
        ));
    }
    let place = next.map(|next| Place::Log {
        since: next.start(),
        before: next.before,
        offset: next.offset,
    });
    Ok((listing, place))
}

/// What an entry says has happened. That somebody was told changes nothing.
fn note(entry: &LogEntry, query: &ListQuery, listing: &mut Listing) -> Result<(), VendorError> {
    let id = entry
        .incident
        .as_ref()
        .and_then(|incident| incident.id.as_deref());
    let Some(id) = id else { return Ok(()) };
    let id = ExternalId::parse(id).map_err(|error| garbage(TRIED, error.to_string()))?;
    let is_since = |since: Timestamp| entry.created_at >= whole(since);
    match entry.kind.trim_end_matches("_reference") {
        "annotate_log_entry" => {
            if query.noted_since.is_none_or(is_since) {
                listing.noted.insert(id);
            }
        }
        "notify_log_entry" => {}
        _ => {
            if query.since.is_some_and(is_since) {
                listing.changed.insert(id);
            }
        }
    }
    Ok(())
}

fn check(at: &[Timestamp], more: bool, window: &Falling) -> Result<(), VendorError> {
    // Whether `until` is included is not documented.
    let is_in = |at: &Timestamp| (window.since..window.before + SECOND).contains(at);
    if !at.iter().all(is_in) {
        let (since, until) = (written(window.since), written(window.before));
        let what = format!("an entry of the log from outside `since={since}&until={until}`");
        return Err(garbage(TRIED, what));
    }
    if !at.is_sorted_by(|newer, older| newer >= older) {
        return Err(garbage(
            TRIED,
            "entries of the log that do not come newest first",
        ));
    }
    if at.is_empty() && more {
        return Err(garbage(
            TRIED,
            "more entries of the log are promised after none",
        ));
    }
    Ok(())
}
