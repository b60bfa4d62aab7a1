//! What an expression reads, and what it saw there, in words.

use std::fmt;

use cel::{
    IdedExpr,
    common::ast::{CallExpr, EntryExpr, Expr, LiteralValue, operators},
};

use super::{Facts, facts::Held};

/// A variable, or one field of a variable that has fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) variable: String,
    pub(super) key: Option<String>,
}

impl Seen {
    /// How much of a value is repeated.
    const MOST_CHARACTERS: usize = 80;

    fn in_words(&self, facts: &Facts) -> String {
        match facts.held(self) {
            Held::Nothing => format!("{self} is not set"),
            Held::Text("") => format!("{self} is empty"),
            Held::Text(text) => format!("{self} is {:?}", shortened(text)),
            Held::Fields(0) => format!("{self} has no fields"),
            Held::Fields(1) => format!("{self} has 1 field"),
            Held::Fields(count) => format!("{self} has {count} fields"),
        }
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= Seen::MOST_CHARACTERS {
        return text.to_owned();
    }
    let start: String = text.chars().take(Seen::MOST_CHARACTERS).collect();
    format!("{start}…")
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = &self.variable;
        let is_plain = |key: &str| {
            let mut bytes = key.bytes();
            bytes.next().is_some_and(|b| !b.is_ascii_digit())
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        match &self.key {
            None => f.write_str(variable),
            Some(key) if is_plain(key) => write!(f, "{variable}.{key}"),
            Some(key) => write!(f, "{variable}[{key:?}]"),
        }
    }
}

/// `severity is "SEV-3", labels.team is not set`
pub(super) fn in_words(reads: &[Seen], facts: &Facts) -> String {
    if reads.is_empty() {
        return "it reads no field".to_owned();
    }
    let words: Vec<_> = reads.iter().map(|seen| seen.in_words(facts)).collect();
    words.join(", ")
}

/// What an expression reads, each once, in the order of the text.
pub(super) fn in_expression(expression: &IdedExpr) -> Vec<Seen> {
    let mut walk = Walk::default();
    walk.expression(expression);
    walk.seen
}

#[derive(Default)]
struct Walk {
    seen: Vec<Seen>,
    /// Names that a macro has bound.
    bound: Vec<String>,
}

impl Walk {
    fn expression(&mut self, expression: &IdedExpr) {
        if let Some(seen) = self.path(&expression.expr) {
            if !self.seen.contains(&seen) {
                self.seen.push(seen);
            }
            return;
        }
        match &expression.expr {
            Expr::Call(call) => {
                for part in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
                    self.expression(part);
                }
            }
            Expr::Select(select) => self.expression(&select.operand),
            Expr::List(list) => list.elements.iter().for_each(|one| self.expression(one)),
            Expr::Map(map) => {
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        self.expression(&entry.key);
                        self.expression(&entry.value);
                    }
                }
            }
            Expr::Comprehension(comprehension) => {
                self.expression(&comprehension.iter_range);
                self.bound.push(comprehension.iter_var.clone());
                self.bound.push(comprehension.accu_var.clone());
                self.expression(&comprehension.loop_step);
                self.bound.truncate(self.bound.len() - 2);
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// `severity`, `labels.team` or `labels['team']`.
    fn path(&self, expression: &Expr) -> Option<Seen> {
        let (variable, key) = match expression {
            Expr::Ident(name) => (name, None),
            Expr::Select(select) => match &select.operand.expr {
                Expr::Ident(name) => (name, Some(select.field.clone())),
                _ => return None,
            },
            Expr::Call(CallExpr {
                func_name, args, ..
            }) if func_name == operators::INDEX => match args.as_slice() {
                [of, key] => match (&of.expr, &key.expr) {
                    (Expr::Ident(name), Expr::Literal(LiteralValue::String(key))) => {
                        (name, Some(key.inner().to_owned()))
                    }
                    _ => return None,
                },
                _ => return None,
            },
            _ => return None,
        };
        (!self.bound.contains(variable)).then(|| Seen {
            variable: variable.clone(),
            key,
        })
    }
}
