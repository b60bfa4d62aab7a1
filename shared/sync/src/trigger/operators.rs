//! The operators of CEL, with the types that they take.

use cel::{
    IdedExpr,
    common::ast::{Expr, LiteralValue, operators as op},
};

use super::{
    TriggerError,
    syntax::Source,
    types::{Fields, Type, Vocabulary},
};

/// An operator's use.
pub(super) struct Operator<'a> {
    pub(super) source: &'a Source<'a>,
    /// The operator itself.
    pub(super) part: u64,
    /// What it is used on.
    pub(super) parts: &'a [IdedExpr],
    /// The types of those.
    pub(super) types: &'a [Type],
}

type Checked = Result<Type, TriggerError>;

impl Operator<'_> {
    /// What it gives; `None` if this is no operator.
    pub(super) fn result(&self, name: &str) -> Option<Checked> {
        let sign = name.trim_matches('_').trim_start_matches('@');
        Some(match (name, self.types) {
            (op::LOGICAL_AND | op::LOGICAL_OR | op::LOGICAL_NOT | op::NOT_STRICTLY_FALSE, _) => {
                self.conditions(sign)
            }
            (op::EQUALS | op::NOT_EQUALS, [left, right]) => self.equality(left, right),
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [left, right]) => {
                self.order(sign, left, right)
            }
            (op::ADD, [left, right]) => self.sum(left, right),
            (op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [left, right]) => {
                self.arithmetic(sign, left, right)
            }
            (op::NEGATE, [of]) => match of {
                Type::Int | Type::Double | Type::Any => Ok(of.clone()),
                _ => self.refuse(
                    0,
                    format!("- is for an int or a double, not for {}", of.a()),
                ),
            },
            (op::IN, [left, right]) => self.membership(left, right),
            (op::INDEX, [of, key]) => self.index(of, key),
            (op::CONDITIONAL, [condition, yes, no]) => self.choice(condition, yes, no),
            _ => return None,
        })
    }

    fn refuse(&self, number: usize, problem: impl Into<String>) -> Checked {
        let part = self.parts.get(number).map_or(self.part, |part| part.id);
        Err(self.source.error(part, problem))
    }

    fn refuse_operator(&self, problem: impl Into<String>) -> Checked {
        Err(self.source.error(self.part, problem))
    }

    fn conditions(&self, sign: &str) -> Checked {
        for (number, found) in self.types.iter().enumerate() {
            if !matches!(found, Type::Bool | Type::Any) {
                let problem = format!("{sign} is for conditions, and this is {}", found.a());
                return self.refuse(number, problem);
            }
        }
        Ok(Type::Bool)
    }

    fn equality(&self, left: &Type, right: &Type) -> Checked {
        if left.joined(right).is_none() {
            let hint = match (left, right) {
                (Type::Null, _) | (_, Type::Null) => {
                    "; has(labels.x) says whether a custom field is set, == '' whether another is empty"
                }
                _ => "",
            };
            let (left, right) = (left.a(), right.a());
            return self.refuse_operator(format!("{left} and {right} are never the same{hint}"));
        }
        match (left, right) {
            (Type::Word(a), Type::Word(b)) if a != b => {
                let (a, b) = (a.name(), b.name());
                return self.refuse_operator(format!("{a} and {b} have no value in common"));
            }
            (Type::Word(vocabulary), _) => self.is_listed(*vocabulary, self.parts.get(1))?,
            (_, Type::Word(vocabulary)) => self.is_listed(*vocabulary, self.parts.first())?,
            _ => {}
        }
        Ok(Type::Bool)
    }

    /// A comparison with a text that the field never holds is a slip.
    fn is_listed(
        &self,
        vocabulary: Vocabulary,
        with: Option<&IdedExpr>,
    ) -> Result<(), TriggerError> {
        let Some(part) = with else { return Ok(()) };
        let Expr::Literal(LiteralValue::String(text)) = &part.expr else {
            return Ok(());
        };
        let (text, values) = (text.inner(), vocabulary.values());
        if text.is_empty() || values.contains(&text) {
            return Ok(());
        }
        let (name, values) = (vocabulary.name(), values.join(", "));
        let problem = format!("{name} is never {text:?}: it is one of {values}, or empty");
        Err(self.source.error(part.id, problem))
    }

    fn order(&self, sign: &str, left: &Type, right: &Type) -> Checked {
        let comparable =
            left.is_text() && right.is_text() || left.is_number() && left.joined(right).is_some();
        if comparable {
            return Ok(Type::Bool);
        }
        let (left, right) = (left.a(), right.a());
        self.refuse_operator(format!(
            "{sign} compares two strings, or two numbers of one type, not {left} with {right}"
        ))
    }

    fn sum(&self, left: &Type, right: &Type) -> Checked {
        match left.joined(right) {
            Some(Type::Word(_)) => Ok(Type::Text),
            Some(both @ Type::List(_)) => Ok(both),
            Some(both) if both.is_text() || both.is_number() => Ok(both),
            _ => {
                let (left, right) = (left.a(), right.a());
                self.refuse_operator(format!(
                    "+ joins two strings, two lists, or two numbers of one type, not {left} and {right}"
                ))
            }
        }
    }

    fn arithmetic(&self, sign: &str, left: &Type, right: &Type) -> Checked {
        match left.joined(right) {
            Some(Type::Double) if sign == "%" => {
                self.refuse_operator("% is for two ints, not for doubles")
            }
            Some(both) if both.is_number() => Ok(both),
            _ => {
                let (left, right) = (left.a(), right.a());
                self.refuse_operator(format!(
                    "{sign} is for two numbers of one type, not for {left} and {right}"
                ))
            }
        }
    }

    fn membership(&self, left: &Type, right: &Type) -> Checked {
        let Some(element) = right.element() else {
            let problem = format!("in looks into a list or a map, not into {}", right.a());
            return self.refuse(1, problem);
        };
        if left.joined(&element).is_none() {
            let (left, element) = (left.a(), element.a());
            return self.refuse_operator(format!(
                "{left} is never in it: each element, or key, is {element}"
            ));
        }
        let (Some(looked_for), Some(within)) = (self.parts.first(), self.parts.get(1)) else {
            return Ok(Type::Bool);
        };
        if let (Type::Word(vocabulary), Expr::List(list)) = (left, &within.expr) {
            for one in &list.elements {
                self.is_listed(*vocabulary, Some(one))?;
            }
        }
        if let (Type::Fields(fields), Expr::Literal(LiteralValue::String(key))) =
            (right, &looked_for.expr)
        {
            self.has_key(*fields, key.inner(), looked_for.id)?;
        }
        Ok(Type::Bool)
    }

    fn has_key(&self, fields: Fields, key: &str, part: u64) -> Result<(), TriggerError> {
        let refused = fields.refuses(key);
        refused.map_or(Ok(()), |why| Err(self.source.error(part, why)))
    }

    fn index(&self, of: &Type, key: &Type) -> Checked {
        if let Type::List(element) = of {
            return match key {
                Type::Int | Type::Any => Ok((**element).clone()),
                _ => self.refuse(1, format!("a list has numbers, and this is {}", key.a())),
            };
        }
        let Some(value) = of.value_of_map() else {
            let problem = format!("only a list or a map has [ ]; this is {}", of.a());
            return self.refuse_operator(problem);
        };
        if !key.is_text() {
            return self.refuse(1, format!("a map's keys are strings, not {}", key.a()));
        }
        if let (Type::Fields(fields), Some(part)) = (of, self.parts.get(1))
            && let Expr::Literal(LiteralValue::String(key)) = &part.expr
        {
            self.has_key(*fields, key.inner(), part.id)?;
        }
        Ok(value)
    }

    fn choice(&self, condition: &Type, yes: &Type, no: &Type) -> Checked {
        if !matches!(condition, Type::Bool | Type::Any) {
            let problem = format!("? is for a condition, and this is {}", condition.a());
            return self.refuse(0, problem);
        }
        let Some(both) = yes.joined(no) else {
            let (yes, no) = (yes.a(), no.a());
            let problem = format!("both sides of : are of one type, not {yes} and {no}");
            return self.refuse_operator(problem);
        };
        Ok(both)
    }
}
