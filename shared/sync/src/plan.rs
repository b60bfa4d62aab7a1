//! `plan`: design section 3, rules 1 to 5.

use std::collections::BTreeMap;

use im_model::{
    BasePair, ConflictStrategy, ExternalRecord, ExternalValue, Field, FieldState, Incident, Notice,
    NoticeKind, Observed, Owner, PlatformValue, Side, Writability,
};
use jiff::{SignedDuration, Timestamp};

use crate::{Action, Decision, FieldRule, LinkRules, Lost, Mapped, Plan, Rule};

/// Everything a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct PlanInput<'a> {
    /// What both sides were last seen to hold.
    pub base: &'a BTreeMap<Field, BasePair>,
    /// The platform's side.
    pub incident: &'a Incident,
    /// The vendor's side.
    pub external: &'a ExternalRecord,
    /// What may flow, and how values map.
    pub rules: &'a LinkRules,
    /// Which side the link was created from.
    pub created_from: Side,
    /// What was already said about a pair is neither said nor tried again…
    pub notices: &'a BTreeMap<Field, Notice>,
    /// …unless somebody asks for it: a retry from the dead-letter queue.
    pub insist: bool,
}

/// Decides what the two sides owe each other, each field by itself.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let decide = |(field, rule): (&Field, &FieldRule)| {
        let decision = Sides::of(input, field, rule)?.decide()?;
        let about = BasePair::seen(&decision.platform, &decision.external);
        let said = input.notices.get(field).is_some_and(|notice| {
            matches!(notice.kind, NoticeKind::Unmapped | NoticeKind::Unwritable)
                && notice.about.same_values(&about)
        });
        let repeats = said && matches!(decision.action, Action::Push { .. } | Action::Report);
        (!repeats || input.insist).then(|| (field.clone(), decision))
    };
    Plan {
        decisions: input.rules.fields.iter().filter_map(decide).collect(),
    }
}

/// One field's two sides and what may move between them.
struct Sides<'a> {
    field: &'a Field,
    rule: &'a FieldRule,
    rules: &'a LinkRules,
    base: Option<&'a BasePair>,
    created_from: Side,
    platform: PlatformValue,
    state: Option<&'a FieldState>,
    created_at: Timestamp,
    external: ExternalValue,
    observed: Option<&'a Observed>,
    record_updated_at: Timestamp,
    may_out: bool,
    may_in: bool,
}

impl<'a> Sides<'a> {
    /// `None` if there is nothing to compare: the vendor does not show the field and cannot be written either.
    fn of(input: &PlanInput<'a>, field: &'a Field, rule: &'a FieldRule) -> Option<Self> {
        let base = input.base.get(field);
        let observed = input.external.fields.get(field);
        let platform = input.incident.value(field);
        if observed.is_none()
            && base.map_or(platform.is_empty(), |base| {
                base.platform == platform.digest()
            })
        {
            return None;
        }
        Some(Self {
            field,
            rule,
            rules: input.rules,
            base,
            created_from: input.created_from,
            platform,
            state: input.incident.fields.get(field),
            created_at: input.incident.created_at,
            external: observed.map_or(ExternalValue::EMPTY, |observed| observed.value.clone()),
            observed,
            record_updated_at: input.external.updated_at,
            may_out: input.rules.may_flow_out(rule),
            may_in: input.rules.may_flow_in(rule) && observed.is_some(),
        })
    }

    fn decide(&self) -> Option<Decision> {
        let Some(base) = self.base else {
            return Some(self.without_base());
        };
        let platform_changed = base.platform != self.platform.digest();
        let external_changed = self.observed.is_some() && base.external != self.external.digest();
        if self.observed.is_some() && self.in_sync() {
            return (platform_changed || external_changed)
                .then(|| self.rebase(Rule::InSync, "both sides say the same"));
        }
        match (platform_changed, external_changed) {
            (false, false) => None,
            (true, false) => Some(self.platform_changed(base)),
            (false, true) => Some(self.external_changed()),
            (true, true) => Some(self.both_changed()),
        }
    }

