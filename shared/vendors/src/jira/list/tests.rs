use serde_json::json;

use super::{super::scripted::*, *};
use crate::Memory;

const SEARCH: &str = "POST /search/jql";

fn an_issue(id: &str, created: &str, updated: &str, comment: &Json) -> Json {
    let at = |time: &str| format!("2026-11-22T{time}.000+0000");
    json!({"id": id, "key": format!("OPS-{id}"), "fields": {"created": at(created), "updated": at(updated),
        "project": {"id": "10000", "key": "OPS"}, "comment": comment}})
}

fn no_comment() -> Json {
    json!({"comments": [], "total": 0})
}

fn answer(issues: &[Json], token: Option<&str>) -> Json {
    json!({"issues": issues, "nextPageToken": token})
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-22T{time}Z").parse().expect("a time")
}

fn query(since: Option<&str>, noted_since: Option<&str>) -> ListQuery {
    ListQuery {
        since: since.map(at),
        noted_since: noted_since.map(at),
        until: at("04:00:00"),
    }
}

fn list(account: &Account, query: &ListQuery, after: Option<&str>) -> Result<Listing, VendorError> {
    run(page(&account.connection(), query, after))
}

fn jql(account: &Account) -> Vec<String> {
    let asked = account.asked().into_iter();
    asked
        .map(|it| it.body["jql"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_full_listing_goes_on_with_the_token_whenever_that_is() {
    let first = an_issue("1", "01:00:00", "01:00:00", &no_comment());
    let account = Account::new()
        .answers(SEARCH, 200, &answer(&[first], Some("t")))
        .answers(SEARCH, 200, &answer(&[], None));
    let query = query(None, None);
    let first = list(&account, &query, None).expect("a page");
    assert_eq!(first.records.len(), 1);
    let mut later = account.connection();
    let memory = Memory::default();
    (later.now, later.memory) = (at("09:00:00"), &memory);
    let last = run(page(&later, &query, first.next.as_deref())).expect("a page");
    assert_eq!(last, Listing::default());
    assert_eq!(account.asked()[1].body["nextPageToken"], "t");
    let all = r#"project = "OPS" ORDER BY created ASC, key ASC"#;
    assert_eq!(jql(&account), [all, all]);
    let fields = account.asked()[0].body["fields"].clone();
    assert!(
        ["project", "comment", "summary"]
            .iter()
            .all(|it| fields.to_string().contains(it))
    );
}

#[test]
fn a_search_whose_period_has_moved_on_begins_anew_where_it_was() {
    let issue = || an_issue("1", "01:00:00", "03:30:00", &no_comment());
    let account = Account::new()
        .answers(SEARCH, 200, &answer(&[issue()], Some("t")))
        .answers(SEARCH, 200, &answer(&[issue()], Some("u")))
        .answers(SEARCH, 200, &answer(&[], None));
    let query = query(Some("03:20:00"), Some("03:00:00"));
    let first = list(&account, &query, None).expect("a page").next;
    let mut later = account.connection();
    later.now = at("04:04:59");
    let second = run(page(&later, &query, first.as_deref()))
        .expect("a page")
        .next;
    later.now = at("04:06:00");
    run(page(&later, &query, second.as_deref())).expect("a page");
    let order = "ORDER BY created ASC, key ASC";
    let before = format!(r#"project = "OPS" AND updated >= "-67m" {order}"#);
    let after = format!(r#"project = "OPS" AND created >= "-193m" AND updated >= "-73m" {order}"#);
    assert_eq!(jql(&account), [before.clone(), before, after]);
    let tokens: Vec<_> = account
        .asked()
        .iter()
        .map(|it| it.body["nextPageToken"].clone())
        .collect();
    assert_eq!(tokens, [json!(null), json!("t"), json!(null)]);
}

#[test]
fn new_comments_and_those_that_may_be_are_told() {
    let comment = |created: &str, updated: &str| {
        let at = |time: &str| format!("2026-11-22T{time}.000+0000");
        json!({"created": at(created), "updated": at(updated)})
    };
    let old = comment("01:00:00", "02:00:00");
    let issue = |id: &str, updated: &str, comments: &[&Json], total: usize| {
        an_issue(
            id,
            "01:00:00",
            updated,
            &json!({"comments": comments, "total": total}),
        )
    };
    let issues = [
        issue(
            "1",
            "03:30:00",
            &[&old, &comment("03:20:00", "03:20:00")],
            2,
        ),
        issue("2", "03:30:00", &[&comment("01:00:00", "03:20:00")], 1),
        issue("3", "03:30:00", &[&old], 1),
        issue("4", "03:30:00", &[&old], 21),
        issue("5", "03:09:00", &[&old], 21),
        issue("6", "03:30:00", &[], 0),
    ];
    for (noted_since, expected) in [
        (Some("03:10:00"), vec!["1", "2", "4"]),
        (None, vec!["1", "2", "3", "4", "5"]),
    ] {
        let account = Account::new().answers(SEARCH, 200, &answer(&issues, None));
        let listing = list(&account, &query(Some("03:00:00"), noted_since), None);
        let listing = listing.expect("a page");
        let noted: Vec<_> = listing
            .noted
            .iter()
            .map(im_model::ExternalId::as_str)
            .collect();
        assert_eq!((noted, listing.records.len()), (expected, 6));
        assert_eq!(jql(&account)[0].contains("updated"), noted_since.is_some());
    }
}

#[test]
fn what_was_looked_at_for_its_comments_only_is_no_record_that_was_asked_for() {
    let issue = an_issue("1", "01:00:00", "02:00:00", &no_comment());
    let account = Account::new().answers(SEARCH, 200, &answer(&[issue], None));
    let listing = list(&account, &query(Some("03:00:00"), None), None);
    assert_eq!(listing, Ok(Listing::default()));
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let mut elsewhere = an_issue("1", "03:30:00", "03:30:00", &no_comment());
    elsewhere["fields"]["project"] = json!({"id": "10001", "key": "ARC"});
    let mut nowhere = elsewhere.clone();
    nowhere["fields"]["project"] = Json::Null;
    let old = an_issue("1", "01:00:00", "02:39:59", &no_comment());
    for (issue, words) in [
        (elsewhere, "project ARC"),
        (nowhere, "project unknown"),
        (old, "updated >= 2026-11-22T03:00:00Z"),
    ] {
        let account = Account::new().answers(SEARCH, 200, &answer(&[issue], None));
        let error = list(&account, &query(Some("03:00:00"), Some("03:00:00")), None);
        let error = error.expect_err("refused");
        assert_eq!(error.kind, VendorErrorKind::Garbage);
        assert!(error.detail.contains(words), "{error}");
    }
    let account = Account::new().option("project", "10000");
    let issue = an_issue("1", "01:00:00", "01:00:00", &no_comment());
    let account = account.answers(SEARCH, 200, &answer(&[issue], None));
    assert!(
        list(&account, &query(None, None), None).is_ok(),
        "by its id"
    );
}

#[test]
fn a_page_that_jira_does_not_go_on_with_says_so() {
    let words = json!({"errorMessages": ["The provided next page token is invalid or expired."]});
    let account = Account::new()
        .answers(SEARCH, 200, &answer(&[], Some("t")))
        .answers(SEARCH, 400, &words)
        .answers(SEARCH, 400, &words);
    let first = list(&account, &query(None, None), None).expect("a page");
    let error = list(&account, &query(None, None), first.next.as_deref()).expect_err("expired");
    let refused = VendorErrorKind::Refused {
        status: 400,
        code: None,
    };
    assert_eq!(error.kind, refused);
    assert!(
        error.detail.contains("start it anew") && error.detail.contains("expired."),
        "{error}"
    );
    let error = list(&account, &query(None, None), None).expect_err("refused");
    assert!(!error.detail.contains("anew"), "{error}");
}

#[test]
fn a_place_that_is_none_of_ours_is_refused() {
    let account = Account::new();
    let place = |token: Option<&str>, minutes| {
        let place = Place {
            token: token.map(str::to_owned),
            began: at("04:00:00"),
            created: None,
            updated: Some(minutes),
            reached: None,
        };
        cursor::written(place).expect("a text")
    };
    for bad in ["", "[]", &place(None, 1), &place(Some("t"), -1)] {
        let error = list(&account, &query(None, None), Some(bad)).expect_err("refused");
        assert_eq!(error, cursor::no_place(), "{bad}");
    }
    assert_eq!(account.asked().len(), 0);
}
