use im_model::Secret;

use super::{super::scripted::Account, *};

fn said(request: &Request<Bytes>) -> (String, Json) {
    let body = serde_json::from_slice(request.body()).unwrap_or_default();
    let path = request.uri().path_and_query().expect("a path");
    (format!("{} {path}", request.method()), body)
}

#[test]
fn a_credential_is_sent_and_never_shown() {
    let account = Account::new();
    let request = myself(&account.connection()).expect("a request");
    let header = &request.headers()[header::AUTHORIZATION];
    assert_eq!(header, "Basic Ym90QGV4YW1wbGUuY29tOmtleQ==");
    assert!(header.is_sensitive());

    let mut account = Account::new();
    let token = [("access_token".to_owned(), Secret::new("token"))];
    account.credentials.0 = token.into();
    let request = myself(&account.connection()).expect("a request");
    assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer token");

    account.credentials.0.clear();
    let error = myself(&account.connection()).expect_err("no credentials");
    assert!(
        error.detail.contains("`email` is not set"),
        "{}",
        error.detail
    );
    let bad = [("access_token".to_owned(), Secret::new("to\nken"))];
    account.credentials.0 = bad.into();
    let error = myself(&account.connection()).expect_err("no header");
    assert!(!format!("{error:?}").contains("ken\""), "{error:?}");
}

#[test]
fn reads_name_what_they_want() {
    let account = Account::new();
    let to = &account.connection();
    let names = ["summary".to_owned(), "customfield_1".to_owned()];
    for (request, expected) in [
        (
            issue(to, "10002", &names),
            "issue/10002?fields=summary%2Ccustomfield_1",
        ),
        (
            transitions(to, "1"),
            "issue/1/transitions?expand=transitions.fields",
        ),
        (
            changelog(to, "1", 100),
            "issue/1/changelog?startAt=100&maxResults=100",
        ),
        (
            comments(to, "1", 0),
            "issue/1/comment?expand=properties&orderBy=created&startAt=0&maxResults=100",
        ),
        (
            comment_property(to, "7", "im.note"),
            "comment/7/properties/im.note",
        ),
        (statuses(to), "project/OPS/statuses"),
        (the_project(to), "project/OPS"),
        (field_schemas(to), "field"),
        (user(to, "557058:a"), "user?accountId=557058%3Aa"),
        (
            assignable(to, "a+b@example.com"),
            "user/assignable/search?project=OPS&query=a%2Bb%40example.com&maxResults=100",
        ),
        (
            my_permissions(to, "EDIT_ISSUES"),
            "mypermissions?projectKey=OPS&permissions=EDIT_ISSUES",
        ),
    ] {
        let request = request.expect(expected);
        assert_eq!(said(&request).0, format!("GET /rest/api/3/{expected}"));
        assert!(request.body().is_empty());
    }
}

#[test]
fn a_project_may_be_named_by_its_id() {
    let account = Account::new().option("project", "10001");
    let request = my_permissions(&account.connection(), "EDIT_ISSUES").expect("a request");
    assert!(said(&request).0.contains("projectId=10001"));
}

#[test]
fn writes_carry_json() {
    let account = Account::new();
    let to = &account.connection();
    let fields = Map::from_iter([("summary".to_owned(), json!("Down"))]);
    let request = edit(to, "1", &fields).expect("a request");
    let expected = json!({"fields": {"summary": "Down"}});
    assert_eq!(
        said(&request),
        ("PUT /rest/api/3/issue/1".to_owned(), expected.clone())
    );
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/json");
    let request = create(to, &fields).expect("a request");
    assert_eq!(
        said(&request),
        ("POST /rest/api/3/issue".to_owned(), expected)
    );
    let request = workflow(to, "1", "2").expect("a request");
    let pair = json!({"projectAndIssueTypes": [{"projectId": "1", "issueTypeId": "2"}]});
    assert_eq!(
        said(&request),
        ("POST /rest/api/3/workflows".to_owned(), pair)
    );
    let request = comment(to, "1", &json!({"type": "doc"}), &[]).expect("a request");
    let body = json!({"body": {"type": "doc"}, "properties": []});
    assert_eq!(
        said(&request),
        ("POST /rest/api/3/issue/1/comment".to_owned(), body)
    );
}

#[test]
fn a_transition_names_fields_only_where_there_are_some() {
    let account = Account::new();
    let to = &account.connection();
    let request = transition(to, "1", "31", Map::new()).expect("a request");
    let path = "POST /rest/api/3/issue/1/transitions".to_owned();
    assert_eq!(said(&request), (path, json!({"transition": {"id": "31"}})));
    let fields = Map::from_iter([("resolution".to_owned(), json!({"name": "Done"}))]);
    let request = transition(to, "1", "31", fields).expect("a request");
    assert_eq!(
        said(&request).1["fields"],
        json!({"resolution": {"name": "Done"}})
    );
}

#[test]
fn a_search_is_for_one_label_in_one_project_page_by_page() {
    let account = Account::new();
    let incident = IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
    let names = ["summary".to_owned()];
    let request = find(&account.connection(), &incident, &names, None).expect("a request");
    let (path, body) = said(&request);
    assert_eq!(path, "POST /rest/api/3/search/jql");
    let jql =
        "labels = \"INC-01ARZ3NDEKTSV4RRFFQ69G5FAV\" AND project = \"OPS\" ORDER BY created ASC";
    assert_eq!(
        body,
        json!({"jql": jql, "fields": ["summary"], "maxResults": 100})
    );
    let request = find(&account.connection(), &incident, &names, Some("t")).expect("a request");
    assert_eq!(said(&request).1["nextPageToken"], "t");
}

#[test]
fn no_option_can_end_a_text_of_a_query() {
    assert_eq!(quoted(r#"A" OR "B\"#), r#""A\" OR \"B\\""#);
}

#[test]
fn what_is_not_configured_is_named() {
    let mut account = Account::new();
    account.options.clear();
    let error = statuses(&account.connection()).expect_err("no project");
    assert!(error.detail.contains("`project`"), "{}", error.detail);
    let error = issue_type(&account.connection(), "POST issue").expect_err("no issue type");
    assert!(error.detail.contains("`issue_type`"), "{}", error.detail);
}
