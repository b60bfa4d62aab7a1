//! Reading: queries, pages, fields, display values, the other tables.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use http::Method;
use im_sandbox::ServiceNow;
use serde_json::{Value, json};
use table_api::{
    INCIDENTS, answer, created, get, numbers, patched, refusal, resolved, seen, servicenow, user,
};

/// Five incidents; the third is resolved, the fourth assigned to Ann.
fn five() -> ServiceNow {
    let (servicenow, clock) = servicenow();
    let ann = user(&servicenow, "ann@example.com");
    for number in 1..=5 {
        clock.set(format!("2026-01-02T04:00:0{number}Z").parse().unwrap());
        let sys_id = created(
            &servicenow,
            &json!({
                "short_description": format!("Disk {number}"),
                "impact": (number % 3 + 1).to_string(),
                "correlation_id": format!("im-{number}"),
            }),
        );
        match number {
            3 => patched(&servicenow, &sys_id, &resolved()),
            4 => patched(&servicenow, &sys_id, &json!({"assigned_to": ann})),
            _ => Value::Null,
        };
    }
    servicenow
}

#[test]
fn queries_filter_and_sort() {
    let servicenow = five();
    for (query, expected) in [
        ("", "1 2 3 4 5"),
        ("state=6", "3"),
        ("state!=6", "1 2 4 5"),
        ("stateIN6,7^ORassigned_toISNOTEMPTY", "3 4"),
        ("correlation_id=im-2", "2"),
        ("correlation_idSTARTSWITHim-^correlation_id>im-3", "4 5"),
        ("short_descriptionLIKEk 5", "5"),
        ("sys_updated_on>=2026-01-02 04:00:04", "4 5"),
        ("sys_updated_on<2026-01-02 04:00:02", "1"),
        ("assigned_to.email=ann@example.com", "4"),
        ("assigned_toISEMPTY^ORDERBYDESCnumber", "5 3 2 1"),
        ("ORDERBYimpact^ORDERBYDESCnumber", "3 4 1 5 2"),
        ("nonsense=1", "1 2 3 4 5"),
        ("nonsense=1^state=6", "3"),
        ("stateMATCHES6", "1 2 3 4 5"),
    ] {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.append_pair("sysparm_query", query);
        let found = numbers(&servicenow, &encoded.finish());
        let found: Vec<_> = found.iter().map(|number| &number[3..]).collect();
        assert_eq!(found.join(" "), expected, "{query}");
    }
    assert_eq!(numbers(&servicenow, "correlation_id=im-2&x=y"), ["0002"]);
}

#[test]
fn pages_have_a_total_and_links() {
    let servicenow = five();
    let page = |query: &str| {
        let path = format!("{INCIDENTS}?{query}");
        let response = answer(&servicenow, &Method::GET, &path, None);
        let link = response.headers().get("link");
        let link = link.map_or("", |link| link.to_str().unwrap()).to_owned();
        let total = response.headers()["x-total-count"].clone();
        let rows = seen(&response).1["result"].as_array().unwrap().len();
        (total.to_str().unwrap().to_owned(), rows, link)
    };
    let url = |offset: usize| {
        let query = format!("sysparm_query=active%3Dtrue&sysparm_limit=2&sysparm_offset={offset}");
        format!("<https://instance.servicenow.com{INCIDENTS}?{query}>")
    };
    let (total, rows, link) = page("sysparm_query=active=true&sysparm_limit=2&sysparm_offset=2");
    assert_eq!((total.as_str(), rows), ("5", 2));
    assert_eq!(
        link,
        format!(
            "{};rel=\"first\",{};rel=\"next\",{};rel=\"prev\",{};rel=\"last\"",
            url(0),
            url(4),
            url(0),
            url(4)
        )
    );
    let (_, rows, link) = page("sysparm_limit=2&sysparm_offset=4");
    assert_eq!(rows, 1);
    assert!(!link.contains("next") && link.contains("prev"), "{link}");
    let (total, rows, link) = page("sysparm_suppress_pagination_header=true");
    assert_eq!((total.as_str(), rows, link.as_str()), ("5", 5, ""));
    let mut request = table_api::request(&Method::GET, INCIDENTS, None);
    let host = "127.0.0.1:8080".parse().unwrap();
    request.headers_mut().insert("host", host);
    let link = servicenow.handle(request).headers()["link"].clone();
    let link = link.to_str().unwrap();
    assert!(link.starts_with("<http://127.0.0.1:8080/api"), "{link}");
}

