//! `im integration trigger`.

use serde_json::{Value, json};

use super::{PATH, id};
use crate::{
    cli::{TestTrigger, TriggerCommand, TriggerDirection},
    client::Client,
    output::{Console, cell, details},
};

/// Runs one command.
pub async fn run(
    command: TriggerCommand,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    match command {
        TriggerCommand::List { integration } => {
            let id = id(client, &integration).await?;
            let triggers = client.get(&[PATH, &id, TRIGGERS], &[]).await?;
            console.result(&triggers, describe)
        }
        TriggerCommand::Set {
            integration,
            direction,
            expression,
        } => {
            let expression = Value::from(expression);
            change(&integration, direction, expression, client, console).await
        }
        TriggerCommand::Delete {
            integration,
            direction,
        } => change(&integration, direction, Value::Null, client, console).await,
        TriggerCommand::Test(test) => try_out(&test, client, console).await,
    }
}

const TRIGGERS: &str = "triggers";

/// Replaces one of the two. The other one is sent as it was read, on the version it was read of.
async fn change(
    integration: &str,
    direction: TriggerDirection,
    expression: Value,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, integration).await?;
    let path = [PATH, id.as_str(), TRIGGERS];
    let (mut triggers, version) = client.get_versioned(&path).await?;
    triggers[direction.as_str()] = expression;
    let changed = client.put(&path, &[], &triggers, version).await?;
    console.result(&changed, describe)
}

async fn try_out(
    test: &TestTrigger,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, &test.integration).await?;
    let mut body = json!({});
    if let Some(incident) = &test.incident {
        body["incident"] = json!(incident.to_string());
    }
    if let Some(external) = &test.external {
        body["external_id"] = json!(external.as_str());
    }
    if let Some(expression) = &test.expression {
        body["expression"] = json!(expression);
    }
    let tested = client.post(&[PATH, &id, TRIGGERS, "test"], &body).await?;
    console.result(&tested, |tested| {
        details(&[
            ("Direction", cell(tested, "direction")),
            ("Trigger", cell(tested, "expression")),
            ("Holds", cell(tested, "result")),
            ("Because", cell(tested, "reason")),
        ])
    })
}

fn describe(triggers: &Value) -> String {
    let shown = |member: &str| match triggers[member].as_str() {
        Some(expression) => expression.to_owned(),
        None => "- (everything)".to_owned(),
    };
    details(&[
        ("Outbound", shown("outbound")),
        ("Inbound", shown("inbound")),
    ])
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        cli::{Cli, Command, Format, IntegrationCommand},
        failure,
        test_api::{Screen, TestApi},
    };

    const PATH: &str = "/api/v1/integrations/pd/triggers";
    const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

    async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
        let line = ["im", "integration", "trigger"].iter().chain(line);
        let cli = Cli::try_parse_from(line)?;
        let Command::Integration {
            command: IntegrationCommand::Trigger { command },
        } = cli.command
        else {
            panic!("im integration trigger")
        };
        screen.format = cli.output.format;
        run(command, &api.client(None), &mut screen.console()).await
    }

    async fn api() -> TestApi {
        let api = TestApi::start().await;
        api.answer(
            "GET /api/v1/integrations/pd",
            200,
            &json!({"id": "pd", "name": "Prod PD"}),
        );
        let triggers = json!({"outbound": "severity == 'SEV-1'", "inbound": null});
        api.answer(&format!("GET {PATH}"), 200, &triggers);
        api
    }

    #[tokio::test]
    async fn both_triggers_are_shown() {
        let api = api().await;
        let mut screen = Screen::new(Format::Table);
        im(&api, &mut screen, &["list", "pd"]).await.expect("shown");
        insta::assert_snapshot!(screen.out(), @"
        Outbound:  severity == 'SEV-1'
        Inbound:   - (everything)
        ");
    }

    #[tokio::test]
    async fn setting_one_keeps_the_other() {
        let api = api().await;
        let both = json!({"outbound": "severity == 'SEV-1'", "inbound": "title == 'a'"});
        api.answer(&format!("PUT {PATH}"), 200, &both);
        let mut screen = Screen::new(Format::Json);
        let line = ["set", "pd", "inbound", "title == 'a'", "--format", "json"];
        im(&api, &mut screen, &line).await.expect("set");
        let asked = api.requests().pop().expect("a request");
        assert_eq!((asked.method.as_str(), asked.json()), ("PUT", both.clone()));
        let printed: Value = serde_json::from_str(&screen.out()).expect("JSON");
        assert_eq!(printed, both);
        let line = ["delete", "pd", "outbound"];
        im(&api, &mut screen, &line).await.expect("deleted");
        let asked = api.requests().pop().expect("a request");
        assert_eq!(asked.json(), json!({"outbound": null, "inbound": null}));
    }

    #[tokio::test]
    async fn a_refusal_points_into_the_condition() {
        let api = api().await;
        let problem = json!({
            "title": "Invalid fields", "detail": "One field is not valid; nothing was changed.",
            "errors": [{
                "field": "outbound",
                "problem": "1:13: severity is never \"SEV-9\"\n  severity == 'SEV-9'\n              ^",
            }],
        });
        api.answer(&format!("PUT {PATH}"), 422, &problem);
        let mut screen = Screen::new(Format::Table);
        let line = ["set", "pd", "outbound", "severity == 'SEV-9'"];
        let error = im(&api, &mut screen, &line).await.expect_err("refused");
        let failure = failure::describe(&error);
        assert_eq!(failure.exit_code, 1);
        insta::assert_snapshot!(failure.text, @r#"
        error: Invalid fields: One field is not valid; nothing was changed.
          outbound: 1:13: severity is never "SEV-9"
            severity == 'SEV-9'
                        ^
        hint: correct what is named above and repeat; `--help` lists what the command accepts
        "#);
    }

    #[tokio::test]
    async fn a_test_succeeds_whatever_it_says() {
        let api = api().await;
        let says = json!({
            "direction": "outbound", "expression": "severity == 'SEV-1'", "result": false,
            "reason": "severity is \"SEV-3\"", "variables": {},
        });
        api.answer(&format!("POST {PATH}/test"), 200, &says);
        let mut screen = Screen::new(Format::Table);
        let line = ["test", "pd", "--incident", INCIDENT, "--expression", "true"];
        im(&api, &mut screen, &line).await.expect("tested");
        insta::assert_snapshot!(screen.out(), @r#"
        Direction:  outbound
        Trigger:    severity == 'SEV-1'
        Holds:      false
        Because:    severity is "SEV-3"
        "#);
        let body = json!({"incident": INCIDENT, "expression": "true"});
        assert_eq!(api.requests().pop().expect("a request").json(), body);
        let line = ["test", "pd", "--external", "PGR0VU2"];
        im(&api, &mut screen, &line).await.expect("tested");
        let body = json!({"external_id": "PGR0VU2"});
        assert_eq!(api.requests().pop().expect("a request").json(), body);
    }
}
