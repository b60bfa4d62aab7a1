//! Fields on which a person's word counts: queued conflicts, and what was chosen for them (design 3, rule 4).
//!
//! A choice holds for the pair of values it was made on. Where one side has changed since, it is a question again.

use im_model::{BasePair, ConflictId, ExternalValue, Review, Side, Verdict};

use crate::{Action, ConflictStep, Decision, Lost, Rule, plan::Sides};

impl Sides<'_> {
    pub(crate) fn under_review(&self, review: &Review) -> Option<Decision> {
        let conflict = review.conflict.clone();
        if self.is_ignored_base(review) {
            return self.by_rules().map(|decision| Decision {
                conflict: decision
                    .conflict
                    .or(Some(ConflictStep::MoveOn { conflict })),
                ..decision
            });
        }
        if let Verdict::Restore { external } = &review.verdict
            && self.is_still(&review.about)
        {
            return Some(self.restore(external, conflict));
        }
        if self.is_in_sync() {
            let agreed = self.rebase(Rule::InSync, "both sides say the same by now");
            let step = match review.verdict {
                Verdict::Pending => ConflictStep::Agree { conflict },
                _ => ConflictStep::MoveOn { conflict },
            };
            return Some(Decision {
                conflict: Some(step),
                ..agreed
            });
        }
        if !self.is_still(&review.about) {
            return Some(self.ask_again(review, conflict));
        }
        match &review.verdict {
            Verdict::Pending | Verdict::Restore { .. } => None,
            Verdict::UsePlatform => Some(self.chosen(Side::Platform, conflict)),
            // The chosen value is not there to be taken just now.
            Verdict::UseExternal
                if self.observed.is_none() && self.rules.may_flow_in(self.rule) =>
            {
                None
            }
            Verdict::UseExternal => Some(self.chosen(Side::External, conflict)),
            Verdict::Ignore => {
                let why = "a person chose to leave both sides as they are";
                Some(Decision {
                    conflict: Some(ConflictStep::CarryOut { conflict }),
                    ..self.rebase(Rule::Conflict, why)
                })
            }
        }
    }

    /// Is the pair that a person ignored base by now?
    fn is_ignored_base(&self, review: &Review) -> bool {
        review.verdict == Verdict::Ignore
            && self
                .base
                .is_some_and(|base| base.same_values(&review.about))
    }

    /// Is there a word that counts for what both sides hold now, so that no time can change the decision?
    pub(crate) fn is_ruled(&self) -> bool {
        self.review
            .is_some_and(|review| !self.is_ignored_base(review) && self.is_still(&review.about))
    }

    /// Is a person's choice of one side being carried out? Nothing but ownership and direction stands against it.
    pub(crate) fn is_chosen(&self) -> bool {
        self.review.is_some_and(|review| {
            matches!(review.verdict, Verdict::UsePlatform | Verdict::UseExternal)
        })
    }

    /// Are both sides as they were when the review was made? A field that the vendor does not show now has not changed.
    fn is_still(&self, about: &BasePair) -> bool {
        let external = match self.observed {
            Some(_) => self.external.digest(),
            None => about.external,
        };
        about.platform == self.platform.digest() && about.external == external
    }

    fn ask_again(&self, review: &Review, conflict: ConflictId) -> Decision {
        let why = match review.verdict {
            Verdict::Pending => "edited again while it waits for a person to choose",
            _ => "edited again after a person chose: it waits for a new choice",
        };
        Decision {
            notice: Some(im_model::NoticeKind::Conflict),
            conflict: Some(ConflictStep::Update { conflict }),
            ..self.decision(Rule::Conflict, Action::Hold, why.to_owned())
        }
    }

    fn chosen(&self, winner: Side, conflict: ConflictId) -> Decision {
        let times = self.times();
        let (may, decision, loser, lost_at) = match winner {
            Side::Platform => (
                self.may_out,
                self.push(Rule::Conflict, "a person chose the platform's value"),
                Side::External,
                times.external.at,
            ),
            Side::External => (
                self.may_in,
                self.pull(Rule::Conflict, "a person chose the vendor's value"),
                Side::Platform,
                times.platform.at,
            ),
        };
        if !may {
            // The rules were changed after the choice: ownership holds, and both sides stay as they are.
            let why = "a person chose a value that may not flow any more";
            return Decision {
                conflict: Some(ConflictStep::CarryOut { conflict }),
                ..self.rebase(Rule::Conflict, why)
            };
        }
        let moves = matches!(decision.action, Action::Push { .. } | Action::Pull { .. });
        Decision {
            lost: moves.then_some(Lost {
                side: loser,
                changed_at: lost_at,
            }),
            conflict: Some(ConflictStep::CarryOut { conflict }),
            ..decision
        }
    }

    fn restore(&self, external: &ExternalValue, conflict: ConflictId) -> Decision {
        let decision = if self.external == *external && self.observed.is_some() {
            self.rebase(Rule::Conflict, "a person brought back the vendor's value")
        } else if self.may_out {
            let action = Action::Push {
                value: external.clone(),
            };
            let why = "a person brought back the vendor's value".to_owned();
            self.decision(Rule::Conflict, action, why)
        } else {
            let why = "a person brought back a value that may not flow any more";
            self.rebase(Rule::Conflict, why)
        };
        Decision {
            conflict: Some(ConflictStep::CarryOut { conflict }),
            ..decision
        }
    }
}
