//! Stands in for the documents that a colleague writes: paragraphs of plain text.

use serde_json::{Value as Json, json};
pub(super) fn to_markdown(v: &Json) -> String {
    let t: Vec<String> = v["content"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| {
            p["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    t.join("\n\n")
}
pub(super) fn from_markdown(s: &str) -> Json {
    let c: Vec<Json> = s
        .split("\n\n")
        .map(|t| json!({"type":"paragraph","content":[{"type":"text","text":t.trim()}]}))
        .collect();
    json!({"type":"doc","version":1,"content":c})
}
pub(super) fn normal_form(s: &str) -> String {
    to_markdown(&from_markdown(s))
}
