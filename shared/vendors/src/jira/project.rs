//! What kind of project it is.

use im_model::Secret;
use jiff::SignedDuration;
use serde::Deserialize;

use super::{
    refusal::{call, unless_closed},
    request,
};
use crate::{Connection, VendorError};

const REMEMBER: SignedDuration = SignedDuration::from_hours(1);
/// Remembers the type of a project, by its key.
pub(super) const TYPE: &str = "project type";
const SERVICE: &str = "service_desk";

#[derive(Debug, Deserialize)]
struct Project {
    #[serde(rename = "projectTypeKey")]
    type_key: Option<String>,
}

/// Are there customers who see what is public? Only in a service project. Elsewhere Jira calls every comment public
/// (official schema of `jsdPublic`), which says nothing about who may read it.
pub(super) async fn has_customers(connection: &Connection<'_>) -> Result<bool, VendorError> {
    let (memory, integration, now) = (connection.memory, connection.integration, connection.now);
    let project = request::project(connection, "project")?;
    if let Some(known) = memory.recall(integration, TYPE, project, now) {
        return Ok(known.reveal() == SERVICE);
    }
    let asked = call::<Project>(connection, request::the_project(connection)?).await;
    let type_key = unless_closed(asked)?.and_then(|project| project.type_key);
    let type_key = type_key.unwrap_or_else(|| "unknown".to_owned());
    let is_service = type_key == SERVICE;
    memory.remember(
        integration,
        TYPE,
        project,
        Secret::new(type_key),
        now,
        REMEMBER,
    );
    Ok(is_service)
}
