//! Each function may do what it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            Intercept, context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint,
        },
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use http::{Method, Request};
use im_local::{
    Embedded, LocalSettings, LocalSystem, QueuePoller, StreamPoller,
    events::{queue_event, stream_event},
};
use im_model::IntegrationType;
use im_sandbox::{Fault, FaultRule, PagerDuty, PagerDutyConfig, pagerduty::Urgency};
use im_tests::{SandboxTransport, SeededIds, WorldClock};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::template::{resource, template_functions};

/// What was asked of AWS: IAM's name of the action, and on what.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Asked {
    pub(crate) fn take(&self) -> BTreeSet<(String, String)> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Asked {
    fn name(&self) -> &'static str {
        "Asked"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context
            .request()
            .headers()
            .get("x-amz-target")
            .ok_or("no target")?;
        let body: Value =
            serde_json::from_slice(context.request().body().bytes().unwrap_or(b"{}"))?;
        self.0
            .lock()
            .expect("not poisoned")
            .extend(actions(target, &body));
        Ok(())
    }
}

/// IAM knows a transaction or a batch by what it consists of.
fn actions(target: &str, body: &Value) -> Vec<(String, String)> {
    let (service, operation) = target.split_once('.').expect("a service");
    let text = |json: &Value| json.as_str().expect("a name").to_owned();
    match (service, operation) {
        ("DynamoDB_20120810", "TransactWriteItems") => {
            let items = body["TransactItems"].as_array().expect("items").iter();
            let parts = items.flat_map(|item| item.as_object().expect("an item"));
            let action = |(part, item): (&String, &Value)| {
                let check = part == "ConditionCheck";
                let action = if check {
                    "ConditionCheckItem"
                } else {
                    &format!("{part}Item")
                };
                (format!("dynamodb:{action}"), text(&item["TableName"]))
            };
            parts.map(action).collect()
        }
        ("DynamoDB_20120810", "BatchGetItem") => {
            let tables = body["RequestItems"].as_object().expect("tables").keys();
            tables
                .map(|table| ("dynamodb:BatchGetItem".to_owned(), table.clone()))
                .collect()
        }
        ("DynamoDB_20120810", _) => {
            let index = body["IndexName"]
                .as_str()
                .map(|index| format!("/index/{index}"));
            let on = text(&body["TableName"]) + &index.unwrap_or_default();
            vec![(format!("dynamodb:{operation}"), on)]
        }
        // An iterator is asked for to read with it, and does not name its stream.
        ("DynamoDBStreams_20120810", "GetShardIterator") => {
            let stream = text(&body["StreamArn"]);
            ["dynamodb:GetShardIterator", "dynamodb:GetRecords"]
                .map(|action| (action.to_owned(), stream.clone()))
                .to_vec()
        }
        ("DynamoDBStreams_20120810", "GetRecords") => Vec::new(),
        ("AWSEvents", _) => vec![(format!("events:{operation}"), EVENT_BUS.to_owned())],
        ("AmazonSQS", _) => vec![(format!("sqs:{operation}"), text(&body["QueueUrl"]))],
        ("secretsmanager", _) => {
            let id = if operation == "CreateSecret" {
                &body["Name"]
            } else {
                &body["SecretId"]
            };
            vec![(format!("secretsmanager:{operation}"), text(id))]
        }
        other => panic!("teach this test the service {other:?}"),
    }
}

/// What a role permits, on the template's logical names.
pub(crate) fn permissions(role: &str) -> BTreeSet<(String, String)> {
    let several = |json: &Value| {
        json.as_array()
            .cloned()
            .unwrap_or_else(|| vec![json.clone()])
    };
    let mut permitted = BTreeSet::new();
    for policy in several(&resource(role)["Policies"]) {
        for statement in several(&policy["PolicyDocument"]["Statement"]) {
            let statement = where_it_applies(&statement);
            assert_eq!(statement["Effect"], "Allow", "{role}");
            for action in several(&statement["Action"]) {
                let action = action.as_str().expect("an action").to_owned();
                assert!(!action.contains('*'), "{role} permits {action}");
                for on in several(&statement["Resource"]) {
                    permitted.insert((action.clone(), logical(&on)));
                }
            }
        }
    }
    permitted
}

/// A statement of its own, or one that a condition of the template adds.
pub(crate) fn where_it_applies(statement: &Value) -> &Value {
    match &statement["!If"] {
        Value::Null => statement,
        conditional => {
            assert_eq!(conditional[2], json!({"!Ref": "AWS::NoValue"}));
            &conditional[1]
        }
    }
}

