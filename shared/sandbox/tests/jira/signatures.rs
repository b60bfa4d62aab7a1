//! How webhooks are signed, and sent again.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use bytes::Bytes;
use im_sandbox::jira::{Scheme, hub_signature, query_string_hash};
use im_sandbox::webhook_delivery::Outcome;
use im_sandbox::{Fault, FaultRule, ManualClock, RetryPolicy, WebhookDelivery};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::caller::{OWN, START, Site, hub, site, site_with};

const HOOK: &str = "/webhooks/jira/prod-jira";

fn connect() -> Scheme {
    Scheme::Connect {
        client_key: "client".to_owned(),
        shared_secret: "secret".to_owned(),
        path: HOOK.to_owned(),
    }
}

/// The claims of a token that this secret signed.
fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(b"secret");
    decode::<Value>(token, &key, &validation).unwrap().claims
}

fn bearer<'a>(headers: &'a HeaderMap, scheme: &str) -> &'a str {
    let authorization = headers["authorization"].to_str().unwrap();
    authorization.strip_prefix(scheme).unwrap()
}

fn one(site: &Site) -> WebhookDelivery {
    site.created(&json!({}));
    site.jira.drain_webhooks().remove(0)
}

#[test]
fn connect_signs_the_request_with_who_did_it() {
    let site = site_with(|config| config.scheme = connect());
    let webhook = one(&site);
    let query = format!("user_id={OWN}&user_key={OWN}");
    assert_eq!(webhook.query.as_deref(), Some(query.as_str()));
    let now = START.parse::<Timestamp>().unwrap().as_second();
    let qsh = query_string_hash("POST", HOOK, Some(&query));
    let expected = json!({"iss": "client", "iat": now, "exp": now + 180, "qsh": qsh});
    assert_eq!(claims(bearer(&webhook.headers, "JWT ")), expected);
    assert_eq!(
        webhook.url("https://im.example.com/hook"),
        format!("https://im.example.com/hook?{query}")
    );
}

#[test]
fn an_automation_is_nobody_in_the_query_too() {
    let site = site_with(|config| config.scheme = connect());
    let (field, value) = ("priority".to_owned(), json!("Low"));
    site.jira
        .add_fault(FaultRule::once(Fault::Overrule { field, value }));
    let body = crate::caller::new(&json!({}));
    let post = crate::caller::request(&http::Method::POST, "issue", Some(&body));
    site.send_with_faults(post).unwrap();
    let webhook = site.jira.drain_webhooks().remove(1);
    assert_eq!(webhook.query, None);
    let qsh = query_string_hash("POST", HOOK, None);
    assert_eq!(claims(bearer(&webhook.headers, "JWT "))["qsh"], qsh);
}

#[test]
fn an_oauth_app_gets_a_token_without_a_hash() {
    let site = site_with(|config| {
        config.scheme = Scheme::OAuth {
            client_key: "client".to_owned(),
            client_secret: "secret".to_owned(),
        }
    });
    let claims = claims(bearer(&one(&site).headers, "Bearer "));
    assert_eq!(
        (&claims["iss"], claims.get("qsh")),
        (&json!("client"), None)
    );
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        180
    );
}

#[test]
fn a_secret_signs_the_raw_body() {
    let webhook = one(&site());
    let expected = hub_signature("secret", &webhook.body);
    assert_eq!(webhook.headers["x-hub-signature"], expected);
    assert!(!webhook.headers.contains_key("authorization"));
    assert!(!webhook.headers.contains_key("x-atlassian-webhook-retry"));
    assert_eq!(
        webhook.headers["x-atlassian-webhook-identifier"],
        webhook.event_id
    );
}

#[test]
fn a_repeat_has_the_same_identifier_and_a_fresh_token() {
    let site = site_with(|config| config.scheme = connect());
    let first = one(&site);
    site.clock.advance(SignedDuration::from_mins(30));
    let again = site.jira.repeated(&first, 2);
    let identifier = "x-atlassian-webhook-identifier";
    assert_eq!(again.headers[identifier], first.headers[identifier]);
    assert_eq!(again.headers["x-atlassian-webhook-retry"], "1");
    assert_eq!(again.body, first.body);
    let iat = |webhook: &WebhookDelivery| {
        claims(bearer(&webhook.headers, "JWT "))["iat"]
            .as_i64()
            .unwrap()
    };
    assert_eq!(iat(&again) - iat(&first), 1_800);
}

type Received = (HeaderMap, Uri);

async fn receive(
    State((sender, clock)): State<(mpsc::UnboundedSender<Received>, ManualClock)>,
    uri: Uri,
    headers: HeaderMap,
    _body: Bytes,
) -> StatusCode {
    let is_repeat = headers.contains_key("x-atlassian-webhook-retry");
    sender.send((headers, uri)).unwrap();
    clock.advance(SignedDuration::from_mins(1));
    if is_repeat {
        StatusCode::OK
    } else {
        StatusCode::CONFLICT
    }
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_signed_anew() {
    let site = site_with(|config| config.scheme = connect());
    let (sender, mut received) = mpsc::unbounded_channel();
    let router = axum::Router::new()
        .fallback(receive)
        .with_state((sender, site.clock.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{HOOK}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let policy = RetryPolicy {
        first_pause: Duration::ZERO,
        ..RetryPolicy::default()
    };
    tokio::spawn(site.jira.clone().deliver_webhooks_to(url, policy));
    site.created(&json!({}));
    let (first, uri) = received.recv().await.unwrap();
    let (second, _) = received.recv().await.unwrap();
    assert_eq!(
        uri.to_string(),
        format!("{HOOK}?user_id={OWN}&user_key={OWN}")
    );
    let iat = |headers: &HeaderMap| claims(bearer(headers, "JWT "))["iat"].as_i64().unwrap();
    assert_eq!(iat(&second) - iat(&first), 60);
    let identifier = "x-atlassian-webhook-identifier";
    assert_eq!(first[identifier], second[identifier]);
    assert_eq!(second["x-atlassian-webhook-retry"], "1");
    while !site.jira.deliveries()[0].is_settled() {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.jira.deliveries()[0].outcome, Outcome::Delivered);
}

#[test]
fn nothing_shows_a_secret() {
    let Scheme::HubSignature { secret } = hub() else {
        unreachable!()
    };
    assert!(!format!("{:?}", site().jira.requests()).contains(&secret));
}
