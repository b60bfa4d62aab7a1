//! A link whose record is gone, was merged into another, or has moved: what a reconciliation makes of it. Hints leave it as it
//! is, for a vendor that hides a record answers as if there were none.

use std::collections::BTreeMap;

use im_model::{
    ActorId, ClaimOutcome, ExternalId, ExternalRecord, Field, Incident, Link, LinkState, Side,
    Status,
};
use im_sync::{Facts, Subject};

use super::{
    Outcome,
    worker::{Claimed, Pass, Worker},
};
use crate::{LinkByHand, SyncError, Unlink, manage::ignored_by, ports::Attempt};

/// What becomes of a link that has lapsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The incident gets a new record.
    Recreate,
    /// The link is cut; the incident stays as it is.
    LetGo,
    /// The incident is linked with the record that its own was merged into.
    Follow(ExternalId),
    /// The link notes where its record is now.
    Renew,
}

/// A link that has lapsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lapse {
    pub(crate) remedy: Remedy,
    /// Which side decides.
    pub(crate) right: Side,
    /// In words.
    pub(crate) why: String,
}

impl Worker<'_> {
    /// Has a link lapsed whose record is there?
    pub(super) async fn lapse(
        &self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
    ) -> Result<Option<Lapse>, SyncError> {
        if let Some(target) = &record.merged_into {
            return self
                .lapse_of_merged(incident, record, target)
                .await
                .map(Some);
        }
        let LinkState::Linked { url, .. } = &link.state else {
            return Ok(None);
        };
        let moved = has_moved(url.as_deref(), record.url.as_deref());
        Ok(moved.then(|| Lapse {
            remedy: Remedy::Renew,
            right: Side::External,
            why: format!(
                "the record moved to {}",
                record.url.as_deref().unwrap_or_default()
            ),
        }))
    }

    /// The vendor does not show the link's record.
    pub(super) fn lapse_of_gone(
        &self,
        incident: &Incident,
        link: &Link,
    ) -> Result<Lapse, SyncError> {
        let gone = "the vendor does not show the record any more";
        let let_go = |why: &str| Lapse {
            remedy: Remedy::LetGo,
            right: Side::External,
            why: format!("{gone}, and {why}"),
        };
        if link.created_from == Side::External {
            return Ok(let_go("it was the vendor's own"));
        }
        if !self.integration.direction.allows_outbound() {
            return Ok(let_go("nothing may be sent there"));
        }
        let status = incident.value(&Field::Status);
        let status = status.as_str().and_then(|word| word.parse().ok());
        if matches!(status, Some(Status::Resolved | Status::Closed)) {
            return Ok(let_go("the incident is at its end"));
        }
        if !self.is_triggered(Subject::Incident, || Facts::of_incident(incident))? {
            return Ok(let_go("the outbound trigger does not hold"));
        }
        Ok(Lapse {
            remedy: Remedy::Recreate,
            right: Side::Platform,
            why: format!("{gone}, and it was made for the platform's incident"),
        })
    }

    async fn lapse_of_merged(
        &self,
        incident: &Incident,
        record: &ExternalRecord,
        target: &ExternalId,
    ) -> Result<Lapse, SyncError> {
        let owner = self.store().incident_of(self.id(), target).await?;
        let merged = format!("{} was merged into {target}", record.id);
        Ok(match owner.filter(|owner| *owner != incident.id) {
            Some(owner) => Lapse {
                remedy: Remedy::LetGo,
                right: Side::External,
                why: format!("{merged}, which is the record of {owner}"),
            },
            None => Lapse {
                remedy: Remedy::Follow(target.clone()),
                right: Side::External,
                why: merged,
            },
        })
    }

    /// Carries a remedy out. The link is claimed like for any other change of it.
    pub(super) async fn remedy(
        &mut self,
        incident: &Incident,
        link: &Link,
        lapse: &Lapse,
    ) -> Result<Pass, SyncError> {
        // Read before the claim: what it links must be there.
        let target = match &lapse.remedy {
            Remedy::Follow(target) => Some(self.vendor.read(self.connection(), target).await?),
            Remedy::Renew => match link.external_id() {
                Some(id) => Some(self.read(id).await?),
                None => return Ok(Pass::Again),
            },
            Remedy::Recreate | Remedy::LetGo => None,
        };
        let mut claim = self.new_claim(incident, link.version, 1);
        claim.cause = format!("{}: {}", claim.cause, lapse.why);
        match self.put_claim(&mut claim).await? {
            Claimed::Won => {}
            Claimed::Again => return Ok(Pass::Again),
            Claimed::Held(other) => {
                return Err(SyncError::Busy {
                    until: other.lease_until,
                });
            }
            // What it sent is of no interest any more: its record is not there, or is another.
            Claimed::Abandoned(dead) => {
                claim.attempt = dead.attempt + 1;
                if self.store().claim(&claim).await? == Attempt::LostRace {
                    return Ok(Pass::Again);
                }
            }
        }
        let outcome = ClaimOutcome {
            link_version: link.version,
            attempt: claim.attempt,
            at: self.now(),
            fields: BTreeMap::new(),
        };
        match (&lapse.remedy, target) {
            (Remedy::Recreate, _) => self.reserve_and_create(incident, link.version).await,
            (Remedy::LetGo, _) => self.let_go(incident, link, outcome).await,
            (_, Some(record)) => self.relink(incident, link, &record, outcome).await,
            (_, None) => Ok(Pass::Again),
        }
    }

    async fn let_go(
        &mut self,
        incident: &Incident,
        link: &Link,
        outcome: ClaimOutcome,
    ) -> Result<Pass, SyncError> {
        let unlink = Unlink {
            incident,
            integration: self.id(),
            link: link.cut(outcome),
            conflicts: self.ignored(link).await?,
        };
        if self.store().unlink(&unlink).await? == Attempt::LostRace {
            return Ok(Pass::Again);
        }
        Ok(Pass::Finished(Outcome::Skipped(
            "its record is gone: the link was cut",
        )))
    }

    /// With the record that there is now. Another one has no base: rule 5 gives each field its first value.
    async fn relink(
        &mut self,
        incident: &Incident,
        link: &Link,
        record: &ExternalRecord,
        outcome: ClaimOutcome,
    ) -> Result<Pass, SyncError> {
        let state = LinkState::Linked {
            external_id: record.id.clone(),
            url: record.url.clone(),
        };
        let is_same = link.external_id() == Some(&record.id);
        let renewed = if is_same {
            Link {
                version: link.version + 1,
                state,
                outcome: Some(outcome),
                ..link.clone()
            }
        } else {
            Link {
                outcome: Some(outcome),
                // It lives its own life: a merge's resolution must not be brought to it.
                ..Link::new(link.version + 1, state, Side::External)
            }
        };
        let conflicts = if is_same {
            Vec::new()
        } else {
            self.ignored(link).await?
        };
        let by_hand = LinkByHand {
            incident,
            integration: self.id(),
            link: renewed,
            external_id: record.id.clone(),
            taken_from: None,
            leaves: None,
            conflicts,
            now: self.now(),
        };
        let linked = self.store().link_by_hand(&by_hand).await?;
        if linked == Attempt::Done {
            self.done.adopted = (!is_same).then(|| record.id.clone());
            self.notes_announced |= !is_same;
        }
        Ok(Pass::Again)
    }

    /// What waited for a person on a link that is no more.
    async fn ignored(&self, link: &Link) -> Result<Vec<im_model::Conflict>, SyncError> {
        let conflicts = self.engine.conflicts.as_ref();
        Ok(ignored_by(conflicts, link, &reconciler(), self.now()).await?)
    }
}

