//! Writing fields, and nothing else.

use std::collections::BTreeMap;

use im_model::{ExternalRecord, ExternalValue, Field, Writability};
use im_vendors::{VendorError, Written};

use crate::{
    bench::{Bench, Values, value, values},
    rig::{Ability, Rig, Sample},
};

fn accepted(written: Result<Written, VendorError>) -> ExternalRecord {
    let written = written.expect("written");
    assert_eq!(written.refused, BTreeMap::new());
    written.record
}

/// What a record shows of the fields that a write of this one does not concern.
fn others(record: &ExternalRecord, written: &Sample) -> Values {
    let apart = |field: &Field| *field != written.field && !written.moves.contains(field);
    let fields = record.fields.iter().filter(|(field, _)| apart(field));
    fields
        .map(|(field, observed)| (field.clone(), observed.value.clone()))
        .collect()
}

pub async fn writes_each_field_alone<R: Rig>() {
    let bench = Bench::<R>::new();
    for sample in bench.writable().await {
        let id = bench.record();
        for which in [0, 1] {
            let before = others(&bench.read(&id).await, &sample);
            bench.take_writes();
            let wanted = values([&sample], which);
            let written = accepted(bench.write(&id, &wanted).await);
            let writes = bench.take_writes();
            assert!(
                writes == 1 || (writes > 1 && sample.field == Field::Status),
                "{}: {writes} writes",
                sample.field
            );
            let read = bench.read(&id).await;
            for record in [&written, &read] {
                bench.assert_holds(record, &sample, &wanted[&sample.field]);
            }
            assert_eq!(others(&read, &sample), before, "beside {}", sample.field);
            assert!(written.version <= read.version);
        }
    }
}

pub async fn writes_all_fields_together<R: Rig>() {
    let bench = Bench::<R>::new();
    let samples = bench.writable_together().await;
    assert!(samples.len() > 1, "no two fields can be written together");
    let id = bench.record();
    for which in [0, 1] {
        let wanted = values(&samples, which);
        let written = accepted(bench.write(&id, &wanted).await);
        let read = bench.read(&id).await;
        for sample in &samples {
            for record in [&written, &read] {
                bench.assert_holds(record, sample, &wanted[&sample.field]);
            }
        }
    }
}

pub async fn shows_what_a_field_sent_along_has_overruled<R: Rig>() {
    let bench = Bench::<R>::new();
    let samples = bench.writable().await;
    for winner in &samples {
        for (field, why) in &winner.wins_over {
            let loser = samples.iter().find(|sample| sample.field == *field);
            let loser = loser.expect("a field that can be written");
            let id = bench.record();
            let wanted = values([winner, loser], 0);
            let written = accepted(bench.write(&id, &wanted).await);
            let held = bench.rig().holds(&id, field);
            assert_ne!(
                held.as_deref(),
                Some(loser.values[0]),
                "{field}: not so: {why}"
            );
            let held = ExternalValue::text(held.unwrap_or_default());
            bench.assert_holds(&bench.read(&id).await, loser, &held);
            let shown = written.fields.get(field).map(|observed| &observed.value);
            assert!(
                shown.is_none_or(|shown| *shown == held),
                "{field}: {shown:?}"
            );
        }
    }
}

pub async fn takes_the_same_values_again<R: Rig>() {
    let bench = Bench::<R>::new();
    let samples = bench.writable_together().await;
    let id = bench.record();
    let wanted = values(&samples, 0);
    for _ in 0..2 {
        let record = accepted(bench.write(&id, &wanted).await);
        for sample in &samples {
            bench.assert_holds(&record, sample, &wanted[&sample.field]);
        }
    }
}

pub async fn clears_what_can_be_cleared<R: Rig>() {
    let bench = Bench::<R>::new();
    let rules = bench.rules().await;
    for sample in bench.writable().await {
        let id = bench.record();
        let full = values([&sample], 0);
        accepted(bench.write(&id, &full).await);
        let empty = value(&sample.field, "");
        let refused = rules.fields[&sample.field]
            .limit
            .refuses(&ExternalValue::EMPTY);
        let written = bench.write(&id, &empty).await;
        let record = bench.read(&id).await;
        match sample.clear {
            Ability::Has => {
                assert_eq!(refused, None, "{}", sample.field);
                bench.assert_holds(&accepted(written), &sample, &ExternalValue::EMPTY);
                bench.assert_holds(&record, &sample, &ExternalValue::EMPTY);
            }
            Ability::Lacks(why) => {
                assert!(refused.is_some(), "{}: no limit says: {why}", sample.field);
                bench.assert_holds(&record, &sample, &full[&sample.field]);
            }
        }
    }
}

