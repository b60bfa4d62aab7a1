//! The types of a condition: CEL checks them only when it runs, which would be too late.

use cel::{
    IdedExpr,
    common::ast::{
        CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr,
    },
};
use im_model::Field;

use super::{
    Subject, TriggerError,
    functions::{Call, Wrong, misused_macro},
    operators::Operator,
    syntax::Source,
    types::{Fields, Type, Vocabulary},
};

/// Checks one condition.
pub(super) struct Checker<'a> {
    source: &'a Source<'a>,
    subject: Subject,
    /// What macros have bound, innermost last.
    bound: Vec<(String, Type)>,
    /// Within what a macro does with each element.
    looping: bool,
}

type Checked = Result<Type, TriggerError>;

impl<'a> Checker<'a> {
    pub(super) fn new(source: &'a Source<'a>, subject: Subject) -> Self {
        Self {
            source,
            subject,
            bound: Vec::new(),
            looping: false,
        }
    }

    /// The whole must be true or false.
    pub(super) fn condition(&mut self) -> Result<(), TriggerError> {
        let root = &self.source.expression;
        match self.of(root)? {
            Type::Bool => Ok(()),
            found => {
                let problem = format!("a trigger is true or false; this is {}", found.a());
                Err(self.source.error(root.id, problem))
            }
        }
    }

    fn of(&mut self, expression: &IdedExpr) -> Checked {
        match &expression.expr {
            Expr::Literal(literal) => Ok(of_literal(literal)),
            Expr::Ident(name) => self.variable(expression.id, name),
            Expr::Select(select) => self.select(expression.id, select),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Comprehension(it) => self.comprehension(expression.id, it),
            Expr::Call(call) => self.call(expression.id, call),
            Expr::Struct(it) => {
                let problem = format!("there is no type {}", it.type_name);
                Err(self.source.error(expression.id, problem))
            }
            Expr::Unspecified => Err(self
                .source
                .error(expression.id, "something is missing here")),
        }
    }

    fn variable(&self, part: u64, name: &str) -> Checked {
        let bound = self.bound.iter().rev().find(|(bound, _)| bound == name);
        if let Some((_, found)) = bound {
            return Ok(found.clone());
        }
        if let Some(vocabulary) = Vocabulary::of(name) {
            return Ok(Type::Word(vocabulary));
        }
        if Field::BUILT_IN.iter().any(|field| field.name() == name) {
            return Ok(Type::Text);
        }
        match (name, self.subject) {
            ("custom" | "labels", _) => Ok(Type::Fields(Fields::Custom)),
            ("external", Subject::Record) => Ok(Type::Fields(Fields::External)),
            ("external", Subject::Incident) => {
                let problem = "only a vendor's record has external: use it in the inbound trigger";
                Err(self.source.error(part, problem))
            }
            _ => {
                let mut known = Field::BUILT_IN.map(|field| field.name()).join(", ");
                known.push_str(", custom, labels");
                if self.subject == Subject::Record {
                    known.push_str(", external");
                }
                let problem = format!("there is no variable {name}; there are {known}");
                Err(self.source.error(part, problem))
            }
        }
    }

    fn select(&mut self, part: u64, select: &SelectExpr) -> Checked {
        let of = self.of(&select.operand)?;
        self.has_key(part, &of, &select.field)?;
        let Some(value) = of.value_of_map() else {
            let (field, found) = (&select.field, of.a());
            let problem = format!("only a map has fields such as {field}; this is {found}");
            return Err(self.source.error(part, problem));
        };
        Ok(if select.test { Type::Bool } else { value })
    }

    fn has_key(&self, part: u64, of: &Type, key: &str) -> Result<(), TriggerError> {
        let refused = match of {
            Type::Fields(fields) => fields.refuses(key),
            _ => None,
        };
        refused.map_or(Ok(()), |why| Err(self.source.error(part, why)))
    }

    fn list(&mut self, list: &ListExpr) -> Checked {
        let mut element = Type::Any;
        for one in &list.elements {
            let found = self.of(one)?;
            element = element.joined(&found).ok_or_else(|| {
                let (first, found) = (element.a(), found.a());
                let problem = format!("a list has elements of one type: {first}, and not {found}");
                self.source.error(one.id, problem)
            })?;
        }
        Ok(Type::List(Box::new(element)))
    }

    fn map(&mut self, map: &MapExpr) -> Checked {
        let mut value = Type::Any;
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else {
                continue;
            };
            let key = self.of(&entry.key)?;
            if !key.is_text() {
                let problem = format!("a map's keys are strings, not {}", key.a());
                return Err(self.source.error(entry.key.id, problem));
            }
            let found = self.of(&entry.value)?;
            value = value.joined(&found).ok_or_else(|| {
                let (first, found) = (value.a(), found.a());
                let problem = format!("a map has values of one type: {first}, and not {found}");
                self.source.error(entry.value.id, problem)
            })?;
        }
        Ok(Type::Map(Box::new(value)))
    }

    /// What a macro such as `exists` was replaced with.
    fn comprehension(&mut self, part: u64, it: &ComprehensionExpr) -> Checked {
        let range = self.of(&it.iter_range)?;
        let Some(element) = range.element() else {
            let problem = format!("this goes over a list or a map, not over {}", range.a());
            return Err(self.source.error(it.iter_range.id, problem));
        };
        if self.looping {
            // Each would multiply how long the whole takes.
            let problem = "a list or map is gone over within another; that is not possible here";
            return Err(self.source.error(part, problem));
        }
        let start = self.of(&it.accu_init)?;
        self.looping = true;
        self.bound.push((it.accu_var.clone(), start.clone()));
        self.bound.push((it.iter_var.clone(), element));
        self.of(&it.loop_cond)?;
        let step = self.of(&it.loop_step)?;
        self.bound.truncate(self.bound.len() - 2);
        self.looping = false;
        let result = start.joined(&step).ok_or_else(|| {
            let problem = format!("this gives {}, and then {}", start.a(), step.a());
            self.source.error(part, problem)
        })?;
        self.bound.push((it.accu_var.clone(), result));
        let result = self.of(&it.result);
        self.bound.pop();
        result
    }

    fn call(&mut self, part: u64, call: &CallExpr) -> Checked {
        if let Some(problem) = misused_macro(&call.func_name) {
            return Err(self.source.error(part, problem));
        }
        let mut arguments = Vec::new();
        let target = match &call.target {
            Some(target) => Some(self.of(target)?),
            None => None,
        };
        for argument in &call.args {
            arguments.push(self.of(argument)?);
        }
        let operator = Operator {
            source: self.source,
            part,
            parts: &call.args,
            types: &arguments,
        };
        if let Some(checked) = operator.result(&call.func_name) {
            return checked;
        }
        let called = Call {
            name: &call.func_name,
            target: target.as_ref(),
            arguments: &arguments,
        };
        called.result().map_err(|wrong| match wrong {
            Wrong::Call(problem) => self.source.error(part, problem),
            Wrong::Argument(number, problem) => {
                let argument = call.args.get(number).map_or(part, |argument| argument.id);
                self.source.error(argument, problem)
            }
        })
    }
}

fn of_literal(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::UInt(_) => Type::Uint,
    }
}
