//! A conflict as it is shown.

use im_model::{ActorId, AgreedValues, Conflict, Settlement};
use jiff::Timestamp;
use serde::Serialize;

use crate::value::{HeldJson, ValueJson, side};

#[derive(Debug, Serialize)]
pub(super) struct ConflictJson {
    id: String,
    incident_id: String,
    integration_id: String,
    external_id: String,
    field: String,
    status: &'static str,
    strategy: &'static str,
    version: u64,
    base: BaseJson,
    platform: HeldJson,
    external: HeldJson,
    settlement: Option<SettlementJson>,
    restored: Option<RestoredJson>,
    opened_at: Timestamp,
    updated_at: Timestamp,
}

/// A side that the journal does not tell is left out: null is an empty value.
#[derive(Debug, Serialize)]
struct BaseJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<ValueJson>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum SettlementJson {
    Rule {
        winner: &'static str,
        why: String,
    },
    Person {
        actor: String,
        resolution: &'static str,
    },
    Agreement,
}

#[derive(Debug, Serialize)]
struct RestoredJson {
    by: String,
    at: Timestamp,
}

impl ConflictJson {
    pub(super) fn of(conflict: &Conflict) -> Self {
        Self {
            id: conflict.id.to_string(),
            incident_id: conflict.incident.to_string(),
            integration_id: conflict.integration.to_string(),
            external_id: conflict.external_id.to_string(),
            field: conflict.field.name(),
            status: conflict.status.as_str(),
            strategy: conflict.strategy.as_str(),
            version: conflict.version,
            base: BaseJson::of(&conflict.base),
            platform: (&conflict.platform).into(),
            external: (&conflict.external).into(),
            settlement: conflict.settlement.as_ref().map(SettlementJson::of),
            restored: conflict.restored.as_ref().map(RestoredJson::of),
            opened_at: conflict.opened_at,
            updated_at: conflict.updated_at,
        }
    }
}

impl BaseJson {
    fn of(agreed: &AgreedValues) -> Self {
        Self {
            platform: agreed.platform.as_ref().map(ValueJson::from),
            external: agreed.external.as_ref().map(ValueJson::from),
        }
    }
}

impl SettlementJson {
    fn of(settlement: &Settlement) -> Self {
        match settlement {
            Settlement::Rule { winner, why } => Self::Rule {
                winner: side(*winner),
                why: why.clone(),
            },
            Settlement::Person { actor, resolution } => Self::Person {
                actor: actor.to_string(),
                resolution: resolution.as_str(),
            },
            Settlement::Agreement => Self::Agreement,
        }
    }
}

impl RestoredJson {
    fn of((by, at): &(ActorId, Timestamp)) -> Self {
        Self {
            by: by.to_string(),
            at: *at,
        }
    }
}
