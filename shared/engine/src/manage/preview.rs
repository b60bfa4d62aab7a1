//! What would be written if an integration were enabled now. Nothing is written anywhere.

mod creation;
mod linked;

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use im_model::{
    ExternalId, ExternalValue, Field, Incident, IncidentId, Integration, IntegrationId, LinkState,
    OrganizationId, PlatformValue,
};
use im_sync::{Action, Decision, Facts, LinkRules, Rule, Subject, Trigger};
use im_vendors::{Connection, Credentials, VendorApi, VendorError, VendorErrorKind, registry};

use super::{Incidents, Integrations, ManageError, VendorAccess};
use crate::ports::Page;

/// Says what would be written.
pub struct Previews {
    /// Of which integrations.
    pub integrations: Arc<Integrations>,
    /// Of which incidents.
    pub incidents: Arc<Incidents>,
    /// Shows what the vendors hold.
    pub vendors: Arc<VendorAccess>,
}

/// Which incidents are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Previewed {
    /// This one.
    One(IncidentId),
    /// A page of all of the organization.
    Page {
        /// Where the page before ended.
        cursor: Option<String>,
        /// How many, at most [`Previews::MOST`].
        limit: u16,
    },
}

/// What would become of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewAction {
    /// A record would be created for it.
    Create,
    /// Its fields or notes would be moved.
    Update,
    /// Nothing would move: both sides are as they should be, or wait for a person.
    Nothing,
    /// It would not be looked at further.
    Skip,
}

/// What would become of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewedField {
    /// Which.
    pub field: Field,
    /// What the engine would decide.
    pub action: Action,
    /// What the platform holds.
    pub platform: PlatformValue,
    /// What the vendor holds; empty if there is no record yet.
    pub external: ExternalValue,
    /// Which rule decides.
    pub rule: Rule,
    /// Why, in words.
    pub why: String,
}

/// One incident, and what would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Which.
    pub incident: IncidentId,
    /// Its record, if it is linked.
    pub external_id: Option<ExternalId>,
    /// What would become of it.
    pub action: PreviewAction,
    /// Why, in words.
    pub reason: String,
    /// The fields on which there is something to say.
    pub fields: Vec<PreviewedField>,
    /// How many notes would be sent to the vendor.
    pub notes_to_send: usize,
}

impl Previews {
    /// Most incidents of a page: each linked one costs a request to the vendor.
    pub const MOST: u16 = 25;

    /// So many requests to the vendor run at once.
    const AT_ONCE: usize = 5;

    /// What would become of these incidents, in the order of their creation.
    pub async fn page(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        which: &Previewed,
    ) -> Result<Page<Preview>, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let incidents = match which {
            Previewed::One(incident) => Page {
                items: vec![self.incidents.get(organization, incident).await?],
                next: None,
            },
            Previewed::Page { cursor, limit } => {
                let (cursor, limit) = (cursor.as_deref(), (*limit).min(Self::MOST));
                self.incidents.list(organization, cursor, limit).await?
            }
        };
        let credentials = self.vendors.credentials(&integration).await?;
        let looking = self.look(&integration, &credentials, &incidents.items);
        let items = tokio::time::timeout(VendorAccess::PATIENCE, looking).await;
        let items = items.map_err(|_| {
            let seconds = VendorAccess::PATIENCE.as_secs();
            ManageError::Vendor(format!(
                "{id} did not show everything within {seconds} s; ask for fewer incidents at once"
            ))
        })?;
        Ok(Page {
            items: items?,
            next: incidents.next,
        })
    }

    async fn look(
        &self,
        integration: &Integration,
        credentials: &Credentials,
        incidents: &[Incident],
    ) -> Result<Vec<Preview>, ManageError> {
        let rules = self.vendors.asked_rules(integration, credentials).await?;
        let outbound = integration.triggers.outbound.as_deref();
        let trigger = outbound.map(|text| {
            Trigger::parse(text, Subject::Incident).map_err(|error| {
                let id = &integration.id;
                ManageError::Conflict(format!(
                    "the outbound trigger of {id} is not valid any more; save it anew: {error}"
                ))
            })
        });
        let look = Look {
            previews: self,
            integration,
            credentials,
            vendor: registry::vendor_api(integration.integration_type),
            rules: &rules,
            trigger: trigger.transpose()?,
        };
        let looks = incidents.iter().map(|incident| look.at(incident).boxed());
        let looks: Vec<BoxFuture<'_, _>> = looks.collect();
        let looks = stream::iter(looks).buffered(Self::AT_ONCE);
        looks.try_collect().await
    }
}

