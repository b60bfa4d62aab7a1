//! AWS in this process, spoken to by the real SDK.

use std::{collections::HashMap, path::Path};

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{Client as DynamoDb, types::AttributeValue};
use aws_sdk_dynamodbstreams::Client as Streams;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_sqs::{Client as Sqs, types::QueueAttributeName};
use aws_types::SdkConfig;
use dynoxide::Database;
use im_store::Tables;
use winterbaume_core::MockAws;
use winterbaume_secretsmanager::SecretsManagerService;
use winterbaume_sqs::SqsService;

/// URLs of the queues, as the template makes them.
#[derive(Debug, Clone)]
pub struct Queues {
    /// `inbound`'s own.
    pub inbound: String,
    /// `outbound`'s own.
    pub outbound: String,
    /// Where both send what is dead.
    pub dead_letters: String,
}

/// Tables, queues and secrets, ready to use.
#[derive(Clone)]
pub struct Embedded {
    /// How to reach DynamoDB, for clients of one's own.
    pub dynamodb_config: SdkConfig,
    /// How to reach SQS and Secrets Manager, for clients of one's own.
    pub other_config: SdkConfig,
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
}

impl Embedded {
    /// Starts them, in memory or with the tables in a folder.
    pub async fn start(data_dir: Option<&Path>) -> anyhow::Result<Self> {
        let database = match data_dir {
            None => Database::memory(),
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("creating the folder {}", folder.display()))?;
                Database::new(&folder.join("dynamodb.sqlite").to_string_lossy())
            }
        };
        let database = database.map_err(|error| anyhow::anyhow!("opening the tables: {error}"))?;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        tokio::spawn(dynoxide::server::serve_on(listener, database));
        let config = |endpoint, http_client| {
            let credentials = Credentials::new("local", "local", None, None, "local");
            im_runtime::aws::config(None, credentials, endpoint, http_client)
        };
        let plain = aws_smithy_http_client::Builder::new().build_http();
        let dynamodb_config = config(Some(endpoint), plain);
        let in_process = MockAws::builder()
            .with_service(SqsService::new())
            .with_service(SecretsManagerService::new())
            .build();
        let other_config = config(None, in_process.http_client());
        let dynamodb = DynamoDb::new(&dynamodb_config);
        let tables = Tables {
            deliveries: "im-deliveries".to_owned(),
            sync: "im-sync".to_owned(),
        };
        im_store::schema::create_tables(&dynamodb, &tables).await?;
        let sqs = Sqs::new(&other_config);
        Ok(Self {
            streams: Streams::new(&dynamodb_config),
            dynamodb,
            dynamodb_config,
            queues: queues(&sqs).await?,
            sqs,
            secrets: SecretsManager::new(&other_config),
            other_config,
            tables,
        })
    }
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

async fn queues(sqs: &Sqs) -> anyhow::Result<Queues> {
    let mut urls = Vec::new();
    for name in ["im-inbound-retry", "im-outbound-retry", "im-dead-letters"] {
        let created = sqs.create_queue().queue_name(name).send().await?;
        urls.push(
            created
                .queue_url
                .with_context(|| format!("queue {name} has no URL"))?,
        );
    }
    let [inbound, outbound, dead_letters] =
        <[String; 3]>::try_from(urls).map_err(|_| anyhow::anyhow!("three queues"))?;
    Ok(Queues {
        inbound,
        outbound,
        dead_letters,
    })
}
