//! Triggers on what is not linked yet. A link that exists is synced whatever they say.

use im_sync::{Facts, Subject, Trigger};

use super::{SyncEngine, worker::Worker};
use crate::SyncError;

impl Worker<'_> {
    /// Is this to be sent to the other side for the first time?
    pub(super) fn is_triggered(
        &self,
        subject: Subject,
        facts: impl FnOnce() -> Facts,
    ) -> Result<bool, SyncError> {
        let triggers = &self.integration.triggers;
        let (text, name) = match subject {
            Subject::Incident => (&triggers.outbound, "outbound"),
            Subject::Record => (&triggers.inbound, "inbound"),
        };
        let Some(text) = text else {
            return Ok(true);
        };
        // It was checked when it was saved, perhaps by an older version.
        let trigger = Trigger::parse(text, subject).map_err(|error| {
            let (line, column, problem) = (error.line, error.column, error.problem);
            let detail = format!(
                "its {name} trigger is not valid any more, at {line}:{column}: {problem}; save it anew"
            );
            SyncEngine::misconfigured(&self.integration, &detail)
        })?;
        Ok(trigger.evaluate(&facts()).holds)
    }
}
