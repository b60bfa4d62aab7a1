//! Rules that were changed a moment ago: what they hold back is given up for good, so they are read again first.

use im_sync::{Action, Plan, Rule};

use super::worker::Worker;
use crate::SyncError;

impl Worker<'_> {
    /// Does the plan give up a change because it may not flow? An edit that is passed over now is not caught up with.
    pub(super) fn holds_back(&self, plan: &Plan) -> bool {
        plan.decisions.iter().any(|(field, decision)| {
            let is_restricted = self.rules.fields.get(field).is_some_and(|rule| {
                !self.rules.may_flow_out(rule) || !self.rules.may_flow_in(rule)
            });
            decision.action == Action::Rebase && decision.rule != Rule::InSync && is_restricted
        })
    }

    /// Was the integration changed since its configuration was kept? If so, the new one counts from now on: start again.
    /// One read, where something is held back only.
    pub(super) async fn has_other_rules(&mut self) -> Result<bool, SyncError> {
        let id = self.integration.id.clone();
        let Some(fresh) = self.engine.integrations.fetch(&id).await? else {
            return Ok(false);
        };
        if fresh.version == self.integration.version {
            return Ok(false);
        }
        let mut credentials = self.credentials.clone();
        self.rules = self
            .engine
            .rules(self.vendor, &fresh, &mut credentials)
            .await?;
        self.credentials = credentials;
        self.integration = fresh;
        Ok(true)
    }
}
