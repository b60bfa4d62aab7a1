//! Bodies of writes: nothing passes that the vendor does not document.

use serde_json::{Map, Value};

use super::config::Account;
use super::edit::Change;
use super::incident::{NewIncident, Status, Urgency};
use super::refusal::Refusal;

type Object = Map<String, Value>;

const CREATE: &[&str] = &[
    "type",
    "title",
    "service",
    "priority",
    "urgency",
    "body",
    "incident_key",
    "assignments",
    "incident_type",
    "escalation_policy",
    "conference_bridge",
];

/// Without `body` and `description`: the description is set on creation only.
const UPDATE: &[&str] = &[
    "type",
    "status",
    "priority",
    "resolution",
    "title",
    "escalation_level",
    "assignments",
    "incident_type",
    "escalation_policy",
    "urgency",
    "conference_bridge",
    "service",
];

/// The body's only member, an object.
pub(crate) fn wrapped<'a>(body: &'a Value, name: &str) -> Result<&'a Object, Refusal> {
    let missing = || Refusal::invalid(format!("{name} is required and must be an object"));
    let outer = body.as_object().ok_or_else(missing)?;
    only(outer, &[name])?;
    outer
        .get(name)
        .and_then(Value::as_object)
        .ok_or_else(missing)
}

fn only(object: &Object, known: &[&str]) -> Result<(), Refusal> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::invalid(format!("{key} is not a known property"))),
        None => Ok(()),
    }
}

pub(crate) fn text<'a>(object: &'a Object, name: &str) -> Result<Option<&'a str>, Refusal> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid(format!("{name} must be a string"))),
    }
}

fn required<'a>(object: &'a Object, name: &str) -> Result<&'a str, Refusal> {
    text(object, name)?.ok_or_else(|| Refusal::invalid(format!("{name} is required")))
}

fn typed(object: &Object, kinds: &[&str]) -> Result<(), Refusal> {
    let kind = required(object, "type")?;
    if kinds.contains(&kind) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "type must be {}, not {kind}",
        kinds.join(" or ")
    )))
}

/// The id in a reference of one of these types.
fn reference<'a>(value: &'a Value, name: &str, kinds: &[&str]) -> Result<&'a str, Refusal> {
    let object = value
        .as_object()
        .ok_or_else(|| Refusal::invalid(format!("{name} must be a reference")))?;
    typed(object, kinds).map_err(|refusal| refusal.within(name))?;
    required(object, "id").map_err(|refusal| refusal.within(name))
}

fn known<'a, T>(found: Option<&'a T>, name: &str, id: &str) -> Result<&'a T, Refusal> {
    found.ok_or_else(|| Refusal::invalid(format!("{name} {id} was not found")))
}

fn urgency(text: &str) -> Result<Urgency, Refusal> {
    match text {
        "high" => Ok(Urgency::High),
        "low" => Ok(Urgency::Low),
        _ => Err(Refusal::invalid("Urgency must be high or low")),
    }
}

fn status(text: &str) -> Result<Status, Refusal> {
    match text {
        "triggered" => Ok(Status::Triggered),
        "acknowledged" => Ok(Status::Acknowledged),
        "resolved" => Ok(Status::Resolved),
        _ => Err(Refusal::invalid(
            "Status must be triggered, acknowledged or resolved",
        )),
    }
}

fn service(account: &Account, value: &Value) -> Result<String, Refusal> {
    let id = reference(value, "service", &["service_reference"])?;
    known(account.service(id), "service", id).map(|found| found.id.clone())
}

fn policy(account: &Account, value: &Value) -> Result<String, Refusal> {
    let name = "escalation_policy";
    let id = reference(value, name, &["escalation_policy_reference"])?;
    known(account.escalation_policy(id), name, id).map(|found| found.id.clone())
}

fn priority(account: &Account, value: &Value, kinds: &[&str]) -> Result<String, Refusal> {
    let id = reference(value, "priority", kinds)?;
    known(account.priority(id), "priority", id).map(|found| found.id.clone())
}

fn priority_by_name(account: &Account, name: &str) -> Result<String, Refusal> {
    known(account.priority_by_name(name), "priority", name).map(|found| found.id.clone())
}

fn assignees(account: &Account, value: &Value) -> Result<Vec<String>, Refusal> {
    let entries = value.as_array().filter(|entries| !entries.is_empty());
    let entries =
        entries.ok_or_else(|| Refusal::invalid("assignments must be a list of assignees"))?;
    let one = |entry: &Value| {
        let object = entry.as_object();
        let object = object.ok_or_else(|| Refusal::invalid("assignments must hold objects"))?;
        only(object, &["assignee"])?;
        let assignee = object.get("assignee").unwrap_or(&Value::Null);
        let id = reference(assignee, "assignee", &["user_reference"])?;
        known(account.user(id), "user", id).map(|found| found.id.clone())
    };
    entries.iter().map(one).collect()
}

/// Better refused than taken and lost.
fn unsupported(object: &Object) -> Result<(), Refusal> {
    for name in ["incident_type", "conference_bridge"] {
        if object.contains_key(name) {
            let detail = format!("{name} is not held by this stand-in");
            return Err(Refusal::invalid(detail));
        }
    }
    Ok(())
}