#[test]
fn an_empty_list_is_404_in_version_1_only() {
    let servicenow = five();
    let query = "sysparm_query=state=8";
    assert_eq!(
        get(&servicenow, &format!("{INCIDENTS}?{query}")),
        (200, json!({"result": []}))
    );
    for path in ["/api/now/table/incident", "/api/now/v1/table/incident"] {
        let (status, message, _) = refusal(get(&servicenow, &format!("{path}?{query}")));
        assert_eq!((status, message.as_str()), (404, "No Record found"));
        assert_eq!(get(&servicenow, path).0, 200);
    }
}

#[test]
fn what_does_not_exist_is_refused() {
    let (servicenow, _) = servicenow();
    let (status, message, _) =
        refusal(get(&servicenow, &format!("{INCIDENTS}/{}", "0".repeat(32))));
    assert_eq!((status, message.as_str()), (404, "No Record found"));
    let (status, message, _) = refusal(get(&servicenow, "/api/now/v2/table/x_incident"));
    assert_eq!(
        (status, message.as_str()),
        (400, "Invalid table x_incident")
    );
    for path in ["/", "/api/now/table", "/api/now/v3/table/incident"] {
        assert_eq!(refusal(get(&servicenow, path)).0, 400, "{path}");
    }
    let text = format!("{INCIDENTS}?sysparm_input_display_value=true");
    let body = json!({"state": "New"});
    let refused = seen(&answer(&servicenow, &Method::POST, &text, Some(&body)));
    assert_eq!(refusal(refused).0, 400);
}

/// The fourth of the five, by this query.
fn fourth(servicenow: &ServiceNow, query: &str) -> Value {
    let sys_id = servicenow.incidents()[3]["sys_id"].to_owned();
    let (status, body) = get(servicenow, &format!("{INCIDENTS}/{sys_id}?{query}"));
    assert_eq!(status, 200);
    body["result"].clone()
}

#[test]
fn a_reference_is_a_link_a_value_or_a_name() {
    let servicenow = five();
    let ann = user(&servicenow, "ann@example.com");
    let link = format!("https://instance.servicenow.com/api/now/v2/table/sys_user/{ann}");
    let state = |query: &str| {
        let incident = fourth(&servicenow, query);
        (incident["assigned_to"].clone(), incident["state"].clone())
    };
    assert_eq!(state(""), (json!({"link": link, "value": ann}), json!("1")));
    assert_eq!(
        state("sysparm_exclude_reference_link=true"),
        (json!(ann), json!("1"))
    );
    assert_eq!(
        state("sysparm_display_value=true"),
        (
            json!({"display_value": "Ann Example", "link": link}),
            json!("New")
        )
    );
    assert_eq!(
        state("sysparm_display_value=all"),
        (
            json!({"display_value": "Ann Example", "link": link, "value": ann}),
            json!({"display_value": "New", "value": "1"})
        )
    );
    assert_eq!(
        state("sysparm_display_value=true&sysparm_exclude_reference_link=true").0,
        "Ann Example"
    );
    let unset = fourth(&servicenow, "sysparm_display_value=all");
    let empty = json!({"display_value": "", "value": ""});
    assert_eq!(unset["assignment_group"], empty);
    let domain = fourth(&servicenow, "sysparm_exclude_reference_link=true");
    assert_eq!(domain["sys_domain"], "global");
    let v1 = get(&servicenow, "/api/now/table/incident").1;
    let expected = format!("https://instance.servicenow.com/api/now/table/sys_user/{ann}");
    assert_eq!(v1["result"][3]["assigned_to"]["link"], expected);
}

#[test]
fn only_the_fields_that_are_named_and_exist_are_shown() {
    let servicenow = five();
    let query = "sysparm_fields=number,nonsense,assigned_to.email,assignment_group.name,impact.x";
    assert_eq!(
        fourth(&servicenow, query),
        json!({
            "number": "INC0010004",
            "assigned_to.email": "ann@example.com",
            "assignment_group.name": "",
        })
    );
}

