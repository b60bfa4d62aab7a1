//! The management API.

use std::sync::Arc;

use im_api::{Api, Authenticator, Policy};
use im_engine::{
    RunStarter,
    manage::{
        Audits, Checks, Conflicts, DeadLetters, Deliveries, Histories, Incidents, Integrations,
        Links, Previews, Reconciliations, Removal, Rules, SyncStatuses, TriggerTests, VendorAccess,
    },
    ports::JobQueue,
};
use im_vendors::Reach;
use lambda_http::{Request, Service as _, service_fn};
use tracing::Instrument as _;

use super::{Ports, run_starter};
use crate::{
    Error, SecretsManagerVault, Settings, SqsJobQueue, SqsRunQueue, answer::Answer, aws,
    policy_from, telemetry, token_issuer::authenticator, trace,
};

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

/// Runs the management API.
pub async fn api() -> Result<(), Error> {
    telemetry::start();
    let settings = Settings::default();
    let config = aws::config_from_env()?;
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
    let router = &api_router(
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
    );
    lambda_http::run(service_fn(|request: Request| async move {
        // It is always ready, and answers whatever comes.
        let Ok(response) = router.clone().call(request).await;
        Answer::of(response).await
    }))
    .await
}
