use std::collections::BTreeMap;

use super::*;
use crate::Credentials;

// The example of FACTS.md.
const KEY: &str = "sample_key";
const DATA: &[u8] = b"sample_data";
const BASE64: &str = "4VWUI48lJvmGSF6MYmOVWA9c0hfu55Ur+3e+fUFFFr4=";
const HEX: &str = "e15594238f2526f986485e8c626395580f5cd217eee7952bfb77be7d414516be";

const HEADER: &str = "x-servicenow-signature";
const NOW: i64 = 1_796_000_000;

fn checked(
    headers: &[(&str, &str)],
    body: &[u8],
    secrets: &[&str],
    options: &[(&str, &str)],
) -> Result<VerifiedDelivery, Refusal> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: http::HeaderName = name.parse().expect("a name");
        map.append(
            name,
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    let secrets: Vec<_> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let options: BTreeMap<_, _> = options
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let delivery = UnverifiedDelivery {
        integration: "prod-snow",
        query: None,
        headers: &map,
        body,
    };
    let against = Verification {
        secrets: &secrets,
        options: &options,
        credentials: &Credentials::default(),
        now: Timestamp::from_second(NOW).expect("a time"),
    };
    verify(delivery, against)
}

fn check(signature: &str, body: &[u8], secrets: &[&str]) -> Result<VerifiedDelivery, Refusal> {
    checked(&[(HEADER, signature)], body, secrets, &[])
}

fn signed(body: &str) -> String {
    STANDARD.encode(sign(&Secret::new(KEY), body.as_bytes()))
}

#[test]
fn the_documented_example_is_accepted_in_each_form() {
    for digest in [BASE64, HEX] {
        for prefix in ["", "sha256="] {
            let verified = check(&format!("{prefix}{digest}"), DATA, &[KEY]);
            assert_eq!(verified.expect(digest).body(), DATA);
        }
    }
}

#[test]
fn an_encoding_that_is_not_allowed_does_not_count() {
    for (encoding, hex, base64) in [
        ("hex", true, false),
        ("base64", false, true),
        ("any", true, true),
        ("", true, true),
    ] {
        let options = [("signature_encoding", encoding)];
        let is_taken = |digest| checked(&[(HEADER, digest)], DATA, &[KEY], &options).is_ok();
        assert_eq!(
            (is_taken(HEX), is_taken(BASE64)),
            (hex, base64),
            "{encoding}"
        );
    }
}

#[test]
fn the_header_is_the_one_that_is_configured() {
    let options = [("signature_header", "X-Hub-Signature-256")];
    let sent = |header| checked(&[(header, HEX)], DATA, &[KEY], &options);
    assert!(sent("x-hub-signature-256").is_ok());
    assert_eq!(sent(HEADER), Err(Refusal::NoSignature));
}

#[test]
fn any_active_secret_may_sign_and_an_empty_one_is_none() {
    assert!(check(HEX, DATA, &["another", KEY]).is_ok());
    assert!(check(HEX, DATA, &[KEY, "another"]).is_ok());
    assert_eq!(check(HEX, DATA, &["another"]), Err(Refusal::Mismatch));
    assert_eq!(check(HEX, DATA, &[]), Err(Refusal::Mismatch));
    let forged = hex::encode(sign(&Secret::new(""), DATA));
    assert_eq!(check(&forged, DATA, &[""]), Err(Refusal::Mismatch));
}

#[test]
fn it_fails_closed() {
    assert_eq!(checked(&[], DATA, &[KEY], &[]), Err(Refusal::NoSignature));
    assert_eq!(check(HEX, b"", &[KEY]), Err(Refusal::EmptyBody));
    for malformed in [
        String::new(),
        "sha256=".to_owned(),
        format!("{HEX},{HEX}"),
        format!("{HEX}, {BASE64}"),
        format!("sha256={HEX}0"),
        format!("v1={HEX}"),
        "\u{e4}".to_owned(),
    ] {
        let refused = check(&malformed, DATA, &[KEY]);
        assert_eq!(refused, Err(Refusal::Malformed), "{malformed:?}");
    }
    let twice = [(HEADER, HEX), (HEADER, HEX)];
    assert_eq!(checked(&twice, DATA, &[KEY], &[]), Err(Refusal::Malformed));
    for mismatch in [HEX.to_uppercase(), format!("sha1={}", &HEX[..59])] {
        let refused = check(&mismatch, DATA, &[KEY]);
        assert_eq!(refused, Err(Refusal::Mismatch), "{mismatch:?}");
    }
}

#[test]
fn every_single_bit_of_body_secret_and_signature_counts() {
    let flip = |bytes: &[u8], bit: usize| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        String::from_utf8(flipped).ok()
    };
    for digest in [HEX, BASE64] {
        for bit in 0..digest.len() * 8 {
            let Some(flipped) = flip(digest.as_bytes(), bit) else {
                continue;
            };
            if HeaderValue::from_str(&flipped).is_ok() {
                assert!(check(&flipped, DATA, &[KEY]).is_err(), "{flipped}");
            }
        }
        for bit in 0..DATA.len() * 8 {
            let mut body = DATA.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check(digest, &body, &[KEY]), Err(Refusal::Mismatch));
        }
        for bit in 0..KEY.len() * 8 {
            if let Some(key) = flip(KEY.as_bytes(), bit) {
                assert_eq!(check(digest, DATA, &[&key]), Err(Refusal::Mismatch));
            }
        }
    }
}

#[test]
fn the_signed_time_must_be_near_either_way() {
    for (apart, accepted) in [
        (0, true),
        (-300, true),
        (300, true),
        (-301, false),
        (301, false),
    ] {
        for quote in ["", "\""] {
            let body = format!(r#"{{"timestamp":{quote}{}{quote}}}"#, NOW + apart);
            let checked = check(&signed(&body), body.as_bytes(), &[KEY]);
            let expected = accepted.then_some(()).ok_or(Refusal::NotNow);
            assert_eq!(checked.map(|_| ()), expected, "{body}");
        }
    }
    // Who cannot sign is not told whether the time would do.
    let old = r#"{"timestamp":1}"#;
    assert_eq!(check(HEX, old.as_bytes(), &[KEY]), Err(Refusal::Mismatch));
}

#[test]
fn a_signed_body_without_a_time_is_left_to_the_reader() {
    for body in [
        "{}",
        "nonsense",
        r#"{"timestamp":null}"#,
        r#"{"timestamp":"soon"}"#,
    ] {
        assert!(
            check(&signed(body), body.as_bytes(), &[KEY]).is_ok(),
            "{body}"
        );
        assert!(event::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_self_test_is_accepted_as_configured_and_announces_nothing() {
    let now = Timestamp::from_second(NOW).expect("a time");
    let secrets = [Secret::new(KEY), Secret::new("another")];
    for pairs in [
        &[][..],
        &[("signature_encoding", "hex"), ("signature_header", "X-Mac")],
        &[("signature_encoding", "base64")],
    ] {
        let owned = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let options: BTreeMap<_, _> = owned.collect();
        let with = Verification {
            secrets: &secrets,
            options: &options,
            credentials: &Credentials::default(),
            now,
        };
        let test = self_test(with).expect("signed");
        let sent: Vec<_> = test
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        let verified = checked(&sent, &test.body, &[KEY], pairs).expect("accepted");
        let event = event::read(verified.body()).expect("readable");
        assert_eq!(event.announced, None);
        let unsigned = Verification {
            secrets: &[],
            ..with
        };
        assert!(self_test(unsigned).is_err());
    }
}
