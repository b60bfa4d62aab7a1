use std::collections::BTreeMap;

use async_trait::async_trait;
use im_vendors::VendorError;

use super::*;

/// A clock that only the test moves, and what all processes share.
#[derive(Default)]
struct Shared {
    now: Mutex<Timestamp>,
    circuit: Mutex<CircuitState>,
    taken: Mutex<BTreeMap<i64, u32>>,
    calls: Mutex<u32>,
}

impl Shared {
    fn called(&self) -> u32 {
        std::mem::take(&mut *self.calls.lock().expect("not poisoned"))
    }

    fn count(&self) {
        *self.calls.lock().expect("not poisoned") += 1;
    }

    fn pass(&self, seconds: i64) {
        *self.now.lock().expect("not poisoned") += SignedDuration::from_secs(seconds);
    }
}

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("not poisoned")
    }
}

#[async_trait]
impl CircuitStore for Shared {
    async fn integration_with_circuit(
        &self,
        _: &IntegrationId,
    ) -> Result<Option<(Integration, CircuitState)>, StoreError> {
        Ok(None)
    }

    async fn circuit(&self, _: &IntegrationId) -> Result<CircuitState, StoreError> {
        self.count();
        Ok(self.circuit.lock().expect("not poisoned").clone())
    }

    async fn put_circuit(
        &self,
        _: &IntegrationId,
        state: &CircuitState,
    ) -> Result<Attempt, StoreError> {
        self.count();
        let mut stored = self.circuit.lock().expect("not poisoned");
        if stored.version + 1 != state.version {
            return Ok(Attempt::LostRace);
        }
        *stored = state.clone();
        Ok(Attempt::Done)
    }

    async fn take_requests(
        &self,
        _: &IntegrationId,
        minute: i64,
        wanted: u32,
        ceiling: u32,
    ) -> Result<Attempt, StoreError> {
        self.count();
        let mut taken = self.taken.lock().expect("not poisoned");
        let taken = taken.entry(minute).or_default();
        if *taken + wanted > ceiling {
            return Ok(Attempt::LostRace);
        }
        *taken += wanted;
        Ok(Attempt::Done)
    }
}

fn id() -> IntegrationId {
    "pd".parse().expect("an id")
}

fn process(shared: &Arc<Shared>) -> Pace {
    Pace::new(shared.clone(), Arc::default(), shared.clone())
}

fn vendor(kind: VendorErrorKind) -> Result<Outcome, SyncError> {
    Err(SyncError::Vendor(VendorError {
        tried: "PUT /incidents/P1".into(),
        kind,
        detail: "a word of the vendor's".into(),
    }))
}

/// A job that comes to this, if it is let through.
async fn job(pace: &Pace, result: Result<Outcome, SyncError>) -> Result<Outcome, SyncError> {
    let permit = pace.enter(&id()).await?;
    permit.end(&result).await;
    result
}

async fn fail(pace: &Pace, times: u32) {
    for _ in 0..times {
        let failed = job(pace, vendor(VendorErrorKind::Timeout)).await;
        assert!(matches!(failed, Err(SyncError::Vendor(_))), "{failed:?}");
    }
}

async fn is_barred(pace: &Pace) -> bool {
    matches!(
        job(pace, Ok(Outcome::NothingNew)).await,
        Err(SyncError::CircuitOpen { .. })
    )
}

#[tokio::test]
async fn in_normal_times_nothing_is_asked_and_nothing_stored() {
    let shared = Arc::default();
    let pace = process(&shared);
    for result in [
        Ok(Outcome::NothingNew),
        vendor(VendorErrorKind::NotFound),
        vendor(VendorErrorKind::Unauthorized),
        Err(SyncError::TooManyRaces(8)),
    ] {
        for _ in 0..9 {
            let _ = job(&pace, result.clone()).await;
        }
    }
    assert_eq!(shared.called(), 0);
    assert!(
        !is_barred(&pace).await,
        "none of this says that nobody is there"
    );
}

