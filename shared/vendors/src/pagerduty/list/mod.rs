//! The listing.
//!
//! `GET /incidents` filters by creation, and `PagerDuty` shows no more than 10,000 of one query, of six months at most. So
//! a full listing goes by windows of creation, and one of what changed reads the log of the account, which names
//! incidents and does not show them. Notes are in that log, too.

mod incidents;
mod log;
mod window;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::response;
use crate::{Connection, ListQuery, Listing, VendorError, VendorErrorKind, cursor};

/// The most of one page (FACTS.md, "REST").
const PAGE: usize = 100;
/// Where `limit` and `offset` may reach to, together.
const REACH: usize = 10_000;
/// "Maximum range is 6 months" (official schema of `GET /incidents`).
const SPAN: SignedDuration = SignedDuration::from_hours(24 * 150);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Place {
    /// Incidents that were created since, in this order.
    Incidents {
        since: Timestamp,
        offset: usize,
        known: Known,
    },
    /// Entries of the log from before a moment back to another: the newest come first.
    Log {
        since: Timestamp,
        before: Timestamp,
        offset: usize,
    },
}

/// What the pages before have told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// How many incidents there were in this window.
    total: Option<usize>,
    /// When the oldest of all was created.
    oldest: Timestamp,
    /// When the last one that was shown was created.
    reached: Timestamp,
}

pub(super) async fn page(
    connection: &Connection<'_>,
    query: &ListQuery,
    after: Option<&str>,
) -> Result<Listing, VendorError> {
    let (listing, next) = match cursor::read::<Place>(after)? {
        Some(place) => {
            place.check()?;
            go_on(connection, query, place).await?
        }
        None => match query.since {
            None => incidents::first(connection, query).await?,
            Some(since) => {
                let since = match query.noted_since {
                    Some(noted_since) => since.min(noted_since),
                    // Before the first incident nobody wrote a note.
                    None => incidents::oldest(connection)
                        .await?
                        .map_or(since, |at| since.min(at)),
                };
                go_on(connection, query, log_since(since, query)).await?
            }
        },
    };
    Ok(Listing {
        next: next.map(cursor::written).transpose()?,
        ..listing
    })
}

async fn go_on(
    connection: &Connection<'_>,
    query: &ListQuery,
    place: Place,
) -> Result<(Listing, Option<Place>), VendorError> {
    match place {
        Place::Incidents {
            since,
            offset,
            known,
        } => {
            let window = window::Rising::new(since, offset, end(query));
            incidents::next(connection, query, window, known).await
        }
        Place::Log {
            since,
            before,
            offset,
        } => {
            let window = window::Falling::new(since, before, offset);
            log::page(connection, query, window).await
        }
    }
}

impl Place {
    /// It may come from anywhere.
    fn check(&self) -> Result<(), VendorError> {
        let (offset, times) = match self {
            Self::Incidents {
                since,
                offset,
                known,
            } => (offset, [since, &known.oldest, &known.reached]),
            Self::Log {
                since,
                before,
                offset,
            } => (offset, [since, since, before]),
        };
        let is_asked = |at: &&Timestamp| (0..MOST_SECONDS).contains(&at.as_second());
        if *offset > REACH - PAGE || !times.iter().all(is_asked) {
            return Err(cursor::no_place());
        }
        Ok(())
    }
}

/// A time that leaves room for the sums that are done with it: before the year 6000.
const MOST_SECONDS: i64 = 127_000_000_000;

/// The log, back to a moment.
fn log_since(since: Timestamp, query: &ListQuery) -> Place {
    Place::Log {
        since: whole(since),
        before: end(query),
        offset: 0,
    }
}

/// The end of a listing; `until` of a query is taken as not included.
fn end(query: &ListQuery) -> Timestamp {
    whole(query.until) + SECOND
}

/// `PagerDuty`'s times have whole seconds.
fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn garbage(tried: &str, detail: impl Into<String>) -> VendorError {
    VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: detail.into(),
    }
}

fn is_of(service: Option<&response::Named>, ours: &str) -> bool {
    let id = service.and_then(|service| service.id.as_deref());
    id.is_none_or(|id| id == ours)
}

#[cfg(test)]
mod tests;
