//! Whoever cannot sign learns nothing: not which integrations there are, not of which vendor.

use std::collections::{BTreeMap, BTreeSet};

use im_engine::Keyring;
use jiff::SignedDuration;
use serde_json::json;

use super::*;

/// What a delivery that is not authentic may look like.
#[derive(Debug, Clone, Copy)]
enum Forged {
    WithAnotherSecret,
    WithoutSignature,
    WithGarbage,
    OfNothing,
}

const FORGED: [Forged; 4] = [
    Forged::WithAnotherSecret,
    Forged::WithoutSignature,
    Forged::WithGarbage,
    Forged::OfNothing,
];

impl Forged {
    fn delivery(self, world: &World, vendor: IntegrationType, integration: &str) -> SelfTest {
        let mut delivery = signed(world, vendor, integration, "the attacker's");
        match self {
            Self::WithAnotherSecret => {}
            Self::WithoutSignature => delivery.headers.clear(),
            Self::WithGarbage => {
                for value in delivery.headers.values_mut() {
                    *value = http::HeaderValue::from_static("garbage");
                }
            }
            Self::OfNothing => delivery.body.clear(),
        }
        delivery
    }
}

/// What there is, and what there is not.
fn targets(vendor: IntegrationType) -> [&'static str; 4] {
    let others = VENDORS.into_iter().find(|other| *other != vendor);
    [
        World::integration_with(vendor),
        "no-such-integration",
        World::integration_with(others.expect("another vendor")),
        "Not%20an%20id",
    ]
}

type Seen = (Answer, BTreeMap<String, u32>);

/// What a sender sees, and what it cost, at one integration: in a process that knows nothing, at once again until that is
/// too often, and when what is kept is old.
async fn probe(vendor: IntegrationType, target: &str, forged: Forged) -> Vec<Seen> {
    let world = World::with_all().await;
    let mut seen = Vec::new();
    for pause in [0, 0, 0, 0, 0, 0, 1, 0, 11, 301] {
        world.clock.advance(SignedDuration::from_secs(pause));
        world.calls.take();
        let delivery = forged.delivery(&world, vendor, target);
        let answer = send(&world, vendor, target, delivery).await;
        seen.push((answer, world.calls.take()));
    }
    assert!(world.stored_deliveries().await.is_empty());
    seen
}

fn calls<const N: usize>(calls: [(&str, u32); N]) -> BTreeMap<String, u32> {
    calls.map(|(name, count)| (name.to_owned(), count)).into()
}

#[tokio::test]
async fn what_is_not_authentic_gets_one_answer_after_the_same_look_ups() {
    let refused = Answer {
        status: 401,
        headers: vec![(
            "content-type".to_owned(),
            "application/problem+json".to_owned(),
        )],
        body: r#"{"status":401,"title":"The delivery is not authentic","type":"about:blank"}"#
            .to_owned(),
    };
    let look = calls([("GetItem", 1), ("GetSecretValue", 2)]);
    let none = calls([]);
    // The configuration, the secret and the one before, five times; then nothing, but once more in each second, however old
    // what is kept is.
    let expected = [
        &look, &look, &look, &look, &look, &none, &look, &none, &look, &look,
    ]
    .map(|calls| (refused.clone(), calls.clone()));
    for vendor in VENDORS {
        for forged in FORGED {
            for target in targets(vendor) {
                let seen = probe(vendor, target, forged).await;
                assert_eq!(seen, expected, "{vendor} {forged:?} at {target}");
            }
        }
    }
}

#[tokio::test]
async fn the_real_ones_get_through_after_all_that() {
    let world = World::with_all().await;
    for vendor in VENDORS {
        for target in targets(vendor) {
            let forged = Forged::WithAnotherSecret.delivery(&world, vendor, target);
            assert_eq!(send(&world, vendor, target, forged).await.status, 401);
        }
        let integration = World::integration_with(vendor);
        let delivery = signed(&world, vendor, integration, secret_of(vendor));
        assert_eq!(
            send(&world, vendor, integration, delivery).await.status,
            202
        );
    }
}

