//! The Atlassian Document Format: what Jira takes as a document, and its text.
//!
//! Nodes, their nesting and their attributes follow the published JSON schema of the format, as
//! far as the common nodes go; apps' extensions and layouts are refused.

mod marks;
mod nodes;
mod wiki;

use serde_json::{Map, Value, json};

pub(crate) use self::wiki::to_wiki;

type Object = Map<String, Value>;

/// What is wrong with a document, for people who debug.
pub(crate) type Wrong = String;

/// The longest text Jira takes, in characters.
const LONGEST: usize = 32_767;

/// Why a document is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It is none.
    Malformed(Wrong),
    /// Its text is too long.
    TooLong,
}

/// Checks that this is a document Jira takes.
pub(crate) fn check(document: &Value) -> Result<(), Unfit> {
    well_formed(document).map_err(Unfit::Malformed)?;
    if to_wiki(document).chars().count() > LONGEST {
        return Err(Unfit::TooLong);
    }
    Ok(())
}

fn well_formed(document: &Value) -> Result<(), Wrong> {
    let document = document.as_object().ok_or("a document is an object")?;
    if document.get("type") != Some(&json!("doc")) || document.get("version") != Some(&json!(1)) {
        return Err("a document has the type doc and the version 1".to_owned());
    }
    nodes::only(document, &["type", "version", "content"])?;
    let content = document.get("content").and_then(Value::as_array);
    let content = content.ok_or("a document has a list of content")?;
    nodes::children(content, "doc", nodes::BLOCKS)
}

/// Whether it says nothing.
pub(crate) fn is_blank(document: &Value) -> bool {
    to_wiki(document).trim().is_empty()
}

