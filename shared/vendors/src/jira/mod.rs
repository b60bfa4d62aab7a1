//! Jira Cloud and Jira Service Management.

pub mod adf;
mod qsh;
#[cfg_attr(not(test), expect(dead_code, reason = "the webhook source calls it"))]
mod verify;
#[cfg_attr(not(test), expect(dead_code, reason = "the vendor API calls it"))]
mod workflow;
