//! `im incident`.

mod link;
mod note;

use serde_json::{Map, Value, json};

use crate::{
    cli::{CreateIncident, IncidentCommand, IncidentFields, ListIncidents, UpdateIncident},
    client::Client,
    history::timeline,
    output::{Console, cell, details, moment, table, text},
    page,
    secret_input::SecretInput,
};

pub const PATH: &str = "incidents";

/// Runs one command.
pub async fn run(
    command: IncidentCommand,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        IncidentCommand::Create(create) => {
            let incident = client.post(&[PATH], &creation(&create)).await?;
            console.result(&incident, describe)
        }
        IncidentCommand::Get { incident } => {
            let incident = client.get(&[PATH, incident.as_str()], &[]).await?;
            console.result(&incident, describe)
        }
        IncidentCommand::List(list) => run_list(&list, client, console).await,
        IncidentCommand::Update(update) => {
            let path = [PATH, update.incident.as_str()];
            let incident = client
                .patch(&path, &change(&update), update.if_revision)
                .await?;
            console.result(&incident, describe)
        }
        IncidentCommand::Link {
            incident,
            integration,
            external_id,
        } => link::link(&incident, &integration, &external_id, client, console).await,
        IncidentCommand::Unlink {
            incident,
            integration,
        } => link::unlink(&incident, &integration, client, console).await,
        IncidentCommand::Comment(comment) => note::add(&comment, client, input, console).await,
        IncidentCommand::Comments { incident, internal } => {
            note::show(incident.as_str(), internal, client, console).await
        }
        IncidentCommand::Timeline { incident } => timeline::show(&incident, client, console).await,
    }
}

async fn run_list(
    list: &ListIncidents,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let limit = list.limit.map(|limit| limit.to_string());
    let mut query = Vec::new();
    query.extend(list.status.as_deref().map(|status| ("status", status)));
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    let incidents = if list.all {
        page::all(client, &[PATH], &query).await?
    } else {
        page::one(client, &[PATH], &query).await?
    };
    console.result(&incidents, |incidents| listing(page::items(incidents)))?;
    if page::next(&incidents).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

fn creation(create: &CreateIncident) -> Value {
    let mut body = fields(&create.fields);
    body.insert("title".to_owned(), json!(create.title));
    Value::Object(body)
}

fn change(update: &UpdateIncident) -> Value {
    let mut body = fields(&update.fields);
    if let Some(title) = &update.title {
        body.insert("title".to_owned(), json!(title));
    }
    Value::Object(body)
}

/// The fields that were given. An empty text clears one.
fn fields(given: &IncidentFields) -> Map<String, Value> {
    let texts = [
        ("description", &given.description),
        ("severity", &given.severity),
        ("priority", &given.priority),
        ("status", &given.status),
        ("assigned_to", &given.assigned_to),
        ("escalation_policy", &given.escalation_policy),
    ];
    let mut body: Map<String, Value> = texts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))))
        .collect();
    if !given.custom.is_empty() {
        let custom = given
            .custom
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)));
        body.insert("custom_fields".to_owned(), Value::Object(custom.collect()));
    }
    body
}

fn listing(incidents: &[Value]) -> String {
    let rows: Vec<Vec<String>> = incidents
        .iter()
        .map(|incident| {
            let mut row: Vec<String> = ["id", "severity", "priority", "status", "assigned_to"]
                .map(|m| cell(incident, m))
                .into();
            row.push(moment(incident, "updated_at"));
            row.push(cell(incident, "title"));
            row
        })
        .collect();
    let headings = [
        "ID",
        "SEVERITY",
        "PRIORITY",
        "STATUS",
        "ASSIGNED TO",
        "UPDATED",
        "TITLE",
    ];
    table(&headings, &rows, "No incidents.")
}

fn describe(incident: &Value) -> String {
    let mut pairs = vec![
        ("Id", cell(incident, "id")),
        ("Title", cell(incident, "title")),
        ("Severity", cell(incident, "severity")),
        ("Priority", cell(incident, "priority")),
        ("Status", cell(incident, "status")),
        ("Assigned to", cell(incident, "assigned_to")),
        ("Escalation policy", cell(incident, "escalation_policy")),
    ];
    let description = text(incident, "description");
    if !description.is_empty() {
        pairs.push(("Description", description));
    }
    let custom: Vec<String> = members(incident, "custom_fields")
        .map(|(name, _)| format!("{name}={}", cell(&incident["custom_fields"], name)))
        .collect();
    if !custom.is_empty() {
        pairs.push(("Custom fields", custom.join("\n")));
    }
    pairs.extend([
        ("Organization", cell(incident, "organization_id")),
        ("Created", moment(incident, "created_at")),
        ("Updated", moment(incident, "updated_at")),
        ("Revision", cell(incident, "revision")),
    ]);
    let under_way = pending(incident);
    if !under_way.is_empty() {
        pairs.push(("Being sent to", under_way));
    }
    let dead: Vec<String> = members(incident, "dead_letters")
        .map(|(name, _)| format!("{name} {}", cell(&incident["dead_letters"], name)))
        .collect();
    if !dead.is_empty() {
        pairs.push(("Dead letters", dead.join("\n")));
    }
    let links: Vec<String> = elements(incident, "links")
        .iter()
        .map(describe_link)
        .collect();
    if !links.is_empty() {
        pairs.push(("Links", links.join("\n")));
    }
    details(&pairs)
}

/// The integrations that are still owed a change: a list of ids or of objects that name one.
fn pending(incident: &Value) -> String {
    let names = elements(incident, "pending")
        .iter()
        .map(|entry| match entry {
            Value::String(name) => name.clone(),
            entry => cell(entry, "integration_id"),
        });
    names.collect::<Vec<_>>().join(", ")
}

/// One line for the link, one below it for each notice.
fn describe_link(link: &Value) -> String {
    let mut described = format!("{} {}", cell(link, "integration_id"), cell(link, "state"));
    for member in ["external_id", "url"] {
        let value = text(link, member);
        if !value.is_empty() {
            described = format!("{described} {value}");
        }
    }
    let notices = elements(link, "notices").iter().map(|notice| {
        let [field, kind, detail] = ["field", "kind", "detail"].map(|member| cell(notice, member));
        format!("\n  {field} {kind}: {detail}")
    });
    described + &notices.collect::<String>()
}

fn elements<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value
        .get(member)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn members<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(member)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests;
