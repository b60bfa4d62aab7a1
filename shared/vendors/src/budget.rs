//! How many requests a vendor still takes, from the headers of its answers (FACTS.md, each vendor's "REST" or "Table API").

use http::{HeaderMap, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use crate::{exchange, vendor_clock};

/// What a vendor still takes from an account until its count starts anew. All callers of the account share it: so it
/// holds for several processes at once without any of them asking the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests in one window.
    pub limit: u32,
    /// Requests that are left of it.
    pub remaining: u32,
    /// When the next window starts, by our clock.
    pub resets_at: Timestamp,
}

impl Budget {
    /// How many hundredths are left.
    pub fn headroom(&self) -> u8 {
        let hundredths = u64::from(self.remaining) * 100 / u64::from(self.limit.max(1));
        u8::try_from(hundredths).unwrap_or(100).min(100)
    }
}

/// Where a vendor does not say when its count starts anew (some say it only in a refusal): a guess that costs little if wrong.
const USUAL_WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// Where a 429 does not say how long.
const USUAL_PAUSE: SignedDuration = SignedDuration::from_secs(10);
/// The first answer of a new window says what is left of it.
const SOON: SignedDuration = SignedDuration::from_secs(1);
/// Two resets this close are the same one: they are told in whole seconds.
const SAME_WINDOW: SignedDuration = SignedDuration::from_secs(2);

/// What the answers of one integration's vendor have said of its budget.
#[derive(Debug, Default)]
pub(crate) struct Known {
    budget: Option<Budget>,
    paused_until: Option<Timestamp>,
    /// How many requests were sent since the process started.
    pub(crate) sent: u64,
}

impl Known {
    /// Notes an answer to a request of a call that began at a moment.
    pub(crate) fn note<B>(&mut self, answer: &Response<B>, began: Timestamp) {
        if is_of_one_record(answer.headers()) {
            return;
        }
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let until = began + wait(answer, began).unwrap_or(USUAL_PAUSE);
            self.paused_until = self.paused_until.max(Some(until));
        }
        let Some(told) = told(answer, began) else {
            return;
        };
        let is_same = |known: &Budget| {
            known.resets_at.duration_since(told.resets_at).abs() <= SAME_WINDOW
                && known.limit == told.limit
        };
        let remaining = match self.budget.filter(is_same) {
            // Answers overtake each other; within one window less is newer.
            Some(known) => known.remaining.min(told.remaining),
            None => told.remaining,
        };
        self.budget = Some(Budget { remaining, ..told });
    }

    /// In a new window of which nothing is known yet, all is left; it is soon known.
    pub(crate) fn budget(&self, now: Timestamp) -> Option<Budget> {
        let known = self.budget?;
        if now < known.resets_at {
            return Some(known);
        }
        Some(Budget {
            remaining: known.limit,
            resets_at: now + SOON,
            ..known
        })
    }

    pub(crate) fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.paused_until.filter(|until| now < *until)
    }
}

/// One vendor also limits the writes to one record, with the same headers: that says nothing of the account.
fn is_of_one_record(headers: &HeaderMap) -> bool {
    let reason = headers
        .get("ratelimit-reason")
        .and_then(|it| it.to_str().ok());
    reason.is_some_and(|reason| reason.contains("per-issue"))
}

fn told<B>(answer: &Response<B>, began: Timestamp) -> Option<Budget> {
    let number = |names: [&str; 2]| {
        let mut found = names.iter().filter_map(|name| answer.headers().get(*name));
        found.next()?.to_str().ok()?.trim().parse::<u32>().ok()
    };
    Some(Budget {
        limit: number(["ratelimit-limit", "x-ratelimit-limit"])?,
        remaining: number(["ratelimit-remaining", "x-ratelimit-remaining"])?,
        resets_at: began + reset(answer, began).unwrap_or(USUAL_WINDOW),
    })
}

/// How long a refusal asks us to wait.
fn wait<B>(answer: &Response<B>, began: Timestamp) -> Option<SignedDuration> {
    exchange::seconds(answer, "retry-after").or_else(|| reset(answer, began))
}

