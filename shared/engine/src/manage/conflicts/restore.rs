//! An automatic resolution is undone.

use std::collections::BTreeMap;

use im_model::{
    ActorId, Audited, BasePair, Conflict, ConflictId, ExternalValue, OrganizationId, PlatformValue,
    Review, Settlement, Side, Verdict,
};
use im_sync::Mapped;

use super::{Conflicts, Word, linked, refuse_if_asked};
use crate::{
    PlatformEdit,
    manage::{Incidents, ManageError},
};

impl Conflicts {
    /// Undoes an automatic resolution in one step: both sides get the losing value, the vendor its own raw one. Refused
    /// where either side has changed since, for then it would undo more than the resolution.
    pub async fn restore(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &ConflictId,
    ) -> Result<Conflict, ManageError> {
        let cause = format!("conflict {id}: the losing value was brought back by {actor}");
        let worker = self.incidents.worker();
        for _ in 0..Incidents::MOST_RACES {
            let conflict = self.get(organization, id).await?;
            let winner = restorable(&conflict)?;
            let incident = self.incidents.get(organization, &conflict.incident).await?;
            let link = linked(&incident, &conflict)?;
            refuse_if_asked(link, &conflict)?;
            let rules = self.rules_of(&conflict).await?;
            let Some(rule) = rules.fields.get(&conflict.field) else {
                return Err(ManageError::Conflict(format!(
                    "{} is not mapped by {} any more",
                    conflict.field, conflict.integration
                )));
            };
            if !rules.may_flow_out(rule) {
                return Err(ManageError::Conflict(format!(
                    "{} may not flow to {}; change its owner or the direction first, or edit it there: the value was \
                     {:?}",
                    conflict.field, conflict.integration, conflict.platform.value
                )));
            }
            let map_in = |external: &ExternalValue| match rule.inward.apply(&external.0) {
                Mapped::Value(value) => Some(PlatformValue(value)),
                Mapped::LeaveAlone | Mapped::Unmapped => None,
            };
            let present = incident.value(&conflict.field);
            let (platform, verdict) = match winner {
                Side::External => (conflict.platform.value.clone(), Verdict::UsePlatform),
                Side::Platform => (
                    map_in(&conflict.external.value)
                        .filter(|value| conflict.field.parse_value(value.as_str()).is_ok())
                        .unwrap_or_else(|| present.clone()),
                    Verdict::Restore {
                        external: conflict.external.value.clone(),
                    },
                ),
            };
            let base = link.base.get(&conflict.field);
            let is_as_left = base.is_some_and(|base| {
                base.platform == present.digest()
                    && match winner {
                        Side::External => base.external == conflict.external.value.digest(),
                        Side::Platform => base.platform == conflict.platform.value.digest(),
                    }
            });
            let (Some(base), true) = (base, is_as_left) else {
                return Err(ManageError::Conflict(format!(
                    "{} of {} was changed since conflict {id} was resolved; edit it instead: the value that lost was {}",
                    conflict.field,
                    conflict.incident,
                    lost_in_words(&conflict, winner)
                )));
            };
            let review = Review {
                conflict: conflict.id.clone(),
                about: BasePair {
                    platform: platform.digest(),
                    external: base.external,
                    ours: false,
                    one_of_many: false,
                },
                verdict,
            };
            let now = self.incidents.clock.now();
            let edit = (platform != present).then(|| PlatformEdit {
                at: now,
                actor: actor.clone(),
                cause: Some(cause.clone()),
                request: self.incidents.worker(),
                revision: incident.revision + 1,
                before: BTreeMap::from([(conflict.field.clone(), present.clone())]),
                after: BTreeMap::from([(conflict.field.clone(), platform.clone())]),
            });
            let restored = Conflict {
                restored: Some((actor.clone(), now)),
                updated_at: now,
                version: conflict.version + 1,
                ..conflict
            };
            if self
                .rule(
                    (&incident, link),
                    restored.clone(),
                    review,
                    edit,
                    word((&worker, &cause), actor, winner),
                )
                .await?
            {
                return Ok(restored);
            }
        }
        Err(ManageError::Changed(format!("conflict {id}")))
    }
}

/// Who won, if it was a rule and nobody has undone it.
fn restorable(conflict: &Conflict) -> Result<Side, ManageError> {
    let id = &conflict.id;
    if let Some((actor, at)) = &conflict.restored {
        let problem = format!("conflict {id} was undone by {actor} at {at} already");
        return Err(ManageError::Conflict(problem));
    }
    match &conflict.settlement {
        Some(Settlement::Rule { winner, .. }) => Ok(*winner),
        Some(_) => Err(ManageError::Conflict(format!(
            "conflict {id} was not resolved automatically: there is nothing to undo"
        ))),
        None => Err(ManageError::Conflict(format!(
            "conflict {id} is pending: resolve it"
        ))),
    }
}

fn lost_in_words(conflict: &Conflict, winner: Side) -> String {
    match winner {
        Side::External => format!("{:?} on the platform", conflict.platform.value),
        Side::Platform => format!("{:?} at {}", conflict.external.value, conflict.integration),
    }
}

/// How it is told that the losing value is back.
fn word<'a>((worker, cause): (&'a str, &'a str), actor: &'a ActorId, winner: Side) -> Word<'a> {
    let (ours, theirs) = ("the platform's value", "the vendor's value");
    let (before, outcome) = match winner {
        Side::Platform => (ours, theirs),
        Side::External => (theirs, ours),
    };
    Word {
        worker,
        cause,
        actor,
        action: Audited::ConflictRestored,
        before,
        outcome,
    }
}
