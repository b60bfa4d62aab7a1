use std::collections::BTreeMap;

use super::{super::scripted::Account, *};

const SYS_ID: &str = "a9e30c7dc61122760116894de7bcc7bd";

fn id() -> ExternalId {
    ExternalId::parse(SYS_ID).expect("an id")
}

/// Method and path, parameters, body.
fn seen(prepared: Result<Prepared, VendorError>) -> (String, BTreeMap<String, String>, Json) {
    let prepared = prepared.expect("a request");
    let request = prepared.sent_as("Basic eA==").expect("a request");
    assert_eq!(request.headers()[header::ACCEPT], "application/json");
    let authorization = &request.headers()[header::AUTHORIZATION];
    assert!(authorization.is_sensitive() && authorization == "Basic eA==");
    let has_type = request.headers().contains_key(header::CONTENT_TYPE);
    assert_eq!(has_type, request.method() != Method::GET);
    let mut query: BTreeMap<_, _> = prepared.url.query_pairs().into_owned().collect();
    let excludes = query.remove("sysparm_exclude_reference_link");
    assert_eq!(excludes.as_deref(), Some("true"));
    let path = prepared.tried().replace("/api/now/v2/table", "");
    let body = serde_json::from_slice(request.body()).unwrap_or_default();
    (path, query, body)
}

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    owned.collect()
}

const RECORD: &str = "sys_id,sys_created_on,sys_updated_on,sys_mod_count,correlation_id,\
                      short_description,description,impact,urgency,state,assigned_to";

#[test]
fn a_record_is_read_with_exactly_its_columns() {
    let account = Account::new()
        .option("table", "x_acme_incident")
        .option("custom.cost", "u_cost:number");
    let (path, query, body) = seen(read(&account.connection(), &id()));
    assert_eq!(path, format!("GET /x_acme_incident/{SYS_ID}"));
    let fields = format!("{RECORD},u_cost");
    assert_eq!(query, parameters(&[("sysparm_fields", &fields)]));
    assert_eq!(body, Json::Null);
}

#[test]
fn records_are_found_by_the_incidents_id_oldest_first() {
    let incident = IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
    let (path, query, _) = seen(find(&Account::new().connection(), &incident));
    assert_eq!(path, "GET /incident");
    let asked = "correlation_id=INC-01ARZ3NDEKTSV4RRFFQ69G5FAV^ORDERBYsys_created_on";
    let expected = [
        ("sysparm_query", asked),
        ("sysparm_fields", RECORD),
        ("sysparm_limit", "100"),
    ];
    assert_eq!(query, parameters(&expected));
}

#[test]
fn a_creation_carries_the_incidents_id() {
    let incident = IncidentId::parse("INC-01ARZ3NDEKTSV4RRFFQ69G5FAV").expect("an id");
    let values = Map::from_iter([("short_description".to_owned(), json!("Disk full"))]);
    let (path, query, body) = seen(create(&Account::new().connection(), &incident, values));
    assert_eq!(path, "POST /incident");
    assert_eq!(query, parameters(&[("sysparm_fields", RECORD)]));
    let expected = json!({"short_description": "Disk full", "correlation_id": incident.as_str()});
    assert_eq!(body, expected);
}

#[test]
fn an_update_sends_only_what_changes() {
    let values = Map::from_iter([("state".to_owned(), json!("2"))]);
    let (path, query, body) = seen(update(&Account::new().connection(), &id(), values));
    assert_eq!(path, format!("PATCH /incident/{SYS_ID}"));
    assert_eq!(query, parameters(&[("sysparm_fields", RECORD)]));
    assert_eq!(body, json!({"state": "2"}));
}

#[test]
fn journals_are_asked_for_by_record_page_by_page() {
    let (path, query, _) = seen(notes(&Account::new().connection(), &id(), 500));
    assert_eq!(path, "GET /sys_journal_field");
    let asked = format!("element_id={SYS_ID}^elementINcomments,work_notes^ORDERBYsys_created_on");
    let expected = [
        ("sysparm_query", asked.as_str()),
        (
            "sysparm_fields",
            "sys_id,element_id,element,value,sys_created_on,sys_created_by",
        ),
        ("sysparm_limit", "500"),
        ("sysparm_offset", "500"),
    ];
    assert_eq!(query, parameters(&expected));
}

#[test]
fn only_a_sys_id_comes_into_a_path_or_a_query() {
    let account = Account::new();
    let to = &account.connection();
    for bad in ["INC0010002", "x^ORelement_idISNOTEMPTY", "..", "a/b?c"] {
        let id = ExternalId::parse(bad).expect("an id");
        for built in [
            read(to, &id),
            severity(to, &id),
            update(to, &id, Map::new()),
            add_note(to, &id, NoteKind::Comment, "x"),
            notes(to, &id, 0),
            audit(to, &id, account.now, 0),
        ] {
            assert_eq!(built.expect_err(bad).kind, VendorErrorKind::NotFound);
        }
    }
}

#[test]
fn a_later_page_is_told_from_the_first() {
    let account = Account::new();
    let page = |offset| notes(&account.connection(), &id(), offset).expect("a request");
    assert!(!page(0).is_later_page() && page(500).is_later_page());
}
