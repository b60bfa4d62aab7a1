//! What is wrong with a trigger, and where.

use std::fmt;

/// A condition that is refused, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct TriggerError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: String,
    /// The line of the text, or a part of it around the place.
    shown: String,
    /// How many characters of `shown` are before the place.
    before: usize,
}

impl TriggerError {
    /// How much of a line is shown around the place, in characters on each side.
    const AROUND: usize = 60;

    /// At a byte of the text.
    pub(super) fn at(text: &str, offset: usize, problem: impl Into<String>) -> Self {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default();
        Self::in_line(text, line, column.chars().count() + 1, problem)
    }

    /// At a line and a column, both from 1. A place that does not exist is the nearest that does.
    pub(super) fn in_line(
        text: &str,
        line: usize,
        column: usize,
        problem: impl Into<String>,
    ) -> Self {
        let lines: Vec<_> = text.split('\n').collect();
        let line = line.clamp(1, lines.len());
        let shown: Vec<char> = lines[line - 1].trim_end_matches('\r').chars().collect();
        let column = column.clamp(1, shown.len() + 1);
        let from = (column - 1).saturating_sub(Self::AROUND);
        let to = (column + Self::AROUND).min(shown.len());
        let mut part: String = shown[from..to].iter().copied().map(printable).collect();
        let mut before = column - 1 - from;
        if from > 0 {
            part.insert(0, '…');
            before += 1;
        }
        if to < shown.len() {
            part.push('…');
        }
        Self {
            line,
            column,
            problem: problem.into().chars().map(printable).collect(),
            shown: part,
            before,
        }
    }
}

/// Whatever a terminal would obey, and tabs, which would move the caret, are blanks.
fn printable(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

impl fmt::Display for TriggerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column, problem) = (self.line, self.column, &self.problem);
        let blanks = " ".repeat(self.before);
        write!(
            f,
            "{line}:{column}: {problem}\n  {}\n  {blanks}^",
            self.shown
        )
    }
}
