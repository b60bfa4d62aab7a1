//! One incident through four systems: an edit in any one reaches the other three, once, and each hop is timed.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use im_local::LocalSystem;
use im_sandbox::{RecordedRequest, pagerduty::Urgency};
use serde_json::{Value, json};

use super::{
    demo::Demo,
    views::{Ids, System, View, find_links, view},
};

/// What the product promises for a hop.
const PROMISED: Duration = Duration::from_secs(5);
/// How long a hop is watched before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays it, and says what its incident is called; fails if a hop is lost, takes longer than promised, or comes back as
/// an echo.
pub async fn play(demo: &Demo, system: &LocalSystem) -> anyhow::Result<Ids> {
    let mut trip = RoundTrip {
        demo,
        system,
        left: left_by_an_earlier_run(demo, system).await?,
        ids: Ids::default(),
        slow: Vec::new(),
        edits: 0,
    };
    println!("One incident, four systems; each line is an edit and when the others had it:\n");
    trip.begin().await?;
    trip.fields().await?;
    trip.notes().await?;
    trip.life().await?;
    trip.no_echo().await?;
    let slow = trip.slow;
    ensure!(slow.is_empty(), "took longer than 5 s: {}", slow.join("; "));
    Ok(trip.ids)
}

struct RoundTrip<'a> {
    demo: &'a Demo,
    system: &'a LocalSystem,
    /// The keys of older work that does not get done, such as that of an integration that is paused.
    left: BTreeSet<String>,
    ids: Ids,
    slow: Vec<String>,
    /// How many edits of fields there were.
    edits: u64,
}

/// What another system has to hold after an edit.
type Expected<'a> = (System, &'a dyn Fn(&View) -> bool);

