//! The canonical form, whichever side it came from.

use serde_json::Value;

use super::document::{Block, Inline, Line, Marks, Style, Styles};
use super::node;

/// What XML cannot hold, and so Jira: control characters other than newline and tab. Newlines are of one kind.
pub(super) fn without_controls(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_bad = |c: char| {
        (c.is_ascii_control() && c != '\n' && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(is_bad) {
        text.replace(is_bad, "")
    } else {
        text
    }
}

/// The blocks of a document.
pub(super) fn blocks(blocks: Vec<Block>) -> Vec<Block> {
    let mut normal: Vec<Block> = Vec::with_capacity(blocks.len());
    let mut after_list = false;
    for mut block in blocks {
        if block.is_empty() {
            if !normal.is_empty() {
                normal.push(block);
            }
            continue;
        }
        // Indented, it would be the last item's.
        if after_list {
            trim_start(&mut block);
        }
        after_list = matches!(block, Block::List { .. });
        normal.push(block);
    }
    while normal.last().is_some_and(Block::is_empty) {
        normal.pop();
    }
    normal
}

/// The blocks of a list's item.
pub(super) fn item(children: Vec<Block>) -> Vec<Block> {
    let mut children = blocks(children);
    match children.first_mut() {
        Some(Block::Paragraph(_)) => trim_start(&mut children[0]),
        Some(Block::Code { .. }) => {}
        Some(Block::Kept(kept)) if node::kind(kept) != Some("taskList") => {}
        _ => children.insert(0, Block::empty()),
    }
    children
}

/// The blocks of a quote.
pub(super) fn quote(children: Vec<Block>) -> Vec<Block> {
    let mut children = blocks(children);
    if children.is_empty() {
        children.push(Block::empty());
    }
    children
}

pub(super) fn heading(level: u8, parts: Vec<Inline>) -> Block {
    let mut lines = lines(parts);
    trim_line_start(&mut lines);
    Block::Heading { level, lines }
}

fn trim_start(block: &mut Block) {
    if let Block::Paragraph(lines) = block {
        trim_line_start(lines);
    }
}

fn trim_line_start(lines: &mut [Line]) {
    let Some(line) = lines.first_mut() else {
        return;
    };
    while let Some(Inline::Text(text, marks)) = line.first_mut() {
        if marks.is_plain() {
            *text = text.trim_start_matches([' ', '\t']).to_owned();
        }
        if !text.is_empty() {
            break;
        }
        line.remove(0);
    }
}

/// The lines of a paragraph.
pub(super) fn lines(parts: Vec<Inline>) -> Vec<Line> {
    let mut lines = vec![Line::new()];
    for part in parts {
        match part {
            Inline::Break => lines.push(Line::new()),
            part => {
                if let Some(line) = lines.last_mut() {
                    line.push(part);
                }
            }
        }
    }
    lines.into_iter().map(line).collect()
}

fn line(parts: Line) -> Line {
    let mut line: Line = parts
        .into_iter()
        .map(|part| match part {
            Inline::Text(text, marks) => Inline::Text(without_controls(&text), allowed(marks)),
            part => part,
        })
        .collect();
    for style in Style::ALL {
        line = trim_style(line, style);
    }
    while let Some(Inline::Text(text, marks)) = line.last_mut() {
        if marks.is_plain() {
            text.truncate(text.trim_end_matches([' ', '\t']).len());
        }
        if !text.is_empty() {
            break;
        }
        line.pop();
    }
    merge(line)
}

/// ADF's `code` goes with links and annotations only.
fn allowed(mut marks: Marks) -> Marks {
    if marks.code {
        marks.styles = Styles::default();
        let goes = |mark: &Value| matches!(node::kind(mark), Some("annotation" | "link"));
        marks.other.retain(goes);
    }
    marks
}

/// Takes a style off the whitespace at the edges of each stretch that has it: delimiters do not open before whitespace
/// and do not close after it, and the style could hardly be seen.
fn trim_style(line: Line, style: Style) -> Line {
    let has = |part: &Inline| matches!(part, Inline::Text(_, marks) if marks.styles.has(style));
    if !line.iter().any(has) {
        return line;
    }
    let mut trimmed = Line::with_capacity(line.len());
    for stretch in line.chunk_by(|one, next| has(one) == has(next)) {
        if !has(&stretch[0]) {
            trimmed.extend_from_slice(stretch);
            continue;
        }
        let is_blank =
            |part: &Inline| matches!(part, Inline::Text(text, _) if text.trim().is_empty());
        let first = stretch.iter().position(|part| !is_blank(part));
        let last = stretch.iter().rposition(|part| !is_blank(part));
        for (at, part) in stretch.iter().enumerate() {
            let Inline::Text(text, marks) = part else {
                continue;
            };
            let inside = first
                .zip(last)
                .is_some_and(|(first, last)| (first..=last).contains(&at));
            let lead = if !inside {
                text.len()
            } else if Some(at) == first {
                text.len() - text.trim_start().len()
            } else {
                0
            };
            let tail = if inside && Some(at) == last {
                text.trim_end().len()
            } else {
                text.len()
            };
            let mut bare = marks.clone();
            bare.styles = bare.styles.without(Styles::only(style));
            trimmed.push(Inline::Text(text[..lead].to_owned(), bare.clone()));
            trimmed.push(Inline::Text(
                text[lead..tail.max(lead)].to_owned(),
                marks.clone(),
            ));
            trimmed.push(Inline::Text(text[tail.max(lead)..].to_owned(), bare));
        }
    }
    trimmed.retain(|part| !matches!(part, Inline::Text(text, _) if text.is_empty()));
    trimmed
}

fn merge(parts: Line) -> Line {
    let mut merged = Line::with_capacity(parts.len());
    for part in parts {
        match (merged.last_mut(), part) {
            (_, Inline::Text(text, _)) if text.is_empty() => {}
            (Some(Inline::Text(text, marks)), Inline::Text(more, same)) if *marks == same => {
                text.push_str(&more);
            }
            (_, part) => merged.push(part),
        }
    }
    merged
}
