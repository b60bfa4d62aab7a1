//! `im integration sync-status`.

use std::time::Duration;

use im_model::IntegrationId;
use serde_json::Value;

use super::{PATH, id};
use crate::{
    client::Client,
    output::{Console, cell, details, moment, one_line, table, text},
};

const SYNC_STATUS: &str = "sync-status";

/// Shows how an integration is.
pub async fn show(
    (integration, since): (&str, Option<&str>),
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let status = status(integration, since, client).await?;
    console.result(&status, describe)
}

/// How long a status stands before it is shown anew.
const STANDS: Duration = Duration::from_secs(2);

/// Takes what was on the screen away, and begins at its top.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Shows it again and again, `times` often or for ever. What goes wrong after the first time is shown in its place: whoever
/// watches an outage wants to see its end.
pub async fn watch(
    (integration, since): (&str, Option<&str>),
    times: Option<u32>,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    let mut shown = 0;
    loop {
        match status(integration, since, client).await {
            Ok(status) => console.again(&status, CLEAR, describe)?,
            Err(error) if shown == 0 => return Err(error),
            Err(error) => console.note(&format!("{error:#}"))?,
        }
        shown += 1;
        if times == Some(shown) {
            return Ok(());
        }
        tokio::time::sleep(STANDS).await;
    }
}

/// By id without a detour: whoever may read the status may not always read the integration.
async fn status(integration: &str, since: Option<&str>, client: &Client) -> anyhow::Result<Value> {
    let query: Vec<_> = since.map(|since| ("since", since)).into_iter().collect();
    if IntegrationId::parse(integration).is_ok() {
        match client.get(&[PATH, integration, SYNC_STATUS], &query).await {
            Err(error) if error.is_not_found() => {}
            found => return Ok(found?),
        }
    }
    let id = id(client, integration).await?;
    Ok(client.get(&[PATH, &id, SYNC_STATUS], &query).await?)
}

fn describe(status: &Value) -> String {
    let (lag, waiting) = (&status["lag"], &status["waiting"]);
    let dead = &status["dead_letters"];
    let pairs = [
        ("Integration", cell(status, "integration_id")),
        ("Health", cell(status, "health")),
        ("Lag inbound", age(&lag["inbound_seconds"])),
        ("Lag outbound", age(&lag["outbound_seconds"])),
        ("Deliveries open", count(&waiting["deliveries"])),
        ("Incidents owed", count(&waiting["incidents"])),
        ("Dead letters", dead_letters(dead)),
        ("Conflicts", conflicts(&status["conflicts"])),
        ("Circuit", circuit(&status["circuit"])),
        ("Rate limit", rate_limit(&status["rate_limit"])),
    ];
    let says = one_line(&text(status, "says"));
    format!(
        "{}\n{says}\n\n{}\n{}\n{}",
        details(&pairs),
        propagation(&status["propagation"]),
        deliveries(&status["deliveries"]),
        counters(&status["counters"])
    )
}

fn dead_letters(dead: &Value) -> String {
    format!(
        "{} open, {} retrying",
        count(&dead["open"]),
        count(&dead["retrying"])
    )
}

fn conflicts(conflicts: &Value) -> String {
    let pending = cell(conflicts, "pending");
    match conflicts["oldest_seconds"].as_i64() {
        None => format!("{pending} pending"),
        Some(_) => format!(
            "{pending} pending, the oldest for {}",
            age(&conflicts["oldest_seconds"])
        ),
    }
}

fn circuit(circuit: &Value) -> String {
    let mut words = cell(circuit, "state");
    if circuit["since"].is_string() {
        let (since, trial) = (moment(circuit, "since"), moment(circuit, "next_trial_at"));
        words = format!("{words} since {since}, next trial at {trial}");
    }
    if circuit["paused_until"].is_string() {
        let until = moment(circuit, "paused_until");
        words = format!("{words}; the vendor asks to wait until {until}");
    }
    words
}

fn rate_limit(limit: &Value) -> String {
    match limit["headroom_percent"].as_u64() {
        None => "not known".to_owned(),
        Some(left) => format!("{left} % left at {}", moment(limit, "at")),
    }
}