/// Who closes conflicts of links that have lapsed.
fn reconciler() -> ActorId {
    #[expect(clippy::expect_used, reason = "a constant that parses")]
    ActorId::parse("reconciler").expect("an actor")
}

/// Is the record at another place on the same site? The site itself may have been configured under another name.
pub(crate) fn has_moved(known: Option<&str>, present: Option<&str>) -> bool {
    let place = |text: &str| {
        let url: url::Url = text.parse().ok()?;
        Some((url.path().to_owned(), url.query().map(str::to_owned)))
    };
    match (known.and_then(place), present.and_then(place)) {
        (Some(known), Some(present)) => known != present,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_moved_if_its_place_on_the_site_is_another() {
        let moved = |known, present| has_moved(Some(known), Some(present));
        assert!(moved(
            "https://x.example/browse/OPS-1",
            "https://x.example/browse/SEC-9"
        ));
        assert!(moved(
            "https://x.example/nav?id=1",
            "https://x.example/nav?id=2"
        ));
        assert!(!moved(
            "https://x.example/browse/OPS-1",
            "https://y.example/browse/OPS-1"
        ));
        assert!(!moved(
            "https://x.example/browse/OPS-1",
            "https://x.example/browse/OPS-1"
        ));
        assert!(!has_moved(None, Some("https://x.example/1")));
        assert!(!has_moved(Some("https://x.example/1"), None));
    }
}
