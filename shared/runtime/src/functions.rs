//! The functions, put together from the environment.

use std::sync::Arc;

use aws_sdk_dynamodb::Client as DynamoDb;
use im_api::{Api, Authenticator, Policy};
use im_engine::{
    CredentialCache, DeadLetterRecorder, DeliveryAcceptor, DeliveryRate, IntegrationCache,
    JobRunner, Keyring, Pace, Reconciler, RetryLadder, RunStarter, Sweeper, SyncEngine,
    manage::{
        Audits, Checks, Conflicts, DeadLetters, Deliveries, Histories, Incidents, Integrations,
        Links, Previews, Reconciliations, Removal, Rules, SyncStatuses, TriggerTests, VendorAccess,
    },
    ports::{Announcer, Clock, Ids, JobQueue, RetryQueue, RunQueue, Vault},
};
use im_model::IntegrationType;
use im_store::DynamoStore;
use im_vendors::{Memory, Reach, Transport, registry};
use jiff::SignedDuration;
use lambda_http::service_fn;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use tracing::Instrument as _;

use crate::{
    BatchFunction, HttpTransport, RandomIds, SecretsManagerVault, Settings, Source, SqsJobQueue,
    SqsQueue, SqsRunQueue, SystemClock, WebhookFunction, aws, policy_from, telemetry,
    token_issuer::authenticator, trace,
};

/// Why a function could not start.
pub type Error = lambda_runtime::Error;

/// What every function stands on. `im dev` fills in its own.
#[derive(Clone)]
pub struct Ports {
    /// Both tables.
    pub store: Arc<DynamoStore>,
    /// Credentials.
    pub vault: Arc<dyn Vault>,
    /// How vendors are reached.
    pub transport: Arc<dyn Transport>,
    /// When.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How old an integration's configuration may be where the functions keep it.
    pub configuration_age: SignedDuration,
}

impl Ports {
    pub(crate) fn from_env(
        settings: &Settings,
        config: &aws_types::SdkConfig,
    ) -> Result<Self, Error> {
        let client = DynamoDb::new(config);
        let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(config))
            .encrypting_with(settings.secret_key());
        Ok(Self {
            store: Arc::new(DynamoStore::new(client, settings.tables()?).carrying(trace::current)),
            vault: Arc::new(vault),
            transport: Arc::new(HttpTransport::new(settings.reach())?),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            configuration_age: IntegrationCache::FOR_AT_MOST,
        })
    }

    fn configurations(&self) -> IntegrationCache {
        IntegrationCache::new(
            self.store.clone(),
            self.clock.clone(),
            self.configuration_age,
        )
    }

    fn credentials(&self) -> Arc<CredentialCache> {
        Arc::new(CredentialCache::new(self.vault.clone(), self.clock.clone()))
    }
}

/// A webhook function of a vendor. `secret_prefix` is what the ids of integrations' secrets start with.
pub fn webhook_function(
    integration_type: IntegrationType,
    ports: &Ports,
    secret_prefix: String,
    rate: DeliveryRate,
) -> WebhookFunction {
    WebhookFunction::new(DeliveryAcceptor {
        integration_type,
        source: registry::webhook_source(integration_type),
        keyring: Keyring::new(
            ports.store.clone(),
            ports.vault.clone(),
            ports.clock.clone(),
            ports.configuration_age,
            secret_prefix,
        ),
        rate,
        deliveries: ports.store.clone(),
        clock: ports.clock.clone(),
    })
}

/// `inbound` or `outbound`.
pub fn batch_function(
    source: Source,
    ports: &Ports,
    queue: Arc<dyn RetryQueue>,
    ladder: RetryLadder,
) -> BatchFunction {
    let engine = sync_engine(ports);
    let deliveries = (source == Source::Deliveries).then(|| ports.store.clone() as Arc<_>);
    let clock = ports.clock.clone();
    BatchFunction::new(
        source,
        JobRunner {
            engine,
            deliveries,
            queue,
            ladder,
            clock,
        },
    )
}

/// What syncs links.
fn sync_engine(ports: &Ports) -> SyncEngine {
    let (memory, pace) = pacing(ports);
    SyncEngine {
        store: ports.store.clone(),
        conflicts: ports.store.clone(),
        integrations: Arc::new(ports.configurations().with_circuits(pace.clone())),
        credentials: ports.credentials(),
        transport: trace::traced_vendors(ports.transport.clone()),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
        memory,
        pace,
        letters: ports.store.clone(),
    }
}

