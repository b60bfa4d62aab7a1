//! `GET` of a table: filter, order, pages.

use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::encoded_query::EncodedQuery;
use super::record::Record;
use super::refusal::Refusal;
use super::rest::{Done, Target, add};
use super::state::State;
use super::view::View;
use crate::clock::Clock as _;
use crate::edge::json_response;

const DEFAULT_LIMIT: usize = 10_000;

pub(crate) fn answer(state: &State, target: &Target<'_>) -> Done {
    let found = found(state, target);
    let number = |name: &str| target.parameters.one(name)?.parse::<usize>().ok();
    let limit = number("sysparm_limit").unwrap_or(DEFAULT_LIMIT).max(1);
    let offset = number("sysparm_offset").unwrap_or_default();
    let view = View::new(&target.parameters, target.tables_url.clone());
    let page = found.iter().skip(offset).take(limit);
    let page: Vec<Value> = page.map(|row| view.row(state, target.table, row)).collect();
    if page.is_empty() && target.first_version {
        return Err(Refusal::no_record());
    }
    let mut response = json_response(StatusCode::OK, &json!({"result": page}));
    let total = found.len();
    let name = HeaderName::from_static("x-total-count");
    response.headers_mut().insert(name, total.into());
    if target.parameters.one("sysparm_suppress_pagination_header") != Some("true") {
        add(
            &mut response,
            header::LINK,
            &links(target, total, limit, offset),
        );
    }
    Ok(response)
}

fn found<'a>(state: &'a State, target: &Target<'_>) -> Vec<&'a Record> {
    let table = target.table;
    let is_field = |path: &str| state.cell(table, None, path).is_some();
    let text = target.parameters.one("sysparm_query").unwrap_or_default();
    let query = EncodedQuery::parse(text, state.surroundings.clock.now(), is_field);
    let pairs = target.parameters.pairs();
    let plain: Vec<_> = pairs.filter(|(name, _)| is_field(name)).collect();
    let value = |row: &'a Record, path: &str| {
        let cell = state.cell(table, Some(row), path);
        cell.map(|cell| cell.value).unwrap_or_default()
    };
    let mut found = state.rows(table);
    found.retain(|&row| {
        query.matches(|path| value(row, path))
            && plain
                .iter()
                .all(|(name, wanted)| value(row, name) == *wanted)
    });
    // Cells are looked up once for a row, not once for a comparison.
    let places = found.into_iter();
    let mut places: Vec<_> = places
        .map(|row| (query.place(|path| value(row, path)), row))
        .collect();
    places.sort_by(|(one, _), (other, _)| query.compare(one, other));
    places.into_iter().map(|(_, row)| row).collect()
}

/// `<url>;rel="first",<url>;rel="next",…`.
fn links(target: &Target<'_>, total: usize, limit: usize, offset: usize) -> String {
    let url = |offset: usize| {
        let mut query = Serializer::new(String::new());
        for (name, value) in target.parameters.pairs() {
            if name != "sysparm_limit" && name != "sysparm_offset" {
                query.append_pair(name, value);
            }
        }
        query.append_pair("sysparm_limit", &limit.to_string());
        query.append_pair("sysparm_offset", &offset.to_string());
        format!("{}/{}?{}", target.tables_url, target.table, query.finish())
    };
    let next = offset.saturating_add(limit);
    let pages = [
        ("first", Some(0)),
        ("next", (next < total).then_some(next)),
        ("prev", (offset > 0).then_some(offset.saturating_sub(limit))),
        ("last", Some(total.saturating_sub(1) / limit * limit)),
    ];
    let links = pages.iter().filter_map(|(name, offset)| {
        let url = url((*offset)?);
        Some(format!("<{url}>;rel=\"{name}\""))
    });
    links.collect::<Vec<_>>().join(",")
}
