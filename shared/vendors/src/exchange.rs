//! One exchange with a vendor: what is the same for all of them.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Builder,
    uri::Authority,
};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use url::Url;

use crate::{Connection, TransportError, VendorError, VendorErrorKind, redact, vendor_clock};

/// Sends a request; an answer of any status is an answer, and says what time it is there, and how many
/// requests the vendor still takes.
pub(crate) async fn send(
    connection: &Connection<'_>,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, VendorError> {
    let tried = tried(&request);
    let (memory, integration) = (connection.memory, connection.integration);
    if !is_at(connection.base_url, request.uri()) {
        return Err(unsendable(&tried, "it would leave the host of base_url"));
    }
    let asked = request.uri().clone();
    memory.note_request(integration);
    let authorization = request.headers().get(header::AUTHORIZATION).cloned();
    let answer = connection.transport.send(request).await.map_err(|error| {
        let kind = match error {
            TransportError::Timeout | TransportError::BrokenOff(_) => VendorErrorKind::Timeout,
            TransportError::Unreachable(_) => VendorErrorKind::Unreachable,
            TransportError::OutOfReach(_) => VendorErrorKind::OutOfReach,
        };
        VendorError {
            tried: tried.clone(),
            kind,
            detail: error.to_string(),
        }
    })?;
    if let Some(dated) = vendor_clock::dated(answer.headers()) {
        memory.note_clock(integration, dated, connection.now);
    }
    memory.note_budget(integration, &answer, connection.now);
    if answer.status().is_redirection() {
        return Err(redirected(tried, &asked, &answer));
    }
    let (credentials, sent) = (connection.credentials, authorization.as_ref());
    Ok(redact::without_credentials(answer, credentials, sent))
}

/// Every request carries credentials: none goes to another host than they were given for, whatever an answer says.
fn is_at(base_url: &Url, uri: &Uri) -> bool {
    let authority = uri.authority().map(Authority::as_str);
    uri.scheme_str() == Some(base_url.scheme()) && authority == Some(base_url.authority())
}

/// Only where to: a path or query that somebody else makes up may hold anything.
fn redirected(tried: String, asked: &Uri, answer: &Response<Bytes>) -> VendorError {
    let location = answer.headers().get(header::LOCATION);
    let location = location.and_then(|location| location.to_str().ok());
    let asked = Url::parse(&asked.to_string()).ok();
    let target = location.and_then(|location| asked.as_ref()?.join(location).ok());
    let origin = target.map(|target| target.origin().ascii_serialization());
    VendorError {
        tried,
        kind: VendorErrorKind::Redirected {
            status: answer.status().as_u16(),
        },
        detail: origin.map_or_else(String::new, |origin| format!("to {origin}")),
    }
}

/// Method and path, as errors name a request: a query may hold what is nobody's business.
pub(crate) fn tried(request: &Request<Bytes>) -> String {
    format!("{} {}", request.method(), request.uri().path())
}

/// Parses the body of a success.
pub(crate) fn parse<T: DeserializeOwned>(
    tried: &str,
    response: &Response<Bytes>,
) -> Result<T, VendorError> {
    serde_json::from_slice(response.body()).map_err(|error| VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Garbage,
        detail: format!(
            "{} with a body that is not as documented: {error}",
            response.status()
        ),
    })
}

/// What an answer's status means, where the vendor does not mean something else by it.
pub(crate) fn kind_of<B>(
    response: &Response<B>,
    code: Option<i64>,
    retry_after: Option<SignedDuration>,
) -> VendorErrorKind {
    match response.status() {
        StatusCode::UNAUTHORIZED => VendorErrorKind::Unauthorized,
        StatusCode::FORBIDDEN => VendorErrorKind::Forbidden,
        StatusCode::NOT_FOUND => VendorErrorKind::NotFound,
        StatusCode::TOO_MANY_REQUESTS => VendorErrorKind::RateLimited { retry_after },
        StatusCode::REQUEST_TIMEOUT => VendorErrorKind::Timeout,
        status if status.is_client_error() => VendorErrorKind::Refused {
            status: status.as_u16(),
            code,
        },
        status if status.is_server_error() => VendorErrorKind::Unavailable {
            status: status.as_u16(),
        },
        // No API answer.
        _ => VendorErrorKind::Garbage,
    }
}

