//! `plan`: rule by rule, in tables, and its properties over arbitrary edits.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::wildcard_imports,
    reason = "tests"
)]

mod answers;
mod heal;
mod link;
mod properties;
mod reviews;
mod rules;
mod schedules;
mod table;
mod war;
