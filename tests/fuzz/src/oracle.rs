//! What a signature is, by the vendors' documentation, with none of the code that is tested. The product signs with
//! `hmac` and reads tokens with `jsonwebtoken`, which stands on `ring`; so here signatures are checked with `ring`, and
//! tokens with `hmac`.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::HeaderMap;
use serde_json::Value;

use crate::forge::{CLIENT_KEY, NOW, SECRETS};

/// HMAC-SHA256 of the body with each secret.
pub fn digests(body: &[u8]) -> [Vec<u8>; 2] {
    SECRETS.map(|secret| digest(secret, body))
}

/// HMAC-SHA256.
pub fn digest(secret: &str, body: &[u8]) -> Vec<u8> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    ring::hmac::sign(&key, body).as_ref().to_vec()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('?'))
        .collect()
}

/// Base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let all = headers.get_all(name).iter();
    all.filter_map(|value| value.to_str().ok()).collect()
}

/// `v1=<hex>`, one of several.
pub fn pagerduty(headers: &HeaderMap, body: &[u8]) -> bool {
    let right = digests(body).map(|digest| format!("v1={}", hex(&digest)));
    let given = values(headers, "x-pagerduty-signature");
    let mut parts = given.iter().flat_map(|text| text.split(','));
    !body.is_empty() && parts.any(|part| right.iter().any(|right| part.trim() == right))
}

/// One header, hex or base64.
pub fn servicenow(headers: &HeaderMap, header: &str, encoding: &str, body: &[u8]) -> bool {
    let given = values(headers, header);
    let [text] = given.as_slice() else {
        return false;
    };
    let text = text.trim();
    let text = text.strip_prefix("sha256=").unwrap_or(text);
    let mut digests = digests(body).into_iter();
    !body.is_empty()
        && digests.any(|digest| {
            (encoding != "base64" && text == hex(&digest))
                || (encoding != "hex" && text == base64(&digest))
        })
}

/// `sha256=<hex>`.
pub fn hub(headers: &HeaderMap, body: &[u8]) -> bool {
    let given = values(headers, "x-hub-signature");
    let right = digests(body).map(|digest| format!("sha256={}", hex(&digest)));
    !body.is_empty() && given.len() == 1 && right.iter().any(|right| given[0].trim() == right)
}

/// A token for this request.
pub fn token(headers: &HeaderMap, scheme: &str, query: Option<&str>, body: &[u8]) -> bool {
    let given = values(headers, "authorization");
    let [text] = given.as_slice() else {
        return false;
    };
    let Some((word, token)) = text.trim().split_once(' ') else {
        return false;
    };
    let word_is_right =
        word.eq_ignore_ascii_case(if scheme == "connect" { "jwt" } else { "bearer" });
    let claims = claims(token);
    !body.is_empty() && word_is_right && claims.is_some_and(|claims| hold(&claims, scheme, query))
}

/// The claims of a token that one of the secrets has signed.
fn claims(token: &str) -> Option<Value> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts.as_slice() else {
        return None;
    };
    let read = |part: &str| -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let is_right = SECRETS
        .iter()
        .any(|secret| signature == token_digest(secret, &signed));
    (read(header)?["alg"] == "HS256" && is_right).then(|| read(payload))?
}

fn token_digest(secret: &str, signed: &str) -> Vec<u8> {
    use hmac::{Hmac, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(signed.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hold(claims: &Value, scheme: &str, query: Option<&str>) -> bool {
    let now = NOW as f64;
    let time = |name: &str| claims[name].as_f64();
    let begun = |name: &str| time(name).is_none_or(|time| time <= now + 30.0);
    let in_time = time("exp").is_some_and(|exp| now < exp + 30.0) && begun("iat") && begun("nbf");
    let complete = scheme != "connect" || (time("iat").is_some() && claims["qsh"].is_string());
    let for_this = match claims["qsh"].as_str() {
        Some(hash) => hash == qsh(query),
        None => true,
    };
    in_time && complete && for_this && claims["iss"] == CLIENT_KEY
}

/// A token with these claims.
pub fn made_token(secret: &str, claims: &Value) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(token_digest(secret, &signed));
    format!("{signed}.{signature}")
}

/// The query string hash of a `POST` to our URL (FACTS.md, "qsh").
pub fn qsh(query: Option<&str>) -> String {
    let path = format!("/webhooks/jira/{}", crate::forge::INTEGRATION);
    let request = format!("POST&{path}&{}", canonical(query.unwrap_or_default()));
    let hash = ring::digest::digest(&ring::digest::SHA256, request.as_bytes());
    hex(hash.as_ref())
}

fn canonical(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let form = |text: &str| escape(&unescape(text));
        pairs.push((form(key), form(value)));
    }
    pairs.retain(|(key, _)| key != "jwt");
    pairs.sort();
    let mut text = String::new();
    let mut before: Option<&str> = None;
    for (key, value) in &pairs {
        if before == Some(key) {
            text.push(',');
        } else {
            if before.is_some() {
                text.push('&');
            }
            text.push_str(key);
            text.push('=');
        }
        text.push_str(value);
        before = Some(key);
    }
    text
}

fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (other, ..) => out.push(other),
        }
        at += 1;
    }
    out
}

fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            other => out.push_str(&format!("%{}", hex(&[*other]).to_uppercase())),
        }
    }
    out
}

/// How many levels a value nests.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(items) => 1 + items.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
