use clap::Parser;

use super::*;
use crate::{
    cli::{Cli, Command, Format},
    failure,
    test_api::{Screen, TestApi},
};

const ID: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn incident() -> Value {
    json!({
        "id": ID, "organization_id": "acme", "title": "Checkout\u{1b}[31m is down",
        "description": "All of it.\nSince ten.", "severity": "SEV-1", "priority": null,
        "status": "open", "assigned_to": "ann@example.com", "escalation_policy": "",
        "custom_fields": {"cost_center": "42"}, "created_at": "2026-11-03T10:20:30.123456Z",
        "updated_at": "2026-11-03T10:21:00Z", "revision": 2, "pending": ["jira"],
        "dead_letters": {"pd": "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        "links": [{
            "integration_id": "pd", "state": "linked", "external_id": "PGR0VU2",
            "url": "https://acme.pagerduty.com/incidents/PGR0VU2",
            "notices": [{"field": "description", "kind": "unwritable", "detail": "create-only",
                         "at": "2026-11-03T10:21:00Z"}],
        }],
    })
}

/// Runs a command line against the API.
async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
    im_reading(api, screen, line, "").await
}

/// The same, with something on standard input.
async fn im_reading(
    api: &TestApi,
    screen: &mut Screen,
    line: &[&str],
    stdin: &str,
) -> anyhow::Result<()> {
    let cli = Cli::try_parse_from(["im", "incident"].iter().chain(line))?;
    let Command::Incident { command } = cli.command else {
        panic!("im incident")
    };
    screen.format = cli.output.format;
    let mut stdin = stdin.as_bytes();
    let mut input = SecretInput::new(&mut stdin, &|_| None);
    run(
        command,
        &api.client(None),
        &mut input,
        &mut screen.console(),
    )
    .await
}

