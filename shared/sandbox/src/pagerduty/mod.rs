//! `PagerDuty`: REST API v2 and v3 webhooks.

mod config;
mod control;
mod edit;
mod incident;
mod input;
mod json;
mod lifecycle;
mod log_entry;
#[cfg(feature = "openapi")]
mod openapi;
mod person;
mod query;
mod read;
mod refusal;
mod rest;
mod state;
mod webhook;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use self::log_entry::Author;
use self::state::{Changes, State};
use crate::stand_in::{StandIn, Vendor};
use crate::surroundings::Surroundings;

pub use self::config::{Account, EscalationPolicy, PagerDutyConfig, Priority, Service, User};
pub use self::incident::{Incident, NewIncident, Note, Status, Urgency, UserAt};
pub use self::log_entry::{Kind, LogEntry};
#[cfg(feature = "openapi")]
pub use self::openapi::CORRECTIONS;
pub use self::person::Person;
pub use self::refusal::Refusal;
pub use self::webhook::sign;

/// A stateful stand-in for one `PagerDuty` account; clones share it.
pub type PagerDuty = StandIn<State>;

impl StandIn<State> {
    /// How many requests are taken within a minute, from now on.
    pub fn set_rate_limit(&self, requests: u32) {
        self.state().limit.set_limit(requests);
    }

    /// An account without incidents.
    pub fn new(config: PagerDutyConfig) -> Self {
        Self::of(State::new(config))
    }

    /// What the user with this e-mail does in the web application.
    pub fn person(&self, email: impl Into<String>) -> Person {
        Person::new(self.clone(), email.into())
    }

    /// The incident with this id.
    pub fn incident(&self, id: &str) -> Option<Incident> {
        self.state().incident(id).cloned()
    }

    /// All incidents, in order of creation.
    pub fn incidents(&self) -> Vec<Incident> {
        self.state().incidents.all().cloned().collect()
    }

    /// All log entries, in order of creation.
    pub fn log_entries(&self) -> Vec<LogEntry> {
        self.state().log.to_vec()
    }

    /// Replaces the API key and the secrets that webhooks are signed with; what waits to be posted keeps its signature.
    pub fn rotate(&self, token: impl Into<String>, webhook_secrets: Vec<String>) {
        let state = &mut *self.state();
        state.token = token.into();
        state.secrets = webhook_secrets;
    }

    /// Who and what is in the account.
    pub fn account(&self) -> Arc<Account> {
        Arc::clone(&self.state().account)
    }

    pub(crate) fn first_service(&self) -> Result<String, Refusal> {
        let account = self.account();
        let service = account.services.first();
        let service = service.ok_or_else(|| Refusal::invalid("the account has no service"))?;
        Ok(service.id.clone())
    }
}

impl Vendor for State {
    type Changes = Changes;

    fn take_unsaved(&mut self) -> Option<Changes> {
        self.take_unsaved()
    }

    fn take_up(&mut self, changes: Changes) {
        self.take_up(changes);
    }

    fn surroundings(&mut self) -> &mut Surroundings {
        &mut self.surroundings
    }

    fn respond(&mut self, request: &Request<Bytes>, behind: usize) -> Response<Bytes> {
        rest::respond(self, request, behind)
    }

    fn overrule(
        &mut self,
        _request: &Request<Bytes>,
        response: &mut Response<Bytes>,
        field: &str,
        value: &Value,
    ) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let Some(id) = body["incident"]["id"].as_str() else {
            return;
        };
        let account = Arc::clone(&self.account);
        let done = input::named(&account, field, value)
            .and_then(|change| self.edit(id, &Author::Automation)?.apply(vec![change]))
            .and_then(|()| rest::shown(self, id));
        match done {
            Ok(body) => *response.body_mut() = Bytes::from(body.to_string()),
            Err(refusal) => tracing::warn!(%refusal, field, "the automation had no effect"),
        }
    }

    fn automate(&mut self, id: &str, field: &str, value: &str) {
        let account = Arc::clone(&self.account);
        let done = input::named(&account, field, &Value::from(value))
            .and_then(|change| self.edit(id, &Author::Automation)?.apply(vec![change]));
        if let Err(refusal) = done {
            tracing::warn!(%refusal, field, "the automation had no effect");
        }
    }

    fn control(pagerduty: &PagerDuty, request: &Request<Bytes>, path: &[&str]) -> Response<Bytes> {
        control::respond(pagerduty, request, path)
    }
}
