//! The system, a vendor and a clock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::{Method, Request, Response};
use im_engine::{Claim, Delivery, RetryMessage, manage::Incidents, ports::IncidentStore as _};
use im_local::{Embedded, LocalSettings, LocalSystem, QueueService, StreamPoller};
use im_model::{Incident, IncidentId, IntegrationType, Note, NoteKind};
use im_sandbox::{
    PagerDuty, PagerDutyConfig, RecordedRequest, WebhookDelivery,
    jira::{Jira, JiraConfig, Scheme, Workflow},
    pagerduty::Priority,
    servicenow::{CustomColumn, ServiceNow, ServiceNowConfig},
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    Announcements, Calls, Io, SandboxTransport, SeededIds, Vendors, WatchedAws, WorldClock,
    vendor::base_url,
};

/// The integration that every world has.
pub const INTEGRATION: &str = "demo-pd";
/// The integration with Jira.
pub const JIRA: &str = "demo-jira";
/// The integration with ServiceNow.
pub const SERVICENOW: &str = "demo-snow";
const ORGANIZATION: &str = "acme";

/// A system on which nothing runs by itself.
pub struct World {
    /// Moves only when told.
    pub clock: WorldClock,
    /// The vendor that every world has.
    pub pagerduty: PagerDuty,
    /// Connected on request.
    pub jira: Jira,
    /// Connected on request.
    pub servicenow: ServiceNow,
    /// The way to them.
    pub transport: SandboxTransport,
    /// The functions and AWS.
    pub system: LocalSystem,
    /// Every AWS call.
    pub calls: Calls,
    /// SQS as Lambda's mappings reach it.
    pub lambda_sqs: aws_sdk_sqs::Client,
    pub(crate) deliveries: Mutex<StreamPoller>,
    pub(crate) incidents: Mutex<StreamPoller>,
    /// What the queues hold.
    pub queues: QueueService,
    /// What leaves the functions.
    pub io: Io,
    /// Whom dead letters are announced to.
    pub announcements: Announcements,
    /// What has died and nobody has asked for yet.
    pub(crate) buried: Mutex<Vec<RetryMessage>>,
    announced: AtomicU32,
}

/// What the audit says where a test writes into the store itself.
pub fn by_itself(integration: &im_model::Integration) -> im_model::AuditEntry {
    im_model::AuditEntry {
        id: im_model::AuditId::from_ulid(ulid::Ulid::new()),
        at: integration.updated_at,
        organization: integration.organization.clone(),
        integration: integration.id.clone(),
        actor: None,
        action: im_model::Audited::IntegrationChanged,
        subject: None,
        changes: Vec::new(),
    }
}

impl World {
    /// A world with a connected PagerDuty account, both ways.
    pub async fn new() -> Arc<Self> {
        Self::with_seed(1).await
    }

    /// The same, with ids of this seed.
    pub async fn with_seed(seed: u64) -> Arc<Self> {
        let world = Self::unconnected(seed).await;
        world.connect(IntegrationType::PagerDuty).await;
        world
    }

    /// A world with an account of every vendor, all connected both ways.
    pub async fn with_all() -> Arc<Self> {
        let world = Self::new().await;
        world.connect(IntegrationType::Jira).await;
        world.connect(IntegrationType::ServiceNow).await;
        world
    }

    /// A world with an account of every vendor, and this workflow in Jira.
    pub async fn with_workflow(workflow: Workflow) -> Arc<Self> {
        let world = Self::set_up(1, Some(workflow), WorldClock::default()).await;
        for vendor in IntegrationType::ALL.iter().copied() {
            world.connect(vendor).await;
        }
        world
    }

    /// Connects a vendor's account as an operator would.
    pub async fn connect(&self, vendor: IntegrationType) {
        let mut body = match vendor {
            IntegrationType::PagerDuty => json!({
                "id": INTEGRATION,
                "name": "Demo PagerDuty",
                "credentials": {
                    "token": "a-token", "from_email": "oncall@example.com",
                    "webhook_secret": "a-secret",
                },
                "options": {"service": "PSVC001"},
            }),
            IntegrationType::Jira => json!({
                "id": JIRA,
                "name": "Demo Jira",
                "credentials": {
                    "email": "im@example.com", "api_key": "a-jira-token",
                    "client_key": "a-client", "webhook_secret": "a-jira-secret",
                },
                "options": {
                    "project": "OPS", "issue_type": "[System] Incident",
                    "custom.environment": "customfield_10050",
                    "custom.customers": "customfield_10051:number",
                },
            }),
            IntegrationType::ServiceNow => json!({
                "id": SERVICENOW,
                "name": "Demo ServiceNow",
                "credentials": {
                    "username": "im.sync", "password": "a-password",
                    "webhook_secret": "a-snow-secret",
                },
                "options": {
                    "close_code": "Solution provided", "custom.environment": "u_environment",
                },
            }),
        };
        body["integration_type"] = json!(vendor.as_str());
        body["base_url"] = json!(base_url(vendor));
        let created = self.api(Method::POST, "/integrations", Some(&body)).await;
        assert_eq!(created.status(), 201, "{created:?}");
    }

