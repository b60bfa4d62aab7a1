//! Lists come in pages: `{"items": […], "next": cursor}`.

use serde_json::{Value, json};

use crate::client::{Client, ClientError};

/// The items of a list's answer.
pub fn items(list: &Value) -> &[Value] {
    list.get("items")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The cursor of a list's next page, if there is one.
pub fn next(list: &Value) -> Option<&str> {
    list.get("next")
        .and_then(Value::as_str)
        .filter(|cursor| !cursor.is_empty())
}

/// One page.
pub async fn one(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Value, ClientError> {
    let page = client.get(path, query).await?;
    if page.get("items").is_some_and(Value::is_array) {
        Ok(page)
    } else {
        Err(client.unreadable("not with a list of items"))
    }
}

/// Every page, as one.
pub async fn all(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Value, ClientError> {
    let mut everything = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = one(client, path, &query).await?;
        everything.extend_from_slice(items(&page));
        let next = next(&page).map(str::to_owned);
        if next.is_none() {
            return Ok(json!({"items": everything, "next": null}));
        }
        if next == cursor {
            return Err(client.unreadable("its list does not end: the next page is the same again"));
        }
        cursor = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_api::TestApi;

    #[tokio::test]
    async fn all_pages_become_one() {
        let api = TestApi::start().await;
        api.answer(
            "GET /api/v1/incidents?limit=2",
            200,
            &json!({"items": [1, 2], "next": "c=1"}),
        );
        let second = json!({"items": [3], "next": null});
        api.answer("GET /api/v1/incidents?limit=2&cursor=c%3D1", 200, &second);
        let list = all(&api.client(None), &["incidents"], &[("limit", "2")]).await;
        assert_eq!(
            list.expect("a list"),
            json!({"items": [1, 2, 3], "next": null})
        );
    }

    #[tokio::test]
    async fn a_list_that_does_not_end_or_is_none_is_an_error() {
        let api = TestApi::start().await;
        api.answer("GET /api/v1/a", 200, &json!({"items": [], "next": "same"}));
        api.answer(
            "GET /api/v1/a?cursor=same",
            200,
            &json!({"items": [], "next": "same"}),
        );
        api.answer("GET /api/v1/b", 200, &json!({"id": "a"}));
        for path in ["a", "b"] {
            let error = all(&api.client(None), &[path], &[]).await.expect_err(path);
            assert!(matches!(error, ClientError::Unreadable { .. }), "{error}");
        }
    }
}
