//! `im integration reconcile schedule`.

use serde_json::{Map, Value, json};

use super::{PATH, RECONCILE, id};
use crate::{
    cli::ScheduleReconciliation,
    client::Client,
    output::{Console, cell, details, moment},
};

/// Shows, sets or removes it.
pub async fn run(
    wanted: &ScheduleReconciliation,
    client: &Client,
    console: &mut Console<'_>,
) -> anyhow::Result<()> {
    // An integration that there is not is told of here; below, what is not found is its schedule.
    let integration = id(client, &wanted.integration).await?;
    let path = [PATH, &integration, RECONCILE, "schedule"];
    let answer = if wanted.off {
        client.delete(&path, &[]).await.map(|_| Value::Null)
    } else if wanted.every.is_some() {
        client.post(&path, &body(wanted)).await
    } else {
        client.get(&path, &[]).await
    };
    let schedule = match answer {
        Err(error) if error.is_not_found() => Value::Null,
        answer => answer?,
    };
    console.result(&schedule, |schedule| describe(&integration, schedule))
}

fn body(wanted: &ScheduleReconciliation) -> Value {
    let mut body = Map::new();
    let intervals = [
        ("interval", wanted.every),
        ("full_every", wanted.full_every),
    ];
    for (member, interval) in intervals {
        let interval = interval.map(|interval| json!(interval.to_string()));
        body.extend(interval.map(|interval| (member.to_owned(), interval)));
    }
    body.insert("auto_heal".to_owned(), json!(wanted.auto_heal));
    Value::Object(body)
}

fn describe(integration: &str, schedule: &Value) -> String {
    if schedule.is_null() {
        return format!("{integration} is not reconciled by itself.\n");
    }
    let what = if schedule["auto_heal"] == true {
        "heals what it finds"
    } else {
        "reports what it finds"
    };
    let is_on = schedule["enabled"] == true;
    let next = if is_on {
        moment(schedule, "next_at")
    } else {
        "none: it is not enabled".to_owned()
    };
    details(&[
        ("Integration", integration.to_owned()),
        ("Every", cell(schedule, "interval")),
        ("What", what.to_owned()),
        (
            "All records",
            format!("every {}", cell(schedule, "full_every")),
        ),
        ("Next run", next),
        ("Set by", cell(schedule, "set_by")),
    ])
}