/// Nobody makes us ask Secrets Manager as often as they like.
#[tokio::test]
async fn a_thousand_forgeries_cost_five_looks_at_the_secret() {
    let world = World::with_all().await;
    for vendor in VENDORS {
        for target in targets(vendor) {
            world.clock.advance(SignedDuration::from_mins(10));
            world.calls.take();
            for _ in 0..1000 {
                let forged = Forged::WithAnotherSecret.delivery(&world, vendor, target);
                assert_eq!(send(&world, vendor, target, forged).await.status, 401);
            }
            let expected = calls([("GetItem", 5), ("GetSecretValue", 10)]);
            assert_eq!(world.calls.take(), expected, "{target}");
        }
    }
}

/// A new id for each delivery costs look-ups and memory: only so many.
#[tokio::test]
async fn a_flood_of_ids_costs_so_much_and_tells_nothing() {
    let world = World::with_all().await;
    let vendor = IntegrationType::PagerDuty;
    let integration = World::integration_with(vendor);
    let secret = secret_of(vendor);
    let real = signed(&world, vendor, integration, secret);
    assert_eq!(send(&world, vendor, integration, real).await.status, 202);
    world.calls.take();
    let at_once = Keyring::STRANGERS.at_once;
    let mut statuses = BTreeMap::new();
    for number in 0..2000 {
        let id = format!("guess-{number}");
        let forged = Forged::WithAnotherSecret.delivery(&world, vendor, &id);
        let status = send(&world, vendor, &id, forged).await.status;
        *statuses.entry(status).or_insert(0) += 1;
    }
    // One of them was the real one's.
    let asked = at_once - 1;
    let last_is_flooded = asked - 1;
    assert_eq!(
        statuses,
        BTreeMap::from([(401, last_is_flooded), (429, 2000 - last_is_flooded)])
    );
    let cost = world.calls.take();
    assert_eq!(cost["GetItem"], asked);
    assert!(cost["GetSecretValue"] <= 2 * asked, "{cost:?}");
    // While it lasts, all that cannot sign are told the same, at no cost.
    let mut answers = BTreeSet::new();
    for target in targets(vendor) {
        for forged in FORGED {
            let forged = forged.delivery(&world, vendor, target);
            let answer = send(&world, vendor, target, forged).await;
            answers.insert((answer.status, answer.headers, answer.body));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(world.calls.take(), calls([]));
    let (status, headers, _) = answers.first().expect("one");
    assert_eq!(*status, 429);
    assert!(headers.contains(&("retry-after".to_owned(), "1".to_owned())));
    // Who can sign is not kept out by it.
    world.clock.advance(SignedDuration::from_millis(1));
    let real = signed(&world, vendor, integration, secret);
    assert_eq!(send(&world, vendor, integration, real).await.status, 202);
    world.clock.advance(SignedDuration::from_secs(20));
    let forged = Forged::WithAnotherSecret.delivery(&world, vendor, "guess-one-more");
    let answer = send(&world, vendor, "guess-one-more", forged).await;
    assert_eq!(answer.status, 401, "it is over");
}

/// However long it goes on: what nobody asks for any more is forgotten.
#[tokio::test]
async fn a_slow_flood_fills_no_memory_and_keeps_nobody_out() {
    let world = World::with_all().await;
    let vendor = IntegrationType::PagerDuty;
    let integration = World::integration_with(vendor);
    let pause = SignedDuration::from_millis(50);
    for number in 0..11_000 {
        world.clock.advance(pause);
        let id = format!("guess-{number}");
        let forged = Forged::WithoutSignature.delivery(&world, vendor, &id);
        assert_eq!(send(&world, vendor, &id, forged).await.status, 401, "{id}");
    }
    let real = signed(&world, vendor, integration, secret_of(vendor));
    assert_eq!(send(&world, vendor, integration, real).await.status, 202);
}

/// Behind our back, in Secrets Manager, while somebody keeps us from looking: for so long, and no longer.
#[tokio::test]
async fn a_rotation_is_noticed_within_seconds_whoever_forges_meanwhile() {
    let world = World::with_all().await;
    let vendor = IntegrationType::PagerDuty;
    let integration = World::integration_with(vendor);
    let attempt = async |secret: &str| {
        world.clock.advance(SignedDuration::from_millis(1));
        let delivery = signed(&world, vendor, integration, secret);
        send(&world, vendor, integration, delivery).await.status
    };
    assert_eq!(attempt("a-secret").await, 202);
    for _ in 0..10 {
        assert_eq!(attempt("the attacker's").await, 401);
    }
    let path = format!("/integrations/{integration}");
    let found = world.api(http::Method::GET, &path, None).await;
    assert_eq!(found.status(), 200);
    let secrets = &world.system.embedded.secrets;
    let names = secrets.list_secrets().send().await.expect("a list");
    let name = names
        .secret_list()
        .iter()
        .filter_map(|secret| secret.name())
        .find(|name| name.contains(integration))
        .expect("its secret");
    let rotated = json!({
        "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-new-secret",
    });
    let put = secrets
        .put_secret_value()
        .secret_id(name)
        .secret_string(rotated.to_string());
    put.send().await.expect("rotated");
    let at_once = attempt("a-new-secret").await;
    assert_eq!(at_once, 401, "it was looked at too often just now");
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(attempt("a-new-secret").await, 202);
    assert_eq!(attempt("a-secret").await, 202, "the one before, too");
    assert_eq!(attempt("the attacker's").await, 401);
}

/// Somebody tries the URL before its integration exists, or in a wrong order: the first real delivery counts all the same.
#[tokio::test]
async fn what_was_asked_for_in_vain_is_there_once_it_is_created() {
    for vendor in VENDORS {
        let world = World::with_all().await;
        let attempt = async |secret: &str| {
            world.clock.advance(SignedDuration::from_millis(1));
            let delivery = signed(&world, vendor, "the-other", secret);
            send(&world, vendor, "the-other", delivery).await.status
        };
        for _ in 0..3 {
            assert_eq!(attempt("the-others-secret").await, 401, "{vendor}");
        }
        connect_other(&world, vendor).await;
        assert_eq!(attempt("the-others-secret").await, 202, "{vendor}");
        assert_eq!(attempt("the attacker's").await, 401, "{vendor}");
    }
}

/// An id that was an integration of another vendor's a moment ago.
#[tokio::test]
async fn an_id_may_come_to_be_another_vendors() {
    let world = World::with_all().await;
    let (old, new) = (IntegrationType::PagerDuty, IntegrationType::Jira);
    connect_other(&world, old).await;
    let attempt = async |vendor| {
        world.clock.advance(SignedDuration::from_millis(1));
        let delivery = signed(&world, vendor, "the-other", "the-others-secret");
        send(&world, vendor, "the-other", delivery).await.status
    };
    assert_eq!(attempt(old).await, 202);
    assert_eq!(attempt(new).await, 401);
    let path = "/integrations/the-other";
    let deleted = world.api(Method::DELETE, path, None).await;
    assert_eq!(deleted.status(), 200, "{deleted:?}");
    connect_other(&world, new).await;
    assert_eq!(attempt(new).await, 202);
}

/// If a look-up fails, it fails for what is not there, too.
#[tokio::test]
async fn an_outage_tells_nothing_either() {
    for operation in ["GetItem", "GetSecretValue"] {
        for vendor in VENDORS {
            let mut answers = BTreeSet::new();
            for target in targets(vendor) {
                let world = World::with_all().await;
                world.calls.fail(operation);
                let forged = Forged::WithAnotherSecret.delivery(&world, vendor, target);
                let answer = send(&world, vendor, target, forged).await;
                answers.insert((answer.status, answer.headers, answer.body));
            }
            assert_eq!(answers.len(), 1, "{operation} {vendor}: {answers:?}");
            assert_eq!(answers.first().map(|answer| answer.0), Some(503));
        }
    }
}
