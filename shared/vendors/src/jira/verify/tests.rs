use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;
const SECRET: &str = "the shared secret of the installation";
const CLIENT_KEY: &str = "jira:15489595";
const METHOD: &str = "POST";
const PATH: &str = "/webhooks/jira/prod-jira";
const QUERY: &str = "user_id=ann&user_key=ann";
const BODY: &[u8] = br#"{"webhookEvent":"jira:issue_updated"}"#;

// The example of FACTS.md.
const HUB_SECRET: &str = "It's a Secret to Everybody";
const HUB_BODY: &[u8] = b"Hello World!";
const HUB_DIGEST: &str = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).expect("in range")
}

fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        headers.append(*name, value);
    }
    headers
}

fn request<'a>(headers: &'a HeaderMap, body: &'a [u8]) -> Request<'a> {
    Request {
        method: METHOD,
        path: PATH,
        query: Some(QUERY),
        headers,
        body,
        now: now(),
    }
}

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts.iter().map(|text| Secret::new(*text)).collect()
}

fn part(json: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
}

/// RFC 7515 by hand: what is tested does not make its own tokens.
fn signature(message: &str, key: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(message.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

fn token(header: &Value, claims: &Value, key: &str) -> String {
    let message = format!("{}.{}", part(header), part(claims));
    let signature = signature(&message, key.as_bytes());
    format!("{message}.{signature}")
}

fn signed(claims: &Value) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), claims, SECRET)
}

fn claims() -> Value {
    let qsh = qsh::hash(METHOD, PATH, Some(QUERY));
    json!({"iss": CLIENT_KEY, "iat": NOW - 5, "exp": NOW + 175, "qsh": qsh})
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("an object").remove(name);
    claims
}

fn check(scheme: Scheme, authorization: &str, keys: &[&str]) -> Result<(), Refusal> {
    let headers = headers(&[("authorization", authorization)]);
    let issuer = Some(CLIENT_KEY);
    verify(request(&headers, BODY), scheme, issuer, &secrets(keys))
}

fn connect(claims: &Value) -> Result<(), Refusal> {
    let authorization = format!("JWT {}", signed(claims));
    check(Scheme::Connect, &authorization, &[SECRET])
}

fn oauth(claims: &Value) -> Result<(), Refusal> {
    let authorization = format!("Bearer {}", signed(claims));
    check(Scheme::OAuth, &authorization, &[SECRET])
}

fn hub(signature: &str, body: &[u8], keys: &[&str]) -> Result<(), Refusal> {
    let headers = headers(&[("x-hub-signature", signature)]);
    let request = request(&headers, body);
    verify(request, Scheme::HubSignature, None, &secrets(keys))
}

#[test]
fn connect_accepts_a_token_of_the_installation_for_this_request() {
    assert_eq!(connect(&claims()), Ok(()));
    let token = signed(&claims());
    for authorization in [
        format!("jwt {token}"),
        format!("JWT {token}"),
        format!(" JWT {token} "),
    ] {
        let keys = ["", "the one before", SECRET];
        assert_eq!(check(Scheme::Connect, &authorization, &keys), Ok(()));
    }
    // Claims that nobody asked for are none of our business.
    assert_eq!(connect(&with("sub", "5b10a2844c20165700ede21g")), Ok(()));
    assert_eq!(connect(&with("aud", json!(["somebody"]))), Ok(()));
}

// RFC 7515, appendix A.1.
#[test]
fn these_tests_sign_as_the_standard_does() {
    let message = concat!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
    );
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = BASE64_URL_SAFE_NO_PAD.decode(key).expect("base64url");
    let documented = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    assert_eq!(signature(message, &key), documented);
}

#[test]
fn connect_demands_each_of_its_claims() {
    for name in ["iss", "iat", "exp", "qsh"] {
        assert_eq!(connect(&without(name)), Err(Refusal::Mismatch), "{name}");
        let null = with(name, Value::Null);
        assert_eq!(connect(&null), Err(Refusal::Mismatch), "{name}");
        let list = with(name, json!([claims()[name]]));
        assert_eq!(connect(&list), Err(Refusal::Mismatch), "{name}");
    }
    let text = with("exp", (NOW + 175).to_string());
    assert_eq!(connect(&text), Err(Refusal::Mismatch));
}

