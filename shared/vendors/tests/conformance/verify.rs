//! Letting webhooks in, and nobody else.

use std::collections::BTreeSet;

use im_model::{ExternalId, NoteKind, Secret};
use im_sandbox::{Fault, FaultRule};
use im_vendors::{Refusal, UnverifiedDelivery, Verification, VerifiedDelivery, WebhookEvent};

use crate::{
    bench::Bench,
    rig::{Ability, Delivery, Rig},
};

const OTHER_SECRET: &str = "not-the-secret-of-this-account";

/// Checks deliveries against an integration's secrets.
impl<R: Rig> Bench<R> {
    fn secret(&self) -> Secret {
        let secret = self.credentials.get("webhook_secret");
        secret.expect("a webhook_secret").clone()
    }

    fn verification<'a>(&'a self, secrets: &'a [Secret]) -> Verification<'a> {
        Verification {
            secrets,
            options: &self.integration.options,
            credentials: &self.credentials,
            now: self.now(),
        }
    }

    fn verify(&self, delivery: &Delivery, secrets: &[Secret]) -> Result<VerifiedDelivery, Refusal> {
        let unverified = UnverifiedDelivery {
            integration: self.integration.id.as_str(),
            query: delivery.query.as_deref(),
            headers: &delivery.headers,
            body: &delivery.body,
        };
        self.webhooks.verify(unverified, self.verification(secrets))
    }

    fn event(&self, delivery: &Delivery) -> WebhookEvent {
        let verified = self.verify(delivery, &[self.secret()]);
        let verified = verified.expect("the vendor's own webhook");
        self.webhooks.read_event(&verified).expect("readable")
    }

    /// A person does whatever there is to do; the webhooks of it, all of one moment.
    fn story(&self) -> (ExternalId, Vec<Delivery>) {
        let id = self.rig().create("Disk full");
        for sample in R::samples() {
            if sample.read == Ability::Has {
                for value in sample.values {
                    self.rig().edit(&id, &sample.field, value);
                }
            }
        }
        for kind in NoteKind::ALL {
            self.rig().note(&id, *kind, "Restarted.");
        }
        let deliveries = self.rig().drain_webhooks();
        assert!(deliveries.len() > 3, "{deliveries:?}");
        (id, deliveries)
    }
}

pub fn accepts_every_webhook_byte_for_byte<R: Rig>() {
    let bench = Bench::<R>::new();
    for delivery in bench.story().1 {
        let verified = bench.verify(&delivery, &[bench.secret()]);
        let verified = verified.expect("the vendor's own webhook");
        assert_eq!(verified.body(), delivery.body);
    }
}

pub fn notices_one_changed_bit<R: Rig>() {
    let bench = Bench::<R>::new();
    let delivery = bench.story().1.remove(0);
    for place in (0..delivery.body.len()).step_by(7) {
        let mut body = delivery.body.to_vec();
        body[place] ^= 1 << (place % 8);
        let changed = Delivery {
            body: body.into(),
            ..delivery.clone()
        };
        let verified = bench.verify(&changed, &[bench.secret()]);
        match R::SIGNS_BODY {
            Ability::Has => assert!(verified.is_err(), "byte {place}"),
            Ability::Lacks(why) => assert!(verified.is_ok(), "it signs its body, though {why}"),
        }
    }
}

pub fn refuses_what_is_not_signed<R: Rig>() {
    let bench = Bench::<R>::new();
    let delivery = bench.story().1.remove(0);
    let secrets = [bench.secret()];
    let mut unsigned = delivery.clone();
    let removed = unsigned.headers.remove(R::SIGNATURE_HEADER);
    assert!(
        removed.is_some(),
        "{} carries no signature",
        R::SIGNATURE_HEADER
    );
    assert_eq!(bench.verify(&unsigned, &secrets), Err(Refusal::NoSignature));
    for malformed in ["", "=", "v1=", "sha256=", "JWT ", "Bearer ..", "\u{e4}"] {
        let value = http::HeaderValue::from_bytes(malformed.as_bytes()).expect("a header");
        unsigned.headers.insert(R::SIGNATURE_HEADER, value);
        assert!(bench.verify(&unsigned, &secrets).is_err(), "{malformed:?}");
    }
    let empty = Delivery {
        body: bytes::Bytes::new(),
        ..delivery
    };
    assert_eq!(bench.verify(&empty, &secrets), Err(Refusal::EmptyBody));
}

