//! What people call a field: the platform's name, or the vendor's.

use im_model::{InvalidField, Ownable};

use crate::VendorApi;

/// The field or list of notes that a person means, speaking of this vendor.
///
/// # Errors
/// Names the platform's fields.
pub fn ownable(vendor: &dyn VendorApi, text: &str) -> Result<Ownable, InvalidField> {
    Ownable::named(text).or_else(|unknown| {
        let alias = vendor.aliases().iter().find(|(alias, _)| *alias == text);
        alias.map(|(_, field)| field.clone().into()).ok_or(unknown)
    })
}
