//! Links for what the vendor has. The first is made by an import, the others are copies of its items with other ids: the records
//! are all alike.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, StreamSpecification, StreamViewType, WriteRequest,
};
use im_tests::{SERVICENOW, World};

/// Items of a batch.
const AT_ONCE: usize = 25;

type Item = HashMap<String, AttributeValue>;

/// Links these records. Nothing streams meanwhile: the embedded tables number a stream's records by counting them.
pub async fn all(world: &Arc<World>, records: &[String]) {
    stream(world, false).await;
    copies(world, records).await;
    stream(world, true).await;
}

async fn stream(world: &World, enabled: bool) {
    let embedded = &world.system.embedded;
    let images = enabled.then_some(StreamViewType::NewAndOldImages);
    let specification = StreamSpecification::builder()
        .stream_enabled(enabled)
        .set_stream_view_type(images);
    let table = embedded
        .dynamodb
        .update_table()
        .table_name(&embedded.tables.sync)
        .stream_specification(specification.build().expect("complete"));
    table.send().await.expect("it answers");
}

async fn copies(world: &Arc<World>, records: &[String]) {
    let (first, rest) = records.split_first().expect("records");
    let incident = world.only_incident().await.id.to_string();
    let (state, entry) = (
        item(world, &format!("INC#{incident}"), "STATE").await,
        item(world, &format!("EXT#{SERVICENOW}#{first}"), "LINK").await,
    );
    let mut items = rest.iter().enumerate().flat_map(|(number, record)| {
        // Digits of a ULID's, so that they are ids, in order.
        let another = format!("{}{number:09}", &incident[..incident.len() - 9]);
        let copy = |item: &Item| {
            let pairs = item.iter();
            let copied = pairs.map(|(name, value)| {
                let value = renamed(value, &[(&incident, &another), (first, record)]);
                (name.clone(), value)
            });
            copied.collect::<Item>()
        };
        [copy(&state), copy(&entry)]
    });
    loop {
        let batch: Vec<_> = items.by_ref().take(AT_ONCE).collect();
        if batch.is_empty() {
            return;
        }
        let puts = batch.into_iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item)).build();
            WriteRequest::builder()
                .put_request(put.expect("an item"))
                .build()
        });
        let table = world.system.embedded.tables.sync.clone();
        let client = &world.system.embedded.dynamodb;
        let written = client
            .batch_write_item()
            .request_items(table, puts.collect());
        written.send().await.expect("it answers");
    }
}

async fn item(world: &World, pk: &str, sk: &str) -> Item {
    let embedded = &world.system.embedded;
    let got = embedded
        .dynamodb
        .get_item()
        .table_name(&embedded.tables.sync);
    let got = got
        .key("pk", AttributeValue::S(pk.to_owned()))
        .key("sk", AttributeValue::S(sk.to_owned()));
    let got = got.send().await.expect("it answers");
    got.item.unwrap_or_else(|| panic!("{pk} {sk}"))
}

fn renamed(value: &AttributeValue, names: &[(&str, &str)]) -> AttributeValue {
    match value {
        AttributeValue::S(text) => {
            let text = names
                .iter()
                .fold(text.clone(), |text, (from, to)| text.replace(from, to));
            AttributeValue::S(text)
        }
        AttributeValue::M(members) => AttributeValue::M(
            members
                .iter()
                .map(|(name, value)| (name.clone(), renamed(value, names)))
                .collect(),
        ),
        other => other.clone(),
    }
}
