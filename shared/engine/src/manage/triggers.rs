//! Triggers of an integration: check them, and try them.

use std::sync::Arc;

use im_model::{ExternalId, IncidentId, Integration, IntegrationId, OrganizationId, Triggers};
use im_sync::{
    Facts, Subject, Trigger, Verdict,
    prove::{Finding, FindingKind, Level},
};

use super::{FieldProblem, Incidents, Integrations, ManageError, VendorAccess};

/// Tries triggers.
pub struct TriggerTests {
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

impl TriggerTests {
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

/// Refuses triggers that are not valid, each with the place.
pub(super) fn check_triggers(triggers: &Triggers) -> Result<(), ManageError> {
    let both = [
        (OUTBOUND, &triggers.outbound, Subject::Incident),
        (INBOUND, &triggers.inbound, Subject::Record),
    ];
    let problems = both.into_iter().filter_map(|(field, text, subject)| {
        let error = Trigger::parse(text.as_deref()?, subject).err()?;
        Some(FieldProblem::new(field, error.to_string()))
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ManageError::Invalid(problems))
    }
}

/// What an operator should know of an integration's triggers.
pub(super) fn findings(integration: &Integration) -> Vec<Finding> {
    let (triggers, direction) = (&integration.triggers, integration.direction);
    let (out, inward) = (direction.allows_outbound(), direction.allows_inbound());
    let both = [
        (OUTBOUND, &triggers.outbound, Subject::Incident, out),
        (INBOUND, &triggers.inbound, Subject::Record, inward),
    ];
    let found = both.into_iter().filter_map(|(name, text, subject, flows)| {
        let trigger = Trigger::parse(text.as_deref()?, subject);
        let (level, what, consequence) = match trigger {
            Err(error) => {
                let (line, column, problem) = (error.line, error.column, error.problem);
                let what = format!("is not valid, at {line}:{column}: {problem}");
                (Level::Error, what, "what is not linked yet fails")
            }
            Ok(_) if !flows => {
                let what = format!("stands beside direction {direction}");
                (Level::Warning, what, "it is never asked")
            }
            Ok(trigger) if trigger.can_ever_hold() == Some(false) => {
                let what = format!("{:?} never holds", trigger.text());
                let consequence = "nothing is ever sent that way for the first time";
                (Level::Warning, what, consequence)
            }
            Ok(_) => return None,
        };
        Some(Finding {
            level,
            field: None,
            kind: FindingKind::NeverActs,
            detail: format!("{name} trigger {what}"),
            consequence: consequence.to_owned(),
        })
    });
    found.collect()
}

const OUTBOUND: &str = "outbound";
const INBOUND: &str = "inbound";
