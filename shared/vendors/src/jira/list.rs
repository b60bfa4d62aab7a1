//! The listing: a search by JQL, in the order in which issues were created, which no change of an issue disturbs.

use im_model::ExternalRecord;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{
    issue::{self, Issue},
    moment,
    refusal::{call, garbage},
    request,
};
use crate::{
    Connection, ListQuery, Listing, VendorError, VendorErrorKind, cursor,
    listing::{earliest, minutes_back},
};

const TRIED: &str = "POST /rest/api/3/search/jql";

/// A period ends at the present, so that what it begins with moves on while the pages are read. This much of it is spare;
/// then the search is begun anew with the issues that follow.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Jira's own, if this is not the search's first page.
    token: Option<String>,
    /// When the search began.
    began: Timestamp,
    /// How many minutes before that its issues were created, at most.
    created: Option<i64>,
    /// The same of updates.
    updated: Option<i64>,
    /// When the last issue was created, by Jira's clock.
    reached: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    issues: Vec<Issue>,
    next_page_token: Option<String>,
}

pub(super) async fn page(
    connection: &Connection<'_>,
    query: &ListQuery,
    after: Option<&str>,
) -> Result<Listing, VendorError> {
    let lower = lower(query);
    let place = match cursor::read::<Place>(after)? {
        Some(place) => place.checked()?.still_good(connection, lower),
        None => Place::begun(connection, lower, None),
    };
    let mut fields = issue::fields_to_read(connection);
    fields.push("comment".to_owned());
    let token = place.token.as_deref();
    let request = request::list(connection, place.created, place.updated, &fields, token)?;
    let page: Page = call(connection, request)
        .await
        .map_err(|error| place.explained(error))?;
    let mut listing = Listing::default();
    let mut reached = place.reached;
    for seen in page.issues {
        check_project(connection, &seen)?;
        let comments = seen.fields.get("comment").cloned();
        let record = issue::record(connection, seen).await?;
        check_updated(&record, lower)?;
        reached = reached.max(Some(record.created_at));
        if is_noted(&record, comments.as_ref(), query.noted_since) {
            listing.noted.insert(record.id.clone());
        }
        if query
            .since
            .is_none_or(|since| record.updated_at >= earliest(since))
        {
            listing.records.push(record);
        }
    }
    listing.next = match page.next_page_token {
        Some(token) => Some(cursor::written(Place {
            token: Some(token),
            reached,
            ..place
        })?),
        None => None,
    };
    Ok(listing)
}

/// A new comment updates its issue: what was updated since has both. `None` where all issues have to be looked at.
fn lower(query: &ListQuery) -> Option<Timestamp> {
    Some(query.since?.min(query.noted_since?))
}

impl Place {
    /// Of a search that begins now.
    fn begun(
        connection: &Connection<'_>,
        lower: Option<Timestamp>,
        reached: Option<Timestamp>,
    ) -> Self {
        let now = connection.their_time(connection.now);
        let spare = SPARE.as_mins();
        Self {
            token: None,
            began: connection.now,
            created: reached.map(|at| minutes_back(now, at) + spare),
            updated: lower.map(|at| minutes_back(now, at) + spare),
            reached,
        }
    }

    fn still_good(self, connection: &Connection<'_>, lower: Option<Timestamp>) -> Self {
        let age = connection.now.duration_since(self.began);
        if self.updated.is_none() || age < SPARE {
            return self;
        }
        Self::begun(connection, lower, self.reached)
    }

    /// It may come from anywhere.
    fn checked(self) -> Result<Self, VendorError> {
        let minutes = [self.created, self.updated];
        let is_wrong = |minutes: &i64| *minutes < 0;
        if self.token.is_none() || minutes.iter().flatten().any(is_wrong) {
            return Err(cursor::no_place());
        }
        Ok(self)
    }

    /// "This token will expire in 7 days" (official schema).
    fn explained(&self, mut error: VendorError) -> VendorError {
        let is_refused = matches!(error.kind, VendorErrorKind::Refused { status: 400, .. });
        if is_refused && self.token.is_some() {
            let words =
                "Jira does not go on with this listing, its page may have expired: start it anew";
            error.detail = format!("{words}: {}", error.detail);
        }
        error
    }
}

fn check_project(connection: &Connection<'_>, issue: &Issue) -> Result<(), VendorError> {
    let wanted = request::project(connection, "search")?;
    let project = issue.fields.get("project").unwrap_or(&Json::Null);
    let is = |name: &str| {
        let own = project[name].as_str();
        own.is_some_and(|own| own.eq_ignore_ascii_case(wanted))
    };
    if is("key") || is("id") {
        return Ok(());
    }
    let key = project["key"].as_str().unwrap_or("unknown");
    let detail = format!("an issue of the project {key}, where `project = {wanted}` was asked for");
    Err(garbage(TRIED, detail))
}

fn check_updated(record: &ExternalRecord, lower: Option<Timestamp>) -> Result<(), VendorError> {
    let is_older = |lower: Timestamp| {
        let asked = lower.saturating_sub(SPARE).unwrap_or(lower);
        record.updated_at < earliest(asked)
    };
    match lower.filter(|lower| is_older(*lower)) {
        None => Ok(()),
        Some(lower) => {
            let at = record.updated_at;
            let detail =
                format!("an issue that was updated {at}, where `updated >= {lower}` was asked for");
            Err(garbage(TRIED, detail))
        }
    }
}

/// Has somebody commented, or edited a comment, since? Where only some of the comments are shown, the others may be new.
fn is_noted(record: &ExternalRecord, comments: Option<&Json>, since: Option<Timestamp>) -> bool {
    let Some(comments) = comments else {
        return false;
    };
    let shown = comments["comments"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let total = comments["total"].as_u64();
    let are_all = total.is_none_or(|total| total <= shown.len() as u64);
    let Some(since) = since else {
        return !shown.is_empty() || !are_all;
    };
    let is_new = |comment: &Json| {
        let at = |name: &str| comment[name].as_str().and_then(moment::read);
        at("updated")
            .or_else(|| at("created"))
            .is_none_or(|at| at >= since)
    };
    shown.iter().any(is_new) || (!are_all && record.updated_at >= since)
}

#[cfg(test)]
mod tests;
