//! All that match a filter, a page at a time.

use futures::future::join_all;
use im_model::{
    ActorId, DeadLetterId, DeadLetterStatus, Integration, IntegrationId, OrganizationId,
};

use super::{DeadLetterFilter, DeadLetters, refuse_unless_working};
use crate::{DeadLetter, manage::ManageError};

/// What became of a page of dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManySettled {
    /// How many it was done with.
    pub done: u32,
    /// Those it could not be done with.
    pub failed: Vec<NotSettled>,
    /// Where the next page starts, if there is one. Opaque.
    pub next: Option<String>,
}

/// One that it could not be done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSettled {
    /// Which.
    pub entry: DeadLetterId,
    /// Why, in words.
    pub why: String,
}

/// Those it is done with unless the filter names another status: what is being tried again already is left alone.
const OPEN: [DeadLetterStatus; 1] = [DeadLetterStatus::Open];

impl DeadLetters {
    /// How many one call takes on: with three calls each and [`DeadLetters::AT_ONCE`] at once far less than the 10 s
    /// that the API has.
    const PER_CALL: u16 = 50;

    /// How many are worked on at once.
    const AT_ONCE: usize = 8;

    /// Retries a page of those that are open and match, the most severe of the page first. See [`DeadLetters::retry`].
    pub async fn retry_all(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        integration: &IntegrationId,
        filter: &DeadLetterFilter,
        cursor: Option<&str>,
    ) -> Result<ManySettled, ManageError> {
        let found = self.integration(organization, integration).await?;
        refuse_unless_working(&found.id, found.enabled, found.activity)?;
        self.many(Act::Retry, actor, &found, filter, cursor).await
    }

    /// Discards a page of those that are open and match. See [`DeadLetters::discard`].
    pub async fn discard_all(
        &self,
        organization: &OrganizationId,
        actor: &ActorId,
        integration: &IntegrationId,
        filter: &DeadLetterFilter,
        cursor: Option<&str>,
    ) -> Result<ManySettled, ManageError> {
        let found = self.integration(organization, integration).await?;
        self.many(Act::Discard, actor, &found, filter, cursor).await
    }

    async fn many(
        &self,
        act: Act,
        actor: &ActorId,
        integration: &Integration,
        filter: &DeadLetterFilter,
        cursor: Option<&str>,
    ) -> Result<ManySettled, ManageError> {
        let page = self.page(&integration.id, filter, &OPEN, cursor, Self::PER_CALL);
        let mut page = page.await?;
        severest_first(&mut page.items);
        let mut results = Vec::new();
        for some in page.items.chunks(Self::AT_ONCE) {
            let mut running = Vec::new();
            for letter in some {
                running.push(self.act(act, integration, &letter.id, actor));
            }
            results.extend(join_all(running).await);
        }
        let entries = page.items.iter().map(|letter| &letter.id);
        settled(entries.zip(results).collect(), page.next)
    }

    async fn act(
        &self,
        act: Act,
        integration: &Integration,
        id: &DeadLetterId,
        actor: &ActorId,
    ) -> Result<DeadLetter, ManageError> {
        match act {
            Act::Retry => self.retry_one(integration, id, actor).await,
            Act::Discard => self.discard_one(integration, id, actor).await,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Retry,
    Discard,
}

/// Of two equally severe ones the older one first, as they were listed. What is not known comes last.
fn severest_first(letters: &mut [DeadLetter]) {
    letters.sort_by_key(|letter| (letter.severity.is_none(), letter.severity));
}

/// What one call answers. If the store answers nothing at all, that is the answer.
fn settled(
    results: Vec<(&DeadLetterId, Result<DeadLetter, ManageError>)>,
    next: Option<String>,
) -> Result<ManySettled, ManageError> {
    let (mut done, mut failed, mut broken) = (0, Vec::new(), None);
    for (entry, result) in results {
        let why = match result {
            Ok(_) => {
                done += 1;
                continue;
            }
            Err(ManageError::Store(error)) => {
                tracing::error!(%entry, %error, "not settled");
                broken = Some(error);
                // What the store said stays inside.
                "the store or the queue did not answer; try again".to_owned()
            }
            Err(error) => error.to_string(),
        };
        let entry = entry.clone();
        failed.push(NotSettled { entry, why });
    }
    match broken {
        Some(error) if done == 0 => Err(error.into()),
        _ => Ok(ManySettled { done, failed, next }),
    }
}

#[cfg(test)]
mod tests {
    use im_model::Severity;

    use super::*;
    use crate::{StoreError, manage::dead_letters::tests::letter};

    fn down() -> ManageError {
        ManageError::Store(StoreError {
            tried: "queue the job",
            on: "10.0.0.7".to_owned(),
            detail: "refused".to_owned(),
        })
    }

    #[test]
    fn the_most_severe_come_first_and_the_older_of_two() {
        let of = |name: &str, severity| {
            let mut letter = letter();
            letter.severity = severity;
            letter.changed_by = name.to_owned();
            letter
        };
        let mut letters = [
            of("unknown", None),
            of("minor", Some(Severity::Sev4)),
            of("first", Some(Severity::Sev1)),
            of("second", Some(Severity::Sev1)),
        ];
        severest_first(&mut letters);
        let names = letters.map(|letter| letter.changed_by);
        assert_eq!(names, ["first", "second", "minor", "unknown"]);
    }

    #[test]
    fn one_that_fails_does_not_stop_the_others_and_says_why() {
        let letter = letter();
        let refused = ManageError::Conflict("it is resolved already".to_owned());
        let results = vec![
            (&letter.id, Err(down())),
            (&letter.id, Ok(letter.clone())),
            (&letter.id, Err(refused)),
        ];
        let settled = settled(results, Some("open~x".to_owned())).expect("one was done");
        assert_eq!((settled.done, settled.next.as_deref()), (1, Some("open~x")));
        let whys: Vec<_> = settled.failed.iter().map(|one| one.why.as_str()).collect();
        let store = "the store or the queue did not answer; try again";
        assert_eq!(whys, [store, "it is resolved already"]);
    }

    #[test]
    fn a_store_that_answers_nothing_is_an_error() {
        let letter = letter();
        let results = vec![(&letter.id, Err(down())), (&letter.id, Err(down()))];
        assert_eq!(settled(results, None), Err(down()));
        assert!(settled(Vec::new(), None).is_ok());
    }
}
