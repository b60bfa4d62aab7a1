//! Parts of a line to its text.
//!
//! What is written is read again: the first way of writing a line that gives the same line is taken, from no backslash
//! at all to one before everything that could mean something. The last way needs no delimiters, and is always right.

use serde_json::json;

use super::super::block::opening::{escape_at, opening};
use super::super::document::{Inline, Line, Link, Marks, Place, Style, Styles};
use super::super::{carrier, emit, normal};
use super::draft::Draft;
use super::emphasis::Run;
use super::{is_special, parse, target, url_end};

/// What gets a backslash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    Nothing,
    /// What may be read as something else, by what is next to it.
    Doubtful,
    Everything,
}

/// One way of writing a line.
#[derive(Debug, Clone, Copy)]
struct Way {
    escape: Escape,
    em: char,
    /// Styles whose delimiters would not be read, e.g. within a word.
    carried: Styles,
}

/// A line of a paragraph.
pub(in crate::jira::adf) fn line(line: &Line, place: Place, in_paragraph: bool) -> String {
    let whole = std::slice::from_ref(line);
    first_right(line, whole, |mut text| {
        if let Some(opening) = opening(&text, place, in_paragraph) {
            text.insert(escape_at(&text, &opening), '\\');
        }
        text
    })
}

/// The text of a heading: one line, whatever it has.
pub(in crate::jira::adf) fn heading(lines: &[Line]) -> String {
    first_right(&lines.join(&Inline::Break), lines, |text| text)
}

fn first_right(parts: &[Inline], lines: &[Line], finish: impl Fn(String) -> String) -> String {
    let write = |way: Way| {
        let mut draft = Draft::default();
        spans(
            parts,
            Styles::default(),
            Wrapped::default(),
            way,
            &mut draft,
        );
        finish(draft.into_text())
    };
    let is_right = |text: &String| normal::lines(parse::inlines(text)) == lines;
    let way = |escape, em, carried| Way {
        escape,
        em,
        carried,
    };
    let none = Styles::default();
    let ways = [
        way(Escape::Nothing, '_', none),
        way(Escape::Doubtful, '_', none),
        way(Escape::Doubtful, '*', none),
        way(Escape::Doubtful, '_', Styles::only(Style::Em)),
        way(Escape::Doubtful, '_', Styles::only(Style::Strong)),
        way(Escape::Doubtful, '_', Styles::only(Style::Strike)),
    ];
    let right = ways.into_iter().map(write).find(is_right);
    right.unwrap_or_else(|| write(way(Escape::Everything, '_', Styles::ALL)))
}

/// Which brackets a text is in.
#[derive(Debug, Clone, Copy, Default)]
struct Wrapped {
    link: bool,
    marks: bool,
}

/// What several parts have in common and is written around them.
enum Wrapper<'a> {
    Link(&'a Link),
    Marks(Marks),
    Style(Style),
}

fn spans(parts: &[Inline], done: Styles, wrapped: Wrapped, way: Way, out: &mut Draft) {
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let rest = &parts[at..];
        at += match part {
            Inline::Break => {
                out.raw(&carrier::inline(&json!({ "type": "hardBreak" })));
                1
            }
            Inline::Kept(node) => {
                out.raw(&carrier::inline(node));
                1
            }
            Inline::Text(text, marks) => match widest(rest, done, wrapped, way) {
                None if marks.code => {
                    code(text, out);
                    1
                }
                None => {
                    escaped(text, wrapped, way, out);
                    1
                }
                Some((wrapper, count)) => {
                    wrap(&wrapper, &rest[..count], done, wrapped, way, out);
                    count
                }
            },
        };
    }
}

/// What is around the most of the parts that follow. Of what is around as many, links come first.
fn widest(
    parts: &[Inline],
    done: Styles,
    wrapped: Wrapped,
    way: Way,
) -> Option<(Wrapper<'_>, usize)> {
    let Some(Inline::Text(_, marks)) = parts.first() else {
        return None;
    };
    let count = |has: &dyn Fn(&Marks) -> bool| {
        let is = |part: &&Inline| matches!(part, Inline::Text(_, marks) if has(marks));
        parts.iter().take_while(is).count()
    };
    let mut found = Vec::new();
    if let Some(link) = marks.link.as_ref().filter(|_| !wrapped.link) {
        let count = count(&|other| other.link.as_ref() == Some(link));
        found.push((Wrapper::Link(link), count));
    }
    let carried = self::carried(marks, way);
    if !wrapped.marks && carried != Marks::default() {
        let count = count(&|other| self::carried(other, way) == carried);
        found.push((Wrapper::Marks(carried), count));
    }
    for style in Style::ALL {
        let is_due = |marks: &Marks| marks.styles.without(done.union(way.carried)).has(style);
        if is_due(marks) {
            found.push((Wrapper::Style(style), count(&is_due)));
        }
    }
    let most = found.iter().map(|(_, count)| *count).max()?;
    found.into_iter().find(|(_, count)| *count == most)
}

