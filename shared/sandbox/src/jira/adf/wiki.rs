//! A document as wiki markup: what webhooks and the changelog carry instead of it.

use serde_json::Value;

/// The text of a document or node.
pub(crate) fn to_wiki(document: &Value) -> String {
    let mut text = blocks(content(document), "");
    text.truncate(text.trim_end().len());
    text
}

fn content(node: &Value) -> &[Value] {
    node["content"].as_array().map_or(&[], Vec::as_slice)
}

/// Blocks, with an empty line between them; `list` is the bullets of the list around them.
fn blocks(nodes: &[Value], list: &str) -> String {
    let mut texts = Vec::new();
    for node in nodes {
        texts.push(block(node, list));
    }
    texts.join(if list.is_empty() { "\n\n" } else { "\n" })
}

fn block(node: &Value, list: &str) -> String {
    match node["type"].as_str().unwrap_or_default() {
        "heading" => format!("h{}. {}", node["attrs"]["level"], inline(content(node))),
        "bulletList" | "taskList" | "decisionList" => items(node, &format!("{list}*")),
        "orderedList" => items(node, &format!("{list}#")),
        "listItem" => blocks(content(node), list),
        "codeBlock" => {
            let language = node["attrs"]["language"].as_str();
            let language = language.map_or(String::new(), |name| format!(":{name}"));
            format!("{{code{language}}}\n{}\n{{code}}", inline(content(node)))
        }
        "blockquote" => format!("{{quote}}{}{{quote}}", blocks(content(node), "")),
        "rule" => "----".to_owned(),
        "panel" | "expand" | "nestedExpand" => {
            format!("{{panel}}\n{}\n{{panel}}", blocks(content(node), ""))
        }
        "table" => rows(node),
        "mediaSingle" | "mediaGroup" => "!attachment!".to_owned(),
        "blockCard" | "embedCard" => card(node),
        _ => inline(content(node)),
    }
}

fn items(list: &Value, bullets: &str) -> String {
    let mut lines = Vec::new();
    for item in content(list) {
        lines.push(match item["type"].as_str() {
            Some("listItem") => format!("{bullets} {}", blocks(content(item), bullets)),
            Some("taskList") => items(item, bullets),
            _ => format!("{bullets} {}", inline(content(item))),
        });
    }
    lines.join("\n")
}

fn rows(table: &Value) -> String {
    let mut lines = Vec::new();
    for row in content(table) {
        let mut line = String::new();
        for cell in content(row) {
            let bar = if cell["type"] == "tableHeader" {
                "||"
            } else {
                "|"
            };
            line.push_str(bar);
            line.push_str(&blocks(content(cell), ""));
        }
        lines.push(line + "|");
    }
    lines.join("\n")
}

fn card(node: &Value) -> String {
    let url = node["attrs"]["url"].as_str();
    url.map_or(String::new(), |url| format!("[{url}]"))
}

fn inline(nodes: &[Value]) -> String {
    nodes.iter().map(phrase).collect()
}

fn phrase(node: &Value) -> String {
    let attrs = &node["attrs"];
    let said = |key: &str| attrs[key].as_str().unwrap_or_default();
    match node["type"].as_str().unwrap_or_default() {
        "text" => marked(node),
        "hardBreak" => "\n".to_owned(),
        "mention" => format!("[~accountid:{}]", said("id")),
        "emoji" => said("shortName").to_owned(),
        "status" => said("text").to_owned(),
        "date" => said("timestamp").to_owned(),
        "inlineCard" => card(node),
        _ => String::new(),
    }
}

fn marked(node: &Value) -> String {
    let mut text = node["text"].as_str().unwrap_or_default().to_owned();
    for mark in node["marks"].as_array().into_iter().flatten() {
        text = match mark["type"].as_str().unwrap_or_default() {
            "strong" => format!("*{text}*"),
            "em" => format!("_{text}_"),
            "code" => format!("{{{{{text}}}}}"),
            "strike" => format!("-{text}-"),
            "underline" => format!("+{text}+"),
            "link" => {
                let href = mark["attrs"]["href"].as_str().unwrap_or_default();
                format!("[{text}|{href}]")
            }
            _ => text,
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_becomes_wiki_markup() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let paragraph = |line: &str| json!({"type": "paragraph", "content": [text(line)]});
        let inner = json!({"type": "orderedList", "content": [
            {"type": "listItem", "content": [paragraph("inner")]},
        ]});
        let document = json!({"type": "doc", "version": 1, "content": [
            {"type": "heading", "attrs": {"level": 2}, "content": [text("Title")]},
            {"type": "paragraph", "content": [
                {"type": "text", "text": "bold", "marks": [{"type": "strong"}]},
                {"type": "hardBreak"},
                {"type": "text", "text": "code", "marks": [{"type": "code"}]},
                {"type": "mention", "attrs": {"id": "5b10"}},
            ]},
            {"type": "bulletList", "content": [
                {"type": "listItem", "content": [paragraph("one"), inner]},
                {"type": "listItem", "content": [paragraph("two")]},
            ]},
            {"type": "codeBlock", "attrs": {"language": "sh"}, "content": [text("ls")]},
        ]});
        let expected = "h2. Title\n\n*bold*\n{{code}}[~accountid:5b10]\n\n* one\n*# inner\n* two\n\n{code:sh}\nls\n{code}";
        assert_eq!(to_wiki(&document), expected);
    }
}
