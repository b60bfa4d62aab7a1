//! What every vendor has to do, held to it by the same tests.
//!
//! A vendor's tests are one file beside the suite, named at the end of this one: a [`rig::Rig`] around its sandbox, and
//! `conformance!(ItsRig);`, which makes each requirement a test of its own, such as
//! `pagerduty::reads_what_a_person_wrote`. A new vendor supplies
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
#[path = "conformance/call.rs"]
mod call;
#[path = "conformance/clock.rs"]
mod clock;
#[path = "conformance/create.rs"]
mod create;
#[path = "conformance/failures.rs"]
mod failures;
#[path = "conformance/history.rs"]
mod history;
#[path = "conformance/list.rs"]
mod list;
#[path = "conformance/notes.rs"]
mod notes;
#[path = "conformance/people.rs"]
mod people;
#[path = "conformance/probe.rs"]
mod probe;
#[path = "conformance/read.rs"]
mod read;
#[path = "conformance/rig.rs"]
mod rig;
#[path = "conformance/status.rs"]
mod status;
#[path = "conformance/verify.rs"]
mod verify;
#[path = "conformance/wire.rs"]
mod wire;
#[path = "conformance/write.rs"]
mod write;

/// Makes each requirement a test of this rig. A requirement that is missing here is dead code, which the lints refuse.
macro_rules! conformance {
    ($rig:ty) => {
        conformance! { plain $rig:
            probe::is_configured_as_it_says,
            verify::accepts_every_webhook_byte_for_byte,
            verify::accepts_the_previous_secret_during_a_rotation,
            verify::announces_notes,
            verify::notices_one_changed_bit,
            verify::refuses_what_another_secret_signed,
            verify::refuses_what_is_not_signed,
            verify::tells_a_repeat_from_another_event,
            verify::tests_itself_without_announcing_anything,
        }
        conformance! { asynchronous $rig:
            clock::tells_times_of_changes_and_notes_by_our_clock,
            clock::tells_times_of_records_by_our_clock,
            create::creates_with_each_value_as_sent,
            create::creates_with_the_incidents_id_and_finds_exactly_it,
            create::finds_a_creation_whose_answer_was_lost,
            create::states_what_a_creation_implies,
            failures::knows_whether_a_conflicting_update_may_be_tried_again,
            failures::quotes_the_vendor,
            failures::sends_nothing_without_a_login,
            failures::takes_garbage_for_no_answer,
            failures::tells_refusals_apart,
            failures::tells_silence_from_absence,
            failures::waits_as_long_as_the_vendor_asks,
            history::tells_nothing_from_before,
            history::tells_our_write_and_a_persons_edit_after_it,
            list::goes_on_in_another_process,
            list::goes_on_nowhere_else,
            list::lists_by_our_clock,
            list::names_records_with_new_notes,
            list::refuses_what_is_out_of_scope,
            list::refuses_what_was_not_asked_for,
            list::shows_each_record_as_it_is_read,
            list::skips_nothing_for_what_happens_meanwhile,
            list::tells_what_has_changed_since,
            notes::finds_a_note_whose_answer_was_lost,
            notes::knows_its_own_copy,
            notes::reads_a_persons_notes,
            notes::takes_nobodys_quotation_for_a_copy,
            people::guesses_nobody,
            people::looks_up_a_person_once,
            probe::finds_nothing_wrong_with_a_good_account,
            probe::says_that_a_credential_is_wrong,
            read::counts_the_values_of_what_can_be_counted,
            read::knows_no_record_that_is_not_there,
            read::reads_what_a_person_wrote,
            read::samples_every_mapped_field,
            status::takes_the_status_there_and_back,
            verify::announces_the_record_and_what_happened_to_it,
            write::clears_what_can_be_cleared,
            write::leaves_what_a_person_changed_meanwhile,
            write::leaves_what_can_be_set_on_creation_only,
            write::says_what_it_cannot_write_and_writes_the_rest,
            write::is_content_if_a_person_was_faster,
            write::shows_what_a_field_sent_along_has_overruled,
            write::takes_the_same_values_again,
            write::writes_all_fields_together,
            write::writes_each_field_alone,
        }
    };
    (plain $rig:ty: $($module:ident::$requirement:ident),+ $(,)?) => {
        $(
            #[test]
            fn $requirement() {
                crate::$module::$requirement::<$rig>();
            }
        )+
    };
    (asynchronous $rig:ty: $($module:ident::$requirement:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $requirement() {
                crate::$module::$requirement::<$rig>().await;
            }
        )+
    };
}

#[path = "conformance/jira.rs"]
mod jira;
#[path = "conformance/pagerduty.rs"]
mod pagerduty;
#[path = "conformance/servicenow.rs"]
mod servicenow;
