use serde_json::json;

use super::*;
use crate::{
    cli::Format,
    failure,
    integration::tests::{Run, api, im},
    test_api::{Screen, TestApi},
};

const ENTRY: &str = "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const OTHER: &str = "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAW";
const INCIDENT: &str = "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn letter() -> Value {
    json!({
        "id": ENTRY, "integration_id": "pd", "incident_id": INCIDENT, "external_id": "PGR0VU2",
        "direction": "outbound", "status": "open", "reason": "unavailable", "severity": "SEV-1",
        "jobs": 2, "attempts": 10, "redriven": 1,
        "last_error": "PUT /incidents/PGR0VU2: the vendor answered 503: the service is \u{1b}down for maintenance",
        "opened_at": "2026-11-03T10:20:30.5Z", "died_at": "2026-11-03T11:20:30Z",
        "changed_at": "2026-11-03T11:20:30Z", "changed_by": "the job died", "version": 4,
    })
}

fn of_no_incident() -> Value {
    let mut letter = letter();
    letter["id"] = json!(OTHER);
    letter["incident_id"] = json!(null);
    letter["direction"] = json!("inbound");
    letter["status"] = json!("retrying");
    letter["last_error"] = json!(null);
    letter
}

fn many(word: &str, done: u32, failed: &Value, next: Option<&str>) -> Value {
    json!({word: done, "failed": failed, "next": next})
}

/// What was sent to a path that ends so.
fn sent(api: &TestApi, end: &str) -> Vec<Value> {
    let requests = api.requests();
    let posts = requests.iter().filter(|it| it.path.ends_with(end));
    posts.map(crate::test_api::Request::json).collect()
}

#[tokio::test]
async fn what_is_dead_is_listed_with_its_last_error() {
    let api = api().await;
    let query = format!("status=open&reason=unavailable&incident={INCIDENT}&limit=2");
    let list = json!({"items": [letter(), of_no_incident()], "next": "open~x"});
    api.answer(
        &format!("GET /api/v1/integrations/pd/dlq?{query}"),
        200,
        &list,
    );
    let mut screen = Screen::new(Format::Table);
    let line = [
        "dlq",
        "Prod PD",
        "--status",
        "open",
        "--reason",
        "unavailable",
        "--incident",
        INCIDENT,
        "--limit",
        "2",
    ];
    im(&api, &mut screen, &line).await.expect("listed");
    insta::assert_snapshot!(screen.out(), @r"
        ENTRY                           STATUS    INCIDENT OR RECORD              DIRECTION  REASON       JOBS  ATTEMPTS  SINCE                 LAST ERROR
        DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV  open      INC-01ARZ3NDEKTSV4RRFFQ69G5FAV  outbound   unavailable  2     10        2026-11-03T10:20:30Z  PUT /incidents/PGR0VU2: the vendor answered 503: the service is  down for maintenance
        DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAW  retrying  PGR0VU2                         inbound    unavailable  2     10        2026-11-03T10:20:30Z  -
    ");
    assert_eq!(
        screen.err(),
        "note: there are more: --all lists all of them\n"
    );
    let none = json!({"items": [], "next": null});
    api.answer("GET /api/v1/integrations/pd/dlq", 200, &none);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["dlq", "pd"]).await.expect("listed");
    assert_eq!(screen.out(), "No dead letters.\n");
}

