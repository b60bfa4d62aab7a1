//! `im incident link` and `unlink`.

use im_model::{ExternalId, IncidentId};
use serde_json::json;

use super::{PATH, describe_link};
use crate::{client::Client, integration, output::Console};

/// Links an incident with a record.
pub async fn link(
    incident: &IncidentId,
    integration: &str,
    external_id: &ExternalId,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = integration::id(client, integration).await?;
    let body = json!({"integration_id": integration, "external_id": external_id.as_str()});
    let path = [PATH, incident.as_str(), "links"];
    let link = client.post(&path, &body).await?;
    console.result(&link, |link| describe_link(link) + "\n")
}

/// Parts them.
pub async fn unlink(
    incident: &IncidentId,
    integration: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let integration = integration::id_even_of_none(client, integration).await?;
    let path = [PATH, incident.as_str(), "links"];
    let query = [("integration_id", integration.as_str())];
    let link = client.delete(&path, &query).await?;
    console.result(&link, |link| describe_link(link) + "\n")
}
