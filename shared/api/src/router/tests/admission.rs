//! Who is admitted to what.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{get, openapi, request, send, send_json};
use crate::{
    authorise::Action,
    router::{Access, ROUTES},
};

fn concrete(method: &Method, path: &str) -> String {
    let id = if path.starts_with("/incidents") {
        "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV"
    } else if path.starts_with("/conflicts") {
        "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV"
    } else {
        "prod-pd"
    };
    let query = if path == "/deliveries" || method == Method::DELETE && path.ends_with("/links") {
        "?integration_id=prod-pd"
    } else {
        ""
    };
    let path = if path == "/deliveries/{id}/replay" {
        "/deliveries/{id}%2F{delivery}/replay"
    } else {
        path
    };
    path.replace("{id}", id)
        .replace("{delivery}", "01FKZ")
        .replace("{field}", "severity")
        .replace("{run}", "RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV")
        .replace("{entry}", "DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV")
        + query
}

/// A body that the route accepts.
fn good_body(path: &str) -> Value {
    if path == "/integrations" {
        json!({
            "integration_type": "pagerduty", "name": "Prod PD",
            "base_url": "https://api.pagerduty.com", "options": {"service": "PS1"},
            "credentials": {"token": "t", "from_email": "a@b", "webhook_secret": "w"},
        })
    } else if path.ends_with("/{field}") {
        json!({"rules": [{"owner": "platform"}]})
    } else if path.ends_with("/mappings") {
        json!({"values": {}})
    } else if path.ends_with("/triggers") {
        json!({"outbound": "severity == 'SEV-1'", "inbound": null})
    } else if path.ends_with("/triggers/test") {
        json!({"incident": "INC-01ARZ3NDEKTSV4RRFFQ69G5FAV", "expression": "true"})
    } else if path.ends_with("/preview") {
        json!({"limit": 1})
    } else if path.ends_with("/dlq/retry") || path.ends_with("/dlq/discard") {
        json!({"reason": "unavailable"})
    } else if path.ends_with("/reconcile") || path.ends_with("/backfill") {
        json!({"dry_run": true})
    } else if path.ends_with("/schedule") {
        json!({"interval": "1h"})
    } else if path.starts_with("/integrations") {
        json!({"enabled": false})
    } else if path.ends_with("/comments") || path.ends_with("/work-notes") {
        json!({"text": "It is the cache"})
    } else if path.ends_with("/links") {
        json!({"integration_id": "prod-pd", "external_id": "PGR0VU2"})
    } else if path.ends_with("/resolve") {
        json!({"resolution": "ignore"})
    } else {
        json!({"title": "Disk full"})
    }
}

#[tokio::test]
async fn every_route_has_a_decision_for_every_role() {
    let roles = [
        "platform.administrator",
        "integration.manager prod-pd",
        "incident_commander",
        "viewer",
    ];
    for route in ROUTES {
        let method = openapi::method(route.method);
        let path = concrete(&method, route.path);
        let status = async |role| {
            send_json(method.as_str(), &path, role, &good_body(route.path))
                .await
                .status
        };
        let by_role = [
            status(roles[0]).await,
            status(roles[1]).await,
            status(roles[2]).await,
            status(roles[3]).await,
        ];
        // 503: admitted, and the store was asked.
        let expected = match route.access {
            Access::Public => [200; 4],
            Access::Only(Action::CreateIncident | Action::EditIncident) => [503, 403, 503, 403],
            Access::Only(
                Action::ReadIncidents | Action::ReadConflicts | Action::ResolveConflict,
            ) => [503, 503, 503, 403],
            Access::Only(Action::ReadSyncStatus) => [503; 4],
            Access::Only(
                Action::CreateIntegration
                | Action::ReadIntegrations
                | Action::ChangeIntegration
                | Action::DeleteIntegration
                | Action::TestIntegration
                | Action::ChangeRules
                | Action::PreviewIntegration
                | Action::ReadDeliveries
                | Action::ReplayDelivery
                | Action::ReadDeadLetters
                | Action::SettleDeadLetters
                | Action::ReadReconciliations
                | Action::Reconcile
                | Action::ReadAudit,
            ) => [503, 503, 403, 403],
        };
        assert_eq!(by_role, expected, "{method} {path}");
        let stranger = if route.access == Access::Public {
            200
        } else {
            401
        };
        assert_eq!(status("").await, stranger, "{method} {path}");
        assert_eq!(status("nobody").await, stranger, "{method} {path}");
    }
}

