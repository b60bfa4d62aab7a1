//! What is refused before the store is asked.

use axum::body::Body;
use serde_json::json;

use super::{CONFLICT, INCIDENT, get, request, send, send_json};

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let admin = "platform.administrator";
    let ways = [
        ("POST", "/incidents"),
        ("PATCH", INCIDENT),
        ("POST", &format!("{INCIDENT}/work-notes")),
        ("POST", &format!("{INCIDENT}/links")),
        ("POST", &format!("{CONFLICT}/resolve")),
        ("POST", "/integrations"),
        ("PATCH", "/integrations/a"),
        ("PUT", "/integrations/a/field-ownership/title"),
        ("PUT", "/integrations/a/mappings"),
    ];
    for (method, path) in ways {
        let answer = async |content_type: &str, body: String| {
            let request = request(method, path, admin).header("content-type", content_type);
            send(request.body(Body::from(body)).expect("a request")).await
        };
        assert_eq!(
            answer("text/plain", "{}".into()).await.status,
            415,
            "{method} {path}"
        );
        let large = format!("{{\"title\":\"{}\"}}", "x".repeat(256 * 1024));
        assert_eq!(
            answer("application/json", large).await.status,
            413,
            "{method} {path}"
        );
        let broken = answer("application/json", "{\"title\":".into()).await;
        assert_eq!(broken.status, 400, "{method} {path}");
        assert!(
            broken.json["detail"]
                .as_str()
                .expect("text")
                .contains("line 1 column 9")
        );
        let list = answer("application/json", "[]".into()).await;
        assert_eq!(list.errors(), [("body", "must be an object, not an array")]);
        let merge = answer("application/merge-patch+json", "[]".into()).await;
        assert_eq!(
            merge.status,
            if method == "PATCH" { 422 } else { 415 },
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once() {
    let body = json!({"severity": "bad", "status": 3, "assignee": "ann", "wat": 1, "revision": 2});
    let answer = send_json("POST", "/incidents", "incident_commander", &body).await;
    assert_eq!(answer.status, 422);
    let named: Vec<_> = answer.errors().iter().map(|(field, _)| *field).collect();
    assert_eq!(
        named,
        ["title", "severity", "status", "assignee", "revision", "wat"]
    );
}

#[tokio::test]
async fn a_note_is_a_text() {
    let path = format!("{INCIDENT}/comments");
    for (body, errors) in [
        (json!({}), [("text", "is required")]),
        (
            json!({"text": null}),
            [("text", "must be a string, not null")],
        ),
        (json!({"text": " \n"}), [("text", "must not be empty")]),
        (
            json!({"text": "x".repeat(20_001)}),
            [("text", "must be at most 20000 characters, not 20001")],
        ),
        (
            json!({"text": "x", "internal": true}),
            [("internal", "unknown; expected one of text")],
        ),
    ] {
        let answer = send_json("POST", &path, "platform.administrator", &body).await;
        assert_eq!(
            (answer.status, answer.errors().as_slice()),
            (422, &errors[..])
        );
    }
}

#[tokio::test]
async fn a_link_names_an_integration_and_a_record() {
    let path = format!("{INCIDENT}/links");
    let admin = "platform.administrator";
    let answer = send_json("POST", &path, admin, &json!({"external_id": "a b"})).await;
    assert_eq!(answer.status, 422);
    let named: Vec<_> = answer.errors().iter().map(|(field, _)| *field).collect();
    assert_eq!(named, ["integration_id", "external_id"]);
    let delete = async |query: &str| {
        let request = request("DELETE", &format!("{path}{query}"), admin);
        send(request.body(Body::empty()).expect("a request")).await
    };
    let missing = delete("").await;
    assert_eq!(missing.errors(), [("integration_id", "is required")]);
    assert_eq!(delete("?integration_id=Prod").await.status, 422);
    assert_eq!(delete("?integration_id=a&x=1").await.status, 422);
}

#[tokio::test]
async fn deliveries_are_listed_by_integration() {
    let admin = "platform.administrator";
    let listed = get("/deliveries?status=lost&limit=x", admin).await;
    assert_eq!(
        listed.errors(),
        [
            ("limit", "must be a number from 1 to 100"),
            ("integration_id", "is required"),
            ("status", "must be one of open, done"),
        ]
    );
    let unknown = send_json("POST", "/deliveries/prod-pd/replay", admin, &json!({})).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn query_parameters() {
    let admin = "platform.administrator";
    let listed = get("/incidents?status=lost&limit=0&sort=asc", admin).await;
    assert_eq!(listed.status, 422);
    let named: Vec<_> = listed.errors().iter().map(|(field, _)| *field).collect();
    assert_eq!(named, ["limit", "status", "sort"]);
    let cursor =
        |errors: Vec<(&str, &str)>| errors.iter().map(|e| e.0.to_owned()).collect::<Vec<_>>();
    for path in [
        "/incidents?cursor=nonsense",
        "/integrations?cursor=Non_sense",
    ] {
        assert_eq!(
            cursor(get(path, admin).await.errors()),
            ["cursor"],
            "{path}"
        );
    }
    assert_eq!(get("/integrations?status=open", admin).await.status, 422);
    for path in [INCIDENT, "/integrations/a", &format!("{INCIDENT}/links")] {
        assert_eq!(
            get(&format!("{path}?x=1"), admin).await.errors().len(),
            1,
            "{path}"
        );
    }
    let answer = send_json("POST", "/incidents?dry_run", admin, &json!({"title": "x"})).await;
    assert_eq!(answer.status, 422);
}

#[tokio::test]
async fn a_malformed_if_match_is_refused_before_anything_is_read() {
    for path in [INCIDENT, "/integrations/prod-pd"] {
        let answer = async |tag: &str| {
            let request = request("PATCH", path, "platform.administrator")
                .header("content-type", "application/json")
                .header("if-match", tag);
            send(request.body(Body::from("{}")).expect("a request"))
                .await
                .status
        };
        assert_eq!(answer("3").await, 400, "{path}");
        assert_eq!(answer("\"3\"").await, 503, "{path}");
        assert_eq!(answer("*").await, 503, "{path}");
    }
}

#[tokio::test]
async fn a_conflict_is_resolved_with_one_of_three_words() {
    let admin = "platform.administrator";
    let path = format!("{CONFLICT}/resolve");
    let among = "must be one of use_platform, use_external, ignore";
    for (body, errors) in [
        (json!({}), [("resolution", "is required")]),
        (
            json!({"resolution": "use-platform"}),
            [("resolution", among)],
        ),
        (
            json!({"resolution": "ignore", "value": "x"}),
            [("value", "unknown; expected one of resolution")],
        ),
    ] {
        let answer = send_json("POST", &path, admin, &body).await;
        let named = (answer.status, answer.errors());
        assert_eq!(named, (422, errors.to_vec()));
    }
    let listed = get("/conflicts?status=open&integration=Prod&incident=1", admin).await;
    let named: Vec<_> = listed.errors().iter().map(|(field, _)| *field).collect();
    assert_eq!(named, ["status", "integration", "incident"]);
    let bad_cursor = get("/conflicts?cursor=x", admin).await;
    let problem = "is not a cursor that a list answered with";
    assert_eq!(bad_cursor.errors(), [("cursor", problem)]);
    assert_eq!(get("/conflicts/CON-1", admin).await.status, 404);
    let request = request("POST", &path, admin).header("content-type", "application/json");
    let unquoted = request.header("if-match", "3");
    let body = Body::from(json!({"resolution": "ignore"}).to_string());
    let answer = send(unquoted.body(body).expect("a request")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn an_explanation_is_of_a_field_that_there_is() {
    let admin = "platform.administrator";
    let explain = async |rest: &str| get(&format!("{INCIDENT}/explain/{rest}"), admin).await;
    let unknown = explain("severty").await;
    assert_eq!(unknown.status, 422);
    assert_eq!(
        unknown.errors(),
        [(
            "field",
            "unknown: severty; expected one of title, description, severity, priority, status, \
             assigned_to, escalation_policy, custom.<name>"
        )]
    );
    assert_eq!(explain("custom.cost_center").await.status, 503);
    assert_eq!(explain("severity?integration=Prod").await.status, 422);
    assert_eq!(explain("%ff").await.status, 404);
}
