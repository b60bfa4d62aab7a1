//! What a creation sends, what it cannot send, and what came of it.

use std::collections::BTreeMap;

use im_model::{
    BasePair, ClaimOutcome, ExternalValue, Field, FieldOutcome, Incident, Link, Notice, NoticeKind,
};
use im_sync::{
    Action, Answer, Decision, Outward, Plan, Rule, Sent, base_of_creation, conclude, implied_pairs,
    outward_values, sent_in_creation,
};
use im_vendors::Written;

use super::worker::Worker;
use crate::SyncError;

/// What a creation sends, and what it cannot.
pub(super) struct Draft {
    pub(super) values: BTreeMap<Field, ExternalValue>,
    pub(super) sent: BTreeMap<Field, Sent>,
    pub(super) notices: BTreeMap<Field, Notice>,
}

impl Worker<'_> {
    /// The values that may flow to the vendor and can be sent in a creation. Those that cannot be sent at all fail the
    /// job, by field; the record is created without them.
    pub(super) async fn draft(&mut self, incident: &Incident) -> Result<Draft, SyncError> {
        let Outward {
            mut values,
            mut refused,
        } = outward_values(incident, &self.rules);
        for (field, why) in self.vendor.refusals(self.connection(), &values).await? {
            values.remove(&field);
            refused.insert(field, (NoticeKind::Unwritable, why));
        }
        let values = self.vendor.creatable(values);
        let sent = sent_in_creation(incident, &values);
        let mut notices = BTreeMap::new();
        for (field, (kind, detail)) in refused {
            self.done
                .failed
                .insert(field.clone().into(), detail.clone());
            let about = BasePair::seen(&incident.value(&field), &ExternalValue::EMPTY);
            notices.insert(
                field,
                Notice {
                    kind,
                    detail,
                    tried: None,
                    about,
                    at: self.now(),
                },
            );
        }
        Ok(Draft {
            values,
            sent,
            notices,
        })
    }

    /// What both sides will hold when the record is there: what is sent, and what a creation sets by itself.
    pub(super) fn base_of_creation(
        &self,
        incident: &Incident,
        sent: &BTreeMap<Field, Sent>,
    ) -> BTreeMap<Field, BasePair> {
        base_of_creation(&self.implied(incident), sent)
    }

    fn implied(&self, incident: &Incident) -> BTreeMap<Field, Sent> {
        let implied = self.vendor.implied_by_creation(&self.rules);
        implied_pairs(incident, &self.rules, implied)
    }

    /// The journal's words for what a creation sets by itself.
    pub(super) fn implied_decisions(
        &self,
        incident: &Incident,
        sent: &BTreeMap<Field, Sent>,
    ) -> BTreeMap<Field, Decision> {
        let why = "a new record begins with it";
        let implied = self.implied(incident).into_iter();
        let decisions = implied.filter(|(field, _)| !sent.contains_key(field));
        let decisions = decisions.map(|(field, pair)| {
            let (platform, external) = (pair.platform, pair.external);
            let decision = Decision::new(Rule::NoBase, Action::Rebase, platform, external, why);
            (field, decision)
        });
        decisions.collect()
    }

    /// Writes are read back: where the vendor holds something else than it was sent, it overruled us. What the external
    /// side owns, too, is left to the next plan, which sees a change and pulls it.
    pub(super) fn read_back(
        &self,
        incident: &Incident,
        link: &mut Link,
        draft: &Draft,
        written: &Written,
    ) {
        let decisions = draft.sent.iter().map(|(field, sent)| {
            let action = Action::Push {
                value: sent.external.clone(),
            };
            let platform = sent.platform.clone();
            let why = "sent with the creation";
            let decision = Decision::new(Rule::NoBase, action, platform, ExternalValue::EMPTY, why);
            (field.clone(), decision)
        });
        let plan = Plan {
            decisions: decisions.collect(),
        };
        let answer = Answer {
            record: Some(written.record.clone()),
            refused: written.refused.clone(),
            ..Answer::default()
        };
        let conclusion = conclude(&plan, &self.rules, incident, &answer, self.now());
        let implied = link.base.keys().map(|f| (f.clone(), FieldOutcome::Kept));
        let mut outcomes: BTreeMap<_, _> = implied.collect();
        outcomes.extend(conclusion.outcomes);
        link.outcome = Some(ClaimOutcome {
            link_version: link.version,
            attempt: 1,
            at: self.now(),
            fields: outcomes,
        });
        for (field, pair) in conclusion.base {
            if !conclusion.pulls.contains_key(&field) {
                link.base.insert(field, pair);
            }
        }
        for (field, notice) in conclusion.notices {
            if let Some(notice) = notice {
                link.notices.insert(field, notice);
            }
        }
    }
}
