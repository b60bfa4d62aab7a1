//! The functions that a trigger may call, with the types that they take.

use super::types::Type;

/// Those that are called on something: `title.contains('db')`.
const METHODS: [&str; 4] = ["contains", "endsWith", "size", "startsWith"];

/// Those that are called with something: `size(labels)`.
const GLOBAL: [&str; 4] = ["double", "int", "size", "string"];

/// The macros, which the parser has replaced where they are written as they must be.
const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

/// How `has` is written.
pub(super) const HAS: &str = "has() takes one field, as in has(labels.team)";

/// A call of a function.
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    /// What it is called on, if it is.
    pub(super) target: Option<&'a Type>,
    pub(super) arguments: &'a [Type],
}

/// What is wrong with a call.
pub(super) enum Wrong {
    /// With the function, or with how it is called.
    Call(String),
    /// With the argument of this number, from 0.
    Argument(usize, String),
}

/// Why a macro is not called like this, whatever its arguments are; the parser has replaced it otherwise.
pub(super) fn misused_macro(name: &str) -> Option<String> {
    match name {
        "has" => Some(HAS.to_owned()),
        _ if MACROS.contains(&name) => Some(format!(
            "{name}() is called on a list or map, with a name and what it is used in, as in labels.{name}(x, x == 'a')"
        )),
        _ => None,
    }
}

impl Call<'_> {
    /// What it gives.
    pub(super) fn result(&self) -> Result<Type, Wrong> {
        match self.target {
            Some(target) => self.method(target),
            None => self.global(),
        }
    }

    fn method(&self, target: &Type) -> Result<Type, Wrong> {
        let name = self.name;
        match name {
            "size" => {
                self.takes(0)?;
                if has_size(target) {
                    return Ok(Type::Int);
                }
                let found = target.a();
                Err(Wrong::Call(format!(
                    "size() is of a string, a list or a map, not of {found}"
                )))
            }
            "contains" | "startsWith" | "endsWith" => {
                self.takes(1)?;
                if !target.is_text() {
                    let found = target.a();
                    let problem = format!("{name}() is of a string, not of {found}");
                    return Err(Wrong::Call(problem));
                }
                self.argument(0, "a string", Type::is_text)?;
                Ok(Type::Bool)
            }
            _ if GLOBAL.contains(&name) => Err(Wrong::Call(format!(
                "{name}() is not called on something; write {name}(…)"
            ))),
            _ => Err(unknown(name)),
        }
    }

    fn global(&self) -> Result<Type, Wrong> {
        let name = self.name;
        let result = match name {
            "size" => {
                self.takes(1)?;
                self.argument(0, "a string, a list or a map", has_size)?;
                return Ok(Type::Int);
            }
            "int" => Type::Int,
            "double" => Type::Double,
            "string" => Type::Text,
            _ if METHODS.contains(&name) => {
                let problem = format!("{name}() is called on something, as in title.{name}(…)");
                return Err(Wrong::Call(problem));
            }
            _ => return Err(unknown(name)),
        };
        self.takes(1)?;
        let is_simple = |found: &Type| found.is_text() || found.is_number();
        self.argument(0, "a string or a number", is_simple)?;
        Ok(result)
    }

    fn takes(&self, count: usize) -> Result<(), Wrong> {
        let given = self.arguments.len();
        if given == count {
            return Ok(());
        }
        let name = self.name;
        let argument = if count == 1 { "argument" } else { "arguments" };
        Err(Wrong::Call(format!(
            "{name}() takes {count} {argument}, not {given}"
        )))
    }

    fn argument(
        &self,
        number: usize,
        expected: &str,
        is_fine: impl Fn(&Type) -> bool,
    ) -> Result<(), Wrong> {
        match self.arguments.get(number) {
            Some(found) if !is_fine(found) => {
                let (name, found) = (self.name, found.a());
                let problem = format!("{name}() takes {expected}, not {found}");
                Err(Wrong::Argument(number, problem))
            }
            _ => Ok(()),
        }
    }
}

fn has_size(of: &Type) -> bool {
    of.is_text() || matches!(of, Type::List(_) | Type::Map(_) | Type::Fields(_))
}

fn unknown(name: &str) -> Wrong {
    let known = "contains, startsWith, endsWith, size, int, double, string, has, all, exists, exists_one, filter, map";
    Wrong::Call(format!("there is no function {name}(); there are {known}"))
}
