//! Over arbitrary edits, whenever and however often they are looked at: the same end, nothing lost, and what lost can be
//! brought back.

use std::collections::BTreeSet;

use im_model::{
    BasePair, ConflictId, ConflictStrategy, Field, PlatformValue, Review, Side, Verdict,
};
use im_sync::{Action, Decision};
use proptest::prelude::*;

use crate::link::*;

/// What a side was edited to, and when.
#[derive(Debug, Clone)]
struct Edit {
    side: Side,
    second: i64,
}

/// Edits on both sides, each to a text of its own, no two in one second.
fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let side = proptest::sample::select(&[Side::Platform, Side::External]);
    proptest::collection::btree_map(100..4000_i64, side, 1..12).prop_map(|edits| {
        let edits = edits.into_iter();
        edits.map(|(second, side)| Edit { side, second }).collect()
    })
}

/// How many seconds after each edit somebody looks: up to 30 min late, so that hints overtake each other, and some twice.
fn looks() -> impl Strategy<Value = Vec<Vec<i64>>> {
    let delays = proptest::collection::vec(0..1800_i64, 0..3);
    proptest::collection::vec(delays, 12)
}

/// What came of a run.
struct Run {
    link: Link,
    decisions: Vec<Decision>,
    /// What the platform held before it was edited.
    overwritten: Vec<PlatformValue>,
}

fn run(strategy: ConflictStrategy, edits: &[Edit], looks: &[Vec<i64>]) -> Run {
    let mut link = in_agreement();
    link.rules.strategy = strategy;
    // At each second first the edits, then the looks.
    let mut steps: Vec<(i64, Option<(usize, &Edit)>)> = Vec::new();
    for (n, edit) in edits.iter().enumerate() {
        steps.push((edit.second, Some((n, edit))));
        steps.extend(looks[n].iter().map(|delay| (edit.second + delay, None)));
    }
    // In the end everybody has heard of everything.
    steps.push((10_000, None));
    steps.push((10_001, None));
    steps.sort_by_key(|(second, edit)| (*second, edit.is_none()));
    let mut run = Run {
        link,
        decisions: Vec::new(),
        overwritten: Vec::new(),
    };
    for (second, edit) in steps {
        match edit {
            Some((n, edit)) => {
                let text = format!("edit {n}");
                run.link = match edit.side {
                    Side::Platform => {
                        run.overwritten.push(run.link.incident.value(&Field::Title));
                        run.link.platform(Field::Title, &text, second)
                    }
                    Side::External => run.link.vendor(Field::Title, &text, second),
                };
            }
            None => run.look(second),
        }
    }
    run
}

impl Run {
    fn look(&mut self, second: i64) {
        self.link.now = at(second);
        self.decisions.extend(self.link.decision(&Field::Title));
        self.link.execute();
    }

    fn ends_with(&self) -> (Option<String>, Option<String>) {
        let platform = self.link.incident.value(&Field::Title);
        let external = self.link.external_value(&Field::Title);
        (
            platform.as_str().map(str::to_owned),
            external.as_str().map(str::to_owned),
        )
    }
}

proptest! {
    #[test]
    fn whenever_one_looks_the_last_edit_stands(
        edits in edits(),
        some in looks(),
        others in looks(),
    ) {
        let last = format!("edit {}", edits.len() - 1);
        for looks in [some, others] {
            let run = run(ConflictStrategy::LastWriteWins, &edits, &looks);
            prop_assert_eq!(run.ends_with(), (Some(last.clone()), Some(last.clone())));
        }
    }

    #[test]
    fn both_sides_end_the_same_or_wait_for_a_person(
        edits in edits(),
        looks in looks(),
        strategy in proptest::sample::select(ConflictStrategy::ALL),
    ) {
        let mut run = run(strategy, &edits, &looks);
        let (platform, external) = run.ends_with();
        let waits = run.link.reviews.contains_key(&Field::Title);
        prop_assert!(platform == external || waits, "{:?} {:?}", platform, external);
        prop_assert!(!waits || strategy == ConflictStrategy::ManualReview);
        // Ten repeated hints, in whatever order, say nothing new.
        for second in 0..10 {
            run.link.now = at(20_000 + second);
            prop_assert!(run.link.plan().is_empty());
        }
    }

    #[test]
    fn no_value_that_was_seen_is_missing_from_the_journal(
        edits in edits(),
        looks in looks(),
        strategy in proptest::sample::select(ConflictStrategy::ALL),
    ) {
        let run = run(strategy, &edits, &looks);
        let (platform, external) = run.ends_with();
        let mut told: BTreeSet<_> = [platform, external].into_iter().flatten().collect();
        let text = |value: Option<&str>| value.map(str::to_owned);
        told.extend(run.overwritten.iter().filter_map(|value| text(value.as_str())));
        for decision in &run.decisions {
            told.extend(text(decision.platform.as_str()));
            told.extend(text(decision.external.as_str()));
        }
        for (n, edit) in edits.iter().enumerate() {
            // What somebody at the vendor overwrote before anybody looked was never seen.
            let replaced_at = edits[n + 1..]
                .iter()
                .find(|later| later.side == Side::External)
                .map_or(i64::MAX, |later| later.second);
            let seen = looks
                .iter()
                .zip(&edits)
                .flat_map(|(delays, of)| delays.iter().map(|delay| of.second + delay))
                .chain([10_000])
                .any(|look| look >= edit.second && look < replaced_at);
            if edit.side == Side::Platform || seen {
                prop_assert!(told.contains(&format!("edit {n}")), "edit {n} of {edits:?}");
            }
        }
    }

    #[test]
    fn restoring_brings_back_exactly_the_value_that_lost(
        ours in 100..200_i64,
        theirs in 100..200_i64,
        severity in proptest::sample::select(&["SEV-1", "SEV-4"]),
        urgency in proptest::sample::select(&["high", "low"]),
    ) {
        let mut link = Link::new()
            .platform(Field::Severity, "SEV-3", 0)
            .vendor(Field::Severity, "medium", 0)
            .agreed()
            .platform(Field::Severity, severity, ours)
            .vendor(Field::Severity, urgency, theirs);
        let Some(decision) = link.decision(&Field::Severity) else {
            return Ok(());
        };
        let Some(lost) = decision.lost.clone() else {
            return Ok(());
        };
        link.execute();
        // What the API stores when somebody undoes it (`manage/conflicts.rs`).
        let external = link.external_value(&Field::Severity);
        let (platform, verdict) = match lost.side {
            Side::Platform => (decision.platform.clone(), Verdict::UsePlatform),
            Side::External => {
                let rule = &link.rules.fields[&Field::Severity];
                let inward = rule.inward.apply(&decision.external.0);
                let value = inward.value().cloned().expect("listed");
                let external = decision.external.clone();
                (PlatformValue(value), Verdict::Restore { external })
            }
        };
        let text = platform.as_str().expect("not empty").to_owned();
        let mut link = link.platform(Field::Severity, &text, 800);
        let review = Review {
            conflict: ConflictId::from_ulid(ulid::Ulid(1)),
            about: BasePair::seen(&platform, &external),
            verdict,
        };
        link.reviews.insert(Field::Severity, review);
        link.execute();
        match lost.side {
            Side::Platform => prop_assert_eq!(link.incident.value(&Field::Severity), decision.platform),
            Side::External => prop_assert_eq!(link.external_value(&Field::Severity), decision.external),
        }
        prop_assert!(link.plan().is_empty() && link.reviews.is_empty());
        let pushed = matches!(link.decision(&Field::Severity), Some(Decision { action: Action::Push { .. }, .. }));
        prop_assert!(!pushed);
    }
}