/// The webhook functions are one code, so what one of them asks for, each does.
#[test]
fn every_webhook_role_permits_the_same() {
    let without_logs = |role: &str| {
        let mut permitted = permissions(role);
        permitted.retain(|(action, _)| !action.starts_with("logs:"));
        permitted
    };
    let watched = without_logs(WEBHOOK_ROLE);
    let role_of = |(name, _): (String, _)| name.replace("Function", "Role");
    let webhooks = template_functions()
        .into_iter()
        .filter(|(folder, _)| folder.starts_with("webhook-"));
    let roles: Vec<_> = webhooks.map(|(_, function)| role_of(function)).collect();
    assert!(roles.len() >= 3, "{roles:?}");
    for role in roles {
        assert_eq!(without_logs(&role), watched, "{role}");
    }
}

/// The role that is held against what its function asks for.
const WEBHOOK_ROLE: &str = "WebhookPagerDutyRole";

/// `!GetAtt SyncTable.Arn` and `!Sub "${SyncTable.Arn}/index/listing"` without what is said around the name.
fn logical(resource: &Value) -> String {
    let text = resource.as_object().and_then(|tag| tag.values().next());
    let text = text
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("a bare {resource}"));
    if text.ends_with("secret:im/${Stage}/integration/*") {
        return INTEGRATION_SECRETS.to_owned();
    }
    if text.ends_with(":event-bus/default") {
        return EVENT_BUS.to_owned();
    }
    text.replace("${", "")
        .replace(".Arn}", "")
        .replace(".Arn", "")
        .replace(".Id", "")
}

const INTEGRATION_SECRETS: &str = "the secrets of integrations";
const EVENT_BUS: &str = "the default event bus";

/// The system of `im-local`, watched while it asks AWS.
pub(crate) struct Watched {
    pub(crate) system: LocalSystem,
    pagerduty: PagerDuty,
    pub(crate) clock: WorldClock,
    pub(crate) asked: Asked,
    deliveries: StreamPoller,
    incidents: StreamPoller,
}

impl Watched {
    pub(crate) async fn new() -> Self {
        let (asked, clock) = (Asked::default(), WorldClock::default());
        let config = PagerDutyConfig::demo("a-token", "a-secret").clock(clock.clone());
        let pagerduty = PagerDuty::new(config);
        let mut embedded = Embedded::start(None).await.expect("embedded AWS starts");
        macro_rules! watch {
            ($service:ident, $client:ident, $config:ident) => {
                let config = $service::config::Builder::from(&embedded.$config);
                let config = config.interceptor(asked.clone()).build();
                embedded.$client = $service::Client::from_conf(config);
            };
        }
        watch!(aws_sdk_dynamodb, dynamodb, dynamodb_config);
        watch!(aws_sdk_secretsmanager, secrets, secrets_config);
        watch!(aws_sdk_sqs, sqs, sqs_config);
        let stream = |table: &str| StreamPoller::new(embedded.streams.clone(), table.to_owned());
        let deliveries = stream(&embedded.tables.deliveries);
        let incidents = stream(&embedded.tables.sync);
        let settings = LocalSettings {
            data_dir: None,
            time_scale: 1,
            clock: Arc::new(clock.clone()),
            ids: Arc::new(SeededIds::new(1)),
            transport: Arc::new(
                SandboxTransport::default().with(IntegrationType::PagerDuty, &pagerduty),
            ),
            configuration_age: im_engine::IntegrationCache::FOR_AT_MOST,
            announcer: Arc::new(im_local::Unannounced),
            public_base_url: None,
            local_organization: Some("acme".parse().expect("an id")),
            policy: im_local::Policy::built_in(),
        };
        let system = LocalSystem::on(embedded, settings);
        Self {
            system,
            pagerduty,
            clock,
            asked,
            deliveries,
            incidents,
        }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = Request::builder()
            .method(&method)
            .uri(format!("/api/v1{path}"));
        let request = request.header("content-type", "application/json");
        let request = request
            .header("idempotency-key", "permissions")
            .body(body.to_string().into());
        let answer = self
            .system
            .gateway
            .handle(request.expect("a request"))
            .await;
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
        serde_json::from_slice(answer.body()).expect("JSON")
    }

    pub(crate) async fn run_outbound(&mut self) {
        let records = self.incidents.poll().await.expect("records");
        let event = stream_event(&records).expect("a change");
        self.system
            .outbound
            .handle(event)
            .await
            .expect("an event of ours");
    }

    pub(crate) async fn run_reconciler(&self) {
        let embedded = &self.system.embedded;
        let sqs = aws_sdk_sqs::Client::new(&embedded.sqs_config);
        let poller = QueuePoller::new(sqs, embedded.queues.reconcile.clone());
        let messages = poller.receive().await.expect("the queue answers");
        assert!(!messages.is_empty(), "no run");
        let reconciled = self.system.reconciler.handle(&queue_event(&messages)).await;
        reconciled.expect("the store answers");
    }

