//! What goes out: REST v3 answers, and webhooks, which speak v2 (text instead of documents).

mod issue;
mod meta;
mod person;
mod workflow;

use jiff::Timestamp;

use super::config::JiraConfig;

pub(crate) use self::issue::Wanted;
pub(crate) use self::meta::field_name;

/// `2019-02-15T19:17:06.501+0000`.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// Writes the JSON of one version of the API.
#[derive(Clone, Copy)]
pub(crate) struct Json<'a> {
    config: &'a JiraConfig,
    version: u8,
}

impl<'a> Json<'a> {
    pub(crate) fn rest(config: &'a JiraConfig) -> Self {
        Self { config, version: 3 }
    }

    pub(crate) fn webhook(config: &'a JiraConfig) -> Self {
        Self { config, version: 2 }
    }

    /// The address of a resource of the API.
    pub(crate) fn link(self, path: &str) -> String {
        format!("{}/rest/api/{}/{path}", self.config.base_url, self.version)
    }

    /// The address of a page or picture.
    fn page(self, path: &str) -> String {
        format!("{}/{path}", self.config.base_url)
    }
}
