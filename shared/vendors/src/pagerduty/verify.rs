//! `X-PagerDuty-Signature: v1=<hex>[,v1=<hex>…]`, HMAC-SHA256 over the raw body, key = the secret's bytes.

use hmac::{Hmac, Mac as _};
use im_model::Secret;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

use crate::{Refusal, SelfTest, UnverifiedDelivery, Verification, VerifiedDelivery};

const HEADER: &str = "x-pagerduty-signature";

/// A rotation sends several `v1` signatures, and we may know several secrets: any pair that matches will do. Other
/// versions are ignored.
pub(super) fn verify(
    delivery: UnverifiedDelivery<'_>,
    secrets: &[Secret],
) -> Result<VerifiedDelivery, Refusal> {
    let mut headers = delivery.headers.get_all(HEADER).iter().peekable();
    headers.peek().ok_or(Refusal::NoSignature)?;
    let mut signatures = Vec::new();
    for header in headers {
        let text = header.to_str().map_err(|_| Refusal::Malformed)?;
        signatures.extend(
            text.split(',')
                .filter_map(|part| part.trim().strip_prefix("v1=")),
        );
    }
    // Of any other length it is no SHA-256 in hex, and comparing it would tell nothing.
    signatures.retain(|signature| signature.len() == 64);
    if signatures.is_empty() {
        return Err(Refusal::Malformed);
    }
    if delivery.body.is_empty() {
        return Err(Refusal::EmptyBody);
    }
    let mut matches = Choice::from(0);
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let own = sign(secret, delivery.body);
        for signature in &signatures {
            matches |= own.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if bool::from(matches) {
        Ok(VerifiedDelivery::of(delivery.body))
    } else {
        Err(Refusal::Mismatch)
    }
}

/// A ping as `PagerDuty` sends it when somebody asks it to test a subscription.
pub(super) fn self_test(with: Verification<'_>) -> Result<SelfTest, String> {
    let secret = with.secrets.iter().find(|secret| !secret.is_empty());
    let secret = secret.ok_or("there is no webhook_secret")?;
    let event = serde_json::json!({"event": {
        "id": format!("im-self-test-{}", with.now.as_nanosecond()),
        "event_type": "pagey.ping",
        "resource_type": "pagey",
        "occurred_at": with.now.to_string(),
        "agent": null,
        "client": null,
        "data": {"message": "im tests the way in", "type": "ping"},
    }});
    let body = event.to_string().into_bytes();
    let mut headers = http::HeaderMap::new();
    let signature = format!("v1={}", sign(secret, &body));
    let signature = http::HeaderValue::try_from(signature).map_err(|error| error.to_string())?;
    headers.insert(HEADER, signature);
    Ok(SelfTest {
        query: None,
        headers,
        body,
    })
}

fn sign(secret: &Secret, body: &[u8]) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()).expect("any key length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    // The example of FACTS.md.
    const BODY: &[u8] = br#"{"event":{"id":"01FKZOXA868SHYEE4DVNWB5P9W","event_type":"pagey.ping","resource_type":"pagey","occurred_at":"2025-04-07T03:00:55.532Z","agent":{"id":"PVE0ZR9","type":"user_reference"},"client":null,"data":{"message":"Hello from your friend Pagey!","type":"ping"}}}"#;
    const SECRET: &str = "HvPtlQNKMPpHSSqJpCdndXfo7HnGXa1pnH6w5axpxLFn9aRBNBGh4e8/HlonK5mz";
    const SIGNATURE: &str = "v1=0e83584cbab86f98c51517cf96a70c90e910532d3d2f067d58c753cc8980a05b";

    fn check(signature: &str, body: &[u8], secrets: &[&str]) -> Result<VerifiedDelivery, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(
            HEADER,
            HeaderValue::from_bytes(signature.as_bytes()).expect("a header"),
        );
        let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        verify(
            UnverifiedDelivery {
                integration: "prod-pd",
                query: None,
                headers: &headers,
                body,
            },
            &secrets,
        )
    }

    #[test]
    fn the_documented_example_is_accepted_byte_for_byte() {
        let verified = check(SIGNATURE, BODY, &[SECRET]).expect("PagerDuty's own signature");
        assert_eq!(verified.body(), BODY);
    }

    #[test]
    fn rotation_accepts_any_v1_and_any_active_secret_and_ignores_other_versions() {
        let other = format!("v1={}", "0".repeat(64));
        for header in [
            format!("{other},{SIGNATURE}"),
            format!("{SIGNATURE}, {other}"),
            format!("v2=whatever,{SIGNATURE}"),
        ] {
            assert!(check(&header, BODY, &[SECRET]).is_ok(), "{header}");
        }
        assert!(check(SIGNATURE, BODY, &["another", SECRET]).is_ok());
        assert_eq!(
            check(&SIGNATURE.replace("v1", "v0"), BODY, &[SECRET]),
            Err(Refusal::Malformed)
        );
    }

    #[test]
    fn every_single_bit_of_body_secret_and_signature_counts() {
        let flip = |bytes: &[u8], bit: usize| {
            let mut flipped = bytes.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        };
        for bit in 0..BODY.len() * 8 {
            assert!(
                check(SIGNATURE, &flip(BODY, bit), &[SECRET]).is_err(),
                "body bit {bit}"
            );
        }
        for bit in 0..SECRET.len() * 8 {
            let flipped = flip(SECRET.as_bytes(), bit);
            let Ok(secret) = String::from_utf8(flipped) else {
                continue;
            };
            assert!(
                check(SIGNATURE, BODY, &[&secret]).is_err(),
                "secret bit {bit}"
            );
        }
        for bit in 0..SIGNATURE.len() * 8 {
            let mut headers = HeaderMap::new();
            let Ok(value) = HeaderValue::from_bytes(&flip(SIGNATURE.as_bytes(), bit)) else {
                continue;
            };
            headers.insert(HEADER, value);
            let delivery = UnverifiedDelivery {
                integration: "prod-pd",
                query: None,
                headers: &headers,
                body: BODY,
            };
            assert!(
                verify(delivery, &[Secret::new(SECRET)]).is_err(),
                "signature bit {bit}"
            );
        }
    }

    #[test]
    fn it_fails_closed() {
        let none = HeaderMap::new();
        let delivery = UnverifiedDelivery {
            integration: "prod-pd",
            query: None,
            headers: &none,
            body: BODY,
        };
        assert_eq!(
            verify(delivery, &[Secret::new(SECRET)]),
            Err(Refusal::NoSignature)
        );
        assert_eq!(check("", BODY, &[SECRET]), Err(Refusal::Malformed));
        assert_eq!(check("v1=", BODY, &[SECRET]), Err(Refusal::Malformed));
        assert_eq!(check(SIGNATURE, b"", &[SECRET]), Err(Refusal::EmptyBody));
        assert_eq!(check(SIGNATURE, BODY, &[]), Err(Refusal::Mismatch));
        // An empty secret would let anybody sign.
        let forged = format!("v1={}", sign(&Secret::new(""), BODY));
        assert_eq!(check(&forged, BODY, &[""]), Err(Refusal::Mismatch));
    }
}
