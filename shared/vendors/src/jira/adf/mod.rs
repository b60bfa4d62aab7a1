//! Atlassian Document Format ⇄ text that a person writes and reads.
//!
//! Jira holds a description and a comment as a document (ADF), the platform holds text. The text is a small Markdown,
//! with rules that leave logs, paths, globs and names alone:
//!
//! - A line is a line: a newline within a paragraph is a `hardBreak`, and each blank line beyond the first between two
//!   blocks is an empty paragraph. A line that is a `\` and nothing else is an empty line within a paragraph.
//! - Formatting begins and ends on one line: `**strong**`, `_em_` or `*em*` (not within a word), `~~strike~~`,
//!   `` `code` ``, `[text](https://…)`, `[text](https://… "title")`, `<https://…>`. Nothing in a URL is formatting.
//! - `# heading`, `- bullet` (`*`, `+`), `1. ordered` (`1)`), `> quote`, `---`, fenced code. There is no lazy
//!   continuation, no indented code, no HTML and no entity. A quote holds paragraphs, lists and code; a list item does,
//!   too: what ADF has no place for is text there.
//! - A backslash makes `` ` * _ ~ [ ] < `` text, and at the beginning of a line what would begin a block. Two make one
//!   only before those. Anywhere else, as in `C:\temp`, `\\host\share` and `\d+`, backslashes are what they are.
//!
//! What Markdown has no form for stays in the text as a carrier: `[@Ann](adf:mention?…)` for a node within a line (only
//! what follows the `?` counts), `[red text](adf:marks?…)` for marks on a text (which may be edited), and a fenced block
//! `` ```adf:panel `` that holds the node's JSON. A carrier that cannot be read, or holds what may not stand there, is
//! text like any other.
//!
//! Both functions take anything and never fail. Of any document `a` and any text `t`:
//!
//! - `to_markdown(from_markdown(to_markdown(a))) == to_markdown(a)`
//! - `from_markdown(normal_form(t)) == from_markdown(t)`, so `normal_form(normal_form(t)) == normal_form(t)`
//! - `from_markdown(to_markdown(a)) == a` if `a` is in the form in which `from_markdown` writes documents
//! - `normal_form(t) == t` for prose without formatting, apart from what nobody sees: blank lines at the beginning and
//!   the end, spaces and tabs at the end of a line, the kind of newline, and control characters.
//!
//! Beyond that, reading a document drops `localId`s, empty nodes, and strong, em and strike of the whitespace at their
//! edges; a list item that begins with a list gets an empty paragraph first, without which Jira used to refuse it.
//!
//! Node types and where they may stand are those of Atlassian's published JSON schema of ADF.

mod block;
mod carrier;
mod document;
mod emit;
mod inline;
mod node;
mod normal;
mod read;

use serde_json::Value;

/// The text of a document. A JSON string is taken for plain text, as in answers of the REST API v2.
pub fn to_markdown(document: &Value) -> String {
    block::write::blocks(&read::document(document), document::Place::DOCUMENT).join("\n")
}

/// The document of a text: version 1, and valid.
pub fn from_markdown(text: &str) -> Value {
    let text = normal::without_controls(text);
    let lines: Vec<_> = text.split('\n').map(Into::into).collect();
    let blocks = block::parse::blocks(&lines, document::Place::DOCUMENT);
    emit::document(&normal::blocks(blocks))
}

/// The text as it comes back from Jira.
pub fn normal_form(text: &str) -> String {
    to_markdown(&from_markdown(text))
}

#[cfg(test)]
mod tests;
