//! Triggers: conditions in CEL that say when a record is first sent, checked when they are saved.

mod check;
mod context;
mod error;
mod facts;
mod functions;
mod lexical;
mod operators;
mod seen;
mod syntax;
#[cfg(test)]
mod tests;
mod types;

use cel::{ExecutionError, IdedExpr, Value};

use self::{check::Checker, seen::Seen, syntax::Source, types::Vocabulary};
pub use self::{error::TriggerError, facts::Facts};

/// What a trigger is a condition on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An incident, before a record is created for it: the outbound trigger.
    Incident,
    /// A vendor's record, before it becomes an incident: the inbound trigger. It has `external`, too.
    Record,
}

/// What a trigger said about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Does the condition hold? One that reads a field that is not set does not.
    pub holds: bool,
    /// What it saw, in words.
    pub reason: String,
}

/// A condition that was checked: it can be evaluated on every subject of its kind without an error.
#[derive(Debug)]
pub struct Trigger {
    text: String,
    expression: IdedExpr,
    /// What it reads, in the order of the text.
    reads: Vec<Seen>,
}

impl Trigger {
    /// The longest text that is accepted, in characters.
    pub const MOST_CHARACTERS: usize = 2_000;

    /// Reads and checks a condition: syntax, names, types, and comparisons that could never hold.
    ///
    /// # Errors
    /// Names the place and what is wrong there.
    pub fn parse(text: &str, subject: Subject) -> Result<Self, TriggerError> {
        let source = Source::parse(text)?;
        Checker::new(&source, subject).condition()?;
        let trigger = Self {
            text: text.to_owned(),
            reads: seen::in_expression(&source.expression),
            expression: source.expression,
        };
        // What the checker let through by mistake shows here, and not in the middle of a sync.
        for sample in [Facts::blank(subject), Facts::filled(subject)] {
            match trigger.resolve(&sample) {
                Ok(Value::Bool(_)) => {}
                Err(error) if depends_on_values(&error) => {}
                Ok(other) => {
                    let problem = format!("it says {other:?}, and not true or false");
                    return Err(TriggerError::at(text, 0, problem));
                }
                Err(error) => return Err(TriggerError::at(text, 0, error.to_string())),
            }
        }
        Ok(trigger)
    }

    /// The condition as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does the condition hold?
    pub fn evaluate(&self, facts: &Facts) -> Verdict {
        let mut reason = seen::in_words(&self.reads, facts);
        let holds = match self.resolve(facts) {
            Ok(Value::Bool(holds)) => holds,
            Ok(other) => {
                reason = format!("{reason}; it says {other:?}, and not true or false");
                false
            }
            Err(ExecutionError::NoSuchKey(key)) => {
                // Where the key is in the text, its field was named already.
                if !self
                    .reads
                    .iter()
                    .any(|seen| seen.key.as_ref() == Some(&*key))
                {
                    reason = format!("{reason}; no field {key:?} is set");
                }
                false
            }
            Err(error) => {
                reason = format!("{reason}; it has no answer: {error}");
                false
            }
        };
        Verdict { holds, reason }
    }

    /// Can the condition hold at all? `None` if it reads more than severity, priority and status, whose every
    /// combination is tried.
    pub fn can_ever_hold(&self) -> Option<bool> {
        let is_listed = |seen: &Seen| Vocabulary::of(&seen.variable).is_some();
        if !self.reads.iter().all(is_listed) {
            return None;
        }
        let with = |facts: &Facts, vocabulary: Vocabulary| -> Vec<Facts> {
            let read = self
                .reads
                .iter()
                .any(|seen| seen.variable == vocabulary.name());
            let mut values = vec![""];
            values.extend(vocabulary.values().into_iter().filter(|_| read));
            let set = |value: &&str| facts.clone().with(vocabulary.name(), value);
            values.iter().map(set).collect()
        };
        let mut all = vec![Facts::blank(Subject::Incident)];
        for vocabulary in Vocabulary::ALL {
            all = all
                .iter()
                .flat_map(|facts| with(facts, vocabulary))
                .collect();
        }
        Some(all.iter().any(|facts| self.evaluate(facts).holds))
    }

    fn resolve(&self, facts: &Facts) -> Result<Value, ExecutionError> {
        Value::resolve(&self.expression, &context::of(facts))
    }
}

/// Is it an error that other values would not make?
fn depends_on_values(error: &ExecutionError) -> bool {
    use ExecutionError as E;
    matches!(
        error,
        E::NoSuchKey(_)
            | E::FunctionError { .. }
            | E::DivisionByZero(_)
            | E::RemainderByZero(_)
            | E::Overflow(..)
            | E::IndexOutOfBounds(_)
    )
}
