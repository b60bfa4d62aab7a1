//! What a worker asks of the outside, one thing at a time, and what it is told.

use std::collections::BTreeMap;

use im_engine::{Claim, Connect, NewIncident};
use im_model::{
    BasePair, Conflict, ConflictId, ExternalId, Field, Incident, IncidentId, IntegrationId, Link,
};
use im_sync::Pulled;

use super::{shared::Shared, vendor::Record};

/// A link's version: of which incident, whose, which.
pub type LinkVersion = (IncidentId, IntegrationId, u64);

/// One step of a worker's: it stands still until it is told.
#[derive(Debug, Clone)]
pub enum Ask {
    IncidentOf(IntegrationId, ExternalId),
    Load(IncidentId),
    Claim(Shared<Claim>),
    LastClaim(LinkVersion),
    ClaimsOn(LinkVersion),
    Commit(Shared<Committed>),
    SettleDebt(Shared<Incident>, IntegrationId),
    Reserve(Shared<Reserved>),
    Connect(Shared<Connected>),
    Import(Shared<NewIncident>),
    Conflict(ConflictId),
    Vendor(IntegrationId, VendorAsk),
}

impl Ask {}

/// A request to a vendor.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VendorAsk {
    Read(ExternalId),
    Write(ExternalId, BTreeMap<Field, String>),
    Audit(ExternalId),
    Find(IncidentId),
    Create(IncidentId, BTreeMap<Field, String>),
}

impl VendorAsk {
    pub fn changes_something(&self) -> bool {
        matches!(self, Self::Write(..) | Self::Create(..))
    }
}

/// `im_engine::Commit`, owned.
#[derive(Debug, Clone)]
pub struct Committed {
    pub incident: Incident,
    pub integration: IntegrationId,
    pub link: Link,
    pub base: BTreeMap<Field, BasePair>,
    pub pulls: BTreeMap<Field, Pulled>,
    pub owed: Vec<IntegrationId>,
    pub conflicts: Vec<Conflict>,
    pub keeps_debt: bool,
}

/// `im_engine::Reserve`, owned.
#[derive(Debug, Clone)]
pub struct Reserved {
    pub incident: Incident,
    pub integration: IntegrationId,
    pub link: Link,
    pub fields: Vec<Field>,
}

/// `im_engine::Connect`, owned.
#[derive(Debug, Clone)]
pub struct Connected {
    pub incident: Incident,
    pub integration: IntegrationId,
    pub link: Link,
    pub external_id: ExternalId,
    pub settles_debt: bool,
}

impl From<&Connect<'_>> for Connected {
    fn from(connect: &Connect<'_>) -> Self {
        Self {
            incident: connect.incident.clone(),
            integration: connect.integration.clone(),
            link: connect.link.clone(),
            external_id: connect.external_id.clone(),
            settles_debt: connect.settles_debt,
        }
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Said {
    Owner(Option<IncidentId>),
    Incident(Option<Shared<Incident>>),
    /// Of a conditional write: is it stored?
    Stored(bool),
    Claim(Option<Shared<Claim>>),
    Claims(Vec<Shared<Claim>>),
    Conflict(Option<Shared<Conflict>>),
    /// One record, as it is after the request.
    Record(Shared<Record>),
    Records(Vec<Shared<Record>>),
    NoSuchRecord,
    /// No answer in time.
    Silence,
}