#[tokio::test]
async fn one_is_shown_with_every_attempt_and_what_can_be_done() {
    let api = api().await;
    let mut shown = letter();
    let failure = |at: &str, error: &str| json!({"at": at, "error": error, "reason": "unavailable", "fields": []});
    shown["failures"] = json!([
        failure(
            "2026-11-03T10:20:30Z",
            "PUT /incidents/PGR0VU2: no answer within 3 s"
        ),
        failure(
            "2026-11-03T10:21:00Z",
            "PUT /incidents/PGR0VU2: the vendor answered 503\n\u{1b}<html>"
        ),
    ]);
    let path = format!("GET /api/v1/integrations/pd/dlq/{ENTRY}");
    api.answer(&path, 200, &shown);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["dlq-show", "pd", ENTRY])
        .await
        .expect("shown");
    insta::assert_snapshot!(screen.out(), @r"
        Entry:            DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV
        Status:           open: waits for somebody
        Incident:         INC-01ARZ3NDEKTSV4RRFFQ69G5FAV
        Severity:         SEV-1
        Record:           PGR0VU2
        Integration:      pd
        Direction:        outbound
        Reason:           unavailable: the vendor did not answer, or not as it should; tried again when it answers
        Jobs:             2
        Attempts:         10
        Tried by itself:  once
        First died:       2026-11-03T10:20:30Z
        Last died:        2026-11-03T11:20:30Z

        The last 2 of 10 attempts:
          2026-11-03T10:20:30Z  unavailable
            PUT /incidents/PGR0VU2: no answer within 3 s
          2026-11-03T10:21:00Z  unavailable
            PUT /incidents/PGR0VU2: the vendor answered 503
             <html>

        What can be done:
          im integration dlq-retry pd DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV    tries it again, from what both sides hold now
          im integration dlq-discard pd DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV  gives it up, until one side changes
    ");
    shown["status"] = json!("resolved");
    shown["changed_by"] = json!("a success");
    shown["failures"] = json!([]);
    api.answer(&path, 200, &shown);
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["dlq-show", "pd", ENTRY])
        .await
        .expect("shown");
    let text = screen.out();
    let status = "Status:           resolved by a success at 2026-11-03T11:20:30Z\n";
    assert!(text.contains(status), "{text}");
    assert!(!text.contains("What can be done"), "{text}");
}

#[tokio::test]
async fn one_is_retried_and_a_refusal_says_where_to_look() {
    let api = api().await;
    let path = format!("POST /api/v1/integrations/pd/dlq/{ENTRY}/retry");
    api.answer(&path, 202, &letter());
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["dlq-retry", "Prod PD", ENTRY])
        .await
        .expect("retried");
    insta::assert_snapshot!(screen.out(), @"DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV is being tried again; `im integration dlq-show pd DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV` tells what comes of it");
    let refusal = json!({"title": "Conflict", "status": 409, "detail": "it is resolved already"});
    api.answer(&path, 409, &refusal);
    let refused = im(&api, &mut screen, &["dlq-retry", "pd", ENTRY]).await;
    let failure = failure::describe(&refused.expect_err("409"));
    insta::assert_snapshot!(failure.text, @r"
        error: Conflict: it is resolved already
        hint: `im integration dlq-show pd DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV` shows how it is now
    ");
    let unknown = im(&api, &mut screen, &["dlq-retry", "pd", OTHER]).await;
    let failure = failure::describe(&unknown.expect_err("404"));
    let hint = "hint: `im integration dlq pd` lists what there is\n";
    assert!(failure.text.ends_with(hint), "{}", failure.text);
}

#[tokio::test]
async fn all_are_retried_page_by_page_with_progress_for_who_watches() {
    let api = api().await;
    let path = "POST /api/v1/integrations/pd/dlq/retry";
    api.answer(path, 200, &many("retried", 2, &json!([]), None));
    let mut screen = Screen::new(Format::Table);
    screen.is_watched = true;
    let line = [
        "dlq-retry",
        "pd",
        "--all",
        "--reason",
        "unavailable",
        "--incident",
        INCIDENT,
    ];
    im(&api, &mut screen, &line).await.expect("retried");
    assert_eq!(screen.out(), "2 dead letters are being tried again\n");
    assert!(screen.err().starts_with("\r2 being tried again, 0 not"));
    assert!(screen.err().ends_with(" \r"), "{:?}", screen.err());
    let filter = json!({"reason": "unavailable", "incident_id": INCIDENT});
    assert_eq!(sent(&api, "/dlq/retry"), [filter]);
    let mut screen = Screen::new(Format::Json);
    let line = ["dlq-retry", "pd", "--all", "--format", "json"];
    im(&api, &mut screen, &line).await.expect("retried");
    let shown: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(shown, many("retried", 2, &json!([]), None));
    assert_eq!(screen.err(), "");
}

