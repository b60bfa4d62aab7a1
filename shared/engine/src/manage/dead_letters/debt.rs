//! What an incident owes because of a job that is given up.

use im_model::Incident;
use jiff::Timestamp;

use super::DeadLetters;
use crate::{DeadLetter, StoreError, ports::Attempt};

impl DeadLetters {
    /// Settles what the incident still owes because of the dead jobs, so that nothing picks it up again: answers the
    /// incident as it was then, if there is one. What is owed since then stays owed, and has a job of its own.
    pub(super) async fn settle(&self, letter: &DeadLetter) -> Result<Option<Incident>, StoreError> {
        let Some(id) = &letter.incident else {
            return Ok(None);
        };
        let mut loaded = None;
        for _ in 0..Self::MOST_RACES {
            loaded = self.incidents.load(id).await?;
            let Some(incident) = &loaded else {
                return Ok(None);
            };
            let is_owed = incident.pending.contains_key(&letter.integration);
            if !is_owed || self.changed_since(incident, letter.died_at).await? {
                break;
            }
            let settled = self.incidents.settle_debt(incident, &letter.integration);
            if settled.await? == Attempt::Done {
                break;
            }
        }
        Ok(loaded)
    }

    /// May the debt be younger than the dead job? Then it is not the dead job's, and has a job of its own.
    async fn changed_since(
        &self,
        incident: &Incident,
        died_at: Timestamp,
    ) -> Result<bool, StoreError> {
        if has_moved_since(incident, died_at) {
            return Ok(true);
        }
        if incident.notes == 0 {
            return Ok(false);
        }
        let notes = self.incidents.notes(&incident.id).await?;
        Ok(notes.iter().any(|note| note.at > died_at))
    }
}

/// Was a field edited, or any link synced or ruled on? Values and notes that a link brought have the vendor's time, but
/// the link says when it brought them.
fn has_moved_since(incident: &Incident, at: Timestamp) -> bool {
    let mut links = incident.links.values();
    let outcomes = |link: &im_model::Link| link.outcome.as_ref().is_some_and(|it| it.at > at);
    incident.updated_at() > at || links.any(outcomes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use im_model::{
        ClaimOutcome, Field, FieldState, IncidentId, Link, LinkState, Origin, PlatformValue, Side,
    };

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    /// Edited at 5 s, and synced with somebody else at 7 s.
    fn incident() -> Incident {
        let state = FieldState {
            value: PlatformValue::text("db down"),
            version: 1,
            changed_at: at(5),
            origin: Origin::Platform {
                actor: "ann@example.com".parse().expect("an actor"),
            },
        };
        let mut link = Link::new(1, LinkState::Reserved, Side::Platform);
        link.outcome = Some(ClaimOutcome {
            link_version: 1,
            attempt: 1,
            at: at(7),
            fields: BTreeMap::new(),
        });
        Incident {
            id: IncidentId::from_ulid(ulid::Ulid(1)),
            organization: "acme".parse().expect("an id"),
            created_at: at(1),
            revision: 1,
            fields: BTreeMap::from([(Field::Title, state)]),
            links: BTreeMap::from([("jira".parse().expect("an id"), link)]),
            pending: BTreeMap::new(),
            notes: 0,
            dead: BTreeMap::new(),
        }
    }

    #[test]
    fn an_edit_or_another_links_sync_after_the_death_makes_a_debt_of_its_own() {
        let incident = incident();
        let moved = [4, 6, 7].map(|died| has_moved_since(&incident, at(died)));
        assert_eq!(moved, [true, true, false]);
        let unlinked = Incident {
            links: BTreeMap::new(),
            ..incident
        };
        let moved = [4, 5, 6].map(|died| has_moved_since(&unlinked, at(died)));
        assert_eq!(moved, [true, false, false]);
    }
}
