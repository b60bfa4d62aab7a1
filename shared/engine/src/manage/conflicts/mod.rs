//! Conflicts: list, show, resolve, restore.

mod allowed;
mod restore;

use std::sync::Arc;

use im_model::{
    ActorId, Audited, Conflict, ConflictId, ConflictStatus, Incident, IncidentId, IntegrationId,
    Link, LinkState, OrganizationId, Resolution, Review, Settlement, Verdict,
};
use im_sync::LinkRules;

use super::{FieldProblem, Incidents, Integrations, ManageError, win::ruled};
use crate::{
    Counters, PlatformEdit, Ruling,
    audit::Auditor,
    ports::{Attempt, ConflictStore, Page},
};

/// Which conflicts are listed.
#[derive(Debug, Clone, Default)]
pub struct ConflictFilter {
    /// Only of this status.
    pub status: Option<ConflictStatus>,
    /// Only of this integration.
    pub integration: Option<IntegrationId>,
    /// Only of this incident.
    pub incident: Option<IncidentId>,
}

impl ConflictFilter {
    fn lets_through(&self, conflict: &Conflict) -> bool {
        let integration = self.integration.as_ref();
        let incident = self.incident.as_ref();
        integration.is_none_or(|wanted| *wanted == conflict.integration)
            && incident.is_none_or(|wanted| *wanted == conflict.incident)
    }
}

/// What a person says of a conflict, and how it is told of.
#[derive(Clone, Copy)]
struct Word<'a> {
    worker: &'a str,
    cause: &'a str,
    actor: &'a ActorId,
    action: Audited,
    before: &'a str,
    outcome: &'a str,
}

/// Conflicts of the platform.
pub struct Conflicts {
    /// Where they are.
    pub store: Arc<dyn ConflictStore>,
    /// The incidents that they are about.
    pub incidents: Arc<Incidents>,
    /// What may flow.
    pub integrations: Arc<Integrations>,
}

