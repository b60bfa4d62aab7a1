//! Reconciliation runs: asked for through the API, worked on by the reconciler's queue.

use http::Method;
use im_local::{QueuePoller, events::queue_event, mapping::Ended};
use serde_json::{Value, json};

use crate::World;

/// A run that is over, as the API shows it.
#[derive(Debug, Clone)]
pub struct Report {
    /// The run.
    pub run: Value,
    /// What it found.
    pub items: Vec<Value>,
}

impl Report {
    /// Kind, field and proposed action of each item, sorted.
    pub fn found(&self) -> Vec<String> {
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or("-").to_owned();
        let line = |item: &Value| {
            let names = ["kind", "field", "action"].map(|name| text(item, name));
            names.join(" ")
        };
        let mut found: Vec<_> = self.items.iter().map(line).collect();
        found.sort();
        found
    }

    /// How the run ended.
    pub fn status(&self) -> &str {
        self.run["status"].as_str().expect("a status")
    }

    /// One of its counts.
    pub fn count(&self, name: &str) -> u64 {
        self.run["summary"][name].as_u64().expect("a count")
    }
}

impl World {
    /// Works on the runs whose time has come; returns how many messages there were.
    pub async fn run_reconciler(&self) -> usize {
        let queue = self.system.embedded.queues.reconcile.clone();
        let poller = QueuePoller::new(self.lambda_sqs.clone(), queue).one_by_one();
        let mut count = 0;
        loop {
            let messages = poller.receive().await.expect("the queue answers");
            if messages.is_empty() {
                return count;
            }
            let answer = self.system.reconciler.handle(&queue_event(&messages)).await;
            let answer = answer.expect("the store answers");
            let ended = poller.ended(&messages, &Ended::Answered(answer)).await;
            ended.expect("the queue answers");
            count += 1;
        }
    }

    /// Asks for a run; its id.
    pub async fn start_run(&self, integration: &str, body: &Value) -> String {
        let path = format!("/integrations/{integration}/reconcile");
        self.start_run_at(&path, body).await
    }

    async fn start_run_at(&self, path: &str, body: &Value) -> String {
        let started = self.api(Method::POST, path, Some(body)).await;
        assert_eq!(started.status(), 202, "{started:?}");
        let run: Value = serde_json::from_slice(started.body()).expect("JSON");
        run["id"].as_str().expect("an id").to_owned()
    }

    /// A run as it is now, with what it found.
    pub async fn report(&self, integration: &str, run: &str) -> Report {
        let path = format!("/integrations/{integration}/reconcile/runs/{run}");
        let shown = self.read(&path).await;
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let cursor_query = cursor.map(|it| format!("?cursor={it}")).unwrap_or_default();
            let page = self.read(&format!("{path}/items{cursor_query}")).await;
            items.extend(page["items"].as_array().expect("items").clone());
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return Report { run: shown, items };
            }
        }
    }

    /// Runs a dry run to its end.
    pub async fn dry_run(&self, integration: &str) -> Report {
        self.run_through(integration, &json!({"dry_run": true}))
            .await
    }

    /// Runs an auto-heal to its end.
    pub async fn auto_heal(&self, integration: &str) -> Report {
        self.run_through(integration, &json!({"auto_heal": true}))
            .await
    }

    /// Runs what is asked for to its end, and nothing else.
    pub async fn run_through(&self, integration: &str, body: &Value) -> Report {
        let path = format!("/integrations/{integration}/reconcile");
        self.run_through_at(integration, &path, body).await
    }

    /// The same, asked for at this path.
    pub async fn run_through_at(&self, integration: &str, path: &str, body: &Value) -> Report {
        let run = self.start_run_at(path, body).await;
        self.finish_runs().await;
        self.report(integration, &run).await
    }

    /// Works on all runs until none waits.
    pub async fn finish_runs(&self) {
        let queue = self.system.embedded.queues.reconcile.clone();
        for _ in 0..10_000 {
            self.run_reconciler().await;
            let waiting = self.queues.messages(&queue);
            let Some(next) = waiting.iter().map(|message| message.visible_at).min() else {
                return;
            };
            let wait = next.duration_since(self.clock.read());
            self.clock.advance(wait.max(jiff::SignedDuration::ZERO));
        }
        panic!("the runs do not come to an end");
    }

    /// Reads from the management API.
    pub async fn read(&self, path: &str) -> Value {
        let answer = self.api(Method::GET, path, None).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    /// Whatever the vendors would announce now, nobody hears of.
    pub fn lose_webhooks(&self) {
        drop(self.drain_webhooks());
    }
}
