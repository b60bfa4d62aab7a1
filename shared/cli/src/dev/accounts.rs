//! What the demo's accounts are opened with. With a data folder it is kept there, like the integrations' credentials.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context as _;
use im_local::private_file;
use serde::{Deserialize, Serialize};

const FILE: &str = "sandboxes.json";

/// Credentials, the seed of the vendors' ids, and where the vendors were found. Never shown.
#[derive(Clone, Serialize, Deserialize)]
pub struct Accounts {
    pub token: String,
    pub password: String,
    pub api_key: String,
    pub client_key: String,
    pub pagerduty_secret: String,
    pub servicenow_secret: String,
    pub jira_secret: String,
    pub seed: u64,
    /// By integration: the port it was served at last.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
}

impl Accounts {
    /// Accounts that nobody has yet.
    pub fn new() -> Self {
        let [token, password, api_key, client_key] = std::array::from_fn(|_| random());
        let [pagerduty_secret, servicenow_secret, jira_secret] = std::array::from_fn(|_| random());
        Self {
            token,
            password,
            api_key,
            client_key,
            pagerduty_secret,
            servicenow_secret,
            jira_secret,
            // A seed of its own: ids of an earlier run may be in the tables.
            seed: u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default(),
            ports: BTreeMap::new(),
        }
    }

    /// Those of an earlier run in this folder, if there was one.
    pub fn kept_in(folder: &Path) -> anyhow::Result<Option<Self>> {
        let file = folder.join(FILE);
        match fs::read(&file) {
            // A parser's error may quote what it read.
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| anyhow::anyhow!("{} is not as im dev wrote it", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| file.display().to_string()),
        }
    }

    /// Keeps them in this folder.
    pub fn keep_in(&self, folder: &Path) -> anyhow::Result<()> {
        let file = folder.join(FILE);
        private_file::replace(&file, &serde_json::to_vec(self)?)
            .with_context(|| format!("writing {}", file.display()))
    }
}

/// 160 bits of the system's randomness, as text.
fn random() -> String {
    format!("{}{}", ulid::Ulid::new(), ulid::Ulid::new())
}
