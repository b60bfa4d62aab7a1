//! The account a stand-in starts with.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};

/// Everything a [`super::PagerDuty`] is built from.
#[derive(Clone)]
pub struct PagerDutyConfig {
    /// The one API key it knows.
    pub token: String,
    /// E-mail of the user the key belongs to; `None` for a key of the account.
    pub token_owner: Option<String>,
    /// Secrets of the webhook subscription; several while one is being rotated.
    pub webhook_secrets: Vec<String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The same seed gives the same ids.
    pub seed: u64,
    /// Requests per minute and key.
    pub requests_per_minute: u32,
    /// Who and what is in the account.
    pub account: Account,
}

impl PagerDutyConfig {
    /// A small account: three users, services `PSVC001` and `PSVC002`, two escalation policies, `P1` to `P5`.
    pub fn demo(token: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            token_owner: Some("oncall@example.com".to_owned()),
            webhook_secrets: vec![secret.into()],
            clock: Arc::new(SystemClock),
            seed: 1,
            requests_per_minute: 960,
            account: Account::demo(),
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

/// What does not change while a stand-in runs.
#[derive(Clone, Debug)]
pub struct Account {
    /// People.
    pub users: Vec<User>,
    /// Services; incidents are always on one.
    pub services: Vec<Service>,
    /// Escalation policies.
    pub escalation_policies: Vec<EscalationPolicy>,
    /// Priorities, the highest first.
    pub priorities: Vec<Priority>,
}

/// A person with a login.
#[derive(Clone, Debug)]
pub struct User {
    /// `PUSER01` …
    pub id: String,
    /// Full name.
    pub name: String,
    /// Login.
    pub email: String,
}

/// A service.
#[derive(Clone, Debug)]
pub struct Service {
    /// `PSVC001` …
    pub id: String,
    /// Its name.
    pub name: String,
    /// Id of its escalation policy.
    pub escalation_policy: String,
}

/// An escalation policy.
#[derive(Clone, Debug)]
pub struct EscalationPolicy {
    /// `PESC001` …
    pub id: String,
    /// Its name.
    pub name: String,
    /// One user id per level.
    pub levels: Vec<String>,
}

/// A priority.
#[derive(Clone, Debug)]
pub struct Priority {
    /// `PPRIO01` …
    pub id: String,
    /// `P1` …
    pub name: String,
    /// What it means.
    pub description: String,
}

impl Account {
    /// See [`PagerDutyConfig::demo`].
    pub fn demo() -> Self {
        let user = |number: u8, name: &str, email: &str| User {
            id: format!("PUSER0{number}"),
            name: name.to_owned(),
            email: email.to_owned(),
        };
        let service = |number: u8, name: &str, policy: &str| Service {
            id: format!("PSVC00{number}"),
            name: name.to_owned(),
            escalation_policy: policy.to_owned(),
        };
        let policy = |number: u8, name: &str, levels: &[&str]| EscalationPolicy {
            id: format!("PESC00{number}"),
            name: name.to_owned(),
            levels: levels.iter().map(|&level| level.to_owned()).collect(),
        };
        let priority = |number: u8, description: &str| Priority {
            id: format!("PPRIO0{number}"),
            name: format!("P{number}"),
            description: description.to_owned(),
        };
        Self {
            users: vec![
                user(1, "Olga Oncall", "oncall@example.com"),
                user(2, "Ann Example", "ann@example.com"),
                user(3, "Bob Example", "bob@example.com"),
            ],
            services: vec![
                service(1, "Checkout", "PESC001"),
                service(2, "Search", "PESC002"),
            ],
            escalation_policies: vec![
                policy(1, "Default", &["PUSER01", "PUSER02"]),
                policy(2, "Database", &["PUSER03", "PUSER02"]),
            ],
            priorities: vec![
                priority(1, "Public notification and executive liaison"),
                priority(2, "Many customers affected"),
                priority(3, "Minor customer impact, immediate attention"),
                priority(4, "Minor, customers are not affected"),
                priority(5, "Cosmetic"),
            ],
        }
    }

    /// The user with this id.
    pub fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The user with this e-mail, whatever its case.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The service with this id.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// The escalation policy with this id.
    pub fn escalation_policy(&self, id: &str) -> Option<&EscalationPolicy> {
        self.escalation_policies
            .iter()
            .find(|policy| policy.id == id)
    }

    /// The priority with this id.
    pub fn priority(&self, id: &str) -> Option<&Priority> {
        self.priorities.iter().find(|priority| priority.id == id)
    }

    /// The highest priority with this name.
    pub fn priority_by_name(&self, name: &str) -> Option<&Priority> {
        self.priorities
            .iter()
            .find(|priority| priority.name == name)
    }
}
