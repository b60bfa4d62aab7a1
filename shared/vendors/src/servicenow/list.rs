//! The listing: first the records, then the journals, each in the order of `sys_id`.
//!
//! A page begins after the last `sys_id` of the page before, so that a row that is changed or deleted meanwhile moves no
//! other one: places in a list that are counted (`sysparm_offset`) shift. A time is asked for as minutes before the present:
//! a literal may be taken for one of the account's own time zone.

use std::collections::BTreeSet;

use im_model::{ExternalId, NoteKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    api::{assignee, record},
    options, people,
    refusal::{Page, garbage, page as send},
    request::{self, PAGE, Prepared},
    response::Row,
};
use crate::{
    Connection, ListQuery, Listing, VendorError, cursor,
    listing::{earliest, minutes_back},
};

/// Where a page begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    part: Part,
    /// The last `sys_id` that was shown.
    after: Option<String>,
    /// How many rows that follow it an access rule hides.
    hidden: usize,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    #[default]
    Records,
    Journals,
}

pub(super) async fn page(
    connection: &Connection<'_>,
    query: &ListQuery,
    after: Option<&str>,
) -> Result<Listing, VendorError> {
    let place: Place = cursor::read(after)?.unwrap_or_default();
    if place
        .after
        .as_deref()
        .is_some_and(|id| !options::is_sys_id(id))
    {
        return Err(cursor::no_place());
    }
    match place.part {
        Part::Records => records(connection, query, &place).await,
        Part::Journals => journals(connection, query, &place).await,
    }
}

async fn records(
    connection: &Connection<'_>,
    query: &ListQuery,
    place: &Place,
) -> Result<Listing, VendorError> {
    let since = query.since.map(|since| Since {
        column: "sys_updated_on",
        since,
    });
    let asked = Asked::of(connection, request::table(connection), &[], since, place)?;
    let (rows, next) = asked.rows(connection, place).await?;
    let assignees: BTreeSet<_> = rows
        .iter()
        .filter_map(|row| row.full("assigned_to"))
        .collect();
    people::learn(connection, assignees).await?;
    let tried = asked.request.tried();
    let mut records = Vec::new();
    for row in &rows {
        let assignee = assignee(connection, row).await?;
        records.push(record(connection, row, assignee, &tried)?);
    }
    let next = next.unwrap_or(Place {
        part: Part::Journals,
        ..Place::default()
    });
    Ok(Listing {
        records,
        next: Some(cursor::written(next)?),
        ..Listing::default()
    })
}

async fn journals(
    connection: &Connection<'_>,
    query: &ListQuery,
    place: &Place,
) -> Result<Listing, VendorError> {
    let since = query.noted_since.map(|since| Since {
        column: "sys_created_on",
        since,
    });
    let table = request::table(connection);
    let of = [
        format!("name={table}"),
        "elementINcomments,work_notes".to_owned(),
    ];
    let asked = Asked::of(connection, "sys_journal_field", &of, since, place)?;
    let (rows, next) = asked.rows(connection, place).await?;
    let mut noted = BTreeSet::new();
    for row in &rows {
        let kind = row.get("element").map(str::parse::<NoteKind>);
        if row.get("name") != Some(table) || !matches!(kind, Some(Ok(_))) {
            return Err(asked.not_followed("an entry of another journal"));
        }
        let at = row.time("sys_created_on");
        let at = at.ok_or_else(|| garbage(&asked.request.tried(), "an entry without its time"))?;
        // Minutes reach back further than was asked for.
        if query
            .noted_since
            .is_some_and(|since| at.as_second() < since.as_second())
        {
            continue;
        }
        let id = row.full("element_id").filter(|id| options::is_sys_id(id));
        noted.extend(id.and_then(|id| ExternalId::parse(id).ok()));
    }
    Ok(Listing {
        noted,
        next: next.map(cursor::written).transpose()?,
        ..Listing::default()
    })
}

/// A column that holds a time, and from when on.
#[derive(Clone, Copy)]
struct Since {
    column: &'static str,
    since: Timestamp,
}

/// A page that is asked for.
struct Asked {
    query: String,
    since: Option<Since>,
    request: Prepared,
}

impl Asked {
    fn of(
        connection: &Connection<'_>,
        table: &str,
        conditions: &[String],
        since: Option<Since>,
        place: &Place,
    ) -> Result<Self, VendorError> {
        let since_then = since.map(|Since { column, since }| {
            let minutes = minutes_back(connection.their_time(connection.now), since);
            format!("{column}>=javascript:gs.minutesAgo({minutes})")
        });
        let after = place.after.as_ref().map(|id| format!("sys_id>{id}"));
        let order = "ORDERBYsys_id".to_owned();
        let conditions = conditions.iter().cloned().chain(since_then).chain(after);
        let query = conditions.chain([order]).collect::<Vec<_>>().join("^");
        let columns = match place.part {
            Part::Records => request::columns(connection),
            Part::Journals => "sys_id,name,element,element_id,sys_created_on".to_owned(),
        };
        let request = request::list(connection, table, &query, &columns, PAGE, place.hidden)?;
        Ok(Self {
            query,
            since,
            request,
        })
    }

    /// The rows, and where the next ones begin, if there are more.
    async fn rows(
        &self,
        connection: &Connection<'_>,
        place: &Place,
    ) -> Result<(Vec<Row>, Option<Place>), VendorError> {
        let page = send(connection, &self.request).await?;
        if (&place.after, place.hidden) == (&None, 0) {
            page.must_show(&self.request.tried())?;
        }
        self.check(&page.rows, place.after.as_deref())?;
        let next = place.after(&page);
        Ok((page.rows, next))
    }

    /// An invalid fragment of a query is ignored (FACTS.md, "Table API"): then rows come that it does not find.
    fn check(&self, rows: &[Row], after: Option<&str>) -> Result<(), VendorError> {
        let mut before = after.unwrap_or_default();
        for row in rows {
            let id = row.get("sys_id").unwrap_or_default();
            if !options::is_sys_id(id) {
                return Err(garbage(&self.request.tried(), "a row without its sys_id"));
            }
            if id <= before {
                return Err(self.not_followed("a row out of its place"));
            }
            before = id;
            let Some(Since { column, since }) = self.since else {
                continue;
            };
            if row.time(column).is_some_and(|at| at < earliest(since)) {
                return Err(self.not_followed(&format!("a row with an older {column}")));
            }
        }
        Ok(())
    }

    fn not_followed(&self, what: &str) -> VendorError {
        let detail = format!("{what}: the query was not followed: {}", self.query);
        garbage(&self.request.tried(), detail)
    }
}

impl Place {
    /// A short page need not be the last one: the count has the rows that are hidden, too, and an instance may show
    /// fewer at once than it was asked for.
    fn after(&self, page: &Page) -> Option<Self> {
        let passed = match page.rows.len() {
            0 => PAGE,
            shown => shown,
        };
        let is_more = match page.total {
            Some(total) => total > self.hidden.saturating_add(passed),
            None => !page.rows.is_empty(),
        };
        let last = page.rows.last().and_then(|row| row.get("sys_id"));
        is_more.then(|| match last {
            Some(last) => Self {
                after: Some(last.to_owned()),
                hidden: 0,
                ..self.clone()
            },
            None => Self {
                hidden: self.hidden.saturating_add(PAGE),
                ..self.clone()
            },
        })
    }
}

#[cfg(test)]
mod tests;
