use std::collections::BTreeMap;

use im_engine::manage::{Chain, Ending, Explanation, FieldStep, Happening, TimelineEntry};
use im_model::{
    ActorId, BasePair, ChangeTime, ConflictId, ExternalId, ExternalValue, FieldOutcome, FieldState,
    IncidentId, Note, NoteKey, NoteKind, Notice, NoticeKind, Origin, PlatformValue, Review, Side,
    TimeSource, Verdict,
};
use im_sync::{Action, ConflictStep, Decision, Lost, Rule, Sent, Times};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::router::assert_is;

const CONFLICT: &str = "CON-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn ann() -> ActorId {
    ActorId::parse("ann@example.com").expect("valid")
}

fn step() -> FieldStep {
    FieldStep {
        field: Field::Severity,
        edit: None,
        decision: None,
        sent: None,
        outcome: None,
    }
}

fn edited() -> TimelineEntry {
    let (before, after) = (PlatformValue::EMPTY, PlatformValue::text("SEV-1"));
    TimelineEntry {
        id: "@platform/2/5".to_owned(),
        at: at("2026-01-02T03:04:05Z"),
        happening: Happening::Edited,
        integration: None,
        actor: Some(ann()),
        cause: "edited on the platform".to_owned(),
        ending: None,
        steps: vec![FieldStep {
            edit: Some((before, after)),
            ..step()
        }],
        notes_sent: Vec::new(),
        note: None,
    }
}

fn pushed() -> FieldStep {
    let (platform, external) = (PlatformValue::text("SEV-1"), ExternalValue::EMPTY);
    let value = ExternalValue::text("1/1");
    let change = |at, source| ChangeTime { at, source };
    let mut decision = Decision::new(
        Rule::Conflict,
        Action::Push {
            value: value.clone(),
        },
        platform.clone(),
        external,
        "the platform's change is later".to_owned(),
    );
    decision.lost = Some(Lost {
        side: Side::External,
        changed_at: at("2026-01-02T03:04:04Z"),
    });
    decision.conflict = Some(ConflictStep::CarryOut {
        conflict: ConflictId::parse(CONFLICT).expect("valid"),
    });
    decision.times = Some(Times {
        platform: change(at("2026-01-02T03:04:05Z"), TimeSource::Platform),
        external: change(at("2026-01-02T03:04:04Z"), TimeSource::History),
    });
    decision.author = Some(ann());
    FieldStep {
        decision: Some(decision),
        sent: Some(Sent {
            platform,
            external: value,
        }),
        outcome: Some(FieldOutcome::Overruled {
            held: ExternalValue::text("2/1"),
        }),
        ..step()
    }
}

fn synced(steps: Vec<FieldStep>) -> TimelineEntry {
    TimelineEntry {
        id: "prod-snow/3/1".to_owned(),
        happening: Happening::Synced,
        integration: Some("prod-snow".parse().expect("valid")),
        actor: None,
        cause: "its fields changed".to_owned(),
        ending: Some(Ending::Committed(at("2026-01-02T03:04:09Z"))),
        steps,
        ..edited()
    }
}

fn json_of(entry: &TimelineEntry) -> Value {
    let json = serde_json::to_value(HappeningJson::of(entry)).expect("JSON");
    assert_is("Happening", &json);
    json
}

#[test]
fn an_edit_says_what_was_there_before() {
    assert_eq!(
        json_of(&edited()),
        json!({
            "id": "@platform/2/5", "at": "2026-01-02T03:04:05Z", "kind": "edited",
            "integration_id": null, "actor": "ann@example.com", "cause": "edited on the platform",
            "ended": null, "note": null,
            "changes": [{"field": "severity", "before": null, "after": "SEV-1"}],
        })
    );
    let created = TimelineEntry {
        happening: Happening::Created,
        ..edited()
    };
    assert_eq!(json_of(&created)["kind"], "created");
}

