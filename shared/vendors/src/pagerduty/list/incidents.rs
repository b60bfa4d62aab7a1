//! Incidents by creation.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    super::{
        api::record,
        lookup::{call, known_address},
        request::{self, service_of, written},
        response::{Incident, Incidents},
    },
    Known, PAGE, Place, SECOND, end, garbage, is_of, log_since, whole,
    window::Rising,
};
use crate::{Connection, ListQuery, Listing, VendorError};

const TRIED: &str = "GET /incidents";

/// What is the same for every page.
fn parameters<'a>(service: &'a str, limit: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("service_ids[]", service),
        ("statuses[]", "triggered"),
        ("statuses[]", "acknowledged"),
        ("statuses[]", "resolved"),
        ("include[]", "assignees"),
        ("sort_by", "created_at:asc"),
        // Without one, times are those of the account's zone (official schema).
        ("time_zone", "UTC"),
        ("limit", limit),
    ]
}

/// The oldest incidents of the service, whenever that was.
async fn begin(connection: &Connection<'_>, limit: usize) -> Result<Incidents, VendorError> {
    let (service, limit) = (service_of(connection, TRIED)?, limit.to_string());
    let mut parameters = parameters(service, &limit);
    parameters.push(("date_range", "all"));
    let request = request::listing(connection, "incidents", &parameters)?;
    let page: Incidents = call(connection, request).await?;
    check(&page, service, None)?;
    Ok(page)
}

/// When the first incident was created.
pub(super) async fn oldest(connection: &Connection<'_>) -> Result<Option<Timestamp>, VendorError> {
    let page = begin(connection, 1).await?;
    Ok(page.incidents.first().map(|incident| incident.created_at))
}

/// The first page of all. It tells when the windows begin.
pub(super) async fn first(
    connection: &Connection<'_>,
    query: &ListQuery,
) -> Result<(Listing, Option<Place>), VendorError> {
    let page = begin(connection, PAGE).await?;
    let created = created(&page);
    let (Some(oldest), Some(reached)) = (created.first().copied(), created.last().copied()) else {
        return Ok((Listing::default(), None));
    };
    let known = Known {
        total: None,
        oldest,
        reached,
    };
    let next = Rising::from_last(&created, end(query)).filter(|_| page.more);
    let place = after_incidents(next, known, query);
    Ok((shown(connection, page)?, Some(place)))
}

/// A page of a window. Nothing is created in one that is over, so that a count that went down tells that incidents have
/// left the service, and that those behind them moved up: then a window is begun where the page before ended.
pub(super) async fn next(
    connection: &Connection<'_>,
    query: &ListQuery,
    window: Rising,
    known: Known,
) -> Result<(Listing, Option<Place>), VendorError> {
    let service = service_of(connection, TRIED)?;
    let (limit, offset) = (PAGE.to_string(), window.offset.to_string());
    let (since, until) = (written(window.since), written(window.until));
    let mut parameters = parameters(service, &limit);
    parameters.extend([
        ("since", since.as_str()),
        ("until", &until),
        ("offset", &offset),
        ("total", "true"),
    ]);
    let request = request::listing(connection, "incidents", &parameters)?;
    let page: Incidents = call(connection, request).await?;
    check(&page, service, Some(&window))?;
    let created = created(&page);
    let gone = known
        .total
        .zip(page.total)
        .is_some_and(|(before, now)| now < before);
    let (next, known) = if gone {
        let again = Rising::new(whole(known.reached), 0, end(query));
        (
            Some(again),
            Known {
                total: None,
                ..known
            },
        )
    } else {
        let next = window.next(&created, page.more);
        let is_same = next.is_some_and(|next| next.since == window.since);
        let known = Known {
            total: page.total.filter(|_| is_same),
            reached: created.last().copied().unwrap_or(known.reached),
            ..known
        };
        (next, known)
    };
    let stands = |next: Rising| (next.since, next.offset <= window.offset) == (window.since, true);
    if !gone && next.is_some_and(stands) {
        return Err(garbage(
            TRIED,
            "more incidents of one second than offsets reach",
        ));
    }
    let place = after_incidents(next, known, query);
    Ok((shown(connection, page)?, Some(place)))
}

/// After the incidents come their notes.
fn after_incidents(next: Option<Rising>, known: Known, query: &ListQuery) -> Place {
    match next {
        Some(Rising { since, offset, .. }) => Place::Incidents {
            since,
            offset,
            known,
        },
        None => log_since(query.noted_since.unwrap_or(known.oldest), query),
    }
}

fn created(page: &Incidents) -> Vec<Timestamp> {
    page.incidents
        .iter()
        .map(|incident| incident.created_at)
        .collect()
}

/// Only what was asked for is believed, and nothing that does not tell where to go on.
fn check(page: &Incidents, service: &str, window: Option<&Rising>) -> Result<(), VendorError> {
    let wrong = |what: &str| Err(garbage(TRIED, what));
    if page
        .incidents
        .iter()
        .any(|it| !is_of(it.service.as_ref(), service))
    {
        return wrong(&format!(
            "an incident of another service than {service} was asked for"
        ));
    }
    let created = created(page);
    if !created.is_sorted() {
        return wrong(
            "incidents were asked for by `sort_by=created_at:asc` and are not in that order",
        );
    }
    if let Some(Rising { since, until, .. }) = window {
        // Whether `until` is included is not documented.
        let is_in = |at: &Timestamp| (*since..*until + SECOND).contains(at);
        if !created.iter().all(is_in) {
            let (since, until) = (written(*since), written(*until));
            return wrong(&format!(
                "an incident that was not created in `since={since}&until={until}`"
            ));
        }
    }
    if created.is_empty() && page.more {
        return wrong("more incidents are promised after none");
    }
    Ok(())
}

/// Who is shown without an address is gone, or hidden from us: nobody is asked for each.
fn shown(connection: &Connection<'_>, page: Incidents) -> Result<Listing, VendorError> {
    let record = |incident: Incident| {
        let id = incident.assignee_to_look_up();
        let known = id.and_then(|id| Some((id.to_owned(), known_address(connection, id)?)));
        record(incident, &BTreeMap::from_iter(known))
    };
    let records: Result<_, _> = page.incidents.into_iter().map(record).collect();
    Ok(Listing {
        records: records?,
        ..Listing::default()
    })
}
