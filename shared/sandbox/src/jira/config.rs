//! The site a stand-in starts with, and how it behaves.

use std::sync::Arc;

use jiff::SignedDuration;

use super::site::{Site, User};
use crate::clock::{Clock, SystemClock};

/// How webhooks are signed.
#[derive(Clone)]
pub enum Scheme {
    /// Atlassian Connect: `Authorization: JWT …` with a query string hash.
    Connect {
        /// The token's issuer.
        client_key: String,
        /// Signs the token.
        shared_secret: String,
        /// The webhook's path below the app's base URL, such as `/webhooks/jira/prod-jira`.
        path: String,
    },
    /// A dynamic webhook of an OAuth 2.0 app: `Authorization: Bearer …`, no query string hash.
    OAuth {
        /// The token's issuer.
        client_key: String,
        /// Signs the token.
        client_secret: String,
    },
    /// An administrator's webhook: `X-Hub-Signature` over the raw body.
    HubSignature {
        /// Signs the body.
        secret: String,
    },
}

/// What webhooks say of the changelog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChangelogMode {
    /// All that changed.
    #[default]
    Present,
    /// A changelog without items.
    Empty,
    /// No changelog.
    Absent,
}

/// Which webhooks a comment causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommentEvents {
    /// `comment_created` and so on.
    #[default]
    Comment,
    /// `jira:issue_updated` with a comment in it.
    IssueUpdated,
    /// Both, the comment's first.
    Both,
    /// None.
    Missing,
}

impl CommentEvents {
    /// Whether a comment has an event of its own.
    pub(crate) fn own(self) -> bool {
        matches!(self, Self::Comment | Self::Both)
    }

    /// Whether a comment is shown as an update of its issue.
    pub(crate) fn update(self) -> bool {
        matches!(self, Self::IssueUpdated | Self::Both)
    }
}

/// Everything a [`super::Jira`] is built from.
#[derive(Clone)]
pub struct JiraConfig {
    /// Login of the account whose API token is known: Basic authentication.
    pub email: String,
    /// Its API token.
    pub api_key: String,
    /// An OAuth access token of the same account, if one is known: Bearer authentication.
    pub access_token: Option<String>,
    /// The site's address in links, without a slash at the end.
    pub base_url: String,
    /// How webhooks are signed.
    pub scheme: Scheme,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The same seed gives the same webhook identifiers.
    pub seed: u64,
    /// Requests per minute.
    pub requests_per_minute: u32,
    /// Writes to one issue per minute.
    pub writes_per_issue: u32,
    /// How long the search index lags behind a write.
    pub index_lag: SignedDuration,
    /// Whether people hide their e-mail addresses.
    pub hides_emails: bool,
    /// Whether the account may read workflows.
    pub may_read_workflows: bool,
    /// Permissions the account lacks according to `/mypermissions`, such as `DELETE_ISSUES`.
    pub lacks_permissions: Vec<String>,
    /// What webhooks say of the changelog.
    pub changelog: ChangelogMode,
    /// Which webhooks a comment causes.
    pub comment_events: CommentEvents,
    /// Who and what is on the site.
    pub site: Site,
}

impl JiraConfig {
    /// A small site: the service project `OPS` with `[System] Incident`s, the priorities Highest
    /// to Lowest, [`super::Workflow::service`], three people, and the account's own user.
    pub fn demo(email: impl Into<String>, api_key: impl Into<String>, scheme: Scheme) -> Self {
        let (email, mut site) = (email.into(), Site::demo());
        if site.user_by_email(&email).is_none() {
            let user = User::person("5b10a2844c20165700ede000", "Incident Sync", &email);
            site.users.push(user);
        }
        Self {
            email,
            api_key: api_key.into(),
            access_token: None,
            base_url: "https://example.atlassian.net".to_owned(),
            scheme,
            clock: Arc::new(SystemClock),
            seed: 1,
            requests_per_minute: 10_000,
            writes_per_issue: 1_000,
            index_lag: SignedDuration::ZERO,
            hides_emails: false,
            may_read_workflows: false,
            lacks_permissions: Vec::new(),
            changelog: ChangelogMode::default(),
            comment_events: CommentEvents::default(),
            site,
        }
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
