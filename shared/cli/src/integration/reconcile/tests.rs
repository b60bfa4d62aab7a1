use std::{cell::RefCell, time::Duration};

use serde_json::json;

use super::{
    follow::{Follower, Pause},
    *,
};
use crate::{
    cli::Format,
    failure,
    integration::tests::{api, im},
    test_api::{Screen, TestApi},
};

const RUN: &str = "RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn a_run(status: &str) -> Value {
    a_run_that_failed(status, 0)
}

fn a_run_that_failed(status: &str, failed: u32) -> Value {
    json!({
        "id": RUN, "integration_id": "pd", "purpose": "reconcile", "mode": "auto-heal",
        "status": status, "phase": "applying",
        "started_by": {"kind": "person", "text": "ann@example.com"},
        "started_at": "2026-11-03T10:20:30.5Z", "updated_at": "2026-11-03T10:22:35Z",
        "finished_at": null, "duration_ms": 124_500, "since": null, "limit": null,
        "summary": {
            "pages": 3, "records": 250, "linked": 240, "reads": 31, "incidents": 260,
            "found": {
                "value_drift": 1, "missing_note": 0, "missing_record": 0, "missed_create": 1,
                "deleted_record": 0, "moved_record": 0, "duplicate_record": 0,
            },
            "in_progress": 2, "to_heal": 2, "healed": 1, "failed": failed, "invocations": 4,
        },
        "reason": null, "confirmed_by": null, "next": null,
    })
}

fn found() -> Vec<Value> {
    let drift = json!({
        "kind": "value_drift", "incident_id": INCIDENT, "external_id": "PGR0VU2",
        "field": "title", "base": {"platform": "Disk full", "external": "Disk full"},
        "platform": "Disk full on db-1, db-2, db-3 and, as it seems, db-4 too\u{1b}",
        "external": "Disk\nfull", "right": "platform",
        "why": "only the platform changed since both sides agreed", "action": "push",
        "verified": true, "result": {"result": "healed", "outcome": "pushed title"},
    });
    let missed = json!({
        "kind": "missed_create", "incident_id": null, "external_id": "PGR0VU3", "field": null,
        "base": {"platform": "SEV-1", "external": "high"}, "platform": null, "external": null,
        "right": null, "why": "its trigger holds, and nothing is linked with it",
        "action": "create_incident", "verified": false,
        "result": {"result": "failed", "why": "the vendor answered 503"},
    });
    vec![drift, missed]
}

/// An API where a run is as it is said to be, with what it found on two pages.
async fn api_with(run: &Value) -> TestApi {
    let api = api().await;
    let path = "/api/v1/integrations/pd/reconcile";
    let this = format!("{path}/runs/{RUN}");
    api.answer(&format!("POST {path}"), 202, run);
    api.answer("POST /api/v1/integrations/pd/backfill", 202, run);
    api.answer(&format!("GET {this}"), 200, run);
    api.answer(&format!("POST {this}/confirm"), 202, run);
    api.answer(&format!("POST {this}/cancel"), 200, run);
    let [first, second] = [&found()[0], &found()[1]];
    let page = json!({"items": [first], "next": "1"});
    api.answer(&format!("GET {this}/items"), 200, &page);
    let page = json!({"items": [second], "next": null});
    api.answer(&format!("GET {this}/items?cursor=1"), 200, &page);
    api
}

/// What was posted to a path that ends so.
fn posted(api: &TestApi, end: &str) -> Vec<Value> {
    let requests = api.requests();
    let posts = requests
        .iter()
        .filter(|it| it.method == "POST" && it.path.ends_with(end));
    posts.map(crate::test_api::Request::json).collect()
}

#[tokio::test]
async fn a_run_that_could_not_heal_everything_fails() {
    let api = api_with(&a_run_that_failed("done", 1)).await;
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "pd", "--auto-heal"];
    let refused = im(&api, &mut screen, &line).await.expect_err("one is left");
    assert!(
        refused.to_string().contains("could not heal 1"),
        "{refused:#}"
    );
}

