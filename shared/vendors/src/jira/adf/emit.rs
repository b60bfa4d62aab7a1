//! Blocks to ADF, as JSON.

use serde_json::{Map, Value, json};

use super::document::{Block, Inline, Line, Marks, Style};

pub(super) fn document(content: &[Block]) -> Value {
    json!({ "version": 1, "type": "doc", "content": blocks(content) })
}

fn blocks(blocks: &[Block]) -> Vec<Value> {
    blocks.iter().map(block).collect()
}

pub(super) fn block(block: &Block) -> Value {
    match block {
        Block::Paragraph(lines) => json!({ "type": "paragraph", "content": inlines(lines) }),
        Block::Heading { level, lines } => {
            json!({ "type": "heading", "attrs": { "level": level }, "content": inlines(lines) })
        }
        Block::List { first, items } => {
            let item = |item: &Vec<Block>| json!({ "type": "listItem", "content": blocks(item) });
            let items: Vec<_> = items.iter().map(item).collect();
            match first {
                None => json!({ "type": "bulletList", "content": items }),
                Some(1) => json!({ "type": "orderedList", "content": items }),
                Some(first) => {
                    json!({ "type": "orderedList", "attrs": { "order": first }, "content": items })
                }
            }
        }
        Block::Code { language, text } => code(language.as_deref(), text),
        Block::Quote(content) => json!({ "type": "blockquote", "content": blocks(content) }),
        Block::Rule => json!({ "type": "rule" }),
        Block::Kept(node) => node.clone(),
    }
}

fn code(language: Option<&str>, text: &str) -> Value {
    let mut node = json!({ "type": "codeBlock", "content": [] });
    if let Some(language) = language {
        node["attrs"] = json!({ "language": language });
    }
    if !text.is_empty() {
        node["content"] = json!([{ "type": "text", "text": text }]);
    }
    node
}

fn inlines(lines: &[Line]) -> Vec<Value> {
    let mut nodes = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            nodes.push(json!({ "type": "hardBreak" }));
        }
        nodes.extend(line.iter().map(inline));
    }
    nodes
}

fn inline(part: &Inline) -> Value {
    match part {
        Inline::Text(text, marks) => {
            let marks = self::marks(marks);
            if marks.is_empty() {
                json!({ "type": "text", "text": text })
            } else {
                json!({ "type": "text", "text": text, "marks": marks })
            }
        }
        Inline::Break => json!({ "type": "hardBreak" }),
        Inline::Kept(node) => node.clone(),
    }
}

/// In the order of Atlassian's schema, unknown ones last.
pub(super) fn marks(marks: &Marks) -> Vec<Value> {
    let mut nodes = Vec::new();
    if let Some(link) = &marks.link {
        let mut attrs = Map::new();
        attrs.insert("href".to_owned(), json!(link.href));
        if let Some(title) = &link.title {
            attrs.insert("title".to_owned(), json!(title));
        }
        nodes.push(json!({ "type": "link", "attrs": attrs }));
    }
    for (style, name) in [
        (Style::Em, "em"),
        (Style::Strong, "strong"),
        (Style::Strike, "strike"),
    ] {
        if marks.styles.has(style) {
            nodes.push(json!({ "type": name }));
        }
    }
    if marks.code {
        nodes.push(json!({ "type": "code" }));
    }
    nodes.extend(marks.other.iter().cloned());
    nodes
}
