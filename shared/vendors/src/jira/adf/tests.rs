use serde_json::{Value, json};

use super::*;

mod carriers;
mod documents;
mod examples;
mod properties;
mod robustness;
mod validity;

use validity::assert_valid;

/// `(text, its document's content)`, read in both directions.
fn both_ways(text: &str, content: &Value) {
    let document = json!({ "version": 1, "type": "doc", "content": content });
    assert_eq!(from_markdown(text), document, "from {text:?}");
    assert_eq!(to_markdown(&document), text, "of {document}");
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn marked(text: &str, marks: &[&str]) -> Value {
    let marks: Vec<_> = marks.iter().map(|mark| json!({ "type": mark })).collect();
    json!({ "type": "text", "text": text, "marks": marks })
}

fn linked(text: &str, href: &str) -> Value {
    let link = json!({ "type": "link", "attrs": { "href": href } });
    json!({ "type": "text", "text": text, "marks": [link] })
}

fn hard_break() -> Value {
    json!({ "type": "hardBreak" })
}

fn of(kind: &str, content: &[Value]) -> Value {
    json!({ "type": kind, "content": content })
}

fn paragraph(content: &[Value]) -> Value {
    of("paragraph", content)
}

fn document(content: &[Value]) -> Value {
    json!({ "version": 1, "type": "doc", "content": content })
}
