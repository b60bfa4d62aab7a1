mod admission;
mod input;

use std::collections::BTreeSet;

use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt as _;
use im_engine::{
    RunStarter, StoreError,
    manage::{Audits, Previews, Reconciliations, TriggerTests, VendorAccess},
};
use im_model::{ActorId, OrganizationId};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{openapi, *};
use crate::{
    Caller, Policy,
    unreachable::{INTERNALS, Unreachable},
};

const INCIDENT: &str = "/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const CONFLICT: &str = "/conflicts/CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Whoever names a role is believed; `down` is a vault that does not answer.
struct Believing;

#[async_trait]
impl Authenticator for Believing {
    async fn authenticate(&self, given: Option<&HeaderValue>) -> Result<Caller, Unauthenticated> {
        let text = given
            .ok_or(Unauthenticated::NoToken)?
            .to_str()
            .unwrap_or_default();
        let bad = || Unauthenticated::BadToken("unknown".to_owned());
        if text == "down" {
            let (on, detail) = ("im/api".to_owned(), INTERNALS.to_owned());
            return Err(StoreError {
                tried: "GetSecretValue",
                on,
                detail,
            }
            .into());
        }
        let (role, scopes) = text.split_once(' ').unwrap_or((text, ""));
        if role == "nobody" {
            return Err(bad());
        }
        Ok(Caller {
            subject: ActorId::parse("ann@example.com").expect("valid"),
            organization: OrganizationId::parse("acme").expect("valid"),
            roles: BTreeSet::from([role.to_owned()]),
            scopes: scopes.split_terminator(' ').map(str::to_owned).collect(),
        })
    }
}

struct Answer {
    status: u16,
    headers: http::HeaderMap,
    json: Value,
}

impl Answer {
    fn errors(&self) -> Vec<(&str, &str)> {
        let all = self.json["errors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let text = |entry: &'_ Value, name: &str| entry[name].as_str().map(str::len).is_some();
        assert!(
            all.iter()
                .all(|entry| text(entry, "field") && text(entry, "problem"))
        );
        all.iter()
            .map(|e| {
                (
                    e["field"].as_str().expect("text"),
                    e["problem"].as_str().expect("text"),
                )
            })
            .collect()
    }
}

fn api() -> Router {
    let store = Arc::new(Unreachable);
    let incidents = Arc::new(Incidents {
        store: store.clone(),
        integrations: store.clone(),
        clock: store.clone(),
        ids: store.clone(),
    });
    let vendors = Arc::new(VendorAccess {
        vault: store.clone(),
        transport: store.clone(),
        memory: Arc::default(),
        clock: store.clone(),
    });
    let integrations = Arc::new(Integrations {
        store: store.clone(),
        audit: store.clone(),
        vault: store.clone(),
        tasks: store.clone(),
        clock: store.clone(),
        ids: store.clone(),
        vendors: vendors.clone(),
        secret_prefix: "im/".to_owned(),
    });
    router(Api {
        links: Arc::new(Links {
            incidents: incidents.clone(),
            conflicts: store.clone(),
            vendors: vendors.clone(),
        }),
        triggers: Arc::new(TriggerTests {
            integrations: integrations.clone(),
            incidents: incidents.clone(),
            vendors: vendors.clone(),
        }),
        previews: Arc::new(Previews {
            integrations: integrations.clone(),
            incidents: incidents.clone(),
            vendors: vendors.clone(),
        }),
        checks: Arc::new(Checks {
            integrations: integrations.clone(),
            vendors,
        }),
        conflicts: Arc::new(Conflicts {
            store: store.clone(),
            incidents: incidents.clone(),
            integrations: integrations.clone(),
        }),
        histories: Arc::new(Histories {
            incidents: incidents.clone(),
        }),
        sync_statuses: Arc::new(SyncStatuses {
            integrations: store.clone(),
            letters: store.clone(),
            figures: store.clone(),
            clock: store.clone(),
        }),
        dead_letters: Arc::new(DeadLetters {
            store: store.clone(),
            incidents: store.clone(),
            integrations: store.clone(),
            queue: store.clone(),
            clock: store.clone(),
            ids: store.clone(),
        }),
        audits: Arc::new(Audits {
            store: store.clone(),
        }),
        reconciliations: Arc::new(Reconciliations {
            integrations: integrations.clone(),
            starter: RunStarter {
                runs: store.clone(),
                queue: store.clone(),
                tasks: store.clone(),
                clock: store.clone(),
                ids: store.clone(),
            },
        }),
        deliveries: Arc::new(Deliveries {
            store: store.clone(),
            integrations: store.clone(),
            clock: store,
        }),
        rules: Arc::new(Rules {
            integrations: integrations.clone(),
        }),
        removal: Arc::new(Removal {
            incidents: incidents.clone(),
            integrations: integrations.clone(),
        }),
        incidents,
        integrations,
        authenticator: Arc::new(Believing),
        policy: Policy::built_in(),
        webhook_base_url: None,
        allow_loopback: false,
    })
}

/// Sends a request and checks what holds for every answer.
async fn send(request: http::Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response: Response<Body> = api().oneshot(request).await.expect("never fails");
    let (parts, body) = response.into_parts();
    let body: Bytes = body.collect().await.expect("a body").to_bytes();
    let json: Value = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&body).expect("every body is JSON")
    };
    let status = parts.status;
    if status.is_client_error() || status.is_server_error() {
        assert_eq!(parts.headers["content-type"], Problem::CONTENT_TYPE);
        if !body.is_empty() {
            openapi::assert_is("Problem", &json);
            assert_eq!(json["status"], status.as_u16());
        }
    }
    assert!(!String::from_utf8_lossy(&body).contains(INTERNALS));
    assert_eq!(
        status == StatusCode::UNAUTHORIZED,
        parts.headers.contains_key("www-authenticate")
    );
    openapi::assert_documents(&method, &path, status.as_u16());
    Answer {
        status: status.as_u16(),
        headers: parts.headers,
        json,
    }
}

