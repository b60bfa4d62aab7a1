//! The check of an integration's rules, and the rehearsal.

use http::Method;
use im_sandbox::{Fault, FaultRule};
use im_tests::{JIRA, SERVICENOW, World};
use serde_json::{Value, json};

use super::{patch, path, path_of, put, version, with_severities};
use crate::{call, errors, get};

#[tokio::test]
async fn what_cannot_work_is_not_enabled() {
    let world = World::new().await;
    let broken = json!({"values": {"SEV-1": "high"}, "otherwise": "error"});
    let broken = with_severities(&world, broken).await;
    let refused = put(&world, &path("mappings"), &broken).await;
    let problem = |severity: &str| {
        format!(
            "{severity} → no answer at the vendor: while an incident says {severity}, this field cannot \
             be sent: the attempt fails (no_answer); it cannot be enabled so"
        )
    };
    let problems = ["SEV-2", "SEV-3", "SEV-4"].map(problem);
    let expected: Vec<_> = problems
        .iter()
        .map(|problem| ("severity", problem.as_str()))
        .collect();
    assert_eq!((refused.0, errors(&refused)), (422, expected.clone()));
    assert_eq!(patch(&world, &json!({"enabled": false})).await.0, 200);
    let stored = put(&world, &path("mappings"), &broken).await;
    assert_eq!(stored.0, 200, "{}", stored.1);
    let found = get(&world, &path("check")).await;
    assert_eq!((found.0, &found.1["verdict"]), (200, &json!("errors")));
    let name = json!({"name": "Renamed"});
    assert_eq!(
        patch(&world, &name).await.0,
        200,
        "anything else can change"
    );
    let before = version(&world).await;
    let enabled = patch(&world, &json!({"enabled": true})).await;
    assert_eq!((enabled.0, errors(&enabled)), (422, expected));
    assert_eq!(version(&world).await, before);
    put(&world, &path("mappings"), &json!({"values": {}})).await;
    assert_eq!(patch(&world, &json!({"enabled": true})).await.0, 200);
}

#[tokio::test]
async fn the_check_names_what_two_vendors_own_and_what_is_lost_on_the_way() {
    let world = World::with_all().await;
    let (status, found) = get(&world, &path("check")).await;
    assert_eq!((status, &found["verdict"]), (200, &json!("warnings")));
    let findings = found["findings"].as_array().expect("findings");
    let of = |kind: &str| -> Vec<(&Value, &Value)> {
        let of_kind = findings.iter().filter(|finding| finding["kind"] == kind);
        of_kind
            .map(|finding| (&finding["field"], &finding["detail"]))
            .collect()
    };
    let shared = json!("owned externally by demo-pd and demo-jira and demo-snow");
    assert_eq!(of("shared_owner"), [(&json!("assigned_to"), &shared)]);
    let lost = json!("SEV-1 → high → SEV-2");
    assert!(
        of("round_trip").contains(&(&json!("severity"), &lost)),
        "{found}"
    );
    for other in [JIRA, SERVICENOW] {
        let disabled = json!({"enabled": false});
        let path = format!("/integrations/{other}");
        assert_eq!(
            call(&world, Method::PATCH, &path, Some(&disabled)).await.0,
            200
        );
    }
    let (_, alone) = get(&world, &path("check")).await;
    assert!(!alone.to_string().contains("shared_owner"), "{alone}");
}

#[tokio::test]
async fn a_vendor_that_does_not_answer_is_no_obstacle() {
    let world = World::with_all().await;
    let fault = Fault::RefuseWith {
        status: 500,
        body: Value::Null,
        headers: std::collections::BTreeMap::new(),
    };
    world.jira.add_fault(FaultRule::always(fault));
    let (status, mappings) = get(&world, &path_of(JIRA, "mappings")).await;
    let note = mappings["notes"][0].as_str().expect("a note");
    assert_eq!(status, 200);
    assert!(note.starts_with("demo-jira could not be asked ("), "{note}");
    assert!(note.ends_with("which may not be this account's"), "{note}");
    assert_eq!(
        mappings["values"]["status"]["outbound"]["values"]["open"],
        "To Do"
    );
    let (_, found) = get(&world, &path_of(JIRA, "check")).await;
    assert_eq!(found["notes"][0], note);
}

#[tokio::test]
async fn a_rehearsal_says_what_would_be_and_changes_nothing() {
    let world = World::new().await;
    let before = get(&world, &path("mappings")).await;
    let table = json!({"values": {"SEV-3": "high"}, "otherwise": "inherit"});
    let changed = with_severities(&world, table).await;
    let rehearse = path("mappings?dry_run=true");
    let (status, would_be) = put(&world, &rehearse, &changed).await;
    assert_eq!(
        (status, &would_be["configured"]),
        (200, &json!(["severity.outbound"]))
    );
    let bad = json!({"values": {"sev": {}}});
    assert_eq!(put(&world, &rehearse, &bad).await.0, 422);
    assert_eq!(get(&world, &path("mappings")).await, before);
}
