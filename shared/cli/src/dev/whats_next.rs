//! What to try next: lines that work when they are pasted.

use std::env;

use super::{
    demo::Demo,
    sandboxes::{JIRA, PAGERDUTY, SERVICENOW},
    views::Ids,
};

/// The header that the sandboxes want with a body.
const JSON: &str = "'content-type: application/json'";

/// Prints them for this system's ports, this binary's path and an incident, if there is one.
pub fn print(demo: &Demo, ids: Option<&Ids>) {
    let im = program();
    let im = if demo.base_url.ends_with(":8080") {
        im
    } else {
        format!("IM_ENDPOINT={} {im}", demo.base_url)
    };
    let api = &demo.base_url;
    println!("It stays up; Ctrl-C ends it. In another terminal:\n");
    println!("  # what is on the platform, and what one integration is set to");
    println!("  {im} incident list");
    println!("  {im} integration get demo-snow\n");
    println!("  # an incident of the platform's own: it appears in all three vendors");
    println!("  {im} incident create --title 'Disk almost full' --severity SEV-2\n");
    if let Some(ids) = ids {
        print_rules(demo, ids, &im);
    }
    println!("  # what a sandbox was sent, and what somebody does there");
    for (integration, name, address) in &demo.sandboxes.addresses {
        let (path, body) = match *integration {
            PAGERDUTY => (
                "incidents",
                r#"{"title":"Queue is growing","urgency":"low","by":"ann@example.com"}"#,
            ),
            SERVICENOW => (
                "incidents",
                r#"{"short_description":"Printer on fire","impact":"2","urgency":"2","by":"bob@example.com"}"#,
            ),
            _ => (
                "issues",
                r#"{"summary":"Checkout is slow","priority":"Medium","by":"ann@example.com"}"#,
            ),
        };
        println!("  curl -s {address}/_sandbox/requests | tail -c 400    # {name}");
        println!("  curl -s {address}/_sandbox/{path} -H {JSON} \\\n    -d '{body}'");
    }
    println!("  curl -s {api}/api/v1/incidents");
}

/// The rules, what they decided, and two people who edit the same field.
fn print_rules(demo: &Demo, ids: &Ids, im: &str) {
    let (incident, issue) = (&ids.platform, &ids.jira);
    println!(
        "  # what the rules of an integration do to each value, and why a field holds what it holds"
    );
    println!("  {im} integration check {PAGERDUTY}");
    println!("  {im} explain {incident} severity\n");
    println!(
        "  # two people edit one title: it waits until somebody chooses (functions see a change after 10 s at most)"
    );
    println!(
        "  {im} integration configure {JIRA} --conflict-strategy manual-review --conflict-window 1m && sleep 10"
    );
    let jira = demo.sandboxes.addresses.iter().find(|(id, ..)| *id == JIRA);
    if let Some((_, _, address)) = jira {
        let body = r#"{"summary":"Checkout is slow for card payments","by":"bob@example.com"}"#;
        println!("  curl -s -o /dev/null -X PATCH {address}/_sandbox/issues/{issue} -H {JSON} \\");
        println!("    -d '{body}'");
    }
    println!("  {im} incident update {incident} --title 'Checkout is slow in Europe' && sleep 2");
    println!(
        "  {im} conflict list --status pending    # `conflict show CON-…` prints what can be done\n"
    );
}

/// This binary, as it can be typed from this folder.
fn program() -> String {
    let Ok(program) = env::current_exe() else {
        return "im".to_owned();
    };
    let here = env::current_dir().ok();
    let relative = here.and_then(|here| program.strip_prefix(here).ok().map(ToOwned::to_owned));
    relative.unwrap_or(program).display().to_string()
}