pub fn refuses_what_another_secret_signed<R: Rig>() {
    let bench = Bench::<R>::new();
    let delivery = bench.story().1.remove(0);
    let mut nearly = bench.secret().reveal().to_owned();
    nearly.pop();
    for secrets in [
        vec![],
        vec![Secret::new("")],
        vec![Secret::new(OTHER_SECRET)],
        vec![Secret::new(nearly)],
    ] {
        let verified = bench.verify(&delivery, &secrets);
        assert!(verified.is_err(), "accepted with {} secrets", secrets.len());
    }
}

pub fn accepts_the_previous_secret_during_a_rotation<R: Rig>() {
    let bench = Bench::<R>::new();
    let delivery = bench.story().1.remove(0);
    let (new, previous) = (Secret::new(OTHER_SECRET), bench.secret());
    for secrets in [[new.clone(), previous.clone()], [previous, new]] {
        assert!(bench.verify(&delivery, &secrets).is_ok());
    }
}

pub async fn announces_the_record_and_what_happened_to_it<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    bench.rig().drain_webhooks();
    for sample in R::samples() {
        if sample.read != Ability::Has {
            continue;
        }
        bench.rig().edit(&id, &sample.field, sample.values[0]);
        let version = bench.read(&id).await.version;
        for delivery in bench.rig().drain_webhooks() {
            let event = bench.event(&delivery);
            let announced = event.announced.expect("about a record");
            assert_eq!(announced.external_id, id, "{}", event.event_type);
            assert!(
                announced
                    .at_least
                    .is_none_or(|at_least| at_least <= version)
            );
            let author = announced.author.as_ref().map(im_model::ActorId::as_str);
            assert_eq!(author, R::PERSON.in_webhooks, "{}", event.event_type);
            let now = bench.now().as_second();
            assert!(event.occurred_at.is_none_or(|at| at.as_second() == now));
            assert!(announced.changed.values().all(|at| at.as_second() == now));
            let named =
                announced.changed.is_empty() || announced.changed.contains_key(&sample.field);
            assert!(named, "{}: {:?}", sample.field, announced.changed);
        }
        bench.wait();
    }
}

pub fn announces_notes<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    bench.rig().drain_webhooks();
    for kind in NoteKind::ALL {
        bench.rig().note(&id, *kind, "Restarted.");
        let deliveries = bench.rig().drain_webhooks();
        let announced = deliveries.iter().map(|it| bench.event(it).announced);
        let told = announced
            .flatten()
            .any(|it| it.notes && it.external_id == id);
        assert!(told, "{kind}: {deliveries:?}");
    }
}

pub fn tells_a_repeat_from_another_event<R: Rig>() {
    let bench = Bench::<R>::new();
    let (_, deliveries) = bench.story();
    let ids: BTreeSet<_> = deliveries
        .iter()
        .map(|delivery| bench.event(delivery).delivery_id)
        .collect();
    assert_eq!(ids.len(), deliveries.len(), "two events share an id");
    bench
        .rig()
        .add_fault(FaultRule::always(Fault::DuplicateWebhooks));
    bench.rig().create("Disk full again");
    let twice = bench.rig().drain_webhooks();
    assert!(
        !twice.is_empty() && twice.len().is_multiple_of(2),
        "{twice:?}"
    );
    for pair in twice.chunks(2) {
        let [first, again] = [&pair[0], &pair[1]].map(|it| bench.event(it).delivery_id);
        assert_eq!(first, again);
        assert!(!ids.contains(&first), "the id of another event");
    }
}

pub fn tests_itself_without_announcing_anything<R: Rig>() {
    let bench = Bench::<R>::new();
    let self_test = |secrets: &[Secret]| {
        let id = bench.integration.id.as_str();
        let test = bench.webhooks.self_test(id, bench.verification(secrets));
        test.map(|test| Delivery {
            query: test.query,
            headers: test.headers,
            body: test.body.into(),
        })
    };
    let (current, other) = (bench.secret(), Secret::new(OTHER_SECRET));
    let delivery = self_test(&[current.clone(), other.clone()]).expect("signed");
    let event = bench.event(&delivery);
    assert_eq!(event.announced, None);
    let by_other = bench.verify(&delivery, &[other]);
    assert!(by_other.is_err(), "any secret will do");
    bench.wait();
    let later = self_test(&[current]).expect("signed");
    let again = bench.event(&later).delivery_id;
    assert_ne!(
        again, event.delivery_id,
        "a second test would be taken for a repeat"
    );
    for none in [&[][..], &[Secret::new("")]] {
        assert!(self_test(none).is_err(), "signed with nothing");
    }
}
