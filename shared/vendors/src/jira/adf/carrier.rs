//! What stands in a text for what Markdown has no form for, and which links have one.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;

use super::document::{Block, Inline, Link, Marks, Place};
use super::{node, normal, read};

const SCHEME: &str = "adf:";
const LONGEST_LABEL: usize = 80;

/// What is between the parentheses of a bracketed text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Link(Link),
    Marks(Marks),
    Nodes(Vec<Inline>),
}

/// The info string of the fence around a kept block.
pub(super) fn info(block: &Value) -> String {
    format!("{SCHEME}{}", node::kind(block).unwrap_or_default())
}

/// The blocks that a fence stands for, if it is a carrier and they may stand there.
pub(super) fn fenced(info: &str, text: &str, place: Place) -> Option<Vec<Block>> {
    let kind = info.strip_prefix(SCHEME)?;
    let value: Value = serde_json::from_str(text).ok()?;
    if node::kind(&value) != Some(kind) {
        return None;
    }
    read::block(&value, place).filter(|blocks| !blocks.is_empty())
}

/// Jira's own schemes of links are more, and what it does with others is not documented: these are refused there.
pub(super) fn is_linkable(href: &str) -> bool {
    let Some((scheme, rest)) = href.split_once(':') else {
        return false;
    };
    let scheme = scheme.to_ascii_lowercase();
    let refused = ["adf", "data", "javascript", "vbscript"];
    scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        && !refused.contains(&scheme.as_str())
        && !rest.is_empty()
        && !href.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "<>[]`\\\"\u{fffe}\u{ffff}".contains(c)
        })
}

/// True if `[text](…)` can say it.
pub(super) fn can_be_written(link: &Link) -> bool {
    let bad = |c: char| c.is_control() || "<[]`\\\u{fffe}\u{ffff}".contains(c);
    is_linkable(&link.href)
        && link
            .title
            .as_ref()
            .is_none_or(|title| !title.contains(bad) && !title.contains('"'))
}

/// What an `adf:` target holds.
pub(super) fn target(text: &str) -> Option<Target> {
    let (kind, payload) = text.strip_prefix(SCHEME)?.split_once('?')?;
    let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    let mut value: Value = serde_json::from_slice(&json).ok()?;
    if kind == "marks" {
        return read::marks(&value).map(Target::Marks);
    }
    let node = value
        .as_object_mut()
        .filter(|node| !node.contains_key("type"))?;
    node.insert("type".to_owned(), kind.into());
    read::inline(&value)
        .filter(|parts| !parts.is_empty())
        .map(Target::Nodes)
}

/// `[label](adf:kind?…)`: the node but for its kind.
pub(super) fn inline(value: &Value) -> String {
    let kind = node::kind(value).unwrap_or_default();
    let mut rest = value.clone();
    if let Some(node) = rest.as_object_mut() {
        node.remove("type");
    }
    let payload = BASE64_URL_SAFE_NO_PAD.encode(rest.to_string());
    format!("[{}]({SCHEME}{kind}?{payload})", label(kind, value))
}

/// The target that marks a text.
pub(super) fn marks(marks: &[Value]) -> String {
    let json = Value::from(marks).to_string();
    format!("{SCHEME}marks?{}", BASE64_URL_SAFE_NO_PAD.encode(json))
}

/// What people see of a node. It is not read again.
fn label(kind: &str, value: &Value) -> String {
    let attrs = &value["attrs"];
    let text = |name: &str| attrs[name].as_str().filter(|text| !text.trim().is_empty());
    let named = match kind {
        "hardBreak" => Some("↵".to_owned()),
        "mention" => text("text")
            .map(str::to_owned)
            .or_else(|| text("id").map(|id| format!("@{id}"))),
        "date" => date(&attrs["timestamp"]),
        _ => ["text", "shortName", "url", "alt", "title"]
            .into_iter()
            .find_map(text)
            .map(str::to_owned),
    };
    let named = named.unwrap_or_else(|| kind.to_owned());
    let words: Vec<_> = named.split_whitespace().collect();
    let mut label = String::new();
    for c in normal::without_controls(&words.join(" "))
        .chars()
        .take(LONGEST_LABEL)
    {
        if "[]\\`<".contains(c) {
            label.push('\\');
        }
        label.push(c);
    }
    label
}

/// In milliseconds since 1970, as text.
fn date(timestamp: &Value) -> Option<String> {
    let milliseconds = match timestamp {
        Value::String(text) => text.parse().ok()?,
        other => other.as_i64()?,
    };
    let time = Timestamp::from_millisecond(milliseconds).ok()?;
    Some(time.strftime("%Y-%m-%d").to_string())
}
