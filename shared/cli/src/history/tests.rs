use clap::Parser;
use serde_json::{Value, json};

use crate::{
    cli::{Cli, Command, Format},
    history, incident,
    secret_input::SecretInput,
    test_api::{Screen, TestApi},
};

const ID: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const CONFLICT: &str = "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";

async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
    let cli = Cli::try_parse_from(["im"].iter().chain(line))?;
    screen.format = cli.output.format;
    let client = api.client(None);
    match cli.command {
        Command::Incident { command } => {
            let mut stdin: &[u8] = &[];
            let mut input = SecretInput::new(&mut stdin, &|_| None);
            incident::run(command, &client, &mut input, &mut screen.console()).await
        }
        Command::Explain {
            incident,
            field,
            integration,
        } => {
            let integration = integration.as_deref();
            let mut console = screen.console();
            history::explain::show(&incident, &field, integration, &client, &mut console).await
        }
        _ => panic!("another command"),
    }
}

fn happening(kind: &str, changes: &Value) -> Value {
    json!({
        "id": "x", "at": "2026-11-03T10:20:30.5Z", "kind": kind, "integration_id": null,
        "actor": "ann@example.com", "cause": "edited on the platform", "ended": null,
        "changes": changes, "note": null,
    })
}

fn synced(how: &str, changes: &Value) -> Value {
    let mut synced = happening("synced", changes);
    synced["integration_id"] = json!("jira");
    synced["actor"] = Value::Null;
    synced["cause"] = json!("its fields changed");
    synced["ended"] = json!({"how": how, "at": "2026-11-03T10:20:31Z"});
    synced
}

/// A decision with its values; what else there is to it is merged in.
fn decided(field: &str, rule: &str, action: &str, more: &Value) -> Value {
    let mut change = json!({
        "field": field, "rule": rule, "action": action, "why": "so it is",
        "platform": "SEV-1", "external": "Medium",
    });
    let more = more.as_object().expect("an object").clone();
    change.as_object_mut().expect("an object").extend(more);
    change
}

fn pushed() -> Value {
    let more = json!({
        "becomes": "High", "sent": "High", "answer": {"is": "written"}, "author": "bob", "lost": "external",
        "times": {
            "platform": {"at": "2026-11-03T10:20:30.123456Z", "source": "platform"},
            "external": {"at": "2026-11-03T10:20:29Z", "source": "history"},
        },
    });
    decided("severity", "conflict", "push", &more)
}

fn edited() -> Value {
    happening(
        "edited",
        &json!([{"field": "severity", "before": "SEV-3", "after": "SEV-1"}]),
    )
}

/// A sync with every decision and answer there is.
fn every_decision() -> Value {
    let answer = |is: &str, more: &Value| {
        let mut answer = json!({"is": is});
        let more = more.as_object().expect("an object").clone();
        answer.as_object_mut().expect("an object").extend(more);
        json!({"becomes": "High", "answer": answer})
    };
    let pulled = json!({"becomes": "open", "answer": {"is": "pulled"}});
    let elsewhere = json!({"becomes": null, "answer": {"is": "pulled"}});
    let kept = json!({"answer": {"is": "kept"}});
    synced(
        "committed",
        &json!([
            pushed(),
            decided("status", "external_changed", "pull", &pulled),
            decided("title", "external_changed", "pull", &elsewhere),
            decided("priority", "in_sync", "keep", &kept),
            decided("description", "conflict", "hold", &kept),
            decided("custom.a", "platform_changed", "report", &json!({})),
            decided("custom.b", "no_base", "keep", &kept),
            decided(
                "custom.c",
                "no_base",
                "push",
                &answer("overruled", &json!({"held": "Low"}))
            ),
            decided(
                "custom.d",
                "no_base",
                "push",
                &answer("superseded", &json!({"held": null}))
            ),
            decided(
                "custom.e",
                "no_base",
                "push",
                &answer("refused", &json!({"why": "read-only"}))
            ),
            decided(
                "custom.f",
                "no_base",
                "push",
                &answer("settled", &json!({}))
            ),
        ]),
    )
}

