//! The incidents of the management API.

use http::Method;
use im_tests::World;
use jiff::SignedDuration;
use serde_json::{Value, json};

#[tokio::test]
async fn a_named_request_creates_once() {
    let world = World::new().await;
    let post = async |key: &str, body: &str| -> (u16, Value) {
        let request = http::Request::post("/api/v1/incidents")
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.to_owned().into())
            .expect("a request");
        let answer = world.request(request).await;
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap_or_default(),
        )
    };
    let (status, first) = post("k1", r#"{"title":"db down"}"#).await;
    assert_eq!(status, 201);
    let (status, again) = post("k1", r#"{"title":"db down"}"#).await;
    assert_eq!((status, &again["id"]), (201, &first["id"]));
    assert_eq!(
        post("k1", r#"{"title":"db up"}"#).await.0,
        422,
        "another incident"
    );
    assert_eq!(post("a b", r#"{"title":"db down"}"#).await.0, 400);
    assert_eq!(world.incidents().await.len(), 1);
    assert_eq!(post("k2", r#"{"title":"db down"}"#).await.0, 201);
    world.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(
        post("k1", r#"{"title":"db up"}"#).await.0,
        201,
        "it has run out"
    );
    assert_eq!(world.incidents().await.len(), 3);
}

#[tokio::test]
async fn the_api_lists_gets_and_refuses_as_documented() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(
            world
                .create(&json!({"title": format!("incident {number}")}))
                .await,
        );
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let get = async |path: &str| -> (u16, Value) {
        let answer = world.api(Method::GET, path, None).await;
        (
            answer.status().as_u16(),
            serde_json::from_slice(answer.body()).unwrap_or_default(),
        )
    };
    let (_, first) = get("/incidents?limit=3").await;
    let (_, second) = get(&format!(
        "/incidents?limit=3&cursor={}",
        first["next"].as_str().expect("more")
    ))
    .await;
    let listed: Vec<_> = [&first, &second]
        .iter()
        .flat_map(|page| page["items"].as_array().expect("items").clone())
        .map(|incident| incident["id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(
        listed,
        ids.iter().map(ToString::to_string).collect::<Vec<_>>()
    );
    assert_eq!(second["next"], Value::Null);
    assert_eq!(get("/incidents?cursor=nonsense").await.0, 422);
    assert_eq!(
        get("/incidents/INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").await.0,
        404
    );

    let path = format!("/incidents/{}", ids[0]);
    let stale = http::Request::patch(format!("/api/v1{path}"))
        .header("content-type", "application/json")
        .header("if-match", "\"9\"")
        .body(r#"{"severity":"SEV-1"}"#.into())
        .expect("a request");
    assert_eq!(world.request(stale).await.status(), 412);
    let bad = json!({"severity": "SEV-9", "status": "done", "assigned_to": "ann", "colour": 1});
    let refused = world.api(Method::PATCH, &path, Some(&bad)).await;
    assert_eq!(refused.status(), 422);
    let problem: Value = serde_json::from_slice(refused.body()).expect("JSON");
    let mut named: Vec<_> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["field"].as_str().expect("a field").to_owned())
        .collect();
    named.sort();
    assert_eq!(named, ["assigned_to", "colour", "severity", "status"]);
    assert_eq!(
        world.incident(&ids[0]).await.revision,
        1,
        "nothing was changed"
    );
}
