//! Rows: what the table holds, apart from what the model says.

mod delivery;

use std::{collections::BTreeMap, num::NonZeroU32};

use im_model::{
    Activity, BasePair, Brake, ClaimOutcome, ConflictStrategy, DeadLetterId, Digest, Direction,
    Field, FieldState, Flips, IdempotencyKey, Incident, IncidentId, Integration, IntegrationId,
    IntegrationType, Link, LinkState, Mappings, Mode, NoteKind, NoteProgress, Notice,
    OrganizationId, Origin, OwnershipRules, PlatformValue, RecordVersion, Review, Side, Triggers,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use self::delivery::{DeliveryRow, sort_key};

/// `INC#id` / `STATE`: the incident and its links, one item.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IncidentRow {
    pub(crate) id: IncidentId,
    pub(crate) organization: OrganizationId,
    pub(crate) created_at: Timestamp,
    pub(crate) revision: u64,
    pub(crate) fields: BTreeMap<Field, FieldRow>,
    pub(crate) links: BTreeMap<IntegrationId, LinkRow>,
    pub(crate) pending: BTreeMap<IntegrationId, u64>,
    #[serde(default)]
    pub(crate) notes: u64,
    #[serde(default)]
    pub(crate) dead: BTreeMap<IntegrationId, DeadLetterId>,
}

/// One field. Names are short: an item is read and written at every change.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FieldRow {
    #[serde(rename = "v")]
    value: PlatformValue,
    #[serde(rename = "n")]
    version: u64,
    #[serde(rename = "t")]
    changed_at: Timestamp,
    #[serde(rename = "o")]
    origin: Origin,
}

/// One link.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LinkRow {
    #[serde(rename = "n")]
    version: u64,
    #[serde(flatten)]
    state: LinkState,
    created_from: Side,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record_version: Option<RecordVersion>,
    base: BTreeMap<Field, BasePair>,
    notices: BTreeMap<Field, Notice>,
    #[serde(default, skip_serializing_if = "has_no_notes")]
    notes: NoteProgress,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    reviews: BTreeMap<Field, Review>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    flips: BTreeMap<Field, Flips>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    moved: BTreeMap<Field, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outcome: Option<ClaimOutcome>,
}

fn has_no_notes(notes: &NoteProgress) -> bool {
    *notes == NoteProgress::default()
}

impl From<&FieldState> for FieldRow {
    fn from(state: &FieldState) -> Self {
        Self {
            value: state.value.clone(),
            version: state.version,
            changed_at: state.changed_at,
            origin: state.origin.clone(),
        }
    }
}

impl From<FieldRow> for FieldState {
    fn from(row: FieldRow) -> Self {
        Self {
            value: row.value,
            version: row.version,
            changed_at: row.changed_at,
            origin: row.origin,
        }
    }
}

impl From<&Link> for LinkRow {
    fn from(link: &Link) -> Self {
        Self {
            version: link.version,
            state: link.state.clone(),
            created_from: link.created_from,
            record_version: link.record_version,
            base: link.base.clone(),
            notices: link.notices.clone(),
            notes: link.notes,
            reviews: link.reviews.clone(),
            flips: link.flips.clone(),
            moved: link.moved.clone(),
            outcome: link.outcome.clone(),
        }
    }
}

impl From<LinkRow> for Link {
    fn from(row: LinkRow) -> Self {
        Self {
            version: row.version,
            state: row.state,
            created_from: row.created_from,
            record_version: row.record_version,
            base: row.base,
            notices: row.notices,
            notes: row.notes,
            reviews: row.reviews,
            flips: row.flips,
            moved: row.moved,
            outcome: row.outcome,
        }
    }
}

impl From<&Incident> for IncidentRow {
    fn from(incident: &Incident) -> Self {
        let fields = incident
            .fields
            .iter()
            .map(|(field, state)| (field.clone(), state.into()));
        let links = incident
            .links
            .iter()
            .map(|(id, link)| (id.clone(), link.into()));
        Self {
            id: incident.id.clone(),
            organization: incident.organization.clone(),
            created_at: incident.created_at,
            revision: incident.revision,
            fields: fields.collect(),
            links: links.collect(),
            pending: incident.pending.clone(),
            dead: incident.dead.clone(),
            notes: incident.notes,
        }
    }
}

impl From<IncidentRow> for Incident {
    fn from(row: IncidentRow) -> Self {
        let fields = row
            .fields
            .into_iter()
            .map(|(field, state)| (field, state.into()));
        let links = row.links.into_iter().map(|(id, link)| (id, link.into()));
        Self {
            id: row.id,
            organization: row.organization,
            created_at: row.created_at,
            revision: row.revision,
            fields: fields.collect(),
            links: links.collect(),
            pending: row.pending,
            dead: row.dead,
            notes: row.notes,
        }
    }
}

