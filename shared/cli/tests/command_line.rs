//! The binary as a shell sees it: exit codes, where it prints, and that no credential gets out.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};

/// Runs `im` with nothing of this machine's environment; nobody listens at the endpoint.
fn im(line: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_im"));
    command
        .args(line)
        .env_clear()
        .env("IM_ENDPOINT", "http://127.0.0.1:9");
    command.envs(variables.iter().copied());
    command
        .stdin(std::process::Stdio::null())
        .output()
        .expect("im starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn help_and_completions_succeed_without_colour() {
    for line in [
        &["--help"][..],
        &["integration", "configure", "--help"],
        &["completions", "fish"],
    ] {
        let output = im(line, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "0")]);
        assert_eq!(output.status.code(), Some(0), "{line:?}");
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(
            !out.is_empty() && err.is_empty() && !out.contains('\u{1b}'),
            "{line:?}: {out}{err}"
        );
    }
}

#[test]
fn nobody_there_is_a_failure_with_a_hint() {
    let output = im(&["incident", "list", "--format", "json"], &[]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(output.stdout.is_empty());
    assert!(
        err.starts_with("error: cannot reach http://127.0.0.1:9/"),
        "{err}"
    );
    assert!(err.contains("hint: is `im dev` running?"), "{err}");
}

#[test]
fn wrong_usage_is_2() {
    for line in [
        &[][..],
        &["incident"],
        &["incident", "get", "7"],
        &["incident", "list", "--endpoint", "nowhere"],
        &[
            "integration",
            "configure",
            "x",
            "--type",
            "jira",
            "--api-key",
            "",
        ],
    ] {
        let output = im(line, &[]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{line:?}: {}",
            text(&output.stderr)
        );
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{line:?}"
        );
    }
}

#[test]
fn no_credential_is_printed_whatever_goes_wrong() {
    let variables = [
        ("IM_TOKEN", "hunter2-api"),
        ("IM_VENDOR_TOKEN", "hunter2-vendor"),
        ("IM_PASSWORD", "hunter2"),
    ];
    for line in [
        &["incident", "list"][..],
        &["integration", "configure", "--help"],
        &[
            "integration",
            "configure",
            "x",
            "--type",
            "pagerduty",
            "--webhook-secret",
            "hunter2-hook",
        ],
        &[
            "integration",
            "configure",
            "x",
            "--webhok-secret=hunter2-typo",
        ],
        &[
            "incident",
            "list",
            "--endpoint",
            "http://me:hunter2-url@127.0.0.1:9",
        ],
        &["incident", "list", "--api-token", "hunter2 with a blank"],
        &["completions", "bash"],
    ] {
        let output = im(line, &variables);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(!printed.contains("hunter2"), "{line:?}: {printed}");
    }
}
