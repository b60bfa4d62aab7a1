use im_model::Value;
use im_sync::Mapped;

use super::{super::scripted::*, *};

fn seen(names: &[(&str, &str)]) -> Vec<Json> {
    let status = |(index, (name, key)): (usize, &(&str, &str))| json!({"id": index.to_string(), "name": name, "statusCategory": {"key": key, "id": 2}});
    names.iter().enumerate().map(status).collect()
}

fn statuses(names: &[(&str, &str)]) -> Vec<Status> {
    seen(names).iter().filter_map(status).collect()
}

fn outward(names: &[(&str, &str)], options: &[(&str, &str)]) -> [Option<String>; 5] {
    let options = options
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let (outward, _) = maps(Some(&statuses(names)), &options.collect());
    OUTWARD.map(|(ours, ..)| match outward.apply(&Value::text(ours)) {
        Mapped::Value(theirs) => theirs.as_str().map(str::to_owned),
        Mapped::Unmapped => None,
        Mapped::LeaveAlone => panic!("{ours} is left alone"),
    })
}

fn texts(names: [&str; 5]) -> [Option<String>; 5] {
    names.map(|name| (!name.is_empty()).then(|| name.to_owned()))
}

#[test]
fn known_names_come_first_and_else_the_first_of_the_category() {
    let software = [
        ("To Do", "new"),
        ("In Progress", "indeterminate"),
        ("Done", "done"),
    ];
    let expected = ["To Do", "In Progress", "In Progress", "Done", "Done"];
    assert_eq!(outward(&software, &[]), texts(expected));

    let service = [
        ("Waiting for support", "new"),
        ("Open", "new"),
        ("Work in progress", "indeterminate"),
        ("Pending", "indeterminate"),
        ("Canceled", "done"),
        ("closed", "done"),
        ("Resolved", "done"),
    ];
    let expected = [
        "Waiting for support",
        "Work in progress",
        "Work in progress",
        "Resolved",
        "closed",
    ];
    assert_eq!(outward(&service, &[]), texts(expected));
}

#[test]
fn what_the_project_lacks_has_no_answer() {
    let simple = [("To Do", "new"), ("Done", "done"), ("Odd", "undefined")];
    assert_eq!(
        outward(&simple, &[]),
        texts(["To Do", "", "", "Done", "Done"])
    );
    let options = BTreeMap::new();
    assert_eq!(
        unmapped(&statuses(&simple), &options),
        ["acknowledged", "mitigated"]
    );
    let (_, inward) = maps(Some(&statuses(&simple)), &options);
    assert_eq!(inward.apply(&Value::text("Odd")), Mapped::LeaveAlone);
}

#[test]
fn an_option_overrides_and_takes_the_projects_spelling() {
    let project = [
        ("To Do", "new"),
        ("In Progress", "indeterminate"),
        ("On Hold", "indeterminate"),
        ("Done", "done"),
    ];
    let options = [
        ("status.mitigated", "on hold"),
        ("status.closed", "Archived"),
    ];
    let expected = ["To Do", "In Progress", "On Hold", "Done", "Archived"];
    assert_eq!(outward(&project, &options), texts(expected));
    let options = options.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(unmapped(&statuses(&project), &options), ["closed"]);
}

#[test]
fn inward_a_category_counts_and_without_a_look_the_defaults_do() {
    let options = BTreeMap::new();
    let seen = statuses(&[
        ("Open", "new"),
        ("Pending", "indeterminate"),
        ("Closed", "done"),
    ]);
    let (_, inward) = maps(Some(&seen), &options);
    for (theirs, ours) in [
        ("Open", "open"),
        ("Pending", "acknowledged"),
        ("Closed", "resolved"),
    ] {
        assert_eq!(
            inward.apply(&Value::text(theirs)),
            Mapped::Value(Value::text(ours))
        );
    }
    let (outward, inward) = maps(None, &options);
    assert_eq!(
        outward.apply(&Value::text("closed")),
        Mapped::Value(Value::text("Done"))
    );
    assert_eq!(
        inward.apply(&Value::text("In Progress")),
        Mapped::Value(Value::text("acknowledged"))
    );
}

fn two_types() -> Json {
    json!([
        {"id": "1", "name": "Task", "statuses": seen(&[("Backlog", "new"), ("Done", "done")])},
        {"id": "2", "name": "Incident", "statuses": seen(&[("Open", "new"), ("Closed", "done")])},
    ])
}

#[test]
fn the_issue_types_statuses_are_asked_for_once() {
    for (issue_type, expected) in [
        ("incident", vec!["Open", "Closed"]),
        ("1", vec!["Backlog", "Done"]),
        ("Bug", vec!["Backlog", "Done", "Open", "Closed"]),
    ] {
        let account = Account::new().option("issue_type", issue_type).answers(
            "GET /project/OPS/statuses",
            200,
            &two_types(),
        );
        for _ in 0..2 {
            let known = run(known(&account.connection()))
                .expect("an answer")
                .expect("statuses");
            let names: Vec<_> = known.iter().map(|status| status.name.as_str()).collect();
            assert_eq!(names, expected);
        }
        assert_eq!(account.asked().len(), 1);
        let done = run(is_done(&account.connection(), "closed")).expect("an answer");
        assert_eq!(done, expected.contains(&"Closed"));
    }
}

#[test]
fn statuses_that_may_not_be_seen_are_asked_for_once_an_hour() {
    for status in [403, 404] {
        let account = Account::new().answers("GET /project/OPS/statuses", status, &json!({}));
        for _ in 0..2 {
            assert_eq!(run(known(&account.connection())), Ok(None));
        }
        assert!(run(is_done(&account.connection(), "Done")).expect("an answer"));
        assert_eq!(account.asked().len(), 1);
    }
    let account = Account::new().answers("GET /project/OPS/statuses", 401, &json!({}));
    assert!(run(known(&account.connection())).is_err());
}
