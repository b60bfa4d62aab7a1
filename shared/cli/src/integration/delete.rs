//! `im integration delete`.

use super::{PATH, existing, id_of};
use crate::{
    client::Client,
    confirm::confirm,
    failure::Failed,
    output::{Console, cell, one_line, text},
    secret_input::SecretInput,
};

/// Says what becomes of everything, asks, and deletes.
pub async fn run(
    integration: &str,
    yes: bool,
    client: &Client,
    input: &mut SecretInput<'_>,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let found = existing(client, integration).await?;
    let id = id_of(&found, client)?;
    let question = format!(
        "This deletes the integration {id} ({}, {}) and its credentials.\n\
         Incidents stay linked with its tickets, to no effect: nothing is synced any more, and no \
         ticket is changed or closed.\n\
         Its webhooks are refused from then on.\n\
         Delete {id}?",
        cell(&found, "integration_type"),
        cell(&found, "name"),
    );
    if !yes && !confirm(&question, input, console)? {
        let hint = "nothing was changed; answer y, or give --yes";
        return Err(Failed::new(format!("integration {id} was not deleted"), hint).into());
    }
    let removed = client.delete(&[PATH, id], &[]).await?;
    console.result(&removed, |removed| {
        format!("Deleted {id}. {}\n", one_line(&text(removed, "says")))
    })
}
