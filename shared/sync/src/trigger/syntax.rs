//! The syntax of triggers: CEL's, within limits that keep every text harmless.

use cel::{
    IdedExpr,
    common::ast::{EntryExpr, Expr, SourceInfo},
    parser::{ParseErrors, Parser},
};

use super::{Trigger, TriggerError, functions::HAS, lexical};

/// More parts than this one in another are refused.
const MOST_NESTED: u16 = 20;

/// A text that was parsed.
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) expression: IdedExpr,
    info: SourceInfo,
}

impl<'a> Source<'a> {
    /// Parses a text.
    pub(super) fn parse(text: &'a str) -> Result<Self, TriggerError> {
        let length = text.chars().count();
        let most = Trigger::MOST_CHARACTERS;
        if length > most {
            let problem = format!("a trigger has at most {most} characters, not {length}");
            return Err(TriggerError::at(text, text.len(), problem));
        }
        if text.trim().is_empty() {
            return Err(TriggerError::at(text, 0, "there is no condition"));
        }
        lexical::check(text)?;
        let parser = Parser::new().max_recursion_depth(MOST_NESTED);
        let (expression, info) = parser
            .parse_with_source_info(text)
            .map_err(|errors| first_of(text, &errors))?;
        let source = Self {
            text,
            expression,
            info,
        };
        match too_deep(&source.expression, MOST_NESTED) {
            Some(part) => Err(source.error(part, nested_too_deep())),
            None => Ok(source),
        }
    }

    /// What is wrong with a part of the text.
    pub(super) fn error(&self, part: u64, problem: impl Into<String>) -> TriggerError {
        let offset = self.info.offset_for(part).map_or(0, |(start, _)| start);
        let offset = usize::try_from(offset).unwrap_or_default();
        TriggerError::at(self.text, offset, problem)
    }
}

fn nested_too_deep() -> String {
    format!("more than {MOST_NESTED} parts are nested here; join conditions with && and || instead")
}

/// The parser tells everything that follows from an error, too: what comes first in the text is what is wrong. Only an
/// operator without its right side is reported at its left side before that.
fn first_of(text: &str, errors: &ParseErrors) -> TriggerError {
    let is_echo = |error: &&cel::ParseError| error.msg.starts_with("Incomplete");
    let first = errors.errors.iter().find(|error| !is_echo(error));
    let Some(error) = first.or(errors.errors.first()) else {
        return TriggerError::at(text, 0, "it cannot be read");
    };
    let place = |number: isize| usize::try_from(number).unwrap_or_default();
    let (line, column) = error.pos;
    TriggerError::in_line(text, place(line), place(column), in_words(&error.msg))
}

/// The parser's words, without the list of all tokens that could have been there.
fn in_words(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    if message.contains("Recursion limit") {
        return nested_too_deep();
    }
    if message.contains("has() macro") {
        return HAS.to_owned();
    }
    let (said, expected) = message.split_once(" expecting ").unwrap_or((message, ""));
    if said.contains("'<EOF>'") {
        return "the condition breaks off here".to_owned();
    }
    if let Some(token) = said.strip_prefix("token recognition error at: ") {
        let token = token.trim_matches('\'').trim();
        return match token.chars().next() {
            Some('=') => "= is no comparison; write ==".to_owned(),
            _ => format!("{token} means nothing here"),
        };
    }
    let misplaced = ["extraneous input ", "mismatched input "];
    match misplaced.iter().find_map(|words| said.strip_prefix(words)) {
        Some(token) if expected == "<EOF>" => {
            format!("the condition is complete before {token}; join conditions with && or ||")
        }
        Some(token) => format!("{token} makes no sense here"),
        None if said.starts_with("no viable alternative") => "this cannot be read".to_owned(),
        None => said.to_owned(),
    }
}

/// The first part that is nested deeper than `most`.
fn too_deep(expression: &IdedExpr, most: u16) -> Option<u64> {
    let mut left = vec![(expression, 1)];
    while let Some((part, depth)) = left.pop() {
        if depth > most {
            return Some(part.id);
        }
        left.extend(parts(part).into_iter().map(|part| (part, depth + 1)));
    }
    None
}

/// The expressions that an expression is made from.
fn parts(expression: &IdedExpr) -> Vec<&IdedExpr> {
    match &expression.expr {
        Expr::Call(call) => {
            let target = call.target.iter().map(AsRef::as_ref);
            target.chain(&call.args).collect()
        }
        Expr::Comprehension(it) => vec![
            &it.iter_range,
            &it.accu_init,
            &it.loop_cond,
            &it.loop_step,
            &it.result,
        ],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => entries(&map.entries),
        Expr::Struct(it) => entries(&it.entries),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entries(entries: &[cel::common::ast::IdedEntryExpr]) -> Vec<&IdedExpr> {
    entries
        .iter()
        .flat_map(|entry| match &entry.expr {
            EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
            EntryExpr::StructField(field) => vec![&field.value],
        })
        .collect()
}
