//! One round trip in both directions, each hop timed, and no echo afterwards.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use im_local::LocalSystem;
use im_sandbox::pagerduty::{Status, Urgency};
use serde_json::{Value, json};

use super::demo::{Demo, INTEGRATION};

/// What the product promises for a hop.
const PROMISED: Duration = Duration::from_secs(5);
/// How long a hop is watched before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays it; fails if a hop is lost, takes longer than promised, or comes back as an echo.
pub async fn play(demo: &Demo, system: &LocalSystem) -> anyhow::Result<()> {
    let title = format!("Checkout answers slowly ({})", ulid::Ulid::new());
    let mut slow = Vec::new();
    let mut hop = |what: &str, took: Duration| {
        println!("  {what:<66} {:>6} ms", took.as_millis());
        if took > PROMISED {
            slow.push(what.to_owned());
        }
    };
    println!("One round trip:");

    let ann = demo.pagerduty.person("ann@example.com");
    let started = Instant::now();
    let record = ann
        .trigger(&title, Urgency::High)
        .map_err(|refusal| anyhow::anyhow!("the sandbox refused: {refusal:?}"))?;
    let incident = until("the incident appears", || find_by_title(demo, &title)).await?;
    hop(
        "PagerDuty: ann triggers an incident -> the platform has it",
        started.elapsed(),
    );
    let id = incident["id"]
        .as_str()
        .context("an incident has an id")?
        .to_owned();

    let started = Instant::now();
    demo.patch(&id, &json!({"status": "acknowledged"})).await?;
    until("PagerDuty is acknowledged", || async {
        let incident = demo.pagerduty.incident(&record);
        Ok(incident.filter(|incident| incident.status == Status::Acknowledged))
    })
    .await?;
    hop(
        "platform: status acknowledged -> PagerDuty has it",
        started.elapsed(),
    );

    let started = Instant::now();
    let resolved = demo.pagerduty.person("bob@example.com").resolve(&record);
    resolved.map_err(|refusal| anyhow::anyhow!("the sandbox refused: {refusal:?}"))?;
    let path = format!("/incidents/{id}");
    until("the platform is resolved", || async {
        let incident = demo.get(&path).await?;
        Ok((incident["status"] == "resolved").then_some(()))
    })
    .await?;
    hop(
        "PagerDuty: bob resolves it -> the platform has it",
        started.elapsed(),
    );

    no_echo(demo, system, &record, &id).await?;
    println!("  no echo: PagerDuty was written once, the platform changed twice\n");
    ensure!(slow.is_empty(), "took longer than 5 s: {}", slow.join("; "));
    Ok(())
}

/// Once everything has settled: one write at the vendor, and no revision of the incident but the three we know of.
async fn no_echo(
    demo: &Demo,
    system: &LocalSystem,
    record: &str,
    incident: &str,
) -> anyhow::Result<()> {
    until("everything has settled", || async {
        let delivered = demo
            .pagerduty
            .deliveries()
            .iter()
            .all(im_sandbox::webhook_delivery::DeliveryRecord::is_settled);
        let quiet = delivered && system.is_quiet().await?;
        Ok(quiet.then_some(()))
    })
    .await?;
    let path = format!("/incidents/{record}");
    let writes: Vec<_> = demo
        .pagerduty
        .writes()
        .into_iter()
        .filter(|write| write.path == path)
        .collect();
    ensure!(
        writes.len() == 1,
        "PagerDuty was written {} times instead of once: {}",
        writes.len(),
        serde_json::to_string(&writes)?
    );
    let now = demo.get(&format!("/incidents/{incident}")).await?;
    ensure!(
        now["revision"] == 3,
        "the incident changed more often than it was changed: {now}"
    );
    ensure!(
        now["links"][0]["integration_id"] == INTEGRATION,
        "the link is gone: {now}"
    );
    Ok(())
}

async fn find_by_title(demo: &Demo, title: &str) -> anyhow::Result<Option<Value>> {
    let mut path = "/incidents?limit=100".to_owned();
    loop {
        let page = demo.get(&path).await?;
        let items = page["items"].as_array().into_iter().flatten();
        if let Some(found) = items
            .into_iter()
            .find(|incident| incident["title"] == title)
        {
            return Ok(Some(found.clone()));
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/incidents?limit=100&cursor={next}"),
            None => return Ok(None),
        }
    }
}

/// Asks until the answer is there.
async fn until<T, F>(what: &str, ask: impl Fn() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Option<T>>>,
{
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    bail!(
        "waited {} s in vain until {what}; IM_LOG=info shows what happened",
        PATIENCE.as_secs()
    )
}