/// What is known while a page is made.
struct Look<'a> {
    previews: &'a Previews,
    integration: &'a Integration,
    credentials: &'a Credentials,
    vendor: &'static dyn VendorApi,
    rules: &'a LinkRules,
    trigger: Option<Trigger>,
}

impl Look<'_> {
    async fn at(&self, incident: &Incident) -> Result<Preview, ManageError> {
        let link = incident.links.get(&self.integration.id);
        let looked = match link.map(|link| (link, &link.state)) {
            None => match self.withheld(incident) {
                Some(why) => Ok(skipped(incident, why)),
                None => {
                    let reason = self.reason_to_create(incident);
                    self.creation(incident, reason).await
                }
            },
            Some((_, LinkState::Unlinked { .. })) => {
                Ok(skipped(incident, "it was unlinked by hand".to_owned()))
            }
            Some((_, LinkState::Reserved)) => {
                let reason = "its creation has begun, and would be carried on; a record that is there already is taken";
                self.creation(incident, reason.to_owned()).await
            }
            Some((link, LinkState::Linked { external_id, .. })) => {
                self.linked(incident, link, external_id).await
            }
        };
        match looked {
            Err(Failed::Vendor(error)) if error.kind == VendorErrorKind::Unauthorized => {
                let id = &self.integration.id;
                Err(ManageError::Vendor(format!(
                    "{id} did not let us in: {error}"
                )))
            }
            // The others are worth showing.
            Err(Failed::Vendor(error)) => {
                let why = format!("{} did not show its record: {error}", self.integration.id);
                Ok(skipped(incident, why))
            }
            Err(Failed::Manage(error)) => Err(error),
            Ok(preview) => Ok(preview),
        }
    }

    /// Why no record would be created for an incident that has none.
    fn withheld(&self, incident: &Incident) -> Option<String> {
        if !self.rules.direction.allows_outbound() {
            return Some("the direction lets nothing out".to_owned());
        }
        let verdict = self.verdict(incident)?;
        (!verdict.holds).then(|| format!("the outbound trigger does not hold: {}", verdict.reason))
    }

    fn reason_to_create(&self, incident: &Incident) -> String {
        let why = match self.verdict(incident) {
            Some(verdict) => format!("the outbound trigger holds: {}", verdict.reason),
            None => "it is not linked, and there is no outbound trigger".to_owned(),
        };
        // An integration that is enabled later is not brought what was written before.
        if incident.pending.contains_key(&self.integration.id) {
            why
        } else {
            format!("at its next change; {why}")
        }
    }

    fn verdict(&self, incident: &Incident) -> Option<im_sync::Verdict> {
        let trigger = self.trigger.as_ref()?;
        Some(trigger.evaluate(&Facts::of_incident(incident)))
    }

    fn connection(&self) -> Connection<'_> {
        self.previews
            .vendors
            .connection(self.integration, self.credentials)
    }
}

/// Why there is nothing to show of an incident.
enum Failed {
    Vendor(VendorError),
    Manage(ManageError),
}

impl From<VendorError> for Failed {
    fn from(error: VendorError) -> Self {
        Self::Vendor(error)
    }
}

impl<E: Into<ManageError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Manage(error.into())
    }
}

fn skipped(incident: &Incident, reason: String) -> Preview {
    Preview {
        incident: incident.id.clone(),
        external_id: None,
        action: PreviewAction::Skip,
        reason,
        fields: Vec::new(),
        notes_to_send: 0,
    }
}

fn shown(decisions: BTreeMap<Field, Decision>) -> Vec<PreviewedField> {
    let shown = decisions
        .into_iter()
        .map(|(field, decision)| PreviewedField {
            field,
            action: decision.action,
            platform: decision.platform,
            external: decision.external,
            rule: decision.rule,
            why: decision.why,
        });
    shown.collect()
}
