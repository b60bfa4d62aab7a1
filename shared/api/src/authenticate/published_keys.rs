//! The keys that an issuer publishes (RFC 7517), kept for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use im_engine::{StoreError, ports::Clock};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use super::{Unauthenticated, bad};

/// Where an issuer's keys are published.
#[async_trait]
pub trait KeySetSource: Send + Sync {
    /// The issuer's JWK set as it is at present, in JSON.
    async fn key_set(&self) -> Result<Vec<u8>, StoreError>;
}

/// An issuer's keys. They are fetched when they are first needed, again when they are not fresh, and at once when a token names
/// a key that is not among them, as after a rotation; but never more often than every 30 s, whatever tokens say.
pub struct PublishedKeys {
    source: Arc<dyn KeySetSource>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default, Clone)]
struct Kept {
    keys: Arc<Vec<Key>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct KeySet {
    /// Read one by one: a set may hold keys of kinds that this API does not know.
    keys: Vec<Value>,
}

impl PublishedKeys {
    /// How long they are used without being fetched again.
    pub const FRESH_FOR: SignedDuration = SignedDuration::from_mins(10);

    /// How long they are used while the issuer does not answer: a key that is revoked meanwhile is believed as long.
    pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(24);

    /// How long nothing is fetched after a fetch.
    pub const AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

    /// Keys of this source.
    pub fn new(source: Arc<dyn KeySetSource>, clock: Arc<dyn Clock>) -> Self {
        Self {
            source,
            clock,
            kept: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The key of this id for this algorithm; without an id, the only one for it.
    pub(super) async fn key(
        &self,
        algorithm: Algorithm,
        id: Option<&str>,
    ) -> Result<DecodingKey, Unauthenticated> {
        if let Some(key) = self.known(algorithm, id) {
            return Ok(key);
        }
        let turn = self.fetching.lock().await;
        // Another request may have fetched them meanwhile.
        if let Some(key) = self.known(algorithm, id) {
            return Ok(key);
        }
        let failed = self.refresh().await.err();
        drop(turn);
        let kept = self.kept().clone();
        let now = self.clock.now();
        match kept.fetched_at {
            Some(at) if now.duration_since(at) < Self::GOOD_FOR => {
                find(&kept.keys, algorithm, id).ok_or_else(|| bad("no such key of the issuer's"))
            }
            _ => Err(Unauthenticated::Unavailable(failed.unwrap_or_else(|| {
                StoreError {
                    tried: "fetch",
                    on: "the issuer's keys".to_owned(),
                    detail: "it failed a moment ago".to_owned(),
                }
            }))),
        }
    }

    /// The key, if the keys are fresh and it is among them.
    fn known(&self, algorithm: Algorithm, id: Option<&str>) -> Option<DecodingKey> {
        let kept = self.kept();
        let age = self.clock.now().duration_since(kept.fetched_at?);
        if age >= Self::FRESH_FOR {
            return None;
        }
        find(&kept.keys, algorithm, id)
    }

    async fn refresh(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let tried = self.kept().tried_at;
        if tried.is_some_and(|at| now.duration_since(at) < Self::AGAIN_AFTER) {
            return Ok(());
        }
        self.kept().tried_at = Some(now);
        let fetched = self.source.key_set().await.and_then(|set| parse(&set));
        match fetched {
            Ok(keys) => {
                let mut kept = self.kept();
                kept.keys = Arc::new(keys);
                kept.fetched_at = Some(now);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(tried = error.tried, on = %error.on, detail = %error.detail, "keeping the keys there are");
                Err(error)
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(keys: &[Key], algorithm: Algorithm, id: Option<&str>) -> Option<DecodingKey> {
    let mut fitting = keys
        .iter()
        .filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
    let first = fitting.next()?;
    // Two could both be meant: a token has to say which.
    fitting.next().is_none().then(|| first.key.clone())
}

fn parse(set: &[u8]) -> Result<Vec<Key>, StoreError> {
    let set: KeySet = serde_json::from_slice(set).map_err(|error| StoreError {
        tried: "read",
        on: "the issuer's keys".to_owned(),
        detail: format!("no JWK set: {error}"),
    })?;
    let keys = set.keys.into_iter();
    let keys = keys.filter_map(|key| usable(&serde_json::from_value(key).ok()?));
    Ok(keys.collect())
}

/// A key that signs RS256 or ES256, and says nothing else of itself.
fn usable(jwk: &Jwk) -> Option<Key> {
    let (algorithm, named) = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    let said = &jwk.common;
    let signs = said
        .public_key_use
        .as_ref()
        .is_none_or(|it| *it == PublicKeyUse::Signature);
    if !signs || said.key_algorithm.is_some_and(|it| it != named) {
        return None;
    }
    Some(Key {
        id: said.key_id.clone(),
        algorithm,
        key: DecodingKey::from_jwk(jwk).ok()?,
    })
}
