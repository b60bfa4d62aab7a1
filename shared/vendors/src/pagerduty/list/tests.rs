use super::*;

fn query() -> ListQuery {
    ListQuery {
        since: None,
        noted_since: None,
        until: "2026-11-22T04:00:00.5Z".parse().expect("a time"),
    }
}

#[test]
fn the_end_is_the_whole_second_after_the_listing_began() {
    assert_eq!(end(&query()).to_string(), "2026-11-22T04:00:01Z");
    let since = "2026-11-22T03:00:00.9Z".parse().expect("a time");
    let Place::Log { since, offset, .. } = log_since(since, &query()) else {
        panic!("the log")
    };
    assert_eq!(
        (since.to_string().as_str(), offset),
        ("2026-11-22T03:00:00Z", 0)
    );
}

#[test]
fn a_place_that_is_none_of_ours_is_refused() {
    let at = |text: &str| text.parse().expect("a time");
    let log = |since: &str, before: &str, offset| Place::Log {
        since: at(since),
        before: at(before),
        offset,
    };
    let incidents = |since: &str, offset| Place::Incidents {
        since: at(since),
        offset,
        known: Known {
            total: None,
            oldest: at(since),
            reached: at(since),
        },
    };
    let (usual, far) = ("2026-11-22T03:00:00Z", "9999-01-01T00:00:00Z");
    for good in [log(usual, usual, 9_900), incidents(usual, 0)] {
        assert_eq!(good.check(), Ok(()));
        let text = cursor::written(good.clone()).expect("a text");
        assert_eq!(cursor::read(Some(&text)), Ok(Some(good)));
    }
    for bad in [
        log(usual, usual, 9_901),
        log(far, usual, 0),
        log(usual, far, 0),
        log("-009999-01-02T01:59:59Z", usual, 0),
        incidents(usual, usize::MAX),
        incidents(far, 0),
    ] {
        assert_eq!(bad.check(), Err(cursor::no_place()), "{bad:?}");
    }
    for bad in [
        r#"{"form":"1","place":{"log":{}}}"#,
        r#"{"form":"1","place":"log"}"#,
    ] {
        assert_eq!(cursor::read::<Place>(Some(bad)), Err(cursor::no_place()));
    }
}
