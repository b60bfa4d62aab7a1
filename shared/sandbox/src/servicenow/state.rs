//! Everything a stand-in holds, behind its lock.

use jiff::Timestamp;

use super::config::ServiceNowConfig;
use super::oauth::Tokens;
use super::record::Record;
use super::refusal::Refusal;
use super::tables::{self, Definition, Fixed};
use crate::rate_limit::RateLimit;
use crate::surroundings::Surroundings;
use crate::versions::Versions;

const HOUR_SECONDS: i64 = 3600;

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
    pub(crate) journal: Vec<Record>,
    pub(crate) audit: Vec<Record>,
    pub(crate) users: Vec<Record>,
    pub(crate) groups: Vec<Record>,
    pub(crate) choices: Vec<Record>,
}

impl State {
    pub(crate) fn new(config: ServiceNowConfig) -> Self {
        let mut surroundings = Surroundings::new(config.clock.clone(), config.seed);
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
            journal: Vec::new(),
            audit: Vec::new(),
            users,
            groups,
            choices,
            config,
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
