//! Tables, details and JSON: plain text without borders or colour.

use std::io::{self, Write};

use serde_json::Value;

use crate::cli::Format;

/// Where a command prints.
pub struct Console<'a> {
    /// How.
    pub format: Format,
    /// Results.
    pub out: &'a mut dyn Write,
    /// Notes and hints.
    pub err: &'a mut dyn Write,
    /// Whether somebody watches the notes: then long work shows how far it is.
    pub is_watched: bool,
}

impl Console<'_> {
    /// Prints the API's JSON, or what `table` makes of it.
    pub fn result(
        &mut self,
        value: &Value,
        table: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value)? + "\n",
            Format::Table => table(value),
        };
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Prints a result that takes the place of the one before: a line of JSON, or a page of a screen if somebody watches.
    pub fn again(
        &mut self,
        value: &Value,
        clear: &str,
        table: impl FnOnce(&Value) -> String,
    ) -> anyhow::Result<()> {
        let text = match self.format {
            Format::Json => format!("{value}\n"),
            Format::Table if self.is_watched => format!("{clear}{}", table(value)),
            Format::Table => format!("{}\n", table(value)),
        };
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Shows on one line of a terminal how far long work is, in place of what was shown there before.
    pub fn progress(&mut self, text: &str) -> anyhow::Result<()> {
        if !self.is_watched {
            return Ok(());
        }
        write!(
            self.err,
            "\r{:<PROGRESS$}",
            shortened(&one_line(text), PROGRESS)
        )?;
        Ok(self.err.flush()?)
    }

    /// Takes the line of progress away.
    pub fn end_progress(&mut self) -> anyhow::Result<()> {
        if self.is_watched {
            write!(self.err, "\r{:PROGRESS$}\r", "")?;
        }
        Ok(self.err.flush()?)
    }

    /// Prints a note, out of the way of the result.
    pub fn note(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.err, "note: {}", one_line(text))?)
    }
}

/// How wide a line of progress is, in characters.
const PROGRESS: usize = 60;

/// Did the reader of our output go away?
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Aligned columns under their headings; `none` when there are no rows.
pub fn table(headings: &[&str], rows: &[Vec<String>], none: &str) -> String {
    if rows.is_empty() {
        return format!("{none}\n");
    }
    let mut widths: Vec<usize> = headings.iter().map(|heading| width(heading)).collect();
    for row in rows {
        for (most, cell) in widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }
    let headings: Vec<String> = headings
        .iter()
        .map(|heading| (*heading).to_owned())
        .collect();
    std::iter::once(&headings)
        .chain(rows)
        .map(|row| line(row, &widths))
        .collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, most)| format!("{cell}{}", " ".repeat(most - width(cell))))
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// One `Name:  value` per line, further lines of a value below its first.
pub fn details(pairs: &[(&str, String)]) -> String {
    let most = pairs
        .iter()
        .map(|(name, _)| width(name))
        .max()
        .unwrap_or_default()
        + 1;
    let margin = format!("\n{}", " ".repeat(most + 2));
    let lines = pairs.iter().map(|(name, value)| {
        let lines: Vec<String> = value.lines().map(one_line).collect();
        let name = format!("{name}:");
        format!("{name:most$}  {}\n", lines.join(&margin))
    });
    lines.collect()
}

/// A member of the API's JSON as text on one line; `-` where there is nothing.
pub fn cell(value: &Value, member: &str) -> String {
    let text = text(value, member);
    if text.is_empty() {
        "-".to_owned()
    } else {
        one_line(&text)
    }
}

/// A member of the API's JSON as text; empty where there is nothing.
pub fn text(value: &Value, member: &str) -> String {
    match value.get(member) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A field's value of the API's JSON, where null is empty.
pub fn value(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".to_owned(),
        Value::String(text) => one_line(text),
        other => one_line(&other.to_string()),
    }
}

/// The same within a sentence: in quotes, and shortened.
pub fn quoted(given: &Value) -> String {
    const MOST: usize = 80;
    let text = shortened(&value(given), MOST);
    if given.is_null() {
        text
    } else {
        format!("\"{text}\"")
    }
}

/// At most so many characters, the last of which says that there are more.
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A time of the API's JSON as exact as it is known, down to the millisecond, in UTC.
pub fn exact_moment(value: &Value, member: &str) -> String {
    let text = cell(value, member);
    match text.parse::<jiff::Timestamp>() {
        Ok(time) if time.subsec_nanosecond() / 1_000_000 != 0 => {
            time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
        }
        _ => moment(value, member),
    }
}

/// A time of the API's JSON to the second, in UTC.
pub fn moment(value: &Value, member: &str) -> String {
    let text = cell(value, member);
    match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => text,
    }
}

/// What others wrote, made safe to print: control characters, which a terminal would obey, become spaces.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect()
}

/// Control characters, and those that reorder or break the text around them.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_and_end_without_blanks() {
        let rows = [["INC-1", "größer", "Disk full"], ["INC-22", "-", "-"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        insta::assert_snapshot!(table(&["ID", "TEAM", "TITLE"], &rows, "none"), @"
        ID      TEAM    TITLE
        INC-1   größer  Disk full
        INC-22  -       -
        ");
        assert_eq!(table(&["ID"], &[], "No incidents."), "No incidents.\n");
    }

    #[test]
    fn details_keep_the_lines_of_a_value_together() {
        let pairs = [
            ("Title", "Disk full".to_owned()),
            ("Description", "one\ntwo".to_owned()),
        ];
        insta::assert_snapshot!(details(&pairs), @"
        Title:        Disk full
        Description:  one
                      two
        ");
    }

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        let value = json!({"title": "a\u{1b}[2Jb\u{202e}c\nd", "none": null, "n": 3, "empty": ""});
        assert_eq!(cell(&value, "title"), "a [2Jb c d");
        assert_eq!(
            ["none", "missing", "empty", "n"].map(|m| cell(&value, m)),
            ["-", "-", "-", "3"]
        );
    }

    #[test]
    fn values_are_quoted_and_shortened_and_empty_is_not_a_text() {
        assert_eq!(value(&Value::Null), "(empty)");
        assert_eq!(quoted(&Value::Null), "(empty)");
        assert_eq!(quoted(&json!("two\nlines")), "\"two lines\"");
        let long = quoted(&json!("ö".repeat(81)));
        assert_eq!(long, format!("\"{}…\"", "ö".repeat(79)));
        assert_eq!(shortened("abcde", 5), "abcde");
        assert_eq!(shortened("abc def", 5), "abc…");
    }

    #[test]
    fn a_conflicts_times_are_shown_to_the_millisecond() {
        let value = json!({"at": "2026-11-03T10:20:30.123456Z", "whole": "2026-11-03T10:20:30Z"});
        assert_eq!(exact_moment(&value, "at"), "2026-11-03T10:20:30.123Z");
        assert_eq!(exact_moment(&value, "whole"), "2026-11-03T10:20:30Z");
    }

    #[test]
    fn times_are_shown_to_the_second() {
        let value = json!({"at": "2026-11-03T10:20:30.123456Z", "odd": "yesterday"});
        assert_eq!(moment(&value, "at"), "2026-11-03T10:20:30Z");
        assert_eq!(moment(&value, "odd"), "yesterday");
    }
}