#[tokio::test]
async fn what_was_found_is_a_table_with_a_summary() {
    let api = api_with(&a_run("done")).await;
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "Prod PD", "--auto-heal"];
    im(&api, &mut screen, &line).await.expect("done");
    insta::assert_snapshot!(screen.out(), @r"
        KIND           INCIDENT                        RECORD   FIELD  BASE          PLATFORM                                  EXTERNAL   RIGHT AND WHY                                                ACTION                           RESULT
        value_drift    INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  PGR0VU2  title  Disk full     Disk full on db-1, db-2, db-3 and, as i…  Disk full  platform: only the platform changed since both sides agreed  push                             healed: pushed title
        missed_create  -                               PGR0VU3  -      SEV-1 = high  -                                         -          its trigger holds, and nothing is linked with it             create_incident (not looked at)  failed: the vendor answered 503

        Run:         RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV
        What:        reconcile, auto-heal
        Status:      done
        Started:     2026-11-03T10:20:30Z by ann@example.com
        Took:        2m 4s
        Looked at:   250 records on 3 pages, 240 of them linked; 31 read one by one; 260 incidents
        Found:       1 missed_create
                     1 value_drift
        On its way:  2 links, left alone
        Healed:      1 of 2, 0 failed
    ");
    assert_eq!(screen.err(), "");
    assert_eq!(posted(&api, "/pd/reconcile"), [json!({"auto_heal": true})]);
}

#[tokio::test]
async fn json_shortens_nothing() {
    let api = api_with(&a_run("done")).await;
    for line in [
        &["reconcile", "pd", "--dry-run", "--format", "json"][..],
        &["reconcile", "show", "pd", RUN, "--format", "json"],
    ] {
        let mut screen = Screen::new(Format::Json);
        im(&api, &mut screen, line).await.expect("done");
        let shown: Value = serde_json::from_str(&screen.out()).expect("JSON only");
        assert_eq!(shown, json!({"run": a_run("done"), "items": found()}));
        assert_eq!(screen.err(), "");
    }
}

#[tokio::test]
async fn a_run_is_asked_for_in_the_apis_words() {
    let api = api_with(&a_run("done")).await;
    let since = "2026-01-02T03:04:05Z";
    for (line, sent) in [
        (&["--dry-run"][..], json!({"dry_run": true})),
        (
            &["--auto-heal", "--incremental"],
            json!({"auto_heal": true, "scope": "incremental"}),
        ),
        (
            &["--dry-run", "--since", since],
            json!({"dry_run": true, "since": since}),
        ),
    ] {
        let mut screen = Screen::new(Format::Table);
        let line = [&["reconcile", "pd"], line].concat();
        im(&api, &mut screen, &line).await.expect("done");
        assert_eq!(posted(&api, "/pd/reconcile").last(), Some(&sent));
    }
    for (line, sent) in [
        (&["--dry-run"][..], json!({"dry_run": true})),
        (
            &["--apply", "--since", since, "--limit", "5"],
            json!({"apply": true, "since": since, "limit": 5}),
        ),
    ] {
        let mut screen = Screen::new(Format::Table);
        let line = [&["backfill", "pd"], line].concat();
        im(&api, &mut screen, &line).await.expect("done");
        assert_eq!(posted(&api, "/pd/backfill").last(), Some(&sent));
    }
}

#[tokio::test]
async fn a_braked_run_fails_and_says_how_to_go_on() {
    let mut braked = a_run("braked");
    braked["reason"] = json!("it would change 29 of 240 links, more than 24");
    let api = api_with(&braked).await;
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "pd", "--auto-heal"];
    let error = im(&api, &mut screen, &line).await.expect_err("braked");
    assert!(screen.out().contains("PGR0VU3"), "its plan is shown");
    let failure = failure::describe(&error);
    assert_eq!(failure.exit_code, 1);
    insta::assert_snapshot!(failure.text, @r"
        error: run RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV stopped before it wrote anything: it would change 29 of 240 links, more than 24
        hint: look at what it found; `im integration reconcile pd --confirm RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` lets it go on, planned anew on what both sides hold then, and `im integration reconcile cancel pd RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` ends it
    ");
    api.answer(
        &format!("POST /api/v1/integrations/pd/reconcile/runs/{RUN}/confirm"),
        202,
        &a_run("done"),
    );
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "pd", "--confirm", RUN];
    im(&api, &mut screen, &line).await.expect("it goes on");
    assert_eq!(posted(&api, "/confirm").len(), 1);
}

