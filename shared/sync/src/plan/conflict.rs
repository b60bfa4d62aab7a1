//! Rule 4: both sides changed, or two people edited at almost the same time.

use im_model::{ConflictStrategy, NoticeKind, Side};

use super::Sides;
use crate::{Action, ConflictStep, Decision, Lost, Rule};

/// Why a conflict is one.
#[derive(Clone, Copy)]
pub(super) enum Clash {
    /// Both sides changed since they last agreed.
    Both,
    /// Only this side did, but the other one's last change lies within the window.
    Window(Side),
}

impl Sides<'_> {
    /// Rule 4, both changed since base.
    pub(super) fn both_changed(&self) -> Decision {
        let only = "only this side may flow";
        match (self.may_out, self.may_in) {
            (false, false) => self.rebase(Rule::Conflict, "the field may flow neither way"),
            (true, false) => self.won_by(Side::Platform, only),
            (false, true) => self.won_by(Side::External, only),
            (true, true) => self.conflict(Clash::Both),
        }
    }

    /// Rule 4, where both sides may flow: the integration's strategy decides.
    pub(super) fn conflict(&self, clash: Clash) -> Decision {
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
}