    /// Rule 1. Either direction's map may prove it where both may flow: so an echo through a many-to-one map never
    /// changes the value it came from.
    fn in_sync(&self) -> bool {
        let out_agrees = self.outward().value() == Some(&self.external.0);
        let in_agrees = self.inward().value() == Some(&self.platform.0);
        match (self.may_out, self.may_in) {
            (true, false) => out_agrees,
            (false, true) => in_agrees,
            (true, true) | (false, false) => out_agrees || in_agrees,
        }
    }

    /// Rule 2.
    fn platform_changed(&self, base: &BasePair) -> Decision {
        if !self.may_out {
            return self.rebase(
                Rule::PlatformChanged,
                "the field may not flow to the vendor",
            );
        }
        let decision = self.push(
            Rule::PlatformChanged,
            "the platform's value is newer than base",
        );
        // The vendor's value may be a person's edit of a moment ago: then two people edited, and one should know.
        let theirs = self.observed.and_then(|observed| observed.changed_at);
        match theirs {
            Some(theirs) if self.may_in && !base.ours && self.within_window(theirs) => {
                Self::as_conflict(decision, Side::External, theirs)
            }
            _ => decision,
        }
    }

    /// Rule 3.
    fn external_changed(&self) -> Decision {
        if !self.may_in {
            return self.rebase(
                Rule::ExternalChanged,
                "the field may not flow to the platform",
            );
        }
        let decision = self.pull(
            Rule::ExternalChanged,
            "the vendor's value is newer than base",
        );
        let theirs = self.external_time();
        match self.state {
            Some(state)
                if self.may_out
                    && state.origin.is_platform_edit()
                    && self.within_window(theirs) =>
            {
                Self::as_conflict(decision, Side::Platform, state.changed_at)
            }
            _ => decision,
        }
    }

    /// Rule 4, both changed since base.
    fn both_changed(&self) -> Decision {
        let (ours, theirs) = (self.platform_time(), self.external_time());
        let winner = match (self.may_out, self.may_in) {
            (false, false) => return self.rebase(Rule::Conflict, "the field may flow neither way"),
            (true, false) => Side::Platform,
            (false, true) => Side::External,
            (true, true) => self.winner(ours, theirs),
        };
        match winner {
            Side::Platform => {
                let decision = self.push(Rule::Conflict, "both sides changed since base");
                Self::as_conflict(decision, Side::External, theirs)
            }
            Side::External => {
                let decision = self.pull(Rule::Conflict, "both sides changed since base");
                Self::as_conflict(decision, Side::Platform, ours)
            }
        }
    }

    fn winner(&self, ours: Timestamp, theirs: Timestamp) -> Side {
        let ownership = self.rule.ownership;
        if self.rules.strategy == ConflictStrategy::OwnershipPriority {
            match ownership.platform.cmp(&ownership.external) {
                std::cmp::Ordering::Greater => return Side::Platform,
                std::cmp::Ordering::Less => return Side::External,
                std::cmp::Ordering::Equal => {}
            }
        }
        if theirs > ours {
            Side::External
        } else {
            Side::Platform
        }
    }

    /// Rule 5.
    fn without_base(&self) -> Decision {
        if self.in_sync() {
            return self.rebase(Rule::NoBase, "both sides say the same");
        }
        let owner = self.rule.ownership.single().map(|owner| match owner {
            Owner::Platform => Side::Platform,
            Owner::External => Side::External,
        });
        for side in owner.into_iter().chain([self.created_from]) {
            match side {
                Side::Platform if self.may_out && !self.platform.is_empty() => {
                    return self.push(Rule::NoBase, "the platform gives the first value");
                }
                Side::External if self.may_in && !self.external.is_empty() => {
                    return self.pull(Rule::NoBase, "the vendor gives the first value");
                }
                _ => {}
            }
        }
        self.rebase(Rule::NoBase, "no side may give the first value")
    }