#[test]
fn another_issuer_is_refused_and_so_is_everybody_if_none_is_configured() {
    for issuer in ["jira:15489596", "", "JIRA:15489595"] {
        assert_eq!(connect(&with("iss", issuer)), Err(Refusal::Mismatch));
        assert_eq!(oauth(&with("iss", issuer)), Err(Refusal::Mismatch));
    }
    let headers = headers(&[(
        "authorization",
        &format!("JWT {}", signed(&with("iss", ""))),
    )]);
    for issuer in [None, Some("")] {
        let request = request(&headers, BODY);
        let answer = verify(request, Scheme::Connect, issuer, &secrets(&[SECRET]));
        assert_eq!(answer, Err(Refusal::Mismatch));
    }
}

#[test]
fn times_count_by_the_clock_that_is_given_and_half_a_minute_of_leeway() {
    for verify in [connect, oauth] {
        assert_eq!(verify(&with("exp", NOW - 29)), Ok(()));
        assert_eq!(verify(&with("exp", NOW - 30)), Err(Refusal::Mismatch));
        assert_eq!(verify(&with("exp", 0)), Err(Refusal::Mismatch));
        assert_eq!(verify(&with("exp", -1e300)), Err(Refusal::Mismatch));
        assert_eq!(verify(&with("iat", NOW + 30)), Ok(()));
        assert_eq!(verify(&with("iat", NOW + 31)), Err(Refusal::Mismatch));
        assert_eq!(verify(&with("iat", 1e300)), Err(Refusal::Mismatch));
        assert_eq!(verify(&with("nbf", NOW + 30)), Ok(()));
        let half = f64::from(1_800_000_030) + 0.5;
        assert_eq!(verify(&with("nbf", half)), Err(Refusal::Mismatch));
    }
}

#[test]
fn a_token_for_another_request_is_refused() {
    let headers = headers(&[("authorization", &format!("JWT {}", signed(&claims())))]);
    let right = request(&headers, BODY);
    let secrets = secrets(&[SECRET]);
    let check = |request| verify(request, Scheme::Connect, Some(CLIENT_KEY), &secrets);
    assert_eq!(check(right), Ok(()));
    for other in [
        Request {
            method: "PUT",
            ..right
        },
        Request {
            path: "/webhooks/jira/test-jira",
            ..right
        },
        Request {
            path: "/prod/webhooks/jira/prod-jira",
            ..right
        },
        Request {
            query: None,
            ..right
        },
        Request {
            query: Some("user_id=bob&user_key=ann"),
            ..right
        },
    ] {
        assert_eq!(check(other), Err(Refusal::Mismatch), "{other:?}");
    }
    for wrong in [
        "context-qsh".to_owned(),
        String::new(),
        qsh::hash(METHOD, PATH, None),
        qsh::hash(METHOD, PATH, Some(QUERY)).to_uppercase(),
    ] {
        assert_eq!(connect(&with("qsh", &*wrong)), Err(Refusal::Mismatch));
        assert_eq!(oauth(&with("qsh", &*wrong)), Err(Refusal::Mismatch));
    }
}

#[test]
fn no_algorithm_but_hs256_is_accepted() {
    let claims = claims();
    for algorithm in [
        "none", "None", "NONE", "", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "hs256",
    ] {
        let header = json!({"alg": algorithm, "typ": "JWT"});
        let signed = token(&header, &claims, SECRET);
        let unsigned = format!("{}.{}.", part(&header), part(&claims));
        for token in [signed, unsigned] {
            for (scheme, word) in [(Scheme::Connect, "JWT"), (Scheme::OAuth, "Bearer")] {
                let answer = check(scheme, &format!("{word} {token}"), &[SECRET]);
                assert_eq!(answer, Err(Refusal::Malformed), "{algorithm}");
            }
        }
    }
    // Really signed with HS512, not only said to be.
    let header = jsonwebtoken::Header::new(Algorithm::HS512);
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&header, &claims, &key).expect("a token");
    let answer = check(Scheme::Connect, &format!("JWT {token}"), &[SECRET]);
    assert_eq!(answer, Err(Refusal::Malformed));
}

#[test]
fn a_token_is_signed_with_a_secret_we_know() {
    let authorization = format!("JWT {}", signed(&claims()));
    for keys in [&["another"][..], &[""], &[]] {
        let answer = check(Scheme::Connect, &authorization, keys);
        assert_eq!(answer, Err(Refusal::Mismatch), "{keys:?}");
    }
    // An empty secret would let anybody sign.
    let header = json!({"alg": "HS256"});
    let forged = format!("JWT {}", token(&header, &claims(), ""));
    let answer = check(Scheme::Connect, &forged, &["", SECRET]);
    assert_eq!(answer, Err(Refusal::Mismatch));
}

