//! Testing an integration, the way back in included.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use im_local::{Embedded, Gateway, LocalSettings, LocalSystem};
use im_model::IntegrationType;
use im_sandbox::{PagerDuty, PagerDutyConfig};
use im_tests::{INTEGRATION, SandboxTransport, SeededIds, World, WorldClock};
use im_vendors::{Transport, TransportError};
use serde_json::{Value, json};

use super::{Answer, answer, call_as, post, with_tokens};

/// The network: the vendor, and the public URL with whatever is behind it.
#[derive(Clone)]
struct Network {
    vendor: SandboxTransport,
    gateway: Arc<OnceLock<Gateway>>,
    /// What answers at the public URL instead of the gateway.
    in_between: Arc<Mutex<Option<Result<StatusCode, TransportError>>>>,
}

#[async_trait]
impl Transport for Network {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.uri().host() != Some("im.example.com") {
            return self.vendor.send(request).await;
        }
        assert_eq!(request.uri().scheme_str(), Some("https"));
        let in_between = self.in_between.lock().expect("not poisoned").clone();
        if let Some(answer) = in_between {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = answer?;
            return Ok(response);
        }
        let path = request.uri().path_and_query().expect("a path").as_str();
        *request.uri_mut() = path.parse().expect("a path");
        let gateway = self.gateway.get().expect("it is up");
        Ok(gateway.handle(request).await)
    }
}

struct Platform {
    system: LocalSystem,
    network: Network,
}

impl Platform {
    async fn new(public_base_url: Option<&str>) -> Self {
        let clock = WorldClock::default();
        let config = PagerDutyConfig::demo("a-token", "a-secret").clock(clock.clone());
        let pagerduty = PagerDuty::new(config);
        let vendor = SandboxTransport::default().with(IntegrationType::PagerDuty, &pagerduty);
        let network = Network {
            vendor,
            gateway: Arc::default(),
            in_between: Arc::default(),
        };
        let settings = LocalSettings {
            data_dir: None,
            time_scale: 1,
            clock: Arc::new(clock),
            ids: Arc::new(SeededIds::new(1)),
            transport: Arc::new(network.clone()),
            configuration_age: im_engine::IntegrationCache::FOR_AT_MOST,
            announcer: Arc::new(im_local::Unannounced),
            public_base_url: public_base_url.map(str::to_owned),
            local_organization: Some("acme".parse().expect("an id")),
            policy: im_local::Policy::built_in(),
        };
        let embedded = Embedded::start(None).await.expect("embedded AWS starts");
        let system = LocalSystem::on(embedded, settings);
        assert!(network.gateway.set(system.gateway.clone()).is_ok());
        let platform = Self { system, network };
        let body = json!({
            "id": INTEGRATION, "integration_type": "pagerduty", "name": "Demo",
            "base_url": "http://127.0.0.1:9", "options": {"service": "PSVC001"},
            "credentials": {
                "token": "a-token", "from_email": "oncall@example.com",
                "webhook_secret": "a-secret",
            },
        });
        let created = platform.call(Method::POST, "/integrations", &body).await;
        assert_eq!(created.0, 201, "{}", created.1);
        platform
    }

    async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string()));
        let request = request.expect("a request");
        answer(&self.system.gateway.handle(request).await)
    }

    async fn test(&self) -> Value {
        let path = format!("/integrations/{INTEGRATION}/test");
        let (status, tested) = self.call(Method::POST, &path, &Value::Null).await;
        assert_eq!(status, 200, "{tested}");
        let text = tested.to_string();
        for secret in ["a-token", "a-secret"] {
            assert!(!text.contains(secret), "{text}");
        }
        tested
    }

    fn put_in_between(&self, answer: Result<StatusCode, TransportError>) {
        let mut in_between = self.network.in_between.lock().expect("not poisoned");
        *in_between = Some(answer);
    }
}

/// What a check came to, and why.
fn check<'a>(tested: &'a Value, what: &str) -> (&'a str, &'a str) {
    let checks = tested["checks"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["what"] == what);
    let check = check.unwrap_or_else(|| panic!("no {what:?} in {tested}"));
    let text = |member: &str| check[member].as_str().expect("a text");
    (text("outcome"), text("detail"))
}

const RECEIVE: &str = "receive webhooks";

