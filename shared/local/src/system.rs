//! The functions on embedded AWS.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use im_api::{Authenticator, Expected, LoopbackAdministrator, Policy, TokenAuthenticator};
use im_engine::{
    Announcement, DeliveryRate, RetryLadder, StoreError,
    ports::{Announcer, Clock, Ids, Vault},
};
use im_model::{IntegrationType, OrganizationId};
use im_runtime::{
    ApiSettings, BatchFunction, DeadLetterFunction, DynamoStreams, KeyInVault, Ports,
    ReconcilerFunction, SecretsManagerVault, Source, SqsJobQueue, SqsQueue, SqsRunQueue,
    WebhookFunction, WebhookPorts, api_router, batch_function, dead_letter_recorder, reconciler_of,
    run_starter, sweeper, webhook_function,
};
use im_store::DynamoStore;
use im_vendors::Transport;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use crate::{
    DataFolder, Embedded, Function, Gateway, QueuePoller, StreamPoller, events,
    kept_secrets::KeptSecrets,
    open_work::{Left, OpenWork},
    poller::StreamRun,
};

/// What a local system is made with.
pub struct LocalSettings {
    /// Where the tables are kept; in memory if `None`.
    pub data_dir: Option<DataFolder>,
    /// How fast the clock runs.
    pub time_scale: u32,
    /// The clock itself.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// How vendors are reached.
    pub transport: Arc<dyn Transport>,
    /// How old an integration's configuration may be where the functions keep it.
    pub configuration_age: SignedDuration,
    /// Whom dead letters are announced to.
    pub announcer: Arc<dyn Announcer>,
    /// What webhook URLs start with.
    pub public_base_url: Option<String>,
    /// A caller without a token acts as a local administrator of this organization.
    pub local_organization: Option<OrganizationId>,
    /// Who may do what.
    pub policy: Policy,
}

/// The whole system.
pub struct LocalSystem {
    /// AWS.
    pub embedded: Embedded,
    /// What the functions stand on.
    pub ports: Ports,
    /// The webhook functions and `api`.
    pub gateway: Gateway,
    /// `inbound`.
    pub inbound: Arc<BatchFunction>,
    /// `outbound`.
    pub outbound: Arc<BatchFunction>,
    /// `dead-letter`.
    pub dead_letter: Arc<DeadLetterFunction>,
    /// `reconciler`.
    pub reconciler: Arc<ReconcilerFunction>,
}

/// Announces to nobody: the function's log says enough.
pub struct Unannounced;

#[async_trait]
impl Announcer for Unannounced {
    async fn announce(&self, _: &Announcement) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Each vendor's, by its name.
fn webhook_functions(ports: &Ports) -> Vec<(&'static str, Arc<WebhookFunction>)> {
    let standing_on = WebhookPorts {
        store: ports.store.clone(),
        vault: ports.vault.clone(),
        clock: ports.clock.clone(),
        configuration_age: ports.configuration_age,
    };
    let function = |vendor: &IntegrationType| {
        let prefix = LocalSystem::SECRET_PREFIX.to_owned();
        let rate = DeliveryRate::default();
        let function = webhook_function(*vendor, standing_on.clone(), prefix, rate);
        (vendor.as_str(), Arc::new(function))
    };
    IntegrationType::ALL.iter().map(function).collect()
}

impl LocalSystem {
    /// What the ids of local secrets start with.
    pub const SECRET_PREFIX: &str = "im/local/";
    /// Where the key of the local API's tokens is kept.
    pub const API_KEY_SECRET: &str = "im/local/api-jwt-key";

    /// Starts AWS and makes the functions; nothing runs by itself yet.
    pub async fn start(settings: LocalSettings) -> anyhow::Result<Self> {
        let embedded = Embedded::start(settings.data_dir.as_ref()).await?;
        let vault = SecretsManagerVault::new(embedded.secrets.clone());
        let vault: Arc<dyn Vault> = match &settings.data_dir {
            None => Arc::new(vault),
            Some(folder) => {
                Arc::new(KeptSecrets::restore(vault, folder.path().join("secrets.json")).await?)
            }
        };
        Ok(Self::with_vault(embedded, vault, settings))
    }

