use im_vendors::Announced;
use serde_json::json;

use super::*;
use crate::router::assert_is;

fn delivery() -> Delivery {
    Delivery {
        key: "prod-pd#01FKZ".parse().expect("a key"),
        received_at: "2026-01-02T03:04:05.12Z".parse().expect("a time"),
        event_type: "incident.triggered".to_owned(),
        occurred_at: None,
        announced: Some(Announced {
            external_id: "PGR0VU2".parse().expect("an id"),
            at_least: None,
            changed: BTreeMap::new(),
            author: None,
            notes: false,
        }),
        outcome: None,
    }
}

#[test]
fn a_delivery_is_shown_as_described() {
    let json = serde_json::to_value(DeliveryJson::of(&delivery())).expect("JSON");
    assert_eq!(
        json,
        json!({
            "id": "prod-pd/01FKZ", "integration_id": "prod-pd", "delivery_id": "01FKZ",
            "event_type": "incident.triggered", "received_at": "2026-01-02T03:04:05.12Z",
            "occurred_at": null, "external_id": "PGR0VU2", "status": "open", "outcome": null,
        })
    );
    let done = Delivery {
        announced: None,
        outcome: Some("nothing to do".to_owned()),
        ..delivery()
    };
    let items = vec![DeliveryJson::of(&done)];
    assert_eq!((items[0].status, &items[0].external_id), ("done", &None));
    let list = List { items, next: None };
    assert_is("DeliveryList", &serde_json::to_value(list).expect("JSON"));
}

#[tokio::test]
async fn a_key_is_one_segment_or_two() {
    let read = async |path: &str| {
        use tower::ServiceExt as _;
        let echo = |PathKey(key): PathKey| async move { key.to_string() };
        let router: axum::Router = axum::Router::new()
            .route("/{id}/replay", axum::routing::get(echo))
            .route("/{id}/{delivery}/replay", axum::routing::get(echo));
        let request = http::Request::get(path).body(axum::body::Body::empty());
        let answer = router.oneshot(request.expect("a request")).await;
        let answer = answer.expect("never fails");
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1000).await;
        let body = body.expect("a body").to_vec();
        (status, String::from_utf8(body).expect("text"))
    };
    let found = (200, "prod-pd#01FKZ".to_owned());
    for path in [
        "/prod-pd/01FKZ/replay",
        "/prod-pd%2F01FKZ/replay",
        "/prod-pd%2301FKZ/replay",
    ] {
        assert_eq!(read(path).await, found, "{path}");
    }
    for path in [
        "/prod-pd/replay",
        "/Prod/01FKZ/replay",
        "/prod-pd/a%20b/replay",
    ] {
        assert_eq!(read(path).await.0, 404, "{path}");
    }
}