#[tokio::test]
async fn an_integration_that_works_passes_and_hears_itself() {
    let platform = Platform::new(Some("https://im.example.com/")).await;
    let tested = platform.test().await;
    assert_eq!(tested["passed"], true, "{tested}");
    assert_eq!(check(&tested, "read incidents").0, "passed");
    let accepted =
        "https://im.example.com/webhooks/pagerduty/demo-pd has accepted a signed webhook";
    assert_eq!(check(&tested, RECEIVE), ("passed", accepted));
    let path = format!("/deliveries?integration_id={INTEGRATION}");
    let (_, listed) = platform.call(Method::GET, &path, &Value::Null).await;
    assert_eq!(
        listed["items"].as_array().map(Vec::len),
        Some(1),
        "{listed}"
    );
    assert_eq!(listed["items"][0]["outcome"], "nothing to do");
}

#[tokio::test]
async fn wrong_credentials_fail_in_words_and_the_rest_is_tried() {
    let platform = Platform::new(Some("https://im.example.com")).await;
    let path = format!("/integrations/{INTEGRATION}");
    let wrong = json!({"credentials": {"token": "another"}});
    let changed = platform.call(Method::PATCH, &path, &wrong).await;
    assert_eq!(changed.0, 200);
    let tested = platform.test().await;
    assert_eq!(tested["passed"], false);
    let (outcome, detail) = check(&tested, "read incidents");
    assert_eq!(outcome, "failed");
    assert!(
        detail.contains("the credentials were refused (401)"),
        "{detail}"
    );
    assert_eq!(check(&tested, RECEIVE).0, "passed");
}

#[tokio::test]
async fn without_a_public_url_the_way_in_is_not_tried() {
    let platform = Platform::new(None).await;
    let tested = platform.test().await;
    assert_eq!(tested["passed"], true, "{tested}");
    let (outcome, detail) = check(&tested, RECEIVE);
    assert_eq!(outcome, "limited");
    assert!(detail.contains("PUBLIC_BASE_URL"), "{detail}");
    let path = format!("/integrations/{INTEGRATION}");
    let (_, shown) = platform.call(Method::GET, &path, &Value::Null).await;
    assert_eq!(
        (&shown["webhook_url"], &shown["setup_steps"]),
        (&Value::Null, &json!([]))
    );
}

#[tokio::test]
async fn a_way_in_that_is_blocked_is_said_to_be() {
    let platform = Platform::new(Some("https://im.example.com")).await;
    let refused = TransportError::Unreachable("connection failed".to_owned());
    for (answer, says) in [
        (
            Ok(StatusCode::NOT_FOUND),
            "answered 404 Not Found to a signed webhook",
        ),
        (
            Ok(StatusCode::UNAUTHORIZED),
            "(401): is another deployment there?",
        ),
        (Err(TransportError::Timeout), "did not answer in time"),
        (Err(refused), "could not connect: connection failed"),
    ] {
        platform.put_in_between(answer);
        let tested = platform.test().await;
        assert_eq!(tested["passed"], false);
        let (outcome, detail) = check(&tested, RECEIVE);
        let url = "https://im.example.com/webhooks/pagerduty/demo-pd";
        assert_eq!(outcome, "failed");
        assert!(detail.starts_with(url) && detail.contains(says), "{detail}");
        assert_eq!(check(&tested, "read incidents").0, "passed");
    }
}

#[tokio::test]
async fn what_is_to_be_set_up_names_the_integrations_own_url() {
    let platform = Platform::new(Some("https://im.example.com")).await;
    let path = format!("/integrations/{INTEGRATION}");
    let name = json!({"name": "Renamed"});
    let (_, changed) = platform.call(Method::PATCH, &path, &name).await;
    let (_, shown) = platform.call(Method::GET, &path, &Value::Null).await;
    let url = "https://im.example.com/webhooks/pagerduty/demo-pd";
    for answer in [&changed, &shown] {
        assert_eq!(answer["webhook_url"], url);
        assert!(answer["setup_steps"].to_string().contains(url), "{answer}");
    }
}

#[tokio::test]
async fn tests_are_for_those_who_manage_the_integration() {
    let world = World::new().await;
    with_tokens(&world).await;
    let path = format!("/integrations/{INTEGRATION}/test");
    let as_role = async |role: &str| call_as(&world, role, Method::POST, &path, None).await.0;
    assert_eq!(as_role("viewer").await, 403);
    assert_eq!(as_role("incident_commander").await, 403);
    assert_eq!(as_role("integration.manager").await, 200);
    let unknown = post(&world, "/integrations/other/test", &json!({})).await;
    assert_eq!(unknown.0, 404);
}
