//! `im integration dlq-show`: what went wrong, each time, and what can be done.

use std::fmt::Write;

use serde_json::Value;

use crate::output::{cell, details, moment, one_line, text};

/// A dead letter with its attempts.
pub fn describe(letter: &Value) -> String {
    let pairs = [
        ("Entry", cell(letter, "id")),
        ("Status", status(letter)),
        ("Incident", cell(letter, "incident_id")),
        ("Severity", cell(letter, "severity")),
        ("Record", cell(letter, "external_id")),
        ("Integration", cell(letter, "integration_id")),
        ("Direction", cell(letter, "direction")),
        ("Reason", reason(letter)),
        ("Jobs", cell(letter, "jobs")),
        ("Attempts", cell(letter, "attempts")),
        ("Tried by itself", times(letter)),
        ("First died", moment(letter, "opened_at")),
        ("Last died", moment(letter, "died_at")),
    ];
    format!("{}{}{}", details(&pairs), attempts(letter), next(letter))
}

fn status(letter: &Value) -> String {
    let status = cell(letter, "status");
    let (by, at) = (cell(letter, "changed_by"), moment(letter, "changed_at"));
    match status.as_str() {
        "open" => format!("{status}: waits for somebody"),
        "retrying" => format!("{status}: is being tried again since {at} ({by})"),
        _ => format!("{status} by {by} at {at}"),
    }
}

fn reason(letter: &Value) -> String {
    let reason = cell(letter, "reason");
    let words = match reason.as_str() {
        "unavailable" => {
            "the vendor did not answer, or not as it should; tried again when it answers"
        }
        "throttled" => {
            "the vendor asked for more time than the attempts had; tried again when it answers"
        }
        "refused" => {
            "the vendor, a map or the configuration refuses it: change that or the value, then retry"
        }
        "unauthorized" => "the credentials are refused: `im integration configure`, then `resume`",
        "crashed" => "the function did not survive it: its log says more",
        "internal" => "something of the platform's own failed; tried again by itself",
        _ => return reason,
    };
    format!("{reason}: {words}")
}

fn times(letter: &Value) -> String {
    match letter["redriven"].as_u64() {
        None | Some(0) => "never".to_owned(),
        Some(1) => "once".to_owned(),
        Some(times) => format!("{times} times"),
    }
}

/// Each attempt with the whole of its error.
fn attempts(letter: &Value) -> String {
    let failures = letter["failures"].as_array().map_or(&[][..], Vec::as_slice);
    let in_all = letter["attempts"].as_u64().unwrap_or_default();
    let mut text_of = match failures.len() as u64 {
        0 => return String::new(),
        kept if kept < in_all => format!("\nThe last {kept} of {in_all} attempts:\n"),
        _ => "\nAttempts:\n".to_owned(),
    };
    for failure in failures {
        let (at, reason) = (moment(failure, "at"), cell(failure, "reason"));
        // Writing to a `String` cannot fail.
        let _ = writeln!(text_of, "  {at}  {reason}");
        for line in text(failure, "error").lines() {
            let _ = writeln!(text_of, "    {}", one_line(line));
        }
    }
    text_of
}

fn next(letter: &Value) -> String {
    let (id, integration) = (cell(letter, "id"), cell(letter, "integration_id"));
    let is_unsettled = ["open", "retrying"].contains(&cell(letter, "status").as_str());
    if !is_unsettled {
        return String::new();
    }
    format!(
        "\nWhat can be done:\n  \
         im integration dlq-retry {integration} {id}    tries it again, from what both sides hold now\n  \
         im integration dlq-discard {integration} {id}  gives it up, until one side changes\n"
    )
}