fn carried(marks: &Marks, way: Way) -> Marks {
    Marks {
        styles: marks.styles.intersection(way.carried),
        other: marks.other.clone(),
        ..Marks::default()
    }
}

fn wrap(
    wrapper: &Wrapper<'_>,
    parts: &[Inline],
    done: Styles,
    wrapped: Wrapped,
    way: Way,
    out: &mut Draft,
) {
    match wrapper {
        Wrapper::Link(link) => {
            if let [Inline::Text(text, marks)] = parts
                && is_autolink(text, marks, link)
            {
                out.raw(&format!("<{text}>"));
                return;
            }
            out.raw("[");
            spans(
                parts,
                done,
                Wrapped {
                    link: true,
                    ..wrapped
                },
                way,
                out,
            );
            out.raw(&format!("]({})", target::write(link)));
        }
        Wrapper::Marks(marks) => {
            out.raw("[");
            spans(
                parts,
                done,
                Wrapped {
                    marks: true,
                    ..wrapped
                },
                way,
                out,
            );
            out.raw(&format!("]({})", carrier::marks(&emit::marks(marks))));
        }
        Wrapper::Style(style) => {
            let delimiter = match style {
                Style::Strike => "~~".to_owned(),
                Style::Strong => "**".to_owned(),
                Style::Em => way.em.to_string(),
            };
            out.raw(&delimiter);
            spans(parts, done.union(Styles::only(*style)), wrapped, way, out);
            out.raw(&delimiter);
        }
    }
}

fn is_autolink(text: &str, marks: &Marks, link: &Link) -> bool {
    let bare = marks.styles.is_empty() && !marks.code && marks.other.is_empty();
    bare && target::is_bare(text) && link.title.is_none() && link.href == text
}

fn code(text: &str, out: &mut Draft) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    let at_edges = |c: char| (text.starts_with(c), text.ends_with(c));
    let spaced = at_edges(' ') == (true, true) && !text.trim_matches(' ').is_empty();
    let pad = if spaced || at_edges('`') != (false, false) {
        " "
    } else {
        ""
    };
    out.raw(&format!("{ticks}{pad}{text}{pad}{ticks}"));
}

fn escaped(text: &str, wrapped: Wrapped, way: Way, out: &mut Draft) {
    let chars: Vec<_> = text.chars().collect();
    let in_brackets = wrapped.link || wrapped.marks;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let is_word = at > 0 && chars[at - 1].is_alphanumeric();
        let end = match (way.escape, c) {
            (Escape::Everything, _) => at + 1,
            (_, '*' | '_' | '~') => {
                at + chars[at..].iter().take_while(|other| **other == c).count()
            }
            (_, 'h') if !is_word => url_end(&chars, at),
            _ => at + 1,
        };
        let escape = match way.escape {
            Escape::Nothing => false,
            Escape::Doubtful => is_doubtful(&chars, at, end, in_brackets),
            Escape::Everything => is_special(c, &['x'], true),
        };
        out.text(&chars[at..end], escape, in_brackets);
        at = end;
    }
}

/// True if what is from here to there might be read as something else. At the edges of the text, anything may follow.
fn is_doubtful(chars: &[char], at: usize, end: usize, in_brackets: bool) -> bool {
    let rest = &chars[at..];
    let starts = |text: &str| {
        text.chars()
            .enumerate()
            .all(|(index, c)| rest.get(index + 1) == Some(&c))
    };
    match chars[at] {
        '`' => true,
        '[' => in_brackets || rest.windows(2).any(|two| two == [']', '(']),
        ']' => in_brackets,
        '<' => starts("http://") || starts("https://") || starts("mailto:"),
        sign @ ('*' | '_' | '~') => {
            let before = at.checked_sub(1).map(|before| chars[before]);
            let after = chars.get(end).copied();
            let run = |before, after| Run::new(sign, end - at, before, after).is_some();
            run(before, after)
                || (before.is_none() && run(Some('-'), after))
                || (after.is_none() && run(before, Some('-')))
        }
        _ => false,
    }
}
