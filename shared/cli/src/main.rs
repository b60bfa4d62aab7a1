#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(clippy::expect_used, reason = "a test that cannot go on has failed")
)]

mod audit;
mod cli;
mod client;
mod completions;
mod confirm;
mod conflict;
mod delivery;
mod dev;
mod failure;
mod history;
mod incident;
mod integration;
mod output;
mod page;
mod profile;
mod secret_input;
#[cfg(test)]
mod test_api;
mod text_input;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::Parser;

use cli::{Cli, Command, Connect};
use client::Client;
use output::Console;
use secret_input::SecretInput;

/// `im dev` makes and drops much that is small.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has read enough, e.g. `im incident list | head`.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let failure = failure::describe(&error);
            // Standard error is where this would be reported: there is nobody else to tell.
            let _ = std::io::stderr().write_all(failure.text.as_bytes());
            ExitCode::from(failure.exit_code)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let is_watched = err.is_terminal();
    let mut console = Console {
        format: cli.output.format,
        out: &mut out,
        err: &mut err,
        is_watched,
    };
    let mut stdin = std::io::stdin();
    let environment = |name: &str| std::env::var(name).ok();
    let is_terminal = stdin.is_terminal();
    let mut secrets = SecretInput::new(&mut stdin, &environment).on_terminal(is_terminal);
    match cli.command {
        Command::Dev(args) => dev::run(args).await,
        Command::Completions { shell } => completions::print(shell, &mut console),
        Command::Incident { command } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            incident::run(command, &client, &mut secrets, &mut console).await
        }
        Command::Conflict { command } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            conflict::run(command, &client, &mut console).await
        }
        Command::Explain {
            incident,
            field,
            integration,
        } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            let integration = integration.as_deref();
            history::explain::show(&incident, &field, integration, &client, &mut console).await
        }
        Command::Delivery { command } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            delivery::run(command, &client, &mut console).await
        }
        Command::Audit { command } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            audit::run(command, &client, &mut console).await
        }
        Command::Integration { command } => {
            let client = connect(&cli.connect, &mut secrets, &mut console)?;
            integration::run(command, &client, &mut secrets, &mut console).await
        }
    }
}

fn connect(
    flags: &Connect,
    secrets: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<Client> {
    let (connection, notes) = profile::connection(flags, secrets)?;
    for note in notes {
        console.note(&note)?;
    }
    Ok(Client::new(connection)?)
}
