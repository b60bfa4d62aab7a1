//! `im integration test`.

use serde_json::{Value, json};

use super::{PATH, existing, id_of};
use crate::{
    client::Client,
    failure::Failed,
    output::{Console, cell, table},
};

/// Tries what the integration needs, and fails if anything of it does.
pub async fn run(
    integration: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let found = existing(client, integration).await?;
    let id = id_of(&found, client)?;
    let tested = client.post(&[PATH, id, "test"], &json!({})).await?;
    console.result(&tested, |tested| listing(checks(tested)))?;
    let failed = |check: &&Value| check["outcome"] == "failed";
    let (failed, all) = (
        checks(&tested).iter().filter(failed).count(),
        checks(&tested).len(),
    );
    if tested["passed"] == true {
        return Ok(());
    }
    let problem = format!("integration {id} cannot work as it is: {failed} of {all} checks failed");
    let hint =
        "mend what is named above (`im integration configure`, or at the vendor), then test again";
    Err(Failed::new(problem, hint).into())
}

fn checks(tested: &Value) -> &[Value] {
    tested["checks"].as_array().map_or(&[], Vec::as_slice)
}

fn listing(checks: &[Value]) -> String {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            ["outcome", "what", "detail"]
                .map(|member| cell(check, member))
                .into()
        })
        .collect();
    table(&["OUTCOME", "CHECK", "DETAIL"], &rows, "No checks.")
}
