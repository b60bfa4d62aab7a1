//! The circuit breaker of one integration. Pure.

use jiff::{SignedDuration, Timestamp};

/// What all processes know of how an integration's vendor may be called at present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CircuitState {
    /// Raised by one at every change; 0 if there was none.
    pub version: u64,
    /// Absent while the circuit is closed, as it should be.
    pub open: Option<OpenCircuit>,
    /// Until when the vendor has asked to be left alone (429).
    pub paused_until: Option<Timestamp>,
}

/// A circuit that lets no job through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCircuit {
    /// When it opened.
    pub since: Timestamp,
    /// When the next job is let through as a trial; moved on by each trial.
    pub until: Timestamp,
    /// How many trials have failed.
    pub failed_trials: u32,
    /// What went wrong last, without any word of the vendor's.
    pub why: String,
}

/// A circuit as one process sees it.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    pub(super) state: CircuitState,
    /// Failures in a row, in this process.
    failures: u32,
    /// The state has changed here, and nobody else knows yet.
    pub(super) is_unpublished: bool,
}

/// What a job may do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    Free,
    /// The circuit is half-open: a job may try, if no other does.
    Trial,
    Barred(OpenCircuit),
}

impl Circuit {
    /// So many failures in a row open it.
    pub(super) const MOST_FAILURES: u32 = 5;
    /// How long it stays open at first; doubled by each trial that fails.
    const OPEN_FOR: SignedDuration = SignedDuration::from_secs(30);
    /// And at most.
    const OPEN_FOR_AT_MOST: SignedDuration = SignedDuration::from_mins(5);
    /// For so long a trial keeps others away: longer than a job may take (8 s).
    pub(super) const TRIAL: SignedDuration = SignedDuration::from_secs(10);

    /// What a job may do now.
    pub(super) fn way(&self, now: Timestamp) -> Way {
        match &self.state.open {
            None => Way::Free,
            Some(open) if now < open.until => Way::Barred(open.clone()),
            Some(_) => Way::Trial,
        }
    }

    /// Has the vendor failed here, without having opened the circuit yet?
    pub(super) fn is_suspect(&self) -> bool {
        self.failures > 0 && self.state.open.is_none()
    }

    /// Keeps all others away until the trial is over.
    pub(super) fn begin_trial(&mut self, now: Timestamp) {
        if let Some(open) = &mut self.state.open {
            open.until = now + Self::TRIAL;
            self.changed();
        }
    }

    /// The trial did not get as far as the vendor: somebody else may try. Only here; others wait for its end.
    pub(super) fn end_trial_early(&mut self, now: Timestamp) {
        if let Some(open) = &mut self.state.open {
            open.until = now;
        }
    }

    /// The vendor was not there. Jobs that set out before it opened say nothing new.
    pub(super) fn failed(&mut self, was_trial: bool, why: &str, now: Timestamp) {
        let failed_trials = match &self.state.open {
            Some(open) if was_trial => open.failed_trials + 1,
            Some(_) => return,
            None => {
                self.failures = self.failures.saturating_add(1);
                if self.failures < Self::MOST_FAILURES {
                    return;
                }
                0
            }
        };
        let since = self.state.open.as_ref().map_or(now, |open| open.since);
        let open_for = 1_i32
            .checked_shl(failed_trials.min(16))
            .map_or(Self::OPEN_FOR_AT_MOST, |times| Self::OPEN_FOR * times);
        self.state.open = Some(OpenCircuit {
            since,
            until: now + open_for.min(Self::OPEN_FOR_AT_MOST),
            failed_trials,
            why: why.to_owned(),
        });
        self.changed();
    }