pub async fn leaves_what_can_be_set_on_creation_only<R: Rig>() {
    let bench = Bench::<R>::new();
    let rules = bench.rules().await;
    let id = bench.record();
    for sample in R::samples() {
        if rules.fields[&sample.field].writability == Writability::Always {
            continue;
        }
        let before = bench.rig().holds(&id, &sample.field);
        // That it is refused is as good as that it is ignored: the plan sends no such field.
        let _ = bench.write(&id, &values([&sample], 0)).await;
        assert_eq!(
            bench.rig().holds(&id, &sample.field),
            before,
            "{}",
            sample.field
        );
    }
}

pub async fn leaves_what_a_person_changed_meanwhile<R: Rig>() {
    let bench = Bench::<R>::new();
    let mut theirs = R::samples();
    theirs.retain(|sample| sample.read == Ability::Has);
    for ours in bench.writable().await {
        for their in &theirs {
            if their.field == ours.field || ours.moves.contains(&their.field) {
                continue;
            }
            let id = bench.record();
            let before = bench.read(&id).await;
            bench.rig().edit(&id, &their.field, their.values[0]);
            bench.wait();
            let wanted = values([&ours], 0);
            let written = bench.api.write(bench.connection(), &before, &wanted).await;
            accepted(written);
            let theirs = bench.rig().holds(&id, &their.field);
            assert_eq!(
                theirs.as_deref(),
                Some(their.values[0]),
                "{} after a write of {}",
                their.field,
                ours.field
            );
        }
    }
}

pub async fn is_content_if_a_person_was_faster<R: Rig>() {
    let bench = Bench::<R>::new();
    let resolved = R::status(im_model::Status::Resolved).0;
    let mut races: Vec<_> = bench
        .writable()
        .await
        .into_iter()
        .map(|sample| (sample.field.clone(), sample.values[0]))
        .collect();
    races.push((Field::Status, resolved));
    for (field, raw) in races {
        let id = bench.record();
        let before = bench.read(&id).await;
        bench.rig().edit(&id, &field, raw);
        bench.wait();
        let wanted = value(&field, raw);
        let written = bench.api.write(bench.connection(), &before, &wanted).await;
        let shown = accepted(written).fields.remove(&field);
        let shown = shown.map(|observed| observed.value);
        assert!(shown.is_none_or(|shown| shown == wanted[&field]), "{field}");
        assert_eq!(
            bench.rig().holds(&id, &field).as_deref(),
            Some(raw),
            "{field}"
        );
    }
}

pub async fn says_what_it_cannot_write_and_writes_the_rest<R: Rig>() {
    let bench = Bench::<R>::new();
    let (field, unknown) = R::refused();
    let mut wanted = value(&field, unknown);
    wanted.insert(Field::Title, ExternalValue::text("Disk of db-9 full"));
    let id = bench.record();
    let before = bench.rig().holds(&id, &field);
    let written = bench
        .write(&id, &wanted)
        .await
        .expect("the rest is written");
    let created = bench.create(&crate::bench::incident(1), &wanted).await;
    let created = created.expect("created without it");
    let asked = bench.api.refusals(bench.connection(), &wanted).await;
    let asked = asked.expect("an answer");
    assert_eq!(bench.rig().holds(&id, &field), before);
    for refused in [&written.refused, &created.refused, &asked] {
        let fields: Vec<_> = refused.keys().collect();
        assert_eq!(fields, [&field]);
        assert!(refused[&field].contains(unknown), "{refused:?}");
    }
    for record in [&written.record, &created.record] {
        let title = bench.rig().holds(&record.id, &Field::Title);
        assert_eq!(title.as_deref(), Some("Disk of db-9 full"));
    }
}
