//! Delimiters: which runs of `*`, `_` and `~` say something, and of what.

use std::cmp::Reverse;

use super::super::document::Style;

/// What stands for a node or a code span next to a delimiter.
pub(super) const NODE: char = '\u{fffc}';

/// A run of one delimiter character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) sign: char,
    length: usize,
    opens: bool,
    closes: bool,
    /// What it ends, what of it is text, and what it begins: in that order.
    pub(super) ended: Vec<Style>,
    pub(super) text: usize,
    pub(super) begun: Vec<Style>,
}

impl Run {
    /// `None` if it is text, whatever else is in the line. The neighbours are characters of the line; there are none
    /// at its ends.
    pub(super) fn new(
        sign: char,
        length: usize,
        before: Option<char>,
        after: Option<char>,
    ) -> Option<Self> {
        let is_space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        // As in `/**/` and `"*"`.
        let enclosed = before == after && before.is_some_and(|c| c.is_ascii_punctuation());
        if styles(sign, length).is_empty() || enclosed {
            return None;
        }
        let mut opens = !is_space(after) && !matches!(after, Some(')' | ']' | '}'));
        let mut closes = !is_space(before) && !matches!(before, Some('(' | '[' | '{'));
        if length == 1 {
            // As in `snake_case` and `2*3`, and in `*.log`.
            let is_glob = sign == '*' && after.is_some_and(|c| ".,;:!?/".contains(c));
            opens &= !is_word(before) && !is_glob;
            closes &= !is_word(after);
        }
        (opens || closes).then_some(Self {
            sign,
            length,
            opens,
            closes,
            ended: Vec::new(),
            text: length,
            begun: Vec::new(),
        })
    }
}

fn styles(sign: char, length: usize) -> &'static [Style] {
    match (sign, length) {
        ('*' | '_', 1) => &[Style::Em],
        ('*', 2) => &[Style::Strong],
        ('*', 3) => &[Style::Em, Style::Strong],
        ('~', 2) => &[Style::Strike],
        _ => &[],
    }
}

fn width(style: Style) -> usize {
    if style == Style::Em { 1 } else { 2 }
}

/// Runs that have begun a style which nothing has ended yet, per delimiter.
#[derive(Default)]
struct Open([Vec<usize>; 4]);

impl Open {
    fn stack(&mut self, sign: char, style: Style) -> &mut Vec<usize> {
        let [em, underscore, strong, strike] = &mut self.0;
        match (sign, style) {
            ('_', _) => underscore,
            (_, Style::Em) => em,
            (_, Style::Strong) => strong,
            (_, Style::Strike) => strike,
        }
    }

    /// What began after a run, and was not ended before what the run began was, is text.
    fn forget_after(&mut self, run: usize) {
        for stack in &mut self.0 {
            while stack.last().is_some_and(|open| *open > run) {
                stack.pop();
            }
        }
    }
}

/// Pairs the runs of a line. Each run ends what was begun last by its delimiter, then begins what it has left.
pub(super) fn pair(runs: &mut [&mut Run]) {
    let mut open = Open::default();
    for at in 0..runs.len() {
        let Run {
            sign,
            length,
            opens,
            closes,
            ..
        } = *runs[at];
        let mut left = styles(sign, length).to_vec();
        if closes {
            end(runs, at, &mut left, &mut open);
        }
        if opens {
            for style in left {
                open.stack(sign, style).push(at);
            }
        }
    }
}

/// Takes from what a run may say all that it ends.
fn end(runs: &mut [&mut Run], at: usize, left: &mut Vec<Style>, open: &mut Open) {
    let sign = runs[at].sign;
    loop {
        let begun = left.iter().enumerate().filter_map(|(index, style)| {
            // Of one run's two styles, em is the inner one.
            Some((*open.stack(sign, *style).last()?, Reverse(index)))
        });
        let Some((run, Reverse(index))) = begun.max() else {
            break;
        };
        let style = left.remove(index);
        open.stack(sign, style).pop();
        open.forget_after(run);
        runs[run].begun.push(style);
        runs[run].text -= width(style);
        runs[at].ended.push(style);
        runs[at].text -= width(style);
    }
}
