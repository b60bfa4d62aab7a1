//! From the decisions of a plan to the conflicts that people see.

use std::collections::BTreeMap;

use im_model::{
    AgreedValues, BasePair, ChangeTime, Conflict, ConflictId, ConflictStatus, ExternalRecord,
    ExternalValue, Field, FieldOutcome, HeldValue, Incident, Link, Origin, PlatformValue, Review,
    Settlement, Side, TimeSource, Verdict,
};
use im_sync::{Action, Conclusion, ConflictStep, Decision, Plan};
use jiff::Timestamp;

use super::worker::Worker;
use crate::{Claim, SyncError};

/// What a commit stores of conflicts.
#[derive(Default)]
pub(super) struct Conflicts {
    /// New ones, and those that have changed.
    pub(super) items: Vec<Conflict>,
    /// What the link says of its fields.
    pub(super) reviews: BTreeMap<Field, Option<Review>>,
}

/// What both sides last agreed on, and since when at the latest.
#[derive(Default)]
pub(super) struct Agreed {
    pub(super) values: AgreedValues,
    pub(super) at: Option<Timestamp>,
}

impl Worker<'_> {
    /// What is to be stored of the conflicts that a plan has found, changed or brought to an end.
    pub(super) async fn conflicts(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        plan: &Plan,
        conclusion: &Conclusion,
    ) -> Result<Conflicts, SyncError> {
        let mut found = Conflicts::default();
        let refused = |field: &Field| {
            let outcome = conclusion.outcomes.get(field);
            matches!(outcome, Some(FieldOutcome::Refused { .. }))
        };
        // What earlier writes carried out comes first: what is decided on it now counts. They have taken effect, whatever
        // the vendor says of what came after.
        let carried_out = self.carried_out.iter().map(|(f, it)| (f, it, false));
        let planned = plan.decisions.iter().map(|(f, it)| (f, it, refused(f)));
        let lost = self.lost.iter().map(|(f, it)| (f, it, false));
        for (field, decision, failed) in carried_out.chain(planned).chain(lost) {
            let Some(step) = &decision.conflict else {
                continue;
            };
            match step {
                ConflictStep::Queue => {
                    let conflict = self.opened(incident, record, field, decision).await?;
                    found.queue(conflict);
                }
                // A value that the vendor refuses has not won.
                ConflictStep::Record if failed => {}
                ConflictStep::Record => {
                    let conflict = self.opened(incident, record, field, decision).await?;
                    found.items.push(settled_by_rule(conflict, decision));
                    if self.is_ignored(incident, field) {
                        found.reviews.insert(field.clone(), None);
                    }
                }
                ConflictStep::Update { conflict } => {
                    let asked_again = self.asked_again(incident, record, field, decision, conflict);
                    found.queue(asked_again.await?);
                }
                ConflictStep::Agree { conflict } => {
                    found.items.extend(self.agreed_upon(conflict).await?);
                    found.reviews.insert(field.clone(), None);
                }
                // What was chosen cannot be done: somebody has to choose again.
                ConflictStep::CarryOut { conflict } if failed => {
                    let asked_again = self.asked_again(incident, record, field, decision, conflict);
                    found.queue(asked_again.await?);
                }
                ConflictStep::CarryOut { .. } if self.is_ignored(incident, field) => {}
                ConflictStep::CarryOut { .. } | ConflictStep::MoveOn { .. } => {
                    found.reviews.insert(field.clone(), None);
                }
            }
        }
        Ok(found)
    }

    /// Takes over the decisions of dead workers whose writes turned out to have taken effect, and what those writes took
    /// the place of.
    pub(super) async fn take_over_settled(
        &mut self,
        incident: &Incident,
        dead: &Claim,
    ) -> Result<(), SyncError> {
        let claims = self
            .store()
            .claims_on(&incident.id, self.id(), dead.link_version)
            .await?;
        self.carried_out.clear();
        for claim in claims {
            for (field, decision) in claim.decisions {
                let sent = claim.sent.get(&field);
                let pair = sent.map(|sent| BasePair::written(&sent.platform, &sent.external));
                let settled = self.settled.get(&field);
                if let (Some(pair), Some(settled)) = (pair, settled)
                    && pair.same_values(settled)
                {
                    let of = match decision.action {
                        Action::Push { .. } => &mut self.carried_out,
                        _ => &mut self.lost,
                    };
                    of.insert(field, decision);
                }
            }
        }
        Ok(())
    }

    /// What was ignored stays so, until one side changes.
    fn is_ignored(&self, incident: &Incident, field: &Field) -> bool {
        let link = incident.links.get(self.id());
        let review = link.and_then(|link| link.reviews.get(field));
        review.is_some_and(|review| review.verdict == Verdict::Ignore)
    }

    async fn opened(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        field: &Field,
        decision: &Decision,
    ) -> Result<Conflict, SyncError> {
        let now = self.now();
        let base = match incident.links.get(self.id()) {
            Some(link) => self.agreed(incident, link, field).await?.values,
            None => AgreedValues::default(),
        };
        let (platform, external) = self.held_values(incident, field, decision);
        Ok(Conflict {
            id: ConflictId::from_ulid(self.engine.ids.ulid(now)),
            organization: incident.organization.clone(),
            incident: incident.id.clone(),
            integration: self.id().clone(),
            external_id: record.id.clone(),
            field: field.clone(),
            strategy: self.integration.strategy,
            status: ConflictStatus::Pending,
            base,
            platform,
            external,
            opened_at: now,
            updated_at: now,
            version: 1,
            settlement: None,
            restored: None,
        })
    }

    /// The queued conflict with the values as they are now; a new one if it is gone.
    async fn asked_again(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        field: &Field,
        decision: &Decision,
        conflict: &ConflictId,
    ) -> Result<Conflict, SyncError> {
        let known = self.engine.conflicts.conflict(conflict).await?;
        // An automatic resolution that was undone, and undone again by an edit, is a conflict of its own.
        let Some(known) = known.filter(|known| known.restored.is_none()) else {
            return self.opened(incident, record, field, decision).await;
        };
        let (platform, external) = self.held_values(incident, field, decision);
        Ok(Conflict {
            status: ConflictStatus::Pending,
            platform,
            external,
            updated_at: self.now(),
            version: known.version + 1,
            settlement: None,
            ..known
        })
    }

    async fn agreed_upon(&self, conflict: &ConflictId) -> Result<Option<Conflict>, SyncError> {
        let known = self.engine.conflicts.conflict(conflict).await?;
        let pending = known.filter(|known| known.status == ConflictStatus::Pending);
        Ok(pending.map(|known| Conflict {
            status: ConflictStatus::Resolved,
            settlement: Some(Settlement::Agreement),
            updated_at: self.now(),
            version: known.version + 1,
            ..known
        }))
    }

    fn held_values(
        &self,
        incident: &Incident,
        field: &Field,
        decision: &Decision,
    ) -> (HeldValue<PlatformValue>, HeldValue<ExternalValue>) {
        let state = incident.fields.get(field);
        let unknown = |at, source| ChangeTime { at, source };
        let platform = HeldValue {
            value: decision.platform.clone(),
            changed: decision.times.map_or_else(
                || match state {
                    Some(state) => unknown(state.changed_at, TimeSource::Platform),
                    None => unknown(incident.created_at, TimeSource::Creation),
                },
                |times| times.platform,
            ),
            author: state.and_then(|state| match &state.origin {
                Origin::Platform { actor } => Some(actor.clone()),
                Origin::External { author, .. } => author.clone(),
            }),
        };
        let lost_at = decision.lost.as_ref().map(|lost| lost.changed_at);
        let external = HeldValue {
            value: decision.external.clone(),
            changed: decision.times.map_or_else(
                || unknown(lost_at.unwrap_or_else(|| self.now()), TimeSource::History),
                |times| times.external,
            ),
            author: decision.author.clone().or_else(|| self.author()),
        };
        (platform, external)
    }

    /// What both sides of a field last agreed on: the values of the claim that moved its base there.
    pub(super) async fn agreed(
        &self,
        incident: &Incident,
        link: &Link,
        field: &Field,
    ) -> Result<Agreed, SyncError> {
        let (Some(base), Some(version)) = (link.base.get(field), link.moved.get(field)) else {
            return Ok(Agreed::default());
        };
        let claims = self
            .store()
            .claims_on(&incident.id, self.id(), *version)
            .await?;
        Ok(Agreed {
            at: claims.first().map(|claim| claim.claimed_at),
            values: agreed_values(&claims, field, base),
        })
    }
}

