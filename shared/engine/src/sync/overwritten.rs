//! What somebody wrote between our read and our write: it is a conflict, not lost (design section 2).
//!
//! Not asked after every write, for that would cost a second read each time: the webhook of the overwritten change tells.
//! It names an author, and the record names us as the last one.

use std::collections::BTreeMap;

use im_model::{ExternalRecord, Field, Incident, Link, NoticeKind, Side};
use im_sync::{Action, Decision, Lost, Rule};

use super::worker::Worker;
use crate::{Hint, SyncError};

impl Worker<'_> {
    /// Decisions that record what our last write overwrote without having read it.
    pub(super) async fn overwritten(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
    ) -> Result<BTreeMap<Field, Decision>, SyncError> {
        let none = BTreeMap::new();
        let Hint::External {
            changed,
            author: Some(author),
            ..
        } = &self.job.hint
        else {
            return Ok(none);
        };
        let mut suspects = changed.clone();
        suspects.retain(|field, _| {
            let Some(observed) = record.fields.get(field) else {
                return false;
            };
            let is_ours = link
                .base
                .get(field)
                .is_some_and(|base| base.ours && base.external == observed.value.digest());
            is_ours && observed.author.as_ref().is_some_and(|last| last != author)
        });
        if suspects.is_empty() {
            return Ok(none);
        }
        let claim = self
            .store()
            .last_claim(&incident.id, self.id(), link.version - 1)
            .await?;
        // What was there before the claim was read, and planned.
        let Some(claim) = claim else { return Ok(none) };
        suspects.retain(|field, at| claim.sent.contains_key(field) && claim.claimed_at <= *at);
        if suspects.is_empty() {
            return Ok(none);
        }
        let history = self
            .vendor
            .history(self.connection(), &record.id, claim.claimed_at)
            .await?;
        let mut decisions = BTreeMap::new();
        for change in history.changes {
            let (Some(value), Some(sent)) = (change.value, claim.sent.get(&change.field)) else {
                continue;
            };
            let Some(at) = suspects.get(&change.field) else {
                continue;
            };
            if change.author.as_ref() != Some(author) || value == sent.external {
                continue;
            }
            let why = format!("our write took the place of {value:?}, set at {at} after we read");
            let decision = Decision {
                rule: Rule::Conflict,
                action: Action::Rebase,
                platform: incident.value(&change.field),
                external: value,
                unseen: link.base.get(&change.field).map(|base| base.external),
                why,
                notice: Some(NoticeKind::Conflict),
                lost: Some(Lost {
                    side: Side::External,
                    changed_at: *at,
                }),
            };
            decisions.insert(change.field, decision);
        }
        Ok(decisions)
    }
}
