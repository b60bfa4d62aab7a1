//! Lines to blocks.

use std::borrow::Cow;

use super::super::document::{Block, Container, Inline, Place};
use super::super::{carrier, inline, normal};
use super::opening::{
    Fence, Marker, Opening, indent, is_backslashes, is_blank, opening, without_indent,
};

/// What the lines of a container hold. Not canonical: see [`super::super::normal`].
pub(in crate::jira::adf) fn blocks(lines: &[Cow<'_, str>], place: Place) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut blanks = 0;
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if is_blank(line) {
            blanks += 1;
            at += 1;
            continue;
        }
        // One blank line separates; each further one is a paragraph.
        blocks.extend((1..blanks).map(|_| Block::empty()));
        blanks = 0;
        let rest = &lines[at..];
        at += match opening(line, place, false) {
            None => paragraph(rest, place, &mut blocks),
            Some(Opening::Fence(opening)) => fence(opening, rest, place, &mut blocks),
            Some(Opening::Quote) => quote(rest, place, &mut blocks),
            Some(Opening::Item(first)) => list(first, rest, place, &mut blocks),
            Some(Opening::Heading { level, text }) => {
                blocks.push(normal::heading(level, inline::parse::inlines(text)));
                1
            }
            Some(Opening::Rule) => {
                blocks.push(Block::Rule);
                1
            }
        };
    }
    blocks
}

fn paragraph(lines: &[Cow<'_, str>], place: Place, blocks: &mut Vec<Block>) -> usize {
    let goes_on = |line: &&Cow<'_, str>| !is_blank(line) && opening(line, place, true).is_none();
    let count = 1 + lines.iter().skip(1).take_while(goes_on).count();
    let mut parts = Vec::new();
    for (index, line) in lines[..count].iter().enumerate() {
        if index > 0 {
            parts.push(Inline::Break);
        }
        // A paragraph's only line is what it says.
        let line = if count > 1 && is_backslashes(line) {
            &line[..line.trim_end().len() - 1]
        } else {
            line
        };
        parts.extend(inline::parse::inlines(line));
    }
    blocks.push(Block::Paragraph(normal::lines(parts)));
    count
}

/// One that is not closed goes on to the end of what contains it.
fn fence(fence: Fence<'_>, lines: &[Cow<'_, str>], place: Place, blocks: &mut Vec<Block>) -> usize {
    let body = &lines[1..];
    let closing = body.iter().position(|line| fence.is_closed_by(line));
    let body = &body[..closing.unwrap_or(body.len())];
    let text: Vec<_> = body
        .iter()
        .map(|line| without_indent(line, fence.indent))
        .collect();
    let text = text.join("\n");
    match carrier::fenced(fence.info, &text, place) {
        Some(kept) => blocks.extend(kept),
        None => blocks.push(Block::Code {
            language: Some(fence.info.to_owned()).filter(|info| !info.is_empty()),
            text,
        }),
    }
    1 + body.len() + usize::from(closing.is_some())
}

fn quote(lines: &[Cow<'_, str>], place: Place, blocks: &mut Vec<Block>) -> usize {
    let is_quoted = |line: &&Cow<'_, str>| opening(line, place, true) == Some(Opening::Quote);
    let count = lines.iter().take_while(is_quoted).count();
    let quoted = lines[..count].iter().map(|line| {
        let text = line.trim_start_matches([' ', '\t']);
        let text = text.strip_prefix('>').unwrap_or(text);
        Cow::Borrowed(text.strip_prefix(' ').unwrap_or(text))
    });
    let children = self::blocks(&quoted.collect::<Vec<_>>(), place.within(Container::Quote));
    blocks.push(Block::Quote(normal::quote(children)));
    count
}

/// Items are next to each other or have blank lines between them. An item's further lines are further in than its
/// marker by two columns at least: who writes a `1.` often indents by two.
fn list(first: Marker<'_>, lines: &[Cow<'_, str>], place: Place, blocks: &mut Vec<Block>) -> usize {
    let mut items = Vec::new();
    let mut next = Some((0, first));
    let mut end = 0;
    while let Some((at, item)) = next {
        let further = lines[at + 1..].iter();
        let belongs = |line: &&Cow<'_, str>| is_blank(line) || indent(line) >= item.indent + 2;
        end = at + 1 + further.take_while(belongs).count();
        while is_blank(&lines[end - 1]) {
            end -= 1;
        }
        let further = lines[at + 1..end].iter();
        let stripped = further.map(|line| without_indent(line, item.indent + item.width));
        let own: Vec<_> = std::iter::once(Cow::Borrowed(item.text))
            .chain(stripped)
            .collect();
        items.push(normal::item(self::blocks(
            &own,
            place.within(Container::Item),
        )));
        let after = end
            + lines[end..]
                .iter()
                .take_while(|line| is_blank(line))
                .count();
        let sibling = lines
            .get(after)
            .and_then(|line| match opening(line, place, false) {
                Some(Opening::Item(sibling)) => Some(sibling),
                _ => None,
            });
        next = sibling
            .filter(|sibling| {
                sibling.sign == first.sign && sibling.number.is_some() == first.number.is_some()
            })
            .map(|sibling| (after, sibling));
    }
    blocks.push(Block::List {
        first: first.number,
        items,
    });
    end
}