impl Conflicts {
    fn queue(&mut self, conflict: Conflict) {
        let review = Review {
            conflict: conflict.id.clone(),
            about: conflict.pair(),
            verdict: Verdict::Pending,
        };
        self.reviews.insert(conflict.field.clone(), Some(review));
        self.items.push(conflict);
    }
}

fn settled_by_rule(conflict: Conflict, decision: &Decision) -> Conflict {
    let lost = decision.lost.as_ref().map(|lost| lost.side);
    Conflict {
        status: ConflictStatus::Resolved,
        settlement: Some(Settlement::Rule {
            winner: match lost {
                Some(Side::Platform) => Side::External,
                Some(Side::External) | None => Side::Platform,
            },
            why: decision.why.clone(),
        }),
        ..conflict
    }
}

/// The values among those that claims name, which have the digests of a base.
pub(crate) fn agreed_values(claims: &[Claim], field: &Field, base: &BasePair) -> AgreedValues {
    let (mut platform, mut external) = (Vec::new(), Vec::new());
    for claim in claims {
        if let Some(sent) = claim.sent.get(field) {
            platform.push(&sent.platform);
            external.push(&sent.external);
        }
        let Some(decision) = claim.decisions.get(field) else {
            continue;
        };
        platform.push(&decision.platform);
        external.push(&decision.external);
        match &decision.action {
            Action::Pull { value, .. } => platform.push(value),
            Action::Push { value } => external.push(value),
            Action::Rebase | Action::Report | Action::Hold => {}
        }
    }
    AgreedValues {
        platform: platform
            .into_iter()
            .find(|value| value.digest() == base.platform)
            .cloned(),
        external: external
            .into_iter()
            .find(|value| value.digest() == base.external)
            .cloned(),
    }
}
