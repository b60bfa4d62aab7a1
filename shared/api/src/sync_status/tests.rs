use im_engine::{
    CircuitState, Counted, Counters, DeliveryCount, DeliveryEnd, Latencies, Measured, OpenCircuit,
    Waiting,
    manage::{SyncState, SyncStatus},
};
use serde_json::json;

use super::*;
use crate::router::assert_is;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn some(count: u64) -> Counted {
    Counted {
        count,
        at_least: false,
    }
}

#[test]
fn a_status_is_shown_as_described() {
    let since = at("2026-01-01T03:04:05Z");
    let mut deliveries = DeliveryCount::since(since);
    let skipped = DeliveryEnd::Skipped("it was unlinked by hand".to_owned());
    for end in [Some(DeliveryEnd::Applied), Some(skipped), None] {
        deliveries.add(end);
    }
    let status = SyncStatus {
        integration: "prod-pd".parse().expect("an id"),
        at: at("2026-01-02T03:04:05.5Z"),
        state: SyncState::Failing,
        failing_since: Some(at("2026-01-02T03:00:00Z")),
        says: "The vendor has not answered.".to_owned(),
        waiting_deliveries: Waiting {
            count: some(1),
            since: Some(at("2026-01-02T03:04:00Z")),
        },
        waiting_incidents: Waiting {
            count: Counted {
                count: 800,
                at_least: true,
            },
            since: None,
        },
        open: some(2),
        retrying: some(0),
        deliveries,
        circuit: CircuitState {
            version: 3,
            open: Some(OpenCircuit {
                since: at("2026-01-02T03:00:00Z"),
                until: at("2026-01-02T03:05:00Z"),
                failed_trials: 2,
                why: "no answer in time".to_owned(),
            }),
            paused_until: Some(at("2026-01-02T03:04:05Z")),
        },
        oldest_conflict: Some(at("2026-01-02T02:04:05Z")),
        measured: Measured {
            counters: Counters {
                inbound_success: 7,
                conflicts_detected: 3,
                conflicts_resolved: 1,
                ..Counters::default()
            },
            inbound: Latencies {
                edits: 7,
                within: [5, 6, 7],
                latest: Some((at("2026-01-02T03:04:00Z"), SignedDuration::from_millis(412))),
            },
            outbound: Latencies::default(),
            headroom: Some((at("2026-01-02T03:04:00Z"), 97)),
        },
    };
    let json = serde_json::to_value(SyncStatusJson::of(&status)).expect("JSON");
    assert_eq!(
        json,
        json!({
            "integration_id": "prod-pd", "at": "2026-01-02T03:04:05.5Z", "health": "failing",
            "says": "The vendor has not answered.", "failing_since": "2026-01-02T03:00:00Z",
            "lag": {"inbound_seconds": 5, "outbound_seconds": null},
            "waiting": {
                "deliveries": {"count": 1, "at_least": false},
                "incidents": {"count": 800, "at_least": true},
            },
            "dead_letters": {
                "open": {"count": 2, "at_least": false},
                "retrying": {"count": 0, "at_least": false},
            },
            "conflicts": {"pending": 2, "oldest_seconds": 3600},
            "circuit": {
                "state": "open", "since": "2026-01-02T03:00:00Z", "next_trial_at": "2026-01-02T03:05:00Z",
                "why": "no answer in time", "paused_until": null,
            },
            "propagation": {
                "inbound": {
                    "edits": 7, "within_1s": 5, "within_5s": 6, "within_60s": 7,
                    "latest": {"at": "2026-01-02T03:04:00Z", "milliseconds": 412},
                },
                "outbound": {
                    "edits": 0, "within_1s": 0, "within_5s": 0, "within_60s": 0, "latest": null,
                },
            },
            "rate_limit": {"headroom_percent": 97, "at": "2026-01-02T03:04:00Z"},
            "deliveries": {
                "since": "2026-01-01T03:04:05Z", "complete": true, "accepted": 3, "applied": 1,
                "nothing_new": 0, "skipped": 1, "dead": 0, "open": 1,
                "skipped_because": {"it was unlinked by hand": 1},
            },
            "counters": {
                "outbound_success": 0, "outbound_failed": 0, "inbound_success": 7,
                "inbound_failed": 0, "conflicts_detected": 3, "conflicts_resolved": 1,
                "drift_discrepancies": 0,
            },
        })
    );
    assert_is("SyncStatus", &json);
}

#[test]
fn since_is_a_time_or_how_long_ago() {
    let now = at("2026-01-20T12:00:00Z");
    for (text, expected) in [
        ("24h", "2026-01-19T12:00:00Z"),
        ("30m", "2026-01-20T11:30:00Z"),
        ("14d", "2026-01-06T12:00:00Z"),
        ("2026-01-20T00:00:00Z", "2026-01-20T00:00:00Z"),
    ] {
        assert_eq!(since(text, now), Ok(at(expected)), "{text}");
    }
    for bad in [
        "15d",
        "-1h",
        "2026-01-21T00:00:00Z",
        "yesterday",
        "24",
        "1mo",
    ] {
        assert!(since(bad, now).is_err(), "{bad}");
    }
}