fn request(method: &str, path: &str, role: &str) -> http::request::Builder {
    let builder = http::Request::builder()
        .method(method)
        .uri(format!("{BASE}{path}"));
    if role.is_empty() {
        builder
    } else {
        builder.header("authorization", role)
    }
}

async fn get(path: &str, role: &str) -> Answer {
    send(
        request("GET", path, role)
            .body(Body::empty())
            .expect("a request"),
    )
    .await
}

async fn send_json(method: &str, path: &str, role: &str, json: &Value) -> Answer {
    let request = request(method, path, role).header("content-type", "application/json");
    send(
        request
            .body(Body::from(json.to_string()))
            .expect("a request"),
    )
    .await
}

#[tokio::test]
async fn what_is_unavailable_says_so_and_nothing_else() {
    for role in ["down", "platform.administrator"] {
        let answer = get("/incidents", role).await;
        assert_eq!(answer.status, 503, "{role}");
        assert_eq!(answer.headers["retry-after"], "5");
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_ids() {
    for path in [
        "",
        "/",
        "/nothing",
        "/incidents/",
        "/incidents/a/b/c",
        "/incidents/%ff/links/x",
    ] {
        assert_eq!(
            get(path, "platform.administrator").await.status,
            404,
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("DELETE", "/incidents", ["GET", "HEAD", "POST"].as_slice()),
        (
            "PUT",
            &format!("{INCIDENT}/links"),
            &["GET", "HEAD", "POST", "DELETE"],
        ),
        ("PUT", INCIDENT, &["GET", "HEAD", "PATCH"]),
        ("POST", "/health", &["GET", "HEAD"]),
        (
            "OPTIONS",
            "/integrations/x",
            &["GET", "HEAD", "PATCH", "DELETE"],
        ),
    ] {
        let answer = send(
            request(method, path, "")
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
        assert_eq!(answer.status, 405, "{method} {path}");
        let allowed = answer.headers["allow"].to_str().expect("text");
        let allowed: BTreeSet<_> = allowed.split(',').map(str::trim).collect();
        assert_eq!(allowed, allow.iter().copied().collect(), "{method} {path}");
    }
    for path in [
        "/incidents/INC-1",
        "/incidents/%ff",
        "/integrations/Prod",
        "/incidents/%00/links",
        "/integrations/prod-pd/dlq/DLQ-1",
        "/integrations/prod-pd/dlq/%ff",
        "/integrations/prod-pd/reconcile/runs/RUN-1",
        "/integrations/prod-pd/reconcile/runs/%ff/items",
    ] {
        assert_eq!(
            get(path, "platform.administrator").await.status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let head = |path, role| {
        request("HEAD", path, role)
            .body(Body::empty())
            .expect("a request")
    };
    let answer = send(head("/health", "")).await;
    assert_eq!((answer.status, answer.json), (200, Value::Null));
    assert_eq!(send(head("/incidents", "")).await.status, 401);
}

#[tokio::test]
async fn health_and_the_description_are_public() {
    let health = get("/health", "").await;
    assert_eq!(health.json, json!({"status": "ok"}));
    openapi::assert_is("Health", &health.json);
    assert_eq!(get("/openapi.json", "").await.json["openapi"], "3.1.0");
}
