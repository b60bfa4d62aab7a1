//! `im integration preview`.

use serde_json::{Value, json};

use super::{PATH, id};
use crate::{
    cli::PreviewIntegration,
    client::Client,
    output::{Console, cell, one_line, table},
    page,
};

/// How many incidents the API looks at for one request.
const MOST_AT_ONCE: u16 = 25;

/// Shows what would be written, of one incident, of so many, or of all.
pub async fn run(
    preview: &PreviewIntegration,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, &preview.integration).await?;
    let path = [PATH, id.as_str(), "preview"];
    let seen = match &preview.incident {
        Some(incident) => {
            let body = json!({"incident": incident.to_string()});
            client.post(&path, &body).await?
        }
        None => pages(&path, preview.limit, client).await?,
    };
    console.result(&seen, |seen| listing(page::items(seen)))?;
    if page::next(&seen).is_some() {
        console.note("there are more: a larger --limit, or none, shows them")?;
    }
    Ok(())
}

async fn pages(path: &[&str], limit: Option<u16>, client: &Client) -> anyhow::Result<Value> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let left = limit.map(|limit| usize::from(limit).saturating_sub(items.len()));
        let left = left.and_then(|left| u16::try_from(left).ok());
        let mut body = json!({"limit": left.unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE)});
        if let Some(cursor) = &cursor {
            body["cursor"] = json!(cursor);
        }
        let page = client.post(path, &body).await?;
        items.extend_from_slice(page::items(&page));
        let next = page::next(&page).map(str::to_owned);
        let is_enough = limit.is_some_and(|limit| items.len() >= usize::from(limit));
        if next.is_none() || is_enough {
            return Ok(json!({"items": items, "next": next}));
        }
        if next == cursor {
            let problem = "its list does not end: the next page is the same again";
            return Err(client.unreadable(problem).into());
        }
        cursor = next;
    }
}

/// One line per incident, and one per field below it.
fn listing(items: &[Value]) -> String {
    let mut rows = Vec::new();
    for item in items {
        let notes = item["notes_to_send"].as_u64().unwrap_or_default();
        // Of a linked one the reason says so.
        let notes = if item["action"] == "create" { notes } else { 0 };
        let reason = match notes {
            0 => cell(item, "reason"),
            1 => format!("{}; 1 note to send", cell(item, "reason")),
            notes => format!("{}; {notes} notes to send", cell(item, "reason")),
        };
        rows.push(vec![
            cell(item, "incident_id"),
            cell(item, "external_id"),
            cell(item, "action"),
            reason,
        ]);
        let fields = item["fields"].as_array().map_or(&[][..], Vec::as_slice);
        rows.extend(fields.iter().map(|field| {
            let moves = match field["action"].as_str() {
                Some("push") => {
                    format!("{} → {}", shown(field, "external"), shown(field, "becomes"))
                }
                Some("pull") => {
                    format!("{} → {}", shown(field, "platform"), shown(field, "becomes"))
                }
                _ => format!(
                    "{} | {}",
                    shown(field, "platform"),
                    shown(field, "external")
                ),
            };
            vec![
                format!("  {}", cell(field, "field")),
                String::new(),
                cell(field, "action"),
                format!("{moves} ({})", cell(field, "why")),
            ]
        }));
    }
    let headings = ["INCIDENT", "RECORD", "ACTION", "WHAT AND WHY"];
    table(&headings, &rows, "No incidents.")
}

/// A value, not longer than a line bears.
fn shown(field: &Value, member: &str) -> String {
    const MOST: usize = 40;
    let Some(text) = field[member].as_str() else {
        return "(empty)".to_owned();
    };
    let mut start: String = text.chars().take(MOST).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    one_line(&start)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::{Cli, Command, Format, IntegrationCommand},
        test_api::{Screen, TestApi},
    };

    const PATH: &str = "/api/v1/integrations/pd/preview";
    const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

    async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
        let line = ["im", "integration", "preview", "pd"].iter().chain(line);
        let cli = Cli::try_parse_from(line)?;
        let Command::Integration {
            command: IntegrationCommand::Preview(preview),
        } = cli.command
        else {
            panic!("im integration preview")
        };
        screen.format = cli.output.format;
        run(&preview, &api.client(None), &mut screen.console()).await
    }

    async fn api(answer: &Value) -> TestApi {
        let api = TestApi::start().await;
        let pd = json!({"id": "pd", "name": "Prod PD"});
        api.answer("GET /api/v1/integrations/pd", 200, &pd);
        api.answer(&format!("POST {PATH}"), 200, answer);
        api
    }

    fn item() -> Value {
        json!({
            "incident_id": INCIDENT, "external_id": "PGR0VU2", "action": "update",
            "reason": "1 field to the vendor", "notes_to_send": 2,
            "fields": [
                {
                    "field": "title", "action": "push", "platform": "db is down", "external": "db\u{1b} down",
                    "becomes": "db is down", "rule": "platform_changed", "why": "newer",
                },
                {
                    "field": "priority", "action": "pull", "platform": null, "external": "1",
                    "becomes": "P1", "rule": "external_changed", "why": "newer",
                },
                {
                    "field": "status", "action": "hold", "platform": "open", "external": "x".repeat(50),
                    "becomes": null, "rule": "conflict", "why": "it waits",
                },
            ],
        })
    }

    #[tokio::test]
    async fn each_field_says_what_would_become_of_it() {
        let answer = json!({"items": [item()], "next": null});
        let api = api(&answer).await;
        let mut screen = Screen::new(Format::Table);
        let line = ["--incident", INCIDENT];
        im(&api, &mut screen, &line).await.expect("shown");
        insta::assert_snapshot!(screen.out(), @"
        INCIDENT                        RECORD   ACTION  WHAT AND WHY
        INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  PGR0VU2  update  1 field to the vendor
          title                                  push    db  down → db is down (newer)
          priority                               pull    (empty) → P1 (newer)
          status                                 hold    open | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… (it waits)
        ");
        let asked = api.requests().pop().expect("a request").json();
        assert_eq!(asked, json!({"incident": INCIDENT}));
        let mut screen = Screen::new(Format::Json);
        let line = ["--incident", INCIDENT, "--format", "json"];
        im(&api, &mut screen, &line).await.expect("shown");
        let printed: Value = serde_json::from_str(&screen.out()).expect("JSON");
        assert_eq!(printed, answer);
    }

    #[tokio::test]
    async fn a_limit_bounds_the_pages_and_more_is_said() {
        let page = json!({"items": vec![item(); 25], "next": "c1"});
        let api = api(&page).await;
        let mut screen = Screen::new(Format::Json);
        let line = ["--limit", "50", "--format", "json"];
        im(&api, &mut screen, &line).await.expect("shown");
        let asked: Vec<_> = api
            .requests()
            .iter()
            .skip(1)
            .map(crate::test_api::Request::json)
            .collect();
        let second = json!({"limit": 25, "cursor": "c1"});
        assert_eq!(asked, [json!({"limit": 25}), second]);
        let said = "note: there are more: a larger --limit, or none, shows them\n";
        assert_eq!(screen.err(), said);
        let endless = im(&api, &mut screen, &[])
            .await
            .expect_err("it does not end");
        assert!(endless.to_string().contains("does not end"), "{endless}");
    }
}
