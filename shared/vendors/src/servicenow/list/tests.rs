use serde_json::{Value as Json, json};

use super::{
    super::scripted::{Account, run},
    *,
};
use crate::VendorErrorKind;

fn id(number: usize) -> String {
    format!("{number:032x}")
}

fn row(number: usize, updated: &str) -> Json {
    json!({"sys_id": id(number), "sys_updated_on": updated, "sys_created_on": "2026-01-01 00:00:00",
        "sys_mod_count": "0", "assigned_to": ""})
}

fn rows(numbers: &[usize]) -> Json {
    let rows: Vec<_> = numbers
        .iter()
        .map(|number| row(*number, "2026-11-22 03:00:00"))
        .collect();
    json!({ "result": rows })
}

fn query(since: Option<&str>) -> ListQuery {
    let at = |text: &str| text.parse().expect("a time");
    ListQuery {
        since: since.map(at),
        noted_since: since.map(at),
        until: at("2026-11-22T04:00:00Z"),
    }
}

fn place(part: Part, after: Option<usize>, hidden: usize) -> String {
    let after = after.map(id);
    cursor::written(Place {
        part,
        after,
        hidden,
    })
    .expect("a text")
}

#[test]
fn a_page_begins_after_the_last_row_of_the_one_before() {
    let account = Account::new()
        .answers_of("GET /incident?", 200, Some(3), &rows(&[3, 7]))
        .answers_of("GET /incident?", 200, Some(1), &rows(&[8]));
    let first = run(page(&account.connection(), &query(None), None)).expect("a page");
    assert_eq!(first.records.len(), 2);
    assert_eq!(first.next, Some(place(Part::Records, Some(7), 0)));
    let second = run(page(
        &account.connection(),
        &query(None),
        first.next.as_deref(),
    ));
    assert_eq!(
        second.expect("a page").next,
        Some(place(Part::Journals, None, 0))
    );
    let asked = account.asked();
    let asked: Vec<_> = asked
        .iter()
        .filter_map(|it| it.query("sysparm_query"))
        .collect();
    assert_eq!(
        asked,
        [
            "ORDERBYsys_id".to_owned(),
            format!("sys_id>{}^ORDERBYsys_id", id(7))
        ]
    );
}

#[test]
fn rows_that_are_hidden_do_not_end_the_listing_unless_all_are() {
    let account = Account::new()
        .answers_of("GET /incident?", 200, Some(1001), &rows(&[]))
        .answers_of("GET /incident?", 200, Some(1001), &rows(&[8]));
    let here = place(Part::Records, Some(7), 0);
    let hidden = run(page(&account.connection(), &query(None), Some(&here))).expect("a page");
    assert_eq!(hidden.next, Some(place(Part::Records, Some(7), 500)));
    let shown = run(page(
        &account.connection(),
        &query(None),
        hidden.next.as_deref(),
    ));
    assert_eq!(
        shown.expect("a page").next,
        Some(place(Part::Records, Some(8), 0))
    );
    assert_eq!(
        account.asked()[1].query("sysparm_offset").as_deref(),
        Some("500")
    );
    let account = Account::new().answers_of("GET /incident?", 200, Some(3), &rows(&[]));
    let error = run(page(&account.connection(), &query(None), None)).expect_err("hidden");
    assert_eq!(error.kind, VendorErrorKind::Forbidden);
}

#[test]
fn without_a_count_an_empty_page_is_the_last() {
    let account = Account::new()
        .answers("GET /incident?", 200, &rows(&[3]))
        .answers("GET /incident?", 200, &rows(&[]));
    let first = run(page(&account.connection(), &query(None), None)).expect("a page");
    assert_eq!(first.next, Some(place(Part::Records, Some(3), 0)));
    let last = run(page(
        &account.connection(),
        &query(None),
        first.next.as_deref(),
    ));
    assert_eq!(
        last.expect("a page").next,
        Some(place(Part::Journals, None, 0))
    );
    account.asked();
}

#[test]
fn what_was_not_asked_for_is_refused_with_the_query() {
    let since = Some("2026-11-22T03:00:00Z");
    let old = json!({"result": [row(1, "2026-11-22 02:44:59")]});
    for (since, after, answer) in [
        (None, Some(7), rows(&[7])),
        (None, Some(7), rows(&[3])),
        (None, None, rows(&[3, 2])),
        (None, None, json!({"result": [{"sys_id": "x"}]})),
        (since, None, old),
    ] {
        let account = Account::new().answers_of("GET /incident?", 200, Some(1), &answer);
        let here = after.map(|after| place(Part::Records, Some(after), 0));
        let error = run(page(&account.connection(), &query(since), here.as_deref()));
        let error = error.expect_err("refused");
        assert_eq!(error.kind, VendorErrorKind::Garbage, "{answer}");
        let asked = account.asked()[0].query("sysparm_query").expect("a query");
        let is_no_row = error.detail.contains("without its sys_id");
        assert!(is_no_row || error.detail.ends_with(&asked), "{error}");
    }
}

#[test]
fn journals_name_records_by_their_new_entries() {
    let entry = |number: usize, of: &str, element: &str, at: &str| {
        json!({"sys_id": id(number), "name": "incident", "element": element, "element_id": of,
            "sys_created_on": at})
    };
    let (one, other) = (id(1), id(2));
    let answer = json!({"result": [
        entry(1, &one, "comments", "2026-11-22 03:00:00"),
        entry(2, "global", "work_notes", "2026-11-22 03:10:00"),
        entry(3, &other, "work_notes", "2026-11-22 02:59:59"),
    ]});
    let account = Account::new().answers_of("GET /sys_journal_field?", 200, Some(3), &answer);
    let query = query(Some("2026-11-22T03:00:00.9Z"));
    let here = place(Part::Journals, None, 0);
    let page_of = |account: &Account| run(page(&account.connection(), &query, Some(&here)));
    let listing = page_of(&account).expect("a page");
    let noted: Vec<_> = listing.noted.iter().map(ExternalId::as_str).collect();
    assert_eq!((noted, listing.next), (vec![one.as_str()], None));
    let asked = account.asked()[0].query("sysparm_query");
    let expected = "name=incident^elementINcomments,work_notes\
        ^sys_created_on>=javascript:gs.minutesAgo(61)^ORDERBYsys_id";
    assert_eq!(asked.as_deref(), Some(expected));
    for (name, value) in [
        ("name", "change_request"),
        ("element", "u_notes"),
        ("sys_created_on", ""),
    ] {
        let mut wrong = entry(1, &one, "comments", "2026-11-22 03:00:00");
        wrong[name] = value.into();
        let answer = json!({"result": [wrong]});
        let account = Account::new().answers("GET /sys_journal_field?", 200, &answer);
        let error = page_of(&account).expect_err("refused");
        assert_eq!(error.kind, VendorErrorKind::Garbage, "{name}");
    }
}

#[test]
fn a_place_that_is_none_of_ours_is_refused() {
    let account = Account::new();
    let injected = Place {
        after: Some("1^ORactive=true".to_owned()),
        ..Place::default()
    };
    let injected = cursor::written(injected).expect("a text");
    let negative = place(Part::Records, None, 0).replace(":0", ":-1");
    for bad in ["", "12", "{}", injected.as_str(), negative.as_str()] {
        let error = run(page(&account.connection(), &query(None), Some(bad)));
        let kind = VendorErrorKind::Unsendable { field: None };
        assert_eq!(error.expect_err("refused").kind, kind, "{bad}");
    }
    assert_eq!(account.asked().len(), 0);
}
