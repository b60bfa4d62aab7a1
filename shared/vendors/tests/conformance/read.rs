//! Reading a record.

use std::collections::BTreeSet;

use im_model::ExternalValue;
use im_vendors::VendorErrorKind;

use crate::{
    bench::Bench,
    rig::{Ability, Rig},
};

/// The suite's own guard: what has no sample would not be tested.
pub async fn samples_every_mapped_field<R: Rig>() {
    let bench = Bench::<R>::new();
    let samples = R::samples();
    let sampled: BTreeSet<_> = samples.iter().map(|sample| sample.field.clone()).collect();
    let mapped: BTreeSet<_> = bench.rules().await.fields.into_keys().collect();
    assert_eq!(sampled, mapped, "sampled and mapped fields");
    assert_eq!(samples.len(), sampled.len(), "a field is sampled twice");
    for sample in samples {
        assert_ne!(sample.values[0], sample.values[1], "{}", sample.field);
    }
}

pub async fn reads_what_a_person_wrote<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    let mut version = bench.read(&id).await.version;
    for sample in R::samples() {
        if sample.read != Ability::Has {
            continue;
        }
        for value in sample.values {
            let edited_at = bench.now();
            bench.rig().edit(&id, &sample.field, value);
            let record = bench.read(&id).await;
            assert_eq!(record.id, id);
            bench.assert_holds(&record, &sample, &ExternalValue::text(value));
            assert!(record.version > version, "{}: a minute later", sample.field);
            version = record.version;
            assert_eq!(record.updated_at.as_second(), edited_at.as_second());
            let observed = &record.fields[&sample.field];
            if let Some(changed) = observed.changed {
                assert_eq!(
                    changed.at.as_second(),
                    edited_at.as_second(),
                    "{}",
                    sample.field
                );
            }
            if let Some(author) = &observed.author {
                assert_eq!(
                    Some(author.as_str()),
                    R::PERSON.in_history,
                    "{}",
                    sample.field
                );
            }
            bench.wait();
        }
    }
}

pub async fn knows_no_record_that_is_not_there<R: Rig>() {
    let bench = Bench::<R>::new();
    let unknown = bench.api.read(bench.connection(), &R::unknown_id()).await;
    assert_eq!(
        unknown.expect_err("no record").kind,
        VendorErrorKind::NotFound
    );
    let id = bench.record();
    bench.rig().delete(&id);
    let deleted = bench.api.read(bench.connection(), &id).await;
    match R::DELETION {
        Ability::Has => {
            assert_eq!(
                deleted.expect_err("deleted").kind,
                VendorErrorKind::NotFound
            );
        }
        Ability::Lacks(why) => {
            assert!(deleted.is_ok(), "it was deleted, though it was said: {why}");
        }
    }
}
