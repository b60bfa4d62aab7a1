//! Each vendor's webhook, of `events/`: `cargo bench -p im-vendors --bench webhooks`.
#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use std::{collections::BTreeMap, hint::black_box};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderName};
use im_model::{IntegrationType, Secret};
use im_vendors::{Credentials, UnverifiedDelivery, Verification, registry::webhook_source};
use jiff::Timestamp;
use serde_json::Value;

/// What a vendor sends, and what it is signed with (`events/sign`).
const SAMPLES: [(IntegrationType, &str, &str); 3] = [
    (
        IntegrationType::PagerDuty,
        include_str!("../../../events/webhook-pagerduty/incident-triggered-base64.json"),
        "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz",
    ),
    (
        IntegrationType::ServiceNow,
        include_str!("../../../events/webhook-servicenow/incident-updated.json"),
        "the sample secret of events/webhook-servicenow",
    ),
    (
        IntegrationType::Jira,
        include_str!("../../../events/webhook-jira/issue-updated.json"),
        "the sample secret of events/webhook-jira",
    ),
];

/// A sample as the function has it.
struct Sample {
    integration: String,
    headers: HeaderMap,
    body: Vec<u8>,
    at: Timestamp,
}

impl Sample {
    fn of(event: &str) -> Self {
        let event: Value = serde_json::from_str(event).expect("an event");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let headers = event["headers"].as_object().expect("headers").iter();
        let headers = headers.map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, text(value).parse().expect("a value"))
        });
        let body = text(&event["body"]);
        let is_encoded = event["isBase64Encoded"] == true;
        let at = event["requestContext"]["timeEpoch"].as_i64();
        let path = text(&event["rawPath"]);
        Self {
            integration: path.rsplit('/').next().expect("an id").to_owned(),
            headers: headers.collect(),
            body: if is_encoded {
                BASE64_STANDARD.decode(body).expect("base64")
            } else {
                body.into_bytes()
            },
            at: Timestamp::from_millisecond(at.expect("a time")).expect("a time"),
        }
    }
}

fn webhooks(criterion: &mut Criterion) {
    let options = BTreeMap::new();
    let client_key = ("client_key".to_owned(), Secret::new("sample-client-key"));
    let credentials = Credentials(BTreeMap::from([client_key]));
    for (vendor, event, secret) in SAMPLES {
        let (sample, source) = (Sample::of(event), webhook_source(vendor));
        let secrets = [Secret::new(secret)];
        let against = Verification {
            secrets: &secrets,
            options: &options,
            credentials: &credentials,
            now: sample.at,
        };
        let delivery = UnverifiedDelivery {
            integration: &sample.integration,
            query: None,
            headers: &sample.headers,
            body: &sample.body,
        };
        let name = format!("{vendor}, {} bytes", sample.body.len());
        criterion.bench_function(&format!("verify: {name}"), |bench| {
            bench.iter(|| source.verify(black_box(delivery), against).expect("signed"));
        });
        let verified = source.verify(delivery, against).expect("signed");
        criterion.bench_function(&format!("read_event: {name}"), |bench| {
            bench.iter(|| source.read_event(black_box(&verified)).expect("an event"));
        });
    }
}

criterion_group!(benches, webhooks);
criterion_main!(benches);