#[tokio::test]
async fn a_manager_stays_within_its_scopes() {
    let manager = "integration.manager staging-pd";
    assert_eq!(get("/integrations/prod-pd", manager).await.status, 403);
    let change = json!({"enabled": false});
    assert_eq!(
        send_json("PATCH", "/integrations/prod-pd", manager, &change)
            .await
            .status,
        403
    );
    let new = good_body("/integrations");
    assert_eq!(
        send_json("POST", "/integrations", manager, &new)
            .await
            .status,
        403
    );
    let delete = request("DELETE", "/integrations/prod-pd", manager);
    let deleted = send(delete.body(Body::empty()).expect("a request")).await;
    assert_eq!(deleted.status, 403);
    let test = "/integrations/prod-pd/test";
    let tested = send_json("POST", test, manager, &json!({})).await;
    assert_eq!(tested.status, 403);
    for path in ["triggers/test", "preview"] {
        let path = format!("/integrations/prod-pd/{path}");
        let tried = send_json("POST", &path, manager, &good_body(&path)).await;
        assert_eq!(tried.status, 403, "{path}");
    }
    let status = "/integrations/prod-pd/sync-status";
    assert_eq!(get(status, manager).await.status, 403);
    let dlq = "/integrations/prod-pd/dlq";
    let entry = format!("{dlq}/DLQ-01ARZ3NDEKTSV4RRFFQ69G5FAV");
    for path in [dlq, &entry] {
        assert_eq!(get(path, manager).await.status, 403, "{path}");
    }
    let retry = format!("{entry}/retry");
    let many = [format!("{dlq}/retry"), format!("{dlq}/discard")];
    for path in many.iter().chain([&retry]) {
        let refused = send_json("POST", path, manager, &json!({})).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    let discard = request("DELETE", &entry, manager);
    let discarded = send(discard.body(Body::empty()).expect("a request")).await;
    assert_eq!(discarded.status, 403);
    let reconcile = "/integrations/prod-pd/reconcile";
    let run = format!("{reconcile}/runs/RUN-01ARZ3NDEKTSV4RRFFQ69G5FAV");
    let schedule = format!("{reconcile}/schedule");
    let history = format!("{reconcile}/history");
    for path in [&run, &format!("{run}/items"), &schedule, &history] {
        assert_eq!(get(path, manager).await.status, 403, "{path}");
    }
    let backfill = "/integrations/prod-pd/backfill".to_owned();
    let (confirm, cancel) = (format!("{run}/confirm"), format!("{run}/cancel"));
    for path in [reconcile, &backfill, &schedule, &confirm, &cancel] {
        let refused = send_json("POST", path, manager, &good_body(path)).await;
        assert_eq!(refused.status, 403, "{path}");
    }
    let remove = request("DELETE", &schedule, manager);
    let removed = send(remove.body(Body::empty()).expect("a request")).await;
    assert_eq!(removed.status, 403);
    let deliveries = "/deliveries?integration_id=prod-pd";
    assert_eq!(get(deliveries, manager).await.status, 403);
    let replay = "/deliveries/prod-pd/01FKZ/replay";
    let replayed = send_json("POST", replay, manager, &json!({})).await;
    assert_eq!(replayed.status, 403);
    assert_eq!(
        get("/integrations/prod-pd", "integration.manager *")
            .await
            .status,
        503
    );
}

#[tokio::test]
async fn nobody_creates_an_integration_for_another_organization() {
    let mut new = good_body("/integrations");
    new["organization_id"] = json!("rival");
    let answer = send_json("POST", "/integrations", "platform.administrator", &new).await;
    assert_eq!(answer.status, 403);
    new["organization_id"] = json!("acme");
    let answer = send_json("POST", "/integrations", "platform.administrator", &new).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_told() {
    let missing = get("/incidents", "").await;
    assert_eq!(missing.headers["www-authenticate"], "Bearer");
    let bad = get("/incidents", "nobody").await;
    assert_eq!(
        bad.headers["www-authenticate"],
        "Bearer error=\"invalid_token\""
    );
    let twice = request("GET", "/incidents", "viewer").header("authorization", "viewer");
    let twice = send(twice.body(Body::empty()).expect("a request")).await;
    assert_eq!((twice.status, &twice.json), (401, &bad.json));
    // Neither a bad body nor an unknown id is looked at before.
    assert_eq!(
        send_json("POST", "/incidents", "", &json!([])).await.status,
        401
    );
    assert_eq!(get("/incidents/nonsense", "").await.status, 401);
}
