//! Data policies: what an incident must have in a state.

use super::config::ServiceNowConfig;
use super::record::Record;
use super::refusal::Refusal;

pub(crate) fn check(config: &ServiceNowConfig, incident: &Record) -> Result<(), Refusal> {
    let state = &incident["state"];
    let mut mandatory: Vec<&str> = match state {
        "3" => vec!["hold_reason"],
        "6" | "7" => vec!["close_code", "close_notes"],
        _ => Vec::new(),
    };
    let own = config.data_policies.iter();
    for name in own
        .filter(|policy| policy.state == *state)
        .flat_map(|policy| &policy.mandatory)
    {
        if !mandatory.contains(&name.as_str()) {
            mandatory.push(name);
        }
    }
    mandatory.retain(|name| !is_given(config, incident, name));
    if mandatory.is_empty() {
        return Ok(());
    }
    Err(Refusal::mandatory(&mandatory))
}

/// A close code that is none of the choices counts as none.
fn is_given(config: &ServiceNowConfig, incident: &Record, name: &str) -> bool {
    let value = incident.text(name);
    match name {
        "close_code" => config.close_codes.iter().any(|code| code == value),
        _ => !value.trim().is_empty(),
    }
}
