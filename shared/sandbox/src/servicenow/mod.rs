//! `ServiceNow`: the Table API of one instance and the Business Rule's webhooks.

mod choices;
mod columns;
mod config;
mod control;
mod edit;
mod encoded_query;
mod lifecycle;
mod list;
mod oauth;
mod person;
mod policy;
mod record;
mod refusal;
mod rest;
mod state;
mod tables;
mod view;
mod webhook;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Map, Value};

use self::edit::Author;
use self::state::{Changes, State};
use crate::stand_in::{StandIn, Vendor};
use crate::surroundings::Surroundings;

pub use self::config::{
    ColumnType, CustomColumn, DataPolicy, Group, Login, OauthClient, ServiceNowConfig, Signing,
    User,
};
pub use self::person::Person;
pub use self::record::Record;
pub use self::refusal::Refusal;
pub use self::webhook::{Encoding, sign};

/// A stateful stand-in for one `ServiceNow` instance; clones share it.
pub type ServiceNow = StandIn<State>;

impl StandIn<State> {
    /// How many requests are taken within an hour, from now on.
    pub fn set_rate_limit(&self, requests: u32) {
        self.state().limit.set_limit(requests);
    }

    /// An instance without incidents.
    pub fn new(config: ServiceNowConfig) -> Self {
        Self::of(State::new(config))
    }

    /// What the user with this e-mail does in the vendor's forms.
    pub fn person(&self, email: impl Into<String>) -> Person {
        Person::new(self.clone(), email.into())
    }

    /// The incident's raw columns.
    pub fn incident(&self, sys_id: &str) -> Option<Record> {
        self.state().row("incident", sys_id).cloned()
    }

    /// All incidents, in order of creation.
    pub fn incidents(&self) -> Vec<Record> {
        self.state().incidents.all().flatten().cloned().collect()
    }

    /// The incident's rows of `sys_journal_field`, oldest first.
    pub fn journal(&self, sys_id: &str) -> Vec<Record> {
        let state = self.state();
        let own = |entry: &&Record| &entry["element_id"] == sys_id;
        state.journal.iter().filter(own).cloned().collect()
    }

    /// The incident's rows of `sys_audit`, oldest first.
    pub fn audit(&self, sys_id: &str) -> Vec<Record> {
        let state = self.state();
        let own = |row: &&Record| &row["documentkey"] == sys_id;
        state.audit.iter().filter(own).cloned().collect()
    }

    /// People, the API's users among them.
    pub fn users(&self) -> Vec<User> {
        self.state().config.users.clone()
    }

    /// Assignment groups.
    pub fn groups(&self) -> Vec<Group> {
        self.state().config.groups.clone()
    }

    /// Ends every OAuth token, refresh tokens too.
    pub fn revoke_tokens(&self) {
        self.state().tokens.revoke();
    }

    /// Signs webhooks with this from here on; what waits to be posted keeps its signature.
    pub fn change_webhook_secret(&self, secret: impl Into<String>) {
        self.state().config.signing.secret = secret.into();
    }

    /// Gives a user another password; tokens stay good.
    pub fn change_password(&self, user_name: &str, password: &str) {
        self.state().change_password(user_name, password);
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
        request: &Request<Bytes>,
        response: &mut Response<Bytes>,
        field: &str,
        value: &Value,
    ) {
        let input = rest::texts(Map::from_iter([(field.to_owned(), value.clone())]));
        match rest::overruled(self, request, response, &input) {
            Ok(shown) => *response.body_mut() = shown.into_body(),
            Err(refusal) => tracing::warn!(%refusal, field, "the automation had no effect"),
        }
    }

    fn automate(&mut self, id: &str, field: &str, value: &str) {
        let input = vec![(field.to_owned(), value.to_owned())];
        if let Err(refusal) = self.update(id, &input, &Author::system()) {
            tracing::warn!(%refusal, field, "the automation had no effect");
        }
    }

    fn control(
        servicenow: &ServiceNow,
        request: &Request<Bytes>,
        path: &[&str],
    ) -> Response<Bytes> {
        control::respond(servicenow, request, path)
    }

    fn is_secret(request: &Request<Bytes>) -> bool {
        request.uri().path() == oauth::PATH
    }
}
