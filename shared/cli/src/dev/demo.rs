//! The demo's vendor account and the integration that connects it.

use anyhow::{Context as _, bail};
use im_local::ScaledClock;
use im_sandbox::{PagerDuty, PagerDutyConfig, RetryPolicy};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// The tenant of `im dev`.
pub const ORGANIZATION: &str = "demo";
/// The demo's integration.
pub const INTEGRATION: &str = "demo-pd";

/// A PagerDuty sandbox that is connected.
pub struct Demo {
    /// Where the management API and the webhooks are.
    pub base_url: String,
    /// Where the sandbox's REST API is.
    pub vendor_url: String,
    /// The sandbox.
    pub pagerduty: PagerDuty,
    http: Client,
}

impl Demo {
    /// Starts the sandbox and connects it through the management API, as an operator would.
    pub async fn start(
        base_url: String,
        clock: ScaledClock,
        tasks: &mut JoinSet<()>,
    ) -> anyhow::Result<Self> {
        let (token, secret) = (random(), random());
        // A seed of its own: ids of an earlier run may be in the data folder.
        let seed = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default();
        let config = PagerDutyConfig::demo(&token, &secret)
            .clock(clock)
            .seed(seed);
        let pagerduty = PagerDuty::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let vendor_url = format!("http://{}", listener.local_addr()?);
        let serving = pagerduty.clone();
        tasks.spawn(async move {
            if let Err(error) = serving.serve(listener).await {
                tracing::error!(%error, "the sandbox stopped");
            }
        });
        let demo = Self {
            base_url,
            vendor_url,
            pagerduty,
            http: Client::new(),
        };
        demo.connect(&token, &secret).await?;
        let webhooks = format!("{}/webhooks/pagerduty/{INTEGRATION}", demo.base_url);
        let policy = RetryPolicy::default();
        tasks.spawn(demo.pagerduty.clone().deliver_webhooks_to(webhooks, policy));
        Ok(demo)
    }

    async fn connect(&self, token: &str, secret: &str) -> anyhow::Result<()> {
        let mut body = json!({
            "id": INTEGRATION,
            "integration_type": "pagerduty",
            "name": "Demo PagerDuty",
            "base_url": self.vendor_url,
            "credentials": {
                "token": token, "from_email": "oncall@example.com", "webhook_secret": secret,
            },
            "options": {"service": "PSVC001"},
        });
        let created = self.api(Method::POST, "/integrations", Some(&body)).await?;
        if created.status() == StatusCode::CONFLICT {
            // An earlier run made it, for a sandbox that is gone.
            for fixed in ["id", "integration_type"] {
                body.as_object_mut().map(|body| body.remove(fixed));
            }
            let path = format!("/integrations/{INTEGRATION}");
            return expect_success(self.api(Method::PATCH, &path, Some(&body)).await?)
                .await
                .map(drop);
        }
        expect_success(created).await.map(drop)
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
    pub async fn patch(&self, incident: &str, body: &Value) -> anyhow::Result<Value> {
        let path = format!("/incidents/{incident}");
        expect_success(self.api(Method::PATCH, &path, Some(body)).await?).await
    }

    /// Says what runs where.
    pub fn print_start(&self, time_scale: u32) {
        println!("im dev: the whole system on this machine");
        println!("  management API and webhooks  {}", self.base_url);
        println!("  PagerDuty sandbox            {}", self.vendor_url);
        println!("  a caller without a token acts as a local administrator (loopback only)");
        if time_scale > 1 {
            println!("  the clock runs {time_scale} times as fast");
        }
        println!();
    }
}

async fn expect_success(response: Response) -> anyhow::Result<Value> {
    let (status, url) = (response.status(), response.url().path().to_owned());
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{url} answered {status}: {text}");
    }
    serde_json::from_str(&text).with_context(|| format!("reading the answer of {url}"))
}

/// 160 bits of the system's randomness, as text.
fn random() -> String {
    format!("{}{}", ulid::Ulid::new(), ulid::Ulid::new())
}
