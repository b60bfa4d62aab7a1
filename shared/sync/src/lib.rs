#![doc = include_str!("../README.md")]

mod conclude;
mod creation;
mod decision;
pub mod flips;
mod in_force;
mod map;
mod note_text;
mod notes;
mod overwrite;
mod plan;
pub mod prove;
mod review;
mod rules;
mod settle;
mod times;
#[cfg(feature = "triggers")]
mod trigger;
mod value_type;

pub use conclude::{Answer, Conclusion, Pulled, conclude, seed_incident};
pub use creation::{Outward, base_of_creation, implied_pairs, outward_values, sent_in_creation};
pub use decision::{Action, ConflictStep, Decision, Lost, Plan, Rule, Times};
pub use map::{Mapped, NormalForm, Otherwise, TextForm, ValueMap, ValueType};
pub use note_text::{CopiedNote, headed_note, marked_note, read_headed_note, read_marked_note};
pub use notes::{NotesInput, NotesPlan, plan_notes};
pub use overwrite::OurWrite;
pub use plan::{PlanInput, Unhealed, apart, plan, unhealed, wanting_times};
pub use rules::{FieldRule, Limit, LinkRules};
pub use settle::{Change, History, Sent, settle};
pub use times::add_times;
#[cfg(feature = "triggers")]
pub use trigger::{Facts, Subject, Trigger, TriggerError, Verdict};
