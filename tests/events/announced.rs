//! What is announced on the event bus has a schema that others build on, and a sample of each kind.

use std::{collections::BTreeSet, path::Path};

use im_engine::{Announcement, ports::Announcer as _};
use im_model::{IntegrationId, RunId};
use im_runtime::EventBridgeAnnouncer;
use im_tests::{EventBus, World};
use serde_json::Value;

use crate::{folder, sample};

/// The samples: file and detail-type.
const SAMPLES: [(&str, &str); 5] = [
    ("dead-letter.json", "Dead Letter"),
    ("conflict-pending.json", "Conflict Pending"),
    ("drift-found.json", "Drift Found"),
    ("brake-stopped.json", "Brake Stopped"),
    ("credentials-refused.json", "Credentials Refused"),
];

fn schema() -> Value {
    sample("announced/schema.json")
}

fn members(object: &Value) -> BTreeSet<&str> {
    let object = object.as_object().expect("an object");
    object.keys().map(String::as_str).collect()
}

fn texts(list: &Value) -> BTreeSet<&str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|it| it.as_str().expect("a text")).collect()
}

/// A detail is as the schema says: what it needs, nothing that is unknown, texts and numbers where they belong. Strict, unlike the
/// schema for others, so that a new member is described before it is sent.
pub(crate) fn assert_described(detail_type: &str, detail: &Value) {
    let schema = schema();
    let kinds = schema["oneOf"].as_array().expect("kinds");
    let kind = kinds
        .iter()
        .find(|kind| kind["properties"]["detail-type"]["const"] == detail_type);
    let kind = kind.unwrap_or_else(|| panic!("{detail_type} is not described"));
    let described = &kind["properties"]["detail"];
    let (held, known) = (members(detail), members(&described["properties"]));
    let needed = texts(&described["required"]);
    assert!(held.is_subset(&known), "{detail_type}: {detail}");
    assert!(needed.is_subset(&held), "{detail_type}: {detail}");
    assert!(needed.is_subset(&known), "{detail_type}");
    for (member, value) in detail.as_object().expect("an object") {
        let property = &described["properties"][member];
        let property = match property["$ref"].as_str() {
            Some(name) => &schema["$defs"][name.strip_prefix("#/$defs/").expect("one of ours")],
            None => property,
        };
        let fits = match property["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.as_u64() >= property["minimum"].as_u64() && value.is_u64(),
            _ => texts(&property["enum"]).contains(value.as_str().unwrap_or_default()),
        };
        assert!(fits, "{detail_type}: {member} is {value}");
    }
}

/// What is sent is what is described. A dead letter's and a conflict's need something that is dead or waits: their tests see to it.
#[tokio::test]
async fn what_is_told_of_runs_and_credentials_is_described() {
    let world = World::new().await;
    let bus = EventBus::default();
    let announcer = EventBridgeAnnouncer::new(bus.client(&world.system.embedded));
    let integration: IntegrationId = "prod-snow".parse().expect("an id");
    let run: RunId = sample("announced/drift-found.json")["detail"]["run_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("an id");
    let told = [
        Announcement::DriftFound {
            integration: integration.clone(),
            run: run.clone(),
            differences: 3,
        },
        Announcement::BrakeStopped {
            integration: integration.clone(),
            run,
            changes: 200,
        },
        Announcement::CredentialsRefused { integration },
    ];
    let kinds = ["Drift Found", "Brake Stopped", "Credentials Refused"];
    for (announcement, kind) in told.iter().zip(kinds) {
        announcer.announce(announcement).await.expect("taken");
        let event = bus.take().remove(0);
        assert_eq!(event["DetailType"], kind);
        let detail = event["Detail"].as_str().expect("a text");
        assert_described(kind, &serde_json::from_str(detail).expect("JSON"));
    }
}

#[test]
fn each_announcement_is_described_and_has_a_sample() {
    let schema = schema();
    let kinds = schema["oneOf"].as_array().expect("kinds").iter();
    let kinds = kinds.map(|kind| &kind["properties"]["detail-type"]["const"]);
    let kinds: BTreeSet<_> = kinds.map(|kind| kind.as_str().expect("a text")).collect();
    assert_eq!(kinds, SAMPLES.iter().map(|(_, kind)| *kind).collect());
    let readme = std::fs::read_to_string(folder().join("announced/README.md")).expect("a guide");
    for (file, kind) in SAMPLES {
        let event = sample(Path::new("announced").join(file).to_str().expect("UTF-8"));
        assert_eq!(members(&event), texts(&schema["required"]), "{file}");
        assert_eq!(event["source"], "im", "{file}");
        assert_eq!(event["detail-type"], kind, "{file}");
        assert_described(kind, &event["detail"]);
        assert!(
            readme.contains(&format!("| `{kind}` | [{file}]({file})")),
            "{file}"
        );
    }
    let files = std::fs::read_dir(folder().join("announced")).expect("a folder");
    let files = files.map(|file| file.expect("a file").file_name().into_string());
    let files: BTreeSet<_> = files.map(|name| name.expect("UTF-8")).collect();
    let expected = SAMPLES.iter().map(|(file, _)| *file);
    let expected = expected.chain(["README.md", "schema.json"]);
    assert_eq!(files, expected.map(str::to_owned).collect());
}
