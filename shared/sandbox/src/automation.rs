//! Rules that the vendor's administrators made: when a field becomes this, set it to that.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::appended::Appended;
use crate::stand_in::Vendor;

/// When `field` becomes `when`, it is set to `then`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) field: String,
    pub(crate) when: String,
    pub(crate) then: String,
}

/// The account's rules, and what they are about to do.
#[derive(Debug, Default)]
pub(crate) struct Automations {
    rules: Appended<Rule>,
    due: VecDeque<(String, Rule)>,
    /// A request is being answered: what it causes comes after its answer.
    pub(crate) answering: bool,
}

impl Automations {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// The rules since the last call.
    pub(crate) fn take_unsaved(&mut self) -> Vec<Rule> {
        self.rules.take_unsaved()
    }

    /// Adds what [`Self::take_unsaved`] gave.
    pub(crate) fn take_up(&mut self, rules: Vec<Rule>) {
        self.rules.take_up(rules);
    }

    /// The rules that a change of the record has set off; `before` is `None` for a new one. Values are as people name
    /// them.
    pub(crate) fn set_off<T>(
        &mut self,
        id: &str,
        before: Option<&T>,
        after: &T,
        value: impl Fn(&T, &str) -> Option<String>,
    ) {
        let is_so = |record: &T, rule: &Rule| {
            value(record, &rule.field).as_deref() == Some(rule.when.as_str())
        };
        let made_so =
            |rule: &&Rule| is_so(after, rule) && !before.is_some_and(|before| is_so(before, rule));
        let due = self.rules.iter().filter(made_so);
        let due = due.map(|rule| (id.to_owned(), rule.clone()));
        self.due.extend(due);
    }
}

/// Does what is due, each a second after what caused it, unless an answer has to come first. What a rule did sets off
/// no other.
pub(crate) fn carry_out<V: Vendor>(vendor: &mut V) {
    loop {
        let surroundings = vendor.surroundings();
        if surroundings.automations.answering {
            return;
        }
        let Some((id, rule)) = surroundings.automations.due.pop_front() else {
            return;
        };
        surroundings.pass_a_second();
        vendor.automate(&id, &rule.field, &rule.then);
    }
}
