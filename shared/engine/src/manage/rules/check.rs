//! Whether an integration's rules can work.

use std::collections::BTreeMap;

use im_model::{Integration, IntegrationId, OrganizationId};
use im_sync::{
    LinkRules,
    prove::{Finding, Level, Subject, Verdict, prove},
};

use super::Rules;
use crate::manage::{FieldProblem, ManageError, integrations::vendor_of, triggers};

/// What was found of an integration's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Errors first.
    pub findings: Vec<Finding>,
    /// What they come to.
    pub verdict: Verdict,
    /// What the reader should know of how it was found.
    pub notes: Vec<String>,
}

impl Rules {
    /// Proves an integration's rules, as the vendor's account is now, beside those of the organization's other
    /// integrations that are enabled.
    pub async fn check(
        &self,
        organization: &OrganizationId,
        id: &IntegrationId,
    ) -> Result<CheckReport, ManageError> {
        let integration = self.integrations.get(organization, id).await?;
        let known = self.integrations.vendors.rules(&integration).await?;
        let all = self.integrations.list(organization).await?;
        let others = all.into_iter().filter(|other| other.enabled);
        let others = others.map(|other| {
            let rules = vendor_of(&other).usual_rules(&other);
            (other.id, rules)
        });
        let findings = found(&integration, &known.rules, &others.collect());
        Ok(CheckReport {
            verdict: Verdict::of(&findings),
            findings,
            notes: known.note.into_iter().collect(),
        })
    }
}

fn found(
    integration: &Integration,
    rules: &LinkRules,
    others: &BTreeMap<IntegrationId, LinkRules>,
) -> Vec<Finding> {
    let mut findings = prove(&Subject {
        id: &integration.id,
        rules,
        ownership: &integration.ownership,
        mappings: &integration.mappings,
        others,
    });
    findings.extend(triggers::findings(integration));
    findings.sort();
    findings
}

/// Refuses an integration whose rules cannot work, naming each error.
pub(in crate::manage) fn refuse_errors(
    integration: &Integration,
    rules: &LinkRules,
) -> Result<(), ManageError> {
    let findings = found(integration, rules, &BTreeMap::new()).into_iter();
    let errors = findings.filter(|finding| finding.level == Level::Error);
    let problems: Vec<_> = errors
        .map(|finding| {
            let field = finding.field.as_ref().map(ToString::to_string);
            let field = field.unwrap_or_else(|| "enabled".to_owned());
            let problem = format!(
                "{finding} ({}); it cannot be enabled so",
                finding.kind.as_str()
            );
            FieldProblem::new(field, problem)
        })
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ManageError::Invalid(problems))
    }
}
