//! Which lines begin a block other than a paragraph. Parser and writer ask the same functions, so what is escaped is
//! what would be read.

use std::borrow::Cow;

use super::super::document::Place;

/// A line further in than this begins nothing.
const DEEPEST_INDENT: usize = 3;
const LONGEST_NUMBER: usize = 9;

/// How a block begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira::adf) enum Opening<'a> {
    Fence(Fence<'a>),
    Quote,
    Heading { level: u8, text: &'a str },
    Rule,
    Item(Marker<'a>),
}

/// The first line of a code block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira::adf) struct Fence<'a> {
    pub(in crate::jira::adf) indent: usize,
    sign: char,
    length: usize,
    pub(in crate::jira::adf) info: &'a str,
}

impl Fence<'_> {
    pub(in crate::jira::adf) fn is_closed_by(&self, line: &str) -> bool {
        let closing = line.trim();
        closing.len() >= self.length && closing.chars().all(|c| c == self.sign)
    }
}

/// The beginning of a list's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::jira::adf) struct Marker<'a> {
    pub(in crate::jira::adf) indent: usize,
    /// `-`, `*`, `+`, or what follows a number: `.` or `)`. Another sign begins another list.
    pub(in crate::jira::adf) sign: char,
    pub(in crate::jira::adf) number: Option<u32>,
    /// Columns from the marker to the item's text.
    pub(in crate::jira::adf) width: usize,
    pub(in crate::jira::adf) text: &'a str,
}

impl Marker<'_> {
    /// Prose is wrapped before numbers and dashes, too.
    fn may_interrupt(&self) -> bool {
        !self.text.is_empty() && self.number.is_none_or(|number| number == 1)
    }
}

/// What begins with this line. Within a paragraph, some of it does not.
pub(in crate::jira::adf) fn opening(
    line: &str,
    place: Place,
    in_paragraph: bool,
) -> Option<Opening<'_>> {
    let indent = indent(line);
    if indent > DEEPEST_INDENT || is_blank(line) {
        return None;
    }
    let text = line.trim_matches([' ', '\t']);
    if let Some(fence) = fence(text, indent) {
        return Some(Opening::Fence(fence));
    }
    if place.has_quotes() && text.starts_with('>') {
        return Some(Opening::Quote);
    }
    if place.has_sections() {
        if let Some((level, text)) = heading(text) {
            return Some(Opening::Heading { level, text });
        }
        let same = |sign: char| text.len() > 2 && text.chars().all(|c| c == sign);
        if ['-', '*', '_'].into_iter().any(same) {
            return Some(Opening::Rule);
        }
    }
    let marker = marker(line).filter(|_| place.has_lists())?;
    (!in_paragraph || marker.may_interrupt()).then_some(Opening::Item(marker))
}

/// Where a backslash makes it text.
pub(in crate::jira::adf) fn escape_at(line: &str, opening: &Opening<'_>) -> usize {
    let start = line.len() - line.trim_start_matches([' ', '\t']).len();
    match opening {
        Opening::Item(Marker {
            sign,
            number: Some(_),
            ..
        }) => line.find(*sign).unwrap_or(start),
        _ => start,
    }
}

fn fence(text: &str, indent: usize) -> Option<Fence<'_>> {
    let sign = text
        .chars()
        .next()
        .filter(|sign| ['`', '~'].contains(sign))?;
    let info = text.trim_start_matches(sign);
    let length = text.len() - info.len();
    let info = info.trim();
    (length > 2 && !(sign == '`' && info.contains('`'))).then_some(Fence {
        indent,
        sign,
        length,
        info,
    })
}

fn heading(text: &str) -> Option<(u8, &str)> {
    let rest = text.trim_start_matches('#');
    let level = u8::try_from(text.len() - rest.len())
        .ok()
        .filter(|level| (1..=6).contains(level))?;
    (rest.is_empty() || rest.starts_with([' ', '\t']))
        .then(|| (level, rest.trim_matches([' ', '\t'])))
}

/// The item that begins with this line.
pub(in crate::jira::adf) fn marker(line: &str) -> Option<Marker<'_>> {
    let indent = indent(line);
    let text = line.trim_start_matches([' ', '\t']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = text[digits..].chars().next()?;
    let signs: &[char] = if digits == 0 {
        &['-', '*', '+']
    } else {
        &['.', ')']
    };
    let rest = &text[digits + sign.len_utf8()..];
    if indent > DEEPEST_INDENT
        || digits > LONGEST_NUMBER
        || !signs.contains(&sign)
        || !(rest.is_empty() || rest.starts_with([' ', '\t']))
    {
        return None;
    }
    let text_at = self::indent(rest);
    let text_starts = rest.trim_matches([' ', '\t']);
    let gap = if text_starts.is_empty() || text_at > 4 {
        1
    } else {
        text_at
    };
    Some(Marker {
        indent,
        sign,
        number: text[..digits].parse().ok(),
        width: digits + 1 + gap,
        text: text_starts,
    })
}

/// True if one of the backslashes says that there is a line, however empty.
pub(in crate::jira::adf) fn is_backslashes(line: &str) -> bool {
    let text = line.trim_matches([' ', '\t']);
    !text.is_empty() && text.bytes().all(|byte| byte == b'\\')
}

pub(in crate::jira::adf) fn is_blank(line: &str) -> bool {
    line.bytes().all(|byte| byte == b' ' || byte == b'\t')
}

/// In columns: a tab goes on to the next multiple of four.
pub(in crate::jira::adf) fn indent(line: &str) -> usize {
    let mut column = 0;
    for byte in line.bytes() {
        match byte {
            b' ' => column += 1,
            b'\t' => column += 4 - column % 4,
            _ => break,
        }
    }
    column
}

/// The line without so many columns of whitespace, or all it has.
pub(in crate::jira::adf) fn without_indent(line: &str, columns: usize) -> Cow<'_, str> {
    let mut column = 0;
    for (at, byte) in line.bytes().enumerate() {
        if column >= columns {
            let left_of_tab = " ".repeat(column - columns);
            return if left_of_tab.is_empty() {
                Cow::Borrowed(&line[at..])
            } else {
                Cow::Owned(left_of_tab + &line[at..])
            };
        }
        match byte {
            b' ' => column += 1,
            b'\t' => column += 4 - column % 4,
            _ => return Cow::Borrowed(&line[at..]),
        }
    }
    Cow::Owned(" ".repeat(column.saturating_sub(columns)))
}
