//! An integration cannot be turned on the account's inside.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request};
use im_local::{Embedded, LocalSettings, LocalSystem, Unannounced};
use im_runtime::{HttpTransport, Lookup, Reach};
use im_tests::{SeededIds, WorldClock};
use serde_json::{Value, json};

/// Names as an attacker has them lead.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<BTreeMap<String, Vec<IpAddr>>>>);

impl Names {
    fn lead(&self, name: &str, addresses: &[&str]) {
        let parse = |text: &&str| text.parse().expect("an address");
        let addresses = addresses.iter().map(parse).collect();
        let mut names = self.0.lock().expect("not poisoned");
        names.insert(name.to_owned(), addresses);
    }
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let names = self.0.lock().expect("not poisoned");
        let found = names.get(name).cloned();
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such host"))
    }
}

struct Platform {
    system: LocalSystem,
    names: Names,
}

impl Platform {
    async fn new() -> Self {
        let names = Names::default();
        let lookup = Arc::new(names.clone());
        let transport =
            HttpTransport::resolving_by(lookup, Reach::Public).expect("a transport is made");
        let settings = LocalSettings {
            data_dir: None,
            time_scale: 1,
            clock: Arc::new(WorldClock::default()),
            ids: Arc::new(SeededIds::new(1)),
            transport: Arc::new(transport),
            configuration_age: im_engine::IntegrationCache::FOR_AT_MOST,
            announcer: Arc::new(Unannounced),
            public_base_url: None,
            local_organization: Some("acme".parse().expect("an id")),
            policy: im_local::Policy::built_in(),
        };
        let embedded = Embedded::start(None).await.expect("embedded AWS starts");
        let system = LocalSystem::on(embedded, settings);
        Self { system, names }
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .expect("a request");
        let response = self.system.gateway.handle(request).await;
        let json = serde_json::from_slice(response.body()).expect("JSON");
        (response.status().as_u16(), json)
    }

    async fn create(&self, base_url: &str) -> (u16, Value) {
        let body = json!({
            "id": "prod-pd", "integration_type": "pagerduty", "name": "PagerDuty",
            "base_url": base_url, "options": {"service": "PSVC001"},
            "credentials": {
                "token": "a-token", "from_email": "oncall@example.com",
                "webhook_secret": "a-secret",
            },
        });
        self.call(Method::POST, "/integrations", &body).await
    }

    async fn change(&self, base_url: &str) -> (u16, Value) {
        let body = json!({
            "base_url": base_url,
            "credentials": {"token": "a-token", "from_email": "oncall@example.com"},
        });
        self.call(Method::PATCH, "/integrations/prod-pd", &body)
            .await
    }
}

/// What is said of `base_url`, and of nothing else.
fn refusal(answer: &(u16, Value)) -> &str {
    assert_eq!(answer.0, 422, "{answer:?}");
    let errors = answer.1["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["field"], "base_url");
    errors[0]["problem"].as_str().expect("a problem")
}

const INSIDE: &[&str] = &[
    "https://127.0.0.1",
    "http://127.0.0.1:9",
    "https://127.0.0.1.",
    "https://2130706433",
    "https://0x7f.1",
    "https://0177.0.0.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[fd00:ec2::254]",
    "https://[fe80::1]",
    "https://169.254.169.254/latest/meta-data",
    "https://2852039166",
    "https://10.0.0.1",
    "https://172.31.0.2:8443",
    "https://192.168.1.1",
    "https://100.64.0.1",
    "https://0.0.0.0",
    "https://localhost",
    "http://localhost:8080",
    "https://localhost.",
    "https://a.localhost",
    "https://metadata.google.internal",
    "https://ip-10-0-0-1.ec2.internal",
    "https://loopback.example",
    "https://loopback6.example",
    "https://metadata.example",
    "https://metadata.example.",
    "https://private.example",
    "https://mixed.example",
];

#[tokio::test]
async fn an_address_inside_is_refused_at_once_and_the_answer_names_base_url() {
    let platform = Platform::new().await;
    let names = &platform.names;
    names.lead("loopback.example", &["127.0.0.1"]);
    names.lead("loopback6.example", &["::1"]);
    names.lead("metadata.example", &["169.254.169.254"]);
    names.lead("metadata.example.", &["169.254.169.254"]);
    names.lead("private.example", &["10.0.0.1"]);
    names.lead("mixed.example", &["8.8.8.8", "10.0.0.1"]);
    names.lead("public.example", &["8.8.8.8", "2606:4700::1111"]);
    for url in INSIDE {
        let refused = platform.create(url).await;
        let why = refusal(&refused);
        assert!(why.contains("that is not public ("), "{url}: {why}");
        assert!(why.ends_with("give the vendor's public address"), "{why}");
    }
    let listed = platform.call(Method::GET, "/integrations", &Value::Null);
    assert_eq!(listed.await.1["items"], json!([]), "nothing was stored");
    assert_eq!(platform.create("https://public.example").await.0, 201);
    for url in INSIDE {
        let refused = platform.change(url).await;
        let why = refusal(&refused);
        assert!(why.contains("that is not public ("), "{url}: {why}");
    }
    let (_, kept) = platform
        .call(Method::GET, "/integrations/prod-pd", &Value::Null)
        .await;
    assert_eq!(kept["base_url"], "https://public.example");
    // A name that leads nowhere today may be a vendor's tomorrow.
    assert_eq!(platform.change("https://nowhere.example").await.0, 200);
}

#[tokio::test]
async fn an_integration_whose_name_was_turned_inside_says_so_when_it_is_tested() {
    let platform = Platform::new().await;
    platform.names.lead("rebinding.example", &["8.8.8.8"]);
    assert_eq!(platform.create("https://rebinding.example").await.0, 201);
    let names = &platform.names;
    names.lead("rebinding.example", &["169.254.169.254"]);
    let path = "/integrations/prod-pd/test";
    let (status, tested) = platform.call(Method::POST, path, &Value::Null).await;
    assert_eq!((status, &tested["passed"]), (200, &json!(false)));
    let checks = tested["checks"].as_array().expect("checks");
    let detail = checks[0]["detail"].as_str().expect("a text");
    let why = "https://rebinding.example leads to an address that is not public (169.254.169.254)";
    assert!(detail.contains(why), "{detail}");
    let advice = "correct the integration's base_url: it must lead to the public internet";
    assert!(detail.contains(advice), "{detail}");
}
