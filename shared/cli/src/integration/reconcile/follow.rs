//! Waits for a run and shows how far it is.

use std::time::Duration;

use serde_json::Value;

use crate::{
    client::Client,
    failure::Failed,
    output::{Console, cell},
};

/// Whether to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// The time is over.
    Over,
    /// The person at the terminal does not want to wait (Ctrl-C).
    Interrupted,
}

/// Waits between two looks.
pub async fn pause(duration: Duration) -> Pause {
    tokio::select! {
        () = tokio::time::sleep(duration) => Pause::Over,
        // Where the signal cannot be had, it ends the process as ever.
        Ok(()) = tokio::signal::ctrl_c() => Pause::Interrupted,
    }
}

/// Follows runs of an integration.
pub struct Follower<'a> {
    pub integration: &'a str,
    pub client: &'a Client,
}

impl Follower<'_> {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(4);

    /// The run once it is over, or waits for a person.
    ///
    /// # Errors
    /// Whoever waited does not any more. The run goes on all the same, and the error says so.
    pub async fn follow(
        &self,
        mut run: Value,
        console: &mut Console<'_>,
        pause: impl AsyncFn(Duration) -> Pause,
    ) -> anyhow::Result<Value> {
        let id = cell(&run, "id");
        let integration = self.integration;
        let mut wait = Self::FIRST;
        while cell(&run, "status") == "running" {
            console.progress(&progress(&run))?;
            if pause(wait).await == Pause::Interrupted {
                console.end_progress()?;
                let hint = format!(
                    "`im integration reconcile show {integration} {id}` shows how far it is, `im integration reconcile cancel \
                     {integration} {id}` ends it"
                );
                return Err(Failed::new(format!("not waited for: run {id} goes on"), hint).into());
            }
            wait = (wait * 2).min(Self::LONGEST);
            let found = super::get(integration, &id, self.client).await;
            run = match found {
                Ok(run) => run,
                Err(error) => {
                    console.end_progress()?;
                    let problem = format!("run {id} goes on, but cannot be followed: {error}");
                    let hint = format!(
                        "`im integration reconcile show {integration} {id}` shows what came of it"
                    );
                    return Err(Failed::new(problem, hint).into());
                }
            };
        }
        console.end_progress()?;
        Ok(run)
    }
}

/// How far it is, on one line.
fn progress(run: &Value) -> String {
    let summary = &run["summary"];
    let number = |member: &str| summary[member].as_u64().unwrap_or_default();
    let found: u64 = summary["found"]
        .as_object()
        .into_iter()
        .flat_map(|found| found.values())
        .filter_map(Value::as_u64)
        .sum();
    match cell(run, "phase").as_str() {
        "listing" => format!(
            "listing: {} records on {} pages, {found} found",
            number("records"),
            number("pages")
        ),
        "links" => format!(
            "incidents: {} looked at, {found} found",
            number("incidents")
        ),
        "looking" => format!("looking closely: {} reads, {found} found", number("reads")),
        "applying" => format!(
            "healing: {} of {}, {} failed",
            number("healed"),
            number("to_heal"),
            number("failed")
        ),
        phase => format!("{phase}: {found} found"),
    }
}