    /// A world whose account nobody has connected yet.
    pub async fn unconnected(seed: u64) -> Arc<Self> {
        Self::set_up(seed, None, WorldClock::default()).await
    }

    /// A world whose time is tokio's, which is to be paused, and whose accounts nobody has connected yet.
    pub async fn in_tokio_time(seed: u64) -> Arc<Self> {
        Self::set_up(seed, None, WorldClock::with_tokio()).await
    }

    async fn set_up(seed: u64, workflow: Option<Workflow>, clock: WorldClock) -> Arc<Self> {
        let mut config = PagerDutyConfig::demo("a-token", "a-secret")
            .clock(clock.clone())
            .seed(seed);
        if clock.is_tokios() {
            // Whoever looks on asks as often as it likes.
            config.requests_per_minute = u32::MAX;
        }
        // One that no map knows.
        config.account.priorities.push(Priority {
            id: "PPRIO09".to_owned(),
            name: "Major".to_owned(),
            description: "Of the account's own".to_owned(),
        });
        let pagerduty = PagerDuty::new(config);
        let scheme = Scheme::Connect {
            client_key: "a-client".to_owned(),
            shared_secret: "a-jira-secret".to_owned(),
            path: format!("/webhooks/jira/{JIRA}"),
        };
        let mut jira = JiraConfig::demo("im@example.com", "a-jira-token", scheme)
            .clock(clock.clone())
            .seed(seed);
        jira.site.workflow = workflow.unwrap_or(jira.site.workflow);
        jira.site.other_projects.push(im_sandbox::jira::Project {
            id: "10099".to_owned(),
            key: "SEC".to_owned(),
            name: "Security".to_owned(),
            ..jira.site.project.clone()
        });
        let jira = Jira::new(jira);
        let mut servicenow = ServiceNowConfig::demo("im.sync", "a-password", "a-snow-secret")
            .clock(clock.clone())
            .seed(seed);
        let column = CustomColumn::text("u_environment", 40);
        servicenow.custom_columns.push(column);
        let servicenow = ServiceNow::new(servicenow);
        let io = Io::new(seed, clock.clone());
        let transport = SandboxTransport::new(io.clone())
            .with(IntegrationType::ServiceNow, &servicenow)
            .with(IntegrationType::PagerDuty, &pagerduty)
            .with(IntegrationType::Jira, &jira);
        let calls = Calls::default();
        let started = Embedded::on_clock(Arc::new(clock.clone())).await;
        let (mut embedded, queues) = started.expect("embedded AWS starts");
        let lambda_sqs = embedded.sqs.clone();
        // The functions' clients are watched; the driver's, for streams and queues, are Lambda's own.
        macro_rules! watch {
            ($sdk:ident, $client:ident, $config:ident) => {
                let client = embedded.$config.http_client().expect("a client");
                embedded.$client = $sdk::Client::from_conf(
                    $sdk::config::Builder::from(&embedded.$config)
                        .http_client(WatchedAws::client(client, io.clone()))
                        .interceptor(calls.clone())
                        .retry_config($sdk::config::retry::RetryConfig::disabled())
                        .build(),
                );
            };
        }
        watch!(aws_sdk_dynamodb, dynamodb, dynamodb_config);
        watch!(aws_sdk_sqs, sqs, sqs_config);
        watch!(aws_sdk_secretsmanager, secrets, secrets_config);
        let announcements = Announcements::default();
        let system = LocalSystem::on(
            embedded,
            LocalSettings {
                data_dir: None,
                time_scale: 1,
                clock: Arc::new(clock.clone()),
                ids: Arc::new(SeededIds::new(seed)),
                transport: Arc::new(transport.clone()),
                configuration_age: im_engine::IntegrationCache::FOR_AT_MOST,
                announcer: Arc::new(announcements.clone()),
                public_base_url: Some("https://im.example.com".to_owned()),
                local_organization: Some(ORGANIZATION.parse().expect("an id")),
                policy: im_local::Policy::built_in(),
            },
        );
        let stream = |table: &str| {
            Mutex::new(StreamPoller::new(
                system.embedded.streams.clone(),
                table.to_owned(),
            ))
        };
        Arc::new(Self {
            announcements,
            buried: Mutex::default(),
            deliveries: stream(&system.embedded.tables.deliveries),
            incidents: stream(&system.embedded.tables.sync),
            queues,
            lambda_sqs,
            io,
            announced: AtomicU32::new(0),
            clock,
            pagerduty,
            jira,
            servicenow,
            transport,
            system,
            calls,
        })
    }

