//! What a decision moves: to the vendor, to the platform, or nothing.

use im_model::{ExternalValue, NoticeKind, PlatformValue, Writability};

use super::Sides;
use crate::{Action, Decision, Mapped, Rule, flips};

impl Sides<'_> {
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

    pub(super) fn outward(&self) -> Mapped {
        self.rule.outward.apply(&self.platform.0)
    }

    pub(super) fn inward(&self) -> Mapped {
        self.rule.inward.apply(&self.external.0)
    }
}