    /// Makes the functions on AWS that runs already.
    pub fn on(embedded: Embedded, settings: LocalSettings) -> Self {
        let vault = Arc::new(SecretsManagerVault::new(embedded.secrets.clone()));
        Self::with_vault(embedded, vault, settings)
    }

    fn with_vault(embedded: Embedded, vault: Arc<dyn Vault>, settings: LocalSettings) -> Self {
        let ports = Ports {
            store: Arc::new(
                DynamoStore::new(embedded.dynamodb.clone(), embedded.tables.clone())
                    .carrying(im_runtime::trace::current),
            ),
            vault,
            transport: settings.transport,
            clock: settings.clock.clone(),
            ids: settings.ids,
            configuration_age: settings.configuration_age,
        };
        let keys = SecretsManagerVault::new(embedded.secrets.clone());
        let key = Arc::new(KeyInVault::new(keys, Self::API_KEY_SECRET.to_owned()));
        let by_token = TokenAuthenticator::new(settings.clock.clone());
        let by_token = Arc::new(by_token.trusting_key(key, Expected::default()));
        let authenticator: Arc<dyn Authenticator> = match settings.local_organization {
            Some(organization) => Arc::new(LoopbackAdministrator::new(by_token, organization)),
            None => by_token,
        };
        let retries = SqsJobQueue::new(
            embedded.sqs.clone(),
            embedded.queues.outbound.clone(),
            ports.clock.clone(),
            settings.time_scale,
        );
        let runs = SqsRunQueue::new(
            embedded.sqs.clone(),
            embedded.queues.reconcile.clone(),
            settings.time_scale,
        );
        let starter = run_starter(&ports, Arc::new(runs));
        let api = api_router(
            &ports,
            Arc::new(retries),
            starter.clone(),
            ApiSettings {
                authenticator,
                policy: settings.policy,
                secret_prefix: Self::SECRET_PREFIX.to_owned(),
                webhook_base_url: settings.public_base_url,
                allow_loopback: true,
            },
        );
        let webhooks = webhook_functions(&ports);
        let function = |source, retries: &str| {
            let urls = (retries.to_owned(), embedded.queues.dead_letters.clone());
            let queue = SqsQueue::new(
                embedded.sqs.clone(),
                urls,
                ports.clock.clone(),
                settings.time_scale,
            );
            Arc::new(batch_function(
                source,
                &ports,
                Arc::new(queue),
                RetryLadder::default(),
                settings.announcer.clone(),
            ))
        };
        let dead_letter = DeadLetterFunction::new(
            dead_letter_recorder(
                &ports.store,
                ports.clock.clone(),
                settings.announcer.clone(),
            ),
            Arc::new(DynamoStreams::new(embedded.streams.clone())),
            embedded.tables.clone(),
        );
        let redriven = SqsJobQueue::new(
            embedded.sqs.clone(),
            embedded.queues.outbound.clone(),
            ports.clock.clone(),
            settings.time_scale,
        );
        let redriven = Arc::new(redriven);
        let reconciler = reconciler_of(
            &ports,
            starter.clone(),
            ports.transport.clone(),
            redriven.clone(),
            settings.announcer.clone(),
        );
        let sweeper = sweeper(&ports, redriven, starter);
        let reconciler = ReconcilerFunction::new(sweeper, reconciler);
        Self {
            dead_letter: Arc::new(dead_letter),
            reconciler: Arc::new(reconciler),
            gateway: Gateway {
                webhooks: webhooks.into_iter().collect(),
                api,
                clock: settings.clock,
            },
            inbound: function(Source::Deliveries, &embedded.queues.inbound),
            outbound: function(Source::Incidents, &embedded.queues.outbound),
            embedded,
            ports,
        }
    }

    /// What an earlier process left undone: deliveries that are open, incidents that owe somebody a change. Stream records
    /// that nobody was there to read, and messages that were in a queue, are not needed for it.
    pub async fn open_work(&self) -> anyhow::Result<OpenWork> {
        let tables = &self.embedded.tables;
        let left = async |table, function: &Arc<BatchFunction>| {
            anyhow::Ok(Left {
                items: self.embedded.open_items(table).await?,
                function: function.clone(),
            })
        };
        Ok(OpenWork {
            deliveries: left(&tables.deliveries, &self.inbound).await?,
            incidents: left(&tables.sync, &self.outbound).await?,
        })
    }

