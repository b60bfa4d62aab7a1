//! From a plan and the vendor's answer to the one update that follows.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    ActorId, BasePair, ExternalRecord, ExternalValue, Field, FieldOutcome, Incident, Notice,
    NoticeKind, Observed, PlatformValue,
};
use jiff::Timestamp;

use crate::{Action, Decision, FieldRule, LinkRules, Mapped, Plan};

/// A value that the platform takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The platform's value.
    pub value: PlatformValue,
    /// The vendor's change time.
    pub changed_at: Timestamp,
    /// The vendor's author, if known.
    pub author: Option<ActorId>,
}

/// What follows from a plan once the vendor answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// New bases. Each pair was seen on both sides.
    pub base: BTreeMap<Field, BasePair>,
    /// Values the platform takes over.
    pub pulls: BTreeMap<Field, Pulled>,
    /// Notices to set, or (`None`) to take back because the field moved again.
    pub notices: BTreeMap<Field, Option<Notice>>,
    /// Fields that failed for good, in words: the job's error.
    pub failed: BTreeMap<Field, String>,
    /// What became of each decision, for the journal.
    pub outcomes: BTreeMap<Field, FieldOutcome>,
}

/// What the vendor said to a plan's pushes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// What it holds after the write; `None` if nothing was written.
    pub record: Option<ExternalRecord>,
    /// The fields that it cannot hold, in words.
    pub refused: BTreeMap<Field, String>,
    /// The fields that somebody changed after our write, by the vendor's history: no overruling, but a change that
    /// is planned next.
    pub superseded: BTreeSet<Field>,
}

impl Answer {
    /// The fields whose value is not what was sent.
    pub fn differing(&self, plan: &Plan) -> BTreeSet<Field> {
        let Some(record) = &self.record else {
            return BTreeSet::new();
        };
        let differs = |(field, sent): &(Field, ExternalValue)| {
            !self.refused.contains_key(field)
                && record
                    .fields
                    .get(field)
                    .is_some_and(|held| held.value != *sent)
        };
        plan.pushes()
            .into_iter()
            .filter(differs)
            .map(|(field, _)| field)
            .collect()
    }
}

/// Turns a plan into what is to be stored.
pub fn conclude(
    plan: &Plan,
    rules: &LinkRules,
    incident: &Incident,
    answer: &Answer,
    now: Timestamp,
) -> Conclusion {
    let mut conclusion = Conclusion::default();
    for (field, decision) in &plan.decisions {
        let Some(rule) = rules.fields.get(field) else {
            continue;
        };
        let mut one = OneField {
            field,
            decision,
            rule,
            incident,
            now,
            conclusion: &mut conclusion,
        };
        match &decision.action {
            Action::Rebase => one.rebase(),
            Action::Hold => one.hold(),
            Action::Report => one.fail(decision.why.clone()),
            Action::Pull {
                value,
                changed_at,
                author,
            } => one.pull(value, *changed_at, author.as_ref()),
            Action::Push { value } => {
                let held = answer
                    .record
                    .as_ref()
                    .and_then(|record| record.fields.get(field));
                if let Some(why) = answer.refused.get(field) {
                    one.refused(held, why.clone());
                } else if answer.superseded.contains(field) {
                    one.superseded(value, held);
                } else {
                    one.pushed(value, held);
                }
            }
        }
    }
    conclusion
}

struct OneField<'a> {
    field: &'a Field,
    decision: &'a Decision,
    rule: &'a FieldRule,
    incident: &'a Incident,
    now: Timestamp,
    conclusion: &'a mut Conclusion,
}

