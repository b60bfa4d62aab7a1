//! Invariant 9: no credential in a response, log line, span, item, message, error or panic. Everything that a run produces is
//! gathered, at the most talkative there is, and looked through. A binary of its own: it listens to every log line of its process.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "secrets/produced.rs"]
mod produced;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Method, Request};
use im_model::IntegrationType;
use im_sandbox::{Fault, FaultRule};
use im_tests::{INTEGRATION, JIRA, SERVICENOW, World};
use jiff::SignedDuration;
use produced::Produced;
use serde_json::{Value, json};

/// Every credential that is used, as it is given and as it is sent.
const SECRETS: [&str; 12] = [
    "a-token",
    "a-secret",
    "a-jira-token",
    "a-jira-secret",
    "a-password",
    "a-snow-secret",
    "aW1AZXhhbXBsZS5jb206YS1qaXJhLXRva2Vu", // Basic: the e-mail address and Jira's token
    "aW0uc3luYzphLXBhc3N3b3Jk",             // Basic: the user and the password
    "marked-new-secret",
    "marked-typo",
    "marked-in-address",
    "marked-jwt-key-of-more-than-thirty-two-bytes",
];

#[tokio::test]
async fn no_credential_gets_out() {
    let produced = Produced::listen();
    let world = World::with_all().await;
    configure(&world, &produced).await;
    sync(&world).await;
    strangers(&world, &produced).await;
    fail(&world).await;
    look(&world, &produced).await;
    produced.add("items", &items(&world).await);
    produced.add("messages", &format!("{:?}", world.dead_letters().await));
    let integration = format!("/integrations/{INTEGRATION}");
    produced
        .ask(&world, Method::DELETE, &integration, None)
        .await;
    panics(&produced);

    let all = produced.all();
    for part in [
        "logs",
        "items",
        "messages",
        "panics",
        "/audit",
        "/integrations",
        "the vendor says",
    ] {
        assert!(
            all.contains(part),
            "{part}: there was nothing to look through"
        );
    }
    assert!(all.len() > 200_000, "{} bytes are no whole run", all.len());
    for secret in SECRETS {
        if let Some(at) = all.find(secret) {
            let from = all[..at]
                .char_indices()
                .rev()
                .nth(600)
                .map_or(0, |(at, _)| at);
            panic!("{secret} got out: {}", &all[from..at + secret.len()]);
        }
    }
}

/// Good and bad configuration; what is refused is not repeated.
async fn configure(world: &World, produced: &Produced) {
    let integration = format!("/integrations/{INTEGRATION}");
    let typo = "marked-typo";
    for body in [
        json!({"credentials": {"webhook_secret": "marked-new-secret"}}),
        json!({"credentials": {"tokn": typo}}),
        json!({"credentials": typo}),
        json!({"credentials": {"token": [typo]}}),
        json!({"credentials": {"token": format!("{typo}{}", "x".repeat(10_000))}}),
        json!({"webhook_secret": typo}),
        json!({"base_url": "https://im:marked-in-address@api.pagerduty.com"}),
    ] {
        produced
            .ask(world, Method::PATCH, &integration, Some(&body))
            .await;
    }
    let malformed = Request::patch(format!("/api/v1{integration}"))
        .header("content-type", "application/json")
        .body(Bytes::from(format!(
            "{{\"credentials\": {{\"token\": \"{typo}\", "
        )));
    let answer = world.request(malformed.expect("a request")).await;
    produced.add("malformed", &String::from_utf8_lossy(answer.body()));
    // Back to what the sandbox signs with; the one between stays accepted.
    let back = json!({"credentials": {"webhook_secret": "a-secret"}});
    produced
        .ask(world, Method::PATCH, &integration, Some(&back))
        .await;
    for id in [INTEGRATION, JIRA, SERVICENOW] {
        let test = format!("/integrations/{id}/test");
        produced
            .ask(world, Method::POST, &test, Some(&json!({})))
            .await;
    }
    world.clock.advance(SignedDuration::from_secs(60));
}

/// Changes of both sides through all systems.
async fn sync(world: &World) {
    let id = world
        .create(&json!({"title": "db down", "severity": "SEV-2"}))
        .await;
    world.settle().await;
    world.edit(&id, &json!({"status": "acknowledged"})).await;
    world.settle().await;
    let record = world.record_of(&id).await;
    let ann = world.pagerduty.person("ann@example.com");
    ann.resolve(&record).expect("allowed");
    world.settle().await;
}