    /// Hands [`LocalSystem::open_work`] over.
    pub async fn bring_open_work(&self) -> anyhow::Result<()> {
        self.open_work().await?.bring().await;
        Ok(())
    }

    /// The keys of all that is open.
    pub async fn open_keys(&self) -> anyhow::Result<BTreeSet<String>> {
        let tables = &self.embedded.tables;
        let mut keys = BTreeSet::new();
        for table in [&tables.deliveries, &tables.sync] {
            let items = self.embedded.open_items(table).await?;
            let key = |item: &HashMap<String, AttributeValue>| item.get("pk")?.as_s().ok().cloned();
            keys.extend(items.iter().filter_map(key));
        }
        Ok(keys)
    }

    /// True if nothing is left to be done: no open delivery, no debt, nothing in a retry queue.
    pub async fn is_quiet(&self) -> anyhow::Result<bool> {
        if !self.open_keys().await?.is_empty() {
            return Ok(false);
        }
        let queues = &self.embedded.queues;
        for queue in [&queues.inbound, &queues.outbound] {
            if self.embedded.queued(queue).await? > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The event source mappings, from here on: what is in the streams already was another process's, and what that
    /// one left undone is brought by [`LocalSystem::bring_open_work`].
    pub async fn mappings(&self) -> anyhow::Result<Mappings> {
        let (tables, queues) = (&self.embedded.tables, &self.embedded.queues);
        let mut streams = Vec::new();
        for (table, name, function) in [
            (&tables.deliveries, "inbound", &self.inbound),
            (&tables.sync, "outbound", &self.outbound),
        ] {
            let mut poller = StreamPoller::new(self.embedded.streams.clone(), table.clone());
            poller.skip_present().await?;
            streams.push(StreamRun {
                mapping: poller.mapping(name).await?,
                poller,
                function: function.clone(),
                clock: self.ports.clock.clone(),
                sqs: self.embedded.sqs.clone(),
                destination: queues.dead_letters.clone(),
            });
        }
        let queue = |url: &str| QueuePoller::new(self.embedded.sqs.clone(), url.to_owned());
        let queues: Vec<(_, Arc<dyn Function>)> = vec![
            (queue(&queues.inbound), self.inbound.clone()),
            (queue(&queues.outbound), self.outbound.clone()),
            (queue(&queues.dead_letters), self.dead_letter.clone()),
            // Two at once: a long run of one integration is not to hold up another's.
            (
                queue(&queues.reconcile).one_by_one(),
                self.reconciler.clone(),
            ),
            (
                queue(&queues.reconcile).one_by_one(),
                self.reconciler.clone(),
            ),
        ];
        Ok(Mappings {
            streams,
            queues,
            reconciler: self.reconciler.clone(),
            clock: self.ports.clock.clone(),
        })
    }
}

/// Streams and queues with the functions they feed.
pub struct Mappings {
    streams: Vec<StreamRun>,
    queues: Vec<(QueuePoller, Arc<dyn Function>)>,
    reconciler: Arc<ReconcilerFunction>,
    clock: Arc<dyn Clock>,
}

impl Mappings {
    /// Runs them until the set is dropped.
    pub fn run(self) -> JoinSet<()> {
        const EVERY: Duration = Duration::from_millis(25);
        let mut tasks = JoinSet::new();
        for run in self.streams {
            tasks.spawn(run.run(EVERY));
        }
        for (poller, function) in self.queues {
            tasks.spawn(poller.run(function, EVERY));
        }
        tasks.spawn(every_minute(self.reconciler, self.clock, EVERY));
        tasks
    }
}

/// The schedule, by the system's own clock.
async fn every_minute(
    reconciler: Arc<ReconcilerFunction>,
    clock: Arc<dyn Clock>,
    look_every: Duration,
) {
    let minute = |now: Timestamp| now.as_second().div_euclid(60);
    let mut last = minute(clock.now());
    loop {
        tokio::time::sleep(look_every).await;
        let now = clock.now();
        if minute(now) == last {
            continue;
        }
        last = minute(now);
        if let Err(error) = reconciler.handle(&events::scheduled_event(now)).await {
            tracing::error!(%error, "the minute tick failed");
        }
    }
}
