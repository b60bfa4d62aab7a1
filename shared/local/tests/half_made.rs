//! The folder of the embedded database: whose it is, and what a process leaves that was killed while it made the tables.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use im_local::{DataFolder, Embedded};

/// The table as it is before its last step.
async fn unmake(embedded: &Embedded, table: &str) {
    let dynamodb = &embedded.dynamodb;
    let deleted = dynamodb.delete_table().table_name(table).send().await;
    deleted.expect("it is there");
    let key = KeySchemaElement::builder().attribute_name("pk");
    let key = key.key_type(KeyType::Hash).build().expect("a key");
    let attribute = AttributeDefinition::builder().attribute_name("pk");
    let attribute = attribute.attribute_type(ScalarAttributeType::S).build();
    let made = dynamodb
        .create_table()
        .table_name(table)
        .key_schema(key)
        .attribute_definitions(attribute.expect("an attribute"))
        .billing_mode(BillingMode::PayPerRequest);
    made.send().await.expect("made");
}

#[tokio::test]
async fn a_folder_is_one_processs_at_a_time() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("held");
    let first = DataFolder::hold(&folder).expect("it is free");
    let embedded = Embedded::start(Some(&first)).await.expect("it starts");
    drop(first);
    let second = DataFolder::hold(&folder);
    let refused = second.expect_err("the folder is in use").to_string();
    assert!(
        refused.contains("another process uses the folder"),
        "{refused}"
    );
    drop(embedded);
    DataFolder::hold(&folder).expect("it is free");
}

#[tokio::test]
async fn a_table_that_was_half_made_is_made_anew() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("half-made");
    let _ = std::fs::remove_dir_all(&folder);
    let folder = DataFolder::hold(folder).expect("it is free");
    let embedded = Embedded::start(Some(&folder)).await.expect("it starts");
    let table = embedded.tables.sync.clone();
    unmake(&embedded, &table).await;
    drop(embedded);
    let embedded = Embedded::start(Some(&folder))
        .await
        .expect("it starts again");
    let streams = embedded.streams.list_streams().table_name(&table).send();
    assert_eq!(streams.await.expect("listed").streams().len(), 1);
    let described = embedded.dynamodb.describe_table().table_name(&table).send();
    let table = described.await.expect("described").table.expect("a table");
    assert_eq!(table.key_schema().len(), 2, "as it is meant to be");
}
