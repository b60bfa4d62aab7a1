//! The types of expressions, as far as triggers need them.

use im_model::{Field, Priority, Severity, Status};

/// A field that has one of a list of values, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vocabulary {
    Severity,
    Priority,
    Status,
}

impl Vocabulary {
    pub(super) const ALL: [Self; 3] = [Self::Severity, Self::Priority, Self::Status];

    /// The vocabulary of the field of this name.
    pub(super) fn of(variable: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|vocabulary| vocabulary.name() == variable)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Severity => "severity",
            Self::Priority => "priority",
            Self::Status => "status",
        }
    }

    pub(super) fn values(self) -> Vec<&'static str> {
        match self {
            Self::Severity => Severity::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Priority => Priority::ALL.iter().map(|word| word.as_str()).collect(),
            Self::Status => Status::ALL.iter().map(|word| word.as_str()).collect(),
        }
    }
}

/// A map of the subject's own, from field names to texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fields {
    /// `custom`, which is `labels`, too.
    Custom,
    /// `external`: a record's own values.
    External,
}

impl Fields {
    /// Why there can be no such key; `None` if there can.
    pub(super) fn refuses(self, key: &str) -> Option<String> {
        match self {
            Self::Custom => {
                let known = format!("custom.{key}").parse::<Field>().is_ok();
                (!known).then(|| {
                    format!("no custom field is named {key:?}: a name has 1 to 64 of a-z, A-Z, 0-9 and _")
                })
            }
            Self::External => {
                let known = key.parse::<Field>().is_ok();
                let names = Field::BUILT_IN.map(|field| field.name()).join(", ");
                (!known).then(|| {
                    format!("external has no {key:?}: it has {names} and \"custom.<name>\"")
                })
            }
        }
    }
}

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Int,
    Uint,
    Double,
    Text,
    /// A text out of a list.
    Word(Vocabulary),
    Bytes,
    Null,
    List(Box<Type>),
    /// With texts as keys.
    Map(Box<Type>),
    Fields(Fields),
    /// An element of an empty list.
    Any,
}

impl Type {
    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::Word(_) | Self::Any)
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double | Self::Any)
    }

    /// The type of what may be either; `None` if the two have nothing to do with each other.
    pub(super) fn joined(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a.clone()),
            (Self::Any, other) | (other, Self::Any) => Some(other.clone()),
            (a, b) if a.is_text() && b.is_text() => Some(Self::Text),
            (Self::List(a), Self::List(b)) => a.joined(b).map(|both| Self::List(Box::new(both))),
            (a, b) => {
                let both = a.value_of_map()?.joined(&b.value_of_map()?)?;
                Some(Self::Map(Box::new(both)))
            }
        }
    }

    /// What a map has for its keys; `None` if it is no map.
    pub(super) fn value_of_map(&self) -> Option<Self> {
        match self {
            Self::Map(value) => Some((**value).clone()),
            Self::Fields(_) => Some(Self::Text),
            _ => None,
        }
    }

    /// What one goes over who goes over it: a list's elements, a map's keys.
    pub(super) fn element(&self) -> Option<Self> {
        match self {
            Self::List(element) => Some((**element).clone()),
            Self::Map(_) | Self::Fields(_) => Some(Self::Text),
            Self::Any => Some(Self::Any),
            _ => None,
        }
    }

    /// With its article, for people.
    pub(super) fn a(&self) -> &'static str {
        match self {
            Self::Bool => "a condition",
            Self::Int => "an int",
            Self::Uint => "a uint",
            Self::Double => "a double",
            Self::Text | Self::Word(_) => "a string",
            Self::Bytes => "bytes",
            Self::Null => "null",
            Self::List(_) => "a list",
            Self::Map(_) | Self::Fields(_) => "a map",
            Self::Any => "anything",
        }
    }
}
