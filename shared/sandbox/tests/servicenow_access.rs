//! Who may ask, and how often.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use bytes::Bytes;
use http::{Method, Request};
use im_sandbox::{ManualClock, ServiceNow, ServiceNowConfig};
use jiff::SignedDuration;
use serde_json::{Value, json};
use table_api::{
    INCIDENTS, START, answer, basic, configured, created, get, patch, post, refusal, seen,
    servicenow,
};

fn with(servicenow: &ServiceNow, authorization: Option<&str>) -> (u16, Value) {
    let mut request = table_api::request(&Method::GET, INCIDENTS, None);
    request.headers_mut().remove("authorization");
    if let Some(value) = authorization {
        let value = value.parse().unwrap();
        request.headers_mut().insert("authorization", value);
    }
    seen(&servicenow.handle(request))
}

fn unauthenticated() -> (u16, String, String) {
    (
        401,
        "User Not Authenticated".to_owned(),
        "Required to provide Auth information".to_owned(),
    )
}

#[test]
fn a_user_needs_the_right_password() {
    let (servicenow, _) = servicenow();
    assert_eq!(
        with(&servicenow, Some(&basic("im.sync", "password"))).0,
        200
    );
    for wrong in [
        None,
        Some(basic("im.sync", "wrong")),
        Some(basic("ann.example", "password")),
        Some("Basic x".to_owned()),
        Some("Bearer password".to_owned()),
    ] {
        let refused = refusal(with(&servicenow, wrong.as_deref()));
        assert_eq!(refused, unauthenticated(), "{wrong:?}");
    }
    servicenow.change_password("im.sync", "new");
    let old = refusal(with(&servicenow, Some(&basic("im.sync", "password"))));
    assert_eq!(old, unauthenticated());
    assert_eq!(with(&servicenow, Some(&basic("im.sync", "new"))).0, 200);
}

fn with_oauth() -> (ServiceNow, ManualClock) {
    let clock = ManualClock::new(START.parse().unwrap());
    let config = ServiceNowConfig::demo_oauth("client", "hush", "secret").clock(clock.clone());
    (ServiceNow::new(config), clock)
}

fn token_request(form: &str) -> Request<Bytes> {
    Request::post("/oauth_token.do")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(form.to_owned()))
        .unwrap()
}

fn token(servicenow: &ServiceNow, form: &str) -> (u16, Value) {
    seen(&servicenow.handle(token_request(form)))
}

const CLIENT: &str = "client_id=client&client_secret=hush";

fn bearer(body: &Value) -> String {
    format!("Bearer {}", body["access_token"].as_str().unwrap())
}

#[test]
fn a_client_gets_a_token_for_half_an_hour() {
    let (servicenow, clock) = with_oauth();
    let (status, body) = token(
        &servicenow,
        &format!("grant_type=client_credentials&{CLIENT}"),
    );
    assert_eq!(status, 200);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 1799);
    assert_eq!(body.get("refresh_token"), None);
    let bearer = bearer(&body);
    clock.advance(SignedDuration::from_secs(1799));
    assert_eq!(with(&servicenow, Some(&bearer)).0, 200);
    clock.advance(SignedDuration::from_secs(1));
    assert_eq!(refusal(with(&servicenow, Some(&bearer))), unauthenticated());
}

#[test]
fn a_password_buys_a_token_that_can_be_refreshed() {
    let (_, clock) = with_oauth();
    let mut config = ServiceNowConfig::demo("im.sync", "password", "secret").clock(clock.clone());
    config.oauth = ServiceNowConfig::demo_oauth("client", "hush", "secret").oauth;
    let servicenow = ServiceNow::new(config);
    let form = format!("grant_type=password&username=im.sync&password=password&{CLIENT}");
    let (_, first) = token(&servicenow, &form);
    clock.advance(SignedDuration::from_secs(1800));
    assert_eq!(with(&servicenow, Some(&bearer(&first))).0, 401);
    let refresh = first["refresh_token"].as_str().unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}&{CLIENT}");
    let (status, second) = token(&servicenow, &form);
    assert_eq!(status, 200);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(with(&servicenow, Some(&bearer(&second))).0, 200);
    servicenow.revoke_tokens();
    assert_eq!(with(&servicenow, Some(&bearer(&second))).0, 401);
    assert_eq!(token(&servicenow, &form).0, 401);
}

