//! Listing records, many with each request.

use std::collections::{BTreeMap, BTreeSet};

use im_model::{ExternalId, ExternalRecord, Field, NoteKind};
use im_vendors::{ListQuery, Listing, Memory, VendorError, VendorErrorKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    bench::Bench,
    rig::{Ability, Rig},
};

const HOURS: SignedDuration = SignedDuration::from_hours(3);
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// All records, and none for its notes.
pub fn everything(now: Timestamp) -> ListQuery {
    ListQuery {
        since: None,
        noted_since: Some(now),
        until: now,
    }
}

fn since(then: Timestamp, now: Timestamp) -> ListQuery {
    ListQuery {
        since: Some(then),
        noted_since: Some(then),
        until: now,
    }
}

/// What the pages of a listing have shown together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Shown {
    records: BTreeMap<ExternalId, ExternalRecord>,
    changed: BTreeSet<ExternalId>,
    noted: BTreeSet<ExternalId>,
}

impl Shown {
    fn add(&mut self, page: Listing) {
        let records = page.records.into_iter();
        self.records
            .extend(records.map(|record| (record.id.clone(), record)));
        self.changed.extend(page.changed);
        self.noted.extend(page.noted);
    }

    /// What has changed, shown or named.
    fn changed(&self) -> BTreeSet<ExternalId> {
        let shown = self.records.keys().cloned();
        shown.chain(self.changed.iter().cloned()).collect()
    }
}

impl<R: Rig> Bench<R> {
    async fn page(&self, query: &ListQuery, after: Option<&str>) -> Result<Listing, VendorError> {
        self.api.list(self.connection(), query, after).await
    }

    /// All pages; between two of them something may happen, which is told what was shown so far.
    async fn list_while(
        &self,
        query: &ListQuery,
        mut meanwhile: impl FnMut(&Shown),
    ) -> Result<Shown, VendorError> {
        let mut shown = Shown::default();
        let mut after: Option<String> = None;
        // Far more pages than any of these listings has.
        for _ in 0..30 {
            let page = self.page(query, after.as_deref()).await?;
            after.clone_from(&page.next);
            shown.add(page);
            if after.is_none() {
                return Ok(shown);
            }
            meanwhile(&shown);
        }
        panic!("the listing does not end: {after:?}");
    }

    async fn list(&self, query: &ListQuery) -> Result<Shown, VendorError> {
        self.list_while(query, |_| ()).await
    }

    /// Records that a person made, three in each second.
    fn records(&self, count: usize) -> Vec<ExternalId> {
        let record = |number: usize| {
            if number.is_multiple_of(3) {
                self.pass(SECOND);
            }
            self.rig().create(&format!("Disk {number} full"))
        };
        (0..count).map(record).collect()
    }
}

pub async fn shows_each_record_as_it_is_read<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(R::LISTED_AT_ONCE + 10);
    let readable = R::samples()
        .into_iter()
        .filter(|it| it.read == Ability::Has);
    for (id, sample) in ids.iter().rev().zip(readable) {
        bench.rig().edit(id, &sample.field, sample.values[0]);
    }
    bench
        .rig()
        .edit(&ids[0], &Field::AssignedTo, R::PERSON.email);
    bench.rig().edit(
        &ids[1],
        &Field::Status,
        R::status(im_model::Status::Resolved).0,
    );
    bench.wait();
    bench.wire.take_sent();
    let shown = bench
        .list(&everything(bench.now()))
        .await
        .expect("a listing");
    let sent = bench.wire.take_sent();
    assert!(
        sent.len() <= 2 + R::LISTED_BESIDES,
        "{} requests: {sent:?}",
        sent.len()
    );
    assert!(sent.iter().all(|sent| !sent.write));
    let all: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(shown.changed(), all);
    assert_eq!((shown.changed.len(), shown.noted.len()), (0, 0));
    let assigned = &shown.records[&ids[0]].fields[&Field::AssignedTo];
    assert_eq!(assigned.value.as_str(), Some(R::PERSON.email));
    for id in &ids {
        assert_eq!(shown.records[id], bench.read(id).await);
    }
}