fn details(value: &Value) -> Result<Option<Value>, Refusal> {
    let object = value.as_object();
    let object = object.ok_or_else(|| Refusal::invalid("body must be an object"))?;
    only(object, &["type", "details"])?;
    typed(object, &["incident_body"]).map_err(|refusal| refusal.within("body"))?;
    match object.get("details") {
        Some(details) if details.is_object() || details.is_string() => Ok(Some(details.clone())),
        Some(_) => Err(Refusal::invalid(
            "body details must be an object or a string",
        )),
        None => Ok(None),
    }
}

/// The body of `POST /incidents`.
pub(crate) fn create(account: &Account, body: &Value) -> Result<NewIncident, Refusal> {
    let object = wrapped(body, "incident")?;
    only(object, CREATE)?;
    unsupported(object)?;
    typed(object, &["incident"])?;
    let title = required(object, "title")?;
    let on = object.get("service");
    let on = on.ok_or_else(|| Refusal::invalid("service is required"))?;
    let mut new = NewIncident::on(service(account, on)?, title, Urgency::High);
    if let Some(value) = text(object, "urgency")? {
        new.urgency = urgency(value)?;
    }
    if let Some(value) = object.get("priority") {
        new.priority = Some(priority(account, value, &["priority_reference"])?);
    }
    if let Some(value) = object.get("escalation_policy") {
        new.escalation_policy = Some(policy(account, value)?);
    }
    if let Some(value) = object.get("assignments") {
        if new.escalation_policy.is_some() {
            let detail = "assignments and escalation_policy cannot both be given";
            return Err(Refusal::invalid(detail));
        }
        new.assignees = assignees(account, value)?;
    }
    if let Some(value) = object.get("body") {
        new.details = details(value)?;
    }
    if let Some(key) = text(object, "incident_key")? {
        if key.is_empty() || key.chars().count() > 255 {
            return Err(Refusal::invalid(
                "incident_key must have 1 to 255 characters",
            ));
        }
        new.incident_key = Some(key.to_owned());
    }
    Ok(new)
}

/// The body of `PUT /incidents/{id}`.
pub(crate) fn update(account: &Account, body: &Value) -> Result<Vec<Change>, Refusal> {
    let object = wrapped(body, "incident")?;
    only(object, UPDATE)?;
    unsupported(object)?;
    typed(object, &["incident", "incident_reference"])?;
    let mut changes = Vec::new();
    for (name, value) in object {
        changes.extend(property(account, name, value, object)?);
    }
    Ok(changes)
}

fn property(
    account: &Account,
    name: &str,
    value: &Value,
    object: &Object,
) -> Result<Option<Change>, Refusal> {
    let words = || required(object, name);
    Ok(Some(match name {
        "title" => Change::Title(words()?.to_owned()),
        "status" => Change::Status(status(words()?)?),
        "urgency" => Change::Urgency(urgency(words()?)?),
        "resolution" => Change::Resolution(words()?.to_owned()),
        "service" => Change::Service(service(account, value)?),
        "escalation_policy" => Change::Policy(policy(account, value)?),
        "assignments" => Change::Assignees(assignees(account, value)?),
        "priority" => Change::Priority(Some(match value.as_str() {
            Some(name) => priority_by_name(account, name)?,
            None => priority(account, value, &["priority", "priority_reference"])?,
        })),
        "escalation_level" => {
            let level = value.as_u64().and_then(|level| usize::try_from(level).ok());
            Change::Level(level.ok_or_else(|| Refusal::invalid("escalation_level is invalid"))?)
        }
        _ => return Ok(None),
    }))
}

/// The body of `POST /incidents/{id}/notes`.
pub(crate) fn note(body: &Value) -> Result<Change, Refusal> {
    let object = wrapped(body, "note")?;
    only(object, &["content"])?;
    Ok(Change::Note(required(object, "content")?.to_owned()))
}

/// The ids in the body of `PUT /incidents/{id}/merge`.
pub(crate) fn sources(body: &Value) -> Result<Vec<String>, Refusal> {
    let name = "source_incidents";
    let missing = || Refusal::invalid(format!("{name} is required and must be a list"));
    let object = body.as_object().ok_or_else(missing)?;
    only(object, &[name])?;
    let given = object.get(name).and_then(Value::as_array);
    let given = given.filter(|it| !it.is_empty()).ok_or_else(missing)?;
    let one = |value| reference(value, name, &["incident_reference"]).map(str::to_owned);
    given.iter().map(one).collect()
}

/// A change as people and faults name it: a priority by its name, an assignee by e-mail.
pub(crate) fn named(account: &Account, field: &str, value: &Value) -> Result<Change, Refusal> {
    if field == "priority" && value.is_null() {
        return Ok(Change::Priority(None));
    }
    let words = value
        .as_str()
        .ok_or_else(|| Refusal::invalid(format!("{field} must be a string")))?;
    Ok(match field {
        "title" => Change::Title(words.to_owned()),
        "status" => Change::Status(status(words)?),
        "urgency" => Change::Urgency(urgency(words)?),
        "priority" => Change::Priority(Some(priority_by_name(account, words)?)),
        "assignee" => {
            let user = known(account.user_by_email(words), "user", words)?;
            Change::Assignees(vec![user.id.clone()])
        }
        "escalation_policy" => {
            let policy = known(account.escalation_policy(words), field, words)?;
            Change::Policy(policy.id.clone())
        }
        "service" => {
            let service = known(account.service(words), field, words)?;
            Change::Service(service.id.clone())
        }
        "note" => Change::Note(words.to_owned()),
        _ => return Err(Refusal::invalid(format!("{field} cannot be changed"))),
    })
}
