use serde_json::{Value as Json, json};

use super::{
    super::scripted::{Account, run},
    *,
};

const TABLES: [&str; 6] = [
    "GET /incident?",
    "GET /incident?",
    "GET /sys_user?",
    "GET /sys_journal_field?",
    "GET /sys_audit?",
    "GET /sys_choice?",
];

/// An instance without rows, where the request with this number is answered otherwise.
fn probed(account: Account, which: usize, status: u16, result: &Json) -> Vec<Check> {
    let account = TABLES
        .iter()
        .enumerate()
        .fold(account, |account, (at, table)| {
            let (status, result) = if at == which {
                (status, result.clone())
            } else {
                (200, json!([]))
            };
            account.answers(table, status, &json!({"result": result}))
        });
    let checks = run(probe(&account.connection()));
    account.asked();
    checks
}

fn configured() -> Account {
    Account::new().option("close_code", "Solved (Permanently)")
}

fn outcome(account: Account, which: usize, status: u16, result: &Json) -> (CheckOutcome, String) {
    let mut checks = probed(account, which, status, result);
    let check = checks.remove(which);
    (check.outcome, check.detail)
}

#[test]
fn a_good_account_passes_and_says_what_it_saw() {
    let record = json!([{"short_description": "", "description": "", "impact": "1",
        "urgency": "1", "state": "1", "assigned_to": ""}]);
    for (which, result) in [(9, json!([])), (0, record)] {
        for check in probed(configured(), which, 200, &result) {
            assert_eq!(check.outcome, CheckOutcome::Passed, "{check:?}");
            assert!(!check.detail.is_empty());
        }
    }
    let checks = probed(configured(), 9, 200, &json!([]));
    assert!(checks[0].detail.contains("first write"), "{checks:?}");
}

#[test]
fn what_is_closed_fails_or_limits() {
    use CheckOutcome::{Failed, Limited, Passed};
    for (which, status, expected) in [
        (0, 401, Failed),
        (0, 403, Failed),
        (1, 403, Failed),
        (2, 403, Limited),
        (2, 500, Failed),
        (3, 403, Failed),
        (4, 403, Limited),
        (4, 503, Failed),
        (5, 403, Passed),
        (5, 503, Failed),
    ] {
        let (outcome, detail) = outcome(configured(), which, status, &json!([]));
        assert_eq!(outcome, expected, "{which} {status}: {detail}");
    }
}

#[test]
fn hidden_columns_and_ignored_searches_are_seen() {
    let hidden = json!([{"sys_id": "x", "short_description": "", "description": ""}]);
    let (seen, detail) = outcome(configured(), 0, 200, &hidden);
    assert_eq!(seen, CheckOutcome::Limited);
    assert!(
        detail.contains("impact, urgency, state, assigned_to"),
        "{detail}"
    );
    let ignored = json!([{"sys_id": "x"}]);
    let (seen, detail) = outcome(configured(), 1, 200, &ignored);
    assert_eq!(seen, CheckOutcome::Failed);
    assert!(detail.contains("correlation_id"), "{detail}");
    let (seen, detail) = outcome(configured(), 2, 200, &ignored);
    assert_eq!(seen, CheckOutcome::Limited);
    assert!(detail.contains("email"), "{detail}");
}

#[test]
fn close_codes_are_listed_where_none_or_another_is_set() {
    let choice = |name: &str, element: &str, value: &str| json!({"name": name, "element": element, "value": value});
    let choices = json!([
        choice("incident", "close_code", "Solved (Permanently)"),
        choice("incident", "close_code", "Not Solved"),
        choice("incident", "close_code", "Not Solved"),
        choice("problem", "close_code", "Risk Accepted"),
        choice("incident", "state", "1"),
    ]);
    let seen = |account, choices: &Json| outcome(account, 5, 200, choices);
    let (outcome, detail) = seen(Account::new(), &choices);
    assert_eq!(outcome, CheckOutcome::Limited);
    assert!(
        detail.ends_with("its values are Not Solved, Solved (Permanently)"),
        "{detail}"
    );
    let (outcome, detail) = seen(Account::new().option("close_code", "Done"), &choices);
    assert_eq!(outcome, CheckOutcome::Limited);
    assert!(
        detail.contains("Done") && detail.contains("Not Solved"),
        "{detail}"
    );
    assert_eq!(seen(configured(), &choices).0, CheckOutcome::Passed);
    assert_eq!(seen(configured(), &json!([])).0, CheckOutcome::Passed);
    let (outcome, detail) = seen(Account::new(), &json!([]));
    assert_eq!(outcome, CheckOutcome::Limited);
    assert!(detail.contains("sys_choice"), "{detail}");
}