#[test]
fn a_sync_tells_decision_write_and_answer() {
    let json = json_of(&synced(vec![pushed()]));
    assert_eq!(
        json["ended"],
        json!({"how": "committed", "at": "2026-01-02T03:04:09Z"})
    );
    assert_eq!(
        json["changes"],
        json!([{
            "field": "severity", "rule": "conflict", "action": "push",
            "why": "the platform's change is later", "platform": "SEV-1", "external": null,
            "becomes": "1/1", "sent": "1/1", "lost": "external", "author": "ann@example.com",
            "conflict": {"step": "carried_out", "conflict_id": CONFLICT},
            "times": {
                "platform": {"at": "2026-01-02T03:04:05Z", "source": "platform"},
                "external": {"at": "2026-01-02T03:04:04Z", "source": "history"},
            },
            "answer": {"is": "overruled", "held": "2/1"},
        }])
    );
}

#[test]
fn every_answer_is_described() {
    let value = || ExternalValue::text("x");
    let outcomes = [
        (FieldOutcome::Written, json!({"is": "written"})),
        (
            FieldOutcome::Superseded { held: value() },
            json!({"is": "superseded", "held": "x"}),
        ),
        (
            FieldOutcome::Refused {
                why: "read-only".to_owned(),
            },
            json!({"is": "refused", "why": "read-only"}),
        ),
        (FieldOutcome::Settled, json!({"is": "settled"})),
        (FieldOutcome::Pulled, json!({"is": "pulled"})),
        (FieldOutcome::Kept, json!({"is": "kept"})),
    ];
    for (outcome, expected) in outcomes {
        let step = FieldStep {
            outcome: Some(outcome),
            ..step()
        };
        assert_eq!(
            json_of(&synced(vec![step]))["changes"][0]["answer"],
            expected
        );
    }
}

#[test]
fn every_rule_action_and_step_is_described() {
    let conflict = || ConflictId::parse(CONFLICT).expect("valid");
    let value = || ExternalValue::text("x");
    let (at_that, push) = (at("2026-01-02T03:04:09Z"), Action::Push { value: value() });
    let pull = Action::Pull {
        value: PlatformValue::text("x"),
        changed_at: at_that,
        author: None,
    };
    for (rule, action, conflict, words) in [
        (
            Rule::InSync,
            Action::Rebase,
            ConflictStep::Queue,
            ["in_sync", "keep", "queued"],
        ),
        (
            Rule::NoBase,
            push,
            ConflictStep::Record,
            ["no_base", "push", "recorded"],
        ),
        (
            Rule::ExternalChanged,
            pull,
            ConflictStep::Update {
                conflict: conflict(),
            },
            ["external_changed", "pull", "updated"],
        ),
        (
            Rule::PlatformChanged,
            Action::Report,
            ConflictStep::Agree {
                conflict: conflict(),
            },
            ["platform_changed", "report", "agreed"],
        ),
        (
            Rule::Conflict,
            Action::Hold,
            ConflictStep::MoveOn {
                conflict: conflict(),
            },
            ["conflict", "hold", "moved_on"],
        ),
    ] {
        let (ours, theirs) = (PlatformValue::EMPTY, ExternalValue::EMPTY);
        let mut decision = Decision::new(rule, action, ours, theirs, "so".to_owned());
        decision.conflict = Some(conflict);
        let step = FieldStep {
            decision: Some(decision),
            ..step()
        };
        let json = &json_of(&synced(vec![step]))["changes"][0];
        let shown = [&json["rule"], &json["action"], &json["conflict"]["step"]];
        assert_eq!(shown, words);
    }
}

#[test]
fn every_ending_is_described() {
    let at_that = at("2026-01-02T03:04:09Z");
    for (ending, expected) in [
        (
            Ending::Running(at_that),
            json!({"how": "running", "at": "2026-01-02T03:04:09Z"}),
        ),
        (Ending::Abandoned, json!({"how": "abandoned", "at": null})),
    ] {
        let entry = TimelineEntry {
            ending: Some(ending),
            ..synced(Vec::new())
        };
        assert_eq!(json_of(&entry)["ended"], expected);
    }
}