#[tokio::test]
async fn a_run_that_did_not_end_well_fails() {
    for (status, reason) in [
        ("cancelled", "cancelled by ann@example.com"),
        ("failed", "the credentials are refused"),
    ] {
        let mut over = a_run(status);
        over["reason"] = json!(reason);
        let api = api_with(&over).await;
        let mut screen = Screen::new(Format::Json);
        let line = ["reconcile", "pd", "--dry-run", "--format", "json"];
        let error = im(&api, &mut screen, &line).await.expect_err(status);
        let failure = failure::describe(&error);
        assert_eq!(failure.exit_code, 1);
        assert!(failure.text.contains(reason), "{}", failure.text);
        let shown: Value = serde_json::from_str(&screen.out()).expect("JSON only");
        assert_eq!(shown["run"]["status"], status);
    }
}

#[tokio::test]
async fn nobody_waits_who_does_not_want_to() {
    let api = api_with(&a_run("running")).await;
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "pd", "--dry-run", "--no-wait"];
    im(&api, &mut screen, &line).await.expect("on its way");
    insta::assert_snapshot!(screen.out(), @r"
        RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV is on its way; `im integration reconcile show pd RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` shows what came of it
    ");
    assert!(!api.requests().iter().any(|it| it.path.contains("/runs/")));
}

#[tokio::test]
async fn a_run_is_followed_with_its_progress() {
    let api = api_with(&a_run("running")).await;
    let client = api.client(None);
    let follower = Follower {
        integration: "pd",
        client: &client,
    };
    let mut listing = a_run("running");
    listing["phase"] = json!("listing");
    let next = RefCell::new(vec![a_run("done"), a_run("running")]);
    let waits = RefCell::new(Vec::new());
    let pause = async |wait: Duration| {
        waits.borrow_mut().push(wait.as_millis());
        let run = next.borrow_mut().pop().expect("it is over by then");
        let path = format!("GET /api/v1/integrations/pd/reconcile/runs/{RUN}");
        api.answer(&path, 200, &run);
        Pause::Over
    };
    let mut screen = Screen::new(Format::Table);
    screen.is_watched = true;
    let over = follower.follow(listing, &mut screen.console(), pause).await;
    assert_eq!(over.expect("over"), a_run("done"));
    assert_eq!(*waits.borrow(), [500, 1000]);
    let shown = screen.err();
    let lines: Vec<_> = shown.split('\r').map(str::trim).collect();
    assert_eq!(
        lines,
        [
            "",
            "listing: 250 records on 3 pages, 2 found",
            "healing: 1 of 2, 0 failed",
            "",
            ""
        ]
    );
}

