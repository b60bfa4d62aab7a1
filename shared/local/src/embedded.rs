//! AWS in this process, spoken to by the real SDK.

use std::{collections::HashMap, sync::Arc};

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{Client as DynamoDb, types::AttributeValue};
use aws_sdk_dynamodbstreams::Client as Streams;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_sqs::{Client as Sqs, types::QueueAttributeName};
use aws_types::{SdkConfig, sdk_config::SharedHttpClient};
use im_engine::ports::Clock;
use im_runtime::SystemClock;
use im_store::Tables;
use serde_json::json;
use winterbaume_core::MockAws;
use winterbaume_secretsmanager::SecretsManagerService;
use winterbaume_sqs::SqsService;

use crate::{DataFolder, InProcess, QueueService, TableService};

/// URLs of the queues, as the template makes them.
#[derive(Debug, Clone)]
pub struct Queues {
    /// `inbound`'s own.
    pub inbound: String,
    /// `outbound`'s own.
    pub outbound: String,
    /// What wakes the reconciler for its runs.
    pub reconcile: String,
    /// Where both send what is dead.
    pub dead_letters: String,
}

/// Tables, queues and secrets, ready to use.
#[derive(Clone)]
pub struct Embedded {
    /// How to reach DynamoDB, for clients of one's own.
    pub dynamodb_config: SdkConfig,
    /// How to reach SQS, for clients of one's own.
    pub sqs_config: SdkConfig,
    /// How to reach Secrets Manager, for clients of one's own.
    pub secrets_config: SdkConfig,
    /// The tables.
    pub dynamodb: DynamoDb,
    /// Their streams.
    pub streams: Streams,
    /// The queues.
    pub sqs: Sqs,
    /// The secrets.
    pub secrets: SecretsManager,
    /// The tables' names.
    pub tables: Tables,
    /// The queues' URLs.
    pub queues: Queues,
    /// Keeps other processes out of the folder.
    _held: Option<DataFolder>,
}

impl Embedded {
    /// Starts them on the machine's time, in memory or with the tables in a folder.
    ///
    /// # Errors
    /// What the folder holds cannot be used.
    pub async fn start(data_dir: Option<&DataFolder>) -> anyhow::Result<Self> {
        let tables = match data_dir {
            None => TableService::in_memory(Arc::new(SystemClock))?,
            Some(folder) => TableService::in_file(&folder.path().join("dynamodb.sqlite"))?,
        };
        let tables = InProcess::client(tables.without_tokens());
        let queues = MockAws::builder().with_service(SqsService::new()).build();
        let started = Self::on(tables, queues.http_client()).await?;
        Ok(Self {
            _held: data_dir.cloned(),
            ..started
        })
    }

    /// Starts them in memory on this clock: what delays, hides and dates things there asks no other.
    pub async fn on_clock(clock: Arc<dyn Clock>) -> anyhow::Result<(Self, QueueService)> {
        let tables = TableService::in_memory(clock.clone())?;
        let queues = QueueService::new(clock);
        let clients = (InProcess::client(tables), InProcess::client(queues.clone()));
        Ok((Self::on(clients.0, clients.1).await?, queues))
    }

    async fn on(tables: SharedHttpClient, queues: SharedHttpClient) -> anyhow::Result<Self> {
        let config = |http_client| {
            let credentials = Credentials::new("local", "local", None, None, "local");
            let http_client = im_runtime::trace::traced_aws(http_client);
            im_runtime::aws::config(None, credentials, None, http_client)
        };
        let secrets = MockAws::builder()
            .with_service(SecretsManagerService::new())
            .build();
        let dynamodb_config = config(tables);
        let sqs_config = config(queues);
        let secrets_config = config(secrets.http_client());
        let dynamodb = DynamoDb::new(&dynamodb_config);
        let tables = Tables {
            deliveries: "im-deliveries".to_owned(),
            sync: "im-sync".to_owned(),
        };
        let streams = Streams::new(&dynamodb_config);
        drop_half_made(&dynamodb, &streams, &tables).await?;
        im_store::schema::create_tables(&dynamodb, &tables).await?;
        let sqs = Sqs::new(&sqs_config);
        Ok(Self {
            streams,
            dynamodb,
            dynamodb_config,
            queues: Queues::create(&sqs).await?,
            sqs,
            sqs_config,
            secrets: SecretsManager::new(&secrets_config),
            secrets_config,
            tables,
            _held: None,
        })
    }
}

