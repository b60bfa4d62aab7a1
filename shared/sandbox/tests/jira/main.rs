//! The stand-in for Jira: what it accepts, refuses, does and says.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod access;
mod automations;
mod binary;
mod caller;
mod comments;
mod faults;
mod history;
mod issues;
mod people;
mod search;
mod signatures;
mod vocabulary;
mod webhooks;
mod workflow;
