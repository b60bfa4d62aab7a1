//! Where an integration's credentials are sent.

use http::Method;
use im_tests::World;
use serde_json::json;

use super::{call, errors, get};

/// Else whoever may change an integration could have its credentials sent to a server of their own.
#[tokio::test]
async fn another_server_needs_the_credentials_again() {
    let world = World::new().await;
    let path = "/integrations/demo-pd";
    let (_, before) = get(&world, path).await;
    let elsewhere = "https://collector.example.com";
    let address = json!({"base_url": elsewhere});
    let token_alone = json!({"base_url": elsewhere, "credentials": {"token": "t"}});
    for change in [&address, &token_alone] {
        let refused = call(&world, Method::PATCH, path, Some(change)).await;
        let why = "another server needs the credentials again: token, from_email";
        assert_eq!(
            (refused.0, errors(&refused)),
            (422, vec![("base_url", why)])
        );
        assert_eq!(get(&world, path).await.1["base_url"], before["base_url"]);
    }
    let again = json!({
        "base_url": elsewhere, "credentials": {"token": "t", "from_email": "a@example.com"},
    });
    let (status, changed) = call(&world, Method::PATCH, path, Some(&again)).await;
    assert_eq!((status, &changed["base_url"]), (200, &json!(elsewhere)));
}