/// The embedded database makes a table in several steps, the stream last: a process that is killed between them leaves one
/// that nobody can have used, and that has no stream.
async fn drop_half_made(
    dynamodb: &DynamoDb,
    streams: &Streams,
    tables: &Tables,
) -> anyhow::Result<()> {
    let made = dynamodb.list_tables().send().await?;
    for table in [&tables.deliveries, &tables.sync] {
        if !made.table_names().contains(table) {
            continue;
        }
        let of_table = streams.list_streams().table_name(table).send().await?;
        if of_table.streams().is_empty() {
            dynamodb.delete_table().table_name(table).send().await?;
        }
    }
    Ok(())
}

impl Embedded {
    /// The items of a table that wait for somebody, found by scanning: tables here are small.
    pub async fn open_items(
        &self,
        table: &str,
    ) -> anyhow::Result<Vec<HashMap<String, AttributeValue>>> {
        let (mut open, mut start) = (Vec::new(), None);
        loop {
            let page = self
                .dynamodb
                .scan()
                .table_name(table)
                .consistent_read(true)
                .filter_expression(
                    "attribute_exists(open_since) OR attribute_exists(pending_since)",
                )
                .set_exclusive_start_key(start)
                .send()
                .await?;
            open.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                Some(next) => start = Some(next),
                None => return Ok(open),
            }
        }
    }

    /// How many messages a queue holds, those included that wait or are being worked on.
    pub async fn queued(&self, queue: &str) -> anyhow::Result<u64> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(queue)
            .set_attribute_names(Some(counts.to_vec()))
            .send()
            .await?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| {
            attributes
                .get(name)
                .and_then(|count: &String| count.parse::<u64>().ok())
        };
        Ok(counts.iter().filter_map(count).sum())
    }
}

impl Queues {
    /// How long a received message is hidden from others (`VisibilityTimeout`), in seconds.
    pub const VISIBILITY_SECONDS: u32 = 90;
    /// The same of the reconciler's queue.
    pub const RUN_VISIBILITY_SECONDS: u32 = 720;
    /// After this many receptions a message goes to the dead letters (`maxReceiveCount`).
    pub const MOST_RECEPTIONS: u32 = 5;

    /// As the template makes them; a test compares the two.
    async fn create(sqs: &Sqs) -> anyhow::Result<Self> {
        let dead_letters = create_queue(sqs, "im-dead-letters", HashMap::new()).await?;
        let attributes = sqs
            .get_queue_attributes()
            .queue_url(&dead_letters)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await?;
        let arn = attributes
            .attributes()
            .and_then(|attributes| attributes.get(&QueueAttributeName::QueueArn))
            .context("the dead letters have no ARN")?;
        let redrive = json!({
            "deadLetterTargetArn": arn,
            "maxReceiveCount": Self::MOST_RECEPTIONS,
        });
        let attributes = HashMap::from([
            (
                QueueAttributeName::VisibilityTimeout,
                Self::VISIBILITY_SECONDS.to_string(),
            ),
            (QueueAttributeName::RedrivePolicy, redrive.to_string()),
        ]);
        let reconcile = HashMap::from([(
            QueueAttributeName::VisibilityTimeout,
            Self::RUN_VISIBILITY_SECONDS.to_string(),
        )]);
        Ok(Self {
            inbound: create_queue(sqs, "im-inbound-retry", attributes.clone()).await?,
            outbound: create_queue(sqs, "im-outbound-retry", attributes).await?,
            reconcile: create_queue(sqs, "im-reconcile", reconcile).await?,
            dead_letters,
        })
    }
}

async fn create_queue(
    sqs: &Sqs,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> anyhow::Result<String> {
    let created = sqs
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes))
        .send()
        .await?;
    created
        .queue_url
        .with_context(|| format!("queue {name} has no URL"))
}
