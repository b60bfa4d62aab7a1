//! Where the official file contradicts itself, its own examples or what is known of the vendor.

use crate::openapi::Correction;

/// For [`crate::OpenApi::load_corrected`].
pub const CORRECTIONS: &[Correction] = &[];
