//! The vendors' stand-ins, each served on a port of its own, with webhooks to the local system.

use im_local::ScaledClock;
use im_sandbox::{
    PagerDuty, PagerDutyConfig, RecordedRequest, RetryPolicy, StandIn,
    jira::{Jira, JiraConfig, Scheme},
    servicenow::{ServiceNow, ServiceNowConfig},
    stand_in::Vendor,
    webhook_delivery::DeliveryRecord,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

/// The demo's integrations.
pub const PAGERDUTY: &str = "demo-pd";
pub const SERVICENOW: &str = "demo-snow";
pub const JIRA: &str = "demo-jira";

/// An account of each vendor.
pub struct Sandboxes {
    pub pagerduty: PagerDuty,
    pub servicenow: ServiceNow,
    pub jira: Jira,
    /// Where each one's REST API is, by integration.
    pub addresses: Vec<(&'static str, &'static str, String)>,
    /// What connects each one, as the management API takes it.
    pub integrations: Vec<Value>,
}

impl Sandboxes {
    /// Starts them with credentials of their own.
    pub async fn start(clock: ScaledClock, tasks: &mut JoinSet<()>) -> anyhow::Result<Self> {
        let [token, password, api_key, client_key] = std::array::from_fn(|_| random());
        let [pd_secret, snow_secret, jira_secret] = std::array::from_fn(|_| random());
        // A seed of its own: ids of an earlier run may be in the data folder.
        let seed = u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or_default();
        let pagerduty = PagerDutyConfig::demo(&token, &pd_secret)
            .clock(clock)
            .seed(seed);
        let pagerduty = PagerDuty::new(pagerduty);
        let servicenow = ServiceNowConfig::demo("im.sync", &password, &snow_secret)
            .clock(clock)
            .seed(seed);
        let servicenow = ServiceNow::new(servicenow);
        let scheme = Scheme::Connect {
            client_key: client_key.clone(),
            shared_secret: jira_secret.clone(),
            path: format!("/webhooks/jira/{JIRA}"),
        };
        let jira = JiraConfig::demo("im@example.com", &api_key, scheme)
            .clock(clock)
            .seed(seed);
        let jira = Jira::new(jira);
        let at_pagerduty = serve(&pagerduty, tasks).await?;
        let at_servicenow = serve(&servicenow, tasks).await?;
        let at_jira = serve(&jira, tasks).await?;
        let integrations = vec![
            json!({
                "id": PAGERDUTY, "integration_type": "pagerduty", "name": "Demo PagerDuty",
                "base_url": at_pagerduty,
                "credentials": {
                    "token": token, "from_email": "oncall@example.com",
                    "webhook_secret": pd_secret,
                },
                "options": {"service": "PSVC001"},
            }),
            json!({
                "id": SERVICENOW, "integration_type": "servicenow", "name": "Demo ServiceNow",
                "base_url": at_servicenow,
                "credentials": {
                    "username": "im.sync", "password": password, "webhook_secret": snow_secret,
                },
                "options": {"close_code": "Solution provided"},
            }),
            json!({
                "id": JIRA, "integration_type": "jira", "name": "Demo Jira",
                "base_url": at_jira,
                "credentials": {
                    "email": "im@example.com", "api_key": api_key, "client_key": client_key,
                    "webhook_secret": jira_secret,
                },
                "options": {"project": "OPS", "issue_type": "[System] Incident"},
            }),
        ];
        Ok(Self {
            pagerduty,
            servicenow,
            jira,
            addresses: vec![
                (PAGERDUTY, "PagerDuty", at_pagerduty),
                (SERVICENOW, "ServiceNow", at_servicenow),
                (JIRA, "Jira", at_jira),
            ],
            integrations,
        })
    }

    /// Lets their webhooks go to the gateway at `base_url`.
    pub fn deliver_webhooks(&self, base_url: &str, tasks: &mut JoinSet<()>) {
        let url =
            |vendor: &str, integration: &str| format!("{base_url}/webhooks/{vendor}/{integration}");
        let policy = RetryPolicy::default;
        let pagerduty = self.pagerduty.clone();
        tasks.spawn(pagerduty.deliver_webhooks_to(url("pagerduty", PAGERDUTY), policy()));
        let servicenow = self.servicenow.clone();
        tasks.spawn(servicenow.deliver_webhooks_to(url("servicenow", SERVICENOW), policy()));
        let jira = self.jira.clone();
        tasks.spawn(jira.deliver_webhooks_to(url("jira", JIRA), policy()));
    }

    /// Every accepted write so far, by vendor.
    pub fn writes(&self) -> [(&'static str, Vec<RecordedRequest>); 3] {
        [
            ("PagerDuty", self.pagerduty.writes()),
            ("ServiceNow", self.servicenow.writes()),
            ("Jira", self.jira.writes()),
        ]
    }

    /// True if no webhook is on its way.
    pub fn are_quiet(&self) -> bool {
        let mut deliveries = self.pagerduty.deliveries();
        deliveries.extend(self.servicenow.deliveries());
        deliveries.extend(self.jira.deliveries());
        deliveries.iter().all(DeliveryRecord::is_settled)
    }
}

async fn serve<V: Vendor>(sandbox: &StandIn<V>, tasks: &mut JoinSet<()>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let serving = sandbox.clone();
    tasks.spawn(async move {
        if let Err(error) = serving.serve(listener).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    Ok(address)
}

/// 160 bits of the system's randomness, as text.
fn random() -> String {
    format!("{}{}", ulid::Ulid::new(), ulid::Ulid::new())
}