#[tokio::test]
async fn every_way_of_not_being_there_counts() {
    for kind in [
        VendorErrorKind::Timeout,
        VendorErrorKind::Unreachable,
        VendorErrorKind::Unavailable { status: 503 },
        VendorErrorKind::Garbage,
    ] {
        let pace = process(&Arc::default());
        for _ in 0..5 {
            let _ = job(&pace, vendor(kind.clone())).await;
        }
        assert!(is_barred(&pace).await, "{kind:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_cut_off_counts_and_gives_its_place_back() {
    let shared = Arc::default();
    let pace = process(&shared);
    for _ in 0..5 {
        drop(pace.enter(&id()).await.expect("closed"));
    }
    pace.publish(&id()).await;
    assert!(is_barred(&pace).await);
    assert!(is_barred(&process_that_has_asked(&shared).await).await);
}

/// Another process, that has read what is stored.
async fn process_that_has_asked(shared: &Arc<Shared>) -> Pace {
    let pace = process(shared);
    pace.state(&id()).await.expect("stored");
    pace
}

#[tokio::test]
async fn one_trial_at_a_time_over_all_processes() {
    let shared = Arc::default();
    let ours = process(&shared);
    fail(&ours, 5).await;
    let theirs = process_that_has_asked(&shared).await;
    assert!(is_barred(&theirs).await);
    shared.pass(30);
    let trial = ours.enter(&id()).await.expect("a trial");
    assert!(is_barred(&ours).await, "one at a time");
    assert!(is_barred(&theirs).await, "here, too");
    trial.end(&Ok(Outcome::NothingNew)).await;
    assert!(!is_barred(&ours).await);
    theirs.state(&id()).await.expect("stored");
    assert!(!is_barred(&theirs).await);
}

#[tokio::test]
async fn a_process_that_has_not_heard_of_the_end_finds_out_by_its_own_trial() {
    let shared = Arc::default();
    let ours = process(&shared);
    fail(&ours, 5).await;
    let theirs = process_that_has_asked(&shared).await;
    shared.pass(30);
    assert!(!is_barred(&ours).await, "the trial, which closes it");
    assert!(!is_barred(&theirs).await);
    assert_eq!(shared.circuit.lock().expect("not poisoned").open, None);
}

#[tokio::test]
async fn a_process_that_fails_asks_whether_others_have_given_up() {
    let shared = Arc::default();
    let (ours, theirs) = (process(&shared), process(&shared));
    fail(&ours, 5).await;
    fail(&theirs, 1).await;
    assert!(is_barred(&theirs).await, "after one failure of its own");
}

#[tokio::test]
async fn a_trial_that_does_not_ask_the_vendor_is_none() {
    let shared = Arc::default();
    let ours = process(&shared);
    fail(&ours, 5).await;
    shared.pass(30);
    let _ = job(&ours, Ok(Outcome::Skipped("there was nothing to do"))).await;
    assert!(!is_barred(&ours).await, "the next one is the trial");
}

#[tokio::test]
async fn it_is_said_what_went_wrong_without_the_vendors_words() {
    let pace = process(&Arc::default());
    fail(&pace, 5).await;
    let Err(error) = job(&pace, Ok(Outcome::NothingNew)).await else {
        panic!("it is open");
    };
    let words = error.to_string();
    assert!(
        words.contains("PUT /incidents/P1: no answer in time"),
        "{words}"
    );
    assert!(!words.contains("a word of the vendor's"), "{words}");
    assert_eq!(error.reason(), FailureReason::Unavailable);
    assert!(!error.is_permanent());
}

#[tokio::test]
async fn a_reset_closes_it_for_all() {
    let shared = Arc::default();
    let ours = process(&shared);
    fail(&ours, 5).await;
    let opened = ours.state(&id()).await.expect("stored").open;
    assert_eq!(opened.map(|open| open.since), Some(shared.now()));
    process(&shared).reset(&id()).await.expect("stored");
    ours.state(&id()).await.expect("stored");
    assert!(!is_barred(&ours).await);
    shared.called();
    process(&shared).reset(&id()).await.expect("stored");
    assert_eq!(shared.called(), 1, "closed already: one read");
}
