//! Signed, and of any content: reading it fails or does not, and never panics.

use http::{HeaderMap, HeaderName, HeaderValue};
use im_model::IntegrationType::{Jira, PagerDuty, ServiceNow};
use im_vendors::registry;

use crate::{
    feed::Feed,
    forge::{self, Options, SECRETS, Sent},
    oracle,
};

/// One body.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let vendor = [PagerDuty, ServiceNow, Jira][feed.place(3)];
    let id = feed.piece();
    let body = feed.rest().to_vec();
    let digest = oracle::hex(&oracle::digest(SECRETS[0], &body));
    let (name, text) = match vendor {
        PagerDuty => ("x-pagerduty-signature", format!("v1={digest}")),
        ServiceNow => ("x-servicenow-signature", digest),
        Jira => ("x-hub-signature", format!("sha256={digest}")),
    };
    let value = HeaderValue::try_from(text).expect("ASCII");
    let mut headers: HeaderMap = [(HeaderName::from_static(name), value)]
        .into_iter()
        .collect();
    if let Ok(id) = HeaderValue::from_bytes(id) {
        headers.insert("x-atlassian-webhook-identifier", id);
    }
    let query = None;
    let sent = Sent {
        query,
        headers,
        body,
    };
    let options = match vendor {
        Jira => forge::options("signature_scheme", "hub"),
        _ => Options::new(),
    };
    let Ok(verified) = forge::verify(vendor, &options, &sent) else {
        return;
    };
    let read = || registry::webhook_source(vendor).read_event(&verified);
    if let Ok(event) = read() {
        assert!(event.event_type.chars().count() <= 128);
        assert_eq!(read().ok(), Some(event), "read twice, it says the same");
    }
}