#[tokio::test]
async fn create_sends_what_was_given_and_shows_the_incident() {
    let api = TestApi::start().await;
    api.answer("POST /api/v1/incidents", 201, &incident());
    let mut screen = Screen::new(Format::Table);
    let line = [
        "create",
        "--title",
        "-v is broken",
        "--severity",
        "SEV-1",
        "--custom",
        "cost_center=4=2",
    ];
    im(&api, &mut screen, &line).await.expect("created");
    let body = json!({"title": "-v is broken", "severity": "SEV-1", "custom_fields": {"cost_center": "4=2"}});
    assert_eq!(api.requests()[0].json(), body);
    assert_eq!(
        api.requests()[0].header("content-type"),
        Some("application/json")
    );
    insta::assert_snapshot!(screen.out(), @"
    Id:                 INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Title:              Checkout [31m is down
    Severity:           SEV-1
    Priority:           -
    Status:             open
    Assigned to:        ann@example.com
    Escalation policy:  -
    Description:        All of it.
                        Since ten.
    Custom fields:      cost_center=42
    Organization:       acme
    Created:            2026-11-03T10:20:30Z
    Updated:            2026-11-03T10:21:00Z
    Revision:           2
    Being sent to:      jira
    Dead letters:       pd DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Links:              pd linked PGR0VU2 https://acme.pagerduty.com/incidents/PGR0VU2
                          description unwritable: create-only
    ");
}

#[tokio::test]
async fn get_prints_the_apis_json() {
    let api = TestApi::start().await;
    api.answer(&format!("GET /api/v1/incidents/{ID}"), 200, &incident());
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["get", ID, "--format", "json"])
        .await
        .expect("found");
    assert_eq!(
        serde_json::from_str::<Value>(&screen.out()).expect("JSON"),
        incident()
    );
    assert!(
        screen.out().starts_with("{\n  \""),
        "pretty: {}",
        screen.out()
    );
}

#[tokio::test]
async fn update_sends_the_change_alone_with_the_revision_it_is_about() {
    let api = TestApi::start().await;
    api.answer(&format!("PATCH /api/v1/incidents/{ID}"), 200, &incident());
    let mut screen = Screen::new(Format::Table);
    let line = [
        "update",
        ID,
        "--status",
        "resolved",
        "--assigned-to=",
        "--priority",
        "",
        "--if-revision",
        "2",
    ];
    im(&api, &mut screen, &line).await.expect("updated");
    let request = &api.requests()[0];
    assert_eq!(
        request.json(),
        json!({"status": "resolved", "assigned_to": "", "priority": ""})
    );
    assert_eq!(request.header("if-match"), Some("\"2\""));
    im(&api, &mut screen, &["update", ID, "--custom", "team="])
        .await
        .expect("updated");
    let request = &api.requests()[1];
    assert_eq!(request.json(), json!({"custom_fields": {"team": ""}}));
    assert_eq!(request.header("if-match"), None);
}

#[tokio::test]
async fn a_lost_update_says_what_to_do() {
    let api = TestApi::start().await;
    let problem =
        json!({"title": "Changed meanwhile", "status": 412, "detail": "it is at revision 3"});
    api.answer(&format!("PATCH /api/v1/incidents/{ID}"), 412, &problem);
    let mut screen = Screen::new(Format::Table);
    let line = ["update", ID, "--title", "x", "--if-revision", "2"];
    let error = im(&api, &mut screen, &line).await.expect_err("412");
    insta::assert_snapshot!(failure::describe(&error).text, @"
    error: Changed meanwhile: it is at revision 3
    hint: `get` shows how it is now; then repeat your change
    ");
    assert_eq!(screen.out(), "");
}

#[tokio::test]
async fn list_shows_a_page_and_says_that_there_are_more() {
    let api = TestApi::start().await;
    let page = json!({"items": [incident()], "next": "c1"});
    api.answer("GET /api/v1/incidents?status=open&limit=1", 200, &page);
    let mut screen = Screen::new(Format::Table);
    im(
        &api,
        &mut screen,
        &["list", "--status", "open", "--limit", "1"],
    )
    .await
    .expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    ID                              SEVERITY  PRIORITY  STATUS  ASSIGNED TO      UPDATED               TITLE
    INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  SEV-1     -         open    ann@example.com  2026-11-03T10:21:00Z  Checkout [31m is down
    ");
    assert_eq!(
        screen.err(),
        "note: there are more: --all lists all of them\n"
    );
}

#[tokio::test]
async fn list_all_follows_the_cursors() {
    let api = TestApi::start().await;
    api.answer(
        "GET /api/v1/incidents",
        200,
        &json!({"items": [{"id": "a"}], "next": "c1"}),
    );
    api.answer(
        "GET /api/v1/incidents?cursor=c1",
        200,
        &json!({"items": [{"id": "b"}], "next": null}),
    );
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["list", "--all", "--format", "json"])
        .await
        .expect("listed");
    let all: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(
        all,
        json!({"items": [{"id": "a"}, {"id": "b"}], "next": null})
    );
    assert_eq!(screen.err(), "");
}

fn note(text: &str) -> Value {
    json!({
        "id": "@platform/01J", "kind": "work_notes", "source": "@platform", "author": "ann@example.com",
        "at": "2026-11-03T10:20:30.5Z", "text": text,
        "copies": [
            {"integration_id": "pd", "state": "sent", "external_note_id": "P1"},
            {"integration_id": "jira", "state": "refused", "why": "too\u{1b} long"},
        ],
    })
}

#[tokio::test]
async fn a_comment_is_an_argument_or_standard_input() {
    let api = TestApi::start().await;
    for list in ["comments", "work-notes"] {
        let path = format!("POST /api/v1/incidents/{ID}/{list}");
        api.answer(&path, 201, &note("It is the cache.\nRebooted."));
    }
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["comment", ID, "-v was wrong"])
        .await
        .expect("written");
    let line = ["comment", ID, "--internal", "-"];
    im_reading(&api, &mut screen, &line, "two\nlines\n")
        .await
        .expect("written");
    let requests = api.requests();
    let asked = |n: usize| (requests[n].path.clone(), requests[n].json());
    assert_eq!(
        asked(0),
        (
            format!("/api/v1/incidents/{ID}/comments"),
            json!({"text": "-v was wrong"})
        )
    );
    assert_eq!(
        asked(1),
        (
            format!("/api/v1/incidents/{ID}/work-notes"),
            json!({"text": "two\nlines\n"})
        )
    );
    assert!(
        requests
            .iter()
            .all(|r| r.header("idempotency-key").is_some())
    );
    im(&api, &mut screen, &["comment", ID, ""])
        .await
        .expect_err("nothing to say");
    assert_eq!(api.requests().len(), 2);
}

#[tokio::test]
async fn comments_are_shown_with_what_became_of_them() {
    let api = TestApi::start().await;
    let mut later = note("It was the disk.");
    later["edit_of"] = json!("7");
    let list = json!({"items": [note("It is the cache.\nRebooted."), later], "next": null});
    api.answer(
        &format!("GET /api/v1/incidents/{ID}/work-notes"),
        200,
        &list,
    );
    let none = json!({"items": [], "next": null});
    api.answer(&format!("GET /api/v1/incidents/{ID}/comments"), 200, &none);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["comments", ID, "--internal"])
        .await
        .expect("shown");
    im(&api, &mut screen, &["comments", ID])
        .await
        .expect("shown");
    insta::assert_snapshot!(screen.out(), @"
    2026-11-03T10:20:30Z  ann@example.com  @platform  sent to pd  refused by jira: too  long
      It is the cache.
      Rebooted.

    2026-11-03T10:20:30Z  ann@example.com  @platform  sent to pd  refused by jira: too  long  a later wording of 7
      It was the disk.
    No comments.
    ");
    let mut screen = Screen::new(Format::Json);
    im(
        &api,
        &mut screen,
        &["comments", ID, "--internal", "--format", "json"],
    )
    .await
    .expect("shown");
    assert_eq!(
        serde_json::from_str::<Value>(&screen.out()).expect("JSON"),
        list
    );
}

#[tokio::test]
async fn link_and_unlink_name_an_integration_by_id_or_name() {
    let api = TestApi::start().await;
    let named = json!({"id": "pd", "name": "Prod PD"});
    let list = json!({"items": [named], "next": null});
    api.answer("GET /api/v1/integrations", 200, &list);
    api.answer("GET /api/v1/integrations/pd", 200, &named);
    let link = incident()["links"][0].clone();
    api.answer(&format!("POST /api/v1/incidents/{ID}/links"), 201, &link);
    let unlinked = json!({"integration_id": "pd", "state": "unlinked", "external_id": "PGR0VU2"});
    let path = format!("/api/v1/incidents/{ID}/links?integration_id=pd");
    api.answer(&format!("DELETE {path}"), 200, &unlinked);
    let mut screen = Screen::new(Format::Table);
    for name in ["pd", "Prod PD"] {
        let line = [
            "link",
            ID,
            "--integration",
            name,
            "--external-id",
            "PGR0VU2",
        ];
        im(&api, &mut screen, &line).await.expect("linked");
        let body = json!({"integration_id": "pd", "external_id": "PGR0VU2"});
        assert_eq!(api.requests().last().expect("asked").json(), body);
    }
    for name in ["pd", "Prod PD"] {
        let line = ["unlink", ID, "--integration", name];
        im(&api, &mut screen, &line).await.expect("unlinked");
        let requests = api.requests();
        let last = requests.last().expect("asked");
        assert_eq!((last.method.as_str(), &last.path), ("DELETE", &path));
    }
    insta::assert_snapshot!(screen.out(), @"
    pd linked PGR0VU2 https://acme.pagerduty.com/incidents/PGR0VU2
      description unwritable: create-only
    pd linked PGR0VU2 https://acme.pagerduty.com/incidents/PGR0VU2
      description unwritable: create-only
    pd unlinked PGR0VU2
    pd unlinked PGR0VU2
    ");
    // An integration that was deleted has left links.
    let path = format!("/api/v1/incidents/{ID}/links?integration_id=gone");
    api.answer(&format!("DELETE {path}"), 200, &unlinked);
    let line = ["unlink", ID, "--integration", "gone"];
    im(&api, &mut screen, &line).await.expect("unlinked");
    let line = [
        "link",
        ID,
        "--integration",
        "none",
        "--external-id",
        "PGR0VU2",
    ];
    let error = im(&api, &mut screen, &line).await.expect_err("unknown");
    assert_eq!(error.to_string(), "there is no integration \"none\"");
}
