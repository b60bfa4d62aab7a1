//! What holds in every state, and what holds once nothing is left to be done.

use im_engine::SyncError;
use im_model::{ExternalValue, Field, Incident, Link, LinkState, Side, Verdict};

use super::{
    checks::{Violation, violated},
    scenario::{FIELDS, Scenario},
    state::{Missing, State},
    vendor::Record,
};

/// More claims than these few edits and faults can cause.
const MOST_CLAIMS: usize = 14;

impl State {
    pub fn died(error: &SyncError) -> Result<(), Violation> {
        violated(8, format!("a job is dead: {error}"))
    }

    /// What holds in every state, and what holds once nothing is left to be done.
    pub fn check(&mut self, scenario: &Scenario) -> Result<(), Violation> {
        if self.incidents.len() > 1 {
            return violated(4, "one record has two incidents".to_owned());
        }
        if self.journal.len() > MOST_CLAIMS {
            return violated(3, "a link is claimed without end".to_owned());
        }
        if !self.seen.missing.is_empty() {
            let missing = std::mem::take(&mut self.seen.missing);
            let is_told = |missing: &Missing| self.journal_tells(missing);
            self.seen.missing = missing.into_iter().filter(|one| !is_told(one)).collect();
        }
        if self.queue.is_empty() && self.workers.is_empty() && self.flying.is_empty() {
            return self.check_end(scenario);
        }
        Ok(())
    }

    pub(super) fn journal_tells(&self, missing: &Missing) -> bool {
        self.journal
            .iter()
            .any(|(((_, integration, _), _), claim)| {
                let decision = claim.decisions.get(&missing.field);
                *integration == missing.integration
                    && decision.is_some_and(|decision| {
                        let value = match missing.side {
                            0 => &decision.platform.0,
                            _ => &decision.external.0,
                        };
                        value.as_str() == Some(&missing.value)
                    })
            })
    }

    pub(super) fn check_end(&self, scenario: &Scenario) -> Result<(), Violation> {
        if let Some(missing) = self.seen.missing.first() {
            let Missing { field, value, .. } = missing;
            return violated(
                2,
                format!("{value:?} of {field} is gone, and the journal does not tell"),
            );
        }
        let Some(incident) = self.incidents.values().next() else {
            return violated(1, "the record was not imported".to_owned());
        };
        if !incident.pending.is_empty() {
            return violated(
                1,
                format!(
                    "something is owed, and nobody is woken: {:?}",
                    incident.pending
                ),
            );
        }
        for (id, vendor) in self.vendors.iter() {
            let Some(link) = incident.links.get(id) else {
                return violated(1, format!("there is no link with {id}"));
            };
            let LinkState::Linked { external_id, .. } = &link.state else {
                return violated(1, format!("the link with {id} is only reserved"));
            };
            for field in FIELDS {
                self.check_field(
                    incident,
                    link,
                    &vendor.records[external_id],
                    &field,
                    scenario,
                )?;
            }
        }
        Ok(())
    }

    pub(super) fn check_field(
        &self,
        incident: &Incident,
        link: &Link,
        record: &Record,
        field: &Field,
        scenario: &Scenario,
    ) -> Result<(), Violation> {
        let platform = incident.value(field);
        let external = ExternalValue::text(record.value(field));
        if platform.0 == external.0 {
            return Ok(());
        }
        let waits = |verdict: &Verdict| *verdict == Verdict::Pending;
        if link
            .reviews
            .get(field)
            .is_some_and(|review| waits(&review.verdict))
        {
            return Ok(());
        }
        // What may flow one way only is passed over where the other side was edited, and the journal says so.
        let owner = scenario.owner(field);
        let is_passed_over = self.journal.values().any(|claim| {
            let decision = claim.decisions.get(field);
            decision.is_some_and(|it| it.platform == platform && it.external == external)
        });
        if (!owner.lets_in() || !owner.lets_out()) && is_passed_over {
            return Ok(());
        }
        let sides = [(Side::Platform, &platform.0), (Side::External, &external.0)];
        violated(1, format!("{field} does not agree: {sides:?}"))
    }
}
