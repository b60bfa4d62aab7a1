//! Requests to vendors: bounded in time and size, never redirected.

use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use im_vendors::{Transport, TransportError};

/// Sends requests with reqwest.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
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
    pub fn new() -> Result<Self, reqwest::Error> {
        Self::bounded(Self::TIMEOUT, Self::MOST_BYTES)
    }

    /// One for pages of many records.
    ///
    /// # Errors
    /// The TLS configuration cannot be built.
    pub fn for_listings() -> Result<Self, reqwest::Error> {
        Self::bounded(Self::LISTING_TIMEOUT, Self::MOST_LISTED_BYTES)
    }

    fn bounded(timeout: Duration, most_bytes: usize) -> Result<Self, reqwest::Error> {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(Self::CONNECT_TIMEOUT)
            // A redirect could lead anywhere, with our credentials.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("im/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, most_bytes })
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(|error| reason(&error))?;
        let mut answer = self
            .client
            .execute(request)
            .await
            .map_err(|error| reason(&error))?;
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
