//! An account of each vendor for each organization, served on a port of its own.

use im_local::ScaledClock;
use im_model::OrganizationId;
use im_sandbox::{
    PagerDuty, PagerDutyConfig, RecordedRequest, RetryPolicy, StandIn,
    jira::{Jira, JiraConfig, Scheme},
    servicenow::{ServiceNow, ServiceNowConfig},
    stand_in::Vendor,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use crate::system::{Api, Caller};

/// One of the four systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Platform,
    PagerDuty,
    ServiceNow,
    Jira,
}

impl Side {
    pub const ALL: [Self; 4] = [
        Self::Platform,
        Self::PagerDuty,
        Self::ServiceNow,
        Self::Jira,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::PagerDuty => "PagerDuty",
            Self::ServiceNow => "ServiceNow",
            Self::Jira => "Jira",
        }
    }
}

/// An organization with an account of each vendor.
pub struct Account {
    pub caller: Caller,
    pub pagerduty: PagerDuty,
    pub servicenow: ServiceNow,
    pub jira: Jira,
    /// The ids of its integrations.
    pub integrations: [String; 3],
}

/// All of them.
pub struct Accounts {
    pub all: Vec<Account>,
    _served: JoinSet<()>,
}

impl Accounts {
    /// Starts the stand-ins, and connects them through the management API.
    pub async fn start(organizations: u16, system: &Api) -> Self {
        let clock = ScaledClock::new(1);
        let mut served = JoinSet::new();
        let mut all = Vec::new();
        for number in 0..organizations {
            all.push(Account::start(number, system, clock, &mut served).await);
        }
        Self {
            all,
            _served: served,
        }
    }

    /// Every request that was accepted or not, by side.
    pub fn requests(&self) -> impl Iterator<Item = (Side, RecordedRequest)> {
        self.all.iter().flat_map(|account| {
            let of = |side, requests: Vec<RecordedRequest>| {
                requests.into_iter().map(move |request| (side, request))
            };
            of(Side::PagerDuty, account.pagerduty.requests())
                .chain(of(Side::ServiceNow, account.servicenow.requests()))
                .chain(of(Side::Jira, account.jira.requests()))
        })
    }
}

impl Account {
    async fn start(
        number: u16,
        system: &Api,
        clock: ScaledClock,
        served: &mut JoinSet<()>,
    ) -> Self {
        let organization: OrganizationId = format!("org-{number}").parse().expect("an id");
        let seed = u64::from(number);
        let ids = ["pd", "snow", "jira"].map(|vendor| format!("{vendor}-{number}"));
        let scheme = Scheme::Connect {
            client_key: "a-client".to_owned(),
            shared_secret: "a-jira-secret".to_owned(),
            path: format!("/webhooks/jira/{}", ids[2]),
        };
        let pagerduty = PagerDutyConfig::demo("a-token", "a-secret");
        let servicenow = ServiceNowConfig::demo("im.sync", "a-password", "a-snow-secret");
        let jira = JiraConfig::demo("im@example.com", "a-jira-token", scheme);
        let account = Self {
            caller: Caller::of(&organization),
            pagerduty: PagerDuty::new(pagerduty.clock(clock).seed(seed)),
            servicenow: ServiceNow::new(servicenow.clock(clock).seed(seed)),
            jira: Jira::new(jira.clock(clock).seed(seed)),
            integrations: ids,
        };
        let addresses = [
            serve(&account.pagerduty, served).await,
            serve(&account.servicenow, served).await,
            serve(&account.jira, served).await,
        ];
        for integration in account.as_the_api_takes_them(&addresses) {
            let (caller, path) = (&account.caller, "/integrations");
            let post = http::Method::POST;
            system.call(caller, post, path, &integration).await;
        }
        account.deliver_webhooks(system, served);
        account
    }

    fn as_the_api_takes_them(&self, addresses: &[String; 3]) -> [Value; 3] {
        let [pagerduty, servicenow, jira] = &self.integrations;
        [
            json!({
                "id": pagerduty, "integration_type": "pagerduty", "name": pagerduty, "base_url": addresses[0],
                "credentials": {
                    "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
                },
                "options": {"service": "PSVC001"},
            }),
            json!({
                "id": servicenow, "integration_type": "servicenow", "name": servicenow, "base_url": addresses[1],
                "credentials": {
                    "username": "im.sync", "password": "a-password", "webhook_secret": "a-snow-secret",
                },
                "options": {"close_code": "Solution provided"},
            }),
            json!({
                "id": jira, "integration_type": "jira", "name": jira, "base_url": addresses[2],
                "credentials": {
                    "email": "im@example.com", "api_key": "a-jira-token",
                    "client_key": "a-client", "webhook_secret": "a-jira-secret",
                },
                "options": {"project": "OPS", "issue_type": "[System] Incident"},
            }),
        ]
    }

    fn deliver_webhooks(&self, system: &Api, served: &mut JoinSet<()>) {
        let [pagerduty, servicenow, jira] = &self.integrations;
        let url = |vendor, id: &str| format!("{}/webhooks/{vendor}/{id}", system.base_url);
        let policy = RetryPolicy::default;
        let account = self.pagerduty.clone();
        served.spawn(account.deliver_webhooks_to(url("pagerduty", pagerduty), policy()));
        let account = self.servicenow.clone();
        served.spawn(account.deliver_webhooks_to(url("servicenow", servicenow), policy()));
        let account = self.jira.clone();
        served.spawn(account.deliver_webhooks_to(url("jira", jira), policy()));
    }
}

async fn serve<V: Vendor>(account: &StandIn<V>, served: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let account = account.clone();
    served.spawn(async move { account.serve(listener).await.expect("it serves") });
    format!("http://{address}")
}
