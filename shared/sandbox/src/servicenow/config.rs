//! The instance a stand-in starts with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::HeaderName;

use super::choices;
use super::webhook::Encoding;
use crate::clock::{Clock, SystemClock};

/// Everything a [`super::ServiceNow`] is built from.
#[derive(Clone)]
pub struct ServiceNowConfig {
    /// Who may use the REST API, by user name and password.
    pub logins: Vec<Login>,
    /// The OAuth client it knows; without one, no token is issued.
    pub oauth: Option<OauthClient>,
    /// How its Business Rule signs webhooks.
    pub signing: Signing,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The same seed gives the same ids.
    pub seed: u64,
    /// The rate limit rule: requests per hour and user.
    pub requests_per_hour: u32,
    /// Where links lead when a request names no host.
    pub instance_url: String,
    /// People, the API's users among them.
    pub users: Vec<User>,
    /// Assignment groups.
    pub groups: Vec<Group>,
    /// The close codes an incident can be resolved or closed with.
    pub close_codes: Vec<String>,
    /// Columns added to the incident.
    pub custom_columns: Vec<CustomColumn>,
    /// Other lengths of text columns than the vendor's (`short_description` 160, `description`
    /// 4000), in characters.
    pub max_lengths: BTreeMap<String, usize>,
    /// Mandatory columns beside the vendor's.
    pub data_policies: Vec<DataPolicy>,
    /// Whether a closed incident refuses writes by REST.
    pub closed_is_read_only: bool,
    /// Tables that the REST users may not read.
    pub unreadable_tables: BTreeSet<String>,
    /// Whether the REST users may not write incidents.
    pub incident_is_read_only: bool,
}

impl ServiceNowConfig {
    /// A small instance: Olga, Ann and Bob, two groups, and a REST user with this name and password.
    pub fn demo(
        username: impl Into<String>,
        password: impl Into<String>,
        webhook_secret: impl Into<String>,
    ) -> Self {
        let user_name = username.into();
        let mut users = demo_users();
        users.push(User {
            sys_id: user_id(9),
            user_name: user_name.clone(),
            name: "IM Sync".to_owned(),
            email: "im.sync@example.com".to_owned(),
        });
        let group = |number: u8, name: &str| Group {
            sys_id: format!("287ebd7da9fe198100f92cc8d1d2150{number}"),
            name: name.to_owned(),
        };
        Self {
            logins: vec![Login {
                user_name,
                password: password.into(),
            }],
            oauth: None,
            signing: Signing::hex(webhook_secret),
            clock: Arc::new(SystemClock),
            seed: 1,
            requests_per_hour: 100_000,
            instance_url: "https://instance.servicenow.com".to_owned(),
            users,
            groups: vec![group(1, "Service Desk"), group(2, "Database")],
            close_codes: choices::CLOSE_CODES
                .iter()
                .map(|&code| code.to_owned())
                .collect(),
            custom_columns: Vec::new(),
            max_lengths: BTreeMap::new(),
            data_policies: Vec::new(),
            closed_is_read_only: false,
            unreadable_tables: BTreeSet::new(),
            incident_is_read_only: false,
        }
    }

    /// The same instance with an OAuth client that acts as `im.sync`, and no password.
    pub fn demo_oauth(
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
        webhook_secret: impl Into<String>,
    ) -> Self {
        let user_name = "im.sync".to_owned();
        let mut config = Self::demo(user_name.clone(), String::new(), webhook_secret);
        config.logins.clear();
        config.oauth = Some(OauthClient {
            client_id: client_id.into(),
            client_secret: client_secret.into(),
            user_name,
        });
        config
    }

    /// The same, with this clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The same, with this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }
}

/// A user's password.
#[derive(Clone)]
pub struct Login {
    /// Of one of the users.
    pub user_name: String,
    /// The password.
    pub password: String,
}

/// An OAuth client.
#[derive(Clone)]
pub struct OauthClient {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// As whom it acts with the grant `client_credentials`.
    pub user_name: String,
}

/// How the Business Rule signs.
#[derive(Clone)]
pub struct Signing {
    /// The key is the bytes of this text.
    pub secret: String,
    /// The header that carries the signature.
    pub header: HeaderName,
    /// How the digest is written.
    pub encoding: Encoding,
    /// Whether `sha256=` stands before it.
    pub prefixed: bool,
}

impl Signing {
    /// `X-ServiceNow-Signature: sha256=<hex>`.
    pub fn hex(secret: impl Into<String>) -> Self {
        Self {
            secret: secret.into(),
            header: HeaderName::from_static("x-servicenow-signature"),
            encoding: Encoding::Hex,
            prefixed: true,
        }
    }
}

/// A row of `sys_user`.
#[derive(Clone, Debug)]
pub struct User {
    /// 32 hexadecimal digits.
    pub sys_id: String,
    /// The login.
    pub user_name: String,
    /// Full name.
    pub name: String,
    /// E-mail.
    pub email: String,
}

/// A row of `sys_user_group`.
#[derive(Clone, Debug)]
pub struct Group {
    /// 32 hexadecimal digits.
    pub sys_id: String,
    /// Its name.
    pub name: String,
}

/// A column that an administrator added.
#[derive(Clone, Debug)]
pub struct CustomColumn {
    /// `u_…`.
    pub name: String,
    /// What it holds.
    pub kind: ColumnType,
    /// In characters; for text.
    pub max_length: usize,
}

impl CustomColumn {
    /// A text column of this length.
    pub fn text(name: impl Into<String>, max_length: usize) -> Self {
        Self {
            name: name.into(),
            kind: ColumnType::Text,
            max_length,
        }
    }
}

/// What a custom column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD HH:MM:SS`.
    DateTime,
}

/// Columns that an incident must have in a state.
#[derive(Clone, Debug)]
pub struct DataPolicy {
    /// The state's value.
    pub state: String,
    /// The columns.
    pub mandatory: Vec<String>,
}

fn user_id(number: u8) -> String {
    format!("46c6f9efa9fe198101ddf5eed9adf60{number}")
}

fn demo_users() -> Vec<User> {
    let user = |number: u8, user_name: &str, name: &str, email: &str| User {
        sys_id: user_id(number),
        user_name: user_name.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
    };
    vec![
        user(1, "olga.oncall", "Olga Oncall", "oncall@example.com"),
        user(2, "ann.example", "Ann Example", "ann@example.com"),
        user(3, "bob.example", "Bob Example", "bob@example.com"),
    ]
}
