//! Creating a record, once.

use im_model::{ExternalValue, Field, Writability};
use im_vendors::VendorErrorKind;

use crate::{
    bench::{Bench, Values, incident, value, values},
    rig::Rig,
    wire::{Meets, Trouble},
};

fn title() -> Values {
    value(&Field::Title, "Disk full")
}

pub async fn creates_with_the_incidents_id_and_finds_exactly_it<R: Rig>() {
    let bench = Bench::<R>::new();
    // More than a page of anybody's list.
    for number in 0..120 {
        bench.rig().create(&format!("Disk of db-{number} full"));
    }
    bench.wait();
    let [mine, other, none] = [1, 2, 3].map(incident);
    let created = bench.create(&mine, &title()).await.expect("created");
    bench.create(&other, &title()).await.expect("created");
    assert_eq!(created.record.correlation.as_ref(), Some(&mine));
    assert_eq!(created.refused, [].into());
    let found = bench.find(&mine).await;
    let ids: Vec<_> = found.iter().map(|record| &record.id).collect();
    assert_eq!(ids, [&created.record.id]);
    assert_eq!(found[0].correlation.as_ref(), Some(&mine));
    assert_eq!(found[0], bench.read(&created.record.id).await);
    assert_eq!(bench.find(&none).await, []);
}

pub async fn creates_with_each_value_as_sent<R: Rig>() {
    let bench = Bench::<R>::new();
    let rules = bench.rules().await;
    let samples = R::samples();
    let mut sent_once = 0;
    let each = samples.iter().map(|sample| values([sample], 0));
    let all = values(&samples, 0);
    for mut wanted in each.chain([all]) {
        wanted
            .entry(Field::Title)
            .or_insert(ExternalValue::text("Disk full"));
        let sent = bench.api.creatable(wanted.clone());
        for (field, rule) in &rules.fields {
            let lost = wanted.contains_key(field) && !sent.contains_key(field);
            assert!(
                !lost || rule.writability == Writability::Always,
                "{field} can be set on creation only, and is not"
            );
        }
        let created = bench
            .create(&bench.next_incident(), &sent)
            .await
            .expect("created");
        assert_eq!(created.refused, [].into());
        let record = bench.read(&created.record.id).await;
        for sample in samples.iter().filter(|it| sent.contains_key(&it.field)) {
            sent_once += 1;
            bench.assert_holds(&record, sample, &sent[&sample.field]);
        }
    }
    assert!(sent_once > samples.len(), "hardly a value can be created");
}

pub async fn states_what_a_creation_implies<R: Rig>() {
    let bench = Bench::<R>::new();
    let created = bench.create(&incident(1), &title()).await.expect("created");
    let implied = bench.api.implied_by_creation(&bench.rules().await);
    assert!(
        implied.contains_key(&Field::Status),
        "every record has a status"
    );
    for sample in R::samples() {
        if let Some(value) = implied.get(&sample.field) {
            bench.assert_holds(&created.record, &sample, value);
        }
    }
}

pub async fn finds_a_creation_whose_answer_was_lost<R: Rig>() {
    let bench = Bench::<R>::new();
    let mine = incident(1);
    for (trouble, made) in [
        (Trouble::TimeoutBeforeCommit, 0),
        (Trouble::TimeoutAfterCommit, 1),
    ] {
        bench.wire.trouble(Meets::Write, trouble);
        let lost = bench.create(&mine, &title()).await;
        assert_eq!(lost.expect_err("no answer").kind, VendorErrorKind::Timeout);
        assert_eq!(bench.take_writes(), made);
        let found = bench.find(&mine).await;
        assert_eq!(found.len(), made, "{found:?}");
    }
}
