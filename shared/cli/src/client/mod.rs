//! The management API over HTTP.

mod error;

use std::{error::Error, time::Duration};

use im_model::Secret;
use reqwest::{
    Method, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_MATCH},
    redirect,
};
use serde::Deserialize as _;
use serde_json::Value;

use crate::profile::Connection;

#[cfg(test)]
pub use error::FieldProblem;
pub use error::{ClientError, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// A caller of the management API.
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    with_token: bool,
}

impl Client {
    /// A caller of the API at this connection.
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        // An error says that it was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::from_iter([(
            ACCEPT,
            HeaderValue::from_static("application/json, application/problem+json"),
        )]);
        let with_token = connection.token.is_some();
        if let Some(token) = &connection.token {
            headers.insert(AUTHORIZATION, bearer(token)?);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("im/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            // The API never redirects; following one would turn a POST into a GET.
            .redirect(redirect::Policy::none());
        if connection.endpoint.scheme() == "http" {
            // Nothing to verify: do not read this machine's root certificates (nor fail where there are none).
            builder = builder.tls_certs_only(std::iter::empty());
        }
        let http = builder.build().map_err(|error| {
            ClientError::Setup(format!("cannot set up TLS: {}", causes(&error)))
        })?;
        Ok(Self {
            http,
            endpoint: connection.endpoint,
            with_token,
        })
    }

    /// Reads.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, ClientError> {
        let url = self.url_with(path, query)?;
        self.send(self.http.request(Method::GET, url)).await
    }

    /// Reads, with the version that was read.
    pub async fn get_versioned(&self, path: &[&str]) -> Result<(Value, Option<u64>), ClientError> {
        let request = self.http.request(Method::GET, self.url(path)?);
        let (value, headers) = self.answer(request).await?;
        let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
        let version = tag.and_then(|tag| tag.trim_matches('"').parse().ok());
        Ok((value, version))
    }

    /// Removes.
    pub async fn delete(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, ClientError> {
        let url = self.url_with(path, query)?;
        self.send(self.http.request(Method::DELETE, url)).await
    }

    /// Creates.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<Value, ClientError> {
        // Named, so that sending it again after a lost answer would create nothing.
        let name = ulid::Ulid::new().to_string();
        let request = self
            .http
            .request(Method::POST, self.url(path)?)
            .header("idempotency-key", name);
        self.send(with_body(request, body)).await
    }

    /// Acts on what exists; with `if_match` only on the version that the caller has seen.
    pub async fn post_to_version(
        &self,
        path: &[&str],
        body: &Value,
        if_match: Option<u64>,
    ) -> Result<Value, ClientError> {
        let request = with_body(self.http.request(Method::POST, self.url(path)?), body);
        self.send(about_version(request, if_match)).await
    }

    /// Changes; with `if_match` only the version that the caller has seen.
    pub async fn patch(
        &self,
        path: &[&str],
        body: &Value,
        if_match: Option<u64>,
    ) -> Result<Value, ClientError> {
        let request = with_body(self.http.request(Method::PATCH, self.url(path)?), body);
        self.send(about_version(request, if_match)).await
    }

    /// Replaces; with `if_match` only the version that the caller has seen.
    pub async fn put(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: &Value,
        if_match: Option<u64>,
    ) -> Result<Value, ClientError> {
        let url = self.url_with(path, query)?;
        let mut request = with_body(self.http.request(Method::PUT, url), body);
        if let Some(version) = if_match {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        self.send(request).await
    }

    /// An answer that is not what the API's description says.
    pub fn unreadable(&self, what: impl Into<String>) -> ClientError {
        let endpoint = self.endpoint.to_string();
        ClientError::Unreadable {
            endpoint,
            status: StatusCode::OK,
            what: what.into(),
        }
    }

    fn url_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, ClientError> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    fn url(&self, path: &[&str]) -> Result<Url, ClientError> {
        let mut url = self.endpoint.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Setup("the endpoint cannot have a path".to_owned()))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(path);
        Ok(url)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, ClientError> {
        let (value, _) = self.answer(request).await?;
        Ok(value)
    }

    async fn answer(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<(Value, HeaderMap), ClientError> {
        let response = request
            .send()
            .await
            .map_err(|error| self.no_answer(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.no_answer(&error))?;
        let parsed: Option<Value> = serde_json::from_slice(&body).ok();
        if !status.is_success() {
            return Err(self.refused(status, parsed));
        }
        let parsed = parsed.ok_or_else(|| ClientError::Unreadable {
            endpoint: self.endpoint.to_string(),
            status,
            what: "not with JSON".to_owned(),
        })?;
        Ok((parsed, headers))
    }

    fn refused(&self, status: StatusCode, body: Option<Value>) -> ClientError {
        let problem = body.and_then(|body| Problem::deserialize(body).ok());
        let mut problem = problem.unwrap_or_default();
        let endpoint = self.endpoint.to_string();
        if problem.title.is_empty() && status == StatusCode::NOT_FOUND {
            // Whoever answered is not the API: it must not count as "there is no such thing".
            let what = "not as the management API does".to_owned();
            return ClientError::Unreadable {
                endpoint,
                status,
                what,
            };
        }
        if problem.title.is_empty() {
            problem.title = format!("{endpoint} answered {status}");
        }
        ClientError::Refused {
            status,
            problem,
            with_token: self.with_token,
        }
    }

    fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        let endpoint = self.endpoint.to_string();
        if error.is_timeout() && !error.is_connect() {
            ClientError::TimedOut { endpoint }
        } else if error.is_builder() {
            ClientError::Setup(format!("cannot make the request: {}", causes(error)))
        } else {
            ClientError::Unreachable {
                endpoint,
                cause: causes(error),
            }
        }
    }
}

fn about_version(request: reqwest::RequestBuilder, seen: Option<u64>) -> reqwest::RequestBuilder {
    match seen {
        Some(version) => request.header(IF_MATCH, format!("\"{version}\"")),
        None => request,
    }
}

fn with_body(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

fn bearer(token: &Secret) -> Result<HeaderValue, ClientError> {
    let text = token.reveal();
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem =
            "the API token has characters that no token has (a blank or line break, perhaps)";
        return Err(ClientError::Setup(problem.to_owned()));
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
        .map_err(|_| ClientError::Setup("the API token cannot be sent in a header".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost cause: the outer ones only say that sending failed.
fn causes(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests;
