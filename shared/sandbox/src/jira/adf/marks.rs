//! Marks on nodes.

use serde_json::Value;

use super::nodes::{attributes, only};
use super::{Object, Wrong};

const ON_TEXT: &[&str] = &[
    "strong",
    "em",
    "code",
    "strike",
    "underline",
    "link",
    "subsup",
    "textColor",
    "backgroundColor",
];

/// Text in a code block takes none; `code` goes with a link only.
pub(super) fn check(node: &Object, kind: &str, parent: &str) -> Result<(), Wrong> {
    let Some(marks) = node.get("marks") else {
        return Ok(());
    };
    let marks = marks.as_array().ok_or("marks are a list")?;
    let mut kinds = Vec::new();
    for mark in marks {
        let mark = mark.as_object().ok_or("a mark is an object")?;
        only(mark, &["type", "attrs"])?;
        let name = mark.get("type").and_then(Value::as_str);
        let name = name.ok_or("a mark has a type")?;
        one(mark, name)?;
        kinds.push(name);
    }
    let allowed: &[&str] = match kind {
        "text" if parent == "codeBlock" => &[],
        "text" => ON_TEXT,
        "paragraph" | "heading" => &["alignment", "indentation"],
        "codeBlock" | "expand" => &["breakout"],
        "media" => &["link", "border"],
        _ => &[],
    };
    let clash =
        kinds.contains(&"code") && kinds.iter().any(|kind| !["code", "link"].contains(kind));
    match kinds.iter().find(|kind| !allowed.contains(kind)) {
        Some(mark) => Err(format!("{kind} in {parent} cannot have the mark {mark}")),
        None if clash => Err("the mark code goes with a link only".to_owned()),
        None => Ok(()),
    }
}

fn one(mark: &Object, name: &str) -> Result<(), Wrong> {
    let (required, optional): (&[&str], &[&str]) = match name {
        "link" => (&["href"], &["title", "id", "collection", "occurrenceKey"]),
        "subsup" => (&["type"], &[]),
        "textColor" | "backgroundColor" => (&["color"], &[]),
        "alignment" => (&["align"], &[]),
        "indentation" => (&["level"], &[]),
        "breakout" => (&["mode"], &["width"]),
        "border" => (&["size", "color"], &[]),
        _ => (&[], &[]),
    };
    let attrs = attributes(mark)?;
    match required.iter().find(|name| !attrs.contains_key(**name)) {
        Some(missing) => Err(format!("the mark {name} lacks {missing}")),
        None => only(&attrs, &[required, optional].concat()),
    }
}
