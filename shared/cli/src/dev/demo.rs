//! The demo's integrations, connected through the management API as an operator would.

use std::path::Path;

use anyhow::{Context as _, bail};
use im_local::ScaledClock;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::sandboxes::Sandboxes;

/// The tenant of `im dev`.
pub const ORGANIZATION: &str = "demo";

/// A system with an account of each vendor, connected.
pub struct Demo {
    /// Where the management API and the webhooks are.
    pub base_url: String,
    /// The vendors.
    pub sandboxes: Sandboxes,
    http: Client,
}

impl Demo {
    /// Starts the sandboxes, with what the folder holds of them, and connects them.
    pub async fn start(
        base_url: String,
        clock: ScaledClock,
        folder: Option<&Path>,
        tasks: &mut JoinSet<()>,
    ) -> anyhow::Result<Self> {
        let demo = Self {
            base_url,
            sandboxes: Sandboxes::start(clock, folder, tasks).await?,
            http: Client::new(),
        };
        for integration in &demo.sandboxes.integrations {
            demo.connect(integration).await?;
        }
        demo.sandboxes.deliver_webhooks(&demo.base_url, tasks);
        Ok(demo)
    }

    /// An integration that an earlier run made for the same sandbox is only told where that is now: the rest may be what
    /// somebody made of it since.
    async fn connect(&self, integration: &Value) -> anyhow::Result<()> {
        let id = integration["id"].as_str().unwrap_or_default();
        let path = format!("/integrations/{id}");
        let present = self.api(Method::GET, &path, None).await?;
        if present.status() == StatusCode::NOT_FOUND {
            let created = self.api(Method::POST, "/integrations", Some(integration));
            return expect_success(created.await?).await.map(drop);
        }
        let present = expect_success(present).await?;
        let change = if self.sandboxes.go_on {
            if is_at(&present, &integration["base_url"]) {
                return Ok(());
            }
            json!({"base_url": integration["base_url"]})
        } else {
            // Made for a sandbox that is gone.
            let mut change = integration.clone();
            for fixed in ["id", "integration_type"] {
                change.as_object_mut().map(|body| body.remove(fixed));
            }
            change
        };
        let changed = self.api(Method::PATCH, &path, Some(&change)).await?;
        expect_success(changed).await.map(drop)
    }

    /// Calls the management API.
    pub async fn api(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Response> {
        let mut request = self
            .http
            .request(method, format!("{}/api/v1{path}", self.base_url));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        request
            .send()
            .await
            .with_context(|| format!("calling the management API at {path}"))
    }

    /// Reads JSON from the management API.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        expect_success(self.api(Method::GET, path, None).await?).await
    }

    /// Changes an incident.
    pub async fn patch(&self, incident: &str, body: &Value) -> anyhow::Result<()> {
        let path = format!("/incidents/{incident}");
        let changed = self.api(Method::PATCH, &path, Some(body)).await?;
        expect_success(changed).await.map(drop)
    }

    /// Says what runs where.
    pub fn print_start(&self, time_scale: u32) {
        println!("im dev: the whole system on this machine");
        println!("  management API and webhooks  {}", self.base_url);
        for (_, name, address) in &self.sandboxes.addresses {
            println!("  {:<29}{address}", format!("{name} sandbox"));
        }
        println!("  a caller without a token acts as a local administrator (loopback only)");
        if time_scale > 1 {
            println!("  the clock runs {time_scale} times as fast");
        }
        println!();
    }
}

/// Whether an integration's address is this one; the API adds a slash.
fn is_at(integration: &Value, base_url: &Value) -> bool {
    let address = |url: &Value| url.as_str().map(|url| url.trim_end_matches('/').to_owned());
    address(&integration["base_url"]) == address(base_url)
}

async fn expect_success(response: Response) -> anyhow::Result<Value> {
    let (status, url) = (response.status(), response.url().path().to_owned());
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("reading the answer of {url}"))
}