/// A header that counts seconds.
pub(crate) fn seconds<B>(response: &Response<B>, name: &str) -> Option<SignedDuration> {
    let text = response.headers().get(name)?.to_str().ok()?;
    let seconds: u32 = text.trim().parse().ok()?;
    Some(SignedDuration::from_secs(i64::from(seconds)))
}

/// `base_url` with these path segments and this query, both encoded.
pub(crate) fn address(
    base_url: &Url,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Url, VendorError> {
    let mut url = base_url.clone();
    url.path_segments_mut()
        .map_err(|()| {
            unsendable(
                &format!("/{}", path.join("/")),
                "base_url cannot have a path",
            )
        })?
        .pop_if_empty()
        .extend(path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// A request builder with an `Authorization` header that no log shows.
pub(crate) fn authorized(method: &Method, url: &Url, authorization: &str) -> Builder {
    let mut request = Request::builder().method(method).uri(url.as_str());
    if let Ok(mut value) = HeaderValue::try_from(authorization) {
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    } else {
        // Makes the request fail to build, without quoting the credential.
        request = request.header("\n", "");
    }
    request
}

/// Finishes a request.
pub(crate) fn with_body(
    builder: Builder,
    tried: &str,
    body: Bytes,
) -> Result<Request<Bytes>, VendorError> {
    // An `http::Error` may quote a header's value: only say which kind of thing is wrong.
    builder.body(body).map_err(|_| {
        unsendable(
            tried,
            "a credential or the address holds characters that HTTP does not allow",
        )
    })
}

/// Something is not configured, or can never be sent.
pub(crate) fn unsendable(tried: &str, detail: &str) -> VendorError {
    VendorError {
        tried: tried.to_owned(),
        kind: VendorErrorKind::Unsendable { field: None },
        detail: detail.to_owned(),
    }
}

/// A credential by name.
pub(crate) fn credential<'a>(
    connection: &Connection<'a>,
    tried: &str,
    name: &str,
) -> Result<&'a str, VendorError> {
    let found = connection.credentials.get(name);
    found
        .map(im_model::Secret::reveal)
        .ok_or_else(|| unsendable(tried, &format!("the credential `{name}` is not set")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stay_at_the_host_they_were_given_for() {
        let base_url = Url::parse("https://acme.example:8443/api").expect("a URL");
        let is_at = |uri: &str| is_at(&base_url, &uri.parse().expect("a URI"));
        let own = address(&base_url, &["a", "b"], &[("c", "d")]).expect("an address");
        assert!(is_at(own.as_str()));
        for elsewhere in [
            "https://acme.example/api/a",
            "http://acme.example:8443/api/a",
            "https://acme.example:8444/api/a",
            "https://acme.example.evil.example:8443/api/a",
            "https://acme.example:8443@evil.example/api/a",
            "https://evil.example/?acme.example:8443",
            "/api/a",
        ] {
            assert!(!is_at(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn a_redirect_tells_where_to_and_what_to_correct() {
        let asked = "https://acme.example/api/a?b=c".parse().expect("a URI");
        let text = |location: Option<&str>| {
            let mut answer = Response::builder().status(302);
            if let Some(location) = location {
                answer = answer.header("location", location);
            }
            let answer = answer.body(Bytes::new()).expect("an answer");
            redirected("GET /api/a".to_owned(), &asked, &answer).to_string()
        };
        let advice = "redirects are not followed; correct the integration's base_url";
        for (location, expected) in [
            (
                Some("https://evil.example/?token=x"),
                ": to https://evil.example",
            ),
            (Some("/login?next=x"), ": to https://acme.example"),
            (
                Some("//evil.example:8443/x"),
                ": to https://evil.example:8443",
            ),
            (Some("https://"), ""),
            (None, ""),
        ] {
            let expected = format!("GET /api/a: redirected (302){expected}; {advice}");
            assert_eq!(text(location), expected);
        }
    }
}
