//! Tokens of an issuer that publishes its keys.

use std::sync::Mutex;

use jiff::ToSpan as _;

use super::*;

const ISSUER: &str = "https://login.example/";

/// Published keys that a test can change, on a clock that it moves.
struct Issuer {
    published: Mutex<Result<Value, StoreError>>,
    asked: Mutex<u32>,
    now: Mutex<Timestamp>,
}

#[async_trait]
impl KeySetSource for Issuer {
    async fn key_set(&self) -> Result<Vec<u8>, StoreError> {
        *self.asked.lock().unwrap() += 1;
        let published = self.published.lock().unwrap().clone();
        published.map(|set| set.to_string().into_bytes())
    }
}

impl Clock for Issuer {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

impl Issuer {
    fn publishing(keys: &[Value]) -> Arc<Self> {
        Arc::new(Self {
            published: Mutex::new(Ok(json!({"keys": keys}))),
            asked: Mutex::new(0),
            now: Mutex::new(At(NOW).now()),
        })
    }

    fn publish(&self, keys: &[Value]) {
        *self.published.lock().unwrap() = Ok(json!({"keys": keys}));
    }

    fn is_down(&self) {
        *self.published.lock().unwrap() = Err(StoreError {
            tried: "fetch",
            on: "https://login.example/keys".to_owned(),
            detail: "no answer".to_owned(),
        });
    }

    fn seconds_pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += seconds.seconds();
    }

    fn asked(&self) -> u32 {
        *self.asked.lock().unwrap()
    }

    fn authenticator(self: &Arc<Self>) -> TokenAuthenticator {
        let keys = PublishedKeys::new(self.clone(), self.clone());
        TokenAuthenticator::new(self.clone()).trusting_issuer(keys, ISSUER.into(), "im".into())
    }
}

/// The public half of a key of `keys/`.
fn public(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("keys/public.json")).expect("JSON");
    all[name].clone()
}

fn public_with(name: &str, member: &str, value: Value) -> Value {
    let mut key = public(name);
    key[member] = value;
    key
}

fn private(name: &str) -> (Algorithm, EncodingKey) {
    match name {
        "rsa-1" => (
            Algorithm::RS256,
            EncodingKey::from_rsa_der(include_bytes!("keys/rsa-1.der")),
        ),
        "rsa-2" => (
            Algorithm::RS256,
            EncodingKey::from_rsa_der(include_bytes!("keys/rsa-2.der")),
        ),
        "ec-1" => (
            Algorithm::ES256,
            EncodingKey::from_ec_der(include_bytes!("keys/ec-1.der")),
        ),
        other => panic!("no key {other}"),
    }
}

fn issued_claims() -> Value {
    let mut claims = claims_with("iss", json!(ISSUER));
    claims["aud"] = json!("im");
    claims["exp"] = json!(NOW + 10 * 24 * 3600);
    claims
}

fn issued_with(header: &Value, claims: &Value, key: &str) -> String {
    let part = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let (algorithm, key) = private(key);
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).expect("signs");
    format!("Bearer {message}.{signature}")
}

fn issued(key: &str) -> String {
    let header = json!({"alg": public(key)["alg"], "kid": key});
    issued_with(&header, &issued_claims(), key)
}

