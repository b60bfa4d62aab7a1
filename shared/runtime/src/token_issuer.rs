//! Whose tokens the management API accepts, from the environment.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use im_api::{Expected, KeySetSource, PublishedKeys, TokenAuthenticator};
use im_engine::{StoreError, ports::Clock};
use im_vendors::{Reach, Transport};
use serde::Deserialize;

use crate::{KeyInVault, MissingSetting, SecretsManagerVault, Settings};

/// What verifies tokens, as the settings say: under an issuer's published keys, under a shared key, or both.
pub(crate) fn authenticator(
    settings: &Settings,
    vault: SecretsManagerVault,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<TokenAuthenticator, MissingSetting> {
    let (issuer, shared_key) = (settings.token_issuer()?, settings.api_key_secret());
    if issuer.is_none() && shared_key.is_none() {
        let problem = "must be set, or API_JWT_SECRET_ID for a shared key: no token can be verified otherwise";
        return Err(MissingSetting::new("API_JWT_ISSUER", problem));
    }
    let mut authenticator = TokenAuthenticator::new(clock.clone());
    if let Some(secret_id) = shared_key {
        let key = Arc::new(KeyInVault::new(vault, secret_id));
        let expected = Expected {
            issuer: None,
            audience: issuer.as_ref().map(|issuer| issuer.audience.clone()),
        };
        authenticator = authenticator.trusting_key(key, expected);
    }
    if let Some(TokenIssuer {
        issuer,
        audience,
        key_set,
    }) = issuer
    {
        let source = HttpKeySet {
            transport,
            issuer: issuer.clone(),
            key_set,
        };
        let keys = PublishedKeys::new(Arc::new(source), clock);
        authenticator = authenticator.trusting_issuer(keys, issuer, audience);
    }
    Ok(authenticator)
}

/// Who signs the tokens of the management API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenIssuer {
    /// Their `iss`, word for word.
    pub(crate) issuer: String,
    /// One of their `aud`.
    pub(crate) audience: String,
    /// Where its keys are; asked of the issuer if `None` (`OpenID` Connect Discovery).
    pub(crate) key_set: Option<String>,
}

impl Settings {
    /// `API_JWT_ISSUER`, and with it `API_JWT_AUDIENCE` and, unless the issuer tells, `API_JWT_JWKS_URL`.
    pub(crate) fn token_issuer(&self) -> Result<Option<TokenIssuer>, MissingSetting> {
        let Some(issuer) = self.optional("API_JWT_ISSUER") else {
            return Ok(None);
        };
        let audience = self.required("API_JWT_AUDIENCE")?;
        let key_set = self.optional("API_JWT_JWKS_URL");
        let urls = [
            ("API_JWT_ISSUER", Some(&issuer)),
            ("API_JWT_JWKS_URL", key_set.as_ref()),
        ];
        for (name, url) in urls {
            if url.is_some_and(|url| !self.is_trustworthy(url)) {
                return Err(MissingSetting::new(name, "must be an https URL"));
            }
        }
        Ok(Some(TokenIssuer {
            issuer,
            audience,
            key_set,
        }))
    }

    /// Keys from a plain connection could be anybody's, but on this machine.
    fn is_trustworthy(&self, url: &str) -> bool {
        let is_local =
            || url.starts_with("http://127.0.0.1:") && self.reach() == Reach::PublicAndThisMachine;
        url.starts_with("https://") || is_local()
    }
}

/// An issuer's keys over HTTP.
struct HttpKeySet {
    transport: Arc<dyn Transport>,
    issuer: String,
    key_set: Option<String>,
}

/// What is read of an issuer's configuration (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovered {
    issuer: String,
    jwks_uri: String,
}

impl HttpKeySet {
    async fn get(&self, url: &str) -> Result<Bytes, StoreError> {
        let request = http::Request::get(url)
            .header(http::header::ACCEPT, "application/json")
            .body(Bytes::new());
        let request = request.map_err(|error| failed(url, error.to_string()))?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|error| failed(url, error.to_string()))?;
        if answer.status() != http::StatusCode::OK {
            return Err(failed(url, format!("it answered {}", answer.status())));
        }
        Ok(answer.into_body())
    }

    async fn discovered(&self) -> Result<String, StoreError> {
        let issuer = self.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let document = self.get(&url).await?;
        let document: Discovered = serde_json::from_slice(&document)
            .map_err(|error| failed(&url, format!("no configuration of an issuer: {error}")))?;
        // Section 4.3: it must be the same, word for word.
        if document.issuer != self.issuer {
            let detail = "it is the configuration of another issuer: API_JWT_ISSUER must be its `issuer`, word for word";
            return Err(failed(&url, detail.to_owned()));
        }
        // Keys from a plain connection could be anybody's.
        if self.issuer.starts_with("https:") && !document.jwks_uri.starts_with("https:") {
            return Err(failed(&url, "its `jwks_uri` is no https URL".to_owned()));
        }
        Ok(document.jwks_uri)
    }
}

#[async_trait]
impl KeySetSource for HttpKeySet {
    async fn key_set(&self) -> Result<Vec<u8>, StoreError> {
        let url = match &self.key_set {
            Some(url) => url.clone(),
            None => self.discovered().await?,
        };
        Ok(self.get(&url).await?.to_vec())
    }
}

fn failed(url: &str, detail: String) -> StoreError {
    StoreError {
        tried: "fetch the keys of the tokens' issuer",
        on: url.to_owned(),
        detail,
    }
}