#[test]
fn a_note_is_shown_as_elsewhere() {
    let key: NoteKey = "prod-snow/7".parse().expect("valid");
    let note = Note {
        key,
        kind: NoteKind::WorkNote,
        author: None,
        at: at("2026-01-02T03:04:05Z"),
        edit_of: None,
        text: "Rebooted".to_owned(),
        copies: BTreeMap::new(),
    };
    let entry = TimelineEntry {
        happening: Happening::Noted,
        steps: Vec::new(),
        note: Some(note),
        ..edited()
    };
    let json = json_of(&entry);
    assert_eq!(
        (&json["kind"], &json["note"]["text"]),
        (&json!("note"), &json!("Rebooted"))
    );
    let items = vec![HappeningJson::of(&entry)];
    let list = List { items, next: None };
    assert_is("Timeline", &serde_json::to_value(list).expect("JSON"));
}

fn explained(explanation: &Explanation) -> Value {
    let json = serde_json::to_value(ExplanationJson::of(explanation)).expect("JSON");
    assert_is("Explanation", &json);
    json
}

#[test]
fn an_explanation_has_the_origin_and_a_chain_for_each_link() {
    let pair = BasePair::seen(&PlatformValue::text("SEV-1"), &ExternalValue::EMPTY);
    let verdicts = [
        (Verdict::Pending, "pending"),
        (Verdict::UsePlatform, "use_platform"),
        (Verdict::UseExternal, "use_external"),
        (Verdict::Ignore, "ignore"),
        (
            Verdict::Restore {
                external: ExternalValue::EMPTY,
            },
            "restore",
        ),
    ];
    let chain = |verdict: Verdict| Chain {
        integration: "prod-snow".parse().expect("valid"),
        external_id: Some(ExternalId::parse("INC0010001").expect("valid")),
        last: Some(synced(vec![pushed()])),
        review: Some(Review {
            conflict: ConflictId::parse(CONFLICT).expect("valid"),
            about: pair,
            verdict,
        }),
        notice: Some(Notice {
            kind: NoticeKind::Conflict,
            detail: "both changed".to_owned(),
            tried: None,
            about: pair,
            at: at("2026-01-02T03:04:09Z"),
        }),
    };
    let id = IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("valid");
    let mut explanation = Explanation {
        incident: id,
        field: Field::Severity,
        state: Some(FieldState {
            value: PlatformValue::text("SEV-1"),
            version: 2,
            changed_at: at("2026-01-02T03:04:05Z"),
            origin: Origin::Platform { actor: ann() },
        }),
        origin: Some(edited()),
        chains: verdicts.iter().map(|(it, _)| chain(it.clone())).collect(),
    };
    let json = explained(&explanation);
    assert_eq!(json["value"], "SEV-1");
    assert_eq!(
        json["origin"],
        json!({"source": "platform", "actor": "ann@example.com"})
    );
    assert_eq!(json["brought_by"], json_of(&edited()));
    for (n, (_, word)) in verdicts.iter().enumerate() {
        let chain = &json["chains"][n];
        assert_eq!(chain["last"], json_of(&synced(vec![pushed()])));
        let review = json!({"conflict_id": CONFLICT, "verdict": word});
        assert_eq!(chain["review"], review);
        assert_eq!(chain["notice"]["field"], "severity");
    }
    explanation.state = None;
    explanation.origin = None;
    explanation.chains = vec![Chain {
        external_id: None,
        last: None,
        review: None,
        notice: None,
        ..chain(Verdict::Pending)
    }];
    let never_set = explained(&explanation);
    assert_eq!(
        (&never_set["since"], &never_set["origin"]),
        (&Value::Null, &Value::Null)
    );
}
