//! Secrets: from a flag, from standard input (`-`) or from the environment.

use std::{convert::Infallible, io::Read, str::FromStr};

use im_model::Secret;

use crate::failure::{Failed, UsageError};

/// The most that is read from standard input: more is a mistake, not a secret.
const MOST: u64 = 64 * 1024;

/// A secret as it was given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFlag {
    /// `-`: it is on standard input.
    Stdin,
    /// The secret itself.
    Given(Secret),
}

impl FromStr for SecretFlag {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" {
            Self::Stdin
        } else {
            Self::Given(Secret::new(text))
        })
    }
}

/// How a secret came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// As a flag's value: the shell's history has it now.
    Flag,
    /// From standard input.
    Stdin,
    /// From the environment.
    Environment,
}

/// A secret and how it came here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provided {
    /// The secret.
    pub secret: Secret,
    /// How it came here.
    pub origin: Origin,
}

/// Where secrets come from. Standard input has room for one.
pub struct SecretInput<'a> {
    stdin: &'a mut dyn Read,
    environment: &'a dyn Fn(&str) -> Option<String>,
    stdin_taken_by: Option<&'static str>,
    is_terminal: bool,
}

impl<'a> SecretInput<'a> {
    /// Reads from these.
    pub fn new(stdin: &'a mut dyn Read, environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            stdin,
            environment,
            stdin_taken_by: None,
            is_terminal: false,
        }
    }

    /// Says whether somebody types at standard input.
    #[must_use]
    pub fn on_terminal(self, is_terminal: bool) -> Self {
        Self {
            is_terminal,
            ..self
        }
    }

    /// Does somebody type at standard input?
    pub fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// A variable of the environment; an empty one counts as not set.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// The secret of a flag: the flag's own value, else standard input if that is `-`, else the variable's.
    pub fn read(
        &mut self,
        flag: &'static str,
        given: Option<&SecretFlag>,
        variable: &str,
    ) -> anyhow::Result<Option<Provided>> {
        match given {
            Some(SecretFlag::Given(secret)) if secret.is_empty() => {
                Err(UsageError(format!("{flag} must not be empty")).into())
            }
            Some(SecretFlag::Given(secret)) => Ok(Some(Provided {
                secret: secret.clone(),
                origin: Origin::Flag,
            })),
            Some(SecretFlag::Stdin) => {
                let secret = self.read_stdin(flag)?;
                Ok(Some(Provided {
                    secret,
                    origin: Origin::Stdin,
                }))
            }
            None => Ok(self.variable(variable).map(|text| Provided {
                secret: Secret::new(text),
                origin: Origin::Environment,
            })),
        }
    }

    /// Standard input, for whoever asks first.
    pub fn stdin(&mut self, wanted_by: &'static str) -> anyhow::Result<&mut dyn Read> {
        if let Some(other) = self.stdin_taken_by.replace(wanted_by) {
            let problem = format!(
                "{other} and {wanted_by} both want standard input, which has room for one; \
                 give a secret in its environment variable"
            );
            return Err(UsageError(problem).into());
        }
        Ok(&mut self.stdin)
    }

    fn read_stdin(&mut self, flag: &'static str) -> anyhow::Result<Secret> {
        let stdin = self.stdin(flag)?;
        let failed = |what: &str| {
            Failed::new(
                format!("{flag} - : {what}"),
                format!(
                    "give the secret alone on standard input, e.g. `im … {flag} - < secret.txt`"
                ),
            )
        };
        let mut text = String::new();
        // The cause of a failure is left out: nothing of what was read may be printed.
        let read = stdin.take(MOST + 1).read_to_string(&mut text);
        let read = read.map_err(|_| failed("standard input could not be read as text"))?;
        if read as u64 > MOST {
            return Err(failed("standard input is too long for a secret").into());
        }
        let secret = text.trim_end_matches(['\n', '\r']);
        if secret.is_empty() {
            return Err(failed("standard input is empty").into());
        }
        if secret.contains(['\n', '\r']) {
            return Err(failed("standard input has more than one line").into());
        }
        Ok(Secret::new(secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(stdin: &[u8], given: Option<&str>) -> anyhow::Result<Option<Provided>> {
        let environment =
            |name: &str| (name == "IM_PASSWORD").then(|| "from the environment".to_owned());
        let mut stdin = stdin;
        let flag = given.map(|text| text.parse::<SecretFlag>().expect("infallible"));
        SecretInput::new(&mut stdin, &environment).read("--password", flag.as_ref(), "IM_PASSWORD")
    }

    #[test]
    fn the_flag_wins_then_the_environment() {
        let provided = |text: &str, origin| {
            Some(Provided {
                secret: Secret::new(text),
                origin,
            })
        };
        let flag = read_from(b"", Some("hunter2")).expect("given");
        assert_eq!(flag, provided("hunter2", Origin::Flag));
        let stdin = read_from(b"hunter2\r\n", Some("-")).expect("given");
        assert_eq!(stdin, provided("hunter2", Origin::Stdin));
        let environment = read_from(b"unread", None).expect("given");
        assert_eq!(
            environment,
            provided("from the environment", Origin::Environment)
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = |_: &str| Some(String::new());
        let mut stdin: &[u8] = b"";
        let mut input = SecretInput::new(&mut stdin, &environment);
        assert_eq!(
            input
                .read("--token", None, "IM_VENDOR_TOKEN")
                .expect("not set"),
            None
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_without_repeating_it() {
        let long = vec![b'h'; 70_000];
        for (stdin, why) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (b"hunter2\nhunter3\n", "more than one line"),
            (b"hunter2\xff", "could not be read as text"),
            (&long, "too long"),
        ] {
            let error = format!("{:?}", read_from(stdin, Some("-")).expect_err(why));
            assert!(error.contains(why), "{error}");
            assert!(
                !error.contains("hunter") && !error.contains("hhh"),
                "{error}"
            );
        }
        assert!(
            read_from(b"", Some(""))
                .expect_err("empty")
                .is::<UsageError>()
        );
    }

    #[test]
    fn standard_input_has_room_for_one() {
        let mut stdin: &[u8] = b"hunter2\n";
        let mut input = SecretInput::new(&mut stdin, &|_| None);
        let dash = Some(SecretFlag::Stdin);
        input
            .read("--api-token", dash.as_ref(), "IM_TOKEN")
            .expect("the first");
        let error = input
            .read("--token", dash.as_ref(), "IM_VENDOR_TOKEN")
            .expect_err("second");
        assert!(error.is::<UsageError>(), "{error}");
        assert!(
            error
                .to_string()
                .starts_with("--api-token and --token both want standard input"),
            "{error}"
        );
    }

    #[test]
    fn debug_shows_no_secret() {
        let flag = SecretFlag::Given(Secret::new("hunter2"));
        assert_eq!(format!("{flag:?}"), "Given(Secret(…))");
    }
}
