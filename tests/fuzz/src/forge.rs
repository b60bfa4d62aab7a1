//! Deliveries of somebody who does not know the secrets: made up, or a real one that was tampered with.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use im_model::{IntegrationType, Secret};
use im_vendors::{
    Credentials, Refusal, UnverifiedDelivery, Verification, VerifiedDelivery, registry,
};
use jiff::Timestamp;

use crate::feed::Feed;

/// When everything happens.
pub const NOW: i64 = 1_790_000_000;
/// What signs.
pub const SECRETS: [&str; 2] = ["q2-Wt9vXo0_current", "T7hfLz4-previous"];
/// Who Jira says it is.
pub const CLIENT_KEY: &str = "a-client";
/// The integration that deliveries are for.
pub const INTEGRATION: &str = "prod";

/// A delivery that somebody sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// An integration's options.
pub type Options = BTreeMap<String, String>;

/// Options with one of them set.
pub fn options(name: &str, value: &str) -> Options {
    [(name.to_owned(), value.to_owned())].into()
}

/// Asks the product.
pub fn verify(
    vendor: IntegrationType,
    options: &Options,
    sent: &Sent,
) -> Result<VerifiedDelivery, Refusal> {
    let client_key = ("client_key".to_owned(), Secret::new(CLIENT_KEY));
    let delivery = UnverifiedDelivery {
        integration: INTEGRATION,
        query: sent.query.as_deref(),
        headers: &sent.headers,
        body: &sent.body,
    };
    let against = Verification {
        secrets: &SECRETS.map(Secret::new),
        options,
        credentials: &Credentials([client_key].into()),
        now: Timestamp::from_second(NOW).expect("a time"),
    };
    registry::webhook_source(vendor).verify(delivery, against)
}

/// Made up from nothing. `names` are headers that the vendor's verifier looks at.
pub fn made_up(feed: &mut Feed<'_>, names: &[&'static str]) -> Sent {
    let mut headers = HeaderMap::new();
    for _ in 0..feed.byte() % 4 {
        let name = names[feed.place(names.len())];
        if let Ok(value) = HeaderValue::from_bytes(feed.piece()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    let query = (feed.byte() % 2 == 1).then(|| feed.text());
    Sent {
        query,
        headers,
        body: Vec::new(),
    }
}

/// Does something to a delivery; whether it still says the same, the oracle tells.
pub fn tamper(feed: &mut Feed<'_>, sent: &mut Sent) {
    for _ in 0..feed.byte() % 4 {
        match feed.byte() % 8 {
            0..=2 => change_header(feed, sent),
            3 => flip(feed, &mut sent.body),
            4 => sent.body.extend_from_slice(feed.piece()),
            5 => {
                let at = feed.place(sent.body.len() + 1);
                sent.body.truncate(at);
            }
            6 => sent.query = Some(feed.text()),
            _ => {
                let first = sent.headers.iter().next();
                let first = first.map(|(name, value)| (name.clone(), value.clone()));
                if let Some((name, value)) = first {
                    sent.headers.append(name, value);
                }
            }
        }
    }
}

fn change_header(feed: &mut Feed<'_>, sent: &mut Sent) {
    let Some(value) = sent.headers.values_mut().next() else {
        return;
    };
    let mut bytes = value.as_bytes().to_vec();
    match feed.byte() % 4 {
        0 => flip(feed, &mut bytes),
        1 => {
            let at = feed.place(bytes.len() + 1);
            bytes.truncate(at);
        }
        2 => bytes.extend_from_slice(feed.piece()),
        _ => {
            let mut longer = feed.piece().to_vec();
            longer.extend_from_slice(&bytes);
            bytes = longer;
        }
    }
    if let Ok(changed) = HeaderValue::from_bytes(&bytes) {
        *value = changed;
    }
}

fn flip(feed: &mut Feed<'_>, bytes: &mut [u8]) {
    let at = feed.place(bytes.len());
    let by = feed.byte();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= by;
    }
}