#[test]
fn the_display_value_of_a_journal_is_its_entries() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({}));
    patched(&servicenow, &sys_id, &json!({"work_notes": "one"}));
    let ann = servicenow.person("ann@example.com");
    ann.work_note(&sys_id, "two").unwrap();
    let path = format!("{INCIDENTS}/{sys_id}?sysparm_display_value=true");
    let shown = get(&servicenow, &path).1["result"]["work_notes"].clone();
    let at = "2026-01-02 03:04:05";
    let expected =
        format!("{at} - Ann Example (Work notes)\ntwo\n\n{at} - IM Sync (Work notes)\none\n\n");
    assert_eq!(shown, expected);
}

#[test]
fn the_journal_is_read_from_its_own_table() {
    let (servicenow, _) = servicenow();
    let other = created(&servicenow, &json!({"comments": "other"}));
    let sys_id = created(&servicenow, &json!({"comments": "one"}));
    patched(&servicenow, &sys_id, &json!({"work_notes": "two"}));
    let of = |query: &str| {
        let path = format!("/api/now/v2/table/sys_journal_field?sysparm_query={query}");
        let rows = get(&servicenow, &path).1["result"].clone();
        let rows = rows.as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["value"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&format!("element_id={sys_id}")), ["one", "two"]);
    assert_eq!(
        of(&format!("element_id={sys_id}%5Eelement=work_notes")),
        ["two"]
    );
    assert_eq!(of(&format!("element_id={other}")), ["other"]);
    assert_eq!(of("elementid=x"), ["other", "one", "two"]);
}

#[test]
fn the_other_tables_can_be_read_and_not_written() {
    let servicenow = five();
    let rows = |table: &str, query: &str| {
        let path = format!("/api/now/v2/table/{table}?sysparm_query={query}");
        let (status, body) = get(&servicenow, &path);
        assert_eq!(status, 200, "{body}");
        body["result"].as_array().unwrap().clone()
    };
    let ann = &rows("sys_user", "email=ann@example.com")[0];
    assert_eq!(ann["user_name"], "ann.example");
    assert_eq!(ann["name"], "Ann Example");
    assert_eq!(rows("sys_user", "").len(), 4);
    assert_eq!(rows("sys_user_group", "name=Database").len(), 1);
    let codes = rows("sys_choice", "name=incident%5Eelement=close_code");
    assert_eq!(codes[9]["value"], "User error");
    let ids: std::collections::BTreeSet<_> = rows("sys_choice", "")
        .iter()
        .map(|row| row["sys_id"].to_string())
        .collect();
    assert_eq!(ids.len(), rows("sys_choice", "").len());
    let sys_id = servicenow.incidents()[3]["sys_id"].to_owned();
    let audit = rows("sys_audit", &format!("documentkey={sys_id}"));
    assert_eq!(audit[0]["fieldname"], "assigned_to");
    let audit_id = audit[0]["sys_id"].as_str().unwrap();
    let one = get(
        &servicenow,
        &format!("/api/now/v2/table/sys_audit/{audit_id}"),
    );
    assert_eq!(one.1["result"], audit[0]);
    let path = format!(
        "/api/now/v2/table/sys_user/{}",
        ann["sys_id"].as_str().unwrap()
    );
    let body = json!({"name": "Anna"});
    let refused = seen(&answer(&servicenow, &Method::PATCH, &path, Some(&body)));
    assert_eq!(refusal(refused).0, 403);
}

#[test]
fn every_table_has_the_columns_it_can_be_filtered_by() {
    let servicenow = five();
    servicenow
        .person("ann@example.com")
        .comment(&servicenow.incidents()[0]["sys_id"], "x")
        .unwrap();
    for table in [
        "sys_journal_field",
        "sys_user",
        "sys_user_group",
        "sys_audit",
        "sys_choice",
    ] {
        let path = format!("/api/now/v2/table/{table}");
        let all = get(&servicenow, &path).1["result"]
            .as_array()
            .unwrap()
            .clone();
        for column in all[0].as_object().unwrap().keys() {
            let query = format!("{path}?sysparm_query={column}=no such value");
            let query = query.replace(' ', "%20");
            assert_eq!(
                get(&servicenow, &query).1["result"],
                json!([]),
                "{table}.{column}"
            );
        }
    }
}
