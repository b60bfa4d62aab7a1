//! The tables, for where no template creates them. The template is the truth; a test holds this to it.

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    },
};
use im_engine::StoreError;

use crate::{Tables, failed};

/// Index of incidents and integrations by organization; in the other table, of deliveries by integration.
pub const LISTING: &str = "listing";
/// Index of incidents that owe somebody a change.
pub const PENDING: &str = "pending";
/// Index of deliveries that are not done.
pub const OPEN: &str = "open";

/// Creates both tables, unless they exist.
pub async fn create_tables(client: &Client, tables: &Tables) -> Result<(), StoreError> {
    let deliveries = Table {
        name: &tables.deliveries,
        key: &["pk"],
        indexes: &[
            Index {
                holds: &["disposition"],
                ..Index::keys_only(LISTING, ["integration", "received_at"])
            },
            Index::keys_only(OPEN, ["open_shard", "open_since"]),
        ],
        stream: StreamViewType::NewImage,
    };
    let sync = Table {
        name: &tables.sync,
        key: &["pk", "sk"],
        indexes: &[
            Index::keys_only(LISTING, ["listing_pk", "listing_sk"]),
            Index::keys_only(PENDING, ["pending_shard", "pending_since"]),
        ],
        stream: StreamViewType::NewAndOldImages,
    };
    create(client, &deliveries).await?;
    create(client, &sync).await
}

struct Table<'a> {
    name: &'a str,
    key: &'a [&'a str],
    indexes: &'a [Index<'a>],
    stream: StreamViewType,
}

struct Index<'a> {
    name: &'a str,
    key: [&'a str; 2],
    /// Attributes that it holds besides keys.
    holds: &'a [&'a str],
}

impl<'a> Index<'a> {
    const fn keys_only(name: &'a str, key: [&'a str; 2]) -> Self {
        Self {
            name,
            key,
            holds: &[],
        }
    }

    fn projection(&self) -> Projection {
        let projection = Projection::builder();
        let projection = if self.holds.is_empty() {
            projection.projection_type(ProjectionType::KeysOnly)
        } else {
            let held = self.holds.iter().copied().map(str::to_owned).collect();
            projection
                .projection_type(ProjectionType::Include)
                .set_non_key_attributes(Some(held))
        };
        projection.build()
    }
}

async fn create(client: &Client, table: &Table<'_>) -> Result<(), StoreError> {
    let broken = |error: aws_sdk_dynamodb::error::BuildError| StoreError {
        tried: "create the table",
        on: table.name.to_owned(),
        detail: error.to_string(),
    };
    let keys = |names: &[&str]| {
        let kinds = [KeyType::Hash, KeyType::Range];
        let keys = names.iter().zip(kinds).map(|(name, kind)| {
            KeySchemaElement::builder()
                .attribute_name(*name)
                .key_type(kind)
                .build()
        });
        keys.collect::<Result<Vec<_>, _>>()
    };
    let mut request = client
        .create_table()
        .table_name(table.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_key_schema(Some(keys(table.key).map_err(broken)?))
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(table.stream.clone())
                .build()
                .map_err(broken)?,
        );
    let attributes = table
        .key
        .iter()
        .chain(table.indexes.iter().flat_map(|index| &index.key));
    for attribute in attributes {
        let definition = AttributeDefinition::builder()
            .attribute_name(*attribute)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .map_err(broken)?;
        request = request.attribute_definitions(definition);
    }
    for index in table.indexes {
        let index = GlobalSecondaryIndex::builder()
            .index_name(index.name)
            .set_key_schema(Some(keys(&index.key).map_err(broken)?))
            .projection(index.projection())
            .build()
            .map_err(broken)?;
        request = request.global_secondary_indexes(index);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(aws_sdk_dynamodb::operation::create_table::CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(failed("create the table", table.name, &error)),
    }
}
