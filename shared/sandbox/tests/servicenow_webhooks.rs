//! What the Business Rule sends, and when.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use http::Method;
use im_sandbox::servicenow::{Encoding, sign};
use im_sandbox::{Fault, FaultRule};
use serde_json::{Value, json};
use table_api::{
    INCIDENTS, answer, configured, created, event_types, patch, patched, resolved, servicenow,
};

#[test]
fn the_documented_key_signs_as_documented() {
    let hex = sign("sample_key", b"sample_data", Encoding::Hex);
    let base64 = sign("sample_key", b"sample_data", Encoding::Base64);
    let expected = "e15594238f2526f986485e8c626395580f5cd217eee7952bfb77be7d414516be";
    assert_eq!(hex, expected);
    assert_eq!(base64, "4VWUI48lJvmGSF6MYmOVWA9c0hfu55Ur+3e+fUFFFr4=");
}

#[test]
fn a_webhook_names_the_record_and_nothing_more() {
    let (servicenow, clock) = servicenow();
    let sys_id = created(&servicenow, &json!({}));
    servicenow.drain_webhooks();
    clock.set("2026-01-02T04:00:00.999Z".parse().unwrap());
    patched(&servicenow, &sys_id, &json!({"impact": "1"}));
    let webhook = servicenow.drain_webhooks().remove(0);
    let text = std::str::from_utf8(&webhook.body).unwrap();
    let id = &webhook.event_id;
    assert_eq!(id.len(), 32);
    let expected = format!(
        r#"{{"delivery_id":"{id}","table":"incident","sys_id":"{sys_id}","sys_updated_on":"2026-01-02 04:00:00","timestamp":1767326400}}"#
    );
    assert_eq!(text, expected);
    let signature = sign("secret", &webhook.body, Encoding::Hex);
    assert_eq!(
        webhook.headers["x-servicenow-signature"],
        format!("sha256={signature}")
    );
    assert_eq!(webhook.headers["content-type"], "application/json");
    assert_eq!(webhook.query, None);
}

#[test]
fn the_signature_can_look_otherwise() {
    let servicenow = configured(|config| {
        config.signing.header = "x-snow-mac".parse().unwrap();
        config.signing.encoding = Encoding::Base64;
        config.signing.prefixed = false;
    });
    created(&servicenow, &json!({}));
    let webhook = servicenow.drain_webhooks().remove(0);
    let expected = sign("secret", &webhook.body, Encoding::Base64);
    assert_eq!(webhook.headers["x-snow-mac"], expected);
    assert_eq!(webhook.headers.get("x-servicenow-signature"), None);
}

#[test]
fn every_effective_write_is_told_whoever_made_it() {
    let (servicenow, _) = servicenow();
    let (insert, update) = ("incident.insert", "incident.update");
    let sys_id = created(&servicenow, &json!({"comments": "one"}));
    assert_eq!(event_types(&servicenow), [insert]);
    patched(&servicenow, &sys_id, &json!({"work_notes": "two"}));
    patched(&servicenow, &sys_id, &resolved());
    patched(&servicenow, &sys_id, &resolved());
    assert_eq!(patch(&servicenow, &sys_id, &json!({"state": "3"})).0, 403);
    assert_eq!(event_types(&servicenow), [update, update]);
    let ann = servicenow.person("ann@example.com");
    let other = ann.open("Disk full", 1, 1).unwrap();
    ann.comment(&other, "x").unwrap();
    ann.edit(&other, &[("impact", "1")]).unwrap();
    ann.delete(&other).unwrap();
    let path = format!("{INCIDENTS}/{sys_id}");
    answer(&servicenow, &Method::DELETE, &path, None);
    let delete = "incident.delete";
    assert_eq!(event_types(&servicenow), [insert, update, delete, delete]);
}

#[test]
fn webhooks_are_lost_doubled_and_late_as_told() {
    let (servicenow, _) = servicenow();
    servicenow.add_fault(FaultRule::once(Fault::DropWebhooks).path_contains("incident.insert"));
    servicenow.add_fault(FaultRule::once(Fault::HoldWebhooks).path_contains("update"));
    servicenow.add_fault(FaultRule::once(Fault::DuplicateWebhooks).path_contains("delete"));
    let sys_id = created(&servicenow, &json!({}));
    patched(&servicenow, &sys_id, &json!({"impact": "1"}));
    servicenow
        .person("ann@example.com")
        .delete(&sys_id)
        .unwrap();
    let drained = servicenow.drain_webhooks();
    let [first, again] = drained.as_slice() else {
        panic!("{drained:?}")
    };
    assert_eq!(first.event_type, "incident.delete");
    assert_eq!(
        (&first.event_id, &first.body),
        (&again.event_id, &again.body)
    );
    servicenow.release_webhooks();
    let held = servicenow.drain_webhooks().remove(0);
    let body: Value = serde_json::from_slice(&held.body).unwrap();
    assert_eq!(body["sys_id"], sys_id);
    assert_eq!(held.event_type, "incident.update");
}
