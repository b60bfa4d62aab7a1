mod issued;

use std::{collections::BTreeSet, sync::Arc};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use im_engine::ports::Clock;
use im_model::OrganizationId;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use super::*;
use crate::caller::ADMINISTRATOR;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const NOW: i64 = 1_800_000_000;

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).expect("in range")
    }
}

struct NoKey;

#[async_trait]
impl KeySource for NoKey {
    async fn key(&self) -> Result<Secret, StoreError> {
        let detail = "AccessDenied".to_owned();
        Err(StoreError {
            tried: "read",
            on: "im/api".to_owned(),
            detail,
        })
    }
}

fn claims() -> Value {
    json!({
        "sub": "ann@example.com", "org": "acme", "exp": NOW + 60,
        "roles": ["incident_commander", "astronaut"], "scopes": ["prod-pd"],
    })
}

fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn token(header: &Value, claims: &Value, key: &str) -> String {
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(key.as_bytes());
    let signature = crypto::sign(message.as_bytes(), &key, Algorithm::HS256).expect("signs");
    format!("{message}.{signature}")
}

fn signed(claims: &Value) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), claims, KEY)
}

fn trusting(key: impl KeySource + 'static) -> TokenAuthenticator {
    expecting(key, Expected::default())
}

fn expecting(key: impl KeySource + 'static, expected: Expected) -> TokenAuthenticator {
    TokenAuthenticator::new(Arc::new(At(NOW))).trusting_key(Arc::new(key), expected)
}

fn authenticator() -> TokenAuthenticator {
    trusting(FixedKey(Secret::new(KEY)))
}

async fn ask(authenticator: &dyn Authenticator, header: &str) -> Result<Caller, Unauthenticated> {
    let header = HeaderValue::from_str(header).expect("a header");
    authenticator.authenticate(Some(&header)).await
}

async fn is_bad(claims: &Value) -> bool {
    let answer = ask(&authenticator(), &format!("Bearer {}", signed(claims))).await;
    matches!(answer, Err(Unauthenticated::BadToken(_)))
}

#[tokio::test]
async fn a_valid_token_names_its_caller() {
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let header = format!("{scheme} {}", signed(&claims()));
        let caller = ask(&authenticator(), &header).await.expect("is valid");
        assert_eq!(caller.subject.as_str(), "ann@example.com");
        assert_eq!(caller.organization.as_str(), "acme");
        assert_eq!(
            caller.roles,
            BTreeSet::from(["astronaut", "incident_commander"].map(str::to_owned))
        );
        assert_eq!(caller.scopes, BTreeSet::from(["prod-pd".to_owned()]));
    }
}

#[tokio::test]
async fn no_header_is_no_token() {
    let answer = authenticator().authenticate(None).await;
    assert_eq!(answer, Err(Unauthenticated::NoToken));
}

#[tokio::test]
async fn times_are_those_of_the_injected_clock_with_thirty_seconds_of_leeway() {
    let ends = |at: Value| is_bad_with("exp", at);
    assert!(!ends(json!(NOW - 29)).await);
    assert!(ends(json!(NOW - 30)).await, "the end itself is too late");
    assert!(ends(json!(NOW - 3600)).await);
    assert!(
        !ends(json!(f64::from(1_799_999_970) + 0.5)).await,
        "fractions count"
    );
    assert!(ends(json!(-1)).await);
    assert!(!ends(json!(u64::MAX)).await);
    let begins = |at: Value| is_bad_with("nbf", at);
    assert!(!begins(json!(NOW)).await);
    assert!(!begins(json!(NOW + 30)).await);
    assert!(begins(json!(NOW + 31)).await);
}

async fn is_bad_with(name: &str, value: Value) -> bool {
    is_bad(&claims_with(name, value)).await
}

#[tokio::test]
async fn a_missing_or_odd_claim_is_refused() {
    for missing in ["sub", "org", "exp"] {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(missing);
        assert!(is_bad(&claims).await, "{missing} missing");
    }
    for (name, odd) in [
        ("sub", json!("")),
        ("sub", json!(7)),
        ("org", json!("No Slug")),
        ("exp", json!("1900000000")),
        ("exp", json!(null)),
        ("nbf", json!("now")),
        ("roles", json!("platform.administrator")),
        ("scopes", json!([1])),
    ] {
        assert!(is_bad_with(name, odd.clone()).await, "{name}: {odd}");
    }
    assert!(is_bad(&json!([])).await);
    let mut bare = claims();
    bare.as_object_mut()
        .expect("an object")
        .retain(|name, _| !["roles", "scopes"].contains(&name.as_str()));
    assert!(
        !is_bad(&bare).await,
        "roles and scopes may be absent: they then allow nothing"
    );
}

