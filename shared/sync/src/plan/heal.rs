//! Rule 6: neither side changed since base, and yet they are not in sync. Hints leave that alone, the reconciler does not.

use std::collections::BTreeMap;

use im_model::{
    BasePair, ExternalValue, Field, IntegrationId, NoticeKind, Origin, PlatformValue, Side,
};

use super::{PlanInput, Sides};
use crate::{Action, Decision, Rule};

/// A difference that nothing may heal by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealed {
    /// What the platform holds.
    pub platform: PlatformValue,
    /// What the vendor holds.
    pub external: ExternalValue,
    /// Why neither value moves.
    pub why: String,
}

/// The fields that a reconciler finds different and leaves so: somebody has to look at them. What a rule, a person, or the
/// vendor's refusal keeps apart is not among them: that was said already.
pub fn unhealed(input: &PlanInput<'_>) -> BTreeMap<Field, Unhealed> {
    let unhealed = input.rules.fields.iter().filter_map(|(field, rule)| {
        let sides = Sides::of(input, field, rule)?;
        let decided = sides.decide();
        if decided.is_some_and(|decision| decision.action != Action::Rebase) {
            return None;
        }
        let Heal::Nobody(why) = sides.healing()? else {
            return None;
        };
        let (platform, external) = (sides.platform, sides.external);
        let unhealed = Unhealed {
            platform,
            external,
            why,
        };
        Some((field.clone(), unhealed))
    });
    unhealed.collect()
}

/// Which way a difference is healed.
enum Heal {
    To(Side, &'static str),
    Nobody(String),
}

impl Sides<'_> {
    /// Rule 6. Also of a change that may not flow: where hints only note it, it is taken back.
    pub(super) fn heal(&self) -> Option<Decision> {
        let Heal::To(winner, why) = self.healing()? else {
            return None;
        };
        let decision = match winner {
            Side::Platform => self.push(Rule::Drift, why),
            Side::External => self.pull(Rule::Drift, why),
        };
        // The pair is base already.
        (decision.action != Action::Rebase).then_some(decision)
    }

    /// `None` if the two sides are as they should be, or are kept apart for a reason that was said.
    fn healing(&self) -> Option<Heal> {
        let healer = self.heals_for?;
        let base = self.base?;
        self.observed?;
        if self.review.is_some()
            || self.is_in_sync()
            || self.stands_for_it(base)
            || self.is_refused()
        {
            return None;
        }
        Some(match (self.may_out, self.may_in) {
            (false, false) => return None,
            // Who has nothing to say is not right about anything.
            (true, false) if self.platform.is_empty() => return None,
            (false, true) if self.external.is_empty() => return None,
            (true, false) => Heal::To(Side::Platform, "the platform alone may move it"),
            (false, true) => match self.brought_by_another(healer) {
                Some(another) => Heal::Nobody(format!(
                    "{another} brought the platform's value: two vendors own the field, and cannot both be right"
                )),
                None => Heal::To(Side::External, "the vendor alone may move it"),
            },
            (true, true) => self.later_or_fuller(),
        })
    }

    /// The platform's value was made of the vendor's, which still stands for it: that the map back would choose another one
    /// is no drift.
    fn stands_for_it(&self, base: &BasePair) -> bool {
        base.one_of_many
            && self.changed_since(base) == (false, false)
            && self.inward().value() == Some(&self.platform.0)
    }

    fn later_or_fuller(&self) -> Heal {
        let times = self.times();
        if self.platform.is_empty() {
            Heal::To(Side::External, "the platform's value is empty")
        } else if self.external.is_empty() {
            Heal::To(Side::Platform, "the vendor's value is empty")
        } else if times.external.at > times.platform.at {
            Heal::To(Side::External, "the vendor's value is the later one")
        } else {
            Heal::To(Side::Platform, "the platform's value is the later one")
        }
    }

    /// The other integration whose link brought what the platform holds.
    fn brought_by_another(&self, healer: &IntegrationId) -> Option<&IntegrationId> {
        match &self.state?.origin {
            Origin::External { integration, .. } if integration != healer => Some(integration),
            _ => None,
        }
    }

    /// Was this very pair refused, overruled, or given up as a war of rules?
    fn is_refused(&self) -> bool {
        self.notice.is_some_and(|notice| {
            let says_why = !matches!(notice.kind, NoticeKind::Conflict);
            let about = BasePair::seen(&self.platform, &self.external);
            says_why && notice.about.same_values(&about)
        })
    }
}