impl RoundTrip<'_> {
    /// Somebody triggers an incident at PagerDuty; the others get one each.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let title = format!("Checkout answers slowly ({})", ulid::Ulid::new());
        let ann = self.demo.sandboxes.pagerduty.person("ann@example.com");
        let started = Instant::now();
        self.ids.pagerduty = refused(ann.trigger(&title, Urgency::High))?;
        let incident = until("the incident appears", || find_by_title(self.demo, &title)).await?;
        let id = incident["id"].as_str().context("an id")?;
        id.clone_into(&mut self.ids.platform);
        let mut took = vec![(System::Platform, started.elapsed())];
        for system in [System::ServiceNow, System::Jira] {
            let what = format!("{} has a record", system.name());
            self.ids = until(&what, || self.linked(system)).await?;
            took.push((system, started.elapsed()));
        }
        self.report("PagerDuty: ann triggers an incident", &took);
        self.edits += 1;
        let same = |view: &View| view.title == title;
        for system in System::ALL {
            let view = view(self.demo, &self.ids, system).await?;
            ensure!(
                view.as_ref().is_some_and(same),
                "{}: {view:?}",
                system.name()
            );
        }
        Ok(())
    }

    async fn linked(&self, system: System) -> anyhow::Result<Option<Ids>> {
        let mut ids = self.ids.clone();
        find_links(self.demo, &mut ids).await?;
        let found = match system {
            System::ServiceNow => &ids.servicenow,
            System::Jira => &ids.jira,
            System::Platform | System::PagerDuty => &ids.pagerduty,
        };
        Ok((!found.is_empty()).then_some(ids))
    }

    async fn fields(&mut self) -> anyhow::Result<()> {
        let id = self.ids.platform.clone();
        let title = "Checkout answers slowly: the cache is cold";
        let titled = |view: &View| view.title == title;
        let change = json!({"title": title});
        let edit = self.demo.patch(&id, &change);
        let others: [Expected<'_>; 3] = [
            (System::PagerDuty, &titled),
            (System::ServiceNow, &titled),
            (System::Jira, &titled),
        ];
        self.hop("platform: the title is edited", edit, &others)
            .await?;
        let change = json!({"severity": "SEV-1"});
        let edit = self.demo.patch(&id, &change);
        self.hop(
            "platform: SEV-2 becomes SEV-1",
            edit,
            &[
                (System::ServiceNow, &|view| view.severity == "1/1"),
                (System::Jira, &|view| view.severity == "Highest"),
                (System::PagerDuty, &|view| view.severity == "high"),
            ],
        )
        .await?;
        let (jira, key) = (self.demo.sandboxes.jira.clone(), self.ids.jira.clone());
        let edit = async move {
            refused(
                jira.person("bob@example.com")
                    .transition(&key, "In Progress"),
            )
        };
        self.hop(
            "Jira: bob moves it to In Progress",
            edit,
            &[
                (System::Platform, &|view| view.status == "acknowledged"),
                (System::ServiceNow, &|view| view.status == "2"),
                (System::PagerDuty, &|view| view.status == "acknowledged"),
            ],
        )
        .await
    }

    async fn notes(&mut self) -> anyhow::Result<()> {
        let said = |text: &'static str| {
            move |view: &View| view.notes.iter().filter(|note| note.contains(text)).count() == 1
        };
        let here = said("Restarting the cache");
        let (servicenow, sys_id) = (
            self.demo.sandboxes.servicenow.clone(),
            self.ids.servicenow.clone(),
        );
        // ServiceNow owns its work notes, so they come in.
        let edit = async move {
            let ann = servicenow.person("ann@example.com");
            refused(ann.work_note(&sys_id, "Restarting the cache"))
        };
        let others: [Expected<'_>; 3] = [
            (System::Platform, &here),
            (System::PagerDuty, &here),
            (System::Jira, &here),
        ];
        self.note("ServiceNow: ann writes a work note", edit, &others)
            .await?;
        let here = said("We are back soon");
        let (jira, key) = (self.demo.sandboxes.jira.clone(), self.ids.jira.clone());
        let edit = async move {
            let bob = jira.person("bob@example.com");
            refused(bob.comment(&key, "We are back soon", false)).map(drop)
        };
        let others: [Expected<'_>; 3] = [
            (System::Platform, &here),
            (System::PagerDuty, &here),
            (System::ServiceNow, &here),
        ];
        self.note("Jira: bob answers the customer", edit, &others)
            .await
    }

    /// Resolved in one system, reopened in another, closed in a third.
    async fn life(&mut self) -> anyhow::Result<()> {
        let (servicenow, sys_id) = (
            self.demo.sandboxes.servicenow.clone(),
            self.ids.servicenow.clone(),
        );
        let edit = async move { refused(servicenow.person("ann@example.com").resolve(&sys_id)) };
        self.hop(
            "ServiceNow: ann resolves it",
            edit,
            &[
                (System::Platform, &|view| view.status == "resolved"),
                (System::PagerDuty, &|view| view.status == "resolved"),
                (System::Jira, &|view| view.status == "Resolved"),
            ],
        )
        .await?;
        let (pagerduty, record) = (
            self.demo.sandboxes.pagerduty.clone(),
            self.ids.pagerduty.clone(),
        );
        let edit = async move { refused(pagerduty.person("bob@example.com").reopen(&record)) };
        self.hop(
            "PagerDuty: bob reopens it",
            edit,
            &[
                (System::Platform, &|view| view.status == "open"),
                (System::ServiceNow, &|view| view.status == "1"),
                (System::Jira, &|view| view.status == "To Do"),
            ],
        )
        .await?;
        let id = self.ids.platform.clone();
        let change = json!({"status": "closed"});
        let edit = self.demo.patch(&id, &change);
        self.hop(
            "platform: closed",
            edit,
            &[
                (System::ServiceNow, &|view| view.status == "7"),
                (System::PagerDuty, &|view| view.status == "resolved"),
                (System::Jira, &|view| view.status == "Closed"),
            ],
        )
        .await
    }

    /// An edit of a field.
    async fn hop(
        &mut self,
        what: &str,
        edit: impl Future<Output = anyhow::Result<()>>,
        expected: &[Expected<'_>],
    ) -> anyhow::Result<()> {
        self.edits += 1;
        self.note(what, edit, expected).await
    }

    async fn note(
        &mut self,
        what: &str,
        edit: impl Future<Output = anyhow::Result<()>>,
        expected: &[Expected<'_>],
    ) -> anyhow::Result<()> {
        let before = self.demo.sandboxes.writes().map(|(_, writes)| writes.len());
        let started = Instant::now();
        edit.await?;
        let mut took = Vec::new();
        for (system, holds) in expected {
            let arrives = format!("{what} reaches {}", system.name());
            until(&arrives, || async {
                let view = view(self.demo, &self.ids, *system).await?;
                Ok(view.as_ref().is_some_and(*holds).then_some(()))
            })
            .await?;
            took.push((*system, started.elapsed()));
        }
        self.report(what, &took);
        self.settled().await?;
        for ((vendor, writes), before) in self.demo.sandboxes.writes().into_iter().zip(before) {
            twice(vendor, &writes[before..])?;
        }
        Ok(())
    }

    fn report(&mut self, what: &str, took: &[(System, Duration)]) {
        let hops: Vec<_> = took
            .iter()
            .map(|(system, took)| format!("{} {} ms", system.name(), took.as_millis()))
            .collect();
        println!("  {what:<37} {}", hops.join(", "));
        for (system, took) in took {
            if *took > PROMISED {
                self.slow.push(format!("{what} -> {}", system.name()));
            }
        }
    }

    async fn settled(&self) -> anyhow::Result<()> {
        until("everything has settled", || async {
            let quiet = self.demo.sandboxes.are_quiet()
                && if self.left.is_empty() {
                    self.system.is_quiet().await?
                } else {
                    // What waits in a queue is open in the tables, too.
                    self.system.open_keys().await?.is_subset(&self.left)
                };
            Ok(quiet.then_some(()))
        })
        .await
    }

    /// Once everything has settled: as many changes on the platform as edits, and every system still says what was
    /// said last.
    async fn no_echo(&self) -> anyhow::Result<()> {
        self.settled().await?;
        let incident = self
            .demo
            .get(&format!("/incidents/{}", self.ids.platform))
            .await?;
        // Each of the two notes is a revision, too.
        let revisions = self.edits + 2;
        ensure!(
            incident["revision"] == revisions,
            "the incident changed more often than it was changed ({revisions}): {incident}"
        );
        ensure!(
            incident["status"] == "closed",
            "the echo of \"Resolved\" reopened or regressed it: {incident}"
        );
        println!("\n  no echo: no system was sent the same twice, and nothing came back\n");
        Ok(())
    }
}

/// Gives older work the time that a hop gets, so that it is not taken for the round trip's; the keys of what is left.
async fn left_by_an_earlier_run(
    demo: &Demo,
    system: &LocalSystem,
) -> anyhow::Result<BTreeSet<String>> {
    if demo.sandboxes.go_on {
        let quiet = until("older work is done", || async {
            let quiet = demo.sandboxes.are_quiet() && system.is_quiet().await?;
            Ok(quiet.then_some(()))
        });
        // It may be waiting for somebody.
        let _ = quiet.await;
    }
    system.open_keys().await
}

/// No vendor is sent the same mutation twice by one edit.
fn twice(vendor: &str, writes: &[RecordedRequest]) -> anyhow::Result<()> {
    let mut seen = BTreeMap::new();
    // Searches are POST requests that change nothing.
    let mutations = writes.iter().filter(|write| {
        !write.path.ends_with("/search/jql") && !write.path.ends_with("/workflows")
    });
    for write in mutations {
        let mutation = format!("{} {} {}", write.method, write.path, write.body);
        *seen.entry(mutation).or_insert(0) += 1;
    }
    match seen.into_iter().find(|(_, times)| *times > 1) {
        Some((mutation, times)) => bail!("{vendor} was sent this {times} times: {mutation}"),
        None => Ok(()),
    }
}

fn refused<T, E: std::fmt::Debug>(done: Result<T, E>) -> anyhow::Result<T> {
    done.map_err(|refusal| anyhow!("the sandbox refused: {refusal:?}"))
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
