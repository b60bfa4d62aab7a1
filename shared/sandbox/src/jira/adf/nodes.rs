//! Which node may hold which, and what each says of itself.

use serde_json::{Value, json};

use super::{Object, Wrong, marks};

/// What stands directly in a document.
pub(super) const BLOCKS: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "codeBlock",
    "blockquote",
    "rule",
    "panel",
    "table",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "expand",
    "blockCard",
    "embedCard",
];

const INLINE: &[&str] = &[
    "text",
    "hardBreak",
    "mention",
    "emoji",
    "inlineCard",
    "date",
    "status",
    "mediaInline",
];

const IN_QUOTE: &[&str] = &[
    "paragraph",
    "bulletList",
    "orderedList",
    "codeBlock",
    "mediaSingle",
    "mediaGroup",
];

const IN_ITEM: &[&str] = &[
    "paragraph",
    "bulletList",
    "orderedList",
    "codeBlock",
    "mediaSingle",
    "taskList",
];

const IN_PANEL: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "codeBlock",
    "rule",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "blockCard",
];

const IN_BOX: &[&str] = &[
    "paragraph",
    "heading",
    "bulletList",
    "orderedList",
    "codeBlock",
    "blockquote",
    "rule",
    "panel",
    "table",
    "taskList",
    "decisionList",
    "mediaSingle",
    "mediaGroup",
    "blockCard",
    "embedCard",
    "nestedExpand",
];

/// What a kind of node holds (`None`: nothing, not even an empty list) and says.
struct Kind {
    holds: Option<&'static [&'static str]>,
    at_least: usize,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const fn kind(holds: Option<&'static [&'static str]>, at_least: usize) -> Kind {
    Kind {
        holds,
        at_least,
        required: &[],
        optional: &["localId"],
    }
}

impl Kind {
    const fn saying(
        mut self,
        required: &'static [&'static str],
        optional: &'static [&'static str],
    ) -> Self {
        self.required = required;
        self.optional = optional;
        self
    }
}

const CELL: &[&str] = &["colspan", "rowspan", "colwidth", "background", "localId"];

#[rustfmt::skip]
fn known(name: &str) -> Option<Kind> {
    Some(match name {
        "paragraph" | "caption" => kind(Some(INLINE), 0),
        "heading" => kind(Some(INLINE), 0).saying(&["level"], &["localId"]),
        "bulletList" => kind(Some(&["listItem"]), 1),
        "orderedList" => kind(Some(&["listItem"]), 1).saying(&[], &["order", "localId"]),
        "listItem" => kind(Some(IN_ITEM), 1),
        "codeBlock" => kind(Some(&["text"]), 0).saying(&[], &["language", "uniqueId", "localId"]),
        "blockquote" => kind(Some(IN_QUOTE), 1),
        "rule" => kind(None, 0),
        "panel" => kind(Some(IN_PANEL), 1)
            .saying(&["panelType"], &["panelIcon", "panelIconId", "panelIconText", "panelColor", "localId"]),
        "table" => kind(Some(&["tableRow"]), 1)
            .saying(&[], &["displayMode", "isNumberColumnEnabled", "layout", "localId", "width"]),
        "tableRow" => kind(Some(&["tableCell", "tableHeader"]), 0),
        "tableCell" | "tableHeader" => kind(Some(IN_BOX), 1).saying(&[], CELL),
        "taskList" => kind(Some(&["taskItem", "taskList"]), 1).saying(&["localId"], &[]),
        "taskItem" | "decisionItem" => kind(Some(INLINE), 0).saying(&["localId", "state"], &[]),
        "decisionList" => kind(Some(&["decisionItem"]), 1).saying(&["localId"], &[]),
        "mediaSingle" => kind(Some(&["media", "caption"]), 1)
            .saying(&[], &["layout", "width", "widthType", "localId"]),
        "mediaGroup" => kind(Some(&["media"]), 1).saying(&[], &[]),
        "media" | "mediaInline" => kind(None, 0)
            .saying(&["type"], &["id", "collection", "alt", "width", "height", "occurrenceKey", "url", "localId", "data"]),
        "expand" => kind(Some(IN_BOX), 1).saying(&[], &["title", "localId"]),
        "nestedExpand" => kind(Some(IN_PANEL), 1).saying(&[], &["title", "localId"]),
        "blockCard" | "inlineCard" => kind(None, 0).saying(&[], &["url", "data", "localId"]),
        "embedCard" => kind(None, 0)
            .saying(&["url", "layout"], &["width", "originalWidth", "originalHeight", "localId"]),
        "text" => kind(None, 0).saying(&[], &[]),
        "hardBreak" => kind(None, 0).saying(&[], &["text", "localId"]),
        "mention" => kind(None, 0).saying(&["id"], &["text", "accessLevel", "userType", "localId"]),
        "emoji" => kind(None, 0).saying(&["shortName"], &["id", "text", "localId"]),
        "date" => kind(None, 0).saying(&["timestamp"], &["localId"]),
        "status" => kind(None, 0).saying(&["text", "color"], &["localId", "style"]),
        _ => return None,
    })
}

