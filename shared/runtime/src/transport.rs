//! Requests to vendors: bounded in time, size and reach, never redirected.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use im_vendors::{Reach, Transport, TransportError};
use rustls::RootCertStore;
use url::Url;

use crate::{
    MissingSetting, Settings,
    egress::{GuardedResolver, Lookup, NotAllowed, SystemLookup},
    roots,
};

/// Why there is no way to vendors.
#[derive(Debug, thiserror::Error)]
pub enum NoTransport {
    /// It is not as it must be whom to trust.
    #[error(transparent)]
    Roots(#[from] MissingSetting),
    /// The TLS configuration cannot be built.
    #[error("no TLS: {0}")]
    Tls(#[from] reqwest::Error),
}

/// Sends requests with reqwest.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    resolver: GuardedResolver,
    most_bytes: usize,
}

impl HttpTransport {
    /// The longest that a vendor may hold a request; a claim's lease counts on it.
    pub const TIMEOUT: Duration = Duration::from_secs(3);
    /// The same of a page of many records, which nobody waits for with a claim in hand.
    pub const LISTING_TIMEOUT: Duration = Duration::from_secs(20);
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
    const MOST_BYTES: usize = 8 * 1024 * 1024;
    const MOST_LISTED_BYTES: usize = 32 * 1024 * 1024;

    /// A transport with connections of its own.
    ///
    /// # Errors
    /// The TLS configuration cannot be built.
    pub fn new(reach: Reach) -> Result<Self, reqwest::Error> {
        Self::resolving_by(Arc::new(SystemLookup), reach)
    }

    /// The same, which resolves names by somebody else's word.
    ///
    /// # Errors
    /// The TLS configuration cannot be built.
    pub fn resolving_by(lookup: Arc<dyn Lookup>, reach: Reach) -> Result<Self, reqwest::Error> {
        let resolver = GuardedResolver { reach, lookup };
        let roots = roots::built_in();
        Self::bounded(resolver, roots, Self::TIMEOUT, Self::MOST_BYTES)
    }

    /// One that trusts whom the settings say.
    pub fn from_settings(reach: Reach, settings: &Settings) -> Result<Self, NoTransport> {
        Self::trusting(reach, settings, Self::TIMEOUT, Self::MOST_BYTES)
    }

    /// The same for pages of many records.
    pub fn for_listings(reach: Reach, settings: &Settings) -> Result<Self, NoTransport> {
        let (timeout, most_bytes) = (Self::LISTING_TIMEOUT, Self::MOST_LISTED_BYTES);
        Self::trusting(reach, settings, timeout, most_bytes)
    }

    fn trusting(
        reach: Reach,
        settings: &Settings,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<Self, NoTransport> {
        let resolver = GuardedResolver::by_system(reach);
        let roots = settings.vendor_roots()?;
        Ok(Self::bounded(resolver, roots, timeout, most_bytes)?)
    }

    fn bounded(
        resolver: GuardedResolver,
        roots: RootCertStore,
        timeout: Duration,
        most_bytes: usize,
    ) -> Result<Self, reqwest::Error> {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = rustls::ClientConfig::builder();
        let mut tls = tls.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(Self::CONNECT_TIMEOUT)
            // A redirect could lead anywhere, with our credentials.
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .tls_backend_preconfigured(tls)
            .dns_resolver(resolver.clone())
            .user_agent(concat!("im/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            resolver,
            most_bytes,
        })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(|error| reason(&error))?;
        // An address that is written out is never resolved.
        if let Some(why) = self.resolver.reach.refuses(request.url()) {
            return Err(out_of_reach(request.url(), &why));
        }
        let url = request.url().clone();
        let sent = self.client.execute(request).await;
        let mut answer = sent.map_err(|error| match not_allowed(&error) {
            Some(NotAllowed(why)) => out_of_reach(&url, why),
            None => reason(&error),
        })?;
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
            if body.len() + chunk.len() > self.most_bytes {
                return Err(TransportError::BrokenOff(
                    "the answer is too large".to_owned(),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        Ok(response)
    }

    /// A name that cannot be resolved now is let through: what it leads to is looked at again at every connection.
    async fn refuses(&self, url: &Url) -> Option<String> {
        if let Some(why) = self.resolver.reach.refuses(url) {
            return Some(why);
        }
        let name = url.domain()?;
        let lookup = self.resolver.lookup.addresses(name);
        let found = tokio::time::timeout(Self::CONNECT_TIMEOUT, lookup).await;
        self.resolver.reach.refuses_resolved(&found.ok()?.ok()?)
    }
}

/// Of the URL only whom it is to: a query may hold what is nobody's business.
fn out_of_reach(url: &Url, why: &str) -> TransportError {
    let to = url.origin().ascii_serialization();
    TransportError::OutOfReach(format!("{to} {why}"))
}

/// What our own resolver said, wherever it is wrapped in.
fn not_allowed(error: &reqwest::Error) -> Option<&NotAllowed> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// Only what kind of failure: a reqwest error quotes the whole URL.
fn reason(error: &reqwest::Error) -> TransportError {
    if error.is_timeout() {
        TransportError::Timeout
    } else if error.is_connect() || error.is_builder() {
        TransportError::Unreachable("connection failed".to_owned())
    } else {
        TransportError::BrokenOff("no complete answer".to_owned())
    }
}
