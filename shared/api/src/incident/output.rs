//! An incident as it is shown.

use std::collections::BTreeMap;

use im_model::{
    Field, FieldState, Incident, IntegrationId, Link, LinkState, Notice, NoticeKind, Origin,
};
use jiff::Timestamp;
use serde::Serialize;

/// What is shown and cannot be set.
pub(crate) const READ_ONLY: [&str; 9] = [
    "id",
    "organization_id",
    "created_at",
    "updated_at",
    "revision",
    "pending",
    "links",
    "dead_letters",
    "fields",
];

#[derive(Debug, Serialize)]
pub(super) struct IncidentJson {
    id: String,
    organization_id: String,
    title: Option<String>,
    description: Option<String>,
    severity: Option<String>,
    priority: Option<String>,
    status: Option<String>,
    assigned_to: Option<String>,
    escalation_policy: Option<String>,
    custom_fields: BTreeMap<String, String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    revision: u64,
    pending: Vec<String>,
    dead_letters: BTreeMap<String, String>,
    links: Vec<LinkJson>,
    fields: BTreeMap<String, FieldJson>,
}

#[derive(Debug, Serialize)]
struct FieldJson {
    changed_at: Timestamp,
    origin: OriginJson,
}

#[derive(Debug, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub(super) enum OriginJson {
    Platform {
        actor: String,
    },
    External {
        integration_id: String,
        author: Option<String>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct LinkJson {
    integration_id: String,
    state: &'static str,
    external_id: Option<String>,
    url: Option<String>,
    notices: Vec<NoticeJson>,
}

#[derive(Debug, Serialize)]
pub(super) struct NoticeJson {
    field: String,
    kind: &'static str,
    detail: String,
    at: Timestamp,
}

impl IncidentJson {
    pub(super) fn of(incident: &Incident) -> Self {
        let text = |field: &Field| incident.value(field).as_str().map(str::to_owned);
        let custom = incident
            .fields
            .iter()
            .filter_map(|(field, state)| match field {
                Field::Custom(name) => Some((name.clone(), state.value.as_str()?.to_owned())),
                _ => None,
            });
        let fields = incident.fields.iter();
        Self {
            id: incident.id.to_string(),
            organization_id: incident.organization.to_string(),
            title: text(&Field::Title),
            description: text(&Field::Description),
            severity: text(&Field::Severity),
            priority: text(&Field::Priority),
            status: text(&Field::Status),
            assigned_to: text(&Field::AssignedTo),
            escalation_policy: text(&Field::EscalationPolicy),
            custom_fields: custom.collect(),
            created_at: incident.created_at,
            updated_at: incident.updated_at(),
            revision: incident.revision,
            pending: incident.pending.keys().map(ToString::to_string).collect(),
            dead_letters: incident
                .dead
                .iter()
                .map(|(integration, entry)| (integration.to_string(), entry.to_string()))
                .collect(),
            links: incident
                .links
                .iter()
                .map(|(id, link)| LinkJson::of(id, link))
                .collect(),
            fields: fields
                .map(|(field, state)| (field.name(), FieldJson::of(state)))
                .collect(),
        }
    }
}

impl FieldJson {
    fn of(state: &FieldState) -> Self {
        Self {
            changed_at: state.changed_at,
            origin: OriginJson::of(&state.origin),
        }
    }
}

impl OriginJson {
    pub(super) fn of(origin: &Origin) -> Self {
        match origin {
            Origin::Platform { actor } => Self::Platform {
                actor: actor.to_string(),
            },
            Origin::External {
                integration,
                author,
            } => Self::External {
                integration_id: integration.to_string(),
                author: author.as_ref().map(ToString::to_string),
            },
        }
    }
}

impl LinkJson {
    pub(super) fn of(integration: &IntegrationId, link: &Link) -> Self {
        let (state, external_id, url) = match &link.state {
            LinkState::Reserved => ("reserved", None, None),
            LinkState::Linked { external_id, url } => {
                ("linked", Some(external_id.to_string()), url.clone())
            }
            LinkState::Unlinked { external_id } => (
                "unlinked",
                external_id.as_ref().map(ToString::to_string),
                None,
            ),
        };
        let notices = link
            .notices
            .iter()
            .map(|(field, notice)| NoticeJson::of(field, notice));
        let (integration_id, notices) = (integration.to_string(), notices.collect());
        Self {
            integration_id,
            state,
            external_id,
            url,
            notices,
        }
    }
}

impl NoticeJson {
    pub(super) fn of(field: &Field, notice: &Notice) -> Self {
        let kind = match notice.kind {
            NoticeKind::Unmapped => "unmapped",
            NoticeKind::Unwritable => "unwritable",
            NoticeKind::Overruled => "overruled",
            NoticeKind::Conflict => "conflict",
            NoticeKind::Flipping => "flipping",
        };
        Self {
            field: field.name(),
            kind,
            detail: notice.detail.clone(),
            at: notice.at,
        }
    }
}
