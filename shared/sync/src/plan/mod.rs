//! `plan`: design section 3.

mod conflict;
mod heal;
mod moves;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use im_model::{
    BasePair, ExternalRecord, ExternalValue, Field, FieldState, Flips, Incident, IntegrationId,
    Notice, NoticeKind, Observed, Owner, PlatformValue, Review, Side, Verdict,
};
use jiff::Timestamp;

use self::conflict::Clash;
pub use self::heal::{Unhealed, unhealed};
use crate::{Action, ConflictStep, Decision, FieldRule, LinkRules, Plan, Rule};

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
    /// Whose links are reconciled: what differs although neither side changed is healed, too (rule 6). Hints leave it alone.
    pub heals_for: Option<&'a IntegrationId>,
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
        let repeats = input
            .notices
            .get(field)
            .is_some_and(|notice| says_again(&decision, notice));
        (!repeats || input.insist).then(|| (field.clone(), decision))
    };
    Plan {
        decisions: input.rules.fields.iter().filter_map(decide).collect(),
    }
}

/// Would this decision only repeat what was tried or said about the same pair of values? What a person has chosen is tried
/// once more, whatever was said before.
fn says_again(decision: &Decision, notice: &Notice) -> bool {
    let about = decision.about();
    let is_said = matches!(notice.kind, NoticeKind::Unmapped | NoticeKind::Unwritable)
        && notice.about.same_values(&about);
    let is_chosen = matches!(decision.conflict, Some(ConflictStep::CarryOut { .. }));
    is_said
        && !is_chosen
        && match &decision.action {
            Action::Push { value } => notice.tried.is_none_or(|tried| tried == value.digest()),
            Action::Report => true,
            Action::Rebase | Action::Hold | Action::Pull { .. } => false,
        }
}

/// The fields that differ and stay so, with the reason: nothing is decided on them now.
pub fn apart(input: &PlanInput<'_>) -> BTreeMap<Field, &'static str> {
    let decided = plan(input).decisions;
    let differing = input.rules.fields.iter().filter_map(|(field, rule)| {
        let sides = Sides::of(input, field, rule)?;
        let differs = sides.observed.is_some() && !sides.is_in_sync();
        (differs && !decided.contains_key(field)).then(|| (field.clone(), sides.why_apart()))
    });
    differing.collect()
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
    pub(crate) notice: Option<&'a Notice>,
    pub(crate) flips: Option<&'a Flips>,
    pub(crate) heals_for: Option<&'a IntegrationId>,
    pub(crate) now: Timestamp,
}

impl<'a> Sides<'a> {
    /// `None` if there is nothing to compare: the vendor does not show the field and cannot be written either.
    fn of(input: &PlanInput<'a>, field: &'a Field, rule: &'a FieldRule) -> Option<Self> {
        let base = input.base.get(field);
        let observed = input.external.fields.get(field);
        let platform = input.incident.value(field);
        let review = input.reviews.get(field);
        let notice = input.notices.get(field);
        if observed.is_none()
            && review.is_none()
            && notice.is_none()
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
            notice,
            flips: input.flips.get(field),
            heals_for: input.heals_for,
            now: input.now,
        })
    }

    fn why_apart(&self) -> &'static str {
        match (
            self.review.map(|review| &review.verdict),
            self.may_out,
            self.may_in,
        ) {
            (Some(Verdict::Pending), _, _) => "a conflict waits for a person",
            (Some(Verdict::Ignore), _, _) => "a person chose to leave both sides as they are",
            (_, false, false) => "it may flow neither way",
            (_, true, false) => "only the platform's edits flow",
            (_, false, true) => "only the vendor's edits flow",
            (_, true, true) => "neither side has changed since this was decided",
        }
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
            return (platform_changed || external_changed || self.is_taken_back(base))
                .then(|| self.rebase(Rule::InSync, "both sides say the same"));
        }
        match (platform_changed, external_changed) {
            (false, false) => self.heal().or_else(|| {
                let why = "what was refused was taken back";
                self.is_taken_back(base)
                    .then(|| self.rebase(Rule::InSync, why))
            }),
            (true, false) => Some(self.platform_changed(base)),
            (false, true) => Some(self.external_changed()),
            (true, true) => Some(self.both_changed()),
        }
    }

    pub(super) fn changed_since(&self, base: &BasePair) -> (bool, bool) {
        (
            base.platform != self.platform.digest(),
            self.observed.is_some() && base.external != self.external.digest(),
        )
    }

    /// Was a value refused, and is now what was there before? Then the notice of it is out of date, and with it the dead
    /// letter.
    fn is_taken_back(&self, base: &BasePair) -> bool {
        let refuses = |kind| matches!(kind, NoticeKind::Unmapped | NoticeKind::Unwritable);
        let about = self.notice.filter(|notice| refuses(notice.kind));
        about.is_some_and(|notice| {
            let about = &notice.about;
            about.platform != self.platform.digest()
                || self.observed.is_some() && about.external != self.external.digest()
        }) && self.changed_since(base) == (false, false)
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
            return self.heal().unwrap_or_else(|| {
                let why = "the field may not flow to the vendor";
                self.rebase(Rule::PlatformChanged, why)
            });
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
            return self.heal().unwrap_or_else(|| {
                let why = "the field may not flow to the platform";
                self.rebase(Rule::ExternalChanged, why)
            });
        }
        if self.may_out && self.is_platform_edit() && self.is_within_window() {
            return self.conflict(Clash::Window(Side::External));
        }
        self.pull(
            Rule::ExternalChanged,
            "the vendor's value is newer than base",
        )
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
}
