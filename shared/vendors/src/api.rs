//! The REST half of a vendor, over a transport that the caller supplies.

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use im_model::{
    ActorId, ExternalId, ExternalNote, ExternalRecord, ExternalValue, Field, IncidentId,
    Integration, IntegrationId, Note, NoteId, OwnershipRules, RecordVersion, Secret,
};
use im_sync::{History, LinkRules};
use jiff::Timestamp;
use url::Url;

use crate::{ListQuery, Listing, Memory, VendorError};

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// None in time: it may have been carried out.
    #[error("no answer in time")]
    Timeout,
    /// No connection: it was not carried out.
    #[error("could not connect: {0}")]
    Unreachable(String),
    /// The connection broke off: it may have been carried out.
    #[error("the connection broke off: {0}")]
    BrokenOff(String),
    /// Requests may not go there: it was not sent.
    #[error("{0}")]
    OutOfReach(String),
}

/// Sends one request. Implementations bound how long they wait, how far they reach, and follow no redirect.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the request and reads the whole answer.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError>;

    /// Why nothing would be sent to this URL, as things are now: in words that follow the URL. Whoever stores an address
    /// asks; [`Transport::send`] does not rely on it.
    async fn refuses(&self, _: &Url) -> Option<String> {
        None
    }
}

/// An integration's credentials by name, as `interface.md` names them.
#[derive(Debug, Clone, Default)]
pub struct Credentials(pub BTreeMap<String, Secret>);

impl Credentials {
    /// One of them, unless absent or empty.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0.get(name).filter(|secret| !secret.is_empty())
    }
}

/// All that a call to a vendor needs.
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    /// Where its API is.
    pub base_url: &'a Url,
    /// What only this vendor has.
    pub options: &'a BTreeMap<String, String>,
    /// Who we are there.
    pub credentials: &'a Credentials,
    /// How requests are sent.
    pub transport: &'a dyn Transport,
    /// What was learned of this account before: ids of people, access tokens, workflows.
    pub memory: &'a Memory,
    /// Whose account: what is remembered is remembered of it.
    pub integration: &'a IntegrationId,
    /// The present.
    pub now: Timestamp,
}

/// What a vendor says after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The record as it is now.
    pub record: ExternalRecord,
    /// Fields that were not written because the vendor cannot hold the value, in words.
    pub refused: BTreeMap<Field, String>,
}

/// What an integration of this vendor can be configured with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Names of `--option` keys. One that ends with `.` stands for all that start so: `custom.` for
    /// `custom.cost_center`.
    pub options: &'static [&'static str],
    /// Options without which nothing can be created at the vendor.
    pub required_options: &'static [&'static str],
    /// Names of credentials.
    pub credentials: &'static [&'static str],
    /// Credentials without which it cannot work.
    pub required_credentials: &'static [&'static str],
    /// Further credentials, by the ways to log in: one of these groups must be complete.
    pub logins: &'static [&'static [&'static str]],
}

impl Configuration {
    /// Is this the name of an option?
    pub fn knows_option(&self, name: &str) -> bool {
        let is_it = |known: &&str| match known.strip_suffix('.') {
            Some(_) => name.len() > known.len() && name.starts_with(*known),
            None => *known == name,
        };
        self.options.iter().any(is_it)
    }
}

/// What an integration needs to log in.
impl Configuration {
    /// Names of options or credentials as people should read them: `custom.` stands for all that start so.
    pub fn names_of(known: &[&str]) -> String {
        let names = known.iter().map(|name| match name.strip_suffix('.') {
            Some(prefix) => format!("{prefix}.<name>"),
            None => (*name).to_owned(),
        });
        names.collect::<Vec<_>>().join(", ")
    }

    /// Is one of the ways to log in complete?
    pub fn has_login(&self, is_given: impl Fn(&str) -> bool) -> bool {
        self.logins
            .iter()
            .any(|login| login.iter().all(|name| is_given(name)))
    }

    /// The ways to log in, for people.
    pub fn logins_in_words(&self) -> String {
        let logins: Vec<_> = self.logins.iter().map(|login| login.join(", ")).collect();
        logins.join("; or ")
    }

    /// The credentials that are missing, with what is wrong. Of several ways to log in, those of the one that is most
    /// complete.
    pub fn missing_credentials(
        &self,
        is_given: impl Fn(&str) -> bool,
    ) -> Vec<(&'static str, String)> {
        let absent = |name: &&&'static str| !is_given(name);
        let required = self.required_credentials.iter().filter(absent);
        let mut missing: Vec<_> = required
            .map(|name| (*name, "is required".to_owned()))
            .collect();
        if self.has_login(&is_given) {
            return missing;
        }
        // The first of those that are most complete.
        let given = |login: &&&[&str]| login.iter().filter(|name| is_given(name)).count();
        let nearest = self.logins.iter().rev().max_by_key(given);
        for name in nearest
            .into_iter()
            .flat_map(|login| login.iter())
            .filter(absent)
        {
            let problem = if self.logins.len() > 1 {
                format!("is required (one of: {})", self.logins_in_words())
            } else {
                "is required".to_owned()
            };
            missing.push((*name, problem));
        }
        missing
    }
}

