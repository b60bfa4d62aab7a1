//! `plan`: design section 3, rules 1 to 5.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    BasePair, ChangeTime, ConflictStrategy, ExternalRecord, ExternalValue, Field, FieldState,
    Flips, Incident, Notice, NoticeKind, Observed, Owner, PlatformValue, Review, Side, TimeSource,
    Writability,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Action, ConflictStep, Decision, FieldRule, LinkRules, Lost, Mapped, Plan, Rule, Times, flips,
};

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
    /// Fields on which a person's word counts.
    pub reviews: &'a BTreeMap<Field, Review>,
    /// Fields that go to and fro.
    pub flips: &'a BTreeMap<Field, Flips>,
    /// The present.
    pub now: Timestamp,
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
        // What a person has chosen is tried once more, whatever was said before.
        let is_chosen = matches!(decision.conflict, Some(ConflictStep::CarryOut { .. }));
        let repeats =
            said && !is_chosen && matches!(decision.action, Action::Push { .. } | Action::Report);
        (!repeats || input.insist).then(|| (field.clone(), decision))
    };
    Plan {
        decisions: input.rules.fields.iter().filter_map(decide).collect(),
    }
}

/// The fields of which only the record's time is known, and the decision may depend on the field's own: the vendor's
/// history is worth a request.
pub fn wanting_times(input: &PlanInput<'_>) -> BTreeSet<Field> {
    let wanting = |(field, rule): (&Field, &FieldRule)| {
        let sides = Sides::of(input, field, rule)?;
        sides.wants_time().then(|| field.clone())
    };
    input.rules.fields.iter().filter_map(wanting).collect()
}

/// One field's two sides and what may move between them.
pub(crate) struct Sides<'a> {
    pub(crate) field: &'a Field,
    pub(crate) rule: &'a FieldRule,
    pub(crate) rules: &'a LinkRules,
    pub(crate) base: Option<&'a BasePair>,
    pub(crate) created_from: Side,
    pub(crate) platform: PlatformValue,
    pub(crate) state: Option<&'a FieldState>,
    pub(crate) created_at: Timestamp,
    pub(crate) external: ExternalValue,
    pub(crate) observed: Option<&'a Observed>,
    pub(crate) record_updated_at: Timestamp,
    pub(crate) may_out: bool,
    pub(crate) may_in: bool,
    pub(crate) review: Option<&'a Review>,
    pub(crate) flips: Option<&'a Flips>,
    pub(crate) now: Timestamp,
}

/// Why a conflict is one.
#[derive(Clone, Copy)]
enum Clash {
    /// Both sides changed since they last agreed.
    Both,
    /// Only this side did, but the other one's last change lies within the window.
    Window(Side),
}