pub async fn tells_what_has_changed_since<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(6);
    bench.pass(HOURS);
    let before = bench.list(&since(bench.now(), bench.now())).await;
    assert_eq!(before, Ok(Shown::default()));
    let then = bench.now();
    bench
        .rig()
        .edit(&ids[1], &Field::Title, "Disk of db-9 full");
    bench.wait();
    bench.rig().edit(&ids[3], &Field::Severity, severity::<R>());
    let new = bench.rig().create("Disk of db-8 full");
    bench.wait();
    let shown = bench
        .list(&since(then, bench.now()))
        .await
        .expect("a listing");
    let expected = [ids[1].clone(), ids[3].clone(), new];
    assert_eq!(shown.changed(), expected.into());
    assert_eq!(shown.noted, [].into());
    for (id, record) in &shown.records {
        assert_eq!(*record, bench.read(id).await);
    }
}

fn severity<R: Rig>() -> &'static str {
    let samples = R::samples();
    let sample = samples
        .iter()
        .find(|sample| sample.field == Field::Severity);
    sample.expect("a severity").values[0]
}

pub async fn names_records_with_new_notes<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(5);
    let begun = bench.now();
    for id in &ids[..2] {
        bench.rig().note(id, NoteKind::WorkNote, "Looking.");
    }
    bench.pass(HOURS);
    let then = bench.now();
    bench
        .rig()
        .note(&ids[1], NoteKind::WorkNote, "Still looking.");
    bench
        .rig()
        .note(&ids[2], NoteKind::Comment, "We are on it.");
    bench.wait();
    let some = |ids: &[ExternalId]| ids.iter().cloned().collect::<BTreeSet<_>>();
    for (since, noted_since, expected) in [
        (None, None, &ids[..3]),
        (None, Some(begun), &ids[..3]),
        (None, Some(then), &ids[1..3]),
        (Some(then), None, &ids[..3]),
        (Some(then), Some(begun), &ids[..3]),
        (Some(then), Some(then), &ids[1..3]),
        (Some(begun), Some(then), &ids[1..3]),
        (Some(begun), Some(bench.now()), &[]),
    ] {
        let query = ListQuery {
            since,
            noted_since,
            until: bench.now(),
        };
        let shown = bench.list(&query).await.expect("a listing");
        assert_eq!(shown.noted, some(expected), "{query:?}");
    }
}

pub async fn skips_nothing_for_what_happens_meanwhile<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(2 * R::LISTED_AT_ONCE + 10);
    let all: BTreeSet<_> = ids.iter().cloned().collect();
    bench.pass(HOURS);
    let mut gone = BTreeSet::new();
    let mut times = 0;
    let query = everything(bench.now());
    let shown = bench.list_while(&query, |shown| {
        times += 1;
        bench.pass(SECOND);
        let rig = bench.rig();
        let there = ids.iter().filter(|id| !gone.contains(*id)).cloned();
        let (seen, unseen): (Vec<_>, Vec<_>) = there.partition(|id| shown.records.contains_key(id));
        let last = seen.len() - 1;
        let title = format!("Disk full, {times}");
        for id in seen[..3].iter().chain(&seen[last..]).chain(unseen.first()) {
            rig.edit(id, &Field::Title, &title);
        }
        if R::DELETION == Ability::Has {
            rig.delete(&seen[1]);
            gone.insert(seen[1].clone());
        }
        for leaving in [0, last / 2, last] {
            rig.leave(&seen[leaving]);
            gone.insert(seen[leaving].clone());
        }
        rig.create("Another one");
    });
    let shown = shown.await.expect("a listing");
    let missing: Vec<_> = all
        .iter()
        .filter(|id| !shown.records.contains_key(*id))
        .collect();
    assert!(missing.is_empty(), "{missing:?} of {ids:?}");
    assert!(times >= 2, "{times}");
}

