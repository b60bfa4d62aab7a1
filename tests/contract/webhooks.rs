//! Every webhook that `PagerDuty` documents, against us.

use std::collections::{BTreeMap, BTreeSet};

use im_engine::Delivery;
use im_sandbox::pagerduty::{Urgency, sign};
use im_tests::{INTEGRATION, World};
use serde_json::{Value, json};

use super::{vendor_file, vendor_json};

/// Its data names incidents only in a list of roles, which are not synced: nothing to look for.
const ANNOUNCES_NOTHING: &[&str] = &["incident.role.assigned"];

#[tokio::test]
async fn every_documented_webhook_is_accepted_and_names_its_incident() {
    let Some(types) = vendor_json("event_type_to_data_type.json") else {
        return;
    };
    let types: BTreeMap<String, String> = serde_json::from_value(types).expect("texts");
    let mut unused = webhook_files();
    let mut events = Vec::new();
    for (event_type, data_type) in &types {
        let name = format!("{data_type}.json");
        unused.remove(&name);
        let data = vendor_json(&format!("webhooks/{name}")).expect("a body of each type");
        let event = json!({"event": {
            "id": format!("01{}", event_type.replace('.', "-")),
            "event_type": event_type,
            "resource_type": event_type.split('.').next(),
            "occurred_at": "2026-10-02T18:45:22.169Z",
            "agent": null,
            "client": null,
            "data": data,
        }});
        events.push(event.to_string().into_bytes());
    }
    for name in std::mem::take(&mut unused) {
        let path = vendor_file(&format!("webhooks/{name}")).expect("it was listed");
        let event = std::fs::read(path).expect("a readable file");
        let json: Value = serde_json::from_slice(&event).expect("JSON");
        assert!(
            json["event"].is_object(),
            "{name} is neither of a type nor an event"
        );
        events.push(event);
    }
    assert_eq!(
        events.len(),
        types.len() + 2,
        "the vendor's folder has changed"
    );
    let world = World::new().await;
    for event in &events {
        accepted_once(&world, event).await;
    }
    // The incidents do not exist, and nothing chokes on that.
    world.settle().await;
    assert!(world.dead_letters().await.is_empty());
}

fn webhook_files() -> BTreeSet<String> {
    let folder = vendor_file("webhooks").expect("beside the types");
    let files = std::fs::read_dir(folder).expect("a folder");
    files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect()
}

async fn accepted_once(world: &World, body: &[u8]) {
    let event: Value = serde_json::from_slice(body).expect("JSON");
    let event = &event["event"];
    let event_type = event["event_type"].as_str().expect("a type");
    let signature = sign("a-secret", body);
    let before = world.stored_deliveries().await.len();
    for _ in 0..2 {
        assert_eq!(
            world.webhook(INTEGRATION, &signature, body).await,
            202,
            "{event_type}"
        );
    }
    let stored = world.stored_deliveries().await;
    assert_eq!(stored.len(), before + 1, "{event_type}");
    let id = event["id"].as_str().expect("an id");
    let is_it = |delivery: &&Delivery| delivery.key.delivery.as_str() == id;
    let delivery = stored.iter().find(is_it).expect(event_type);
    assert_eq!(delivery.event_type, event_type);
    assert_eq!(
        delivery.occurred_at.map(|at| at.to_string()).as_deref(),
        event["occurred_at"].as_str()
    );
    let announced = delivery
        .announced
        .as_ref()
        .map(|announced| announced.external_id.as_str());
    let data = &event["data"];
    let is_about = match data["type"].as_str() {
        Some("incident") => data["id"].as_str(),
        _ => data["incident"]["id"].as_str(),
    };
    assert_eq!(announced, is_about, "{event_type}");
    let silent = ANNOUNCES_NOTHING.contains(&event_type) || !event_type.starts_with("incident.");
    assert_eq!(announced.is_none(), silent, "{event_type}");
}

/// The stand-in's webhooks have the documented members: what works with them works with the vendor's.
#[tokio::test]
async fn the_stand_ins_webhooks_are_as_documented() {
    let Some(data) = vendor_json("webhooks/incident.json") else {
        return;
    };
    let note = vendor_json("webhooks/incident_note.json").expect("beside the others");
    let event = vendor_json("webhooks/incident.priority_updated.json").expect("beside the others");
    let types = vendor_json("event_type_to_data_type.json").expect("beside the others");
    let world = World::new().await;
    let ann = world.pagerduty.person("ann@example.com");
    let id = ann.trigger("Disk full", Urgency::High).expect("allowed");
    ann.acknowledge(&id).expect("allowed");
    ann.unacknowledge(&id).expect("allowed");
    ann.set_priority(&id, Some("P1")).expect("allowed");
    ann.reassign(&id, "bob@example.com").expect("allowed");
    ann.escalate(&id, "PESC002").expect("allowed");
    ann.escalate_to_level(&id, 2).expect("allowed");
    ann.resolve_with_note(&id, "Done").expect("allowed");
    ann.reopen(&id).expect("allowed");
    let sent = world.pagerduty.drain_webhooks();
    assert_eq!(sent.len(), 10, "one for each, and the note's");
    for webhook in sent {
        let body: Value = serde_json::from_slice(&webhook.body).expect("JSON");
        let kind = &types[webhook.event_type.as_str()];
        assert_eq!(
            &body["event"]["data"]["type"], kind,
            "{}",
            webhook.event_type
        );
        assert_eq!(
            members(&body["event"]),
            members(&event["event"]),
            "{}",
            webhook.event_type
        );
        let documented = if kind == "incident" { &data } else { &note };
        let mut documented = members(documented);
        let given = members(&body["event"]["data"]);
        if !given.contains("reopened_at") {
            documented.remove("reopened_at");
        }
        assert_eq!(given, documented, "{}", webhook.event_type);
    }
}

fn members(json: &Value) -> BTreeSet<&str> {
    json.as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}