impl OneField<'_> {
    fn rebase(&mut self) {
        let pair = self.decision.about();
        self.conclusion.base.insert(self.field.clone(), pair);
        self.outcome(FieldOutcome::Kept);
        self.notice(self.decision.notice, &self.decision.why.clone());
    }

    /// Base stays: until a person chooses, both sides have changed since they agreed.
    fn hold(&mut self) {
        self.outcome(FieldOutcome::Kept);
        self.notice(self.decision.notice, &self.decision.why.clone());
    }

    fn outcome(&mut self, outcome: FieldOutcome) {
        self.conclusion.outcomes.insert(self.field.clone(), outcome);
    }

    fn pull(&mut self, value: &PlatformValue, changed_at: Timestamp, author: Option<&ActorId>) {
        // The inbound map's answer must be a value that the platform accepts; else it is as if unmapped.
        if let Err(invalid) = self.field.parse_value(value.as_str()) {
            return self.fail_as(
                NoticeKind::Unmapped,
                format!("the vendor's value: {invalid}"),
            );
        }
        let pair = pulled_pair(self.rule, value, &self.decision.external);
        self.conclusion.base.insert(self.field.clone(), pair);
        let pulled = Pulled {
            value: value.clone(),
            changed_at,
            author: author.cloned(),
        };
        self.conclusion.pulls.insert(self.field.clone(), pulled);
        self.outcome(FieldOutcome::Pulled);
        self.notice(self.decision.notice, &self.decision.why.clone());
    }

    fn superseded(&mut self, sent: &ExternalValue, held: Option<&Observed>) {
        self.pushed(sent, None);
        let held = held.map_or(ExternalValue::EMPTY, |held| shortened(&held.value));
        self.outcome(FieldOutcome::Superseded { held });
    }

    fn pushed(&mut self, sent: &ExternalValue, held: Option<&Observed>) {
        let platform = &self.decision.platform;
        let Some(held) = held.filter(|held| held.value != *sent) else {
            self.conclusion
                .base
                .insert(self.field.clone(), BasePair::written(platform, sent));
            self.outcome(FieldOutcome::Written);
            return self.notice(self.decision.notice, &self.decision.why.clone());
        };
        // Overruled: the vendor holds something else. The pair becomes base, so it is not sent again until the
        // platform's value changes.
        let why = format!("sent {sent:?}, the vendor holds {:?}", held.value);
        self.conclusion
            .base
            .insert(self.field.clone(), BasePair::written(platform, &held.value));
        self.notice(Some(NoticeKind::Overruled), &why);
        let overruled = FieldOutcome::Overruled {
            held: shortened(&held.value),
        };
        self.outcome(overruled);
        let person = |state: &im_model::FieldState| state.origin.is_platform_edit();
        let by_person = self.incident.fields.get(self.field).is_none_or(person);
        if let Mapped::Value(value) = self.rule.inward.apply(&held.value.0)
            && self.rule.ownership.external.is_some()
            && by_person
        {
            let value = PlatformValue(value);
            if self.field.parse_value(value.as_str()).is_err() {
                return;
            }
            let pair = BasePair::written(&value, &held.value);
            self.conclusion.base.insert(self.field.clone(), pair);
            let changed_at = held.changed.map_or(self.now, |changed| changed.at);
            let pulled = Pulled {
                value,
                changed_at,
                author: held.author.clone(),
            };
            self.conclusion.pulls.insert(self.field.clone(), pulled);
        }
    }

    /// Refused where the vendor is now, which may be elsewhere than where it was read: half a way through a workflow.
    fn refused(&mut self, held: Option<&Observed>, why: String) {
        self.fail(why);
        if let (Some(held), Some(Some(notice))) =
            (held, self.conclusion.notices.get_mut(self.field))
        {
            notice.about = BasePair::seen(&self.decision.platform, &held.value);
        }
    }

    fn fail(&mut self, why: String) {
        // Also where the value had won a conflict: what is refused is remembered as such, and not sent again.
        let kind = match self.decision.notice {
            Some(NoticeKind::Conflict) | None => NoticeKind::Unwritable,
            Some(kind) => kind,
        };
        self.fail_as(kind, why);
    }

    fn fail_as(&mut self, kind: NoticeKind, why: String) {
        self.notice(Some(kind), &why);
        self.outcome(FieldOutcome::Refused { why: why.clone() });
        self.conclusion.failed.insert(self.field.clone(), why);
    }

    fn notice(&mut self, kind: Option<NoticeKind>, detail: &str) {
        let about = self.decision.about();
        let notice = kind.map(|kind| Notice {
            kind,
            detail: cut(detail),
            tried: match &self.decision.action {
                Action::Push { value } => Some(value.digest()),
                _ => None,
            },
            about,
            at: self.now,
        });
        self.conclusion.notices.insert(self.field.clone(), notice);
    }
}

/// Most characters of what the link itself keeps of a value: an incident and its links are one item, which holds 400 KB.
/// The whole value is in the journal.
const MOST_KEPT: usize = 500;

fn cut(text: &str) -> String {
    if text.chars().count() <= MOST_KEPT {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MOST_KEPT).collect();
    format!("{kept}…")
}

fn shortened(value: &ExternalValue) -> ExternalValue {
    value
        .as_str()
        .map_or(ExternalValue::EMPTY, |text| ExternalValue::text(cut(text)))
}

/// The first values of an incident that is made from an external record, and the base that goes with them.
///
/// Every mapped field is taken over, whoever owns it: there is no platform value yet that ownership could protect.
/// From the next change on ownership decides. A value that the map or the field refuses is left out and reported.
pub fn seed_incident(
    record: &ExternalRecord,
    rules: &LinkRules,
    now: Timestamp,
) -> (
    BTreeMap<Field, Pulled>,
    BTreeMap<Field, BasePair>,
    BTreeMap<Field, Notice>,
) {
    let (mut values, mut base, mut notices) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (field, rule) in &rules.fields {
        let Some(observed) = record.fields.get(field) else {
            continue;
        };
        let mapped = match rule.inward.apply(&observed.value.0) {
            Mapped::Value(value) => field.parse_value(value.as_str()).map_err(|e| e.to_string()),
            Mapped::LeaveAlone | Mapped::Unmapped => Err(format!(
                "the inbound map has no answer for {:?}",
                observed.value
            )),
        };
        match mapped {
            Ok(value) => {
                base.insert(field.clone(), pulled_pair(rule, &value, &observed.value));
                let changed_at = observed
                    .changed
                    .map_or(record.updated_at, |changed| changed.at);
                let author = observed.author.clone();
                values.insert(
                    field.clone(),
                    Pulled {
                        value,
                        changed_at,
                        author,
                    },
                );
            }
            Err(detail) => {
                let about = BasePair::seen(&PlatformValue::EMPTY, &observed.value);
                base.insert(field.clone(), about);
                let kind = NoticeKind::Unmapped;
                notices.insert(
                    field.clone(),
                    Notice {
                        kind,
                        detail,
                        tried: None,
                        about,
                        at: now,
                    },
                );
            }
        }
    }
    (values, base, notices)
}

/// The pair of a value that was made of the vendor's.
fn pulled_pair(rule: &FieldRule, platform: &PlatformValue, external: &ExternalValue) -> BasePair {
    BasePair {
        one_of_many: rule.outward.apply(&platform.0).value() != Some(&external.0),
        ..BasePair::seen(platform, external)
    }
}
