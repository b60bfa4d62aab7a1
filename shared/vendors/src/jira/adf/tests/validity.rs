//! What Jira accepts, after Atlassian's JSON schema of ADF, and written apart from what is tested.

use serde_json::Value;

const IN_ITEM: [&str; 7] = [
    "paragraph",
    "bulletList",
    "orderedList",
    "taskList",
    "mediaSingle",
    "codeBlock",
    "extension",
];
const IN_QUOTE: [&str; 7] = [
    "paragraph",
    "bulletList",
    "orderedList",
    "mediaSingle",
    "mediaGroup",
    "codeBlock",
    "extension",
];

pub(super) fn assert_valid(document: &Value) {
    assert_eq!(document["version"], 1);
    assert_eq!(document["type"], "doc");
    assert_eq!(document.as_object().map(serde_json::Map::len), Some(3));
    if let Err(wrong) = children(document, &|_| true) {
        panic!("{wrong}, in {document}");
    }
}

/// `Err` says what is wrong. Of nodes that are kept as they are, only the kind is looked at.
fn children(node: &Value, may: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let Some(content) = node["content"].as_array() else {
        return Err("no content".to_owned());
    };
    for child in content {
        let kind = child["type"].as_str().ok_or("no type")?;
        if !may(kind) {
            return Err(format!("{kind} in {}", node["type"]));
        }
        block(child, kind)?;
    }
    Ok(())
}

fn block(node: &Value, kind: &str) -> Result<(), String> {
    let content = node["content"].as_array();
    match kind {
        // Kept: written by us, these have neither.
        _ if node.get("marks").is_some() || node["attrs"].get("kept").is_some() => Ok(()),
        "paragraph" => inlines(node),
        "heading" => {
            let level = node["attrs"]["level"].as_u64().unwrap_or(0);
            if (1..=6).contains(&level) {
                inlines(node)
            } else {
                Err("heading's level".to_owned())
            }
        }
        "bulletList" | "orderedList" => {
            if content.is_none_or(Vec::is_empty) {
                return Err("empty list".to_owned());
            }
            for item in content.into_iter().flatten() {
                let first = item["content"][0]["type"].as_str().unwrap_or_default();
                if item["type"] != "listItem"
                    || ["", "bulletList", "orderedList", "taskList"].contains(&first)
                {
                    return Err(format!("item that begins with {first}"));
                }
                children(item, &|kind| {
                    IN_ITEM.contains(&kind) || kind.starts_with("unknown")
                })?;
            }
            Ok(())
        }
        "blockquote" => {
            if content.is_none_or(Vec::is_empty) {
                return Err("empty quote".to_owned());
            }
            children(node, &|kind| {
                IN_QUOTE.contains(&kind) || kind.starts_with("unknown")
            })
        }
        "codeBlock" => {
            let plain = |text: &Value| {
                text["type"] == "text" && text["text"] != "" && text.get("marks").is_none()
            };
            if content.is_some_and(|texts| texts.iter().all(plain)) {
                Ok(())
            } else {
                Err("code".to_owned())
            }
        }
        "text" | "hardBreak" | "mention" | "listItem" | "doc" | "media" | "tableRow" => {
            Err(format!("{kind} as a block"))
        }
        _ => Ok(()),
    }
}

fn inlines(node: &Value) -> Result<(), String> {
    for child in node["content"].as_array().ok_or("no content")? {
        match child["type"].as_str().ok_or("no type")? {
            "text" => text(child)?,
            kind @ ("paragraph" | "bulletList" | "codeBlock" | "panel" | "listItem" | "doc") => {
                return Err(format!("{kind} in a line"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn text(node: &Value) -> Result<(), String> {
    let text = node["text"].as_str().ok_or("no text")?;
    if text.is_empty() || text.contains(|c: char| c.is_ascii_control() && c != '\t') {
        return Err(format!("text {text:?}"));
    }
    let marks = node.get("marks").map_or(&[][..], |marks| {
        marks.as_array().map_or(&[][..], Vec::as_slice)
    });
    let kinds: Vec<_> = marks
        .iter()
        .filter_map(|mark| mark["type"].as_str())
        .collect();
    let distinct: std::collections::BTreeSet<_> = kinds.iter().collect();
    let with_code = |kind: &&str| ["code", "link", "annotation"].contains(kind);
    if kinds.len() != marks.len() || distinct.len() != kinds.len() {
        return Err(format!("marks {kinds:?}"));
    }
    if kinds.contains(&"code") && !kinds.iter().all(with_code) {
        return Err(format!("code with {kinds:?}"));
    }
    if marks
        .iter()
        .any(|mark| mark["type"] == "link" && !mark["attrs"].is_object())
    {
        return Err("link without attrs".to_owned());
    }
    Ok(())
}
