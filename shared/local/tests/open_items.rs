//! What an earlier process left open is found, however much it is.
#![allow(clippy::expect_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use im_local::Embedded;

#[tokio::test]
async fn open_items_of_several_pages_are_all_found() {
    const ITEMS: usize = 40;
    let embedded = Embedded::start(None).await.expect("it starts");
    let table = &embedded.tables.deliveries;
    // A page of a scan ends after 1 MB.
    let filler = "x".repeat(100 * 1024);
    for number in 0..ITEMS {
        let put = embedded.dynamodb.put_item().table_name(table);
        let put = put
            .item("pk", AttributeValue::S(format!("demo-pd#{number}")))
            .item("filler", AttributeValue::S(filler.clone()));
        let put = if number % 4 == 0 {
            put
        } else {
            put.item("open_since", AttributeValue::S("2026".to_owned()))
        };
        put.send().await.expect("it is put");
    }
    let page = embedded.dynamodb.scan().table_name(table).send().await;
    assert!(
        page.expect("a page").count < i32::try_from(ITEMS).expect("few"),
        "all of them fit in one page"
    );
    let open = embedded.open_items(table).await.expect("it is read");
    let keys: BTreeSet<_> = open.iter().map(|item| item["pk"].as_s().ok()).collect();
    assert_eq!((open.len(), keys.len()), (ITEMS * 3 / 4, ITEMS * 3 / 4));
}