#[test]
fn a_payload_or_signature_that_was_changed_is_refused() {
    let token = signed(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let longer = part(&with("exp", NOW + 1_000_000));
    let forged = format!("JWT {}.{longer}.{}", parts[0], parts[2]);
    let answer = check(Scheme::Connect, &forged, &[SECRET]);
    assert_eq!(answer, Err(Refusal::Mismatch));
    let start = token.len() - parts[2].len();
    for at in start..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).expect("ASCII");
        let answer = check(Scheme::Connect, &format!("JWT {forged}"), &[SECRET]);
        assert_eq!(answer, Err(Refusal::Mismatch), "character {at}");
    }
}

#[test]
fn only_the_configured_scheme_is_accepted() {
    let token = signed(&claims());
    for (scheme, word) in [
        (Scheme::Connect, "Bearer"),
        (Scheme::OAuth, "JWT"),
        (Scheme::Connect, "Basic"),
        (Scheme::OAuth, "Basic"),
    ] {
        let answer = check(scheme, &format!("{word} {token}"), &[SECRET]);
        assert_eq!(answer, Err(Refusal::Malformed), "{scheme:?}");
    }
    let answer = check(Scheme::HubSignature, &format!("JWT {token}"), &[SECRET]);
    assert_eq!(answer, Err(Refusal::NoSignature));
    let headers = headers(&[("x-hub-signature", &format!("sha256={HUB_DIGEST}"))]);
    for scheme in [Scheme::Connect, Scheme::OAuth] {
        let request = request(&headers, HUB_BODY);
        let answer = verify(request, scheme, Some(CLIENT_KEY), &secrets(&[HUB_SECRET]));
        assert_eq!(answer, Err(Refusal::NoSignature), "{scheme:?}");
    }
}

#[test]
fn several_authorizations_are_refused_even_if_all_are_right() {
    let one = format!("JWT {}", signed(&claims()));
    let twice = headers(&[("authorization", &one), ("authorization", &one)]);
    let joined = headers(&[("authorization", &format!("{one},{one}"))]);
    let spaced = headers(&[("authorization", &format!("{one}, {one}"))]);
    for headers in [twice, joined, spaced] {
        let request = request(&headers, BODY);
        let answer = verify(
            request,
            Scheme::Connect,
            Some(CLIENT_KEY),
            &secrets(&[SECRET]),
        );
        assert_eq!(answer, Err(Refusal::Malformed));
    }
}

#[test]
fn an_empty_body_is_refused() {
    let digest = sign(&Secret::new(SECRET), b"");
    let jwt = format!("JWT {}", signed(&claims()));
    let bearer = format!("Bearer {}", signed(&claims()));
    let hub = format!("sha256={digest}");
    for (scheme, name, value) in [
        (Scheme::Connect, "authorization", jwt),
        (Scheme::OAuth, "authorization", bearer),
        (Scheme::HubSignature, "x-hub-signature", hub),
    ] {
        let headers = headers(&[(name, &value)]);
        let answer = verify(
            request(&headers, b""),
            scheme,
            Some(CLIENT_KEY),
            &secrets(&[SECRET]),
        );
        assert_eq!(answer, Err(Refusal::EmptyBody), "{scheme:?}");
    }
}

#[test]
fn what_is_no_token_is_refused() {
    let none = HeaderMap::new();
    for scheme in [Scheme::Connect, Scheme::OAuth, Scheme::HubSignature] {
        let answer = verify(
            request(&none, BODY),
            scheme,
            Some(CLIENT_KEY),
            &secrets(&[SECRET]),
        );
        assert_eq!(answer, Err(Refusal::NoSignature));
    }
    let token = signed(&claims());
    for text in [
        String::new(),
        "JWT".to_owned(),
        "JWT ".to_owned(),
        token.clone(),
        "JWT a".to_owned(),
        "JWT ..".to_owned(),
        format!("JWT  {token}"),
        format!("JWT {token}="),
        format!("JWT {token}.x"),
        format!("JWT\t{token}"),
        "JWT é".to_owned(),
    ] {
        let answer = check(Scheme::Connect, &text, &[SECRET]);
        assert_eq!(answer, Err(Refusal::Malformed), "{text}");
    }
}

#[test]
fn oauth_demands_an_expiry_and_believes_no_wrong_claim() {
    assert_eq!(oauth(&claims()), Ok(()));
    // FACTS.md: its claims are not documented well enough to demand these.
    assert_eq!(oauth(&without("qsh")), Ok(()));
    assert_eq!(oauth(&without("iat")), Ok(()));
    assert_eq!(oauth(&without("exp")), Err(Refusal::Mismatch));
    assert_eq!(oauth(&without("iss")), Err(Refusal::Mismatch));
    let headers = headers(&[(
        "authorization",
        &format!("Bearer {}", signed(&without("iss"))),
    )]);
    let request = request(&headers, BODY);
    assert_eq!(
        verify(request, Scheme::OAuth, None, &secrets(&[SECRET])),
        Ok(())
    );
    assert_eq!(
        verify(request, Scheme::OAuth, None, &secrets(&["another"])),
        Err(Refusal::Mismatch)
    );
}

