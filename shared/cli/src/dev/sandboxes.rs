//! The vendors' stand-ins, each served on a port of its own, with webhooks to the local system.

use std::{collections::btree_map::Entry, path::Path};

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

use super::accounts::Accounts;

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
    /// Whether they go on with what an earlier run in the same folder left.
    pub go_on: bool,
}

impl Sandboxes {
    /// Starts them, with credentials of their own or with what the folder holds.
    pub async fn start(
        clock: ScaledClock,
        folder: Option<&Path>,
        tasks: &mut JoinSet<()>,
    ) -> anyhow::Result<Self> {
        let earlier = folder.map(Accounts::kept_in).transpose()?.flatten();
        let go_on = earlier.is_some();
        let mut accounts = earlier.unwrap_or_else(Accounts::new);
        if let Some(folder) = folder {
            // Before there is anything that needs them.
            accounts.keep_in(folder)?;
        }
        let pagerduty = kept(
            PagerDuty::new(pagerduty_of(&accounts, clock)),
            folder,
            PAGERDUTY,
        )?;
        let servicenow = kept(
            ServiceNow::new(servicenow_of(&accounts, clock)),
            folder,
            SERVICENOW,
        )?;
        let jira = kept(Jira::new(jira_of(&accounts, clock)), folder, JIRA)?;
        let ports = &mut accounts.ports;
        let at_pagerduty = serve(&pagerduty, ports.entry(PAGERDUTY.to_owned()), tasks).await?;
        let at_servicenow = serve(&servicenow, ports.entry(SERVICENOW.to_owned()), tasks).await?;
        let at_jira = serve(&jira, ports.entry(JIRA.to_owned()), tasks).await?;
        if let Some(folder) = folder {
            accounts.keep_in(folder)?;
        }
        Ok(Self {
            integrations: integrations(&accounts, [&at_pagerduty, &at_servicenow, &at_jira]),
            pagerduty,
            servicenow,
            jira,
            addresses: vec![
                (PAGERDUTY, "PagerDuty", at_pagerduty),
                (SERVICENOW, "ServiceNow", at_servicenow),
                (JIRA, "Jira", at_jira),
            ],
            go_on,
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

/// The stand-in with what the folder holds of it, if there is a folder.
fn kept<V: Vendor>(
    sandbox: StandIn<V>,
    folder: Option<&Path>,
    integration: &str,
) -> anyhow::Result<StandIn<V>> {
    match folder {
        None => Ok(sandbox),
        Some(folder) => Ok(sandbox.kept_in(&folder.join(format!("{integration}.jsonl")))?),
    }
}

/// Serves it where it was served before, if that port is free.
async fn serve<V: Vendor>(
    sandbox: &StandIn<V>,
    port: Entry<'_, String, u16>,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<String> {
    let port = port.or_default();
    let listener = match TcpListener::bind(("127.0.0.1", *port)).await {
        Err(_) if *port > 0 => TcpListener::bind("127.0.0.1:0").await?,
        bound => bound?,
    };
    let address = listener.local_addr()?;
    *port = address.port();
    let serving = sandbox.clone();
    tasks.spawn(async move {
        if let Err(error) = serving.serve(listener).await {
            tracing::error!(%error, "the sandbox stopped");
        }
    });
    Ok(format!("http://{address}"))
}

fn pagerduty_of(accounts: &Accounts, clock: ScaledClock) -> PagerDutyConfig {
    PagerDutyConfig::demo(&accounts.token, &accounts.pagerduty_secret)
        .clock(clock)
        .seed(accounts.seed)
}

fn servicenow_of(accounts: &Accounts, clock: ScaledClock) -> ServiceNowConfig {
    ServiceNowConfig::demo("im.sync", &accounts.password, &accounts.servicenow_secret)
        .clock(clock)
        .seed(accounts.seed)
}

fn jira_of(accounts: &Accounts, clock: ScaledClock) -> JiraConfig {
    let scheme = Scheme::Connect {
        client_key: accounts.client_key.clone(),
        shared_secret: accounts.jira_secret.clone(),
        path: format!("/webhooks/jira/{JIRA}"),
    };
    JiraConfig::demo("im@example.com", &accounts.api_key, scheme)
        .clock(clock)
        .seed(accounts.seed)
}

/// What connects them, in the order of the addresses.
fn integrations(accounts: &Accounts, addresses: [&str; 3]) -> Vec<Value> {
    let [at_pagerduty, at_servicenow, at_jira] = addresses;
    vec![
        json!({
            "id": PAGERDUTY, "integration_type": "pagerduty", "name": "Demo PagerDuty",
            "base_url": at_pagerduty,
            "credentials": {
                "token": accounts.token, "from_email": "oncall@example.com",
                "webhook_secret": accounts.pagerduty_secret,
            },
            "options": {"service": "PSVC001"},
        }),
        json!({
            "id": SERVICENOW, "integration_type": "servicenow", "name": "Demo ServiceNow",
            "base_url": at_servicenow,
            "credentials": {
                "username": "im.sync", "password": accounts.password,
                "webhook_secret": accounts.servicenow_secret,
            },
            "options": {"close_code": "Solution provided"},
        }),
        json!({
            "id": JIRA, "integration_type": "jira", "name": "Demo Jira",
            "base_url": at_jira,
            "credentials": {
                "email": "im@example.com", "api_key": accounts.api_key,
                "client_key": accounts.client_key, "webhook_secret": accounts.jira_secret,
            },
            "options": {"project": "OPS", "issue_type": "[System] Incident"},
        }),
    ]
}
