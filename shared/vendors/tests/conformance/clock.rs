//! A vendor's clock that is wrong.

use im_model::{ExternalId, ExternalRecord, Field, NoteKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    bench::{Bench, value, values},
    rig::{Ability, Rig},
};

const WRONG: [SignedDuration; 2] = [SignedDuration::from_mins(5), SignedDuration::from_mins(-5)];

fn assert_near(told: Timestamp, ours: Timestamp) {
    let apart = told.duration_since(ours).abs();
    assert!(apart <= SignedDuration::from_secs(2), "{told} for {ours}");
}

/// A record from before anybody knew of the clock, and all that was answered since has shown it.
async fn bench_of<R: Rig>(offset: SignedDuration) -> (Bench<R>, ExternalId, ExternalRecord) {
    let bench = Bench::<R>::new();
    bench.rig().set_clock_offset(offset);
    let id = bench.record();
    let unknowing = bench.read(&id).await;
    bench.wait();
    bench.read(&id).await;
    (bench, id, unknowing)
}

pub async fn tells_times_of_records_by_our_clock<R: Rig>() {
    for offset in WRONG {
        let (bench, id, unknowing) = bench_of::<R>(offset).await;
        let record = bench.read(&id).await;
        assert_near(record.created_at, unknowing.created_at - offset);
        assert_eq!(record.version, unknowing.version, "a version is theirs");
        for sample in R::samples() {
            if sample.read != Ability::Has {
                continue;
            }
            let edited_at = bench.now();
            bench.rig().edit(&id, &sample.field, sample.values[0]);
            let record = bench.read(&id).await;
            assert_near(record.updated_at, edited_at);
            if let Some(changed) = record.fields[&sample.field].changed {
                assert_near(changed.at, edited_at);
            }
            bench.wait();
        }
        let record = bench.read(&id).await;
        let wrote_at = bench.now();
        let title = value(&Field::Title, "Disk of db-9 full");
        let written = bench.api.write(bench.connection(), &record, &title).await;
        assert_near(written.expect("written").record.updated_at, wrote_at);
        let record = bench.read(&id).await;
        let (field, unknown) = R::refused();
        let wanted = value(&field, unknown);
        let written = bench.api.write(bench.connection(), &record, &wanted).await;
        let given_back = written.expect("nothing is written").record;
        assert_eq!(given_back.updated_at, record.updated_at);
        let incident = bench.next_incident();
        let created_at = bench.now();
        let created = bench.create(&incident, &title).await.expect("created");
        for record in [vec![created.record], bench.find(&incident).await].concat() {
            assert_near(record.created_at, created_at);
        }
    }
}

pub async fn tells_times_of_changes_and_notes_by_our_clock<R: Rig>() {
    for offset in WRONG {
        let (bench, id, _) = bench_of::<R>(offset).await;
        let since = bench.now();
        let samples = bench.writable_together().await;
        let mut told = 0;
        bench.rig().note(&id, NoteKind::WorkNote, "Looking.");
        let record = bench.read(&id).await;
        let notes = bench.api.notes(bench.connection(), &record).await;
        let notes = notes.expect("the notes");
        assert_eq!(notes.len(), 1);
        assert_near(notes[0].at, since);
        let wanted = values(&samples, 0);
        // At the very moment that is asked for.
        let written = bench.api.write(bench.connection(), &record, &wanted).await;
        written.expect("written");
        let history = bench.api.history(bench.connection(), &id, since).await;
        let changes = history.expect("a history").changes;
        for sample in &samples {
            let of_it = changes.iter().filter(|it| it.field == sample.field);
            for change in of_it {
                assert_near(change.at, since);
                told += 1;
            }
        }
        let covered = |field: &&Field| bench.api.history_covers(field);
        let covered = samples.iter().map(|it| &it.field).filter(covered).count();
        assert!(told >= covered, "{told} of {covered}: {changes:?}");
        bench.wait();
        let later = bench.api.history(bench.connection(), &id, bench.now());
        assert_eq!(later.await.expect("a history").changes, []);
    }
}
