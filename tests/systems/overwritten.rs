//! What somebody writes at the vendor between our read and our write.

use std::sync::Arc;

use http::Method;
use im_model::{Field, IncidentId, NoticeKind};
use im_tests::{JIRA, SERVICENOW, World};
use serde_json::json;

use super::{issue, linked, seconds, ticket};

/// What somebody writes at the vendor between our read and our write is a conflict, not lost.
async fn overwritten(
    world: &Arc<World>,
    id: &IncidentId,
    integration: &str,
    (method, path): (Method, &str),
    edit: impl FnOnce() + Send + 'static,
) -> im_model::Notice {
    world.edit(id, &json!({"title": "ours"})).await;
    let clock = world.clock.clone();
    world.transport.once_at(
        im_tests::Moment::BeforeArrival,
        method,
        path,
        move || async move {
            clock.advance(seconds(1));
            edit();
            clock.advance(seconds(1));
        },
    );
    world.run_outbound().await;
    world.settle().await;
    assert!(!world.transport.has_interludes());
    assert_eq!(world.value(id, Field::Title).await.as_deref(), Some("ours"));
    assert_eq!(world.dead_letters().await, Vec::new());
    let claims = world.claims_in(id, integration).await;
    let mut decisions = claims
        .iter()
        .filter_map(|claim| claim.decisions.get(&Field::Title));
    let lost = decisions.find(|decision| decision.external.as_str() == Some("theirs"));
    assert!(
        lost.is_some_and(|decision| decision.lost.is_some()),
        "{claims:#?}"
    );
    let incident = world.incident(id).await;
    incident.links[&integration.parse().expect("an id")].notices[&Field::Title].clone()
}

#[tokio::test]
async fn what_servicenow_lost_to_our_write_is_in_the_journal() {
    let (world, id) = linked().await;
    let sys_id = world.record_in(&id, SERVICENOW).await;
    let servicenow = world.servicenow.clone();
    let notice = overwritten(
        &world,
        &id,
        SERVICENOW,
        (Method::PATCH, "/incident/"),
        move || {
            let bob = servicenow.person("bob@example.com");
            bob.edit(&sys_id, &[("short_description", "theirs")])
                .expect("allowed");
        },
    )
    .await;
    assert_eq!(notice.kind, NoticeKind::Conflict);
    assert_eq!(&ticket(&world, &id).await["short_description"], "ours");
}

#[tokio::test]
async fn what_jira_lost_to_our_write_is_in_the_journal() {
    let (world, id) = linked().await;
    let key = issue(&world, &id).await.key;
    let jira = world.jira.clone();
    let notice = overwritten(
        &world,
        &id,
        JIRA,
        (Method::PUT, "/rest/api/3/issue/"),
        move || {
            let bob = jira.person("bob@example.com");
            bob.edit(&key, &json!({"summary": "theirs"}))
                .expect("allowed");
        },
    )
    .await;
    assert_eq!(notice.kind, NoticeKind::Conflict);
    assert_eq!(issue(&world, &id).await.summary, "ours");
}