/// One vendor counts seconds, another names a time, a third names it in epoch seconds. A time is the vendor's own: it
/// is compared with the answer's date.
fn reset<B>(answer: &Response<B>, began: Timestamp) -> Option<SignedDuration> {
    if let Some(seconds) = exchange::seconds(answer, "ratelimit-reset") {
        return Some(seconds);
    }
    let text = answer.headers().get("x-ratelimit-reset")?.to_str().ok()?;
    let text = text.trim();
    let at = match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok()?,
        Err(_) => text.parse().ok()?,
    };
    let there = vendor_clock::dated(answer.headers()).unwrap_or(began);
    Some(at.duration_since(there).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn began() -> Timestamp {
        "2026-11-22T04:00:00Z".parse().expect("a time")
    }

    fn noted(answers: &[(u16, &[(&str, &str)])]) -> Known {
        let mut known = Known::default();
        for (status, headers) in answers {
            let mut answer = Response::builder().status(*status);
            for (name, value) in *headers {
                answer = answer.header(*name, *value);
            }
            known.note(&answer.body(()).expect("a response"), began());
        }
        known
    }

    fn seconds(at: Option<Timestamp>) -> Option<i64> {
        at.map(|at| at.duration_since(began()).as_secs())
    }

    #[test]
    fn each_vendors_headers_are_read() {
        for (headers, resets_in) in [
            (
                [
                    ("ratelimit-limit", "960"),
                    ("ratelimit-remaining", "12"),
                    ("ratelimit-reset", "17"),
                ],
                17,
            ),
            (
                [
                    ("x-ratelimit-limit", "960"),
                    ("x-ratelimit-remaining", "12"),
                    ("x-ratelimit-reset", "2026-11-22T04:02Z"),
                ],
                120,
            ),
            (
                [
                    ("x-ratelimit-limit", "960"),
                    ("x-ratelimit-remaining", "12"),
                    ("x-ratelimit-reset", "1795320090"),
                ],
                90,
            ),
        ] {
            let known = noted(&[(200, &headers)]);
            let budget = known.budget(began()).expect("a budget");
            assert_eq!((budget.limit, budget.remaining), (960, 12));
            assert_eq!(seconds(Some(budget.resets_at)), Some(resets_in));
            let next = known.budget(budget.resets_at).expect("a budget");
            assert_eq!(next.remaining, 960, "a new window");
            assert_eq!(known.paused_until(began()), None);
        }
    }

    #[test]
    fn a_reset_by_a_wrong_clock_is_counted_from_the_answers_date() {
        let known = noted(&[(
            200,
            &[
                ("date", "Sun, 22 Nov 2026 04:05:00 GMT"),
                ("x-ratelimit-limit", "10"),
                ("x-ratelimit-remaining", "1"),
                ("x-ratelimit-reset", "2026-11-22T04:05:30Z"),
            ],
        )]);
        let budget = known.budget(began()).expect("a budget");
        assert_eq!(seconds(Some(budget.resets_at)), Some(30));
    }

    #[test]
    fn within_one_window_less_is_newer() {
        let left = |left: &'static str, reset: &'static str| {
            [
                ("ratelimit-limit", "960"),
                ("ratelimit-remaining", left),
                ("ratelimit-reset", reset),
            ]
        };
        let remaining = |known: &Known| known.budget(began()).map(|budget| budget.remaining);
        let known = noted(&[(200, &left("5", "30")), (200, &left("7", "31"))]);
        assert_eq!(remaining(&known), Some(5));
        let known = noted(&[(200, &left("5", "3")), (200, &left("959", "60"))]);
        assert_eq!(remaining(&known), Some(959));
    }

    #[test]
    fn a_429_pauses_for_as_long_as_it_asks() {
        for (headers, expected) in [
            (vec![("retry-after", "5"), ("ratelimit-reset", "9")], 5),
            (vec![("ratelimit-reset", "9")], 9),
            (vec![], 10),
        ] {
            let known = noted(&[(429, &headers)]);
            assert_eq!(seconds(known.paused_until(began())), Some(expected));
        }
    }

    #[test]
    fn a_limit_of_one_issue_is_not_the_accounts() {
        let known = noted(&[(
            429,
            &[
                ("retry-after", "5"),
                ("x-ratelimit-limit", "20"),
                ("x-ratelimit-remaining", "0"),
                ("ratelimit-reason", "per-issue-on-write"),
            ],
        )]);
        assert_eq!(known.paused_until(began()), None);
        assert_eq!(known.budget(began()), None);
    }
}
