//! An integration's rules: who owns what, what becomes of which value, and whether all that can work.

mod check;
mod mappings;
mod ownership;

use std::sync::Arc;

use im_model::{
    Activity, ActorId, Integration, IntegrationId, OrganizationId, Ownable, Owner, Triggers,
};
use im_vendors::ownable;

pub use self::{
    check::CheckReport,
    mappings::{MappingsDocument, NewMappings},
    ownership::{FieldOwnership, Flows, NewOwnership},
};
pub(super) use check::refuse_errors;

use super::{
    FieldProblem, Integrations, KnownRules, ManageError, integrations::vendor_of,
    triggers::check_triggers,
};
use crate::ports::Attempt;

/// The rules of integrations.
pub struct Rules {
    /// Whose rules, and the way to their vendors.
    pub integrations: Arc<Integrations>,
}

/// An integration whose rules were changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedRules {
    /// The integration as it is now.
    pub integration: Integration,
    /// Its links' rules, if the change had to look at them.
    known: Option<KnownRules>,
}

/// What is to change of an integration's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleChange {
    /// Somebody owns a field.
    Own {
        /// The field, as a person calls it.
        field: String,
        /// Who.
        ownership: NewOwnership,
    },
    /// Nobody owns a field, or one owner less.
    Disown {
        /// The field, as a person calls it.
        field: String,
        /// Only this owner.
        owner: Option<Owner>,
    },
    /// The value maps and mapped custom fields are these.
    Map(NewMappings),
    /// Records are first sent when these hold.
    Trigger(Triggers),
    /// It is paused, or resumed.
    Activity(Activity),
}

impl Rules {
    /// Who loses this many races in a row gives up.
    const MOST_RACES: u32 = 5;

    /// Changes an integration's rules. A caller who has seen a version (`if_version`) wants no other to be changed;
    /// any other change is made again on what somebody else has made of it meanwhile. What changes nothing is not
    /// stored.
    ///
    /// # Errors
    /// Names everything that is wrong with the change; of an integration that is enabled, also every error that its
    /// rules would have.
    pub async fn change(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &IntegrationId,
        change: &RuleChange,
        if_version: Option<u64>,
    ) -> Result<ChangedRules, ManageError> {
        for _ in 0..Self::MOST_RACES {
            let present = self.integrations.get(organization, id).await?;
            if if_version.is_some_and(|seen| seen != present.version) {
                break;
            }
            let mut changed = self.changed(&present, change).await?;
            if changed.integration == present {
                return Ok(changed);
            }
            changed.integration.version += 1;
            let now = self.integrations.clock.now();
            changed.integration.updated_at = now;
            changed.integration.note_flows_since(&present, now);
            let stored = self.integrations.put(&present, &changed.integration, actor);
            match stored.await? {
                Attempt::Done => return Ok(changed),
                Attempt::LostRace => {}
            }
        }
        Err(ManageError::Changed(format!("integration {id}")))
    }

    /// The integration with the change, if it can be made.
    async fn changed(
        &self,
        present: &Integration,
        change: &RuleChange,
    ) -> Result<ChangedRules, ManageError> {
        let vendors = &self.integrations.vendors;
        let without_asking = |integration| ChangedRules {
            integration,
            known: None,
        };
        let mut changed = match change {
            RuleChange::Own { field, ownership } => {
                without_asking(ownership::own(present, field, ownership)?)
            }
            RuleChange::Disown { field, owner } => {
                without_asking(ownership::disown(present, field, *owner)?)
            }
            RuleChange::Trigger(triggers) => {
                check_triggers(triggers)?;
                without_asking(Integration {
                    triggers: triggers.clone(),
                    ..present.clone()
                })
            }
            RuleChange::Activity(activity) => without_asking(Integration {
                activity: *activity,
                paused_because: None,
                ..present.clone()
            }),
            RuleChange::Map(mappings) => mappings::map(present, mappings, vendors).await?,
        };
        let is_pause = matches!(change, RuleChange::Activity(Activity::Paused));
        if changed.integration != *present && changed.integration.enabled && !is_pause {
            let known = match changed.known {
                Some(known) => known,
                None => vendors.rules(&changed.integration).await?,
            };
            refuse_errors(&changed.integration, &known.rules)?;
            changed.known = Some(known);
        }
        Ok(changed)
    }
}

/// The field that a person means.
fn named(integration: &Integration, field: &str) -> Result<Ownable, String> {
    let vendor = vendor_of(integration);
    ownable(vendor, field).map_err(|_| {
        let valid: Vec<_> = ownership::mapped(integration)
            .map(|field| field.to_string())
            .collect();
        format!(
            "unknown to {}; expected one of {}",
            integration.integration_type,
            valid.join(", ")
        )
    })
}

/// A refusal of one field.
fn refused(field: impl Into<String>, problem: impl Into<String>) -> ManageError {
    ManageError::Invalid(vec![FieldProblem::new(field, problem)])
}
