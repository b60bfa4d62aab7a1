//! What to try next: lines that work when they are pasted.

use std::env;

use super::demo::Demo;

/// Prints them for this system's ports and this binary's path.
pub fn print(demo: &Demo) {
    let im = program();
    let im = if demo.base_url.ends_with(":8080") {
        im
    } else {
        format!("IM_ENDPOINT={} {im}", demo.base_url)
    };
    let (api, vendor) = (&demo.base_url, &demo.vendor_url);
    let account = "'content-type: application/json'";
    println!("It stays up; Ctrl-C ends it. In another terminal:\n");
    println!("  # what is on the platform");
    println!("  {im} incident list");
    println!("  {im} integration get demo-pd\n");
    println!("  # an incident of the platform's own: it appears in PagerDuty");
    println!("  {im} incident create --title 'Disk almost full' --severity SEV-2");
    println!("  curl -s {vendor}/_sandbox/requests | tail -c 600\n");
    println!("  # somebody at PagerDuty triggers one: it appears on the platform");
    println!("  curl -s {vendor}/_sandbox/incidents -H {account} \\");
    println!(
        "    -d '{{\"title\":\"Queue is growing\",\"urgency\":\"low\",\"by\":\"ann@example.com\"}}'"
    );
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