/// `EXT#integration#external id` / `LINK`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExternalRow {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) incident: IncidentId,
}

/// `REQ#organization#key` / `CREATED`: what a named request created.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RequestRow {
    pk: String,
    sk: String,
    pub(crate) incident: IncidentId,
    /// Of what it asked for.
    pub(crate) asked: Digest,
    /// Epoch seconds (TTL).
    expires_at: i64,
}

impl RequestRow {
    /// How long a request is remembered.
    const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

    pub(crate) fn of(incident: &Incident, key: &IdempotencyKey, asked: Digest) -> Self {
        Self {
            pk: crate::keys::request(&incident.organization, key),
            sk: crate::keys::CREATED.to_owned(),
            incident: incident.id.clone(),
            asked,
            expires_at: (incident.created_at + Self::KEPT_FOR).as_second(),
        }
    }
}

/// `INT#id` / `META`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IntegrationRow {
    pub(crate) pk: String,
    pub(crate) sk: String,
    pub(crate) listing_pk: String,
    pub(crate) listing_sk: String,
    id: IntegrationId,
    organization: OrganizationId,
    integration_type: IntegrationType,
    name: String,
    base_url: Url,
    direction: Direction,
    enabled: bool,
    activity: Activity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused_because: Option<String>,
    strategy: ConflictStrategy,
    /// Milliseconds.
    #[serde(default = "default_window")]
    conflict_window: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    mappings: Mappings,
    #[serde(default)]
    triggers: Triggers,
    options: BTreeMap<String, String>,
    ownership: OwnershipRules,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    notes_in_since: BTreeMap<NoteKind, Timestamp>,
    secret_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<NonZeroU32>,
    #[serde(default = "default_mode")]
    mode: Mode,
    #[serde(default)]
    brake: Brake,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Rows that were written before there was another mode do not name it.
fn default_mode() -> Mode {
    Mode::Webhook
}

fn default_window() -> i64 {
    i64::try_from(Integration::CONFLICT_WINDOW.as_millis()).unwrap_or(i64::MAX)
}

impl From<&Integration> for IntegrationRow {
    fn from(integration: &Integration) -> Self {
        let it = integration.clone();
        Self {
            pk: crate::keys::integration(&it.id),
            sk: crate::keys::META.to_owned(),
            listing_pk: crate::keys::integrations_of(&it.organization),
            listing_sk: it.id.to_string(),
            id: it.id,
            organization: it.organization,
            integration_type: it.integration_type,
            name: it.name,
            base_url: it.base_url,
            direction: it.direction,
            enabled: it.enabled,
            activity: it.activity,
            paused_because: it.paused_because.clone(),
            strategy: it.strategy,
            conflict_window: i64::try_from(it.conflict_window.as_millis()).unwrap_or(i64::MAX),
            requests_per_minute: it.requests_per_minute,
            mode: it.mode,
            brake: it.brake,
            mappings: it.mappings,
            triggers: it.triggers,
            options: it.options,
            ownership: it.ownership,
            notes_in_since: it.notes_in_since,
            secret_id: it.secret_id,
            version: it.version,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

impl From<IntegrationRow> for Integration {
    fn from(row: IntegrationRow) -> Self {
        Self {
            id: row.id,
            organization: row.organization,
            integration_type: row.integration_type,
            name: row.name,
            base_url: row.base_url,
            direction: row.direction,
            enabled: row.enabled,
            activity: row.activity,
            paused_because: row.paused_because,
            strategy: row.strategy,
            conflict_window: SignedDuration::from_millis(row.conflict_window),
            requests_per_minute: row.requests_per_minute,
            mode: row.mode,
            brake: row.brake,
            mappings: row.mappings,
            triggers: row.triggers,
            options: row.options,
            ownership: row.ownership,
            notes_in_since: row.notes_in_since,
            secret_id: row.secret_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// `INT#id` / `GONE`: whose integration it was.
#[derive(Debug, Serialize)]
pub(crate) struct GoneRow {
    pk: String,
    sk: &'static str,
    organization: OrganizationId,
}

impl GoneRow {
    pub(crate) fn of(integration: &Integration) -> Self {
        Self {
            pk: crate::keys::integration(&integration.id),
            sk: crate::keys::GONE,
            organization: integration.organization.clone(),
        }
    }
}
