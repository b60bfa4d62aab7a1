//! `im completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{cli::Cli, output::Console};

/// Prints the completion script of a shell.
pub fn print(shell: Shell, console: &mut Console<'_>) -> anyhow::Result<()> {
    // Into memory first: the generator panics when its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "im", &mut script);
    console.out.write_all(&script)?;
    Ok(console.out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Format, test_api::Screen};

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut screen = Screen::new(Format::Table);
            print(shell, &mut screen.console()).expect("writes to memory");
            let script = screen.out();
            for word in [
                "incident",
                "integration",
                "configure",
                "webhook-secret",
                "delivery",
                "replay",
                "unlink",
                "comments",
                "acknowledged",
            ] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
