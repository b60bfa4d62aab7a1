//! The protocol as it is.

use im_model::{ConflictStrategy, Owner, Ownership};

use super::{
    holds,
    scenario::{Left, Scenario, Start, Style},
};

/// Deeper than the test command goes, where `IM_MODEL_DEEP` is set: some minutes and gigabytes.
fn is_deep() -> bool {
    std::env::var_os("IM_MODEL_DEEP").is_some()
}

fn with(scenario: Scenario, left: impl FnOnce(&mut Left)) -> Scenario {
    let mut scenario = scenario;
    left(&mut scenario.left);
    scenario
}

/// Three operations, of which one is a fault: any two edits, and all that it can hit.
fn two_edits(name: &'static str) -> Scenario {
    Scenario {
        values: 2,
        together: true,
        ..Scenario::of(name, 2)
    }
}

/// Without an end, if somebody has the time and the memory.
fn switches() -> Option<u8> {
    std::env::var_os("IM_MODEL_DEEP").is_none().then_some(1)
}

#[test]
fn any_two_edits() {
    holds(&Scenario::of("two edits", 2));
}

#[test]
fn any_two_edits_within_the_window_of_conflicts() {
    holds(&Scenario {
        gap: 3,
        ..Scenario::of("two edits within the window", 2)
    });
}

#[test]
fn any_two_edits_where_webhooks_tell() {
    holds(&Scenario {
        style: Style::Tells,
        ..Scenario::of("two edits that webhooks tell of", 2)
    });
}

#[test]
fn any_two_edits_where_a_person_decides() {
    holds(&Scenario {
        strategy: ConflictStrategy::ManualReview,
        ..Scenario::of("two edits, manual review", 2)
    });
}

#[test]
fn any_two_edits_of_fields_with_one_owner_each() {
    let only = |owner| Ownership::only(owner, 1);
    holds(&Scenario {
        ownership: [only(Owner::Platform), only(Owner::External)],
        ..Scenario::of("two edits, an owner each", 2)
    });
}

#[test]
fn any_three_edits() {
    let three = Scenario {
        values: 2,
        together: true,
        ..Scenario::of("three edits", 3)
    };
    holds(&with(three, |left| {
        left.switches = if is_deep() { None } else { switches() };
    }));
}

#[test]
fn two_edits_and_a_hint_that_comes_twice() {
    holds(&with(two_edits("two edits, a repeat"), |left| {
        left.repeats = 1;
    }));
}

#[test]
fn two_edits_and_a_worker_that_dies() {
    holds(&with(two_edits("two edits, a crash"), |left| {
        left.crashes = 1;
        left.switches = if is_deep() { None } else { switches() };
    }));
}

#[test]
fn two_edits_and_an_answer_that_is_lost_or_late() {
    holds(&with(two_edits("two edits, a lost answer"), |left| {
        left.silences = 1;
        left.switches = if is_deep() { None } else { switches() };
    }));
}

#[test]
fn time_that_passes_while_somebody_works() {
    let edit = Scenario::of("an edit, a crash, a stall", 1);
    holds(&with(edit, |left| (left.crashes, left.stalls) = (1, 1)));
    let edit = Scenario::of("an edit, a lost answer, a stall", 1);
    holds(&with(edit, |left| (left.silences, left.stalls) = (1, 1)));
}

#[test]
fn three_systems() {
    let edit = Scenario {
        vendors: 2,
        ..Scenario::of("three systems, an edit, a repeat", 1)
    };
    holds(&with(edit, |left| left.repeats = 1));
    let edits = Scenario {
        vendors: 2,
        values: 2,
        ..Scenario::of("three systems, two edits", 2)
    };
    holds(&with(edits, |left| {
        left.switches = if is_deep() { switches() } else { Some(0) }
    }));
}

fn unsent(name: &'static str, edits: u8) -> Scenario {
    Scenario {
        start: Start::Unsent,
        values: 2,
        ..Scenario::of(name, edits)
    }
}

#[test]
fn a_creation_and_an_edit() {
    holds(&unsent("a creation, an edit", 1));
}

#[test]
fn a_creation_whose_worker_dies() {
    let creation = unsent("a creation, a crash, a repeat", 0);
    holds(&with(creation, |left| {
        (left.crashes, left.repeats) = (1, 1);
    }));
}

#[test]
fn a_creation_whose_answer_is_lost_or_late() {
    let creation = unsent("a creation, a lost answer, a repeat", 0);
    holds(&with(creation, |left| {
        (left.silences, left.repeats) = (1, 1);
    }));
    if is_deep() {
        let creation = unsent("a creation, an edit, a lost answer", 1);
        holds(&with(creation, |left| left.silences = 1));
    }
}

#[test]
fn a_record_that_becomes_an_incident() {
    let record = |name| Scenario {
        start: Start::Unknown,
        ..Scenario::of(name, 1)
    };
    holds(&with(record("an import, an edit, a repeat"), |left| {
        left.repeats = 1;
    }));
    holds(&with(record("an import, an edit, a crash"), |left| {
        left.crashes = 1;
    }));
}