/// How long edits took, one way in a row.
fn propagation(propagation: &Value) -> String {
    let row = |way: &str| {
        let took = &propagation[way];
        let latest = match took["latest"]["milliseconds"].as_u64() {
            None => "none".to_owned(),
            Some(ms) => {
                let at = moment(&took["latest"], "at");
                format!("{}.{:03} s at {at}", ms / 1000, ms % 1000)
            }
        };
        let mut cells = vec![way.to_owned()];
        cells
            .extend(["edits", "within_1s", "within_5s", "within_60s"].map(|name| cell(took, name)));
        cells.push(latest);
        cells
    };
    let names = [
        "EDITS ARRIVED",
        "ALL",
        "IN 1 S",
        "IN 5 S",
        "IN 60 S",
        "THE LAST",
    ];
    table(&names, &[row("inbound"), row("outbound")], "")
}

/// `1000+` where counting has stopped.
fn count(counted: &Value) -> String {
    let more = if counted["at_least"] == true { "+" } else { "" };
    format!("{}{more}", cell(counted, "count"))
}

fn age(seconds: &Value) -> String {
    match seconds.as_i64() {
        None => "none".to_owned(),
        Some(seconds) if seconds < 60 => format!("{seconds} s"),
        Some(seconds) if seconds < 3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        Some(seconds) => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Each delivery in one row, so that the rows add up to the first.
fn deliveries(counted: &Value) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("accepted", cell(counted, "accepted")),
        row("= applied", cell(counted, "applied")),
        row("+ nothing new", cell(counted, "nothing_new")),
    ];
    let skipped = counted["skipped_because"].as_object();
    for (why, times) in skipped.into_iter().flatten() {
        rows.push(row(
            &format!("+ skipped: {}", one_line(why)),
            times.to_string(),
        ));
    }
    rows.push(row("+ dead", cell(counted, "dead")));
    rows.push(row("+ open", cell(counted, "open")));
    let since = format!("DELIVERIES SINCE {}", moment(counted, "since"));
    let table = table(&[since.as_str(), "COUNT"], &rows, "");
    if counted["complete"] == false {
        format!("{table}There were too many to count those before.\n")
    } else {
        table
    }
}

