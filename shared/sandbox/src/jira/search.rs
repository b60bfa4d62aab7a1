//! Searching by JQL. The index may lag behind the issues.

use serde::Deserialize;
use serde_json::{Value, json};

use super::jql::{Place, Vocabulary, parse};
use super::json::{Json, Wanted};
use super::query::Query;
use super::refusal::Refusal;
use super::rest::{Done, Outcome};
use super::state::State;

/// The most issues of a page: with fields, and without.
const MOST: usize = 100;
const MOST_IDS: usize = 5_000;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Search {
    #[serde(default)]
    jql: String,
    next_page_token: Option<String>,
    max_results: Option<usize>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    expand: String,
    /// Ids of issues to see as they are now.
    #[serde(default)]
    reconcile_issues: Vec<u64>,
    #[serde(rename = "fieldsByKeys")]
    _fields_by_keys: Option<bool>,
    #[serde(rename = "properties")]
    _properties: Option<Vec<String>>,
}

pub(crate) fn by_query(state: &mut State, query: &Query) -> Outcome {
    let ids = query.list("reconcileIssues");
    let ids = ids.iter().flat_map(|list| list.split(','));
    let ids: Result<Vec<u64>, _> = ids.map(str::parse).collect();
    let search = Search {
        jql: query.one("jql").unwrap_or_default().to_owned(),
        next_page_token: query.one("nextPageToken").map(str::to_owned),
        max_results: Some(query.number("maxResults", 50)?),
        fields: query.list("fields"),
        expand: query.one("expand").unwrap_or_default().to_owned(),
        reconcile_issues: ids.map_err(|_| Refusal::payload())?,
        ..Search::default()
    };
    found(state, &search)
}

pub(crate) fn by_body(state: &mut State, body: &Value) -> Outcome {
    let search = Search::deserialize(body).map_err(|_| Refusal::payload())?;
    found(state, &search)
}

fn found(state: &mut State, search: &Search) -> Outcome {
    let now = state.surroundings.now();
    let site = state.site();
    let known = Vocabulary {
        now,
        project: &|key| Some(site.project_named(key)?.id.clone()),
        status: &|name| Some(site.workflow.status_named(name)?.id.clone()),
        is_key: &|key| state.issue(key).is_ok(),
    };
    let jql = parse(&search.jql, &known).map_err(Refusal::invalid)?;
    let present: Vec<_> = search.reconcile_issues.iter().map(u64::to_string).collect();
    let wanted = Wanted::parse(&search.fields, "id");
    let most = if wanted.only_id() { MOST_IDS } else { MOST };
    let size = search.max_results.unwrap_or(50).min(most);
    let after = match &search.next_page_token {
        None => None,
        Some(token) => Some(place(token, &search.jql).ok_or_else(|| {
            Refusal::invalid("The provided next page token is invalid or expired.")
        })?),
    };
    let all = jql.select(site, &state.indexed(now, &present), after.as_ref());
    let page = all.iter().take(size);
    let last = page.clone().last().filter(|_| size < all.len());
    let json = Json::rest(&state.config);
    let names = search.expand.split(',').any(|part| part.trim() == "names");
    let issues = page.map(|issue| {
        if wanted.only_id() {
            json!({"id": issue.id})
        } else {
            json.issue(issue, &wanted)
        }
    });
    let mut answer = json!({"issues": issues.collect::<Vec<_>>(), "isLast": last.is_none()});
    if let Some(last) = last {
        answer["nextPageToken"] = json!(token(&Place::of(last), &search.jql));
    }
    if names {
        answer["names"] = Value::Object(json.names());
    }
    Ok(Done::ok(answer))
}

/// A token goes with its query only.
fn token(place: &Place, jql: &str) -> String {
    hex::encode(json!([place, jql]).to_string())
}

fn place(token: &str, jql: &str) -> Option<Place> {
    let (place, of): (Place, String) = serde_json::from_slice(&hex::decode(token).ok()?).ok()?;
    (of == jql).then_some(place)
}