    /// The vendor has answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        if self.state.open.take().is_some() {
            self.changed();
        }
    }

    /// The vendor has asked to be left alone. Later by a moment is nothing new.
    pub(super) fn paused(&mut self, until: Timestamp) {
        const NOTHING_NEW: SignedDuration = SignedDuration::from_secs(2);
        let is_known = self
            .state
            .paused_until
            .is_some_and(|known| until.duration_since(known) <= NOTHING_NEW);
        if !is_known {
            self.state.paused_until = Some(until);
            self.changed();
        }
    }

    /// Takes over what the store says, unless it is older.
    pub(super) fn learn(&mut self, stored: CircuitState) {
        if stored.version <= self.state.version {
            return;
        }
        if stored.open.is_none() && self.state.open.is_some() {
            self.failures = 0;
        }
        self.state = stored;
        self.is_unpublished = false;
    }

    /// Somebody else was faster: what the store says counts.
    pub(super) fn replace(&mut self, stored: CircuitState) {
        self.state = stored;
        self.is_unpublished = false;
    }

    /// Somebody else has changed the stored state before this one was stored. What was seen here counts where it says
    /// more: theirs is closed, ours has opened; or our pause is the longer one.
    pub(super) fn merge(&mut self, stored: CircuitState) {
        let ours = std::mem::take(&mut self.state);
        self.learn(stored);
        let reopened = self.state.open.is_none().then_some(ours.open).flatten();
        if let Some(open) = reopened {
            self.state.open = Some(open);
            self.changed();
        }
        if let Some(until) = ours.paused_until {
            self.paused(self.state.paused_until.map_or(until, |it| it.max(until)));
        }
    }

    fn changed(&mut self) {
        // Several changes that are stored at once are one.
        if !self.is_unpublished {
            self.state.version += 1;
            self.is_unpublished = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn until(circuit: &Circuit) -> Option<i64> {
        let open = circuit.state.open.as_ref();
        open.map(|open| open.until.as_second())
    }

    fn opened() -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..Circuit::MOST_FAILURES {
            circuit.failed(false, "no answer", at(0));
        }
        circuit
    }

    /// As if it had been stored.
    fn published(circuit: &mut Circuit) -> CircuitState {
        circuit.is_unpublished = false;
        circuit.state.clone()
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_starts_the_count_anew() {
        let mut circuit = Circuit::default();
        for _ in 0..4 {
            circuit.failed(false, "no answer", at(0));
        }
        assert_eq!(
            (circuit.way(at(0)), circuit.is_suspect()),
            (Way::Free, true)
        );
        circuit.answered();
        assert!(!circuit.is_suspect());
        for _ in 0..4 {
            circuit.failed(false, "no answer", at(1));
        }
        assert_eq!(until(&circuit), None);
        circuit.failed(false, "no answer", at(1));
        assert_eq!(until(&circuit), Some(31));
        assert!(circuit.is_unpublished);
    }

    #[test]
    fn a_failed_trial_doubles_the_time_up_to_five_minutes_and_a_good_one_closes_it() {
        let mut circuit = opened();
        let mut now = 30;
        for expected in [60, 120, 240, 300, 300] {
            assert!(matches!(circuit.way(at(now - 1)), Way::Barred(_)));
            assert_eq!(circuit.way(at(now)), Way::Trial);
            circuit.begin_trial(at(now));
            assert!(
                matches!(circuit.way(at(now + 9)), Way::Barred(_)),
                "one at a time"
            );
            circuit.failed(true, "no answer", at(now + 3));
            assert_eq!(until(&circuit), Some(now + 3 + expected));
            now += 3 + expected;
        }
        assert_eq!(
            circuit.state.open.as_ref().map(|open| open.since),
            Some(at(0))
        );
        circuit.begin_trial(at(now));
        circuit.answered();
        assert_eq!(circuit.way(at(now)), Way::Free);
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let mut circuit = opened();
        circuit.begin_trial(at(30));
        assert_eq!(circuit.way(at(40)), Way::Trial);
    }

    #[test]
    fn a_trial_that_does_not_reach_the_vendor_leaves_its_place_to_another() {
        let mut circuit = opened();
        circuit.begin_trial(at(30));
        circuit.end_trial_early(at(31));
        assert_eq!(circuit.way(at(31)), Way::Trial);
    }

    #[test]
    fn those_that_set_out_before_it_opened_do_not_keep_it_open_for_longer() {
        let mut circuit = opened();
        published(&mut circuit);
        circuit.failed(false, "no answer", at(3));
        assert_eq!(until(&circuit), Some(30));
        assert!(!circuit.is_unpublished);
    }

    #[test]
    fn what_is_stored_is_taken_over_unless_it_is_older() {
        let mut ours = opened();
        let stored = published(&mut ours);
        let mut another = Circuit::default();
        another.learn(stored.clone());
        assert_eq!(another.state, stored);
        another.begin_trial(at(30));
        another.answered();
        ours.learn(published(&mut another));
        assert_eq!(ours.way(at(30)), Way::Free);
        ours.learn(stored);
        assert_eq!(ours.way(at(30)), Way::Free, "older");
    }

    #[test]
    fn of_two_changes_at_once_the_one_that_says_more_counts() {
        let mut ours = opened();
        let theirs = CircuitState {
            version: 1,
            open: None,
            paused_until: Some(at(9)),
        };
        ours.merge(theirs);
        assert_eq!(until(&ours), Some(30));
        assert_eq!(ours.state.paused_until, Some(at(9)));
        assert_eq!((ours.state.version, ours.is_unpublished), (2, true));
    }

    #[test]
    fn a_pause_is_news_only_where_it_is_longer() {
        let mut circuit = Circuit::default();
        circuit.paused(at(10));
        assert!(circuit.is_unpublished);
        published(&mut circuit);
        circuit.paused(at(12));
        circuit.paused(at(5));
        assert!(!circuit.is_unpublished);
        circuit.paused(at(13));
        assert_eq!((circuit.state.version, circuit.is_unpublished), (2, true));
    }
}
