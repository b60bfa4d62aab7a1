//! ADF, as JSON, to blocks.

use serde_json::Value;

use super::carrier;
use super::document::{Block, Container, Inline, Link, Marks, Place, Style, Styles};
use super::{node, normal};

const HIGHEST_NUMBER: u32 = 999_999_999;

/// The blocks of whatever came from Jira.
pub(super) fn document(value: &Value) -> Vec<Block> {
    let blocks = match value {
        Value::Null => Vec::new(),
        Value::String(text) => plain_text(text),
        value if node::kind(value) == Some("doc") => match value.get("content") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(nodes)) => top_level(nodes),
            Some(other) => top_level(std::slice::from_ref(other)),
        },
        other => top_level(std::slice::from_ref(other)),
    };
    normal::blocks(blocks)
}

fn plain_text(text: &str) -> Vec<Block> {
    let text = normal::without_controls(text);
    let mut parts = Vec::new();
    push_text(&mut parts, &text, &Marks::default());
    let lines = normal::lines(parts);
    let paragraphs = lines.split(Vec::is_empty);
    paragraphs
        .map(|lines| {
            if lines.is_empty() {
                Block::empty()
            } else {
                Block::Paragraph(lines.to_vec())
            }
        })
        .collect()
}

/// What may not stand there is shown as JSON; inline nodes without a paragraph get one.
fn top_level(nodes: &[Value]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut loose = Vec::new();
    for value in nodes {
        if node::kind(value).is_some_and(node::is_inline)
            && let Some(parts) = inline(value)
        {
            loose.extend(parts);
            continue;
        }
        if !loose.is_empty() {
            blocks.push(Block::Paragraph(normal::lines(std::mem::take(&mut loose))));
        }
        match block(value, Place::DOCUMENT) {
            Some(read) => blocks.extend(read),
            None => blocks.push(Block::Code {
                language: Some("json".to_owned()),
                text: node::json(value),
            }),
        }
    }
    if !loose.is_empty() {
        blocks.push(Block::Paragraph(normal::lines(loose)));
    }
    blocks
}

/// A node that may stand there: with a form of its own, or kept. An empty list is nothing.
pub(super) fn block(value: &Value, place: Place) -> Option<Vec<Block>> {
    let kind = node::kind(value)?;
    if !node::may_stand(kind, place) {
        return None;
    }
    let read = match kind {
        "paragraph" => paragraph(value),
        "heading" => heading(value),
        "bulletList" | "orderedList" => list(value, place),
        "codeBlock" => code(value),
        "blockquote" => quote(value, place),
        "rule" => is_plain(value, &[]).then_some(Block::Rule),
        _ => None,
    };
    match read {
        Some(Block::List { items, .. }) if items.is_empty() => Some(Vec::new()),
        Some(block) => Some(vec![block]),
        None => Some(vec![Block::Kept(node::keep(value)?)]),
    }
}

/// True if there is nothing in a node that its Markdown form would lose. Jira gives nodes ids of their own that mean
/// nothing outside of an editor.
fn is_plain(value: &Value, attributes: &[&str]) -> bool {
    let known = ["type", "attrs", "content", "marks"];
    let Value::Object(node) = value else {
        return false;
    };
    let attrs = match node.get("attrs") {
        None | Some(Value::Null) => true,
        Some(Value::Object(attrs)) => attrs.iter().all(|(name, value)| {
            value.is_null() || name == "localId" || attributes.contains(&name.as_str())
        }),
        Some(_) => false,
    };
    let marks = match node.get("marks") {
        None | Some(Value::Null) => true,
        Some(Value::Array(marks)) => marks.is_empty(),
        Some(_) => false,
    };
    attrs && marks && node.keys().all(|key| known.contains(&key.as_str()))
}

fn content(value: &Value) -> Option<&[Value]> {
    match value.get("content") {
        None | Some(Value::Null) => Some(&[]),
        Some(Value::Array(nodes)) => Some(nodes),
        Some(_) => None,
    }
}

fn inlines(value: &Value) -> Option<Vec<Inline>> {
    let parts: Option<Vec<_>> = content(value)?.iter().map(inline).collect();
    Some(parts?.into_iter().flatten().collect())
}

fn paragraph(value: &Value) -> Option<Block> {
    let parts = inlines(value).filter(|_| is_plain(value, &[]))?;
    Some(Block::Paragraph(normal::lines(parts)))
}

fn heading(value: &Value) -> Option<Block> {
    let parts = inlines(value).filter(|_| is_plain(value, &["level"]))?;
    let level = value["attrs"]["level"].as_u64().unwrap_or(1).clamp(1, 6);
    Some(normal::heading(u8::try_from(level).ok()?, parts))
}

