//! Deleting an integration.

use http::Method;
use im_engine::ports::IntegrationStore as _;
use im_model::LinkState;
use im_sandbox::pagerduty::Urgency;
use im_tests::{INTEGRATION, World};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Answer, call_as, call_of, delete, get, linked, with_tokens};

const PATH: &str = "/integrations/demo-pd";

async fn remove(world: &World) -> Answer {
    delete(world, PATH).await
}

fn integration() -> Value {
    json!({
        "id": INTEGRATION, "integration_type": "pagerduty", "name": "Again",
        "base_url": "https://api.pagerduty.com", "options": {"service": "PSVC001"},
        "credentials": {"token": "t", "from_email": "a@example.com", "webhook_secret": "w"},
    })
}

async fn secret_id(world: &World) -> String {
    let store = &world.system.ports.store;
    let found = store
        .integration(&INTEGRATION.parse().expect("an id"))
        .await;
    let found = found.expect("the store answers").expect("it exists");
    found.secret_id
}

/// Is this secret to be deleted?
async fn is_to_end(world: &World, secret: &str) -> bool {
    let secrets = &world.system.embedded.secrets;
    let described = secrets.describe_secret().secret_id(secret).send().await;
    described.expect("it is still known").deleted_date.is_some()
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_its_links_are_inert() {
    let (world, id, record) = linked().await;
    let unlinked = world.create(&json!({"title": "parted"})).await;
    world.settle().await;
    let path = format!("/incidents/{unlinked}/links?integration_id={INTEGRATION}");
    assert_eq!(delete(&world, &path).await.0, 200);
    let secret = secret_id(&world).await;
    assert!(!is_to_end(&world, &secret).await);
    let link = world.incident(&id).await.links;

    let (status, removed) = remove(&world).await;
    assert_eq!((status, &removed["links_left"]), (200, &json!(1)));
    let says = removed["says"].as_str().expect("words");
    let begin = "One incident stays linked with a ticket of demo-pd, to no effect. ";
    assert!(says.starts_with(begin), "{says}");
    assert!(is_to_end(&world, &secret).await, "and can be restored");
    assert_eq!(get(&world, PATH).await.0, 404);
    assert_eq!(get(&world, "/integrations").await.1["items"], json!([]));
    assert_eq!(remove(&world).await.0, 404);

    // What other processes remember of it, they remember for 10 s.
    world.clock.advance(SignedDuration::from_secs(11));
    let ann = world.pagerduty.person("ann@example.com");
    ann.acknowledge(&record).expect("allowed");
    let delivery = world.pagerduty.drain_webhooks().remove(0);
    let signature = delivery.headers["x-pagerduty-signature"].to_str();
    let signature = signature.expect("ASCII");
    let status = world.webhook(INTEGRATION, signature, &delivery.body).await;
    assert_eq!(status, 401);
    let writes = world.writes();
    world.edit(&id, &json!({"title": "still down"})).await;
    assert!(world.incident(&id).await.pending.is_empty(), "owed nothing");
    world.settle().await;
    assert_eq!(world.writes(), writes);
    assert_eq!(world.incident(&id).await.links, link, "as it was");
    // It can be parted even so.
    let path = format!("/incidents/{id}/links?integration_id={INTEGRATION}");
    assert_eq!(delete(&world, &path).await.0, 200);
}

#[tokio::test]
async fn whoever_is_gone_is_owed_nothing() {
    let (world, id, _) = linked().await;
    world.edit(&id, &json!({"title": "not sent yet"})).await;
    assert_eq!(world.incident(&id).await.pending.len(), 1);
    assert_eq!(remove(&world).await.0, 200);
    assert!(world.incident(&id).await.pending.is_empty());
    assert!(world.system.is_quiet().await.expect("an answer"));
}

#[tokio::test]
async fn every_incident_counts_however_many_there_are() {
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    for n in 0..103 {
        let title = format!("number {n}");
        ann.trigger(&title, Urgency::High).expect("allowed");
        world.deliver_webhooks().await;
    }
    while world.run_inbound().await > 0 {}
    assert_eq!(world.incidents().await.len(), 103);
    let (status, removed) = remove(&world).await;
    assert_eq!((status, &removed["links_left"]), (200, &json!(103)));
}

/// Half-way it fails: asked again, it is completed.
#[tokio::test]
async fn a_deletion_that_breaks_off_can_be_repeated() {
    let (world, _, _) = linked().await;
    let secret = secret_id(&world).await;
    world.calls.fail("TransactWriteItems");
    assert_eq!(remove(&world).await.0, 503);
    world.calls.mend();
    assert_eq!(get(&world, PATH).await.0, 200);
    assert_eq!(remove(&world).await.0, 200);
    assert_eq!(get(&world, PATH).await.0, 404);
    assert!(is_to_end(&world, &secret).await);
}

#[tokio::test]
async fn its_id_stays_its_organizations() {
    let (world, id, record) = linked().await;
    with_tokens(&world).await;
    assert_eq!(remove(&world).await.0, 200);
    let admin = "platform.administrator";
    let create = async |organization| {
        let (path, body) = ("/integrations", integration());
        call_of(&world, organization, admin, Method::POST, path, Some(&body)).await
    };
    let (status, problem) = create("rival").await;
    assert_eq!(status, 409, "its links would be the rival's: {problem}");
    assert_eq!(create("acme").await.0, 201);
    let state = world.incident(&id).await.links[&INTEGRATION.parse().expect("an id")]
        .state
        .clone();
    let is_linked =
        matches!(&state, LinkState::Linked { external_id, .. } if external_id.as_str() == record);
    assert!(is_linked, "{state:?}");
}

#[tokio::test]
async fn deletions_are_for_those_who_manage_the_integration() {
    let (world, _, _) = linked().await;
    with_tokens(&world).await;
    let as_role = async |role: &str| call_as(&world, role, Method::DELETE, PATH, None).await.0;
    assert_eq!(as_role("viewer").await, 403);
    assert_eq!(as_role("incident_commander").await, 403);
    let admin = "platform.administrator";
    let (status, _) = call_of(&world, "rival", admin, Method::DELETE, PATH, None).await;
    assert_eq!(status, 404, "it is another organization's");
    assert_eq!(as_role("integration.manager").await, 200);
}
