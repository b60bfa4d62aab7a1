#![doc = include_str!("../README.md")]
#![cfg_attr(
    test,
    allow(
        clippy::expect_used,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]

mod audit;
mod authenticate;
mod authorise;
mod body;
mod caller;
mod conflict;
mod dead_letter;
mod delivery;
mod health;
mod incident;
mod integration;
mod precondition;
mod problem;
mod query;
mod reconcile;
mod router;
mod rules;
mod sync_status;
#[cfg(test)]
mod unreachable;
mod value;

pub use authenticate::{
    Authenticator, Expected, FixedKey, KeySetSource, KeySource, LoopbackAdministrator,
    PublishedKeys, TokenAuthenticator, Unauthenticated,
};
pub use authorise::{
    Action, Denied, Resource, Which,
    policy::{Policy, PolicyError},
};
pub use caller::{ADMINISTRATOR, Caller};
pub use health::OPENAPI;
pub use problem::Problem;
pub use router::{Api, BASE, router};
