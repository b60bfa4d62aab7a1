//! Nothing that is not signed is accepted.

use http::HeaderValue;
use im_model::IntegrationType::PagerDuty;

use crate::{
    feed::Feed,
    forge::{self, Options, SECRETS, Sent},
    oracle,
};

const HEADER: &str = "x-pagerduty-signature";

/// One delivery.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let is_real = feed.byte() % 2 == 0;
    if !is_real {
        let mut sent = forge::made_up(&mut feed, &[HEADER, "x-webhook-id"]);
        sent.body = feed.rest().to_vec();
        return check(&sent);
    }
    let secret = SECRETS[feed.place(SECRETS.len())];
    let tampering = feed.piece();
    let body = feed.rest().to_vec();
    let signature = format!("v1={}", oracle::hex(&oracle::digest(secret, &body)));
    let value = HeaderValue::try_from(signature).expect("ASCII");
    let mut sent = Sent {
        query: None,
        headers: [(http::HeaderName::from_static(HEADER), value)]
            .into_iter()
            .collect(),
        body,
    };
    let untouched = sent.clone();
    forge::tamper(&mut Feed::new(tampering), &mut sent);
    if sent == untouched && !sent.body.is_empty() {
        let accepted = forge::verify(PagerDuty, &Options::new(), &sent);
        assert!(accepted.is_ok(), "a real one was refused");
    }
    check(&sent);
}

fn check(sent: &Sent) {
    if let Ok(verified) = forge::verify(PagerDuty, &Options::new(), sent) {
        assert!(
            oracle::pagerduty(&sent.headers, &sent.body),
            "A FORGERY WAS ACCEPTED"
        );
        assert_eq!(verified.body(), sent.body);
    }
}
