//! What went wrong, in words, and what to do about it.

use std::fmt::Write;

use reqwest::StatusCode;

use crate::{client::ClientError, output::one_line};

/// The command line asks for something that makes no sense: exit code 2, as clap's own refusals.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// The command failed, and there is something to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct Failed {
    problem: String,
    hint: String,
}

impl Failed {
    /// A failure and what to do about it.
    pub fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

/// What is printed to standard error, and the exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whole lines.
    pub text: String,
    /// 1: it failed; 2: wrong usage.
    pub exit_code: u8,
}

/// Describes a command's error.
pub fn describe(error: &anyhow::Error) -> Failure {
    let mut exit_code = 1;
    let mut details = Vec::new();
    let hint = if error.is::<UsageError>() {
        exit_code = 2;
        Some("`--help` lists what the command accepts".to_owned())
    } else if let Some(failed) = error.downcast_ref::<Failed>() {
        Some(failed.hint.clone())
    } else if let Some(client) = error.downcast_ref::<ClientError>() {
        details = client.field_problems();
        client_hint(client)
    } else {
        None
    };
    let mut text = format!("error: {}\n", one_line(&format!("{error:#}")));
    // Some problems show a place, on lines of its own.
    let lines = details.iter().flat_map(|detail| detail.lines());
    let lines = lines.map(|line| format!("  {}", one_line(line)));
    for line in lines.chain(hint.map(|hint| format!("hint: {hint}"))) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{line}");
    }
    Failure { text, exit_code }
}

fn client_hint(error: &ClientError) -> Option<String> {
    match error {
        ClientError::Unreachable { .. } => Some(
            "is `im dev` running? Otherwise set IM_ENDPOINT (or --endpoint, or a profile) to the \
             management API's address"
                .to_owned(),
        ),
        ClientError::TimedOut { .. } => Some(
            "it may have been carried out: look with `get` or `list` before repeating it"
                .to_owned(),
        ),
        ClientError::Refused {
            status, with_token, ..
        } => status_hint(*status, *with_token),
        ClientError::Unreadable { .. } => {
            Some("is IM_ENDPOINT (or --endpoint) the management API's address?".to_owned())
        }
        ClientError::Setup(_) => None,
    }
}

fn status_hint(status: StatusCode, with_token: bool) -> Option<String> {
    let hint = match status {
        StatusCode::UNAUTHORIZED if with_token => {
            "the API token was refused, perhaps it has expired: set IM_TOKEN (or a profile) to a valid one"
        }
        StatusCode::UNAUTHORIZED => "set IM_TOKEN (or --api-token -, or a profile) to an API token",
        StatusCode::FORBIDDEN => {
            "the API token's roles do not allow this: use another, or ask an administrator"
        }
        StatusCode::NOT_FOUND => "`list` shows what there is for your organization",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            "`get` shows how it is now; then repeat your change"
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            "correct what is named above and repeat; `--help` lists what the command accepts"
        }
        StatusCode::TOO_MANY_REQUESTS => "wait a moment and repeat",
        status if status.is_redirection() => {
            "the address has moved: set IM_ENDPOINT (or --endpoint) to the management API's own"
        }
        status if status.is_server_error() => {
            "repeat it in a moment; if it stays, the server's log says more"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::client::{FieldProblem, Problem};

    fn refused(status: StatusCode, title: &str, detail: &str) -> ClientError {
        let problem = Problem {
            title: title.to_owned(),
            detail: detail.to_owned(),
            errors: Vec::new(),
        };
        ClientError::Refused {
            status,
            problem,
            with_token: false,
        }
    }

    #[test]
    fn a_refusal_names_every_field_and_what_to_do() {
        let mut error = refused(
            StatusCode::BAD_REQUEST,
            "Invalid request",
            "2 fields are not valid",
        );
        if let ClientError::Refused { problem, .. } = &mut error {
            problem.errors = [
                ("title", "must not be empty"),
                ("severity", "must be\u{1b}[31m red"),
            ]
            .map(|(field, problem)| FieldProblem {
                field: field.into(),
                problem: problem.into(),
            })
            .into();
        }
        let failure = describe(&error.into());
        insta::assert_snapshot!(failure.text, @"
        error: Invalid request: 2 fields are not valid
          title: must not be empty
          severity: must be [31m red
        hint: correct what is named above and repeat; `--help` lists what the command accepts
        ");
        assert_eq!(failure.exit_code, 1);
    }

    #[test]
    fn every_usual_status_has_a_hint() {
        for status in [301, 400, 401, 403, 404, 409, 412, 422, 429, 500, 503] {
            let status = StatusCode::from_u16(status).expect("a status");
            assert!(status_hint(status, false).is_some(), "{status}");
        }
        let text = describe(&refused(StatusCode::UNAUTHORIZED, "Unauthorized", "").into()).text;
        insta::assert_snapshot!(text, @"
        error: Unauthorized
        hint: set IM_TOKEN (or --api-token -, or a profile) to an API token
        ");
    }

    #[test]
    fn wrong_usage_is_2_and_anything_else_1() {
        let usage = describe(&UsageError("nothing to change".to_owned()).into());
        assert_eq!(usage.exit_code, 2);
        let context = anyhow!("the cause").context("what failed");
        let other = describe(&context);
        assert_eq!(
            (other.text.as_str(), other.exit_code),
            ("error: what failed: the cause\n", 1)
        );
    }
}