#[tokio::test]
async fn a_timeline_tells_everything_in_order() {
    let mut note = happening("note", &json!([]));
    note["note"] = json!({
        "kind": "work_notes", "author": "bob", "source": "jira", "text": "It is\nthe \u{1b}cache",
    });
    let created = happening(
        "created",
        &json!([{"field": "title", "before": null, "after": "Disk full"}, {"field": "priority", "before": null, "after": null}]),
    );
    let first = synced(
        "committed",
        &json!([{"field": "title", "sent": "Disk full", "answer": {"is": "written"}}]),
    );
    let many = every_decision();
    let brought_back = json!([{"field": "severity", "before": "SEV-1", "after": null}]);
    let mut brought_back = happening("edited", &brought_back);
    brought_back["cause"] = json!("brought back by bob");
    let open = [
        synced("running", &json!([])),
        synced("abandoned", &json!([])),
    ];
    let [running, abandoned] = open;
    let api = TestApi::start().await;
    let path = format!("GET /api/v1/incidents/{ID}/timeline?limit=100");
    let page = json!({"items": [created, first, edited(), many], "next": "c1"});
    api.answer(&path, 200, &page);
    let rest = json!({"items": [note, brought_back, abandoned, running], "next": null});
    api.answer(&format!("{path}&cursor=c1"), 200, &rest);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["incident", "timeline", ID])
        .await
        .expect("told");
    insta::assert_snapshot!(screen.out(), @r#"
    2026-11-03T10:20:30Z  created by ann@example.com: edited on the platform
      title:     "Disk full"
      priority:  (empty)

    2026-11-03T10:20:30Z  synced with jira: its fields changed
      title:  sent "Disk full"; jira holds it

    2026-11-03T10:20:30Z  edited by ann@example.com
      severity:  "SEV-3" -> "SEV-1"

    2026-11-03T10:20:30Z  synced with jira: its fields changed
      severity:     send "High" to jira: so it is; jira holds it
      status:       take over "open" from jira: so it is
      title:        take over (empty) from jira: so it is
      description:  hold it: so it is
      custom.a:     nothing can move, and say so: so it is
      custom.b:     no value moves: so it is
      custom.c:     send "High" to jira: so it is; jira made "Low" of it
      custom.d:     send "High" to jira: so it is; somebody changed it to (empty) there right after
      custom.e:     send "High" to jira: so it is; jira does not take it: read-only
      custom.f:     send "High" to jira: so it is; jira held it already, from an earlier attempt
      the same on both sides: priority

    2026-11-03T10:20:30Z  work_notes by bob at jira
      It is
      the  cache

    2026-11-03T10:20:30Z  edited by ann@example.com: brought back by bob
      severity:  "SEV-1" -> (empty)

    2026-11-03T10:20:30Z  synced with jira: its fields changed (overtaken: the next entry tells what it came to)

    2026-11-03T10:20:30Z  synced with jira: its fields changed (under way)
    "#);
}

fn explanation() -> Value {
    let chain = |integration: &str, last: Value| {
        json!({
            "integration_id": integration, "external_id": "10001", "last": last, "review": null, "notice": null,
        })
    };
    let mut held = chain("jira", synced("committed", &json!([pushed()])));
    held["review"] = json!({"conflict_id": CONFLICT, "verdict": "pending"});
    held["notice"] = json!({
        "field": "severity", "kind": "conflict", "detail": "both changed", "at": "2026-11-03T10:20:31Z",
    });
    let mut nothing = chain("pd", Value::Null);
    nothing["external_id"] = Value::Null;
    json!({
        "incident_id": ID, "field": "severity", "value": "SEV-1", "since": "2026-11-03T10:20:30.5Z",
        "origin": {"source": "platform", "actor": "ann@example.com"}, "brought_by": edited(),
        "chains": [held, nothing],
    })
}