/// A document that says this text: a paragraph wherever a line is empty, line breaks in between.
pub(crate) fn from_text(text: &str) -> Value {
    let said = |line: &str| json!({"type": "text", "text": line});
    let mut paragraphs: Vec<Vec<Value>> = vec![Vec::new()];
    for line in text.lines() {
        match paragraphs.last_mut() {
            Some(paragraph) if !line.is_empty() => {
                if !paragraph.is_empty() {
                    paragraph.push(json!({"type": "hardBreak"}));
                }
                paragraph.push(said(line));
            }
            _ => paragraphs.push(Vec::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    let paragraph = |content| json!({"type": "paragraph", "content": content});
    let content: Vec<Value> = paragraphs.into_iter().map(paragraph).collect();
    json!({"type": "doc", "version": 1, "content": content})
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    fn doc(content: &Value) -> Value {
        json!({"type": "doc", "version": 1, "content": content})
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    fn paragraph() -> Value {
        json!({"type": "paragraph", "content": [text("x")]})
    }

    #[test]
    fn documents_with_the_common_nodes_pass() {
        let item = json!({"type": "listItem", "content": [paragraph()]});
        let task = json!({"type": "taskItem", "attrs": {"localId": "1", "state": "DONE"}, "content": [text("x")]});
        let media =
            json!({"type": "media", "attrs": {"type": "file", "id": "1", "collection": ""}});
        let cell = json!({"type": "tableCell", "attrs": {"colspan": 2}, "content": [paragraph()]});
        for node in [
            paragraph(),
            json!({"type": "paragraph"}),
            json!({"type": "heading", "attrs": {"level": 6}, "content": [text("x")]}),
            json!({"type": "bulletList", "content": [item, item]}),
            json!({"type": "orderedList", "attrs": {"order": 3}, "content": [item]}),
            json!({"type": "codeBlock", "attrs": {"language": "rust"}, "content": [text("x")]}),
            json!({"type": "blockquote", "content": [paragraph()]}),
            json!({"type": "rule"}),
            json!({"type": "panel", "attrs": {"panelType": "info"}, "content": [paragraph()]}),
            json!({"type": "expand", "attrs": {"title": "More"}, "content": [paragraph()]}),
            json!({"type": "taskList", "attrs": {"localId": "1"}, "content": [task]}),
            json!({"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [media]}),
            json!({"type": "mediaGroup", "content": [media, media]}),
            json!({"type": "table", "content": [{"type": "tableRow", "content": [cell]}]}),
            json!({"type": "paragraph", "content": [
                {"type": "text", "text": "x", "marks": [{"type": "strong"}, {"type": "em"}]},
                {"type": "text", "text": "x", "marks": [{"type": "code"}, {"type": "link", "attrs": {"href": "https://example.com"}}]},
                {"type": "hardBreak"},
                {"type": "mention", "attrs": {"id": "5b10", "text": "@Ann"}},
                {"type": "emoji", "attrs": {"shortName": ":smile:"}},
                {"type": "inlineCard", "attrs": {"url": "https://example.com"}},
                {"type": "status", "attrs": {"text": "OK", "color": "green"}},
                {"type": "date", "attrs": {"timestamp": "1582152559"}},
            ]}),
        ] {
            assert_eq!(check(&doc(&json!([node]))), Ok(()), "{node}");
        }
        assert_eq!(check(&doc(&json!([]))), Ok(()));
        for text in ["one", "one\ntwo", "one\n\ntwo\nthree"] {
            assert_eq!(check(&from_text(text)), Ok(()));
            assert_eq!(to_wiki(&from_text(text)), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let item = json!({"type": "listItem", "content": [paragraph()]});
        let bad_mark = |mark: Value| json!({"type": "paragraph", "content": [{"type": "text", "text": "x", "marks": [mark]}]});
        for node in [
            item.clone(),
            text("x"),
            json!("x"),
            json!({"type": "blink"}),
            json!({"type": "paragraph", "content": [text("")]}),
            json!({"type": "paragraph", "content": [{"type": "text"}]}),
            json!({"type": "paragraph", "content": [paragraph()]}),
            json!({"type": "paragraph", "content": {}}),
            json!({"type": "paragraph", "text": "x"}),
            json!({"type": "paragraph", "content": [{"type": "mention"}]}),
            json!({"type": "heading", "content": [text("x")]}),
            json!({"type": "heading", "attrs": {"level": 7}, "content": [text("x")]}),
            json!({"type": "bulletList", "content": []}),
            json!({"type": "bulletList", "content": [paragraph()]}),
            json!({"type": "bulletList", "content": [{"type": "listItem", "content": [{"type": "rule"}]}]}),
            json!({"type": "codeBlock", "content": [{"type": "hardBreak"}]}),
            json!({"type": "codeBlock", "content": [{"type": "text", "text": "x", "marks": [{"type": "em"}]}]}),
            json!({"type": "blockquote", "content": [{"type": "heading", "attrs": {"level": 1}}]}),
            json!({"type": "rule", "content": []}),
            json!({"type": "panel", "attrs": {"panelType": "loud"}, "content": [paragraph()]}),
            json!({"type": "tableRow", "content": []}),
            json!({"type": "expand", "attrs": {"colour": "red"}, "content": [paragraph()]}),
            bad_mark(json!({"type": "bold"})),
            bad_mark(json!({"type": "link"})),
            bad_mark(json!({"type": "strong", "attrs": {"level": 1}})),
            json!({"type": "paragraph", "content": [
                {"type": "text", "text": "x", "marks": [{"type": "code"}, {"type": "strong"}]},
            ]}),
        ] {
            let checked = check(&doc(&json!([node])));
            assert!(matches!(checked, Err(Unfit::Malformed(_))), "{node}");
        }
    }

    #[test]
    fn the_frame_is_a_document_of_version_1() {
        for document in [
            json!("text"),
            json!({}),
            json!({"type": "doc", "content": []}),
            json!({"type": "doc", "version": 2, "content": []}),
            json!({"type": "doc", "version": 1}),
            json!({"type": "paragraph", "version": 1, "content": []}),
            json!({"type": "doc", "version": 1, "content": [], "attrs": {}}),
        ] {
            assert!(check(&document).is_err(), "{document}");
        }
    }

    #[test]
    fn a_text_has_a_longest_length() {
        assert_eq!(check(&from_text(&"x".repeat(LONGEST))), Ok(()));
        let longer = from_text(&"x".repeat(LONGEST + 1));
        assert_eq!(check(&longer), Err(Unfit::TooLong));
    }
}