fn list(value: &Value, place: Place) -> Option<Block> {
    let ordered = node::kind(value) == Some("orderedList");
    let attributes: &[_] = if ordered { &["order"] } else { &[] };
    if !place.has_lists() || !is_plain(value, attributes) {
        return None;
    }
    let order = value["attrs"]["order"].as_u64().unwrap_or(1);
    let order = u32::try_from(order)
        .unwrap_or(HIGHEST_NUMBER)
        .min(HIGHEST_NUMBER);
    let is_item = |item: &Value| node::kind(item) == Some("listItem") && is_plain(item, &[]);
    let items: Option<Vec<_>> = content(value)?
        .iter()
        .map(|item| {
            let children = children(item, place.within(Container::Item))?;
            is_item(item).then(|| normal::item(children))
        })
        .collect();
    Some(Block::List {
        first: ordered.then_some(order),
        items: items?,
    })
}

fn quote(value: &Value, place: Place) -> Option<Block> {
    let children = children(value, place.within(Container::Quote))?;
    is_plain(value, &[]).then(|| Block::Quote(normal::quote(children)))
}

fn children(value: &Value, place: Place) -> Option<Vec<Block>> {
    let children: Option<Vec<_>> = content(value)?
        .iter()
        .map(|child| block(child, place))
        .collect();
    Some(children?.into_iter().flatten().collect())
}

fn code(value: &Value) -> Option<Block> {
    if !is_plain(value, &["language"]) {
        return None;
    }
    let language = match &value["attrs"]["language"] {
        Value::Null => None,
        Value::String(language) => Some(language.clone()).filter(|language| !language.is_empty()),
        _ => return None,
    };
    let text = |node: &Value| {
        let is_text = node::kind(node) == Some("text") && node.get("marks").is_none();
        node["text"].as_str().filter(|_| is_text).map(str::to_owned)
    };
    let texts: Option<String> = content(value)?.iter().map(text).collect();
    let text = normal::without_controls(&texts?);
    Some(Block::Code { language, text })
}

/// A node within a line: with a form of its own, or kept.
pub(super) fn inline(value: &Value) -> Option<Vec<Inline>> {
    match node::kind(value)? {
        "text" => {
            let marks = match value.get("marks") {
                None | Some(Value::Null) => Marks::default(),
                Some(marks) => self::marks(marks)?,
            };
            let text = normal::without_controls(value["text"].as_str()?);
            let mut parts = Vec::new();
            push_text(&mut parts, &text, &marks);
            Some(parts)
        }
        "hardBreak" => Some(vec![Inline::Break]),
        kind if node::may_be_inline(kind) => Some(vec![Inline::Kept(node::keep(value)?)]),
        _ => None,
    }
}

fn push_text(parts: &mut Vec<Inline>, text: &str, marks: &Marks) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            parts.push(Inline::Break);
        }
        if !line.is_empty() {
            parts.push(Inline::Text(line.to_owned(), marks.clone()));
        }
    }
}

/// The marks of a text. Those of blocks are dropped.
pub(super) fn marks(value: &Value) -> Option<Marks> {
    let mut marks = Marks::default();
    for mark in value.as_array()? {
        let bare = mark.as_object()?.iter().all(|(key, value)| {
            key == "type"
                || value.is_null()
                || value.as_object().is_some_and(serde_json::Map::is_empty)
        });
        let mut read = Marks::default();
        match node::kind(mark)? {
            "strong" if bare => read.styles = Styles::only(Style::Strong),
            "em" if bare => read.styles = Styles::only(Style::Em),
            "strike" if bare => read.styles = Styles::only(Style::Strike),
            "code" if bare => read.code = true,
            kind if node::is_of_blocks(kind) => {}
            kind => match link(mark).filter(|_| kind == "link") {
                Some(link) => read.link = Some(link),
                None => read.other = vec![node::keep_mark(mark)?],
            },
        }
        marks.enclose(&read);
    }
    Some(marks)
}

/// A link that can be written as one.
fn link(mark: &Value) -> Option<Link> {
    let attrs = mark.get("attrs")?.as_object()?;
    let title = match attrs.get("title") {
        None | Some(Value::Null) => None,
        Some(title) => Some(title.as_str()?.to_owned()).filter(|title| !title.is_empty()),
    };
    let link = Link {
        href: attrs.get("href")?.as_str()?.to_owned(),
        title,
    };
    let known = attrs.keys().all(|name| name == "href" || name == "title");
    (known && carrier::can_be_written(&link)).then_some(link)
}