    pub(crate) async fn run_inbound(&mut self) {
        let records = self.deliveries.poll().await.expect("records");
        let event = stream_event(&records).expect("a delivery");
        self.system
            .inbound
            .handle(event)
            .await
            .expect("an event of ours");
    }

    pub(crate) fn break_vendor(&self, method: &Method, fault: Option<&Fault>) {
        self.pagerduty.clear_faults();
        if let Some(fault) = fault {
            self.pagerduty
                .add_fault(FaultRule::always(fault.clone()).method(method));
        }
    }

    pub(crate) async fn trigger_and_deliver(&self) {
        self.pagerduty.drain_webhooks();
        let ann = self.pagerduty.person("ann@example.com");
        ann.trigger("Disk full", Urgency::High).expect("allowed");
        for webhook in self.pagerduty.drain_webhooks() {
            let mut request = Request::post("/webhooks/pagerduty/demo-pd").body(webhook.body);
            let request = request.as_mut().map(|request| {
                *request.headers_mut() = webhook.headers;
                std::mem::take(request)
            });
            let answer = self
                .system
                .gateway
                .handle(request.expect("a request"))
                .await;
            assert_eq!(answer.status(), 202);
        }
    }

    /// All that was asked since the last time, on the template's names.
    pub(crate) fn take_asked(&self) -> BTreeSet<(String, String)> {
        let asked = self.asked.take().into_iter();
        asked
            .map(|(action, on)| (action, self.in_template(&on)))
            .collect()
    }

    /// All that was asked since the last time was permitted to this role, and `expected` was among it.
    fn was_permitted(&self, role: &str, expected: &[(&str, String)]) {
        let asked = self.take_asked();
        let missing: Vec<_> = asked.difference(&permissions(role)).cloned().collect();
        assert!(missing.is_empty(), "{role} lacks {missing:?}");
        let mut expected = expected
            .iter()
            .map(|(action, on)| ((*action).to_owned(), on.clone()));
        let tried = expected.all(|expected| asked.contains(&expected));
        assert!(
            tried && !asked.is_empty(),
            "{role}: not what was expected: {asked:#?}"
        );
    }

    /// The template's logical name of what is here.
    fn in_template(&self, name: &str) -> String {
        let Embedded { tables, queues, .. } = &self.system.embedded;
        if name.starts_with(&format!("{}integration/", LocalSystem::SECRET_PREFIX)) {
            return INTEGRATION_SECRETS.to_owned();
        }
        if name == EVENT_BUS {
            return name.to_owned();
        }
        // arn:…:table/<name>/stream/<label>
        let stream = name.split('/').nth(1).filter(|_| name.contains("/stream/"));
        if let Some(table) = stream {
            return self.in_template(table) + ".StreamArn";
        }
        let logical = [
            (&tables.deliveries, "DeliveriesTable"),
            (&tables.sync, "SyncTable"),
            (&queues.inbound, "InboundRetryQueue"),
            (&queues.outbound, "OutboundRetryQueue"),
            (&queues.reconcile, "ReconcileQueue"),
            (&queues.dead_letters, "DeadLetterQueue"),
        ];
        let known = logical
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix.as_str()));
        let (prefix, logical) = known.unwrap_or_else(|| panic!("{name} is not in the template"));
        name.replacen(prefix.as_str(), logical, 1)
    }
}