/// Webhooks and requests that are not what they say they are.
async fn strangers(world: &World, produced: &Produced) {
    for (path, name, value) in [
        (
            "pagerduty/demo-pd",
            "x-pagerduty-signature",
            "v1=a-forged-signature",
        ),
        (
            "jira/demo-jira",
            "authorization",
            "JWT eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        ),
        ("jira/demo-jira", "x-hub-signature", "sha256=00"),
        (
            "servicenow/demo-snow",
            "x-servicenow-signature",
            "sha256=00",
        ),
        ("pagerduty/nobodys", "x-pagerduty-signature", "v1=00"),
    ] {
        let request = Request::post(format!("/webhooks/{path}")).header(name, value);
        let request = request.body(Bytes::from_static(b"{}")).expect("a request");
        let answer = world.request(request).await;
        produced.add(path, &format!("{answer:?}"));
    }
    let secrets = &world.system.embedded.secrets;
    let key = secrets
        .create_secret()
        .name(im_local::LocalSystem::API_KEY_SECRET);
    let key = key.secret_string("marked-jwt-key-of-more-than-thirty-two-bytes");
    key.send().await.expect("a secret");
    for token in [
        "eyJhbGciOiJIUzI1NiJ9.e30.c2ln",
        "nonsense",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        let request =
            Request::get("/api/v1/incidents").header("authorization", format!("Bearer {token}"));
        let answer = world
            .request(request.body(Bytes::new()).expect("a request"))
            .await;
        produced.add("a stranger", &format!("{answer:?}"));
    }
}

/// Vendors that refuse, and quote what they were sent.
async fn fail(world: &World) {
    for status in [400, 403, 500, 302] {
        let id = world
            .create(&json!({"title": format!("refused with {status}")}))
            .await;
        world.settle().await;
        for vendor in IntegrationType::ALL.iter().copied() {
            let fault = Fault::RefuseWith {
                status,
                body: quoting(vendor),
                headers: BTreeMap::new(),
            };
            match vendor {
                IntegrationType::PagerDuty => world.pagerduty.add_fault(FaultRule::always(fault)),
                IntegrationType::Jira => world.jira.add_fault(FaultRule::always(fault)),
                IntegrationType::ServiceNow => world.servicenow.add_fault(FaultRule::always(fault)),
            }
        }
        let title = format!("refused with {status}, again");
        world
            .edit(&id, &json!({"title": title, "severity": "SEV-1"}))
            .await;
        world.settle().await;
        world.pagerduty.clear_faults();
        world.jira.clear_faults();
        world.servicenow.clear_faults();
        for integration in [INTEGRATION, JIRA, SERVICENOW] {
            let path = format!("/integrations/{integration}/resume");
            world.api(Method::POST, &path, None).await;
        }
        world.clock.advance(SignedDuration::from_mins(10));
        world.settle().await;
    }
}

/// What each of them may say, with what it was sent in it.
fn quoting(vendor: IntegrationType) -> Value {
    match vendor {
        IntegrationType::PagerDuty => json!({"error": {
            "message": "the vendor says: a-token is wrong", "code": 2001,
            "errors": ["Authorization: Token token=a-token"],
        }}),
        IntegrationType::Jira => json!({
            "errorMessages": ["the vendor says: Basic aW1AZXhhbXBsZS5jb206YS1qaXJhLXRva2Vu is wrong"],
            "errors": {"summary": "a-jira-token is wrong"},
        }),
        IntegrationType::ServiceNow => json!({
            "error": {
                "message": "the vendor says: a-password is wrong", "detail": "Basic aW0uc3luYzphLXBhc3N3b3Jk",
            },
            "status": "failure",
        }),
    }
}

/// Everything that can be read.
async fn look(world: &World, produced: &Produced) {
    let get = async |path: &str| produced.ask(world, Method::GET, path, None).await;
    for path in [
        "/integrations",
        "/incidents?limit=100",
        "/conflicts",
        "/audit?limit=100",
        "/openapi.json",
    ] {
        get(path).await;
    }
    for id in [INTEGRATION, JIRA, SERVICENOW] {
        for part in [
            "",
            "/field-ownership",
            "/mappings",
            "/triggers",
            "/check",
            "/sync-status",
            "/dlq",
            "/reconcile/history",
        ] {
            get(&format!("/integrations/{id}{part}")).await;
        }
        let letters = get(&format!("/integrations/{id}/dlq?limit=100")).await;
        for letter in letters["items"].as_array().into_iter().flatten() {
            let letter = letter["id"].as_str().expect("an id");
            get(&format!("/integrations/{id}/dlq/{letter}")).await;
        }
        get(&format!("/deliveries?integration_id={id}")).await;
    }
    for incident in world.incidents().await {
        let id = &incident.id;
        for part in [
            "",
            "/links",
            "/timeline",
            "/explain/title",
            "/comments",
            "/work-notes",
        ] {
            get(&format!("/incidents/{id}{part}")).await;
        }
    }
}

async fn items(world: &World) -> String {
    let embedded = &world.system.embedded;
    let mut all = String::new();
    for table in [&embedded.tables.sync, &embedded.tables.deliveries] {
        let mut pages = embedded
            .dynamodb
            .scan()
            .table_name(table)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            all = format!("{all}{:?}", page.expect("a page").items);
        }
    }
    all
}

/// What would be printed if somebody panicked with a credential in hand.
fn panics(produced: &Produced) {
    let secret = im_model::Secret::new("marked-new-secret");
    let credentials =
        im_vendors::Credentials(BTreeMap::from([("token".to_owned(), secret.clone())]));
    let vaulted = im_engine::ports::Vaulted {
        current: credentials.clone(),
        previous: Some(credentials.clone()),
    };
    produced.add(
        "panics",
        &format!("{secret:?} {credentials:#?} {vaulted:?}"),
    );
}

/// [`Value::Null`] where the answer is no JSON.
fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

type Shared<T> = Arc<std::sync::Mutex<T>>;
