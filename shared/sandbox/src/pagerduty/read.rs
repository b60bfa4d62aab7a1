//! GET.

use jiff::{Timestamp, ToSpan, Zoned, tz::TimeZone};
use serde_json::json;

use super::incident::Incident;
use super::json;
use super::log_entry::LogEntry;
use super::query::Query;
use super::refusal::Refusal;
use super::rest::Done;
use super::state::State;

/// `body` is not in the official list of values, but its own text of `Incident.body` names it.
const INCLUDES: &[&str] = &[
    "acknowledgers",
    "agents",
    "assignees",
    "body",
    "conference_bridge",
    "custom_fields",
    "escalation_policies",
    "first_trigger_log_entries",
    "priorities",
    "services",
    "teams",
    "users",
];

pub(crate) fn incident(state: &State, id: &str, query: &Query, behind: usize) -> Done {
    let include = query.list_of("include[]", INCLUDES)?;
    let incident = state
        .incidents
        .behind(id, behind)
        .ok_or_else(Refusal::not_found)?;
    Ok(json!({"incident": json::incident(state, incident, &include)}))
}

pub(crate) fn incidents(state: &mut State, query: &Query) -> Done {
    let now = state.surroundings.now();
    let include = query.list_of("include[]", INCLUDES)?;
    let statuses = ["triggered", "acknowledged", "resolved"];
    let statuses = query.list_of("statuses[]", &statuses)?;
    let urgencies = query.list_of("urgencies[]", &["high", "low"])?;
    let services = query.list("service_ids[]");
    let users = query.list("user_ids[]");
    let key = query.one("incident_key");
    let (since, until) = created(query, now)?;
    let either = |wanted: &[String], value: &str| {
        wanted.is_empty() || wanted.iter().any(|wanted| wanted == value)
    };
    let wanted = |incident: &&Incident| {
        key.is_none_or(|key| incident.incident_key == key)
            && either(&statuses, incident.status.as_str())
            && either(&urgencies, incident.urgency.as_str())
            && either(&services, &incident.service)
            && (users.is_empty() || incident.assignees().iter().any(|user| either(&users, user)))
            && since.is_none_or(|since| incident.created_at >= since)
            && until.is_none_or(|until| incident.created_at < until)
    };
    let mut found: Vec<&Incident> = state.incidents.all().filter(wanted).collect();
    sort(&mut found, query.one("sort_by"))?;
    query.page("incidents", &found, |incident| {
        json::incident(state, incident, &include)
    })
}

/// By creation, never by change; the last month unless told otherwise, six at most.
fn created(
    query: &Query,
    now: Timestamp,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Refusal> {
    match query.one("date_range") {
        Some("all") => return Ok((None, None)),
        Some(_) => return Err(Refusal::invalid("date_range must be all")),
        None => {}
    }
    let until = query.time("until")?;
    let end = Zoned::new(until.unwrap_or(now), TimeZone::UTC);
    let back = |months: i64| {
        end.checked_sub(months.months())
            .map(|zoned| zoned.timestamp())
    };
    let since = match query.time("since")? {
        Some(since) if back(6).is_ok_and(|first| since < first) => {
            return Err(Refusal::invalid("since and until span more than 6 months"));
        }
        Some(since) => Some(since),
        None => back(1).ok(),
    };
    Ok((since, until))
}

fn sort(found: &mut [&Incident], sort_by: Option<&str>) -> Result<(), Refusal> {
    // The last criterion first: sorting is stable.
    for criterion in sort_by.into_iter().flat_map(|text| text.rsplit(',')) {
        let (field, direction) = criterion.split_once(':').unwrap_or((criterion, "asc"));
        match field {
            "incident_number" => found.sort_by_key(|incident| incident.number),
            "created_at" => found.sort_by_key(|incident| incident.created_at),
            "resolved_at" => found.sort_by_key(|incident| incident.resolved_at),
            "urgency" => found.sort_by_key(|incident| incident.urgency.as_str()),
            _ => return Err(Refusal::invalid(format!("cannot sort by {field}"))),
        }
        match direction {
            "asc" => {}
            "desc" => found.reverse(),
            _ => return Err(Refusal::invalid(format!("cannot sort {direction}"))),
        }
    }
    Ok(())
}

pub(crate) fn notes(state: &State, id: &str) -> Done {
    let incident = state.incident(id).ok_or_else(Refusal::not_found)?;
    let notes = incident.notes.iter().rev();
    let notes: Vec<_> = notes.map(|note| json::note(&state.account, note)).collect();
    Ok(json!({ "notes": notes }))
}

/// Newest first; `of` limits them to one incident.
pub(crate) fn log_entries(state: &State, of: Option<&str>, query: &Query) -> Done {
    if of.is_some_and(|id| state.incident(id).is_none()) {
        return Err(Refusal::not_found());
    }
    query.list_of("include[]", &["incidents", "services", "channels", "teams"])?;
    let (since, until) = (query.time("since")?, query.time("until")?);
    let wanted = |entry: &&LogEntry| {
        of.is_none_or(|id| entry.incident == id)
            && since.is_none_or(|since| entry.created_at >= since)
            && until.is_none_or(|until| entry.created_at < until)
    };
    let found: Vec<_> = state.log.iter().rev().filter(wanted).collect();
    query.page("log_entries", &found, |entry| json::log_entry(state, entry))
}

pub(crate) fn priorities(state: &State, query: &Query) -> Done {
    query.page("priorities", &state.account.priorities, json::priority)
}

/// `query` matches names and e-mails.
pub(crate) fn users(state: &State, query: &Query) -> Done {
    let part = query.one("query").unwrap_or_default().to_lowercase();
    let matching = |text: &str| text.to_lowercase().contains(&part);
    let users = state.account.users.iter();
    let found: Vec<_> = users
        .filter(|user| matching(&user.name) || matching(&user.email))
        .collect();
    query.page("users", &found, |user| json::user(user))
}

pub(crate) fn user(state: &State, id: &str) -> Done {
    let user = state.account.user(id).ok_or_else(Refusal::not_found)?;
    Ok(json!({"user": json::user(user)}))
}

/// Works with a user's key only.
pub(crate) fn me(state: &State) -> Done {
    let owner = state.token_owner.as_deref();
    let user = owner.and_then(|email| state.account.user_by_email(email));
    let user = user.ok_or_else(|| Refusal::invalid("the API key belongs to no user"))?;
    Ok(json!({"user": json::user(user)}))
}

pub(crate) fn service(state: &State, id: &str) -> Done {
    let service = state.account.service(id).ok_or_else(Refusal::not_found)?;
    Ok(json!({"service": json::service(&state.account, service)}))
}

pub(crate) fn escalation_policies(state: &State, query: &Query) -> Done {
    let part = query.one("query").unwrap_or_default().to_lowercase();
    let policies = state.account.escalation_policies.iter();
    let found: Vec<_> = policies
        .filter(|policy| policy.name.to_lowercase().contains(&part))
        .collect();
    let render = |policy: &&_| json::policy(&state.account, policy);
    query.page("escalation_policies", &found, render)
}