fn counters(counted: &Value) -> String {
    let members = counted.as_object().into_iter().flatten();
    let rows: Vec<_> = members
        .map(|(name, value)| vec![name.replace('_', " "), value.to_string()])
        .collect();
    table(&["SINCE IT WAS CREATED", "COUNT"], &rows, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cli::Format,
        integration::tests::{api, im},
        test_api::Screen,
    };

    fn shown() -> Value {
        let none = json!({"count": 0, "at_least": false});
        json!({
            "integration_id": "pd", "at": "2026-11-03T10:20:30Z", "health": "failing",
            "says": "The vendor has not answered since 2026-11-03T10:00:00Z: GET /x timed out.",
            "failing_since": "2026-11-03T10:00:00Z",
            "lag": {"inbound_seconds": 59, "outbound_seconds": 3725},
            "waiting": {"deliveries": none, "incidents": {"count": 800, "at_least": true}},
            "dead_letters": {"open": {"count": 3, "at_least": false}, "retrying": none},
            "conflicts": {"pending": 1, "oldest_seconds": 3725},
            "circuit": {
                "state": "open", "since": "2026-11-03T10:00:00Z", "next_trial_at": "2026-11-03T10:20:50Z",
                "why": "no answer in time", "paused_until": "2026-11-03T10:21:00Z",
            },
            "propagation": {
                "inbound": {
                    "edits": 5, "within_1s": 3, "within_5s": 4, "within_60s": 5,
                    "latest": {"at": "2026-11-03T09:59:00Z", "milliseconds": 1042},
                },
                "outbound": {
                    "edits": 0, "within_1s": 0, "within_5s": 0, "within_60s": 0, "latest": null,
                },
            },
            "rate_limit": {"headroom_percent": 97, "at": "2026-11-03T09:59:00Z"},
            "deliveries": {
                "since": "2026-11-02T10:20:30Z", "complete": true, "accepted": 12, "applied": 5,
                "nothing_new": 2, "skipped": 3, "dead": 1, "open": 1,
                "skipped_because": {"it was unlinked by hand": 2, "a \u{1b}reason": 1},
            },
            "counters": {
                "outbound_success": 7, "outbound_failed": 1, "inbound_success": 5,
                "inbound_failed": 1, "conflicts_detected": 2, "conflicts_resolved": 1,
                "drift_discrepancies": 0,
            },
        })
    }

    #[tokio::test]
    async fn a_status_adds_up() {
        let api = api().await;
        api.answer(
            "GET /api/v1/integrations/pd/sync-status?since=7d",
            200,
            &shown(),
        );
        let mut screen = Screen::new(Format::Table);
        let line = ["sync-status", "Prod PD", "--since", "7d"];
        im(&api, &mut screen, &line).await.expect("shown");
        insta::assert_snapshot!(screen.out(), @r"
            Integration:      pd
            Health:           failing
            Lag inbound:      59 s
            Lag outbound:     1 h 2 min
            Deliveries open:  0
            Incidents owed:   800+
            Dead letters:     3 open, 0 retrying
            Conflicts:        1 pending, the oldest for 1 h 2 min
            Circuit:          open since 2026-11-03T10:00:00Z, next trial at 2026-11-03T10:20:50Z; the vendor asks to wait until 2026-11-03T10:21:00Z
            Rate limit:       97 % left at 2026-11-03T09:59:00Z

            The vendor has not answered since 2026-11-03T10:00:00Z: GET /x timed out.

            EDITS ARRIVED  ALL  IN 1 S  IN 5 S  IN 60 S  THE LAST
            inbound        5    3       4       5        1.042 s at 2026-11-03T09:59:00Z
            outbound       0    0       0       0        none

            DELIVERIES SINCE 2026-11-02T10:20:30Z  COUNT
            accepted                               12
            = applied                              5
            + nothing new                          2
            + skipped: a  reason                   1
            + skipped: it was unlinked by hand     2
            + dead                                 1
            + open                                 1

            SINCE IT WAS CREATED  COUNT
            conflicts detected    2
            conflicts resolved    1
            drift discrepancies   0
            inbound failed        1
            inbound success       5
            outbound failed       1
            outbound success      7
        ");
        let mut cut = shown();
        cut["deliveries"]["complete"] = json!(false);
        let text = describe(&cut);
        assert!(text.contains("too many to count"), "{text}");
    }

    #[tokio::test]
    async fn an_id_needs_no_other_request() {
        let api = api().await;
        api.answer("GET /api/v1/integrations/pd/sync-status", 200, &shown());
        let mut screen = Screen::new(Format::Json);
        let line = ["sync-status", "pd", "--format", "json"];
        im(&api, &mut screen, &line).await.expect("shown");
        let printed: Value = serde_json::from_str(&screen.out()).expect("JSON");
        assert_eq!(printed, shown());
        assert_eq!(api.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_watched_status_is_one_object_a_line_as_json_and_a_page_on_a_screen() {
        let api = api().await;
        api.answer("GET /api/v1/integrations/pd/sync-status", 200, &shown());
        let client = api.client(None);
        for (format, expected) in [
            (Format::Json, shown().to_string()),
            (Format::Table, CLEAR.to_owned()),
        ] {
            let mut screen = Screen::new(format);
            screen.is_watched = true;
            let mut console = screen.console();
            watch(("pd", None), Some(1), &client, &mut console)
                .await
                .expect("shown");
            let text = screen.out();
            assert!(text.starts_with(&expected), "{text}");
        }
        let mut screen = Screen::new(Format::Json);
        let unknown = watch(("unknown", None), None, &client, &mut screen.console()).await;
        assert!(unknown.is_err(), "a mistake is not repeated for ever");
    }

    #[test]
    fn ages_have_units() {
        for (seconds, expected) in [
            (json!(null), "none"),
            (json!(0), "0 s"),
            (json!(61), "1 min 1 s"),
            (json!(7260), "2 h 1 min"),
        ] {
            assert_eq!(age(&seconds), expected);
        }
    }
}