    fn push(&self, rule: Rule, why: &str) -> Decision {
        if self.rule.writability == Writability::OnCreate {
            let why = "the vendor takes this field only when the record is created";
            let notice = Some(NoticeKind::Unwritable);
            return Decision {
                notice,
                ..self.rebase(rule, why)
            };
        }
        match self.outward() {
            Mapped::LeaveAlone => self.rebase(rule, "the outbound map leaves this value alone"),
            Mapped::Unmapped => {
                let why = format!("the outbound map has no answer for {:?}", self.platform);
                self.report(rule, NoticeKind::Unmapped, why)
            }
            Mapped::Value(value) => {
                let value = ExternalValue(value);
                match self.rule.limit.refuses(&value) {
                    Some(why) => self.report(rule, NoticeKind::Unwritable, why),
                    None => self.decision(rule, Action::Push { value }, why.to_owned()),
                }
            }
        }
    }

    fn pull(&self, rule: Rule, why: &str) -> Decision {
        match self.inward() {
            Mapped::LeaveAlone => {
                let why = format!("the inbound map leaves {:?} alone", self.external);
                self.leave_alone(rule, why)
            }
            Mapped::Unmapped => {
                let why = format!("the inbound map has no answer for {:?}", self.external);
                self.report(rule, NoticeKind::Unmapped, why)
            }
            Mapped::Value(value) => {
                // Somebody without an e-mail address, say: left alone and reported, never guessed.
                if let Err(invalid) = self.field.parse_value(value.as_str()) {
                    return self.leave_alone(rule, format!("the vendor's value: {invalid}"));
                }
                let action = Action::Pull {
                    value: PlatformValue(value),
                    changed_at: self.external_time(),
                    author: self.observed.and_then(|observed| observed.author.clone()),
                };
                self.decision(rule, action, why.to_owned())
            }
        }
    }

    /// A vendor's value that is not listed is left alone and reported; the pair becomes base.
    fn leave_alone(&self, rule: Rule, why: String) -> Decision {
        Decision {
            notice: Some(NoticeKind::Unmapped),
            ..self.decision(rule, Action::Rebase, why)
        }
    }

    fn rebase(&self, rule: Rule, why: &str) -> Decision {
        self.decision(rule, Action::Rebase, why.to_owned())
    }

    fn report(&self, rule: Rule, kind: NoticeKind, why: String) -> Decision {
        Decision {
            notice: Some(kind),
            ..self.decision(rule, Action::Report, why)
        }
    }

    fn as_conflict(decision: Decision, loser: Side, changed_at: Timestamp) -> Decision {
        if !matches!(decision.action, Action::Push { .. } | Action::Pull { .. }) {
            return decision;
        }
        let winner = match loser {
            Side::Platform => "the vendor's value wins over the platform's",
            Side::External => "the platform's value wins over the vendor's",
        };
        Decision {
            why: format!("{winner}, changed at {changed_at}"),
            rule: Rule::Conflict,
            notice: Some(NoticeKind::Conflict),
            lost: Some(Lost {
                side: loser,
                changed_at,
            }),
            ..decision
        }
    }

    fn decision(&self, rule: Rule, action: Action, why: String) -> Decision {
        Decision {
            rule,
            action,
            platform: self.platform.clone(),
            external: self.external.clone(),
            unseen: self
                .base
                .filter(|_| self.observed.is_none())
                .map(|base| base.external),
            why,
            notice: None,
            lost: None,
        }
    }

    fn outward(&self) -> Mapped {
        self.rule.outward.apply(&self.platform.0)
    }

    fn inward(&self) -> Mapped {
        self.rule.inward.apply(&self.external.0)
    }

    fn platform_time(&self) -> Timestamp {
        self.state.map_or(self.created_at, |state| state.changed_at)
    }

    fn external_time(&self) -> Timestamp {
        self.observed
            .and_then(|observed| observed.changed_at)
            .unwrap_or(self.record_updated_at)
    }

    fn within_window(&self, theirs: Timestamp) -> bool {
        let apart: SignedDuration = self.platform_time().duration_since(theirs);
        apart.abs() <= self.rules.conflict_window
    }
}
