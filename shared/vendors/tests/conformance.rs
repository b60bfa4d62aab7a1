//! What every vendor has to do, held to it by the same tests.
//!
//! A vendor's tests are one file beside the suite: a [`rig::Rig`] around its sandbox, and `conformance!(ItsRig);`, which
//! makes each requirement a test of its own, such as `pagerduty::reads_what_a_person_wrote`. A new vendor supplies
//!
//! - how an integration of it is configured: address, options, credentials, and which credential logs in;
//! - the sandbox: its answers, its webhooks, its faults, and which requests write;
//! - a sample of every field that its rules map: two raw values, and what cannot be done to the field, with the reason;
//! - what a person does there: creates a record, edits a field, writes a note, tries to delete the record;
//! - what the vendor holds in a field, looked up behind the API: what the suite believes where the vendor's code may err;
//! - how the vendor words a refusal, how it says how long to wait, and what each of the platform's statuses becomes.
//!
//! Nothing can be left out: a mapped field without a sample fails the suite, and what is declared lacking is tried.
#![allow(clippy::expect_used, reason = "a panic is a failed test")]

#[path = "conformance/bench.rs"]
mod bench;
#[path = "conformance/create.rs"]
mod create;
#[path = "conformance/read.rs"]
mod read;
#[path = "conformance/rig.rs"]
mod rig;
#[path = "conformance/wire.rs"]
mod wire;

/// Makes each requirement a test of this rig. A requirement that is missing here is dead code, which the lints refuse.
macro_rules! conformance {
    ($rig:ty) => {
        conformance! { $rig:
            create::creates_with_each_value_as_sent,
            create::creates_with_the_incidents_id_and_finds_exactly_it,
            create::finds_a_creation_whose_answer_was_lost,
            create::states_what_a_creation_implies,
            read::knows_no_record_that_is_not_there,
            read::reads_what_a_person_wrote,
            read::samples_every_mapped_field,
        }
    };
    ($rig:ty: $($module:ident::$requirement:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $requirement() {
                crate::$module::$requirement::<$rig>().await;
            }
        )+
    };
}

#[path = "conformance/pagerduty.rs"]
mod pagerduty;
