//! Blocks to lines.

use super::super::document::{Block, Container, Line, Place};
use super::super::{carrier, emit, inline, node, normal};
use super::opening::{Opening, is_backslashes, opening};

const HIGHEST_NUMBER: u32 = 999_999_999;

/// The lines of what a container holds.
pub(in crate::jira::adf) fn blocks(blocks: &[Block], place: Place) -> Vec<String> {
    let mut lines = Vec::new();
    let mut empties = 0;
    let mut last: Option<&Block> = None;
    // Two lists next to each other would be one.
    let mut other_sign = false;
    for block in blocks {
        if block.is_empty() {
            empties += 1;
            continue;
        }
        other_sign = !other_sign && last.is_some_and(|last| are_lists_of_a_kind(last, block));
        let own = self::block(block, place, other_sign);
        if last.is_some() {
            let tight = empties == 0 && is_tight(place, last, &own);
            lines.extend((0..empties + usize::from(!tight)).map(|_| String::new()));
        } else if empties > 0 {
            // Only an item begins with an empty paragraph, and its list follows at once.
            lines.push(String::new());
        }
        lines.extend(own);
        empties = 0;
        last = Some(block);
    }
    lines
}

fn are_lists_of_a_kind(one: &Block, other: &Block) -> bool {
    match (one, other) {
        (Block::List { first: one, .. }, Block::List { first: other, .. }) => {
            one.is_some() == other.is_some()
        }
        _ => false,
    }
}

/// In an item, a list follows its paragraph without a blank line, as people write it, if it will be read as one.
fn is_tight(place: Place, last: Option<&Block>, next: &[String]) -> bool {
    let first = next.first().map_or("", String::as_str);
    place.container == Container::Item
        && matches!(last, Some(Block::Paragraph(_)))
        && matches!(opening(first, place, true), Some(Opening::Item(_)))
}

fn block(block: &Block, place: Place, other_sign: bool) -> Vec<String> {
    match block {
        Block::Paragraph(lines) => paragraph(lines, place),
        Block::Heading { level, lines } => {
            let text = inline::write::heading(lines);
            let signs = "#".repeat(usize::from(*level));
            vec![if text.is_empty() {
                signs
            } else {
                format!("{signs} {text}")
            }]
        }
        Block::List { first, items } => list(*first, items, place, other_sign),
        Block::Code { language, text } => code(block, language.as_deref(), text, place),
        Block::Quote(children) => {
            let lines = blocks(children, place.within(Container::Quote));
            if lines.is_empty() {
                return vec![">".to_owned()];
            }
            let quoted = |line: String| {
                if line.is_empty() {
                    ">".to_owned()
                } else {
                    format!("> {line}")
                }
            };
            lines.into_iter().map(quoted).collect()
        }
        Block::Rule => vec!["---".to_owned()],
        Block::Kept(node) => fenced(&carrier::info(node), &node::text(node)),
    }
}

fn paragraph(lines: &[Line], place: Place) -> Vec<String> {
    let line = |(index, line): (usize, &Line)| {
        let mut text = inline::write::line(line, place, index > 0);
        if text.is_empty() || (lines.len() > 1 && is_backslashes(&text)) {
            text.push('\\');
        }
        text
    };
    lines.iter().enumerate().map(line).collect()
}

fn list(first: Option<u32>, items: &[Vec<Block>], place: Place, other_sign: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut number = first;
    for item in items {
        let marker = match (number, other_sign) {
            (None, false) => "-".to_owned(),
            (None, true) => "*".to_owned(),
            (Some(number), false) => format!("{number}."),
            (Some(number), true) => format!("{number})"),
        };
        let indent = " ".repeat(marker.len() + 1);
        let mut own = blocks(item, place.within(Container::Item)).into_iter();
        match own.next() {
            Some(text) if !text.is_empty() => lines.push(format!("{marker} {text}")),
            _ => lines.push(marker),
        }
        lines.extend(own.map(|line| {
            if line.is_empty() {
                line
            } else {
                format!("{indent}{line}")
            }
        }));
        number = number.map(|number| (number + 1).min(HIGHEST_NUMBER));
    }
    lines
}

/// A language that a fence cannot hold, or a code that would be taken for a carrier, is a carrier's.
fn code(block: &Block, language: Option<&str>, text: &str, place: Place) -> Vec<String> {
    let info = language.unwrap_or_default();
    let holds = info.trim() == info
        && !info.contains(['`', '\n'])
        && normal::without_controls(info) == info;
    if holds && carrier::fenced(info, text, place).is_none() {
        return fenced(info, text);
    }
    let node = emit::block(block);
    fenced(&carrier::info(&node), &node::text(&node))
}

fn fenced(info: &str, text: &str) -> Vec<String> {
    let runs = text.split(|c| c != '`').map(str::len);
    let fence = "`".repeat(runs.max().unwrap_or(0).max(2) + 1);
    let mut lines = vec![format!("{fence}{info}")];
    if !text.is_empty() {
        lines.extend(text.split('\n').map(str::to_owned));
    }
    lines.push(fence);
    lines
}
