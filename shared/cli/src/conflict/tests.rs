use clap::Parser;

use super::*;
use crate::{
    cli::{Cli, Command, Format},
    failure,
    test_api::{Screen, TestApi},
};

const ID: &str = "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
    let cli = Cli::try_parse_from(["im", "conflict"].iter().chain(line))?;
    let Command::Conflict { command } = cli.command else {
        panic!("im conflict")
    };
    screen.format = cli.output.format;
    run(command, &api.client(None), &mut screen.console()).await
}

fn pending() -> Value {
    json!({
        "id": ID, "incident_id": INCIDENT, "integration_id": "jira", "external_id": "10001",
        "field": "title", "status": "pending", "strategy": "manual-review", "version": 3,
        "base": {"platform": "Disk full", "external": "Disk full"},
        "platform": {
            "value": "Disk full on db-1 and on all the others, too: it is the log", "author": "ann@example.com",
            "changed_at": "2026-11-03T10:20:30.123456Z", "time_source": "platform",
        },
        "external": {
            "value": "Disk\u{1b} is full", "author": null,
            "changed_at": "2026-11-03T10:20:31Z", "time_source": "record",
        },
        "settlement": null, "restored": null,
        "opened_at": "2026-11-03T10:20:32Z", "updated_at": "2026-11-03T10:20:33Z",
    })
}

fn resolved(settlement: Value) -> Value {
    let mut conflict = pending();
    conflict["status"] = json!("resolved");
    conflict["settlement"] = settlement;
    conflict["platform"]["value"] = json!("Disk full on db-1");
    conflict
}

fn by_rule(winner: &str) -> Value {
    resolved(json!({"by": "rule", "winner": winner, "why": "it was edited after both agreed"}))
}

async fn shown(conflict: &Value) -> String {
    let api = TestApi::start().await;
    api.answer(&format!("GET /api/v1/conflicts/{ID}"), 200, conflict);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["show", ID]).await.expect("shown");
    screen.out()
}

#[tokio::test]
async fn list_asks_for_what_is_wanted_and_shortens_values() {
    let api = TestApi::start().await;
    let jira = json!({"id": "jira", "name": "Prod Jira"});
    let integrations = json!({"items": [jira], "next": null});
    api.answer("GET /api/v1/integrations", 200, &integrations);
    let query = format!("status=pending&integration=jira&incident={INCIDENT}&limit=2");
    let mut empty = by_rule("external");
    empty["external"]["value"] = Value::Null;
    let page = json!({"items": [pending(), empty], "next": "c1"});
    api.answer(&format!("GET /api/v1/conflicts?{query}"), 200, &page);
    let none = json!({"items": [], "next": null});
    api.answer("GET /api/v1/conflicts", 200, &none);
    let mut screen = Screen::new(Format::Table);
    let line = [
        "list",
        "--status",
        "pending",
        "--integration",
        "Prod Jira",
        "--incident",
        INCIDENT,
        "--limit",
        "2",
    ];
    im(&api, &mut screen, &line).await.expect("listed");
    im(&api, &mut screen, &["list"]).await.expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    ID                              STATUS    INCIDENT                        INTEGRATION  FIELD  PLATFORM                  EXTERNAL       FOUND
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV  pending   INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  jira         title  Disk full on db-1 and o…  Disk  is full  2026-11-03T10:20:32Z
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV  resolved  INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  jira         title  Disk full on db-1         (empty)        2026-11-03T10:20:32Z
    No conflicts.
    ");
    let note = "note: there are more: --all lists all of them\n";
    assert_eq!(screen.err(), note);
}

