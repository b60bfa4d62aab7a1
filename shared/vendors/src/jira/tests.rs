use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::Credentials;

struct Setup {
    options: BTreeMap<String, String>,
    credentials: Credentials,
    secrets: Vec<Secret>,
    now: Timestamp,
}

fn setup(options: &[(&str, &str)], client_key: Option<&str>) -> Setup {
    let options = options
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let client_key = client_key.map(|key| ("client_key".to_owned(), Secret::new(key)));
    Setup {
        options: options.collect(),
        credentials: Credentials(client_key.into_iter().collect()),
        secrets: vec![Secret::new("s3cret"), Secret::new("older")],
        now: "2026-11-22T04:00:00Z".parse().expect("a time"),
    }
}

impl Setup {
    fn against(&self) -> Verification<'_> {
        Verification {
            secrets: &self.secrets,
            options: &self.options,
            credentials: &self.credentials,
            now: self.now,
        }
    }

    fn test(&self) -> SelfTest {
        Jira.self_test("prod-jira", self.against()).expect("signed")
    }

    fn verify(&self, integration: &str, test: &SelfTest) -> Result<VerifiedDelivery, Refusal> {
        let delivery = UnverifiedDelivery {
            integration,
            query: test.query.as_deref(),
            headers: &test.headers,
            body: &test.body,
        };
        Jira.verify(delivery, self.against())
    }
}

fn schemes() -> Vec<Setup> {
    vec![
        setup(&[], Some("key")),
        setup(
            &[
                ("signature_scheme", "connect"),
                ("webhook_base_path", "/im"),
            ],
            Some("key"),
        ),
        setup(&[("signature_scheme", "oauth")], Some("key")),
        setup(&[("signature_scheme", "oauth")], None),
        setup(&[("signature_scheme", "hub")], None),
    ]
}

#[test]
fn a_self_test_is_accepted_in_every_scheme_and_announces_nothing() {
    for setup in schemes() {
        let verified = setup
            .verify("prod-jira", &setup.test())
            .expect("our own signature");
        let event = Jira.read_event(&verified).expect("readable");
        assert_eq!(event.announced, None);
        assert_eq!(event.occurred_at, Some(setup.now));
        let mut later = setup;
        later.now += SignedDuration::from_millis(1);
        let verified = later
            .verify("prod-jira", &later.test())
            .expect("our own signature");
        let other = Jira.read_event(&verified).expect("readable");
        assert_ne!(other.delivery_id, event.delivery_id);
    }
}

#[test]
fn no_scheme_accepts_what_another_signed_and_none_what_nobody_did() {
    let schemes = schemes();
    let kind = |setup: &Setup| options::scheme(&setup.options);
    for setup in &schemes {
        for other in schemes.iter().filter(|other| kind(other) != kind(setup)) {
            assert!(setup.verify("prod-jira", &other.test()).is_err());
        }
        let mut test = setup.test();
        test.headers.clear();
        assert_eq!(setup.verify("prod-jira", &test), Err(Refusal::NoSignature));
    }
}

#[test]
fn a_token_is_for_one_url_and_for_a_while() {
    for mut setup in schemes().into_iter().take(4) {
        let test = setup.test();
        assert!(setup.verify("other-jira", &test).is_err());
        let query = SelfTest {
            query: Some("user_id=1".to_owned()),
            ..test.clone()
        };
        assert!(setup.verify("prod-jira", &query).is_err());
        setup.now += SignedDuration::from_mins(5);
        assert!(setup.verify("prod-jira", &test).is_err());
    }
}

#[test]
fn without_a_client_key_connect_accepts_nothing_and_neither_does_an_unknown_scheme() {
    let whole = setup(&[], Some("key"));
    let test = whole.test();
    for lacking in [
        setup(&[], None),
        setup(&[("signature_scheme", "none")], Some("key")),
    ] {
        assert_eq!(lacking.verify("prod-jira", &test), Err(Refusal::NotForThis));
        let why = Jira.self_test("prod-jira", lacking.against());
        assert!(why.is_err());
    }
    let another = setup(&[], Some("another"));
    assert!(another.verify("prod-jira", &test).is_err());
}

#[test]
fn without_a_secret_nothing_is_signed() {
    let mut setup = setup(&[("signature_scheme", "hub")], None);
    setup.secrets = vec![Secret::new("")];
    assert!(Jira.self_test("prod-jira", setup.against()).is_err());
}

#[test]
fn the_delivery_is_named_by_its_header() {
    let setup = setup(&[("signature_scheme", "hub")], None);
    let mut test = setup.test();
    test.headers
        .insert(DELIVERY_ID, HeaderValue::from_static("a1b2"));
    let verified = setup.verify("prod-jira", &test).expect("signed");
    assert_eq!(verified.unsigned_id(), Some("a1b2"));
    let event = Jira.read_event(&verified).expect("readable");
    assert_eq!(event.delivery_id.as_str(), "a1b2");
}

#[test]
fn no_signature_shows_in_debug_output() {
    for setup in schemes() {
        let test = setup.test();
        let shown = format!("{:?}", HeaderMap::clone(&test.headers));
        assert!(shown.contains("Sensitive"), "{shown}");
    }
}
