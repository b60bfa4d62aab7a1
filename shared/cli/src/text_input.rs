//! Texts that are given as an argument or, as `-`, on standard input.

use std::io::Read;

use crate::{
    failure::{Failed, UsageError},
    secret_input::SecretInput,
};

/// More bytes than the longest text that the API takes may have.
const MOST: u64 = 256 * 1024;

/// The text of an argument.
pub fn read(
    argument: &'static str,
    given: &str,
    input: &mut SecretInput<'_>,
) -> anyhow::Result<String> {
    let text = if given == "-" {
        let mut text = String::new();
        let read = input
            .stdin(argument)?
            .take(MOST + 1)
            .read_to_string(&mut text);
        let hint = "give a text in UTF-8 on standard input";
        let read = read.map_err(|error| {
            Failed::new(format!("standard input cannot be read: {error}"), hint)
        })?;
        if read as u64 > MOST {
            return Err(Failed::new("standard input is too long", hint).into());
        }
        text
    } else {
        given.to_owned()
    };
    if text.trim().is_empty() {
        return Err(UsageError(format!("{argument} must not be empty")).into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(stdin: &[u8], given: &str) -> anyhow::Result<String> {
        let mut stdin = stdin;
        read(
            "<TEXT>",
            given,
            &mut SecretInput::new(&mut stdin, &|_| None),
        )
    }

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!(read_from(b"unread", "so").expect("given"), "so");
        assert_eq!(read_from(b"a\nb\n", "-").expect("read"), "a\nb\n");
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let long = vec![b'x'; 300 * 1024];
        for (stdin, given, why) in [
            (&b""[..], " ", "must not be empty"),
            (b"\n", "-", "must not be empty"),
            (b"\xff", "-", "cannot be read"),
            (&long, "-", "too long"),
        ] {
            let error = read_from(stdin, given).expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
