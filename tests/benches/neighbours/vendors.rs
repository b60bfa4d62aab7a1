//! The vendors' accounts: sandboxes of their own rate limits, an answer's way, and one that never answers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use im_model::IntegrationType;
use im_runtime::HttpTransport;
use im_sandbox::{
    Answer, PagerDuty, PagerDutyConfig, StandIn,
    jira::{Jira, JiraConfig, Scheme},
    servicenow::{ServiceNow, ServiceNowConfig},
    stand_in::Vendor,
};
use im_tests::WorldClock;
use im_vendors::{Transport, TransportError};
use serde_json::{Value, json};
use tokio::time::Instant;

type Account = (
    IntegrationType,
    Arc<dyn Fn(Request<Bytes>) -> Answer + Send + Sync>,
);

/// An edit of an incident, as its title names it.
pub type Edit = (u32, u32);

/// All accounts, by the port of their address.
pub struct Vendors {
    accounts: BTreeMap<u16, Account>,
    /// How long a request and its answer are on their way.
    way: Duration,
    hanging: Mutex<Option<IntegrationType>>,
    arrived: Mutex<BTreeMap<(IntegrationType, Edit), Instant>>,
    refused: Mutex<u32>,
}

impl Vendors {
    /// One account of each vendor for each of so many organizations.
    pub fn new(organizations: u16, way: Duration, clock: &WorldClock) -> Self {
        let mut accounts: BTreeMap<u16, Account> = BTreeMap::new();
        for number in 0..organizations {
            let seed = u64::from(number);
            let pagerduty = PagerDutyConfig::demo("a-token", "a-secret").clock(clock.clone());
            let scheme = Scheme::Connect {
                client_key: "a-client".to_owned(),
                shared_secret: "a-jira-secret".to_owned(),
                path: "/webhooks/jira/any".to_owned(),
            };
            let jira = JiraConfig::demo("im@example.com", "a-jira-token", scheme);
            let servicenow = ServiceNowConfig::demo("im.sync", "a-password", "a-snow-secret");
            let mut add = |vendor, account| {
                accounts.insert(port(vendor, number), (vendor, account));
            };
            add(
                IntegrationType::PagerDuty,
                account(PagerDuty::new(pagerduty.seed(seed))),
            );
            add(
                IntegrationType::Jira,
                account(Jira::new(jira.clock(clock.clone()).seed(seed))),
            );
            let servicenow = servicenow.clock(clock.clone()).seed(seed);
            add(
                IntegrationType::ServiceNow,
                account(ServiceNow::new(servicenow)),
            );
        }
        Self {
            accounts,
            way,
            hanging: Mutex::default(),
            arrived: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// From now on this vendor never answers, or all do.
    pub fn hang(&self, vendor: Option<IntegrationType>) {
        *self.hanging.lock().expect("not poisoned") = vendor;
    }

    /// When an edit, or a later one of the same incident, was at a vendor first.
    pub fn arrival(&self, vendor: IntegrationType, (incident, number): Edit) -> Option<Instant> {
        let arrived = self.arrived.lock().expect("not poisoned");
        let later = (vendor, (incident, number))..=(vendor, (incident, u32::MAX));
        arrived.range(later).map(|(_, at)| *at).min()
    }

    /// How many requests were answered with 429.
    pub fn refused(&self) -> u32 {
        *self.refused.lock().expect("not poisoned")
    }

    fn note(&self, vendor: IntegrationType, body: &Bytes, status: u16) {
        if status == 429 {
            *self.refused.lock().expect("not poisoned") += 1;
        }
        let edit = (200..300)
            .contains(&status)
            .then(|| edit_in(body))
            .flatten();
        if let Some(edit) = edit {
            let mut arrived = self.arrived.lock().expect("not poisoned");
            arrived.entry((vendor, edit)).or_insert_with(Instant::now);
        }
    }
}

#[async_trait]
impl Transport for Vendors {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let port = request.uri().port_u16().unwrap_or_default();
        let (vendor, account) = &self.accounts[&port];
        if *self.hanging.lock().expect("not poisoned") == Some(*vendor) {
            tokio::time::sleep(HttpTransport::TIMEOUT).await;
            return Err(TransportError::Timeout);
        }
        tokio::time::sleep(self.way / 2).await;
        let writes = request.method() != http::Method::GET;
        let body = request.body().clone();
        let Answer::Response(response) = account(request) else {
            return Err(TransportError::Timeout);
        };
        if writes {
            self.note(*vendor, &body, response.status().as_u16());
        }
        tokio::time::sleep(self.way / 2).await;
        Ok(response)
    }
}

fn account<V: Vendor>(sandbox: StandIn<V>) -> Arc<dyn Fn(Request<Bytes>) -> Answer + Send + Sync> {
    Arc::new(move |request| {
        let answer = sandbox.handle_with_faults(request);
        // Nobody takes them: what is measured is the way out.
        sandbox.drain_webhooks();
        answer
    })
}

fn port(vendor: IntegrationType, organization: u16) -> u16 {
    let place = IntegrationType::ALL.iter().position(|it| *it == vendor);
    let place = u16::try_from(place.unwrap_or_default()).unwrap_or_default();
    1000 + organization * 3 + place
}

/// What the title of an edit is.
pub fn title(edit: Edit) -> String {
    format!("edit <{}.{}>", edit.0, edit.1)
}

fn edit_in(body: &Bytes) -> Option<Edit> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("edit <")?;
    let (edit, _) = rest.split_once('>')?;
    let (incident, number) = edit.split_once('.')?;
    Some((incident.parse().ok()?, number.parse().ok()?))
}

/// An integration of an organization with a vendor, as the API takes it.
pub fn integration(vendor: IntegrationType, organization: u16) -> Value {
    let mut body = match vendor {
        IntegrationType::PagerDuty => json!({
            "credentials": {
                "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
            },
            "options": {"service": "PSVC001"},
        }),
        IntegrationType::Jira => json!({
            "credentials": {
                "email": "im@example.com", "api_key": "a-jira-token",
                "client_key": "a-client", "webhook_secret": "a-jira-secret",
            },
            "options": {"project": "OPS", "issue_type": "[System] Incident"},
        }),
        IntegrationType::ServiceNow => json!({
            "credentials": {
                "username": "im.sync", "password": "a-password", "webhook_secret": "a-snow-secret",
            },
            "options": {"close_code": "Solution provided"},
        }),
    };
    body["id"] = json!(format!("{vendor}-{organization}"));
    body["name"] = body["id"].clone();
    body["integration_type"] = json!(vendor.as_str());
    body["base_url"] = json!(format!("http://127.0.0.1:{}", port(vendor, organization)));
    body
}