#[test]
fn nobody_else_gets_a_token() {
    let (servicenow, _) = with_oauth();
    for form in [
        "grant_type=client_credentials&client_id=client&client_secret=wrong".to_owned(),
        format!("grant_type=password&username=im.sync&password=&{CLIENT}"),
        format!("grant_type=refresh_token&refresh_token=x&{CLIENT}"),
        format!("grant_type=other&{CLIENT}"),
        String::new(),
    ] {
        let (status, body) = token(&servicenow, &form);
        assert_eq!(status, 401, "{form}");
        assert_eq!(body["error_description"], "access_denied");
    }
    let (plain, _) = table_api::servicenow();
    let form = format!("grant_type=client_credentials&{CLIENT}");
    assert_eq!(token(&plain, &form).0, 401);
}

#[test]
fn no_record_of_requests_holds_credentials() {
    let (servicenow, _) = with_oauth();
    let (_, body) = token(
        &servicenow,
        &format!("grant_type=client_credentials&{CLIENT}"),
    );
    with(&servicenow, Some(&bearer(&body)));
    let recorded = serde_json::to_string(&servicenow.requests()).unwrap();
    assert!(recorded.contains("oauth_token.do"));
    for secret in ["hush", body["access_token"].as_str().unwrap()] {
        assert!(!recorded.contains(secret), "{recorded}");
    }
}

#[test]
fn the_rate_limit_is_per_hour_and_says_when_it_ends() {
    let clock = ManualClock::new(START.parse().unwrap());
    let mut config = ServiceNowConfig::demo("im.sync", "password", "secret").clock(clock.clone());
    config.requests_per_hour = 2;
    let servicenow = ServiceNow::new(config);
    let ask = || answer(&servicenow, &Method::GET, INCIDENTS, None);
    assert_eq!([ask().status(), ask().status()], [200, 200]);
    clock.advance(SignedDuration::from_secs(600));
    let body = json!({"short_description": "x"});
    let over = answer(&servicenow, &Method::POST, INCIDENTS, Some(&body));
    assert_eq!(over.status(), 429);
    assert_eq!(over.headers()["retry-after"], "3000");
    assert_eq!(over.headers()["x-ratelimit-limit"], "2");
    // 2026-01-02T04:04:05Z.
    assert_eq!(over.headers()["x-ratelimit-reset"], "1767326645");
    assert_eq!(over.headers()["x-ratelimit-rule"].len(), 32);
    let (_, message, detail) = refusal(seen(&over));
    assert!(!message.is_empty() && !detail.is_empty());
    assert_eq!(servicenow.incidents(), []);
    clock.advance(SignedDuration::from_secs(3000));
    assert_eq!(ask().status(), 200);
}

#[test]
fn tables_may_be_forbidden() {
    let servicenow = configured(|config| {
        let tables = ["sys_audit", "sys_journal_field"];
        config.unreadable_tables = tables.map(str::to_owned).into();
    });
    created(&servicenow, &json!({"comments": "x"}));
    for path in ["sys_audit", "sys_journal_field", "sys_audit/1"] {
        let (status, message, detail) =
            refusal(get(&servicenow, &format!("/api/now/v2/table/{path}")));
        assert_eq!((status, message.as_str()), (403, "User Not Authorized"));
        assert!(!detail.is_empty());
    }
    assert_eq!(get(&servicenow, INCIDENTS).0, 200);
}

#[test]
fn incidents_may_be_read_only() {
    let servicenow = configured(|config| config.incident_is_read_only = true);
    let ann = servicenow.person("ann@example.com");
    let sys_id = ann.open("Disk full", 1, 1).unwrap();
    let path = format!("{INCIDENTS}/{sys_id}");
    let deleted = seen(&answer(&servicenow, &Method::DELETE, &path, None));
    for refused in [
        post(&servicenow, &json!({})),
        patch(&servicenow, &sys_id, &json!({"state": "2"})),
        deleted,
    ] {
        let (status, message, detail) = refusal(refused);
        assert_eq!((status, message.as_str()), (403, "Operation Failed"));
        assert!(detail.starts_with("ACL Exception"), "{detail}");
    }
    assert_eq!(get(&servicenow, &path).0, 200);
}

#[test]
fn an_answer_in_another_form_cannot_be_had() {
    let (servicenow, _) = servicenow();
    let mut request = table_api::request(&Method::GET, INCIDENTS, None);
    let xml = "application/xml".parse().unwrap();
    request.headers_mut().insert("accept", xml);
    assert_eq!(servicenow.handle(request).status(), 406);
}
