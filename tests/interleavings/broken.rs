//! Each rule of the protocol taken out: the model finds what it is there for. That is what the model's word is worth.

use super::{
    scenario::{Protocol, Scenario, Start, Style},
    search::explore,
};

/// Without a rule, one of these invariants is violated.
#[expect(clippy::needless_pass_by_value, reason = "made for this call")]
fn is_violated(scenario: Scenario, protocol: Protocol, invariants: &[u8]) {
    let scenario = Scenario {
        protocol,
        ..scenario
    };
    match explore(&scenario) {
        Ok(explored) => panic!("{}: nothing was found in {explored}", scenario.name),
        Err(trace) => {
            assert!(
                invariants.contains(&trace.violation.invariant),
                "{}: another one:\n{trace}",
                scenario.name
            );
            println!("{}:\n{trace}", scenario.name);
        }
    }
}

fn edits(name: &'static str, edits: u8) -> Scenario {
    Scenario {
        together: true,
        ..Scenario::of(name, edits)
    }
}

fn crash(name: &'static str, edits: u8) -> Scenario {
    let mut scenario = self::edits(name, edits);
    scenario.left.crashes = 1;
    scenario.left.switches = Some(1);
    scenario
}

fn creation(name: &'static str) -> Scenario {
    Scenario {
        start: Start::Unsent,
        ..Scenario::of(name, 0)
    }
}

const WHOLE: Protocol = Protocol::WHOLE;

#[test]
fn a_claim_that_anybody_may_put() {
    let protocol = Protocol {
        claim_is_conditional: false,
        ..WHOLE
    };
    is_violated(edits("claims without a condition", 2), protocol, &[1, 2, 3]);
}

#[test]
fn a_lease_that_nobody_waits_for() {
    let protocol = Protocol {
        lease_is_waited_for: false,
        ..WHOLE
    };
    is_violated(edits("no lease", 2), protocol, &[1, 2, 3]);
}

#[test]
fn a_dead_workers_write_that_nobody_looks_for() {
    let protocol = Protocol {
        dead_claims_are_settled: false,
        ..WHOLE
    };
    is_violated(crash("no settling", 2), protocol, &[1, 2, 3]);
}

#[test]
fn a_commit_on_whatever_the_link_is_by_now() {
    let protocol = Protocol {
        commit_requires_the_link: false,
        lease_is_waited_for: false,
        ..WHOLE
    };
    is_violated(edits("commits on any link", 2), protocol, &[1, 2, 3]);
}

#[test]
fn a_commit_on_whatever_the_fields_are_by_now() {
    let protocol = Protocol {
        commit_requires_the_fields: false,
        ..WHOLE
    };
    is_violated(edits("commits on any fields", 2), protocol, &[2]);
}

#[test]
fn a_base_of_fields_that_nobody_decided_on() {
    let protocol = Protocol {
        base_is_of_decided_fields: false,
        ..WHOLE
    };
    is_violated(edits("the answer becomes base", 2), protocol, &[1, 2]);
}

#[test]
fn a_base_that_does_not_follow() {
    let protocol = Protocol {
        commit_moves_the_base: false,
        ..WHOLE
    };
    is_violated(edits("base stays", 2), protocol, &[1, 2, 3]);
}

#[test]
fn an_edit_that_wakes_nobody() {
    let protocol = Protocol {
        edits_wake: false,
        ..WHOLE
    };
    is_violated(edits("nobody is woken", 1), protocol, &[1]);
}

#[test]
fn an_overwritten_edit_that_nobody_looks_for() {
    let protocol = Protocol {
        overwritten_is_looked_for: false,
        ..WHOLE
    };
    for style in [Style::Counts, Style::Tells] {
        let scenario = Scenario {
            style,
            ..edits("no look at what was overwritten", 2)
        };
        is_violated(scenario, protocol, &[2]);
    }
}

#[test]
fn a_record_that_does_not_say_whose_it_is() {
    let protocol = Protocol {
        record_carries_the_incident: false,
        ..WHOLE
    };
    is_violated(creation("no incident in the record"), protocol, &[4]);
}

#[test]
fn a_record_that_is_not_looked_for() {
    let protocol = Protocol {
        record_is_looked_for: false,
        ..WHOLE
    };
    let mut scenario = creation("no look-up");
    scenario.left.silences = 1;
    is_violated(scenario, protocol, &[4]);
}

#[test]
fn an_entry_that_anybody_may_make() {
    let protocol = Protocol {
        entry_is_conditional: false,
        ..WHOLE
    };
    let mut scenario = Scenario {
        start: Start::Unknown,
        ..Scenario::of("entries without a condition", 0)
    };
    scenario.left.repeats = 1;
    is_violated(scenario, protocol, &[4]);
}

/// Trace 14: what no protocol can prevent where the vendor cannot create at most once. It is reported, not hidden.
#[test]
fn a_vendor_that_commits_after_the_lease() {
    let protocol = Protocol {
        vendor_keeps_the_lease: false,
        ..WHOLE
    };
    let mut scenario = creation("a commit after the lease");
    scenario.left.silences = 1;
    is_violated(scenario, protocol, &[4]);
}
