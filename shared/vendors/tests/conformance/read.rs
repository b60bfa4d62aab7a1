//! Reading a record.

use std::collections::BTreeSet;

use im_model::{ExternalValue, Field, Status, TimeSource};
use im_sync::ValueMap;
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
    let mut timed = BTreeSet::new();
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
                let at = changed.at.as_second();
                assert_eq!(at, edited_at.as_second(), "{}", sample.field);
                assert_eq!(changed.source, TimeSource::Field, "{}", sample.field);
                timed.insert(sample.field.clone());
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
    let expected: BTreeSet<_> = R::TIMED.iter().cloned().collect();
    assert_eq!(timed, expected, "fields of which the record has the time");
}

/// A value that a field can be seen to hold, or that a map sends, is among those that were counted.
pub async fn counts_the_values_of_what_can_be_counted<R: Rig>() {
    let bench = Bench::<R>::new();
    let rules = bench.rules().await;
    let counted = |field: &Field| rules.fields[field].vendor_values.clone();
    for sample in R::samples() {
        let Some(known) = counted(&sample.field) else {
            continue;
        };
        let is_known = |text: &str| known.contains(text);
        assert!(sample.values.into_iter().all(is_known), "{known:?}");
        if let ValueMap::Table { entries, .. } = &rules.fields[&sample.field].outward {
            assert!(entries.values().all(|text| is_known(text)), "{known:?}");
        }
        assert!(!is_known("nothing of the kind"));
    }
    let statuses = counted(&Field::Status).expect("an account knows its statuses");
    for status in Status::ALL {
        let raw = R::status(*status).0;
        assert!(statuses.contains(raw), "{raw} of {statuses:?}");
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
