//! Nothing that is not signed is accepted, nor what was signed at another time.

use http::{HeaderName, HeaderValue};
use im_model::IntegrationType::ServiceNow;
use im_vendors::{Refusal, VerifiedDelivery, registry};

use crate::{
    feed::Feed,
    forge::{self, NOW, SECRETS, Sent},
    oracle,
};

const HEADER: &str = "x-servicenow-signature";
const ENCODINGS: [&str; 3] = ["hex", "base64", "any"];
const WINDOW: u64 = 300;

/// One delivery.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let encoding = ENCODINGS[feed.place(ENCODINGS.len())];
    let how = feed.byte();
    if how % 2 == 1 {
        let mut sent = forge::made_up(&mut feed, &[HEADER, "x-hub-signature"]);
        sent.body = feed.rest().to_vec();
        return check(encoding, &sent);
    }
    let secret = SECRETS[feed.place(SECRETS.len())];
    let tampering = feed.piece();
    let body = feed.rest().to_vec();
    let digest = oracle::digest(secret, &body);
    let text = match encoding {
        "hex" => oracle::hex(&digest),
        _ => oracle::base64(&digest),
    };
    let prefix = if how & 2 == 0 { "sha256=" } else { "" };
    let value = HeaderValue::try_from(format!("{prefix}{text}")).expect("ASCII");
    let mut sent = Sent {
        query: None,
        headers: [(HeaderName::from_static(HEADER), value)]
            .into_iter()
            .collect(),
        body,
    };
    let untouched = sent.clone();
    forge::tamper(&mut Feed::new(tampering), &mut sent);
    if sent == untouched && !sent.body.is_empty() {
        // What is signed may name any time.
        let refusal = verify(encoding, &sent).err();
        let is_fine = matches!(refusal, None | Some(Refusal::NotNow));
        assert!(is_fine, "a real one was refused: {refusal:?}");
    }
    check(encoding, &sent);
}

fn verify(
    encoding: &str,
    sent: &Sent,
) -> Result<VerifiedDelivery, Refusal> {
    forge::verify(
        ServiceNow,
        &forge::options("signature_encoding", encoding),
        sent,
    )
}

fn check(encoding: &str, sent: &Sent) {
    let Ok(verified) = verify(encoding, sent) else {
        return;
    };
    let is_signed = oracle::servicenow(&sent.headers, HEADER, encoding, &sent.body);
    assert!(is_signed, "A FORGERY WAS ACCEPTED");
    assert_eq!(verified.body(), sent.body);
    if let Ok(event) = registry::webhook_source(ServiceNow).read_event(&verified) {
        let at = event.occurred_at.expect("it must say when").as_second();
        assert!(at.abs_diff(NOW) <= WINDOW, "A REPLAY WAS ACCEPTED");
    }
}
