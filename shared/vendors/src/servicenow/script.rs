//! Our scripts on the instance must send exactly what we accept: what can be seen of that in their text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::{event, options, setup};

const SCRIPT: &str = include_str!("../../../../infra/servicenow/ImWebhook.js");
const RULE: &str = include_str!("../../../../infra/servicenow/business_rule.js");
const README: &str = include_str!("../../../../infra/servicenow/README.md");

/// The keys of the bodies that the script builds, in order.
fn bodies() -> Vec<Vec<String>> {
    let bodies = SCRIPT.split("JSON.stringify({").skip(1);
    let keys = |body: &str| {
        let (literal, _) = body.split_once("})").expect("an object literal");
        let lines = literal.lines().filter_map(|line| line.split_once(':'));
        lines.map(|(key, _)| key.trim().to_owned()).collect()
    };
    bodies.map(keys).collect()
}

fn event(keys: &[String]) -> Json {
    let sample = |key: &String| {
        let value = match key.as_str() {
            "delivery_id" => json!("5d6f1c8e97a3011053b7b0f7a253af21"),
            "table" => json!("incident"),
            "sys_id" => json!("a9e30c7dc61122760116894de7bcc7bd"),
            "sys_updated_on" => json!("2015-11-01 22:37:27"),
            "timestamp" => json!(1_795_320_306),
            "test" => json!(true),
            other => panic!("nobody reads {other}"),
        };
        (key.clone(), value)
    };
    Json::Object(keys.iter().map(sample).collect::<Map<_, _>>())
}

fn read(body: &Json) -> Option<bool> {
    let event = event::read(body.to_string().as_bytes()).ok()?;
    Some(
        event
            .announced
            .is_some_and(|announced| announced.at_least.is_some()),
    )
}

#[test]
fn its_bodies_are_read_and_no_key_is_missing_or_too_much() {
    let [record, test] = &bodies()[..] else {
        panic!("not two bodies")
    };
    assert_eq!(read(&event(record)), Some(true));
    assert_eq!(read(&event(test)), Some(false));
    for keys in [record, test] {
        for missing in keys {
            let mut body = event(keys);
            body.as_object_mut().expect("an object").remove(missing);
            assert_ne!(read(&body), read(&event(keys)), "{missing} is not needed");
        }
    }
}

#[test]
fn it_signs_in_the_header_and_the_form_that_are_the_default() {
    let header = format!(
        "setRequestHeader('{}', 'sha256=' + this._sign(body))",
        options::DEFAULT_HEADER
    );
    assert!(SCRIPT.contains(&header), "{header}");
    let encoding = options::signature_encoding(&BTreeMap::new());
    // generateMac answers base64 (FACTS.md, "Webhook signature").
    assert!(encoding.is_some_and(options::Encoding::allows_base64));
    assert!(SCRIPT.contains("generateMac(key, 'HmacSHA256', body)"));
    assert!(
        SCRIPT.contains("setRequestBody(body)"),
        "what is signed is what is sent"
    );
}

#[test]
fn it_is_told_of_by_the_names_that_it_uses() {
    let steps = setup::steps(&BTreeMap::new(), "https://im.example").join("\n");
    let properties = SCRIPT.split("gs.getProperty('").skip(1);
    let properties: Vec<_> = properties
        .filter_map(|rest| rest.split('\'').next())
        .collect();
    assert_eq!(properties, ["im.webhook.url", "im.webhook.secret"]);
    for text in [&steps, README] {
        assert!(properties.iter().all(|name| text.contains(name)), "{text}");
        assert!(
            text.contains("ImWebhook.js") && text.contains("business_rule.js"),
            "{text}"
        );
    }
    // The files that are read above, and no others.
    let files = steps
        .split_whitespace()
        .filter(|word| word.starts_with("infra/"));
    let files: BTreeSet<_> = files
        .map(|word| word.trim_end_matches([':', '.']))
        .collect();
    let known = ["ImWebhook.js", "README.md", "business_rule.js"];
    assert_eq!(
        files,
        known
            .map(|name| format!("infra/servicenow/{name}"))
            .iter()
            .map(String::as_str)
            .collect()
    );
    assert!(RULE.contains("new ImWebhook()") && RULE.contains("webhook.send("));
    assert!(SCRIPT.contains("send: function (table, sysId, updatedOn)"));
}

#[test]
fn it_never_logs_the_secret() {
    let logs = SCRIPT
        .lines()
        .filter(|line| line.contains("gs.error") || line.contains("gs.info"));
    let logs: Vec<_> = logs.collect();
    assert_eq!(logs.len(), 1, "{logs:?}");
    for word in ["secret", "key", "body", "_sign", "getProperty"] {
        assert!(!logs[0].contains(word), "{logs:?}");
    }
}
