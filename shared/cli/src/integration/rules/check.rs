//! `im integration check`.

use serde_json::Value;

use crate::{
    client::Client,
    failure::Failed,
    integration::{PATH, id},
    output::{Console, cell, table},
};

/// Prints what was found, and fails if anything of it is an error.
pub async fn run(
    integration: &str,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let id = id(client, integration).await?;
    let found = client.get(&[PATH, &id, "check"], &[]).await?;
    notes(&found, console)?;
    console.result(&found, |found| listing(findings(found)))?;
    if found["verdict"] != "errors" {
        return Ok(());
    }
    let is_error = |finding: &&Value| finding["level"] == "error";
    let errors = findings(&found).iter().filter(is_error).count();
    let problem =
        format!("integration {id} cannot work as it is: {errors} of its findings are errors");
    let hint =
        "mend what is named above (`im integration mapping`, `field-ownership`), then check again";
    Err(Failed::new(problem, hint).into())
}

/// What the reader should know of how an answer was found.
pub fn notes(answer: &Value, console: &mut Console<'_>) -> anyhow::Result<()> {
    let notes = answer["notes"].as_array().into_iter().flatten();
    for note in notes.filter_map(Value::as_str) {
        console.note(note)?;
    }
    Ok(())
}

fn findings(found: &Value) -> &[Value] {
    found["findings"].as_array().map_or(&[], Vec::as_slice)
}

fn listing(findings: &[Value]) -> String {
    let members = ["level", "kind", "field", "detail", "consequence"];
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| members.map(|member| cell(finding, member)).into())
        .collect();
    let headings = ["LEVEL", "KIND", "FIELD", "DETAIL", "CONSEQUENCE"];
    table(
        &headings,
        &rows,
        "Nothing to say: every value comes back as it went, and every rule acts.",
    )
}