#[test]
fn the_documented_hub_signature_is_accepted() {
    let signature = format!("sha256={HUB_DIGEST}");
    assert_eq!(hub(&signature, HUB_BODY, &[HUB_SECRET]), Ok(()));
    assert_eq!(hub(&signature, HUB_BODY, &["another", HUB_SECRET]), Ok(()));
    for keys in [&["another"][..], &[""], &[]] {
        assert_eq!(hub(&signature, HUB_BODY, keys), Err(Refusal::Mismatch));
    }
    let forged = format!("sha256={}", sign(&Secret::new(""), HUB_BODY));
    assert_eq!(hub(&forged, HUB_BODY, &[""]), Err(Refusal::Mismatch));
}

#[test]
fn a_hub_signature_is_sha256_in_lower_case_hex() {
    for text in [
        HUB_DIGEST.to_owned(),
        String::new(),
        "sha256=".to_owned(),
        format!("sha1={HUB_DIGEST}"),
        format!("SHA256={HUB_DIGEST}"),
        format!("sha512={HUB_DIGEST}"),
        format!("={HUB_DIGEST}"),
        format!("sha256={HUB_DIGEST}0"),
        format!("sha256={}", &HUB_DIGEST[..63]),
        format!("sha256={HUB_DIGEST},sha256={HUB_DIGEST}"),
        format!("sha1=0,sha256={HUB_DIGEST}"),
    ] {
        let answer = hub(&text, HUB_BODY, &[HUB_SECRET]);
        assert_eq!(answer, Err(Refusal::Malformed), "{text}");
    }
    let upper = format!("sha256={}", HUB_DIGEST.to_uppercase());
    let answer = hub(&upper, HUB_BODY, &[HUB_SECRET]);
    assert_eq!(answer, Err(Refusal::Mismatch));
    let signature = format!("sha256={HUB_DIGEST}");
    let twice = headers(&[
        ("x-hub-signature", &signature),
        ("x-hub-signature", &signature),
    ]);
    let request = request(&twice, HUB_BODY);
    let answer = verify(request, Scheme::HubSignature, None, &secrets(&[HUB_SECRET]));
    assert_eq!(answer, Err(Refusal::Malformed));
}

#[test]
fn every_single_bit_of_a_hub_signature_and_of_its_body_counts() {
    let signature = format!("sha256={HUB_DIGEST}");
    for bit in 0..signature.len() * 8 {
        let mut bytes = signature.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(value) = HeaderValue::from_bytes(&bytes) else {
            continue;
        };
        let mut headers = HeaderMap::new();
        headers.insert(HUB_SIGNATURE, value);
        let answer = verify(
            request(&headers, HUB_BODY),
            Scheme::HubSignature,
            None,
            &secrets(&[HUB_SECRET]),
        );
        assert!(answer.is_err(), "bit {bit}");
    }
    for bit in 0..HUB_BODY.len() * 8 {
        let mut body = HUB_BODY.to_vec();
        body[bit / 8] ^= 1 << (bit % 8);
        let answer = hub(&signature, &body, &[HUB_SECRET]);
        assert_eq!(answer, Err(Refusal::Mismatch), "bit {bit}");
    }
}

#[test]
fn a_body_that_was_serialised_again_is_refused() {
    let sent = br#"{ "b": 1, "a": 2.0 }"#;
    let signature = format!("sha256={}", sign(&Secret::new(SECRET), sent));
    assert_eq!(hub(&signature, sent, &[SECRET]), Ok(()));
    let value: Value = serde_json::from_slice(sent).expect("JSON");
    let again = serde_json::to_vec(&value).expect("JSON");
    assert_ne!(again, sent);
    assert_eq!(hub(&signature, &again, &[SECRET]), Err(Refusal::Mismatch));
}

proptest! {
    #[test]
    fn nothing_made_up_is_accepted(text in "(JWT |Bearer |sha256=)?[ -~]{0,120}", body in "[ -~]{1,20}") {
        let given = headers(&[("authorization", &text), ("x-hub-signature", &text)]);
        for scheme in [Scheme::Connect, Scheme::OAuth, Scheme::HubSignature] {
            let request = request(&given, body.as_bytes());
            prop_assert!(verify(request, scheme, Some(CLIENT_KEY), &secrets(&[SECRET])).is_err());
        }
    }
}