impl<'a> Sides<'a> {
    /// `None` if there is nothing to compare: the vendor does not show the field and cannot be written either.
    fn of(input: &PlanInput<'a>, field: &'a Field, rule: &'a FieldRule) -> Option<Self> {
        let base = input.base.get(field);
        let observed = input.external.fields.get(field);
        let platform = input.incident.value(field);
        let review = input.reviews.get(field);
        if observed.is_none()
            && review.is_none()
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
            review,
            flips: input.flips.get(field),
            now: input.now,
        })
    }

    fn decide(&self) -> Option<Decision> {
        match self.review {
            Some(review) => self.under_review(review),
            None => self.by_rules(),
        }
    }

    pub(crate) fn by_rules(&self) -> Option<Decision> {
        let Some(base) = self.base else {
            return Some(self.without_base());
        };
        let (platform_changed, external_changed) = self.changed_since(base);
        if self.is_in_sync() {
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

    fn changed_since(&self, base: &BasePair) -> (bool, bool) {
        (
            base.platform != self.platform.digest(),
            self.observed.is_some() && base.external != self.external.digest(),
        )
    }

    /// Rule 1. Either direction's map may prove it where both may flow: so an echo through a many-to-one map never
    /// changes the value it came from.
    pub(crate) fn is_in_sync(&self) -> bool {
        if self.observed.is_none() {
            return false;
        }
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
        // The vendor's value may be a person's edit of a moment ago: then two people edited, and one should know.
        if self.may_in && !base.ours && self.is_platform_edit() && self.is_within_window() {
            return self.conflict(Clash::Window(Side::Platform));
        }
        self.push(
            Rule::PlatformChanged,
            "the platform's value is newer than base",
        )
    }

    /// Rule 3.
    fn external_changed(&self) -> Decision {
        if !self.may_in {
            return self.rebase(
                Rule::ExternalChanged,
                "the field may not flow to the platform",
            );
        }
        if self.may_out && self.is_platform_edit() && self.is_within_window() {
            return self.conflict(Clash::Window(Side::External));
        }
        self.pull(
            Rule::ExternalChanged,
            "the vendor's value is newer than base",
        )
    }

    /// Rule 4, both changed since base.
    fn both_changed(&self) -> Decision {
        let only = "only this side may flow";
        match (self.may_out, self.may_in) {
            (false, false) => self.rebase(Rule::Conflict, "the field may flow neither way"),
            (true, false) => self.won_by(Side::Platform, only),
            (false, true) => self.won_by(Side::External, only),
            (true, true) => self.conflict(Clash::Both),
        }
    }

    /// Rule 4, where both sides may flow: the integration's strategy decides.
    fn conflict(&self, clash: Clash) -> Decision {
        let ownership = self.rule.ownership;
        match self.rules.strategy {
            ConflictStrategy::ManualReview => return self.hold(clash),
            ConflictStrategy::OwnershipPriority => {
                match ownership.platform.cmp(&ownership.external) {
                    std::cmp::Ordering::Greater => {
                        return self.won_by(Side::Platform, "its owner has the higher priority");
                    }
                    std::cmp::Ordering::Less => {
                        return self.won_by(Side::External, "its owner has the higher priority");
                    }
                    std::cmp::Ordering::Equal => {}
                }
            }
            ConflictStrategy::LastWriteWins => {}
        }
        match clash {
            Clash::Window(side) => self.won_by(side, "it was edited after both agreed"),
            Clash::Both if self.external_time().at > self.platform_time().at => {
                self.won_by(Side::External, "it changed later")
            }
            Clash::Both => self.won_by(Side::Platform, "it changed later, or at the same time"),
        }
    }

    fn won_by(&self, winner: Side, why: &str) -> Decision {
        let times = self.times();
        let (decision, loser, lost_at, words) = match winner {
            Side::Platform => (
                self.push(Rule::Conflict, "both sides changed since base"),
                Side::External,
                times.external.at,
                "the platform's value wins over the vendor's",
            ),
            Side::External => (
                self.pull(Rule::Conflict, "both sides changed since base"),
                Side::Platform,
                times.platform.at,
                "the vendor's value wins over the platform's",
            ),
        };
        if !matches!(decision.action, Action::Push { .. } | Action::Pull { .. }) {
            return decision;
        }
        Decision {
            why: format!("{words} of {lost_at:.3}: {why}"),
            notice: Some(NoticeKind::Conflict),
            lost: Some(Lost {
                side: loser,
                changed_at: lost_at,
            }),
            conflict: Some(ConflictStep::Record),
            ..decision
        }
    }

    fn hold(&self, clash: Clash) -> Decision {
        let why = match clash {
            Clash::Both => "both sides changed since base",
            Clash::Window(_) => "both sides were edited within the conflict window",
        };
        let why = format!("{why}: it waits for a person to choose");
        Decision {
            notice: Some(NoticeKind::Conflict),
            conflict: Some(ConflictStep::Queue),
            ..self.decision(Rule::Conflict, Action::Hold, why)
        }
    }

    /// Rule 5.
    fn without_base(&self) -> Decision {
        if self.is_in_sync() {
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

    pub(crate) fn push(&self, rule: Rule, why: &str) -> Decision {
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
                    None if self.is_at_war(&self.platform) => self.truce(rule),
                    None => self.decision(rule, Action::Push { value }, why.to_owned()),
                }
            }
        }
    }

    pub(crate) fn pull(&self, rule: Rule, why: &str) -> Decision {
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
                let value = PlatformValue(value);
                if self.is_at_war(&value) {
                    return self.truce(rule);
                }
                let action = Action::Pull {
                    value,
                    changed_at: self.external_time().at,
                    author: self.observed.and_then(|observed| observed.author.clone()),
                };
                self.decision(rule, action, why.to_owned())
            }
        }
    }

    /// Does the field keep going to and fro between two values, of which this is one, and no person gave it the present
    /// one on the platform, or chose it?
    fn is_at_war(&self, moving: &PlatformValue) -> bool {
        !self.is_platform_edit()
            && !self.is_chosen()
            && self
                .flips
                .is_some_and(|known| flips::is_at_war(known, moving.digest(), self.now))
    }

    /// Two automations at war: what is there now stays, on both sides, and somebody is told.
    fn truce(&self, rule: Rule) -> Decision {
        let why = format!(
            "it changed {} times to and fro between two values: two rules seem to be at war; both sides stay as they \
             are until a person edits it here, or for {} min",
            flips::MOST,
            flips::QUIET.as_mins(),
        );
        Decision {
            notice: Some(NoticeKind::Flipping),
            ..self.decision(rule, Action::Rebase, why)
        }
    }

    /// A vendor's value that is not listed is left alone and reported; the pair becomes base.
    fn leave_alone(&self, rule: Rule, why: String) -> Decision {
        Decision {
            notice: Some(NoticeKind::Unmapped),
            ..self.decision(rule, Action::Rebase, why)
        }
    }

    pub(crate) fn rebase(&self, rule: Rule, why: &str) -> Decision {
        self.decision(rule, Action::Rebase, why.to_owned())
    }

    fn report(&self, rule: Rule, kind: NoticeKind, why: String) -> Decision {
        Decision {
            notice: Some(kind),
            ..self.decision(rule, Action::Report, why)
        }
    }

    pub(crate) fn decision(&self, rule: Rule, action: Action, why: String) -> Decision {
        let unseen = self.base.filter(|_| self.observed.is_none());
        Decision {
            unseen: unseen.map(|base| base.external),
            times: Some(self.times()),
            author: self.observed.and_then(|observed| observed.author.clone()),
            ..Decision::new(
                rule,
                action,
                self.platform.clone(),
                self.external.clone(),
                why,
            )
        }
    }

    fn outward(&self) -> Mapped {
        self.rule.outward.apply(&self.platform.0)
    }

    fn inward(&self) -> Mapped {
        self.rule.inward.apply(&self.external.0)
    }

    /// Was the platform's value put there by a person, and not by a link?
    fn is_platform_edit(&self) -> bool {
        self.state
            .is_some_and(|state| state.origin.is_platform_edit())
    }

    pub(crate) fn times(&self) -> Times {
        Times {
            platform: self.platform_time(),
            external: self.external_time(),
        }
    }

    fn platform_time(&self) -> ChangeTime {
        match self.state {
            None => ChangeTime {
                at: self.created_at,
                source: TimeSource::Creation,
            },
            Some(state) => ChangeTime {
                at: state.changed_at,
                source: if state.origin.is_platform_edit() {
                    TimeSource::Platform
                } else {
                    TimeSource::Link
                },
            },
        }
    }

    fn external_time(&self) -> ChangeTime {
        let known = self.observed.and_then(|observed| observed.changed);
        known.unwrap_or(ChangeTime {
            at: self.record_updated_at,
            source: TimeSource::Record,
        })
    }

    /// Did the vendor's field change within the window of the platform's? The record's time alone does not say so.
    fn is_within_window(&self) -> bool {
        let theirs = self.observed.and_then(|observed| observed.changed);
        theirs.is_some_and(|theirs| {
            let apart: SignedDuration = self.platform_time().at.duration_since(theirs.at);
            apart.abs() <= self.rules.conflict_window
        })
    }

    /// See [`wanting_times`]. A field's own change is not later than its record's: where that is long before the
    /// platform's edit, or long after, nothing is to be found out.
    fn wants_time(&self) -> bool {
        let is_known = self
            .observed
            .is_none_or(|observed| observed.changed.is_some());
        let Some(base) = self.base else { return false };
        if is_known || !self.may_out || !self.may_in || self.is_in_sync() || self.is_ruled() {
            return false;
        }
        let record_after = self
            .record_updated_at
            .duration_since(self.platform_time().at);
        let window = self.rules.conflict_window;
        let is_near =
            record_after >= -window && record_after <= window + SignedDuration::from_mins(1);
        match self.changed_since(base) {
            (true, true) => true,
            (true, false) => !base.ours && self.is_platform_edit() && is_near,
            (false, true) => self.is_platform_edit() && is_near,
            (false, false) => false,
        }
    }
}
