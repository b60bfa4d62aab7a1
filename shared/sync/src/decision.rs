//! What a plan says.

use std::{collections::BTreeMap, fmt};

use im_model::{
    ActorId, BasePair, ChangeTime, ConflictId, Digest, ExternalValue, Field, NoticeKind,
    PlatformValue, Side,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which rule of design section 3 decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// 1: both sides say the same.
    InSync,
    /// 2: only the platform changed since base.
    PlatformChanged,
    /// 3: only the vendor changed since base.
    ExternalChanged,
    /// 4: both changed, or two people edited within the conflict window.
    Conflict,
    /// 5: there is no base yet.
    NoBase,
    /// 6: neither changed, yet they are not in sync: found by the reconciler.
    Drift,
}

/// What is to be done about a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Action {
    /// The present pair becomes base; no value moves.
    Rebase,
    /// Write this to the vendor.
    Push {
        /// The vendor's raw value.
        value: ExternalValue,
    },
    /// Write this to the platform.
    Pull {
        /// The platform's value.
        value: PlatformValue,
        /// The vendor's change time.
        changed_at: Timestamp,
        /// The vendor's author, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<ActorId>,
    },
    /// Nothing can move; say so, and leave the base so that a later attempt finds the same difference.
    Report,
    /// Nothing moves until a person chooses, and base stays.
    Hold,
}

/// What becomes of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum ConflictStep {
    /// It is found, and a person has to choose.
    Queue,
    /// It is found, and a rule has chosen: see [`Decision::lost`].
    Record,
    /// It is about other values than before, and waits for a person (again).
    Update {
        /// Which.
        conflict: ConflictId,
    },
    /// Both sides say the same by now.
    Agree {
        /// Which.
        conflict: ConflictId,
    },
    /// What a person chose is carried out.
    CarryOut {
        /// Which.
        conflict: ConflictId,
    },
    /// What a person chose is no question any more: it was carried out, or the field moved on from what was ignored.
    MoveOn {
        /// Which.
        conflict: ConflictId,
    },
}

/// When both sides changed, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The platform's change.
    pub platform: ChangeTime,
    /// The vendor's.
    pub external: ChangeTime,
}

/// A value that a conflict's loser held: it stays in the journal and can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Whose value lost.
    pub side: Side,
    /// When the loser changed it.
    pub changed_at: Timestamp,
}

/// One field's decision, with the values it was taken on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// By which rule.
    pub rule: Rule,
    /// What to do.
    pub action: Action,
    /// What the platform held.
    pub platform: PlatformValue,
    /// What the vendor held.
    pub external: ExternalValue,
    /// The base's vendor side, kept where `external` is not what the vendor shows now: that would be no base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Digest>,
    /// In words: why this, of all things.
    pub why: String,
    /// What an operator should be told, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<NoticeKind>,
    /// Who lost, if it was a conflict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// When both sides changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// Whose change the vendor's value is, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<ActorId>,
    /// What becomes of a conflict, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictStep>,
}

impl Decision {
    /// The pair that it is about. Of a field that the vendor does not show, what base says stands for the vendor's value,
    /// so that what was only left alone has become base.
    pub fn about(&self) -> BasePair {
        let seen = BasePair::seen(&self.platform, &self.external);
        BasePair {
            external: self.unseen.unwrap_or(seen.external),
            ..seen
        }
    }

    /// A decision on two values, of which nothing else is known.
    pub fn new(
        rule: Rule,
        action: Action,
        platform: PlatformValue,
        external: ExternalValue,
        why: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            action,
            platform,
            external,
            unseen: None,
            why: why.into(),
            notice: None,
            lost: None,
            times: None,
            author: None,
            conflict: None,
        }
    }
}

/// What a link's two sides owe each other. A field that needs nothing is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// By field.
    pub decisions: BTreeMap<Field, Decision>,
}

impl Plan {
    /// True if nothing of the link will change.
    pub fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }

    /// What is to be written to the vendor.
    pub fn pushes(&self) -> BTreeMap<Field, ExternalValue> {
        let push = |(field, decision): (&Field, &Decision)| match &decision.action {
            Action::Push { value } => Some((field.clone(), value.clone())),
            _ => None,
        };
        self.decisions.iter().filter_map(push).collect()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InSync => "in sync (rule 1)",
            Self::PlatformChanged => "only the platform changed (rule 2)",
            Self::ExternalChanged => "only the vendor changed (rule 3)",
            Self::Conflict => "conflict (rule 4)",
            Self::NoBase => "just linked (rule 5)",
            Self::Drift => "drift (rule 6)",
        })
    }
}
