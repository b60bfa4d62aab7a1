//! A stand-in that is kept in a file goes on where the process before was killed.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod caller;

use std::path::{Path, PathBuf};

use caller::{START, get, put};
use http::{Method, StatusCode};
use im_sandbox::durable::DurableLogError;
use im_sandbox::jira::Scheme;
use im_sandbox::pagerduty::Urgency;
use im_sandbox::webhook_delivery::Outcome;
use im_sandbox::{
    Fault, FaultRule, Jira, JiraConfig, ManualClock, PagerDuty, PagerDutyConfig, RetryPolicy,
    ServiceNow, ServiceNowConfig, WebhookDelivery,
};
use jiff::SignedDuration;
use serde_json::json;

/// A file of this test's own that is not there yet.
fn new_file(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("durable-{name}.jsonl"));
    let _ = std::fs::remove_file(&file);
    file
}

fn clock(seconds: i64) -> ManualClock {
    let clock = ManualClock::new(START.parse().unwrap());
    clock.advance(SignedDuration::from_secs(seconds));
    clock
}

fn pagerduty(file: &Path, seconds: i64) -> PagerDuty {
    let config = PagerDutyConfig::demo("token", "secret").clock(clock(seconds));
    PagerDuty::new(config).kept_in(file).unwrap()
}

fn servicenow(file: &Path, seconds: i64) -> ServiceNow {
    let config = ServiceNowConfig::demo("im.sync", "password", "secret").clock(clock(seconds));
    ServiceNow::new(config).kept_in(file).unwrap()
}

fn jira(file: &Path, seconds: i64) -> Jira {
    let scheme = Scheme::HubSignature {
        secret: "secret".to_owned(),
    };
    let config = JiraConfig::demo("sync@example.com", "key", scheme).clock(clock(seconds));
    Jira::new(config).kept_in(file).unwrap()
}

fn ids(webhooks: &[WebhookDelivery]) -> Vec<&str> {
    let ids = webhooks.iter().map(|webhook| webhook.event_id.as_str());
    ids.collect()
}

#[test]
fn pagerduty_goes_on_with_its_records_ids_faults_and_times() {
    let file = new_file("pagerduty");
    let before = pagerduty(&file, 60);
    before.automate("urgency", "low", "high");
    let ann = before.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).unwrap();
    ann.set_urgency(&id, Urgency::Low).unwrap();
    put(&before, &id, &json!({"status": "acknowledged"}));
    ann.resolve_with_note(&id, "Deleted some").unwrap();
    before.add_fault(FaultRule::once(Fault::Garbage).times(3));
    before.handle_with_faults(caller::request(&Method::GET, "/priorities", None));
    let waiting = before.drain_webhooks();
    ann.reopen(&id).unwrap();
    let (incidents, log) = (before.incidents(), before.log_entries());
    let (faults, deliveries) = (before.faults(), before.deliveries());
    assert_eq!(faults[0].remaining, Some(2));
    assert_eq!(incidents[0].urgency, Urgency::High);
    drop((before, ann));

    // Its clock is behind that of the process before.
    let after = pagerduty(&file, 0);
    assert_eq!(after.incidents(), incidents);
    assert_eq!(after.log_entries(), log);
    assert_eq!(after.faults(), faults);
    assert_eq!(
        json!(after.deliveries()),
        json!(deliveries),
        "what was taken is taken"
    );
    let now_waiting = after.drain_webhooks();
    assert_eq!(now_waiting.len(), 1);
    assert_eq!(now_waiting[0].event_type, "incident.reopened");
    assert!(!ids(&waiting).contains(&now_waiting[0].event_id.as_str()));
    // Its rules and its ids go on, and a change is never older than what it changes.
    let bob = after.person("bob@example.com");
    let other = bob.trigger("Queue is growing", Urgency::Low).unwrap();
    let other = after.incident(&other).unwrap();
    assert_eq!((other.number, other.urgency), (2, Urgency::High));
    assert_ne!(other.id, id);
    assert!(other.created_at >= incidents[0].updated_at);
    // A stale read goes back beyond the start.
    after.clear_faults();
    after.add_fault(FaultRule::once(Fault::StaleRead { behind: 1 }));
    let read = after.handle_with_faults(caller::request(
        &Method::GET,
        &format!("/incidents/{id}"),
        None,
    ));
    let im_sandbox::Answer::Response(read) = read else {
        panic!("{read:?}")
    };
    assert_eq!(caller::seen(&read).1["incident"]["status"], "resolved");
    assert_eq!(
        get(&after, &format!("/incidents/{id}")).1["incident"]["status"],
        "triggered"
    );
}

