use clap::Parser;
use serde_json::json;

use super::*;
use crate::{
    cli::{Cli, Command, Format},
    test_api::{Screen, TestApi},
};

async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
    let cli = Cli::try_parse_from(["im", "audit"].iter().chain(line))?;
    let Command::Audit { command } = cli.command else {
        panic!("im audit")
    };
    screen.format = cli.output.format;
    run(command, &api.client(None), &mut screen.console()).await
}

fn entries() -> Value {
    json!([
        {
            "id": "AUD-01ARZ3NDEKTSV4RRFFQ69G5FAW", "at": "2026-11-03T10:20:30.5Z", "actor": null,
            "action": "integration.changed", "integration_id": "pd", "subject": null,
            "changes": [
                {"what": "activity", "before": "active", "after": "paused"},
                {"what": "paused_because", "before": null, "after": "the vendor refuses its credentials (401)"},
            ],
        },
        {
            "id": "AUD-01ARZ3NDEKTSV4RRFFQ69G5FAV", "at": "2026-11-03T10:20:29.5Z", "actor": "ann@example.com",
            "action": "conflict.resolved", "integration_id": "pd", "subject": "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "changes": [{"what": "status", "before": "pending", "after": "use_\u{1b}platform"}],
        },
    ])
}

#[tokio::test]
async fn it_is_told_who_changed_what() {
    let api = TestApi::start().await;
    let list = json!({"items": entries(), "next": "c1"});
    api.answer("GET /api/v1/audit?limit=2", 200, &list);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["list", "--limit", "2"])
        .await
        .expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    WHEN                  WHO              WHAT                 INTEGRATION  ABOUT                           CHANGES
    2026-11-03T10:20:30Z  im itself        integration.changed  pd           -                               activity: active -> paused; paused_because: nothing -> the vendor refuses its credentials (401)
    2026-11-03T10:20:29Z  ann@example.com  conflict.resolved    pd           CON-01ARZ3NDEKTSV4RRFFQ69G5FAV  status: pending -> use_ platform
    ");
    assert_eq!(
        screen.err(),
        "note: there are more: --all lists all of them\n"
    );
}

#[tokio::test]
async fn a_deleted_integration_has_an_audit_by_its_id() {
    let api = TestApi::start().await;
    let none = json!({"items": [], "next": null});
    api.answer("GET /api/v1/integrations", 200, &none);
    api.answer("GET /api/v1/audit?integration_id=gone-pd", 200, &none);
    let mut screen = Screen::new(Format::Table);
    let line = ["list", "--integration", "gone-pd"];
    im(&api, &mut screen, &line).await.expect("listed");
    assert_eq!(screen.out(), "Nothing was changed.\n");
    let line = ["list", "--integration", "No Such Name"];
    im(&api, &mut screen, &line)
        .await
        .expect_err("neither a name nor an id");
}