/// What starts reconciliation runs. `queue` wakes the reconciler for them.
pub fn run_starter(ports: &Ports, queue: Arc<dyn RunQueue>) -> RunStarter {
    RunStarter {
        runs: ports.store.clone(),
        queue,
        tasks: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
    }
}

/// What works on reconciliation runs. `transport` is for pages of many records, `retries` for links that could not be healed.
pub fn reconciler_of(
    ports: &Ports,
    starter: RunStarter,
    transport: Arc<dyn Transport>,
    retries: Arc<dyn JobQueue>,
) -> Reconciler {
    Reconciler {
        starter,
        engine: sync_engine(ports),
        lookup: ports.store.clone(),
        transport,
        retries,
    }
}

/// What a process learns of its vendors, and how it paces itself by it.
fn pacing(ports: &Ports) -> (Arc<Memory>, Arc<Pace>) {
    let memory: Arc<Memory> = Arc::default();
    let pace = Pace::new(ports.store.clone(), memory.clone(), ports.clock.clone());
    (memory, Arc::new(pace))
}

/// What makes entries of dead jobs.
pub fn dead_letter_recorder(ports: &Ports, announcer: Arc<dyn Announcer>) -> DeadLetterRecorder {
    DeadLetterRecorder {
        letters: ports.store.clone(),
        incidents: ports.store.clone(),
        deliveries: ports.store.clone(),
        tasks: ports.store.clone(),
        announcer,
        clock: ports.clock.clone(),
    }
}

/// What the minute tick does. `queue` is where retries of dead letters go.
pub fn sweeper(ports: &Ports, queue: Arc<dyn JobQueue>, starter: RunStarter) -> Sweeper {
    let (memory, pace) = pacing(ports);
    Sweeper {
        places: im_engine::Places::default(),
        tasks: ports.store.clone(),
        figures: ports.store.clone(),
        work: ports.store.clone(),
        letters: ports.store.clone(),
        incidents: ports.store.clone(),
        integrations: ports.store.clone(),
        credentials: ports.credentials(),
        transport: ports.transport.clone(),
        memory,
        pace,
        queue,
        starter,
        clock: ports.clock.clone(),
    }
}

/// What only the management API is told.
pub struct ApiSettings {
    /// Who tells who asks.
    pub authenticator: Arc<dyn Authenticator>,
    /// What tells who may do what.
    pub policy: Policy,
    /// What the ids of integrations' secrets start with.
    pub secret_prefix: String,
    /// Where the vendors' webhooks arrive, if it is known.
    pub webhook_base_url: Option<String>,
    /// Whether a vendor may be on this machine.
    pub allow_loopback: bool,
}

/// The management API's router. `retries` is where retries of dead letters go.
pub fn api_router(
    ports: &Ports,
    retries: Arc<dyn JobQueue>,
    starter: RunStarter,
    settings: ApiSettings,
) -> axum::Router {
    let ApiSettings {
        authenticator,
        policy,
        secret_prefix,
        webhook_base_url,
        allow_loopback,
    } = settings;
    let incidents = Arc::new(Incidents {
        store: ports.store.clone(),
        integrations: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
    });
    let vendors = Arc::new(VendorAccess {
        vault: ports.vault.clone(),
        transport: ports.transport.clone(),
        memory: Arc::default(),
        clock: ports.clock.clone(),
    });
    let integrations = Arc::new(Integrations {
        store: ports.store.clone(),
        audit: ports.store.clone(),
        vault: ports.vault.clone(),
        tasks: ports.store.clone(),
        clock: ports.clock.clone(),
        ids: ports.ids.clone(),
        vendors: vendors.clone(),
        secret_prefix,
    });
    let router = im_api::router(Api {
        links: Arc::new(Links {
            incidents: incidents.clone(),
            conflicts: ports.store.clone(),
            vendors: vendors.clone(),
        }),
        triggers: Arc::new(TriggerTests {
            integrations: integrations.clone(),
            incidents: incidents.clone(),
            vendors: vendors.clone(),
        }),
        previews: Arc::new(Previews {
            integrations: integrations.clone(),
            incidents: incidents.clone(),
            vendors: vendors.clone(),
        }),
        checks: Arc::new(Checks {
            integrations: integrations.clone(),
            vendors,
        }),
        conflicts: Arc::new(Conflicts {
            store: ports.store.clone(),
            incidents: incidents.clone(),
            integrations: integrations.clone(),
        }),
        histories: Arc::new(Histories {
            incidents: incidents.clone(),
        }),
        sync_statuses: Arc::new(SyncStatuses {
            integrations: ports.store.clone(),
            letters: ports.store.clone(),
            figures: ports.store.clone(),
            clock: ports.clock.clone(),
        }),
        dead_letters: Arc::new(DeadLetters {
            store: ports.store.clone(),
            incidents: ports.store.clone(),
            integrations: ports.store.clone(),
            queue: retries,
            clock: ports.clock.clone(),
            ids: ports.ids.clone(),
        }),
        deliveries: Arc::new(Deliveries {
            store: ports.store.clone(),
            integrations: ports.store.clone(),
            clock: ports.clock.clone(),
        }),
        audits: Arc::new(Audits {
            store: ports.store.clone(),
        }),
        rules: Arc::new(Rules {
            integrations: integrations.clone(),
        }),
        reconciliations: Arc::new(Reconciliations {
            integrations: integrations.clone(),
            starter,
        }),
        removal: Arc::new(Removal {
            incidents: incidents.clone(),
            integrations: integrations.clone(),
        }),
        incidents,
        integrations,
        authenticator,
        policy,
        webhook_base_url,
        allow_loopback,
    });
    router.layer(axum::middleware::from_fn(traced))
}

