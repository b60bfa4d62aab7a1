//! Services that answer in this process answer as those behind a socket do.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client as DynamoDb,
    error::ProvideErrorMetadata,
    operation::{put_item::PutItemError, transact_write_items::TransactWriteItemsError},
    types::{
        AttributeValue, ConditionCheck, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem,
    },
};
use aws_sdk_dynamodbstreams::{Client as Streams, types::ShardIteratorType};
use aws_sdk_sqs::{Client as Sqs, types::QueueAttributeName};
use dynoxide::Database;
use im_engine::ports::Clock;
use im_local::{Embedded, InProcess, QueueService, TableService};
use im_store::Tables;
use jiff::{SignedDuration, Timestamp};

#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Hand {
    fn at_zero() -> Self {
        Self(Arc::new(Mutex::new(Timestamp::UNIX_EPOCH)))
    }

    fn advance(&self, seconds: i64) {
        *self.0.lock().expect("not poisoned") += SignedDuration::from_secs(seconds);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
}

fn config(
    endpoint: Option<String>,
    client: aws_types::sdk_config::SharedHttpClient,
) -> aws_types::SdkConfig {
    let credentials = aws_credential_types::Credentials::new("a", "b", None, None, "test");
    im_runtime::aws::config(None, credentials, endpoint, client)
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// What some operations answer, errors and stream included.
async fn story(config: &aws_types::SdkConfig) -> Vec<String> {
    let tables = Tables {
        deliveries: "deliveries".to_owned(),
        sync: "incidents".to_owned(),
    };
    let client = DynamoDb::new(config);
    let mut told = Vec::new();
    im_store::schema::create_tables(&client, &tables)
        .await
        .expect("tables");
    let put = |version: &str| {
        let put = client.put_item().table_name("incidents");
        put.item("pk", text("INC#1"))
            .item("sk", text("STATE"))
            .item("v", AttributeValue::N(version.to_owned()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
    };
    told.push(format!("{:?}", put("1").await.expect("stored").attributes));
    let refused = put("2").await.expect_err("a repeat").into_service_error();
    told.push(format!(
        "{:?} {}",
        refused.code(),
        refused.is_conditional_check_failed_exception()
    ));
    if let PutItemError::ConditionalCheckFailedException(it) = refused {
        let old: BTreeMap<_, _> = it.item.unwrap_or_default().into_iter().collect();
        told.push(format!("{old:?}"));
    }
    let updated = client
        .update_item()
        .table_name("incidents")
        .key("pk", text("INC#1"))
        .key("sk", text("STATE"))
        .update_expression("SET #v = #v + :one, wake = :wake")
        .expression_attribute_names("#v", "v")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":wake", text("now"))
        .return_values(ReturnValue::AllNew)
        .send()
        .await
        .expect("updated");
    let new: BTreeMap<_, _> = updated.attributes.unwrap_or_default().into_iter().collect();
    told.push(format!("{new:?}"));
    let check = ConditionCheck::builder()
        .table_name("incidents")
        .key("pk", text("INC#1"))
        .key("sk", text("STATE"))
        .condition_expression("attribute_not_exists(pk)")
        .build();
    let second = Put::builder()
        .table_name("incidents")
        .item("pk", text("INC#2"))
        .item("sk", text("STATE"))
        .build();
    let transaction = client
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .condition_check(check.expect("complete"))
                .build(),
        )
        .transact_items(
            TransactWriteItem::builder()
                .put(second.expect("complete"))
                .build(),
        )
        .send()
        .await
        .expect_err("one condition fails")
        .into_service_error();
    told.push(format!("{:?}", transaction.code()));
    if let TransactWriteItemsError::TransactionCanceledException(canceled) = transaction {
        told.push(format!("{:?}", canceled.cancellation_reasons));
    }
    let query = client
        .query()
        .table_name("incidents")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", text("INC#1"))
        .consistent_read(true)
        .send()
        .await
        .expect("a page");
    told.push(format!("{} of {}", query.count, query.scanned_count));
    let missing = client
        .get_item()
        .table_name("no-such-table")
        .key("pk", text("INC#1"))
        .send()
        .await
        .expect_err("no-such-table");
    told.push(format!("{:?} {:?}", missing.code(), missing.message()));
    told.extend(stream(config).await);
    told
}

async fn stream(config: &aws_types::SdkConfig) -> Vec<String> {
    let mut told = Vec::new();
    let streams = Streams::new(config);
    let listed = streams.list_streams().table_name("incidents").send().await;
    let listed = listed.expect("streams");
    let arn = listed.streams()[0].stream_arn().expect("an ARN");
    let described = streams.describe_stream().stream_arn(arn).send().await;
    let described = described.expect("a stream").stream_description;
    let shard = described.expect("a stream").shards.expect("shards")[0].clone();
    let iterator = streams
        .get_shard_iterator()
        .stream_arn(arn)
        .shard_id(shard.shard_id.expect("an id"))
        .shard_iterator_type(ShardIteratorType::TrimHorizon)
        .send()
        .await
        .expect("an iterator");
    let records = streams
        .get_records()
        .shard_iterator(iterator.shard_iterator.expect("an iterator"))
        .send()
        .await
        .expect("records");
    for record in records.records() {
        let change = record.dynamodb.as_ref().expect("a change");
        let image: BTreeMap<_, _> = change
            .new_image
            .clone()
            .unwrap_or_default()
            .into_iter()
            .collect();
        told.push(format!("{:?} {image:?}", record.event_name));
    }
    told
}

#[tokio::test]
async fn tables_answer_as_behind_a_socket() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(dynoxide::server::serve_on(
        listener,
        Database::memory().expect("memory"),
    ));
    let plain = aws_smithy_http_client::Builder::new().build_http();
    let behind_a_socket = story(&config(Some(endpoint), plain)).await;
    let tables = TableService::in_memory(Arc::new(Hand::at_zero())).expect("memory");
    let in_process = story(&config(None, InProcess::client(tables))).await;
    assert_eq!(in_process, behind_a_socket);
    assert!(in_process.len() >= 9, "{in_process:#?}");
    assert!(
        in_process[1].contains("ConditionalCheckFailed"),
        "{in_process:#?}"
    );
}