/// One thing that an integration needs to be able to do at the vendor, and whether it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// In plain words, e.g. "read incidents".
    pub what: String,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was seen, and what to do where it failed.
    pub detail: String,
}

/// How a [`Check`] went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    /// It works.
    Passed,
    /// It works, with a restriction that the operator should know.
    Limited,
    /// It does not work.
    Failed,
}

/// One vendor's REST API. What the registry hands out takes and gives times by our clock; a vendor's own module need not
/// care.
#[async_trait]
pub trait VendorApi: Send + Sync {
    /// What it can be configured with.
    fn configuration(&self) -> Configuration;

    /// What is wrong with the values of options, by option.
    fn check_options(&self, options: &BTreeMap<String, String>) -> BTreeMap<String, String>;

    /// What the operator has to set up at the vendor, step by step, so that its webhooks come to this URL.
    fn setup_steps(&self, integration: &Integration, webhook_url: &str) -> Vec<String>;

    /// Tries each thing that the integration needs to be able to do, without changing anything.
    async fn probe(&self, connection: Connection<'_>) -> Vec<Check>;

    /// What the vendor itself calls a field, where that is plain.
    fn aliases(&self) -> &'static [(&'static str, Field)];

    /// The guide's default ownership.
    fn default_ownership(&self) -> OwnershipRules;

    /// The fields it maps and how, for this integration. Some vendors have to be asked: the names of statuses may be
    /// the account's own. What was learned is remembered.
    async fn rules(
        &self,
        integration: &Integration,
        connection: Connection<'_>,
    ) -> Result<LinkRules, VendorError>;

    /// The same without asking the vendor: where an account's own names count, the usual ones stand for them.
    fn usual_rules(&self, integration: &Integration) -> LinkRules;

    /// Those of the values that a creation can carry; the others follow as a first change.
    fn creatable(&self, values: BTreeMap<Field, ExternalValue>) -> BTreeMap<Field, ExternalValue>;

    /// What a creation sets by itself where it is sent nothing else.
    fn implied_by_creation(&self, rules: &LinkRules) -> BTreeMap<Field, ExternalValue>;

    /// Does [`VendorApi::history`] tell the changes of this field, where it is mapped?
    fn history_covers(&self, field: &Field) -> bool;

    /// Reads a record.
    async fn read(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
    ) -> Result<ExternalRecord, VendorError>;

    /// Finds the records that carry an incident's id, oldest first.
    async fn find(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
    ) -> Result<Vec<ExternalRecord>, VendorError>;

    /// One page of the records in the integration's scope, by the vendor's own paging: never a request per record that is
    /// shown. `after` is [`Listing::next`] of the page before, of the same query. An answer that holds what was not asked
    /// for is an error, not a page.
    async fn list(
        &self,
        connection: Connection<'_>,
        query: &ListQuery,
        after: Option<&str>,
    ) -> Result<Listing, VendorError>;

    /// The values that this account cannot hold, in words, as far as can be told without writing. Asked before a
    /// creation is reserved, for a reservation must not promise what is not sent. No call where no value needs one.
    async fn refusals(
        &self,
        connection: Connection<'_>,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<BTreeMap<Field, String>, VendorError>;

    /// Creates the record of an incident, carrying the incident's id.
    async fn create(
        &self,
        connection: Connection<'_>,
        incident: &IncidentId,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError>;

    /// All notes of a record, oldest first.
    async fn notes(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
    ) -> Result<Vec<ExternalNote>, VendorError>;

    /// Adds a copy of a note, which carries the note's key. No vendor can be asked to do this at most once: look before
    /// you send. Answers the copy's id where the vendor tells it.
    async fn add_note(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        note: &Note,
    ) -> Result<Option<NoteId>, VendorError>;

    /// Writes fields of a record that was just read.
    async fn write(
        &self,
        connection: Connection<'_>,
        record: &ExternalRecord,
        values: &BTreeMap<Field, ExternalValue>,
    ) -> Result<Written, VendorError>;

    /// Who we are there, as webhooks and histories name us; `None` if that cannot be told.
    async fn own_actor(&self, _: Connection<'_>) -> Result<Option<ActorId>, VendorError> {
        Ok(None)
    }

    /// How many writes, by anybody, lie between two versions of a record; `None` where versions do not count them.
    fn writes_between(&self, _: RecordVersion, _: RecordVersion) -> Option<u64> {
        None
    }

    /// What changed on a record since a moment; perhaps with a little of what was before.
    async fn history(
        &self,
        connection: Connection<'_>,
        id: &ExternalId,
        since: Timestamp,
    ) -> Result<History, VendorError>;
}
