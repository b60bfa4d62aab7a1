//! What to try next: lines that work when they are pasted.

use std::env;

use super::{
    demo::Demo,
    sandboxes::{PAGERDUTY, SERVICENOW},
};

/// Prints them for this system's ports and this binary's path.
pub fn print(demo: &Demo) {
    let im = program();
    let im = if demo.base_url.ends_with(":8080") {
        im
    } else {
        format!("IM_ENDPOINT={} {im}", demo.base_url)
    };
    let api = &demo.base_url;
    let json = "'content-type: application/json'";
    println!("It stays up; Ctrl-C ends it. In another terminal:\n");
    println!("  # what is on the platform, and what one integration is set to");
    println!("  {im} incident list");
    println!("  {im} integration get demo-snow\n");
    println!("  # an incident of the platform's own: it appears in all three vendors");
    println!("  {im} incident create --title 'Disk almost full' --severity SEV-2\n");
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
        println!("  curl -s {address}/_sandbox/{path} -H {json} \\\n    -d '{body}'");
    }
    println!("  curl -s {api}/api/v1/incidents");
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
