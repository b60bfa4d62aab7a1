//! Comments and their properties.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::caller::{ANN, OWN, Site, adf, site};

fn comment(site: &Site, key: &str, body: &Value) -> String {
    let (status, answer) = site.post(&format!("issue/{key}/comment"), body);
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_comment_is_public_unless_its_property_says_otherwise() {
    let site = site();
    let key = site.created(&json!({}));
    let path = format!("issue/{key}/comment");
    let (status, public) = site.post(&path, &json!({"body": adf("Looking")}));
    assert_eq!((status, &public["jsdPublic"]), (201, &json!(true)));
    assert_eq!(public["body"], adf("Looking"));
    assert_eq!(public["author"]["accountId"], OWN);
    assert_eq!(public["created"], "2026-01-02T03:04:05.678+0000");
    assert_eq!(public.get("properties"), None);
    let properties = json!([
        {"key": "sd.public.comment", "value": {"internal": true}},
        {"key": "im.origin", "value": {"id": "n-1"}},
    ]);
    let internal = json!({"body": adf("Ours"), "properties": properties});
    let (_, internal) = site.post(&format!("{path}?expand=properties"), &internal);
    assert_eq!(internal["jsdPublic"], false);
    assert_eq!(internal["properties"].as_array().unwrap().len(), 2);
    // Only Jira writes it; what a client sends is ignored.
    let tried = json!({"body": adf("Tried"), "jsdPublic": false});
    assert_eq!(site.post(&path, &tried).1["jsdPublic"], true);
    assert!(site.jira.comments(&key)[1].is_internal());
    let id = internal["id"].as_str().unwrap();
    let read = site.get(&format!("{path}/{id}?expand=properties")).1;
    assert_eq!(read["properties"], internal["properties"]);
    assert_eq!(site.get(&format!("{path}/{id}")).1.get("properties"), None);
}

#[test]
fn a_body_is_a_document_that_says_something() {
    let site = site();
    let key = site.created(&json!({}));
    site.jira.drain_webhooks();
    let path = format!("issue/{key}/comment");
    let listless =
        json!({"type": "doc", "version": 1, "content": [{"type": "listItem", "content": []}]});
    let empty_text = json!({"type": "doc", "version": 1, "content": [
        {"type": "paragraph", "content": [{"type": "text", "text": ""}]},
    ]});
    for (body, words) in [
        (json!("text"), "Comment body is not valid!"),
        (Value::Null, "Comment body is not valid!"),
        (listless, "Comment body is not valid!"),
        (empty_text, "Comment body is not valid!"),
        (
            json!({"type": "doc", "version": 1, "content": []}),
            "Comment body can not be empty!",
        ),
        (
            adf(&"x".repeat(32_768)),
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        ),
    ] {
        let (status, answer) = site.post(&path, &json!({ "body": body }));
        assert_eq!((status, &answer["errors"]["comment"]), (400, &json!(words)));
    }
    assert_eq!(site.post(&path, &json!({})).0, 400);
    assert_eq!(
        site.post(&path, &json!({"body": adf("x"), "internal": true}))
            .0,
        400
    );
    assert_eq!(
        site.post(&path, &json!({"body": adf("x"), "properties": {}}))
            .0,
        400
    );
    assert_eq!(
        site.post("issue/OPS-9/comment", &json!({"body": adf("x")}))
            .0,
        404
    );
    assert_eq!(
        (site.jira.comments(&key).len(), site.events().len()),
        (0, 0)
    );
}

#[test]
fn comments_are_listed_by_page_and_either_way() {
    let site = site();
    let key = site.created(&json!({}));
    for text in ["one", "two", "three"] {
        comment(&site, &key, &json!({"body": adf(text)}));
    }
    let texts = |query: &str| {
        let (status, page) = site.get(&format!("issue/{key}/comment{query}"));
        assert_eq!((status, &page["total"]), (200, &json!(3)));
        let comments = page["comments"].as_array().unwrap();
        let text = |comment: &Value| comment["body"]["content"][0]["content"][0]["text"].clone();
        comments.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(texts(""), ["one", "two", "three"]);
    assert_eq!(texts("?orderBy=-created"), ["three", "two", "one"]);
    assert_eq!(texts("?orderBy=%2Bcreated&startAt=1&maxResults=1"), ["two"]);
    assert_eq!(
        site.get(&format!("issue/{key}/comment?orderBy=author")).0,
        400
    );
    assert_eq!(site.fields(&key)["comment"]["total"], 3);
    let listed = site
        .get(&format!("issue/{key}/comment?expand=properties"))
        .1;
    assert_eq!(listed["comments"][0]["properties"], json!([]));
}

#[test]
fn an_edit_names_its_editor_and_the_same_body_leaves_no_trace() {
    let site = site();
    let key = site.created(&json!({}));
    let ann = site.jira.person("ann@example.com");
    let id = ann.comment(&key, "Mine", true).unwrap();
    site.jira.drain_webhooks();
    site.clock.advance(SignedDuration::from_secs(60));
    let path = format!("issue/{key}/comment/{id}");
    let (status, same) = site.put(&path, &json!({"body": adf("Mine")}));
    assert_eq!((status, &same["updated"]), (200, &same["created"]));
    assert_eq!(site.events(), Vec::<String>::new());
    let (status, edited) = site.put(&path, &json!({"body": adf("Ours")}));
    assert_eq!((status, &edited["body"]), (200, &adf("Ours")));
    assert_eq!(edited["author"]["accountId"], ANN);
    assert_eq!(edited["updateAuthor"]["accountId"], OWN);
    assert_eq!(edited["updated"], "2026-01-02T03:05:05.678+0000");
    assert_eq!(edited["jsdPublic"], false);
    assert_eq!(site.fields(&key)["updated"], "2026-01-02T03:05:05.678+0000");
    assert_eq!(site.events(), ["comment_updated"]);
    assert_eq!(site.put(&path, &json!({"body": "text"})).0, 400);
    assert_eq!(site.jira.changelog(&key), []);
}

#[test]
fn a_deleted_comment_is_gone() {
    let site = site();
    let key = site.created(&json!({}));
    let id = comment(&site, &key, &json!({"body": adf("x")}));
    let path = format!("issue/{key}/comment/{id}");
    site.jira.drain_webhooks();
    assert_eq!(site.delete(&path), (204, Value::Null));
    let (status, body) = site.get(&path);
    assert_eq!(
        (status, body["errorMessages"][0].as_str().unwrap()),
        (404, &*format!("Can not find a comment for the id: {id}."))
    );
    assert_eq!(site.delete(&path).0, 404);
    assert_eq!(site.put(&path, &json!({"body": adf("y")})).0, 404);
    assert_eq!(site.events(), ["comment_deleted"]);
    // A comment belongs to its issue.
    let id = comment(&site, &key, &json!({"body": adf("x")}));
    let other = site.created(&json!({}));
    assert_eq!(site.get(&format!("issue/{other}/comment/{id}")).0, 404);
}

#[test]
fn a_property_can_be_set_later_and_hides_the_comment() {
    let site = site();
    let key = site.created(&json!({}));
    let id = comment(&site, &key, &json!({"body": adf("x")}));
    site.jira.drain_webhooks();
    let path = format!("comment/{id}/properties/sd.public.comment");
    assert_eq!(site.get(&path).0, 404);
    assert_eq!(site.put(&path, &json!({"internal": true})).0, 201);
    assert_eq!(site.put(&path, &json!({"internal": true})).0, 200);
    let property = json!({"key": "sd.public.comment", "value": {"internal": true}});
    assert_eq!(site.get(&path), (200, property));
    assert_eq!(
        site.get(&format!("issue/{key}/comment/{id}")).1["jsdPublic"],
        false
    );
    assert_eq!(site.events(), Vec::<String>::new());
    assert_eq!(
        site.put(&format!("comment/{id}/properties/im%3Aorigin"), &json!(1))
            .0,
        201
    );
    assert_eq!(site.jira.comments(&key)[0].properties["im:origin"], 1);
    let long = format!("comment/{id}/properties/{}", "x".repeat(256));
    assert_eq!(site.put(&long, &json!(1)).0, 400);
    let big = json!("x".repeat(32_768));
    assert_eq!(site.put(&path, &big).0, 400);
    assert_eq!(site.put("comment/1/properties/x", &json!(1)).0, 404);
}