/// Embedded AWS permits everything, and so does a stand-in for the cloud: what each function really asks for is held
/// against its role here.
#[tokio::test]
async fn roles_permit_what_the_functions_do() {
    let mut watched = Watched::new().await;
    let credentials = json!({
        "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
    });
    let integration = json!({
        "id": "demo-pd", "integration_type": "pagerduty", "name": "Demo",
        "base_url": "http://127.0.0.1:9", "options": {"service": "PSVC001"},
        "credentials": credentials,
    });
    watched
        .call(Method::POST, "/integrations", integration)
        .await;
    let rotated = json!({"credentials": credentials});
    watched
        .call(Method::PATCH, "/integrations/demo-pd", rotated)
        .await;
    let incident = json!({"title": "db down", "severity": "SEV-1"});
    let incident = watched.call(Method::POST, "/incidents", incident).await;
    let incident = format!("/incidents/{}", incident["id"].as_str().expect("an id"));
    watched
        .call(Method::PATCH, &incident, json!({"title": "db still down"}))
        .await;
    for path in [
        &incident,
        "/incidents",
        "/integrations",
        "/integrations/demo-pd",
    ] {
        watched.call(Method::GET, path, Value::Null).await;
    }
    let create = (
        "secretsmanager:CreateSecret",
        INTEGRATION_SECRETS.to_owned(),
    );
    watched.was_permitted("ApiRole", &[create]);

    let refused = Fault::RefuseWith {
        status: 400,
        body: Value::Null,
        headers: BTreeMap::new(),
    };
    for (fault, queue) in [
        (None, ""),
        (Some(Fault::TimeoutAfterCommit), "RetryQueue"),
        (Some(refused), "DeadLetterQueue"),
    ] {
        let sends_to = |function: &str| match (&fault, queue) {
            (None, _) => Vec::new(),
            (Some(_), "RetryQueue") => vec![("sqs:SendMessage", format!("{function}RetryQueue"))],
            (Some(_), queue) => vec![("sqs:SendMessage", queue.to_owned())],
        };
        // Writes fail for outbound, so that its claim stays open: the next round finds it, and by then it has ended.
        watched.clock.advance(SignedDuration::from_secs(600));
        let title = json!({"title": format!("db {queue}")});
        watched.call(Method::PATCH, &incident, title).await;
        watched.asked.take();
        watched.break_vendor(&Method::PUT, fault.as_ref());
        watched.run_outbound().await;
        let mut expected = sends_to("Outbound");
        if queue == "DeadLetterQueue" {
            expected.push(("dynamodb:Query", "SyncTable".to_owned()));
        }
        watched.was_permitted("OutboundRole", &expected);

        watched.trigger_and_deliver().await;
        let put = ("dynamodb:PutItem", "DeliveriesTable".to_owned());
        watched.was_permitted(WEBHOOK_ROLE, &[put]);
        watched.break_vendor(&Method::GET, fault.as_ref());
        watched.run_inbound().await;
        watched.was_permitted("InboundRole", &sends_to("Inbound"));
    }
}

/// The same for what people ask of the management API once there are links.
#[tokio::test]
async fn the_apis_role_permits_what_people_ask_of_it_later() {
    let mut watched = Watched::new().await;
    let integration = json!({
        "id": "demo-pd", "integration_type": "pagerduty", "name": "Demo",
        "base_url": "http://127.0.0.1:9", "options": {"service": "PSVC001"},
        "credentials": {
            "token": "a-token", "from_email": "oncall@example.com", "webhook_secret": "a-secret",
        },
    });
    watched
        .call(Method::POST, "/integrations", integration)
        .await;
    let incident = json!({"title": "db down", "severity": "SEV-1"});
    let incident = watched.call(Method::POST, "/incidents", incident).await;
    let incident = format!("/incidents/{}", incident["id"].as_str().expect("an id"));
    watched.run_outbound().await;
    let links = watched
        .call(Method::GET, &format!("{incident}/links"), Value::Null)
        .await;
    let first = links["items"][0]["external_id"].clone();
    watched.trigger_and_deliver().await;
    watched.run_inbound().await;
    let incidents = watched.call(Method::GET, "/incidents", Value::Null).await;
    let imported = &incidents["items"][1];
    let second = imported["links"][0]["external_id"].clone();
    let imported = format!("/incidents/{}", imported["id"].as_str().expect("an id"));
    watched.asked.take();
    for incident in [&incident, &imported] {
        let unlink = format!("{incident}/links?integration_id=demo-pd");
        watched.call(Method::DELETE, &unlink, Value::Null).await;
    }
    assert!(first.is_string() && first != second, "{first} {second}");
    let link = json!({"integration_id": "demo-pd", "external_id": second});
    watched
        .call(Method::POST, &format!("{incident}/links"), link)
        .await;
    let sync = || "SyncTable".to_owned();
    watched.was_permitted(
        "ApiRole",
        &[
            ("dynamodb:ConditionCheckItem", sync()),
            ("dynamodb:DeleteItem", sync()),
        ],
    );

    let list = "/deliveries?integration_id=demo-pd";
    let listed = watched.call(Method::GET, list, Value::Null).await;
    let delivery = listed["items"][0]["id"].as_str().expect("a delivery");
    let replay = format!("/deliveries/{delivery}/replay");
    watched.call(Method::POST, &replay, json!({})).await;
    watched.was_permitted(
        "ApiRole",
        &[
            ("dynamodb:Query", "DeliveriesTable/index/listing".to_owned()),
            ("dynamodb:UpdateItem", "DeliveriesTable".to_owned()),
        ],
    );

    let path = "/integrations/demo-pd";
    let test = format!("{path}/test");
    watched.call(Method::POST, &test, Value::Null).await;
    watched.call(Method::DELETE, path, Value::Null).await;
    let delete = (
        "secretsmanager:DeleteSecret",
        INTEGRATION_SECRETS.to_owned(),
    );
    watched.was_permitted("ApiRole", &[delete]);
}
