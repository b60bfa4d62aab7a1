//! Who we are: a password with each request, or a token that `/oauth_token.do` gives for one (FACTS.md, "Table API").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use im_model::Secret;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value as Json;
use url::form_urlencoded;

use crate::{Connection, VendorError, VendorErrorKind, exchange};

/// How a request says who sends it.
pub(super) struct Login {
    /// The `Authorization` header.
    pub(super) authorization: String,
    /// True if it is a token that was remembered, and may have been revoked since.
    pub(super) remembered: bool,
}

/// Remembers a token, by who it is of.
const TOKEN: &str = "access_token";
/// Remembers what a new token is given for.
const REFRESH: &str = "refresh_token";
/// A token is not used in its last minute.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// Refresh tokens are good for 100 days unless the instance says otherwise; one that is not is forgotten when it fails.
const KEEP_REFRESH: SignedDuration = SignedDuration::from_hours(24 * 30);

/// With `client_id` a token, else user name and password.
pub(super) async fn login(connection: &Connection<'_>, tried: &str) -> Result<Login, VendorError> {
    if connection.credentials.get("client_id").is_some() {
        return token(connection, tried).await;
    }
    let username = exchange::credential(connection, tried, "username")?;
    let password = exchange::credential(connection, tried, "password")?;
    if username.contains(':') {
        let detail =
            "the credential `username` holds a colon, which Basic authentication does not allow";
        return Err(exchange::unsendable(tried, detail));
    }
    let pair = STANDARD.encode(format!("{username}:{password}"));
    Ok(Login {
        authorization: format!("Basic {pair}"),
        remembered: false,
    })
}

/// Forgets the token: it was refused.
pub(super) fn forget(connection: &Connection<'_>) {
    let (memory, integration) = (connection.memory, connection.integration);
    memory.forget(integration, TOKEN, &whose(connection));
}

async fn token(connection: &Connection<'_>, tried: &str) -> Result<Login, VendorError> {
    let client = [
        (
            "client_id",
            exchange::credential(connection, tried, "client_id")?,
        ),
        (
            "client_secret",
            exchange::credential(connection, tried, "client_secret")?,
        ),
    ];
    let (memory, integration) = (connection.memory, connection.integration);
    let whose = whose(connection);
    if let Some(token) = memory.recall(integration, TOKEN, &whose, connection.now) {
        return Ok(bearer(token.reveal(), true));
    }
    if let Some(refresh) = memory.recall(integration, REFRESH, &whose, connection.now) {
        let grant = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.reveal()),
        ];
        match ask(connection, &[&grant[..], &client[..]].concat()).await {
            Ok(granted) => return Ok(remember(connection, &granted)),
            // It is over, or was revoked: log in anew.
            Err(error) if error.kind == VendorErrorKind::Unauthorized => {
                memory.forget(integration, REFRESH, &whose);
            }
            Err(error) => return Err(error),
        }
    }
    let (username, password) = ("username", "password");
    let user = [username, password].map(|name| connection.credentials.get(name));
    let grant = match user {
        [Some(user), Some(secret)] => vec![
            ("grant_type", "password"),
            (username, user.reveal()),
            (password, secret.reveal()),
        ],
        _ => vec![("grant_type", "client_credentials")],
    };
    let granted = ask(connection, &[&grant[..], &client[..]].concat()).await?;
    Ok(remember(connection, &granted))
}

/// A token is an instance's, of a client, and of a user where there is one: whoever changes one of them gets another, and
/// no other host gets to see this one.
fn whose(connection: &Connection<'_>) -> String {
    let name = |name| connection.credentials.get(name).map_or("", Secret::reveal);
    let at = connection.base_url;
    format!("{at} {}/{}", name("client_id"), name("username"))
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    refresh_token: Option<Secret>,
    /// A number, or a text in some versions.
    #[serde(default)]
    expires_in: Json,
}

fn remember(connection: &Connection<'_>, granted: &Granted) -> Login {
    let (memory, integration, now) = (connection.memory, connection.integration, connection.now);
    let whose = whose(connection);
    let seconds = &granted.expires_in;
    let seconds = seconds
        .as_i64()
        .or_else(|| seconds.as_str()?.trim().parse().ok())
        .unwrap_or(0)
        .clamp(0, 86_400);
    let keep = SignedDuration::from_secs(seconds) - MARGIN;
    if keep.is_positive() {
        let token = granted.access_token.clone();
        memory.remember(integration, TOKEN, &whose, token, now, keep);
    }
    if let Some(refresh) = granted.refresh_token.clone().filter(|it| !it.is_empty()) {
        memory.remember(integration, REFRESH, &whose, refresh, now, KEEP_REFRESH);
    }
    bearer(granted.access_token.reveal(), false)
}

fn bearer(token: &str, remembered: bool) -> Login {
    Login {
        authorization: format!("Bearer {token}"),
        remembered,
    }
}

async fn ask(connection: &Connection<'_>, form: &[(&str, &str)]) -> Result<Granted, VendorError> {
    let request = request(connection, form)?;
    let tried = exchange::tried(&request);
    let response = exchange::send(connection, request).await?;
    if !response.status().is_success() {
        return Err(refusal(tried, &response));
    }
    let granted: Granted = exchange::parse(&tried, &response)?;
    if granted.access_token.is_empty() {
        return Err(VendorError {
            tried,
            kind: VendorErrorKind::Garbage,
            detail: "the token is empty".to_owned(),
        });
    }
    Ok(granted)
}

fn request(
    connection: &Connection<'_>,
    form: &[(&str, &str)],
) -> Result<Request<Bytes>, VendorError> {
    let url = exchange::address(connection.base_url, &["oauth_token.do"], &[])?;
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
    exchange::with_body(request, "POST /oauth_token.do", Bytes::from(body))
}

/// A 4xx here is about who we say we are, never about a record: no field is to blame. Only the error's name is quoted,
/// for its description might repeat what was sent.
fn refusal(tried: String, response: &Response<Bytes>) -> VendorError {
    let kind = match response.status() {
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => VendorErrorKind::Unauthorized,
        _ => exchange::kind_of(response, None, exchange::seconds(response, "retry-after")),
    };
    let json: Json = serde_json::from_slice(response.body()).unwrap_or_default();
    let name = json["error"].as_str().unwrap_or_default();
    VendorError {
        tried,
        kind,
        detail: name.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests;
