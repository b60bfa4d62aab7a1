//! Everything a stand-in holds, behind its lock.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::ServiceNowConfig;
use super::oauth::Tokens;
use super::record::Record;
use super::refusal::Refusal;
use super::tables::{self, Definition, Fixed};
use super::webhook::Sender;
use crate::appended::Appended;
use crate::rate_limit::RateLimit;
use crate::surroundings::Surroundings;
use crate::versions::Versions;

const HOUR_SECONDS: i64 = 3600;

/// What one change made of the records. Passwords are in it: it is never shown.
#[derive(Serialize, Deserialize)]
pub struct Changes {
    incidents: Vec<(String, Option<Record>)>,
    journal: Vec<Record>,
    audit: Vec<Record>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    passwords: Vec<(String, String)>,
}

/// The instance's records, its rules and who may write them.
pub struct State {
    pub(crate) surroundings: Surroundings,
    pub(crate) config: ServiceNowConfig,
    pub(crate) tables: Vec<Definition>,
    pub(crate) tokens: Tokens,
    pub(crate) limit: RateLimit,
    /// The rate limit rule's `sys_id`.
    pub(crate) limit_rule: String,
    /// `None` once deleted.
    pub(crate) incidents: Versions<Option<Record>>,
    pub(crate) journal: Appended<Record>,
    pub(crate) audit: Appended<Record>,
    pub(crate) users: Vec<Record>,
    pub(crate) groups: Vec<Record>,
    pub(crate) choices: Vec<Record>,
    /// Changed ones, by user name.
    passwords: Appended<(String, String)>,
}

impl State {
    pub(crate) fn new(config: ServiceNowConfig) -> Self {
        let mut surroundings = Surroundings::new(config.clock.clone(), config.seed);
        surroundings.outbox.posting = Arc::new(Sender(config.signing.clone()));
        let Fixed {
            users,
            groups,
            choices,
        } = Fixed::new(&config, &date_time(surroundings.now()));
        Self {
            limit_rule: surroundings.ids.hex(),
            surroundings,
            tables: tables::definitions(&config),
            tokens: Tokens::default(),
            limit: RateLimit::new(config.requests_per_hour, HOUR_SECONDS),
            incidents: Versions::default(),
            journal: Appended::default(),
            audit: Appended::default(),
            passwords: Appended::default(),
            users,
            groups,
            choices,
            config,
        }
    }

    pub(crate) fn take_unsaved(&mut self) -> Option<Changes> {
        let changes = Changes {
            incidents: self.incidents.take_unsaved(),
            journal: self.journal.take_unsaved(),
            audit: self.audit.take_unsaved(),
            passwords: self.passwords.take_unsaved(),
        };
        let nothing = changes.incidents.is_empty()
            && changes.journal.is_empty()
            && changes.audit.is_empty()
            && changes.passwords.is_empty();
        (!nothing).then_some(changes)
    }

    pub(crate) fn take_up(&mut self, changes: Changes) {
        self.incidents.take_up(changes.incidents);
        self.journal.take_up(changes.journal);
        self.audit.take_up(changes.audit);
        for (user_name, password) in &changes.passwords {
            self.set_password(user_name, password);
        }
    }

    pub(crate) fn change_password(&mut self, user_name: &str, password: &str) {
        self.set_password(user_name, password);
        let change = (user_name.to_owned(), password.to_owned());
        self.passwords.push(change);
    }

    fn set_password(&mut self, user_name: &str, password: &str) {
        for login in &mut self.config.logins {
            if login.user_name == user_name {
                password.clone_into(&mut login.password);
            }
        }
    }

    pub(crate) fn incident(&self, sys_id: &str) -> Result<&Record, Refusal> {
        let incident = self.row("incident", sys_id);
        incident.ok_or_else(Refusal::no_record)
    }

    /// The user whose `column` is `value`, whatever its case.
    pub(crate) fn user(&self, column: &str, value: &str) -> Option<&Record> {
        let mut users = self.users.iter();
        users.find(|user| user.text(column).eq_ignore_ascii_case(value))
    }
}

/// `2016-01-19 04:52:04`, UTC.
pub(crate) fn date_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
