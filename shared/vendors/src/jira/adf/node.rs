//! Which JSON is a node that can be kept as it is, and where it may stand.

use serde_json::Value;

use super::document::{Container, Place};

/// How deep the JSON of a kept node may be: less than what `serde_json` reads, all in all.
const DEEPEST: usize = 100;
const LONGEST_NAME: usize = 64;

/// Nodes of a line.
const INLINE: [&str; 10] = [
    "date",
    "emoji",
    "hardBreak",
    "inlineCard",
    "inlineExtension",
    "mediaInline",
    "mention",
    "placeholder",
    "status",
    "text",
];
/// Blocks of a document only.
const OF_DOCUMENT: [&str; 14] = [
    "blockCard",
    "blockquote",
    "bodiedExtension",
    "bodiedSyncBlock",
    "decisionList",
    "embedCard",
    "expand",
    "heading",
    "layoutSection",
    "nestedExpand",
    "panel",
    "rule",
    "syncBlock",
    "table",
];
/// Parts of one kind of node only. `marks` is none: it is the name of the carrier of marks.
const PARTS: [&str; 13] = [
    "blockTaskItem",
    "caption",
    "decisionItem",
    "doc",
    "layoutColumn",
    "listItem",
    "marks",
    "media",
    "tableCell",
    "tableHeader",
    "tableRow",
    "taskItem",
    "unsupportedBlock",
];
/// Marks of blocks.
const OF_BLOCKS: [&str; 7] = [
    "alignment",
    "border",
    "breakout",
    "dataConsumer",
    "fontSize",
    "fragment",
    "indentation",
];

pub(super) fn kind(node: &Value) -> Option<&str> {
    node.get("type")?.as_str()
}

pub(super) fn is_inline(kind: &str) -> bool {
    INLINE.contains(&kind)
}

/// Kinds that we do not know may stand anywhere.
pub(super) fn may_be_inline(kind: &str) -> bool {
    let blocks = [
        "bulletList",
        "codeBlock",
        "extension",
        "mediaGroup",
        "mediaSingle",
        "orderedList",
        "paragraph",
        "taskList",
    ];
    !OF_DOCUMENT.contains(&kind) && !PARTS.contains(&kind) && !blocks.contains(&kind)
}

/// True if a block of this kind may stand there.
pub(super) fn may_stand(kind: &str, place: Place) -> bool {
    !is_inline(kind)
        && !PARTS.contains(&kind)
        && match place.container {
            Container::Document => true,
            Container::Quote => !OF_DOCUMENT.contains(&kind) && kind != "taskList",
            Container::Item => !OF_DOCUMENT.contains(&kind) && kind != "mediaGroup",
        }
}

/// The node as it will be after it was text, or `None` if it cannot be kept.
pub(super) fn keep(node: &Value) -> Option<Value> {
    (is_within(node, DEEPEST) && is_node(node)).then(|| settled(node))
}

/// The mark as it will be after it was text, or `None` if it cannot be a text's.
pub(super) fn keep_mark(mark: &Value) -> Option<Value> {
    (is_within(mark, DEEPEST) && is_mark(mark)).then(|| settled(mark))
}

pub(super) fn is_of_blocks(mark: &str) -> bool {
    OF_BLOCKS.contains(&mark)
}

/// JSON that says the same after characters were dropped that a text of Jira's cannot have.
pub(super) fn text(value: &Value) -> String {
    let json = value.to_string();
    json.replace('\u{7f}', "\\u007f")
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff")
}

/// What is no node, for people to see.
pub(super) fn json(value: &Value) -> String {
    if is_within(value, DEEPEST) {
        text(value)
    } else {
        "…".to_owned()
    }
}

/// No recursion: how deep it is, is not known yet.
fn is_within(value: &Value, deepest: usize) -> bool {
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        if depth > deepest {
            return false;
        }
        match value {
            Value::Array(values) => open.extend(values.iter().map(|value| (value, depth + 1))),
            Value::Object(values) => open.extend(values.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    true
}

/// The basic shape that every node has, whatever its kind.
fn is_node(value: &Value) -> bool {
    let Some(kind) = kind(value) else {
        return false;
    };
    let list = |name: &str, is_one: fn(&Value) -> bool| match value.get(name) {
        None => true,
        Some(Value::Array(values)) => values.iter().all(is_one),
        Some(_) => false,
    };
    let text = match value.get("text") {
        None => kind != "text",
        Some(text) => kind == "text" && text.as_str().is_some_and(|text| !text.is_empty()),
    };
    is_name(kind)
        && value.get("attrs").is_none_or(Value::is_object)
        && list("content", is_node)
        && list("marks", is_mark)
        && text
}

fn is_mark(value: &Value) -> bool {
    kind(value).is_some_and(is_name) && value.get("attrs").is_none_or(Value::is_object)
}

fn is_name(kind: &str) -> bool {
    let mut bytes = kind.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && kind.len() <= LONGEST_NAME
}

/// `serde_json` may read a float as its neighbour.
fn settled(value: &Value) -> Value {
    let mut value = value.clone();
    for _ in 0..4 {
        match serde_json::from_str::<Value>(&value.to_string()) {
            Ok(again) if again != value => value = again,
            _ => break,
        }
    }
    value
}
