//! Who may ask, and how often.

use http::Method;
use jiff::SignedDuration;
use serde_json::json;

use crate::caller::{adf, request, site, site_with};

#[test]
fn credentials_are_demanded() {
    let site = site_with(|config| config.access_token = Some("token".to_owned()));
    site.created(&json!({}));
    let with = |authorization: Option<&str>| {
        let mut request = request(&Method::GET, "issue/OPS-1", None);
        request.headers_mut().remove("authorization");
        if let Some(value) = authorization {
            request
                .headers_mut()
                .insert("authorization", value.parse().unwrap());
        }
        site.send(request).status().as_u16()
    };
    assert_eq!(with(Some("Bearer token")), 200);
    // sync@example.com:other, no colon, no base64.
    let wrong = [
        "Basic c3luY0BleGFtcGxlLmNvbTpvdGhlcg==",
        "Basic eA==",
        "Basic !",
        "Bearer other",
        "key",
    ];
    for authorization in wrong {
        assert_eq!(with(Some(authorization)), 401, "{authorization}");
    }
    assert_eq!(with(None), 401);
    let recorded = format!("{:?}", site.jira.requests());
    assert!(!recorded.contains("authorization") && !recorded.contains("Basic"));
}

#[test]
fn too_many_requests_are_refused_for_a_while() {
    let site = site_with(|config| config.requests_per_minute = 2);
    assert_eq!(site.get("myself").0, 200);
    let second = site.send(request(&Method::GET, "myself", None));
    assert_eq!(second.headers()["x-ratelimit-remaining"], "0");
    site.clock.advance(SignedDuration::from_secs(20));
    let refused = site.send(request(&Method::GET, "myself", None));
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "40");
    assert_eq!(refused.headers()["x-ratelimit-reset"], "2026-01-02T03:05Z");
    site.clock.advance(SignedDuration::from_secs(40));
    assert_eq!(site.get("myself").0, 200);
}

#[test]
fn one_issue_takes_only_so_many_writes() {
    let site = site_with(|config| config.writes_per_issue = 1);
    let (one, other) = (site.created(&json!({})), site.created(&json!({})));
    site.edited(&one, &json!({"summary": "New"}));
    let path = format!("issue/{one}/comment");
    let comment = request(&Method::POST, &path, Some(&json!({"body": adf("x")})));
    let refused = site.send(comment);
    assert_eq!(refused.status(), 429);
    assert_eq!(
        refused.headers()["ratelimit-reason"],
        "jira-per-issue-on-write"
    );
    assert_eq!(refused.headers()["retry-after"], "60");
    assert_eq!(site.jira.comments(&one), []);
    site.edited(&other, &json!({"summary": "New"}));
    assert_eq!(site.fields(&one)["summary"], "New");
}

#[test]
fn unknown_paths_are_not_found() {
    let site = site();
    for (method, path) in [
        (Method::GET, "/rest/api/3/universe"),
        (Method::POST, "/rest/api/2/issue"),
    ] {
        let mut request = request(&method, "", Some(&json!({})));
        *request.uri_mut() = path.parse().unwrap();
        assert_eq!(site.jira.handle(request).status(), 404);
    }
}
