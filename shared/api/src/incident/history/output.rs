//! What happened to an incident, as it is shown.

use im_engine::manage::{Chain, Ending, Explanation, FieldStep, Happening, TimelineEntry};
use im_model::{ConflictId, Field, FieldOutcome, Review, Verdict};
use im_sync::{Action, ConflictStep, Rule, Times};
use jiff::Timestamp;
use serde::Serialize;

use super::super::{
    note::NoteJson,
    output::{NoticeJson, OriginJson},
};
use crate::value::{ChangeTimeJson, ValueJson, side};

/// One thing that happened.
#[derive(Debug, Serialize)]
pub(super) struct HappeningJson {
    id: String,
    at: Timestamp,
    kind: &'static str,
    integration_id: Option<String>,
    actor: Option<String>,
    cause: String,
    ended: Option<EndedJson>,
    changes: Vec<ChangeJson>,
    /// The ids of the notes that a sync was about to send.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes_sent: Vec<String>,
    note: Option<NoteJson>,
}

#[derive(Debug, Serialize)]
struct EndedJson {
    how: &'static str,
    at: Option<Timestamp>,
}

/// What was done to one field. A member that is left out does not apply; a value that is null is empty.
#[derive(Debug, Serialize)]
struct ChangeJson {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<ValueJson>,
    #[serde(flatten)]
    decision: Option<DecisionJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerJson>,
}

#[derive(Debug, Serialize)]
struct DecisionJson {
    rule: &'static str,
    action: &'static str,
    why: String,
    platform: ValueJson,
    external: ValueJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    becomes: Option<ValueJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<StepJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<TimesJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
}

#[derive(Debug, Serialize)]
struct StepJson {
    step: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct TimesJson {
    platform: ChangeTimeJson,
    external: ChangeTimeJson,
}

#[derive(Debug, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum AnswerJson {
    Written,
    Overruled { held: ValueJson },
    Superseded { held: ValueJson },
    Refused { why: String },
    Settled,
    Pulled,
    Kept,
}

/// Why a field holds what it holds.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationJson {
    incident_id: String,
    field: String,
    value: Option<ValueJson>,
    since: Option<Timestamp>,
    origin: Option<OriginJson>,
    brought_by: Option<HappeningJson>,
    chains: Vec<ChainJson>,
}

#[derive(Debug, Serialize)]
struct ChainJson {
    integration_id: String,
    external_id: Option<String>,
    last: Option<HappeningJson>,
    review: Option<ReviewJson>,
    notice: Option<NoticeJson>,
}

#[derive(Debug, Serialize)]
struct ReviewJson {
    conflict_id: String,
    verdict: &'static str,
}

impl HappeningJson {
    pub(super) fn of(entry: &TimelineEntry) -> Self {
        Self {
            id: entry.id.clone(),
            at: entry.at,
            kind: match entry.happening {
                Happening::Created => "created",
                Happening::Edited => "edited",
                Happening::Synced => "synced",
                Happening::Noted => "note",
            },
            integration_id: entry.integration.as_ref().map(ToString::to_string),
            actor: entry.actor.as_ref().map(ToString::to_string),
            cause: entry.cause.clone(),
            ended: entry.ending.map(EndedJson::of),
            changes: entry.steps.iter().map(ChangeJson::of).collect(),
            notes_sent: entry.notes_sent.iter().map(ToString::to_string).collect(),
            note: entry.note.as_ref().map(NoteJson::of),
        }
    }
}

impl EndedJson {
    fn of(ending: Ending) -> Self {
        let (how, at) = match ending {
            Ending::Committed(at) => ("committed", Some(at)),
            Ending::Running(until) => ("running", Some(until)),
            Ending::Abandoned => ("abandoned", None),
        };
        Self { how, at }
    }
}

impl ChangeJson {
    fn of(step: &FieldStep) -> Self {
        let edit = step.edit.as_ref();
        Self {
            field: step.field.name(),
            before: edit.map(|(before, _)| before.into()),
            after: edit.map(|(_, after)| after.into()),
            decision: step.decision.as_ref().map(DecisionJson::of),
            sent: step
                .sent
                .as_ref()
                .map(|sent| ValueJson::from(&sent.external)),
            answer: step.outcome.as_ref().map(AnswerJson::of),
        }
    }
}