async fn receive(sqs: &Sqs, url: &str) -> Vec<(String, String)> {
    let answer = sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .send()
        .await;
    let messages = answer
        .expect("the queue answers")
        .messages
        .unwrap_or_default();
    let told = |message: aws_sdk_sqs::types::Message| {
        (
            message.body.unwrap_or_default(),
            message.receipt_handle.unwrap_or_default(),
        )
    };
    messages.into_iter().map(told).collect()
}

/// Delays, visibility and redrive, each on the given clock alone.
#[tokio::test]
async fn a_message_waits_hides_and_dies_by_the_clock() {
    let clock = Hand::at_zero();
    let (embedded, queues) = Embedded::on_clock(Arc::new(clock.clone()))
        .await
        .expect("AWS");
    let (sqs, url) = (&embedded.sqs, &embedded.queues.inbound);
    let send = |body: &str, delay| {
        sqs.send_message()
            .queue_url(url)
            .message_body(body)
            .delay_seconds(delay)
            .send()
    };
    send("late", 60).await.expect("sent");
    send("now", 0).await.expect("sent");
    let first = receive(sqs, url).await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].0, "now");
    assert_eq!(receive(sqs, url).await, [], "it is hidden");
    sqs.delete_message()
        .queue_url(url)
        .receipt_handle(&first[0].1)
        .send()
        .await
        .expect("done");
    clock.advance(59);
    assert_eq!(receive(sqs, url).await, []);
    clock.advance(1);
    for reception in 1..=5 {
        assert_eq!(receive(sqs, url).await.len(), 1, "reception {reception}");
        clock.advance(89);
        assert_eq!(receive(sqs, url).await, [], "hidden for 90 s");
        clock.advance(1);
    }
    assert_eq!(receive(sqs, url).await, [], "five are enough");
    assert_eq!(queues.messages(url), []);
    let dead = queues.messages(&embedded.queues.dead_letters);
    assert_eq!(
        dead.iter().map(|it| it.body.as_str()).collect::<Vec<_>>(),
        ["late"]
    );
    let counts = sqs
        .get_queue_attributes()
        .queue_url(&embedded.queues.dead_letters)
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .expect("counts");
    let counts = counts.attributes.expect("counts");
    assert_eq!(
        counts[&QueueAttributeName::ApproximateNumberOfMessages],
        "1"
    );
}

/// A queue of the other make, for the same things as far as they need no time.
#[tokio::test]
async fn queues_answer_as_the_other_make_does() {
    let (on_clock, queues) = Embedded::on_clock(Arc::new(Hand::at_zero()))
        .await
        .expect("AWS");
    let other = Embedded::start(None).await.expect("AWS");
    assert_eq!(on_clock.queues.inbound, other.queues.inbound);
    let mut told = Vec::new();
    for embedded in [&on_clock, &other] {
        let (sqs, url) = (&embedded.sqs, &embedded.queues.inbound);
        sqs.send_message()
            .queue_url(url)
            .message_body("a")
            .send()
            .await
            .expect("sent");
        sqs.send_message()
            .queue_url(url)
            .message_body("b")
            .delay_seconds(600)
            .send()
            .await
            .expect("sent");
        let received = receive(sqs, url).await;
        let bodies: Vec<_> = received.iter().map(|it| it.0.clone()).collect();
        let before = embedded.queued(url).await.expect("a count");
        for (_, handle) in received {
            sqs.delete_message()
                .queue_url(url)
                .receipt_handle(handle)
                .send()
                .await
                .expect("done");
        }
        let after = embedded.queued(url).await.expect("a count");
        let unknown = sqs
            .receive_message()
            .queue_url("https://sqs.us-east-1.amazonaws.com/123456789012/none")
            .send()
            .await;
        let unknown = unknown.expect_err("no such queue").into_service_error();
        told.push((bodies, before, after, unknown.is_queue_does_not_exist()));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], (vec!["a".to_owned()], 2, 1, true));
    let _: &QueueService = &queues;
}
