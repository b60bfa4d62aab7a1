//! Jira Cloud with a service project: REST API v3 and webhooks.

mod adf;
mod comments;
mod config;
mod control;
mod edit;
mod fields;
mod issue;
mod jql;
mod json;
mod meta;
#[cfg(feature = "openapi")]
mod openapi;
mod people;
mod person;
mod properties;
mod query;
mod read;
mod refusal;
mod rest;
mod search;
mod signature;
mod site;
mod state;
mod values;
mod webhook;
mod workflow;
mod write;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use self::issue::Author;
use self::state::{Changes, State};
use crate::stand_in::{StandIn, Vendor};
use crate::surroundings::Surroundings;

pub use self::config::{ChangelogMode, CommentEvents, JiraConfig, Scheme};
pub use self::issue::{Comment, History, INTERNAL, Issue, Item};
#[cfg(feature = "openapi")]
pub use self::openapi::{CORRECTIONS, ERRORS};
pub use self::person::Person;
pub use self::refusal::Refusal;
pub use self::signature::{hub_signature, query_string_hash};
pub use self::site::{CustomField, CustomKind, Named, Project, Site, User};
pub use self::workflow::{
    AutomaticResolution, Category, From, ScreenField, Status, Transition, Workflow,
};

/// A stateful stand-in for one Jira site; clones share it.
pub type Jira = StandIn<State>;

impl StandIn<State> {
    /// How many requests are taken within a minute, from now on.
    pub fn set_rate_limit(&self, requests: u32) {
        self.state().limit.set_limit(requests);
    }

    /// A site without issues.
    pub fn new(config: JiraConfig) -> Self {
        Self::of(State::new(config))
    }

    /// What the user with this e-mail does in Jira's own pages.
    pub fn person(&self, email: impl Into<String>) -> Person {
        Person::new(self.clone(), email.into())
    }

    /// The issue with this key or id.
    pub fn issue(&self, key: &str) -> Option<Issue> {
        self.state().issue(key).ok().cloned()
    }

    /// All issues, in order of creation.
    pub fn issues(&self) -> Vec<Issue> {
        self.state().issues().cloned().collect()
    }

    /// The comments of an issue, oldest first.
    pub fn comments(&self, key: &str) -> Vec<Comment> {
        self.issue(key)
            .map(|issue| issue.comments)
            .unwrap_or_default()
    }

    /// The changelog of an issue, oldest first.
    pub fn changelog(&self, key: &str) -> Vec<History> {
        self.issue(key)
            .map(|issue| issue.history)
            .unwrap_or_default()
    }

    /// Replaces the account's API token.
    pub fn change_api_key(&self, api_key: impl Into<String>) {
        std::sync::Arc::make_mut(&mut self.state().config).api_key = api_key.into();
    }

    /// Who and what is on the site.
    pub fn site(&self) -> Site {
        self.state().site().clone()
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

    /// The issue is the path's, or the one that was created.
    fn overrule(
        &mut self,
        request: &Request<Bytes>,
        response: &mut Response<Bytes>,
        field: &str,
        value: &Value,
    ) {
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let path = request.uri().path().split('/').collect::<Vec<_>>();
        let key = match path.as_slice() {
            ["", "rest", "api", "3", "issue", key, ..] => Some((*key).to_owned()),
            ["", "rest", "api", "3", "issue"] => body["key"].as_str().map(str::to_owned),
            _ => None,
        };
        let Some(key) = key else { return };
        let done = person::set(self, &key, field, value, false, &Author::Automation);
        if let Err(refusal) = done {
            tracing::warn!(%refusal, field, "the automation had no effect");
        } else if request.method() == Method::PUT && body["fields"].is_object() {
            *response = rest::shown(self, &key, request);
        }
    }

    fn automate(&mut self, id: &str, field: &str, value: &str) {
        let (value, author) = (Value::from(value), Author::Automation);
        let done = person::set(self, id, field, &value, false, &author);
        if let Err(refusal) = done {
            tracing::warn!(%refusal, field, "the automation had no effect");
        }
    }

    /// Searching and reading the workflow are reads by POST.
    fn is_write(request: &Request<Bytes>) -> bool {
        let path = request.uri().path();
        request.method() != Method::GET
            && !path.ends_with("/search/jql")
            && !path.ends_with("/rest/api/3/workflows")
    }

    fn control(jira: &Jira, request: &Request<Bytes>, path: &[&str]) -> Response<Bytes> {
        control::respond(jira, request, path)
    }
}
