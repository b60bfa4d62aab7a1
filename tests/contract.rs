//! Every request that we send and every answer of the stand-ins, against the vendors' own `OpenAPI` files; and every webhook
//! that `PagerDuty` documents, against us.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "contract/jira.rs"]
mod jira;
#[path = "contract/pagerduty.rs"]
mod pagerduty;
#[path = "contract/pagerduty_story.rs"]
mod pagerduty_story;
#[path = "contract/webhooks.rs"]
mod webhooks;

use std::{collections::BTreeSet, path::PathBuf};

use http::{HeaderMap, HeaderValue, header};
use im_sandbox::RecordedRequest;
use serde_json::Value;

/// A file of the vendor's. Without it its test is skipped, but not where nobody would notice.
fn vendor_file(name: &str) -> Option<PathBuf> {
    file_of("pagerduty", name)
}

fn file_of(vendor: &str, name: &str) -> Option<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vendor");
    let folder = PathBuf::from(folder).join(vendor);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!is_ci, "{name} is missing, and this is CI");
    println!("skipped: the vendor's file {name} is not here");
    None
}

fn vendor_json(name: &str) -> Option<Value> {
    let text = std::fs::read(vendor_file(name)?).expect("a readable file");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

/// The journal never keeps credentials. They were sent: the stand-in answers 401 otherwise, and knows the one key.
fn with_credentials(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert(
        header::AUTHORIZATION,
        HeaderValue::from_static("Token token=left-out"),
    );
    headers
}

fn named(
    asked: &RecordedRequest,
    which: &str,
    checked: Result<(), Vec<String>>,
) -> impl Iterator<Item = String> {
    let what = format!("{} {} ({which})", asked.method, asked.path_and_query());
    let findings = checked.err().unwrap_or_default().into_iter();
    findings.map(move |finding| format!("{what}: {finding}"))
}

fn bytes(json: &Value) -> Vec<u8> {
    if json.is_null() {
        Vec::new()
    } else {
        json.to_string().into_bytes()
    }
}

/// Each kind of exchange once: a thousand equal reads say no more than one.
fn distinct(journal: &[RecordedRequest]) -> Vec<&RecordedRequest> {
    let mut seen = BTreeSet::new();
    let key = |asked: &RecordedRequest| {
        format!(
            "{} {} {} {}",
            asked.method,
            asked.path_and_query(),
            asked.body,
            asked.response
        )
    };
    journal
        .iter()
        .filter(|asked| seen.insert(key(asked)))
        .collect()
}