/// Each request is a span; it goes on with the caller's trace.
async fn traced(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let route = request.extensions().get::<axum::extract::MatchedPath>();
    let route = route.map_or("", axum::extract::MatchedPath::as_str);
    let method = request.method().as_str();
    let span = tracing::info_span!(
        "api",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    let carried = request.headers().get(trace::TRACEPARENT);
    trace::go_on(&span, carried.and_then(|carried| carried.to_str().ok()));
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", u64::from(status));
    drop(span);
    trace::flush().await;
    response
}

/// Runs a vendor's webhook function.
pub async fn webhook(integration_type: IntegrationType) -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let ports = Ports::from_env(&settings, &aws::config_from_env())?;
    let (prefix, rate) = (settings.secret_prefix()?, settings.webhook_rate()?);
    let function = &webhook_function(integration_type, &ports, prefix, rate);
    lambda_http::run(service_fn(|request| async move {
        Ok::<_, std::convert::Infallible>(function.handle(request).await)
    }))
    .await
}

/// Runs `inbound`: accepted deliveries, and its retry queue.
pub async fn inbound() -> Result<(), Error> {
    batch(Source::Deliveries).await
}

/// Runs `outbound`: changed incidents, and its retry queue.
pub async fn outbound() -> Result<(), Error> {
    batch(Source::Incidents).await
}

async fn batch(source: Source) -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env();
    let ports = Ports::from_env(&settings, &config)?;
    let client = aws_sdk_sqs::Client::new(&config);
    let queue = SqsQueue::new(client, settings.queues()?, ports.clock.clone(), 1);
    let function = &batch_function(source, &ports, Arc::new(queue), settings.retry_ladder()?);
    lambda_runtime::run(lambda_runtime::service_fn(
        |event: LambdaEvent<Value>| async move {
            function.handle(event.payload).await.map_err(Error::from)
        },
    ))
    .await
}

/// Runs the management API.
pub async fn api() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env();
    let ports = Ports::from_env(&settings, &config)?;
    let vault = SecretsManagerVault::new(aws_sdk_secretsmanager::Client::new(&config));
    let transport = ports.transport.clone();
    let authenticator = authenticator(&settings, vault, transport, ports.clock.clone())?;
    let policy = policy_from(settings.policy_folder().as_deref())?;
    let webhooks = settings.optional("PUBLIC_BASE_URL");
    let prefix = settings.secret_prefix()?;
    let queue = aws_sdk_sqs::Client::new(&config);
    let runs = SqsRunQueue::new(queue.clone(), settings.reconcile_queue()?, 1);
    let retries = SqsJobQueue::new(queue, settings.retry_queue()?, ports.clock.clone(), 1);
    lambda_http::run(api_router(
        &ports,
        Arc::new(retries),
        run_starter(&ports, Arc::new(runs)),
        ApiSettings {
            authenticator: Arc::new(authenticator),
            policy,
            secret_prefix: prefix,
            webhook_base_url: webhooks,
            allow_loopback: settings.reach() == Reach::PublicAndThisMachine,
        },
    ))
    .await
}