pub async fn goes_on_in_another_process<R: Rig>() {
    let mut bench = Bench::<R>::new();
    let ids = bench.records(R::LISTED_AT_ONCE + 10);
    bench.rig().edit(
        ids.last().expect("one"),
        &Field::AssignedTo,
        R::PERSON.email,
    );
    bench.wait();
    let query = ListQuery {
        noted_since: None,
        ..everything(bench.now())
    };
    let expected = bench.list(&query).await.expect("a listing");
    assert_eq!(expected.records.len(), ids.len());
    let mut shown = Shown::default();
    let mut after = None;
    loop {
        bench.memory = Memory::default();
        let page = bench.page(&query, after.as_deref()).await.expect("a page");
        after.clone_from(&page.next);
        shown.add(page);
        bench.wait();
        if after.is_none() {
            break;
        }
    }
    assert_eq!(shown, expected);
}

pub async fn goes_on_nowhere_else<R: Rig>() {
    let bench = Bench::<R>::new();
    bench.records(1);
    bench.wire.take_sent();
    for nowhere in [
        "",
        "7",
        "null",
        "{}",
        r#"{"form":"1","place":{}}"#,
        r#"{"form":"9"}"#,
    ] {
        let error = bench.page(&everything(bench.now()), Some(nowhere)).await;
        let error = error.expect_err("it goes on nowhere");
        assert_eq!(error.kind, VendorErrorKind::Unsendable { field: None });
        assert!(error.is_permanent());
    }
    assert_eq!(bench.wire.take_sent().len(), 0);
}

pub async fn refuses_what_was_not_asked_for<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(3);
    bench.rig().note(&ids[2], NoteKind::WorkNote, "Looking.");
    bench.pass(HOURS);
    let then = bench.now();
    bench
        .rig()
        .edit(&ids[1], &Field::Title, "Disk of db-9 full");
    bench.wait();
    let query = since(then, bench.now());
    assert!(bench.list(&query).await.is_ok());
    bench.wire.ignore_filters(true);
    let error = bench.list(&query).await.expect_err("older ones came");
    assert_eq!(error.kind, VendorErrorKind::Garbage);
    assert!(!error.is_permanent());
    bench.wire.ignore_filters(false);
    assert!(bench.list(&query).await.is_ok());
}

pub async fn refuses_what_is_out_of_scope<R: Rig>() {
    let bench = Bench::<R>::new();
    let ids = bench.records(3);
    bench.rig().leave(&ids[1]);
    bench.wait();
    let query = everything(bench.now());
    let shown = bench.list(&query).await.expect("a listing");
    assert_eq!(shown.changed(), [ids[0].clone(), ids[2].clone()].into());
    bench.wire.ignore_filters(true);
    let ignoring = bench.list(&query).await;
    bench.wire.ignore_filters(false);
    match R::SCOPE {
        Ability::Has => {
            let error = ignoring.expect_err("what is out of scope came");
            assert_eq!(error.kind, VendorErrorKind::Garbage);
            // Whoever knows it may look at it.
            assert_eq!(bench.read(&ids[1]).await.id, ids[1]);
        }
        Ability::Lacks(why) => assert_eq!(ignoring, Ok(shown), "{why}"),
    }
}

pub async fn lists_by_our_clock<R: Rig>() {
    for offset in [SignedDuration::from_mins(5), SignedDuration::from_mins(-5)] {
        let bench = Bench::<R>::new();
        bench.rig().set_clock_offset(offset);
        let ids = bench.records(3);
        for _ in 0..2 {
            bench.wait();
            bench.read(&ids[0]).await;
        }
        bench.pass(HOURS);
        bench.read(&ids[0]).await;
        bench.wait();
        bench.read(&ids[0]).await;
        let then = bench.now();
        bench
            .rig()
            .edit(&ids[1], &Field::Title, "Disk of db-9 full");
        bench.rig().note(&ids[2], NoteKind::WorkNote, "Looking.");
        bench.wait();
        let shown = bench
            .list(&since(then, bench.now()))
            .await
            .expect("a listing");
        assert!(shown.changed().contains(&ids[1]), "{shown:?}");
        assert!(!shown.changed().contains(&ids[0]), "{shown:?}");
        assert_eq!(shown.noted, [ids[2].clone()].into());
        for (id, record) in shown.records {
            assert_eq!(record, bench.read(&id).await);
        }
    }
}