/// Checks the children of a node of this name.
pub(super) fn children(content: &[Value], parent: &str, allowed: &[&str]) -> Result<(), Wrong> {
    for child in content {
        let child = child.as_object().ok_or("a node is an object")?;
        let name = child.get("type").and_then(Value::as_str);
        let name = name.ok_or("a node has a type")?;
        if !allowed.contains(&name) {
            return Err(format!("{parent} cannot hold {name}"));
        }
        node(child, name, parent)?;
    }
    Ok(())
}

fn node(node: &Object, name: &str, parent: &str) -> Result<(), Wrong> {
    let kind = known(name).ok_or_else(|| format!("{name} is unknown"))?;
    let attrs = attributes(node)?;
    if let Some(missing) = kind.required.iter().find(|key| !attrs.contains_key(**key)) {
        return Err(format!("{name} lacks {missing}"));
    }
    only(&attrs, &[kind.required, kind.optional].concat())?;
    valid(name, &attrs)?;
    marks::check(node, name, parent)?;
    if name == "text" {
        only(node, &["type", "text", "marks"])?;
        return match node.get("text").and_then(Value::as_str) {
            Some("") | None => Err("a text is not empty".to_owned()),
            Some(_) => Ok(()),
        };
    }
    let Some(holds) = kind.holds else {
        return only(node, &["type", "attrs", "marks"]);
    };
    only(node, &["type", "attrs", "marks", "content"])?;
    let none = json!([]);
    let content = node.get("content").unwrap_or(&none).as_array();
    let content = content.ok_or("content is a list")?;
    if content.len() < kind.at_least {
        return Err(format!("{name} is empty"));
    }
    let starts = |with: &str| content.first().is_some_and(|first| first["type"] == with);
    match name {
        "listItem" if starts("bulletList") || starts("orderedList") => {
            Err("an item starts with its own text".to_owned())
        }
        "taskList" if !starts("taskItem") => Err("a task list starts with a task".to_owned()),
        "mediaSingle" if !starts("media") => Err("mediaSingle starts with media".to_owned()),
        _ => children(content, name, holds),
    }
}

/// Values that are limited.
fn valid(name: &str, attrs: &Object) -> Result<(), Wrong> {
    let one_of = |key: &str, values: &[&str]| {
        let value = attrs.get(key).and_then(Value::as_str);
        value.is_some_and(|value| values.contains(&value))
    };
    let text = |key: &str| attrs.get(key).is_some_and(Value::is_string);
    let fine = match name {
        "heading" => matches!(attrs["level"].as_u64(), Some(1..=6)),
        "orderedList" => attrs.get("order").is_none_or(Value::is_u64),
        "panel" => one_of(
            "panelType",
            &[
                "info", "note", "tip", "warning", "success", "error", "custom",
            ],
        ),
        "taskItem" => one_of("state", &["TODO", "DONE"]),
        "media" | "mediaInline" => one_of("type", &["file", "link", "external", "image"]),
        "inlineCard" | "blockCard" => attrs.contains_key("url") != attrs.contains_key("data"),
        "mention" => text("id"),
        "emoji" => text("shortName"),
        "date" => text("timestamp"),
        "status" => {
            let colors = ["neutral", "purple", "blue", "red", "yellow", "green"];
            one_of("color", &colors) && text("text") && attrs["text"] != ""
        }
        _ => true,
    };
    if fine {
        Ok(())
    } else {
        Err(format!("{name} has a wrong attribute"))
    }
}

/// `attrs`, empty where there are none.
pub(super) fn attributes(node: &Object) -> Result<Object, Wrong> {
    match node.get("attrs") {
        None => Ok(Object::new()),
        Some(Value::Object(attrs)) => Ok(attrs.clone()),
        Some(_) => Err("attrs are an object".to_owned()),
    }
}

pub(super) fn only(object: &Object, known: &[&str]) -> Result<(), Wrong> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("{key} is unknown")),
        None => Ok(()),
    }
}
