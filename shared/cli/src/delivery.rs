//! `im delivery`.

use im_model::DeliveryId;
use serde_json::{Value, json};

use crate::{
    cli::{DeliveryCommand, ListDeliveries},
    client::Client,
    integration,
    output::{Console, cell, moment, table},
    page,
};

const PATH: &str = "deliveries";

/// Runs one command.
pub async fn run(
    command: DeliveryCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        DeliveryCommand::List(list) => run_list(&list, client, console).await,
        DeliveryCommand::Replay {
            integration,
            delivery,
        } => replay(&integration, &delivery, client, console).await,
    }
}

async fn run_list(
    list: &ListDeliveries,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = integration::id(client, &list.integration).await?;
    let limit = list.limit.map(|limit| limit.to_string());
    let mut query = vec![("integration_id", integration.as_str())];
    query.extend(list.open.then_some(("status", "open")));
    query.extend(limit.as_deref().map(|limit| ("limit", limit)));
    let deliveries = if list.all {
        page::all(client, &[PATH], &query).await?
    } else {
        page::one(client, &[PATH], &query).await?
    };
    console.result(&deliveries, |deliveries| listing(page::items(deliveries)))?;
    if page::next(&deliveries).is_some() {
        console.note("there are more: --all lists all of them")?;
    }
    Ok(())
}

async fn replay(
    integration: &str,
    delivery: &DeliveryId,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = integration::id(client, integration).await?;
    let path = [PATH, integration.as_str(), delivery.as_str(), "replay"];
    let replayed = client.post(&path, &json!({})).await?;
    console.result(&replayed, |delivery| {
        let (id, of) = (
            cell(delivery, "delivery_id"),
            cell(delivery, "integration_id"),
        );
        format!(
            "{id} of {of} is being processed again; `im delivery list --integration {of}` shows what comes of it\n"
        )
    })
}

fn listing(deliveries: &[Value]) -> String {
    let rows: Vec<Vec<String>> = deliveries
        .iter()
        .map(|delivery| {
            let mut row = vec![moment(delivery, "received_at")];
            let members = [
                "event_type",
                "external_id",
                "status",
                "delivery_id",
                "outcome",
            ];
            row.extend(members.map(|member| cell(delivery, member)));
            row
        })
        .collect();
    let headings = ["RECEIVED", "EVENT", "RECORD", "STATUS", "ID", "OUTCOME"];
    table(&headings, &rows, "No deliveries.")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::{Cli, Command, Format},
        test_api::{Screen, TestApi},
    };

    async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
        let cli = Cli::try_parse_from(["im", "delivery"].iter().chain(line))?;
        let Command::Delivery { command } = cli.command else {
            panic!("im delivery")
        };
        screen.format = cli.output.format;
        run(command, &api.client(None), &mut screen.console()).await
    }

    fn delivery() -> Value {
        json!({
            "id": "pd/01FKZ", "integration_id": "pd", "delivery_id": "01FKZ",
            "event_type": "incident.triggered", "received_at": "2026-11-03T10:20:30.5Z",
            "occurred_at": null, "external_id": "PGR0VU2", "status": "open", "outcome": null,
        })
    }

    async fn api() -> TestApi {
        let api = TestApi::start().await;
        let pd = json!({"id": "pd", "name": "Prod PD"});
        let list = json!({"items": [pd], "next": null});
        api.answer("GET /api/v1/integrations", 200, &list);
        api.answer("GET /api/v1/integrations/pd", 200, &pd);
        api
    }

    #[tokio::test]
    async fn deliveries_are_listed_with_what_came_of_them() {
        let api = api().await;
        let mut done = delivery();
        done["outcome"] = json!("skipped: \u{1b}it was unlinked");
        done["status"] = json!("done");
        let list = json!({"items": [delivery(), done], "next": "c1"});
        let query = "integration_id=pd&status=open&limit=2";
        api.answer(&format!("GET /api/v1/deliveries?{query}"), 200, &list);
        let mut screen = Screen::new(Format::Table);
        let line = ["list", "--integration", "Prod PD", "--open", "--limit", "2"];
        im(&api, &mut screen, &line).await.expect("listed");
        insta::assert_snapshot!(screen.out(), @"
        RECEIVED              EVENT               RECORD   STATUS  ID     OUTCOME
        2026-11-03T10:20:30Z  incident.triggered  PGR0VU2  open    01FKZ  -
        2026-11-03T10:20:30Z  incident.triggered  PGR0VU2  done    01FKZ  skipped:  it was unlinked
        ");
        let note = "note: there are more: --all lists all of them\n";
        assert_eq!(screen.err(), note);
    }

    #[tokio::test]
    async fn replay_names_integration_and_delivery() {
        let api = api().await;
        let path = "POST /api/v1/deliveries/pd/01FKZ/replay";
        api.answer(path, 202, &delivery());
        let mut screen = Screen::new(Format::Table);
        im(&api, &mut screen, &["replay", "Prod PD", "01FKZ"])
            .await
            .expect("replayed");
        let said = "01FKZ of pd is being processed again; `im delivery list --integration pd` shows what comes of it\n";
        assert_eq!(screen.out(), said);
        im(&api, &mut screen, &["replay", "pd", "unknown"])
            .await
            .expect_err("404");
    }
}