#[tokio::test]
async fn only_hs256_with_the_right_key_is_accepted() {
    let with_header = |header: Value| token(&header, &claims(), KEY);
    let none = with_header(json!({"alg": "none"}));
    let unsigned = none.rsplit_once('.').expect("three parts").0.to_owned();
    let valid = signed(&claims());
    let (message, signature) = valid.rsplit_once('.').expect("three parts");
    let (header, _) = message.split_once('.').expect("two parts");
    let forged = BASE64_URL_SAFE_NO_PAD.encode(claims_with("org", json!("rival")).to_string());
    let bad = [
        none.clone(),
        format!("{unsigned}."),
        unsigned,
        with_header(json!({"alg": "RS256"})),
        with_header(json!({"alg": "HS384"})),
        with_header(json!({"alg": "hs256"})),
        with_header(json!({"typ": "JWT"})),
        token(
            &json!({"alg": "HS256"}),
            &claims(),
            "another key of thirty-two bytes..",
        ),
        token(&json!({"alg": "HS256"}), &claims(), ""),
        format!("{header}.{forged}.{signature}"),
        format!("{message}."),
        format!("{valid}="),
        format!("{valid}.x"),
        format!("{valid} x"),
    ];
    for token in bad {
        let answer = ask(&authenticator(), &format!("Bearer {token}")).await;
        assert!(
            matches!(answer, Err(Unauthenticated::BadToken(_))),
            "{token}"
        );
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    for garbage in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer ..",
        "Bearer a.b.c",
        "Basic YTpi",
    ] {
        let answer = ask(&authenticator(), garbage).await;
        assert!(
            matches!(answer, Err(Unauthenticated::BadToken(_))),
            "{garbage}"
        );
    }
    let not_ascii = HeaderValue::from_bytes(b"Bearer \xff").expect("a header");
    let answer = authenticator().authenticate(Some(&not_ascii)).await;
    assert!(matches!(answer, Err(Unauthenticated::BadToken(_))));
    let token = signed(&claims());
    let answer = ask(&authenticator(), &token).await;
    assert!(
        matches!(answer, Err(Unauthenticated::BadToken(_))),
        "no scheme"
    );
}

#[tokio::test]
async fn issuer_and_audience_are_checked_where_asked_for() {
    let expected = Expected {
        issuer: Some("https://login.example".to_owned()),
        audience: Some("im".to_owned()),
    };
    let picky = expecting(FixedKey(Secret::new(KEY)), expected);
    let status = async |iss: Value, aud: Value| {
        let mut claims = claims_with("iss", iss);
        claims["aud"] = aud;
        ask(&picky, &format!("Bearer {}", signed(&claims)))
            .await
            .is_ok()
    };
    let issuer = || json!("https://login.example");
    assert!(status(issuer(), json!("im")).await);
    assert!(status(issuer(), json!(["other", "im"])).await);
    assert!(!status(json!("https://evil.example"), json!("im")).await);
    assert!(!status(json!(null), json!("im")).await);
    assert!(!status(issuer(), json!("other")).await);
    assert!(!status(issuer(), json!(["other"])).await);
    assert!(!status(issuer(), json!(null)).await);
    assert!(
        !is_bad_with("aud", json!("anybody")).await,
        "not checked unless asked for"
    );
}

#[tokio::test]
async fn a_key_that_cannot_be_had_is_no_fault_of_the_caller() {
    let header = format!("Bearer {}", signed(&claims()));
    let unavailable = trusting(NoKey);
    let answer = ask(&unavailable, &header).await;
    assert!(matches!(answer, Err(Unauthenticated::Unavailable(_))));
    let answer = ask(&unavailable, "Bearer garbage").await;
    assert!(
        matches!(answer, Err(Unauthenticated::BadToken(_))),
        "garbage costs no fetch"
    );
}

#[tokio::test]
async fn a_short_or_empty_key_verifies_nothing() {
    for short in ["", "secret", &KEY[1..]] {
        let weak = trusting(FixedKey(Secret::new(short)));
        let token = token(&json!({"alg": "HS256"}), &claims(), short);
        let answer = ask(&weak, &format!("Bearer {token}")).await;
        assert!(
            matches!(answer, Err(Unauthenticated::Unavailable(_))),
            "{short:?}"
        );
    }
}

#[tokio::test]
async fn on_loopback_only_a_caller_without_a_token_is_the_administrator() {
    let organization = OrganizationId::parse("acme").expect("valid");
    let local = LoopbackAdministrator::new(Arc::new(authenticator()), organization);
    let caller = local.authenticate(None).await.expect("is let in");
    assert_eq!(caller.subject.as_str(), LoopbackAdministrator::SUBJECT);
    assert_eq!(caller.roles, BTreeSet::from([ADMINISTRATOR.to_owned()]));
    let caller = ask(&local, &format!("Bearer {}", signed(&claims())))
        .await
        .expect("is valid");
    assert_eq!(caller.subject.as_str(), "ann@example.com");
    for bad in ["", "Bearer x"] {
        assert!(
            matches!(ask(&local, bad).await, Err(Unauthenticated::BadToken(_))),
            "{bad:?}"
        );
    }
}