    /// The sandboxes.
    pub fn vendors(&self) -> Vendors {
        Vendors {
            pagerduty: self.pagerduty.clone(),
            jira: self.jira.clone(),
            servicenow: self.servicenow.clone(),
        }
    }

    /// Sends a request through the gateway: real event JSON, real handler.
    pub async fn request(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.system.gateway.handle(request).await
    }

    /// Calls the management API as the local administrator.
    pub async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> Response<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body
            .map(|body| Bytes::from(body.to_string()))
            .unwrap_or_default();
        self.request(request.body(body).expect("a request")).await
    }

    /// The id of the integration with a vendor.
    pub fn integration_with(vendor: IntegrationType) -> &'static str {
        match vendor {
            IntegrationType::PagerDuty => INTEGRATION,
            IntegrationType::Jira => JIRA,
            IntegrationType::ServiceNow => SERVICENOW,
        }
    }

    /// Posts a webhook of a sandbox as it is; the status of the answer.
    pub async fn post(&self, vendor: IntegrationType, delivery: &WebhookDelivery) -> u16 {
        let integration = Self::integration_with(vendor);
        let url = delivery.url(&format!("/webhooks/{vendor}/{integration}"));
        let mut request = Request::post(url)
            .body(delivery.body.clone())
            .expect("a request");
        *request.headers_mut() = delivery.headers.clone();
        self.request(request).await.status().as_u16()
    }

    /// Posts a webhook of PagerDuty's.
    pub async fn webhook(&self, integration: &str, signature: &str, body: &[u8]) -> u16 {
        let request = Request::post(format!("/webhooks/pagerduty/{integration}"))
            .header("content-type", "application/json")
            .header("x-pagerduty-signature", signature)
            .body(Bytes::copy_from_slice(body))
            .expect("a request");
        self.request(request).await.status().as_u16()
    }

    /// PagerDuty announces a record of which nothing has changed.
    pub async fn announce(&self, record: &str) {
        let announced = self.announced.fetch_add(1, Ordering::Relaxed);
        let event = json!({"event": {
            "id": format!("NOTHING-NEW-{announced}"), "event_type": "incident.workflow.started",
            "resource_type": "incident", "occurred_at": null, "agent": null, "client": null,
            "data": {"id": record, "type": "incident"},
        }});
        let body = event.to_string();
        let signature = im_sandbox::pagerduty::sign("a-secret", body.as_bytes());
        let status = self.webhook(INTEGRATION, &signature, body.as_bytes()).await;
        assert_eq!(status, 202);
    }

    /// Creates an incident on the platform and returns its id.
    pub async fn create(&self, body: &Value) -> IncidentId {
        let created = self.api(Method::POST, "/incidents", Some(body)).await;
        assert_eq!(created.status(), 201, "{created:?}");
        let json: Value = serde_json::from_slice(created.body()).expect("JSON");
        json["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an incident id")
    }

    /// Changes an incident on the platform.
    pub async fn edit(&self, incident: &IncidentId, body: &Value) {
        let path = format!("/incidents/{incident}");
        let edited = self.api(Method::PATCH, &path, Some(body)).await;
        assert_eq!(edited.status(), 200, "{edited:?}");
    }

    /// Writes a note on the platform.
    pub async fn write_note(&self, id: &IncidentId, kind: NoteKind, text: &str) {
        let ports = &self.system.ports;
        let incidents = Incidents {
            store: ports.store.clone(),
            integrations: ports.store.clone(),
            clock: ports.clock.clone(),
            ids: ports.ids.clone(),
        };
        let organization = ORGANIZATION.parse().expect("an id");
        let ann = "ann@example.com".parse().expect("an actor");
        let written = incidents.write_note(
            &organization,
            &ann,
            id,
            im_engine::manage::NoteDraft {
                kind,
                text,
                key: None,
            },
            &|_| Ok(()),
        );
        written.await.expect("the note is written");
    }

    /// The notes of an incident as the store has them, oldest first.
    pub async fn notes(&self, id: &IncidentId) -> Vec<Note> {
        let notes = self.system.ports.store.notes(id).await;
        let mut notes = notes.expect("the store answers");
        notes.sort_by_key(|note| note.at);
        notes
    }

    /// An incident as the store has it.
    pub async fn incident(&self, id: &IncidentId) -> Incident {
        let found = self
            .system
            .ports
            .store
            .load(id)
            .await
            .expect("the store answers");
        found.expect("the incident exists")
    }

    /// What a field of an incident holds.
    pub async fn value(&self, id: &IncidentId, field: im_model::Field) -> Option<String> {
        self.incident(id)
            .await
            .value(&field)
            .as_str()
            .map(str::to_owned)
    }

    /// Every incident of the platform.
    pub async fn incidents(&self) -> Vec<Incident> {
        let organization = ORGANIZATION.parse().expect("an id");
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let store = &self.system.ports.store;
            let page = store
                .list(&organization, after.as_ref(), 100)
                .await
                .expect("a page");
            all.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.parse().expect("an incident id")),
                None => return all,
            }
        }
    }

    /// The only incident of the platform.
    pub async fn only_incident(&self) -> Incident {
        let mut all = self.incidents().await;
        assert_eq!(all.len(), 1, "{all:#?}");
        all.remove(0)
    }

    /// The vendor's id of an incident's record.
    pub async fn record_of(&self, id: &IncidentId) -> String {
        self.record_in(id, INTEGRATION).await
    }

    /// An integration's id of an incident's record.
    pub async fn record_in(&self, id: &IncidentId, integration: &str) -> String {
        let incident = self.incident(id).await;
        let link = incident
            .links
            .get(&integration.parse().expect("an id"))
            .expect("a link");
        link.external_id().expect("it is linked").to_string()
    }

    /// Every claim on an incident's links.
    pub async fn claims(&self, id: &IncidentId) -> Vec<Claim> {
        self.claims_in(id, INTEGRATION).await
    }

    /// Every claim on an incident's link in an integration.
    pub async fn claims_in(&self, id: &IncidentId, integration: &str) -> Vec<Claim> {
        let answer = self
            .system
            .embedded
            .dynamodb
            .query()
            .table_name(&self.system.embedded.tables.sync)
            .key_condition_expression("pk = :pk AND begins_with(sk, :claims)")
            .expression_attribute_values(":pk", AttributeValue::S(format!("INC#{id}")))
            .expression_attribute_values(
                ":claims",
                AttributeValue::S(format!("JOURNAL#{integration}#")),
            )
            .send()
            .await;
        let items = answer.expect("a query").items.unwrap_or_default();
        let claim = |item: std::collections::HashMap<_, _>| {
            serde_dynamo::from_item(serde_dynamo::Item::from(item)).expect("a claim")
        };
        items.into_iter().map(claim).collect()
    }

    /// Every delivery in the table.
    pub async fn stored_deliveries(&self) -> Vec<Delivery> {
        let client = &self.system.embedded.dynamodb;
        let table = &self.system.embedded.tables.deliveries;
        let items = client
            .scan()
            .table_name(table)
            .consistent_read(true)
            .send()
            .await;
        let items = items.expect("a scan").items.unwrap_or_default();
        let image = |item: std::collections::HashMap<_, _>| {
            im_store::image::delivery(serde_dynamo::Item::from(item)).expect("a delivery")
        };
        items.into_iter().map(image).collect()
    }

    /// What every accepted write to the vendor was: method and path, oldest first.
    pub fn writes(&self) -> Vec<String> {
        let writes = self.pagerduty.writes().into_iter();
        writes
            .map(|write| format!("{} {}", write.method, write.path))
            .collect()
    }

    /// What every accepted write to any vendor was.
    pub fn all_writes(&self) -> Vec<String> {
        let searches = |write: &RecordedRequest| write.path.ends_with("/search/jql");
        let mut writes = self.pagerduty.writes();
        writes.extend(self.jira.writes());
        writes.extend(self.servicenow.writes());
        writes.retain(|write| !searches(write));
        let name = |write: &RecordedRequest| format!("{} {}", write.method, write.path);
        writes.iter().map(name).collect()
    }

    /// How often the vendor was asked, by method, since the journal had this length.
    pub fn asked_since(&self, length: usize) -> BTreeMap<String, u32> {
        let mut asked = BTreeMap::new();
        for request in self.pagerduty.requests().into_iter().skip(length) {
            *asked.entry(request.method.to_string()).or_default() += 1;
        }
        asked
    }
}