#[tokio::test]
async fn a_pending_conflict_is_shown_side_by_side_with_what_can_be_done() {
    insta::assert_snapshot!(shown(&pending()).await, @r#"
    Conflict:     CON-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Status:       pending: title moves in neither direction until a person chooses
    Incident:     INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Field:        title
    Integration:  jira
    Record:       10001
    Strategy:     manual-review
    Found:        2026-11-03T10:20:32Z
    Version:      3

                BASE       PLATFORM                                  EXTERNAL
    value       Disk full  Disk full on db-1 and on all the others…  Disk  is full
    who         -          ann@example.com                           -
    when        -          2026-11-03T10:20:30.123Z                  2026-11-03T10:20:31Z
    known from  -          the platform's clock                      the record's last change

    What can be done:
      im conflict resolve CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --use-platform --if-version 3  jira is sent "Disk full on db-1 and on all the others, too: it is the log"
      im conflict resolve CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --use-external --if-version 3  the platform takes over "Disk  is full"
      im conflict resolve CON-01ARZ3NDEKTSV4RRFFQ69G5FAV --ignore --if-version 3        both keep what they hold, until one changes
    "#);
}

#[tokio::test]
async fn an_automatic_resolution_can_be_undone_once() {
    let mut conflict = by_rule("platform");
    conflict["base"] = json!({"platform": null, "external": "none"});
    let before = shown(&conflict).await;
    conflict["restored"] = json!({"by": "bob@example.com", "at": "2026-11-03T10:30:00Z"});
    let after = shown(&conflict).await;
    insta::assert_snapshot!(format!("{before}\n{after}"), @r#"
    Conflict:     CON-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Status:       resolved by a rule: it was edited after both agreed
    Incident:     INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Field:        title
    Integration:  jira
    Record:       10001
    Strategy:     manual-review
    Found:        2026-11-03T10:20:32Z
    Version:      3

                BASE            PLATFORM                  EXTERNAL
    value       (empty) = none  Disk full on db-1         Disk  is full
    who         -               ann@example.com           -
    when        -               2026-11-03T10:20:30.123Z  2026-11-03T10:20:31Z
    known from  -               the platform's clock      the record's last change

    What can be done:
      im conflict restore CON-01ARZ3NDEKTSV4RRFFQ69G5FAV  brings "Disk  is full" back, unless either side has changed since

    Conflict:     CON-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Status:       resolved by a rule: it was edited after both agreed
                  undone by bob@example.com at 2026-11-03T10:30:00Z
    Incident:     INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Field:        title
    Integration:  jira
    Record:       10001
    Strategy:     manual-review
    Found:        2026-11-03T10:20:32Z
    Version:      3

                BASE            PLATFORM                  EXTERNAL
    value       (empty) = none  Disk full on db-1         Disk  is full
    who         -               ann@example.com           -
    when        -               2026-11-03T10:20:30.123Z  2026-11-03T10:20:31Z
    known from  -               the platform's clock      the record's last change
    "#);
}

#[tokio::test]
async fn what_a_person_chose_or_both_agreed_on_cannot_be_undone() {
    let by_person =
        json!({"by": "person", "actor": "bob@example.com", "resolution": "use_external"});
    let mut chosen = resolved(by_person);
    chosen["base"] = json!({});
    insta::assert_snapshot!(shown(&chosen).await, @"
    Conflict:     CON-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Status:       resolved by bob@example.com with use-external
    Incident:     INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
    Field:        title
    Integration:  jira
    Record:       10001
    Strategy:     manual-review
    Found:        2026-11-03T10:20:32Z
    Version:      3

                BASE       PLATFORM                  EXTERNAL
    value       not known  Disk full on db-1         Disk  is full
    who         -          ann@example.com           -
    when        -          2026-11-03T10:20:30.123Z  2026-11-03T10:20:31Z
    known from  -          the platform's clock      the record's last change
    ");
    let agreed = shown(&resolved(json!({"by": "agreement"}))).await;
    let line = "Status:       resolved: both sides came to say the same\n";
    assert!(
        agreed.contains(line) && !agreed.contains("restore"),
        "{agreed}"
    );
}

#[tokio::test]
async fn values_are_whole_in_json() {
    let api = TestApi::start().await;
    api.answer(&format!("GET /api/v1/conflicts/{ID}"), 200, &pending());
    let mut screen = Screen::new(Format::Table);
    let line = ["show", ID, "--format", "json"];
    im(&api, &mut screen, &line).await.expect("shown");
    let json: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(json, pending());
}

#[tokio::test]
async fn resolve_sends_the_choice_and_the_version_and_says_what_happens() {
    let api = TestApi::start().await;
    let path = format!("POST /api/v1/conflicts/{ID}/resolve");
    let mut screen = Screen::new(Format::Table);
    for (flags, word) in [
        (&["--use-platform"][..], "use_platform"),
        (&["--use-external", "--if-version", "3"], "use_external"),
        (&["--ignore"], "ignore"),
    ] {
        let by = json!({"by": "person", "actor": "bob@example.com", "resolution": word});
        api.answer(&path, 200, &resolved(by));
        let line: Vec<_> = ["resolve", ID].iter().chain(flags).copied().collect();
        im(&api, &mut screen, &line).await.expect("resolved");
        let request = api.requests().pop().expect("a request");
        assert_eq!(request.json(), json!({"resolution": word}));
        let version = flags.contains(&"--if-version").then_some("\"3\"");
        assert_eq!(request.header("if-match"), version);
    }
    insta::assert_snapshot!(screen.out(), @r#"
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV is resolved: jira is sent "Disk full on db-1" now; `im explain INC-01ARZ3NDEKTSV4RRFFQ69G5FAV title --integration jira` tells when
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV is resolved: the platform takes over "Disk  is full" from jira now; `im explain INC-01ARZ3NDEKTSV4RRFFQ69G5FAV title --integration jira` tells when
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV is ignored: the platform keeps "Disk full on db-1" and jira "Disk  is full", until one of them changes
    "#);
}

#[tokio::test]
async fn restore_says_which_value_comes_back_where() {
    let api = TestApi::start().await;
    let path = format!("POST /api/v1/conflicts/{ID}/restore");
    let mut screen = Screen::new(Format::Table);
    for winner in ["platform", "external"] {
        api.answer(&path, 200, &by_rule(winner));
        im(&api, &mut screen, &["restore", ID])
            .await
            .expect("restored");
    }
    insta::assert_snapshot!(screen.out(), @r#"
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV is undone: jira is sent "Disk  is full" now, and the platform holds what that stands for; `im explain INC-01ARZ3NDEKTSV4RRFFQ69G5FAV title --integration jira` tells when
    CON-01ARZ3NDEKTSV4RRFFQ69G5FAV is undone: the platform holds "Disk full on db-1" again, and jira is sent it now; `im explain INC-01ARZ3NDEKTSV4RRFFQ69G5FAV title --integration jira` tells when
    "#);
}

#[tokio::test]
async fn a_refusal_says_where_to_look() {
    let api = TestApi::start().await;
    let detail = format!("conflict {ID} is resolved already");
    let problem = json!({"title": "Not as things are now", "status": 409, "detail": detail});
    for action in ["resolve", "restore"] {
        let path = format!("POST /api/v1/conflicts/{ID}/{action}");
        api.answer(&path, 409, &problem);
        let mut line = vec![action, ID];
        line.extend((action == "resolve").then_some("--ignore"));
        let mut screen = Screen::new(Format::Table);
        let error = im(&api, &mut screen, &line).await.expect_err("409");
        let failure = failure::describe(&error);
        let text = format!(
            "error: Not as things are now: {detail}\nhint: `im conflict show {ID}` shows how it is now\n"
        );
        assert_eq!((failure.text, failure.exit_code), (text, 1));
        assert_eq!(screen.out(), "");
    }
}