#[tokio::test]
async fn whoever_stops_waiting_is_told_that_the_run_goes_on() {
    let api = api_with(&a_run("running")).await;
    let client = api.client(None);
    let follower = Follower {
        integration: "pd",
        client: &client,
    };
    let mut screen = Screen::new(Format::Table);
    let pause = async |_| Pause::Interrupted;
    let stopped = follower
        .follow(a_run("running"), &mut screen.console(), pause)
        .await;
    let failure = failure::describe(&stopped.expect_err("not over"));
    assert_eq!(failure.exit_code, 1);
    insta::assert_snapshot!(failure.text, @r"
        error: not waited for: run RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV goes on
        hint: `im integration reconcile show pd RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` shows how far it is, `im integration reconcile cancel pd RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` ends it
    ");
    assert_eq!(api.requests().len(), 0, "nothing is cancelled");
    let path = format!("GET /api/v1/integrations/pd/reconcile/runs/{RUN}");
    api.answer(&path, 503, &json!({"title": "Unavailable for now"}));
    let pause = async |_| Pause::Over;
    let lost = follower
        .follow(a_run("running"), &mut screen.console(), pause)
        .await;
    let failure = failure::describe(&lost.expect_err("no answer"));
    insta::assert_snapshot!(failure.text, @r"
        error: run RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV goes on, but cannot be followed: Unavailable for now
        hint: `im integration reconcile show pd RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV` shows what came of it
    ");
}

#[tokio::test]
async fn runs_are_listed_and_cancelled() {
    let mut cancelled = a_run("cancelled");
    cancelled["started_by"] = json!({"kind": "schedule", "text": "the integration's schedule"});
    cancelled["duration_ms"] = json!(1500);
    let api = api_with(&cancelled).await;
    let list = json!({"items": [a_run("done"), cancelled], "next": RUN});
    let path = "GET /api/v1/integrations/pd/reconcile/history";
    api.answer(&format!("{path}?limit=2"), 200, &list);
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "history", "pd", "--limit", "2"];
    im(&api, &mut screen, &line).await.expect("listed");
    insta::assert_snapshot!(screen.out(), @r"
        RUN                             PURPOSE    MODE       STATUS     STARTED               TOOK      FOUND  HEALED  FAILED  STARTED BY
        RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV  reconcile  auto-heal  done       2026-11-03T10:20:30Z  2m 4s     2      1       0       ann@example.com
        RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV  reconcile  auto-heal  cancelled  2026-11-03T10:20:30Z  1s 500ms  2      1       0       the integration's schedule
    ");
    assert_eq!(
        screen.err(),
        "note: there are more: --all lists all of them\n"
    );
    api.answer(path, 200, &json!({"items": [], "next": null}));
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "history", "pd", "--all"];
    im(&api, &mut screen, &line).await.expect("listed");
    assert_eq!(screen.out(), "No runs.\n");
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "cancel", "pd", RUN];
    im(&api, &mut screen, &line).await.expect("cancelled");
    let says = format!("{RUN} is cancelled; what it has written stays\n");
    assert_eq!(screen.out(), says);
    assert_eq!(posted(&api, "/cancel").len(), 1);
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() {
    let api = api().await;
    let problem = json!({
        "title": "Not as things are now", "status": 409,
        "detail": format!("run {RUN} of pd is going on; wait for it, or cancel it"),
    });
    api.answer("POST /api/v1/integrations/pd/reconcile", 409, &problem);
    let mut screen = Screen::new(Format::Table);
    let line = ["reconcile", "pd", "--dry-run"];
    let error = im(&api, &mut screen, &line).await.expect_err("refused");
    insta::assert_snapshot!(failure::describe(&error).text, @r"
        error: Not as things are now: run RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV of pd is going on; wait for it, or cancel it
        hint: `im integration reconcile history pd` lists its runs, `im integration get pd` shows whether it works
    ");
}

#[tokio::test]
async fn a_schedule_is_set_shown_and_removed() {
    let api = api().await;
    let path = "/api/v1/integrations/pd/reconcile/schedule";
    let shown = async |line: &[&str]| {
        let mut screen = Screen::new(Format::Table);
        let line = [&["reconcile", "schedule", "pd"], line].concat();
        im(&api, &mut screen, &line).await.expect("no failure");
        screen.out()
    };
    let none = "pd is not reconciled by itself.\n";
    assert_eq!(shown(&[]).await, none);
    assert_eq!(shown(&["--off"]).await, none);
    let schedule = json!({
        "interval": "1h", "auto_heal": true, "enabled": true, "full_every": "1d",
        "next_at": "2026-11-03T11:20:30.5Z", "set_by": "ann@example.com",
    });
    for (method, status) in [("POST", 200), ("GET", 200), ("DELETE", 200)] {
        api.answer(&format!("{method} {path}"), status, &schedule);
    }
    let every = ["--every", "60m", "--auto-heal", "--full-every", "24h"];
    insta::assert_snapshot!(shown(&every).await, @r"
        Integration:  pd
        Every:        1h
        What:         heals what it finds
        All records:  every 1d
        Next run:     2026-11-03T11:20:30Z
        Set by:       ann@example.com
    ");
    assert_eq!(
        posted(&api, "/schedule"),
        [json!({"interval": "1h", "auto_heal": true, "full_every": "1d"})]
    );
    shown(&["--every", "15m"]).await;
    let sent = json!({"interval": "15m", "auto_heal": false});
    assert_eq!(posted(&api, "/schedule").last(), Some(&sent));
    assert!(shown(&[]).await.contains("heals what it finds"));
    assert_eq!(shown(&["--off"]).await, none);
    let mut screen = Screen::new(Format::Json);
    let line = ["reconcile", "schedule", "pd", "--format", "json"];
    im(&api, &mut screen, &line).await.expect("shown");
    let json: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(json, schedule);
}
