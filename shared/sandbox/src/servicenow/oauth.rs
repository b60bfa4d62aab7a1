//! Who asks: Basic, or OAuth with tokens from `/oauth_token.do`.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::state::State;
use crate::edge::json_response;
use crate::parameters::Parameters;

pub(crate) const PATH: &str = "/oauth_token.do";

/// The vendor's default; it says one second less than that.
const ACCESS_SECONDS: i64 = 1800;

/// A hundred days, the vendor's default.
const REFRESH_SECONDS: i64 = 8_640_000;

struct Token {
    user_name: String,
    ends: Timestamp,
}

impl Token {
    fn new(user_name: &str, now: Timestamp, seconds: i64) -> Self {
        let ends = now.saturating_add(SignedDuration::from_secs(seconds));
        Self {
            user_name: user_name.to_owned(),
            ends: ends.unwrap_or(now),
        }
    }
}

/// The tokens in force.
#[derive(Default)]
pub(crate) struct Tokens {
    access: HashMap<String, Token>,
    refresh: HashMap<String, Token>,
}

impl Tokens {
    pub(crate) fn revoke(&mut self) {
        self.access.clear();
        self.refresh.clear();
    }
}

fn holder(tokens: &HashMap<String, Token>, given: &str, now: Timestamp) -> Option<String> {
    let token = tokens.get(given).filter(|token| now < token.ends)?;
    Some(token.user_name.clone())
}

/// The user name behind a request.
pub(crate) fn authenticated(state: &mut State, headers: &HeaderMap) -> Result<String, Refusal> {
    let now = state.surroundings.now();
    let given = headers.get(header::AUTHORIZATION);
    let given = given.and_then(|given| given.to_str().ok());
    let user = given
        .and_then(|given| given.split_once(' '))
        .and_then(|(scheme, rest)| {
            if scheme.eq_ignore_ascii_case("basic") {
                basic(state, rest)
            } else if scheme.eq_ignore_ascii_case("bearer") {
                holder(&state.tokens.access, rest, now)
            } else {
                None
            }
        });
    let known = user.filter(|user| state.user("user_name", user).is_some());
    known.ok_or_else(Refusal::unauthenticated)
}

fn basic(state: &State, encoded: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user_name, password) = text.split_once(':')?;
    fits(state, user_name, password).then(|| user_name.to_owned())
}

fn fits(state: &State, user_name: &str, password: &str) -> bool {
    let mut logins = state.config.logins.iter();
    logins.any(|login| login.user_name == user_name && login.password == password)
}

/// Answers `POST /oauth_token.do`.
pub(crate) fn respond(state: &mut State, request: &Request<Bytes>) -> Response<Bytes> {
    let form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if request.method() != Method::POST || !form {
        return Refusal::no_resource().into_response();
    }
    match grant(state, &Parameters::parse(request.body())) {
        Some(body) => json_response(StatusCode::OK, &body),
        None => {
            let body = json!({"error": "server_error", "error_description": "access_denied"});
            json_response(StatusCode::UNAUTHORIZED, &body)
        }
    }
}

fn grant(state: &mut State, form: &Parameters) -> Option<Value> {
    let now = state.surroundings.now();
    let client = state.config.oauth.as_ref()?;
    let given = |name| form.one(name).unwrap_or_default();
    if given("client_id") != client.client_id || given("client_secret") != client.client_secret {
        return None;
    }
    let (user_name, refresh) = match given("grant_type") {
        "client_credentials" => (client.user_name.clone(), None),
        "password" => {
            let (user_name, password) = (given("username"), given("password"));
            fits(state, user_name, password).then_some(())?;
            (user_name.to_owned(), Some(token(state)))
        }
        "refresh_token" => {
            let refresh = given("refresh_token");
            let user_name = holder(&state.tokens.refresh, refresh, now)?;
            (user_name, Some(refresh.to_owned()))
        }
        _ => return None,
    };
    let access = token(state);
    let tokens = &mut state.tokens;
    let issued = Token::new(&user_name, now, ACCESS_SECONDS);
    tokens.access.insert(access.clone(), issued);
    let mut body = json!({
        "access_token": access,
        "scope": "useraccount",
        "token_type": "Bearer",
        "expires_in": ACCESS_SECONDS - 1,
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
        let issued = Token::new(&user_name, now, REFRESH_SECONDS);
        tokens.refresh.entry(refresh).or_insert(issued);
    }
    Some(body)
}

fn token(state: &mut State) -> String {
    let ids = &mut state.surroundings.ids;
    format!("{}{}", ids.hex(), ids.hex())
}
