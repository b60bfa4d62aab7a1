//! Asks before something is done that cannot be undone.

use crate::{failure::UsageError, output::Console, secret_input::SecretInput};

/// The longest answer that is read, in bytes.
const MOST: usize = 100;

/// Is it to be done? The question is the consequence, then what is asked.
///
/// # Errors
/// Nobody is there to ask: standard input is no terminal.
pub fn confirm(
    question: &str,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<bool> {
    if !input.is_terminal() {
        let problem = "this wants a confirmation, and standard input is no terminal: give --yes";
        return Err(UsageError(problem.to_owned()).into());
    }
    write!(console.err, "{question} [y/N] ")?;
    console.err.flush()?;
    let stdin = input.stdin("the confirmation")?;
    let (mut answer, mut byte) = (Vec::new(), [0]);
    // Byte by byte: what comes after the line is not ours.
    while answer.len() < MOST && stdin.read(&mut byte)? == 1 && byte[0] != b'\n' {
        answer.push(byte[0]);
    }
    let answer = String::from_utf8_lossy(&answer).trim().to_lowercase();
    Ok(["y", "yes"].contains(&answer.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Format, test_api::Screen};

    fn asked(answer: &str, is_terminal: bool) -> (Option<bool>, String) {
        let mut screen = Screen::new(Format::Table);
        let mut stdin = answer.as_bytes();
        let mut input = SecretInput::new(&mut stdin, &|_| None).on_terminal(is_terminal);
        let confirmed = confirm("Delete it?", &mut input, &mut screen.console());
        if let Err(error) = &confirmed {
            assert!(error.is::<UsageError>(), "{error}");
        }
        (confirmed.ok(), screen.err())
    }

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in [
            ("y\n", true),
            ("Yes\r\nno", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yesterday\n", false),
        ] {
            let question = "Delete it? [y/N] ".to_owned();
            assert_eq!(
                asked(answer, true),
                (Some(expected), question),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn nobody_is_asked_who_cannot_answer() {
        assert_eq!(asked("y\n", false), (None, String::new()));
    }
}
