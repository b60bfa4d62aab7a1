//! An integration's rules: ownership, mappings, and the check.

pub mod check;
mod document;
pub mod mapping;
pub mod ownership;
#[cfg(test)]
mod tests;

use im_model::Ownable;

/// The API's name of what a person calls a field; what only the vendor's people call it, the API knows.
fn field_name(text: &str) -> String {
    Ownable::named(text).map_or_else(|_| text.to_owned(), |field| field.to_string())
}
