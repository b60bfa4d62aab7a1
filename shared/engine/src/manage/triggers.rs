//! Triggers of an integration: show, set, and try them.

use std::sync::Arc;

use im_model::{ExternalId, IncidentId, Integration, IntegrationId, OrganizationId, Triggers};
use im_sync::{Facts, Subject, Trigger, Verdict};

use super::{FieldProblem, Incidents, Integrations, ManageError, VendorAccess};
use crate::ports::Attempt;

/// Shows, sets and tries triggers.
pub struct TriggerRules {
    /// Whose they are.
    pub integrations: Arc<Integrations>,
    /// What the outbound ones are conditions on.
    pub incidents: Arc<Incidents>,
    /// Shows what the inbound ones are conditions on.
    pub vendors: Arc<VendorAccess>,
}

/// What a trigger is tried on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// An incident: the outbound trigger.
    Incident(IncidentId),
    /// A record at the vendor: the inbound trigger.
    Record(ExternalId),
}

impl Tried {
    fn subject(&self) -> Subject {
        match self {
            Self::Incident(_) => Subject::Incident,
            Self::Record(_) => Subject::Record,
        }
    }
}

/// What a trigger said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TriggerTest {
    /// What it was tried on.
    pub subject: Subject,
    /// The condition; `None` if there is none, and everything is sent.
    pub expression: Option<String>,
    /// What it said, and why.
    pub verdict: Verdict,
    /// What it could see.
    pub facts: Facts,
}

impl TriggerRules {
    /// The integration, with its triggers.
    pub async fn get(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<Integration, ManageError> {
        self.integrations.get(organization, id).await
    }

    /// Replaces both triggers. Each is checked first; where one is wrong, nothing is changed.
    pub async fn put(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        triggers: Triggers,
        if_version: Option<u64>,
    ) -> Result<Integration, ManageError> {
        let mut integration = self.integrations.get(organization, id).await?;
        let changed_meanwhile = || ManageError::Changed(format!("integration {id}"));
        if if_version.is_some_and(|seen| seen != integration.version) {
            return Err(changed_meanwhile());
        }
        let problems = [
            (OUTBOUND, &triggers.outbound, Subject::Incident),
            (INBOUND, &triggers.inbound, Subject::Record),
        ];
        let problems: Vec<_> = problems
            .into_iter()
            .filter_map(|(field, text, subject)| {
                let error = Trigger::parse(text.as_deref()?, subject).err()?;
                Some(FieldProblem::new(field, error.to_string()))
            })
            .collect();
        if !problems.is_empty() {
            return Err(ManageError::Invalid(problems));
        }
        if integration.triggers == triggers {
            return Ok(integration);
        }
        integration.triggers = triggers;
        integration.version += 1;
        integration.updated_at = self.integrations.clock.now();
        match self
            .integrations
            .store
            .update_integration(&integration)
            .await?
        {
            Attempt::Done => Ok(integration),
            Attempt::LostRace => Err(changed_meanwhile()),
        }
    }

    /// Says whether a trigger holds and why, and sends nothing. `expression` stands for the one that is saved.
    pub async fn test(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
        tried: &Tried,
        expression: Option<String>,
    ) -> Result<TriggerTest, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let subject = tried.subject();
        let (name, saved) = match subject {
            Subject::Incident => (OUTBOUND, &integration.triggers.outbound),
            Subject::Record => (INBOUND, &integration.triggers.inbound),
        };
        let is_given = expression.is_some();
        let expression = expression.or_else(|| saved.clone());
        let trigger = expression.as_deref().map(|text| {
            Trigger::parse(text, subject).map_err(|error| {
                if is_given {
                    let problem = FieldProblem::new("expression", error.to_string());
                    return ManageError::Invalid(vec![problem]);
                }
                ManageError::Conflict(format!(
                    "the {name} trigger of {id} is not valid any more; save it anew: {error}"
                ))
            })
        });
        let trigger = trigger.transpose()?;
        let facts = match tried {
            Tried::Incident(incident) => {
                Facts::of_incident(&self.incidents.get(organization, incident).await?)
            }
            Tried::Record(record) => self.facts_of_record(&integration, record).await?,
        };
        let verdict = match &trigger {
            Some(trigger) => trigger.evaluate(&facts),
            None => Verdict {
                holds: true,
                reason: format!("there is no {name} trigger: everything is sent"),
            },
        };
        Ok(TriggerTest {
            subject,
            expression,
            verdict,
            facts,
        })
    }

    async fn facts_of_record(
        &self,
        integration: &Integration,
        id: &ExternalId,
    ) -> Result<Facts, ManageError> {
        let credentials = self.vendors.credentials(integration).await?;
        let (record, rules) = tokio::try_join!(
            self.vendors.record(integration, id),
            self.vendors.asked_rules(integration, &credentials),
        )?;
        Ok(Facts::of_record(&record, &rules))
    }
}

const OUTBOUND: &str = "outbound";
const INBOUND: &str = "inbound";