async fn accepts(authenticator: &TokenAuthenticator, header: &str) -> bool {
    match ask(authenticator, header).await {
        Ok(_) => true,
        Err(Unauthenticated::BadToken(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn rs256_and_es256_are_accepted_under_published_keys() {
    let issuer = Issuer::publishing(&[public("rsa-1"), public("ec-1")]);
    let authenticator = issuer.authenticator();
    for key in ["rsa-1", "ec-1"] {
        let caller = ask(&authenticator, &issued(key)).await.expect("is valid");
        assert_eq!(caller.subject.as_str(), "ann@example.com");
        assert!(caller.roles.contains("incident_commander"));
    }
    assert_eq!(issuer.asked(), 1, "they are kept");
}

#[tokio::test]
async fn issuer_audience_and_time_of_an_issued_token_are_checked() {
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    let authenticator = issuer.authenticator();
    let with = |name: &str, value: Value| {
        let mut claims = issued_claims();
        claims[name] = value;
        issued_with(&json!({"alg": "RS256", "kid": "rsa-1"}), &claims, "rsa-1")
    };
    assert!(accepts(&authenticator, &with("aud", json!(["other", "im"]))).await);
    for (name, value) in [
        ("iss", json!("https://login.example")),
        ("iss", json!("https://evil.example/")),
        ("iss", json!(null)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("exp", json!(NOW - 30)),
        ("nbf", json!(NOW + 31)),
    ] {
        let token = with(name, value.clone());
        assert!(!accepts(&authenticator, &token).await, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_algorithm_is_the_keys_not_the_tokens() {
    let issuer = Issuer::publishing(&[public("rsa-1"), public("ec-1")]);
    let authenticator = issuer.authenticator();
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    for (alg, kid, key) in [
        ("ES256", "rsa-1", "rsa-1"),
        ("RS256", "ec-1", "ec-1"),
        ("RS384", "rsa-1", "rsa-1"),
        ("PS256", "rsa-1", "rsa-1"),
        ("none", "rsa-1", "rsa-1"),
        ("RS256", "rsa-1", "rsa-2"),
        ("RS256", "rsa-1", "ec-1"),
    ] {
        let token = issued_with(&header(alg, kid), &issued_claims(), key);
        assert!(!accepts(&authenticator, &token).await, "{alg} {kid} {key}");
    }
    // A public key is no secret: whoever signs HS256 with it proves nothing.
    let public_key = public("rsa-1")["n"].as_str().expect("text").to_owned();
    for secret in [public_key, public("rsa-1").to_string()] {
        let forged = token(&header("HS256", "rsa-1"), &issued_claims(), &secret);
        assert!(!accepts(&authenticator, &format!("Bearer {forged}")).await);
    }
}

#[tokio::test]
async fn a_key_that_is_for_something_else_verifies_nothing() {
    for other_use in [
        public_with("rsa-1", "use", json!("enc")),
        public_with("rsa-1", "alg", json!("RS512")),
        public_with("rsa-1", "alg", json!("RSA-OAEP")),
        public_with("rsa-1", "kty", json!("oct")),
    ] {
        let issuer = Issuer::publishing(&[other_use.clone(), json!("no key"), json!({})]);
        let accepted = accepts(&issuer.authenticator(), &issued("rsa-1")).await;
        assert!(!accepted, "{other_use}");
    }
}

#[tokio::test]
async fn keys_that_a_token_brings_along_are_not_looked_at_and_critical_extensions_refused() {
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    let authenticator = issuer.authenticator();
    let mut header = json!({"alg": "RS256", "kid": "rsa-2"});
    header["jwk"] = public("rsa-2");
    header["jku"] = json!("https://evil.example/keys");
    assert!(
        !accepts(
            &authenticator,
            &issued_with(&header, &issued_claims(), "rsa-2")
        )
        .await
    );
    let critical = json!({"alg": "RS256", "kid": "rsa-1", "crit": ["b64"], "b64": false});
    assert!(
        !accepts(
            &authenticator,
            &issued_with(&critical, &issued_claims(), "rsa-1")
        )
        .await
    );
}

#[tokio::test]
async fn a_token_without_a_key_id_is_verified_if_only_one_key_can_be_meant() {
    let token = issued_with(&json!({"alg": "RS256"}), &issued_claims(), "rsa-1");
    let issuer = Issuer::publishing(&[public("rsa-1"), public("ec-1")]);
    assert!(accepts(&issuer.authenticator(), &token).await);
    let issuer = Issuer::publishing(&[public("rsa-1"), public("rsa-2")]);
    assert!(!accepts(&issuer.authenticator(), &token).await);
}

#[tokio::test]
async fn a_rotated_key_is_accepted_at_once_and_a_removed_one_not_for_long() {
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    let authenticator = issuer.authenticator();
    assert!(accepts(&authenticator, &issued("rsa-1")).await);
    issuer.seconds_pass(31);
    issuer.publish(&[public("rsa-2")]);
    assert!(accepts(&authenticator, &issued("rsa-2")).await);
    assert!(!accepts(&authenticator, &issued("rsa-1")).await);
    assert_eq!(issuer.asked(), 2);

    issuer.publish(&[public("ec-1")]);
    issuer.seconds_pass(9 * 60);
    assert!(
        accepts(&authenticator, &issued("rsa-2")).await,
        "still kept"
    );
    issuer.seconds_pass(60);
    assert!(
        !accepts(&authenticator, &issued("rsa-2")).await,
        "10 min are over"
    );
}

#[tokio::test]
async fn made_up_key_ids_do_not_make_us_ask_the_issuer_again_and_again() {
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    let authenticator = issuer.authenticator();
    for second in 0..60 {
        let header = json!({"alg": "RS256", "kid": format!("made-up-{second}")});
        let token = issued_with(&header, &issued_claims(), "rsa-2");
        assert!(!accepts(&authenticator, &token).await);
        issuer.seconds_pass(1);
    }
    assert_eq!(issuer.asked(), 2, "once at first, once after 30 s");
    assert!(accepts(&authenticator, &issued("rsa-1")).await);
}

#[tokio::test]
async fn while_the_issuer_does_not_answer_its_keys_are_good_for_a_day() {
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    let authenticator = issuer.authenticator();
    assert!(accepts(&authenticator, &issued("rsa-1")).await);
    issuer.is_down();
    issuer.seconds_pass(24 * 3600 - 1);
    assert!(accepts(&authenticator, &issued("rsa-1")).await);
    issuer.seconds_pass(1);
    let answer = ask(&authenticator, &issued("rsa-1")).await;
    assert!(matches!(answer, Err(Unauthenticated::Unavailable(_))));
}

#[tokio::test]
async fn an_issuer_that_never_answered_is_no_fault_of_the_caller() {
    let issuer = Issuer::publishing(&[]);
    issuer.is_down();
    let authenticator = issuer.authenticator();
    for _ in 0..3 {
        let answer = ask(&authenticator, &issued("rsa-1")).await;
        assert!(matches!(answer, Err(Unauthenticated::Unavailable(_))));
    }
    assert_eq!(issuer.asked(), 1, "not asked again within 30 s");
    *issuer.published.lock().unwrap() = Ok(json!({"keyes": []}));
    issuer.seconds_pass(30);
    let answer = ask(&authenticator, &issued("rsa-1")).await;
    assert!(matches!(answer, Err(Unauthenticated::Unavailable(_))));
}

#[tokio::test]
async fn a_shared_key_is_accepted_only_where_it_is_configured() {
    let shared = format!("Bearer {}", signed(&issued_claims()));
    let issuer = Issuer::publishing(&[public("rsa-1")]);
    assert!(!accepts(&issuer.authenticator(), &shared).await);
    assert!(!accepts(&TokenAuthenticator::new(issuer.clone()), &shared).await);
    assert!(!accepts(&TokenAuthenticator::new(issuer.clone()), &issued("rsa-1")).await);
    let key = Arc::new(FixedKey(Secret::new(KEY)));
    let both = issuer
        .authenticator()
        .trusting_key(key, Expected::default());
    assert!(accepts(&both, &shared).await);
    assert!(accepts(&both, &issued("rsa-1")).await);
    assert!(!accepts(&authenticator(), &issued("rsa-1")).await);
}
