//! Where the management API is and who we are there: flags, then the environment, then a profile.

use std::{collections::BTreeMap, fmt, fs, io, path::Path, path::PathBuf};

use im_model::Secret;
use reqwest::Url;
use serde::Deserialize;

use crate::{
    cli::Connect,
    failure::{Failed, UsageError},
    secret_input::SecretInput,
};

/// Where `im dev` listens.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8080";
/// The profile that is used when none is named.
const DEFAULT_PROFILE: &str = "default";

/// Where the management API is and who we are there.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its address.
    pub endpoint: Url,
    /// Its bearer token.
    pub token: Option<Secret>,
}

/// One entry of the profile file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    endpoint: Option<String>,
    token: Option<Secret>,
}

/// Puts flags, environment and profile together. The notes are for the user.
pub fn connection(
    flags: &Connect,
    secrets: &mut SecretInput<'_>,
) -> anyhow::Result<(Connection, Vec<String>)> {
    let mut notes = Vec::new();
    let (name, profile) = chosen_profile(flags, secrets, &mut notes)?;
    let endpoint = flags
        .endpoint
        .clone()
        .or_else(|| secrets.variable("IM_ENDPOINT"));
    let own = profile
        .endpoint
        .as_deref()
        .map(parse_endpoint)
        .transpose()?;
    let endpoint = match (endpoint, &own) {
        (Some(endpoint), _) => parse_endpoint(&endpoint)?,
        (None, Some(own)) => own.clone(),
        (None, None) => parse_endpoint(DEFAULT_ENDPOINT)?,
    };
    let given = secrets.read("--api-token", flags.api_token.as_ref(), "IM_TOKEN")?;
    let token = match given {
        Some(given) => Some(given.secret),
        // A token is for the server that issued it: it does not go to another that a flag names.
        None if profile.token.is_some() && own.as_ref().is_some_and(|own| *own != endpoint) => {
            notes.push(format!(
                "the token of profile {name:?} belongs to another endpoint and is not sent to {endpoint}"
            ));
            None
        }
        None => profile.token.filter(|token| !token.is_empty()),
    };
    if token.is_some() && travels_in_the_open(&endpoint) {
        notes.push(format!(
            "the API token travels unencrypted to {endpoint}; use https"
        ));
    }
    Ok((Connection { endpoint, token }, notes))
}

fn chosen_profile(
    flags: &Connect,
    secrets: &SecretInput<'_>,
    notes: &mut Vec<String>,
) -> anyhow::Result<(String, Profile)> {
    let named = flags
        .profile
        .clone()
        .or_else(|| secrets.variable("IM_PROFILE"));
    let name = named.clone().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
    let Some(file) = profile_file(secrets) else {
        return match named {
            None => Ok((name, Profile::default())),
            Some(_) => Err(missing(
                &name,
                &"profiles.json: neither XDG_CONFIG_HOME nor HOME is set",
            )),
        };
    };
    let mut profiles = match fs::read_to_string(&file) {
        Ok(text) => parse_profiles(&text, &file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
        Err(error) => {
            let problem = format!("{} cannot be read: {error}", file.display());
            return Err(Failed::new(problem, "make it readable for you alone (chmod 600)").into());
        }
    };
    match profiles.remove(&name) {
        Some(profile) => {
            if profile.token.is_some() && others_may_read(&file) {
                notes.push(format!(
                    "{} holds a token and others may read it: chmod 600",
                    file.display()
                ));
            }
            Ok((name, profile))
        }
        None if named.is_none() => Ok((name, Profile::default())),
        None => Err(missing(&name, &file.display())),
    }
}

fn missing(name: &str, file: &dyn fmt::Display) -> anyhow::Error {
    let hint = r#"it looks like {"default": {"endpoint": "https://…", "token": "…"}}"#;
    Failed::new(format!("there is no profile {name:?} in {file}"), hint).into()
}

fn profile_file(secrets: &SecretInput<'_>) -> Option<PathBuf> {
    // The XDG specification: a relative path is to be ignored.
    let configured = secrets.variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = configured
        .filter(|folder| folder.is_absolute())
        .or_else(|| {
            secrets
                .variable("HOME")
                .map(|home| PathBuf::from(home).join(".config"))
        })?;
    Some(folder.join("im").join("profiles.json"))
}

fn parse_profiles(text: &str, file: &Path) -> anyhow::Result<BTreeMap<String, Profile>> {
    serde_json::from_str(text).map_err(|error| {
        // Only where: serde's message may quote the value, which may be a token.
        let problem = format!(
            "{} is not a valid profile file (line {}, column {})",
            file.display(),
            error.line(),
            error.column()
        );
        let hint = r#"it looks like {"default": {"endpoint": "https://…", "token": "…"}}"#;
        Failed::new(problem, hint).into()
    })
}

fn parse_endpoint(text: &str) -> anyhow::Result<Url> {
    // The text is not repeated: it may hold a password.
    let wrong = |why: &str| {
        UsageError(format!(
            "the endpoint {why}; expected an address such as {DEFAULT_ENDPOINT}"
        ))
    };
    let mut url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must start with http:// or https://").into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a user name or password (use IM_TOKEN)").into());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must not have a query or fragment").into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

fn travels_in_the_open(endpoint: &Url) -> bool {
    let loopback = endpoint.host_str().is_some_and(|host| {
        let address = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    });
    endpoint.scheme() == "http" && !loopback
}

#[cfg(unix)]
fn others_may_read(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