impl Conflicts {
    /// One page, newest first.
    pub async fn list(
        &self,
        organization: &OrganizationId,
        filter: &ConflictFilter,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<Page<Conflict>, ManageError> {
        let before = cursor.map(ConflictId::parse).transpose().map_err(|_| {
            let problem = "is not a cursor that a list answered with";
            ManageError::Invalid(vec![FieldProblem::new("cursor", problem)])
        })?;
        let statuses = match &filter.status {
            Some(status) => std::slice::from_ref(status),
            None => ConflictStatus::ALL,
        };
        let limit = usize::from(limit);
        let mut all = Vec::new();
        let mut is_cut = false;
        for status in statuses {
            let found = self.matching(organization, *status, filter, before.clone(), limit);
            let (found, more) = found.await?;
            is_cut |= more;
            all.extend(found);
        }
        all.sort_by(|a, b| b.id.cmp(&a.id));
        is_cut |= all.len() > limit;
        all.truncate(limit);
        let last = all.last().map(|conflict| conflict.id.to_string());
        Ok(Page {
            next: last.filter(|_| is_cut),
            items: all,
        })
    }

    /// The newest of one status that match, and whether there are more.
    async fn matching(
        &self,
        organization: &OrganizationId,
        status: ConflictStatus,
        filter: &ConflictFilter,
        mut before: Option<ConflictId>,
        limit: usize,
    ) -> Result<(Vec<Conflict>, bool), ManageError> {
        let mut found = Vec::new();
        loop {
            let page = self
                .store
                .conflicts(organization, status, before.as_ref(), 100)
                .await?;
            before = page.items.last().map(|conflict| conflict.id.clone());
            found.extend(
                page.items
                    .into_iter()
                    .filter(|one| filter.lets_through(one)),
            );
            if found.len() > limit || page.next.is_none() || before.is_none() {
                let more = found.len() > limit || page.next.is_some();
                found.truncate(limit);
                return Ok((found, more));
            }
        }
    }

    /// One conflict of an organization.
    pub async fn get(
        &self,
        organization: &OrganizationId,
        id: &ConflictId,
    ) -> Result<Conflict, ManageError> {
        let found = self.store.conflict(id).await?;
        found
            .filter(|conflict| conflict.organization == *organization)
            .ok_or_else(|| ManageError::NotFound(format!("conflict {id}")))
    }

    /// A person's choice. It is stored as a decision on the link and carried out by the next sync, which finds out
    /// whether the two values are still there. `if_version` is the version of the conflict that the person has seen.
    pub async fn resolve(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        id: &ConflictId,
        resolution: Resolution,
        if_version: Option<u64>,
    ) -> Result<Conflict, ManageError> {
        let cause = format!("conflict {id} resolved by {actor}: {resolution}");
        let worker = self.incidents.worker();
        for _ in 0..Incidents::MOST_RACES {
            let conflict = self.get(organization, id).await?;
            refuse_unless_pending(&conflict, if_version)?;
            let incident = self.incidents.get(organization, &conflict.incident).await?;
            let link = linked(&incident, &conflict)?;
            let review = link.reviews.get(&conflict.field);
            let Some(review) = review.filter(|review| review.conflict == *id) else {
                return Err(no_longer_asked(&conflict));
            };
            if incident.value(&conflict.field).digest() != review.about.platform {
                return Err(ManageError::Conflict(format!(
                    "conflict {id} is stale: {} was edited on the platform since, and is being compared again; look at \
                     it again in a moment",
                    conflict.field
                )));
            }
            self.refuse_if_held_back(&conflict, resolution).await?;
            let verdict = match resolution {
                Resolution::UsePlatform => Verdict::UsePlatform,
                Resolution::UseExternal => Verdict::UseExternal,
                Resolution::Ignore => Verdict::Ignore,
            };
            let review = Review {
                verdict,
                ..review.clone()
            };
            let resolved = Conflict {
                status: match resolution {
                    Resolution::Ignore => ConflictStatus::Ignored,
                    _ => ConflictStatus::Resolved,
                },
                settlement: Some(Settlement::Person {
                    actor: actor.clone(),
                    resolution,
                }),
                updated_at: self.incidents.clock.now(),
                version: conflict.version + 1,
                ..conflict
            };
            if self
                .rule(
                    (&incident, link),
                    resolved.clone(),
                    review,
                    None,
                    Word {
                        worker: &worker,
                        cause: &cause,
                        actor,
                        action: Audited::ConflictResolved,
                        before: ConflictStatus::Pending.as_str(),
                        outcome: resolution.as_str(),
                    },
                )
                .await?
            {
                return Ok(resolved);
            }
        }
        Err(ManageError::Changed(format!("conflict {id}")))
    }

    /// Wins the link's version, and stores the ruling. False: somebody was faster, load again, as the same worker.
    async fn rule(
        &self,
        (incident, link): (&Incident, &Link),
        conflict: Conflict,
        review: Review,
        edit: Option<PlatformEdit>,
        word: Word<'_>,
    ) -> Result<bool, ManageError> {
        let integration = conflict.integration.clone();
        self.incidents
            .refuse_unfinished(incident, &integration, link.version)
            .await?;
        let won = self.incidents.win(
            incident,
            &integration,
            link.version,
            word.worker,
            word.cause,
        );
        let Some(attempt) = won.await? else {
            return Ok(false);
        };
        let mut owed = match &edit {
            None => std::collections::BTreeSet::new(),
            Some(_) => {
                let owed = self.incidents.owed(&incident.organization).await?;
                owed.changes_of(incident)
            }
        };
        owed.insert(integration.clone());
        let mut after = link.clone();
        after.version += 1;
        after.reviews.insert(conflict.field.clone(), review);
        let now = edit
            .as_ref()
            .map_or(self.incidents.clock.now(), |edit| edit.at);
        after.outcome = Some(ruled(link.version, attempt, now));
        let of = (&incident.organization, &integration);
        let audit = Auditor::new(self.incidents.ids.as_ref(), Some(word.actor), now).settled(
            of,
            word.action,
            conflict.id.as_str(),
            (word.before, word.outcome),
        );
        let is_settled = matches!(word.action, Audited::ConflictResolved);
        let settled = is_settled.then(|| Counters::conflicts(std::slice::from_ref(&conflict)));
        let ruling = Ruling {
            counted: settled.unwrap_or(Counters::NONE),
            incident,
            integration: &integration,
            link: after,
            conflict,
            edit,
            audit,
            owed,
            now,
        };
        Ok(self.incidents.store.rule(&ruling).await? == Attempt::Done)
    }

    async fn rules_of(&self, conflict: &Conflict) -> Result<LinkRules, ManageError> {
        let (organization, id) = (&conflict.organization, &conflict.integration);
        let integration = match self.integrations.get(organization, id).await {
            Err(ManageError::NotFound(_)) => {
                return Err(ManageError::Conflict(format!(
                    "integration {id} was deleted: nothing flows there any more"
                )));
            }
            found => found?,
        };
        Ok(self.integrations.vendors.rules(&integration).await?.rules)
    }
}

fn refuse_unless_pending(conflict: &Conflict, if_version: Option<u64>) -> Result<(), ManageError> {
    if conflict.status != ConflictStatus::Pending {
        let by = match &conflict.settlement {
            Some(Settlement::Person { actor, resolution }) => {
                format!(" by {actor} with {resolution}")
            }
            Some(Settlement::Rule { .. }) => " by the integration's strategy".to_owned(),
            Some(Settlement::Agreement) => ": both sides came to say the same".to_owned(),
            None => String::new(),
        };
        return Err(ManageError::Conflict(format!(
            "conflict {} is {} already{by}",
            conflict.id, conflict.status
        )));
    }
    if if_version.is_some_and(|seen| seen != conflict.version) {
        return Err(ManageError::Changed(format!("conflict {}", conflict.id)));
    }
    Ok(())
}

/// A field has one question at a time: a second word would leave the first one without an answer.
fn refuse_if_asked(link: &Link, conflict: &Conflict) -> Result<(), ManageError> {
    let review = link.reviews.get(&conflict.field);
    let Some(open) = review.filter(|review| review.verdict != Verdict::Ignore) else {
        return Ok(());
    };
    Err(ManageError::Conflict(format!(
        "{} is the subject of conflict {} at present, which comes first: resolve it, or try again when what was chosen \
         there is carried out",
        conflict.field, open.conflict
    )))
}

fn linked<'a>(incident: &'a Incident, conflict: &Conflict) -> Result<&'a Link, ManageError> {
    let link = incident.links.get(&conflict.integration);
    let is_same = |link: &&Link| match &link.state {
        LinkState::Linked { external_id, .. } => *external_id == conflict.external_id,
        LinkState::Reserved | LinkState::Unlinked { .. } => false,
    };
    link.filter(is_same)
        .ok_or_else(|| no_longer_asked(conflict))
}

fn no_longer_asked(conflict: &Conflict) -> ManageError {
    ManageError::Conflict(format!(
        "conflict {} is no question any more: {} and {} of {} were unlinked or linked anew since",
        conflict.id, conflict.incident, conflict.external_id, conflict.integration
    ))
}