#[tokio::test]
async fn an_explanation_reads_from_cause_to_answer() {
    let api = TestApi::start().await;
    let path = format!("GET /api/v1/incidents/{ID}/explain/severity");
    api.answer(&path, 200, &explanation());
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["explain", ID, "severity"])
        .await
        .expect("told");
    insta::assert_snapshot!(screen.out(), @r#"
    severity of INC-01ARZ3NDEKTSV4RRFFQ69G5FAV is "SEV-1" since 2026-11-03T10:20:30.500Z, set on the platform by ann@example.com.
    2026-11-03T10:20:30Z  edited by ann@example.com
      "SEV-3" -> "SEV-1"

    jira, record 10001
      When:      2026-11-03T10:20:30Z
      Cause:     its fields changed
      Platform:  "SEV-1", changed 2026-11-03T10:20:30.123Z (known from the platform's clock)
      Vendor:    "Medium", changed 2026-11-03T10:20:29Z by bob (known from the vendor's history)
      Rule:      both sides changed, or were changed at almost the same time
      Decision:  send "High" to jira: so it is
      Lost:      the vendor's "Medium"; it stays in the journal
      Sent:      "High"
      Answer:    jira holds it
      Conflict:  CON-01ARZ3NDEKTSV4RRFFQ69G5FAV waits for a person, and severity stays where it is until then: `im conflict show CON-01ARZ3NDEKTSV4RRFFQ69G5FAV`
      Notice:    conflict: both changed

    pd, no record yet
      Decided:  nothing was decided on the field here yet
    "#);
    let mut screen = Screen::new(Format::Table);
    let line = ["explain", ID, "severity", "--format", "json"];
    im(&api, &mut screen, &line).await.expect("told");
    let json: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(json, explanation());
}

#[tokio::test]
async fn what_is_not_known_is_said() {
    let api = TestApi::start().await;
    let jira = json!({"id": "jira", "name": "Prod Jira"});
    api.answer("GET /api/v1/integrations/jira", 200, &jira);
    let path = format!("GET /api/v1/incidents/{ID}/explain/severity?integration=jira");
    let mut screen = Screen::new(Format::Table);
    let line = ["explain", ID, "severity", "--integration", "jira"];
    let mut old = explanation();
    old["brought_by"] = Value::Null;
    old["origin"] = json!({"source": "external", "integration_id": "jira", "author": null});
    old["chains"] = json!([]);
    let mut never = old.clone();
    never["since"] = Value::Null;
    let verdicts = ["ignore", "restore", "use_platform"].map(|verdict| {
        let mut chain = explanation()["chains"][1].clone();
        chain["review"] = json!({"conflict_id": CONFLICT, "verdict": verdict});
        chain
    });
    let mut reviewed = old.clone();
    reviewed["chains"] = json!(verdicts);
    for answer in [old, never, reviewed] {
        api.answer(&path, 200, &answer);
        im(&api, &mut screen, &line).await.expect("told");
    }
    insta::assert_snapshot!(screen.out(), @r#"
    severity of INC-01ARZ3NDEKTSV4RRFFQ69G5FAV is "SEV-1" since 2026-11-03T10:20:30.500Z, from jira.
    The journal does not tell what brought it.

    The incident is linked with no record.
    severity of INC-01ARZ3NDEKTSV4RRFFQ69G5FAV was never set.

    The incident is linked with no record.
    severity of INC-01ARZ3NDEKTSV4RRFFQ69G5FAV is "SEV-1" since 2026-11-03T10:20:30.500Z, from jira.
    The journal does not tell what brought it.

    pd, no record yet
      Decided:   nothing was decided on the field here yet
      Conflict:  CON-01ARZ3NDEKTSV4RRFFQ69G5FAV was ignored: both sides stay as they are until one of them changes

    pd, no record yet
      Decided:   nothing was decided on the field here yet
      Conflict:  CON-01ARZ3NDEKTSV4RRFFQ69G5FAV was undone, and the next sync carries it out

    pd, no record yet
      Decided:   nothing was decided on the field here yet
      Conflict:  CON-01ARZ3NDEKTSV4RRFFQ69G5FAV was resolved with use-platform, and the next sync carries it out
    "#);
}