#[test]
fn servicenow_goes_on_with_its_rows_and_passwords() {
    let file = new_file("servicenow");
    let before = servicenow(&file, 0);
    let ann = before.person("ann@example.com");
    let sys_id = ann.open("Disk full", 2, 1).unwrap();
    ann.work_note(&sys_id, "Looking").unwrap();
    ann.resolve(&sys_id).unwrap();
    let gone = ann.open("By mistake", 3, 3).unwrap();
    ann.delete(&gone).unwrap();
    before.change_password("im.sync", "another");
    let (incidents, journal, audit) = (
        before.incidents(),
        before.journal(&sys_id),
        before.audit(&sys_id),
    );
    drop((before, ann));

    let after = servicenow(&file, 600);
    assert_eq!(after.incidents(), incidents);
    assert_eq!(
        (after.journal(&sys_id), after.audit(&sys_id)),
        (journal, audit)
    );
    assert_eq!(after.incident(&gone), None);
    let read = |password: &str| {
        let request = http::Request::get(format!("/api/now/v2/table/incident/{sys_id}"))
            .header("authorization", basic("im.sync", password))
            .body(bytes::Bytes::new());
        after.handle(request.unwrap()).status()
    };
    assert_eq!(
        [read("password"), read("another")],
        [StatusCode::UNAUTHORIZED, StatusCode::OK]
    );
    // What the process before may have sent is sent again: the same event, with a time of its own.
    let waiting = after.drain_webhooks();
    assert_eq!(waiting.len(), 5);
    for webhook in &waiting {
        let body: serde_json::Value = serde_json::from_slice(&webhook.body).unwrap();
        assert_eq!(body["delivery_id"], webhook.event_id);
        let began: jiff::Timestamp = START.parse().unwrap();
        assert_eq!(body["timestamp"], began.as_second() + 600);
        let signature = im_sandbox::servicenow::sign(
            "secret",
            &webhook.body,
            im_sandbox::servicenow::Encoding::Hex,
        );
        assert_eq!(
            webhook.headers["x-servicenow-signature"],
            format!("sha256={signature}")
        );
    }
    let third = after.person("bob@example.com").open("Again", 1, 1).unwrap();
    assert_eq!(&after.incident(&third).unwrap()["number"], "INC0010003");
}

fn basic(user_name: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{user_name}:{password}");
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(pair)
    )
}

#[test]
fn jira_goes_on_with_its_issues_comments_and_changelogs() {
    let file = new_file("jira");
    let before = jira(&file, 0);
    let ann = before.person("ann@example.com");
    let key = ann.create("Disk full").unwrap();
    ann.move_to(&key, "Resolved").unwrap();
    ann.comment(&key, "Deleted some", true).unwrap();
    let gone = ann.create("By mistake").unwrap();
    ann.delete(&gone).unwrap();
    let issues = before.issues();
    let sent = before.drain_webhooks();
    drop((before, ann));

    let after = jira(&file, 60);
    assert_eq!(after.issues(), issues);
    assert!(after.comments(&key)[0].is_internal());
    assert_eq!(after.issue(&gone), None);
    assert!(after.drain_webhooks().is_empty(), "{:?}", ids(&sent));
    let next = after.person("bob@example.com").create("Again").unwrap();
    assert_eq!(next, "OPS-3");
    let numbers = |issue: &im_sandbox::jira::Issue| issue.id.parse::<u32>().unwrap();
    assert!(numbers(&after.issue(&next).unwrap()) > numbers(&issues[0]));
}

