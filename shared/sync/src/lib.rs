#![doc = include_str!("../README.md")]

mod conclude;
mod decision;
mod map;
mod plan;
mod rules;
mod settle;

pub use conclude::{Answer, Conclusion, Pulled, conclude, seed_incident};
pub use decision::{Action, Decision, Lost, Plan, Rule};
pub use map::{Mapped, Otherwise, TextForm, ValueMap};
pub use plan::{PlanInput, plan};
pub use rules::{FieldRule, Limit, LinkRules};
pub use settle::{Change, History, Sent, settle};
