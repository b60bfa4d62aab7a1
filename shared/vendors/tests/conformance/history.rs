//! Who changed what, and when.

use im_model::{ExternalValue, Field};

use crate::{
    bench::{Bench, values},
    rig::{Ability, Rig, Sample},
};

/// Each with its value, its time and its author.
pub async fn tells_our_write_and_a_persons_edit_after_it<R: Rig>() {
    let bench = Bench::<R>::new();
    let mut samples = R::samples();
    let covers = |sample: &Sample| bench.api.history_covers(&sample.field);
    samples.retain(covers);
    assert!(
        samples.iter().any(|sample| sample.field == Field::Status),
        "without it no lost answer is settled"
    );
    for sample in samples {
        let id = bench.record();
        let since = bench.now();
        bench.wait();
        let wrote_at = bench.now();
        let written = bench.write(&id, &values([&sample], 0)).await;
        written.expect("written");
        let edited_at = bench.now();
        bench.rig().edit(&id, &sample.field, sample.values[1]);
        bench.wait();
        let history = bench.api.history(bench.connection(), &id, since).await;
        let changes = history.expect("a history").changes;
        let unknown = changes
            .iter()
            .find(|change| !bench.api.history_covers(&change.field));
        assert_eq!(unknown, None, "beyond what it says it covers");
        assert!(changes.is_sorted_by_key(|change| change.at), "{changes:?}");
        let of_it: Vec<_> = changes
            .iter()
            .filter(|change| change.field == sample.field)
            .collect();
        let [ours, theirs] = of_it[..] else {
            panic!("{}: not two changes: {of_it:?}", sample.field)
        };
        for (change, at, value) in [
            (ours, wrote_at, sample.values[0]),
            (theirs, edited_at, sample.values[1]),
        ] {
            assert_eq!(change.at.as_second(), at.as_second(), "{change:?}");
            let told = match sample.named_in_history {
                Ability::Has => Some(ExternalValue::text(value)),
                Ability::Lacks(_) => None,
            };
            assert_eq!(change.value, told, "{change:?}");
        }
        let author = theirs.author.as_ref().map(im_model::ActorId::as_str);
        assert_eq!(author, R::PERSON.in_history);
        assert!(
            theirs.author.is_none() || ours.author != theirs.author,
            "{changes:?}"
        );
    }
}

pub async fn tells_nothing_from_before<R: Rig>() {
    let bench = Bench::<R>::new();
    let id = bench.record();
    for sample in R::samples() {
        if bench.api.history_covers(&sample.field) {
            bench.rig().edit(&id, &sample.field, sample.values[0]);
            bench.wait();
        }
    }
    let history = bench
        .api
        .history(bench.connection(), &id, bench.now())
        .await;
    assert_eq!(history.expect("a history").changes, []);
}