#[test]
fn a_torn_line_is_cut_off_and_a_broken_one_is_named() {
    let file = new_file("torn");
    let before = pagerduty(&file, 0);
    let ann = before.person("ann@example.com");
    ann.trigger("Disk full", Urgency::High).unwrap();
    let incidents = before.incidents();
    let whole = std::fs::read(&file).unwrap();
    ann.trigger("Never answered", Urgency::High).unwrap();
    drop((before, ann));
    let two = std::fs::read(&file).unwrap();

    for end in [whole.len() + 1, two.len() - 1] {
        std::fs::write(&file, &two[..end]).unwrap();
        let after = pagerduty(&file, 0);
        assert_eq!(after.incidents(), incidents);
        assert_eq!(std::fs::read(&file).unwrap(), whole);
        let ann = after.person("ann@example.com");
        ann.trigger("Never answered", Urgency::High).unwrap();
        drop((after, ann));
        assert_eq!(std::fs::read(&file).unwrap(), two, "the same ids again");
    }

    std::fs::write(&file, &two[1..]).unwrap();
    let config = PagerDutyConfig::demo("token", "secret");
    let broken = PagerDuty::new(config).kept_in(&file).map(drop);
    let broken = broken.unwrap_err();
    assert!(matches!(
        broken,
        DurableLogError::Unreadable { line: 1, .. }
    ));
    assert!(!broken.to_string().contains("Disk full"), "{broken}");
}

#[test]
fn a_file_has_one_writer_and_only_its_owner_reads_it() {
    let file = new_file("writer");
    let first = pagerduty(&file, 0);
    let config = PagerDutyConfig::demo("token", "secret");
    let second = PagerDuty::new(config).kept_in(&file).map(drop);
    assert!(matches!(second, Err(DurableLogError::InUse { .. })));
    drop(first);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn no_credential_of_a_request_is_written() {
    let file = new_file("credentials");
    let account = pagerduty(&file, 0);
    let id = account
        .person("ann@example.com")
        .trigger("Disk full", Urgency::High)
        .unwrap();
    put(&account, &id, &json!({"status": "acknowledged"}));
    account.handle(caller::request(&Method::GET, "/priorities", None));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("acknowledged"));
    assert!(!text.to_lowercase().contains("authorization"), "{text}");
    assert!(!text.contains("token="), "{text}");
}

/// A receiver that says when it was asked, and answers the first with 202, then nothing.
async fn receiver() -> (String, tokio::sync::mpsc::UnboundedReceiver<bytes::Bytes>) {
    type Seen = tokio::sync::mpsc::UnboundedSender<bytes::Bytes>;
    async fn take(
        axum::extract::State((seen, asked)): axum::extract::State<(
            Seen,
            std::sync::Arc<std::sync::atomic::AtomicUsize>,
        )>,
        body: bytes::Bytes,
    ) -> StatusCode {
        let place = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        seen.send(body).unwrap();
        if place == 1 {
            std::future::pending::<()>().await;
        }
        StatusCode::ACCEPTED
    }
    let (seen, received) = tokio::sync::mpsc::unbounded_channel();
    let state = (seen, std::sync::Arc::default());
    let router = axum::Router::new().fallback(take).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

#[tokio::test]
async fn what_was_acknowledged_is_not_sent_again_and_what_was_not_is() {
    let (url, mut received) = receiver().await;
    let file = new_file("webhooks");
    let before = pagerduty(&file, 0);
    let ann = before.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).unwrap();
    ann.acknowledge(&id).unwrap();
    ann.resolve(&id).unwrap();
    let sending = before
        .clone()
        .deliver_webhooks_to(url.clone(), RetryPolicy::default());
    let sending = tokio::spawn(sending);
    let taken = received.recv().await.unwrap();
    let cut_off = received.recv().await.unwrap();
    sending.abort();
    assert!(sending.await.is_err());
    assert_eq!(before.deliveries()[0].outcome, Outcome::Delivered);
    drop((before, ann));

    let after = pagerduty(&file, 0);
    let outcomes = || {
        let deliveries = after.deliveries();
        deliveries
            .iter()
            .map(|record| record.outcome)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        outcomes(),
        [Outcome::Delivered, Outcome::Queued, Outcome::Queued]
    );
    let sending = after
        .clone()
        .deliver_webhooks_to(url, RetryPolicy::default());
    let sending = tokio::spawn(sending);
    assert_eq!(received.recv().await.unwrap(), cut_off);
    let last = received.recv().await.unwrap();
    assert!(last != taken && last != cut_off);
    sending.abort();
}
