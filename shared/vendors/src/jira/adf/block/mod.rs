//! Blocks ⇄ lines.

pub(super) mod opening;
pub(super) mod parse;
pub(super) mod write;