#[tokio::test]
async fn pages_are_asked_for_until_there_is_none_and_a_list_without_end_is_an_error() {
    let api = api().await;
    let path = "POST /api/v1/integrations/pd/dlq/retry";
    // The same answer to every request: the second one's `next` is what was just asked for.
    api.answer(path, 200, &many("retried", 50, &json!([]), Some("open~x")));
    let mut screen = Screen::new(Format::Table);
    let error = im(&api, &mut screen, &["dlq-retry", "pd", "--all"]).await;
    let error = error.expect_err("no end").to_string();
    assert!(error.contains("does not end"), "{error}");
    let expected = [json!({}), json!({"cursor": "open~x"})];
    assert_eq!(sent(&api, "/dlq/retry"), expected);
}

#[tokio::test]
async fn what_could_not_be_done_is_listed_and_exits_1() {
    let api = api().await;
    let failed = json!([{"entry": OTHER, "problem": "dead letter is resolved already"}]);
    let path = "POST /api/v1/integrations/pd/dlq/discard";
    api.answer(path, 200, &many("discarded", 1, &failed, None));
    let mut screen = Screen::new(Format::Table);
    let line = ["dlq-discard", "pd", "--all", "--yes"];
    let error = im(&api, &mut screen, &line).await.expect_err("one is left");
    insta::assert_snapshot!(screen.out(), @r"
        1 dead letter is discarded

        NOT                             BECAUSE
        DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAW  dead letter is resolved already
    ");
    let failure = failure::describe(&error);
    assert_eq!(failure.exit_code, 1);
    insta::assert_snapshot!(failure.text, @r"
        error: 1 could not be discarded
        hint: `im integration dlq pd` shows what is left; repeat it for those
    ");
}

#[tokio::test]
async fn discarding_says_what_it_means_and_asks() {
    let api = api().await;
    let path = format!("DELETE /api/v1/integrations/pd/dlq/{ENTRY}");
    let mut discarded = letter();
    discarded["status"] = json!("discarded");
    api.answer(&path, 200, &discarded);
    let list = json!({"items": [letter(), letter()], "next": "open~x"});
    let query = "status=open&limit=100&reason=refused";
    api.answer(
        &format!("GET /api/v1/integrations/pd/dlq?{query}"),
        200,
        &list,
    );
    let run = async |line: &[&str], stdin: &str, screen: &mut Screen| {
        let run = Run {
            line,
            stdin,
            variables: &[],
        };
        let done = run.on(&api, screen).await;
        done.map_err(|error| failure::describe(&error).exit_code)
    };
    let one = ["dlq-discard", "pd", ENTRY];
    let all = ["dlq-discard", "pd", "--all", "--reason", "refused"];
    let mut screen = Screen::new(Format::Table);
    assert_eq!(run(&one, "", &mut screen).await, Err(2), "nobody to ask");
    assert_eq!(run(&one, "n\n", &mut screen).await, Err(1));
    assert_eq!(run(&all, "n\n", &mut screen).await, Err(1));
    insta::assert_snapshot!(screen.err(), @r"
        This gives up DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV of pd: nothing tries again what is dead, until one side of the link changes; that change brings along what was not synced. A value that was refused is tried again only when its field changes.
        Both sides keep what they hold, and the list of discarded ones keeps the errors.
        Discard? [y/N] This gives up 2 dead letters and more of pd: nothing tries again what is dead, until one side of the link changes; that change brings along what was not synced. A value that was refused is tried again only when its field changes.
        Both sides keep what they hold, and the list of discarded ones keeps the errors.
        Discard? [y/N]
    ");
    let asked = |method: &str| {
        api.requests()
            .iter()
            .filter(|it| it.method == method)
            .count()
    };
    assert_eq!((asked("DELETE"), asked("POST")), (0, 0));
    assert_eq!(run(&one, "y\n", &mut screen).await, Ok(()));
    assert_eq!(screen.out(), format!("{ENTRY} is discarded\n"));
    let mut screen = Screen::new(Format::Json);
    let line = ["dlq-discard", "pd", ENTRY, "--yes", "--format", "json"];
    assert_eq!(run(&line, "", &mut screen).await, Ok(()));
    let shown: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!((shown, screen.err()), (discarded, String::new()));
}
