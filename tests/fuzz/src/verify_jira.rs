//! Nothing that is not signed is accepted, by any of the three schemes, nor a token for another request or time.

use http::{HeaderName, HeaderValue};
use im_model::IntegrationType::Jira;
use serde_json::{Value, json};

use crate::{
    feed::Feed,
    forge::{self, CLIENT_KEY, NOW, SECRETS, Sent},
    oracle,
};

const SCHEMES: [&str; 3] = ["connect", "oauth", "hub"];

/// One delivery.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let scheme = SCHEMES[feed.place(SCHEMES.len())];
    let how = feed.byte();
    if how % 2 == 1 {
        let names = [
            "authorization",
            "x-hub-signature",
            "x-atlassian-webhook-identifier",
        ];
        let mut sent = forge::made_up(&mut feed, &names);
        sent.body = feed.rest().to_vec();
        return check(scheme, &sent);
    }
    let secret = SECRETS[feed.place(SECRETS.len())];
    let tampering = feed.piece();
    let query = (how & 2 != 0).then(|| feed.text());
    let mut claims = good_claims(query.as_deref());
    let is_good = how & 12 != 12;
    if !is_good {
        spoil(&mut feed, &mut claims);
    }
    let body = feed.rest().to_vec();
    let (name, value) = match scheme {
        "hub" => {
            let digest = oracle::hex(&oracle::digest(secret, &body));
            ("x-hub-signature", format!("sha256={digest}"))
        }
        "oauth" => (
            "authorization",
            format!("Bearer {}", oracle::made_token(secret, &claims)),
        ),
        _ => (
            "authorization",
            format!("JWT {}", oracle::made_token(secret, &claims)),
        ),
    };
    let value = HeaderValue::try_from(value).expect("ASCII");
    let mut sent = Sent {
        query,
        headers: [(HeaderName::from_static(name), value)]
            .into_iter()
            .collect(),
        body,
    };
    let untouched = sent.clone();
    forge::tamper(&mut Feed::new(tampering), &mut sent);
    if sent == untouched && is_good && !sent.body.is_empty() {
        assert!(verify(scheme, &sent).is_ok(), "a real one was refused");
    }
    check(scheme, &sent);
}

fn good_claims(query: Option<&str>) -> Value {
    json!({
        "iss": CLIENT_KEY, "iat": NOW, "exp": NOW + 180, "qsh": oracle::qsh(query),
    })
}

/// Somebody who knows the secret, and signs something else with it.
fn spoil(feed: &mut Feed<'_>, claims: &mut Value) {
    let names = ["iss", "iat", "exp", "nbf", "qsh"];
    let name = names[feed.place(names.len())];
    let given = feed.piece();
    let offset = given.first().map_or(0, |byte| i64::from(*byte as i8));
    claims[name] = match serde_json::from_slice(given) {
        Ok(value) => value,
        Err(_) if name == "qsh" => json!("context-qsh"),
        Err(_) => json!(NOW + offset),
    };
}

fn verify(scheme: &str, sent: &Sent) -> Result<im_vendors::VerifiedDelivery, im_vendors::Refusal> {
    forge::verify(Jira, &forge::options("signature_scheme", scheme), sent)
}

fn check(scheme: &str, sent: &Sent) {
    let Ok(verified) = verify(scheme, sent) else {
        return;
    };
    let is_signed = match scheme {
        "hub" => oracle::hub(&sent.headers, &sent.body),
        _ => oracle::token(&sent.headers, scheme, sent.query.as_deref(), &sent.body),
    };
    assert!(is_signed, "A FORGERY WAS ACCEPTED");
    assert_eq!(verified.body(), sent.body);
}