impl DecisionJson {
    fn of(decision: &im_sync::Decision) -> Self {
        let (action, becomes) = match &decision.action {
            Action::Rebase => ("keep", None),
            Action::Push { value } => ("push", Some(value.into())),
            Action::Pull { value, .. } => ("pull", Some(value.into())),
            Action::Report => ("report", None),
            Action::Hold => ("hold", None),
        };
        Self {
            rule: match decision.rule {
                Rule::InSync => "in_sync",
                Rule::PlatformChanged => "platform_changed",
                Rule::ExternalChanged => "external_changed",
                Rule::Conflict => "conflict",
                Rule::NoBase => "no_base",
                Rule::Drift => "drift",
            },
            action,
            why: decision.why.clone(),
            platform: (&decision.platform).into(),
            external: (&decision.external).into(),
            becomes,
            lost: decision.lost.as_ref().map(|lost| side(lost.side)),
            conflict: decision.conflict.as_ref().map(StepJson::of),
            times: decision.times.map(TimesJson::of),
            author: decision.author.as_ref().map(ToString::to_string),
        }
    }
}

impl StepJson {
    fn of(step: &ConflictStep) -> Self {
        let (step, id): (_, Option<&ConflictId>) = match step {
            ConflictStep::Queue => ("queued", None),
            ConflictStep::Record => ("recorded", None),
            ConflictStep::Update { conflict } => ("updated", Some(conflict)),
            ConflictStep::Agree { conflict } => ("agreed", Some(conflict)),
            ConflictStep::CarryOut { conflict } => ("carried_out", Some(conflict)),
            ConflictStep::MoveOn { conflict } => ("moved_on", Some(conflict)),
        };
        Self {
            step,
            conflict_id: id.map(ToString::to_string),
        }
    }
}

impl TimesJson {
    fn of(times: Times) -> Self {
        Self {
            platform: times.platform.into(),
            external: times.external.into(),
        }
    }
}

impl AnswerJson {
    fn of(outcome: &FieldOutcome) -> Self {
        match outcome {
            FieldOutcome::Written => Self::Written,
            FieldOutcome::Overruled { held } => Self::Overruled { held: held.into() },
            FieldOutcome::Superseded { held } => Self::Superseded { held: held.into() },
            FieldOutcome::Refused { why } => Self::Refused { why: why.clone() },
            FieldOutcome::Settled => Self::Settled,
            FieldOutcome::Pulled => Self::Pulled,
            FieldOutcome::Kept => Self::Kept,
        }
    }
}

impl ExplanationJson {
    pub(super) fn of(explanation: &Explanation) -> Self {
        let state = explanation.state.as_ref();
        Self {
            incident_id: explanation.incident.to_string(),
            field: explanation.field.name(),
            value: state.map(|state| ValueJson::from(&state.value)),
            since: state.map(|state| state.changed_at),
            origin: state.map(|state| OriginJson::of(&state.origin)),
            brought_by: explanation.origin.as_ref().map(HappeningJson::of),
            chains: explanation
                .chains
                .iter()
                .map(|chain| ChainJson::of(chain, &explanation.field))
                .collect(),
        }
    }
}

impl ChainJson {
    fn of(chain: &Chain, field: &Field) -> Self {
        let notice = chain.notice.as_ref();
        Self {
            integration_id: chain.integration.to_string(),
            external_id: chain.external_id.as_ref().map(ToString::to_string),
            last: chain.last.as_ref().map(HappeningJson::of),
            review: chain.review.as_ref().map(ReviewJson::of),
            notice: notice.map(|notice| NoticeJson::of(field, notice)),
        }
    }
}

impl ReviewJson {
    fn of(review: &Review) -> Self {
        Self {
            conflict_id: review.conflict.to_string(),
            verdict: match review.verdict {
                Verdict::Pending => "pending",
                Verdict::UsePlatform => "use_platform",
                Verdict::UseExternal => "use_external",
                Verdict::Ignore => "ignore",
                Verdict::Restore { .. } => "restore",
            },
        }
    }
}
