//! What becomes of an incident that is written.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod table_api;

use http::Method;
use im_sandbox::servicenow::{ColumnType, CustomColumn, DataPolicy};
use serde_json::{Value, json};
use table_api::{
    INCIDENTS, answer, configured, created, event_types, patch, patched, post, refusal, resolved,
    seen, servicenow, user,
};

#[test]
fn a_new_incident_has_an_id_a_number_and_the_defaults() {
    let (servicenow, _) = servicenow();
    let body = json!({"short_description": "Disk full"});
    let response = answer(&servicenow, &Method::POST, INCIDENTS, Some(&body));
    let (status, body) = seen(&response);
    assert_eq!(status, 201);
    let result = &body["result"];
    let sys_id = result["sys_id"].as_str().unwrap();
    assert_eq!(sys_id.len(), 32);
    assert!(sys_id.chars().all(|digit| digit.is_ascii_hexdigit()));
    let expected = format!("https://instance.servicenow.com{INCIDENTS}/{sys_id}");
    assert_eq!(response.headers()["location"], expected);
    for (column, value) in [
        ("number", "INC0010001"),
        ("state", "1"),
        ("incident_state", "1"),
        ("impact", "3"),
        ("urgency", "3"),
        ("priority", "5"),
        ("active", "true"),
        ("sys_mod_count", "0"),
        ("sys_created_on", "2026-01-02 03:04:05"),
        ("sys_updated_on", "2026-01-02 03:04:05"),
        ("opened_at", "2026-01-02 03:04:05"),
        ("sys_created_by", "im.sync"),
        ("sys_updated_by", "im.sync"),
        ("assigned_to", ""),
        ("sys_class_name", "incident"),
    ] {
        assert_eq!(result[column], value, "{column}");
    }
    let (_, second) = post(&servicenow, &json!({}));
    assert_eq!(second["result"]["number"], "INC0010002");
    let (other, _) = table_api::servicenow();
    assert_eq!(created(&other, &json!({})), sys_id, "the same seed");
}

#[test]
fn priority_follows_from_impact_and_urgency_alone() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({"priority": "1"}));
    assert_eq!(&servicenow.incident(&sys_id).unwrap()["priority"], "5");
    for (impact, urgency, priority) in [
        (1, 1, "1"),
        (1, 2, "2"),
        (1, 3, "3"),
        (2, 1, "2"),
        (2, 2, "3"),
        (2, 3, "4"),
        (3, 1, "3"),
        (3, 2, "4"),
        (3, 3, "5"),
    ] {
        let body = json!({"impact": impact, "urgency": urgency.to_string()});
        let result = patched(&servicenow, &sys_id, &body);
        assert_eq!(result["priority"], priority, "{body}");
    }
}

#[test]
fn illegal_values_and_unknown_or_computed_columns_are_ignored() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({"impact": "2"}));
    let before = servicenow.incident(&sys_id).unwrap();
    let body = json!({
        "impact": "9", "urgency": "", "state": "4", "priority": "1", "number": "INC1",
        "sys_id": "x", "sys_mod_count": "7", "nonsense": "x", "resolved_at": "2026-01-01 00:00:00",
        "opened_at": "yesterday", "hold_reason": "2", "u_team": "x", "watch_list": ["a"],
    });
    patched(&servicenow, &sys_id, &body);
    assert_eq!(servicenow.incident(&sys_id).unwrap(), before);
}

#[test]
fn put_writes_what_it_names_as_patch_does() {
    let (servicenow, _) = servicenow();
    let sys_id = created(
        &servicenow,
        &json!({"short_description": "one", "impact": "1"}),
    );
    let path = format!("{INCIDENTS}/{sys_id}");
    let body = json!({"short_description": "two"});
    let (status, body) = seen(&answer(&servicenow, &Method::PUT, &path, Some(&body)));
    assert_eq!(status, 200);
    assert_eq!(body["result"]["short_description"], "two");
    assert_eq!(body["result"]["impact"], "1");
}

#[test]
fn texts_are_cut_to_their_length_without_a_word() {
    let (servicenow, _) = servicenow();
    let long = "ü".repeat(5000);
    let body = json!({"short_description": long, "description": long, "correlation_id": "im/7"});
    let sys_id = created(&servicenow, &body);
    let incident = servicenow.incident(&sys_id).unwrap();
    assert_eq!(incident["short_description"].chars().count(), 160);
    assert_eq!(incident["description"].chars().count(), 4000);
    assert_eq!(&incident["correlation_id"], "im/7");
    let shorter = configured(|config| {
        config.max_lengths.insert("short_description".to_owned(), 3);
    });
    let sys_id = created(&shorter, &json!({"short_description": "Disk full"}));
    assert_eq!(
        &shorter.incident(&sys_id).unwrap()["short_description"],
        "Dis"
    );
}

#[test]
fn custom_columns_hold_what_they_are_made_for() {
    let servicenow = configured(|config| {
        config.custom_columns.push(CustomColumn::text("u_team", 4));
        let of = |name: &str, kind| CustomColumn {
            name: name.to_owned(),
            kind,
            max_length: 40,
        };
        config.custom_columns.extend([
            of("u_count", ColumnType::Integer),
            of("u_public", ColumnType::Boolean),
            of("u_since", ColumnType::DateTime),
        ]);
    });
    let sys_id = created(&servicenow, &json!({}));
    assert_eq!(&servicenow.incident(&sys_id).unwrap()["u_public"], "false");
    let body = json!({
        "u_team": "Checkout", "u_count": 3, "u_public": true, "u_since": "2026-01-02 03:04:05",
    });
    let result = patched(&servicenow, &sys_id, &body);
    assert_eq!(result["u_team"], "Chec");
    assert_eq!(result["u_count"], "3");
    assert_eq!(result["u_public"], "true");
    assert_eq!(result["u_since"], "2026-01-02 03:04:05");
    let body = json!({"u_count": "many", "u_since": "2026-01-02T03:04:05Z"});
    let again = patched(&servicenow, &sys_id, &body);
    assert_eq!(again, result, "what does not fit is ignored");
}

#[test]
fn references_are_known_ids_or_nothing() {
    let (servicenow, _) = servicenow();
    let ann = user(&servicenow, "ann@example.com");
    let group = servicenow.groups()[0].sys_id.clone();
    let body = json!({"assigned_to": ann, "assignment_group": group, "caller_id": ann});
    let sys_id = created(&servicenow, &body);
    let incident = servicenow.incident(&sys_id).unwrap();
    assert_eq!(incident["assigned_to"], ann);
    assert_eq!(incident["assignment_group"], group);
    let unknown = json!({"assigned_to": "f".repeat(32), "assignment_group": ann, "caller_id": ""});
    patched(&servicenow, &sys_id, &unknown);
    let incident = servicenow.incident(&sys_id).unwrap();
    for column in ["assigned_to", "assignment_group", "caller_id"] {
        assert_eq!(&incident[column], "", "{column}");
    }
}

#[test]
fn only_effective_writes_count() {
    let (servicenow, clock) = servicenow();
    let sys_id = created(&servicenow, &json!({"short_description": "one"}));
    servicenow.drain_webhooks();
    clock.set("2026-01-02T04:00:00.999Z".parse().unwrap());
    let result = patched(&servicenow, &sys_id, &json!({"short_description": "two"}));
    assert_eq!(result["sys_mod_count"], "1");
    assert_eq!(result["sys_updated_on"], "2026-01-02 04:00:00");
    assert_eq!(result["sys_created_on"], "2026-01-02 03:04:05");
    assert_eq!(event_types(&servicenow), ["incident.update"]);
    clock.set("2026-01-02T05:00:00Z".parse().unwrap());
    for body in [
        json!({"short_description": "two"}),
        json!({"state": 1, "impact": "3", "work_notes": ""}),
        json!({}),
    ] {
        let same = patched(&servicenow, &sys_id, &body);
        assert_eq!(same, result, "{body}");
    }
    assert_eq!(event_types(&servicenow), Vec::<String>::new());
    assert_eq!(servicenow.audit(&sys_id).len(), 1);
    let ann = servicenow.person("ann@example.com");
    ann.edit(&sys_id, &[("impact", "1")]).unwrap();
    let incident = servicenow.incident(&sys_id).unwrap();
    assert_eq!(&incident["sys_updated_by"], "ann.example");
    assert_eq!(&incident["sys_mod_count"], "2");
}

#[test]
fn resolving_and_closing_need_code_and_notes() {
    let (servicenow, _) = servicenow();
    let sys_id = created(&servicenow, &json!({}));
    let before = servicenow.incident(&sys_id).unwrap();
    servicenow.drain_webhooks();
    let mandatory = |fields: &str| {
        let words = "Data Policy Exception: The following fields are mandatory:";
        (
            403,
            "Operation Failed".to_owned(),
            format!("{words} {fields}"),
        )
    };
    for (body, fields) in [
        (json!({"state": "6"}), "Close code, Close notes"),
        (json!({"state": "7"}), "Close code, Close notes"),
        (json!({"incident_state": "6"}), "Close code, Close notes"),
        (json!({"state": "6", "close_notes": "x"}), "Close code"),
        (
            json!({"state": "6", "close_notes": "x", "close_code": "Fixed"}),
            "Close code",
        ),
        (
            json!({"state": "6", "close_code": "User error"}),
            "Close notes",
        ),
        (json!({"state": "3"}), "On hold reason"),
    ] {
        let refused = refusal(patch(&servicenow, &sys_id, &body));
        assert_eq!(refused, mandatory(fields), "{body}");
        assert_eq!(refusal(post(&servicenow, &body)), mandatory(fields));
    }
    assert_eq!(servicenow.incidents(), [before]);
    assert_eq!(event_types(&servicenow), Vec::<String>::new());
    patched(&servicenow, &sys_id, &resolved());
    let emptied = patch(&servicenow, &sys_id, &json!({"close_notes": ""}));
    assert_eq!(refusal(emptied), mandatory("Close notes"));
}

#[test]
fn an_instance_may_have_close_codes_and_policies_of_its_own() {
    let servicenow = configured(|config| {
        config.close_codes = vec!["Fixed".to_owned()];
        config
            .custom_columns
            .push(CustomColumn::text("u_root_cause", 100));
        config.data_policies.push(DataPolicy {
            state: "6".to_owned(),
            mandatory: vec!["u_root_cause".to_owned(), "close_notes".to_owned()],
        });
    });
    let sys_id = created(&servicenow, &json!({}));
    let (_, _, detail) = refusal(patch(&servicenow, &sys_id, &resolved()));
    assert!(
        detail.ends_with("mandatory: Close code, Root cause"),
        "{detail}"
    );
    let body = json!({
        "state": "6", "close_code": "Fixed", "close_notes": "x", "u_root_cause": "Cable",
    });
    assert_eq!(patched(&servicenow, &sys_id, &body)["state"], "6");
}

#[test]
fn the_way_of_an_incident_to_closed_and_back() {
    let (servicenow, clock) = servicenow();
    let ann = user(&servicenow, "im.sync@example.com");
    let sys_id = created(&servicenow, &json!({}));
    let now = |text: &str| clock.set(format!("2026-01-02T{text}Z").parse().unwrap());
    let expect = |expected: [&str; 7]| {
        let incident = servicenow.incident(&sys_id).unwrap();
        let columns = [
            "state",
            "incident_state",
            "active",
            "resolved_at",
            "closed_at",
            "reopen_count",
            "hold_reason",
        ];
        assert_eq!(columns.map(|column| &incident[column]), expected);
        for (at, by) in [("resolved_at", "resolved_by"), ("closed_at", "closed_by")] {
            let expected = if incident[at].is_empty() { "" } else { &ann };
            assert_eq!(&incident[by], expected, "{by}");
        }
    };
    expect(["1", "1", "true", "", "", "0", ""]);
    patched(&servicenow, &sys_id, &json!({"hold_reason": "1"}));
    expect(["1", "1", "true", "", "", "0", ""]);
    patched(
        &servicenow,
        &sys_id,
        &json!({"state": "3", "hold_reason": "1"}),
    );
    expect(["3", "3", "true", "", "", "0", "1"]);
    patched(&servicenow, &sys_id, &json!({"incident_state": "2"}));
    expect(["2", "2", "true", "", "", "0", ""]);
    now("04:00:00");
    patched(&servicenow, &sys_id, &resolved());
    expect(["6", "6", "true", "2026-01-02 04:00:00", "", "0", ""]);
    now("05:00:00");
    patched(&servicenow, &sys_id, &json!({"state": "7"}));
    expect([
        "7",
        "7",
        "false",
        "2026-01-02 04:00:00",
        "2026-01-02 05:00:00",
        "0",
        "",
    ]);
    patched(&servicenow, &sys_id, &json!({"state": "2"}));
    expect(["2", "2", "true", "", "", "1", ""]);
    patched(&servicenow, &sys_id, &resolved());
    patched(&servicenow, &sys_id, &json!({"state": "1"}));
    expect(["1", "1", "true", "", "", "2", ""]);
    patched(&servicenow, &sys_id, &json!({"state": "8"}));
    expect(["8", "8", "false", "", "2026-01-02 05:00:00", "2", ""]);
}

#[test]
fn a_closed_incident_may_be_read_only_by_rest() {
    let servicenow = configured(|config| config.closed_is_read_only = true);
    let sys_id = created(&servicenow, &json!({}));
    let mut closed = resolved();
    closed["state"] = json!("7");
    patched(&servicenow, &sys_id, &closed);
    for body in [json!({"state": "2"}), json!({"comments": "Hello"})] {
        let (status, message, detail) = refusal(patch(&servicenow, &sys_id, &body));
        assert_eq!((status, message.as_str()), (403, "Operation Failed"));
        assert!(detail.contains("security constraints"), "{detail}");
    }
    let path = format!("{INCIDENTS}/{sys_id}");
    let deleted = seen(&answer(&servicenow, &Method::DELETE, &path, None));
    assert_eq!(refusal(deleted).0, 403);
    let ann = servicenow.person("ann@example.com");
    ann.edit(&sys_id, &[("state", "2")]).unwrap();
    assert_eq!(&servicenow.incident(&sys_id).unwrap()["state"], "2");
}

#[test]
fn journals_are_written_and_not_read_on_the_record() {
    let (servicenow, clock) = servicenow();
    let sys_id = created(&servicenow, &json!({"comments": "Opened"}));
    clock.set("2026-01-02T04:00:00Z".parse().unwrap());
    let body = json!({"work_notes": "Looking", "comments": "We look", "impact": "1"});
    for count in ["1", "2"] {
        let result = patched(&servicenow, &sys_id, &body);
        assert_eq!(result["sys_mod_count"], count);
        assert_eq!(result["sys_updated_on"], "2026-01-02 04:00:00");
        for column in ["work_notes", "comments", "comments_and_work_notes"] {
            assert_eq!(result[column], "", "{column}");
        }
    }
    let journal = servicenow.journal(&sys_id);
    let entries: Vec<_> = journal
        .iter()
        .map(|entry| (&entry["element"], &entry["value"]))
        .collect();
    let twice = [("comments", "We look"), ("work_notes", "Looking")];
    assert_eq!(
        entries,
        [&[("comments", "Opened")][..], &twice, &twice].concat()
    );
    assert_ne!(&journal[1]["sys_id"], &journal[3]["sys_id"]);
    assert_eq!(&journal[1]["name"], "incident");
    assert_eq!(journal[1]["element_id"], sys_id);
    assert_eq!(&journal[1]["sys_created_on"], "2026-01-02 04:00:00");
    assert_eq!(&journal[1]["sys_created_by"], "im.sync");
}

#[test]
fn the_audit_has_a_row_for_each_changed_field() {
    let (servicenow, clock) = servicenow();
    let sys_id = created(&servicenow, &json!({"short_description": "one"}));
    assert_eq!(servicenow.audit(&sys_id), []);
    clock.set("2026-01-02T04:00:00Z".parse().unwrap());
    patched(
        &servicenow,
        &sys_id,
        &json!({"short_description": "two", "impact": "1"}),
    );
    let ann = servicenow.person("ann@example.com");
    ann.work_note(&sys_id, "Looking").unwrap();
    let rows = servicenow.audit(&sys_id);
    let seen: Vec<[&str; 5]> = rows
        .iter()
        .map(|row| {
            [
                "fieldname",
                "oldvalue",
                "newvalue",
                "user",
                "record_checkpoint",
            ]
            .map(|column| &row[column])
        })
        .collect();
    assert_eq!(
        seen,
        [
            ["impact", "3", "1", "im.sync", "1"],
            ["priority", "5", "3", "im.sync", "1"],
            ["short_description", "one", "two", "im.sync", "1"],
            ["work_notes", "", "Looking", "ann.example", "2"],
        ]
    );
    assert_eq!(&rows[0]["tablename"], "incident");
    assert_eq!(rows[0]["documentkey"], sys_id);
    assert_eq!(&rows[0]["sys_created_on"], "2026-01-02 04:00:00");
    assert_eq!(rows[0]["sys_id"].len(), 32);
}

#[test]
fn a_deleted_incident_is_gone() {
    let (servicenow, _) = servicenow();
    let kept = created(&servicenow, &json!({}));
    let sys_id = created(&servicenow, &json!({}));
    servicenow.drain_webhooks();
    let path = format!("{INCIDENTS}/{sys_id}");
    let deleted = answer(&servicenow, &Method::DELETE, &path, None);
    assert_eq!((deleted.status().as_u16(), deleted.body().len()), (204, 0));
    assert_eq!(event_types(&servicenow), ["incident.delete"]);
    let no_record = (
        404,
        "No Record found".to_owned(),
        "Record doesn't exist or ACL restricts the record retrieval".to_owned(),
    );
    for method in [Method::GET, Method::PATCH, Method::PUT, Method::DELETE] {
        let body = (method != Method::GET).then(|| json!({"state": "2"}));
        let again = seen(&answer(&servicenow, &method, &path, body.as_ref()));
        assert_eq!(refusal(again), no_record, "{method}");
    }
    assert_eq!(servicenow.incidents().len(), 1);
    assert_eq!(servicenow.incident(&sys_id), None);
    servicenow.person("bob@example.com").delete(&kept).unwrap();
    assert_eq!(servicenow.incidents(), []);
    assert_eq!(&servicenow.audit(&kept)[0]["fieldname"], "DELETED");
    let (_, next) = post(&servicenow, &json!({}));
    assert_eq!(next["result"]["number"], "INC0010003");
}

#[test]
fn people_work_without_a_password_and_under_the_same_policies() {
    let (servicenow, _) = servicenow();
    let ann = servicenow.person("ann@example.com");
    let sys_id = ann.open("Disk full", 2, 1).unwrap();
    let incident = servicenow.incident(&sys_id).unwrap();
    assert_eq!(&incident["priority"], "2");
    assert_eq!(incident["caller_id"], user(&servicenow, "ann@example.com"));
    assert_eq!(&incident["sys_created_by"], "ann.example");
    let refused = ann.edit(&sys_id, &[("state", "6")]).unwrap_err();
    assert_eq!(refused.status, 403);
    let bob = servicenow.person("bob@example.com");
    bob.comment(&sys_id, "On it").unwrap();
    bob.resolve(&sys_id).unwrap();
    let incident = servicenow.incident(&sys_id).unwrap();
    assert_eq!(&incident["state"], "6");
    assert_eq!(
        incident["resolved_by"],
        user(&servicenow, "bob@example.com")
    );
    assert_eq!(
        &servicenow.journal(&sys_id)[0]["sys_created_by"],
        "bob.example"
    );
    assert_eq!(servicenow.requests().len(), 0);
    for (column, value) in [
        ("priority", "1"),
        ("impact", "4"),
        ("nonsense", "x"),
        ("assigned_to", "nobody"),
    ] {
        let refused = bob.edit(&sys_id, &[(column, value)]).unwrap_err();
        assert_eq!(refused.status, 400, "{column}");
    }
    let nobody = servicenow.person("nobody@example.com");
    assert_eq!(nobody.open("x", 1, 1).unwrap_err().status, 400);
}

#[test]
fn bodies_have_to_be_json_objects() {
    let (servicenow, _) = servicenow();
    let send = |content_type: &str, body: &'static str| {
        let mut request = table_api::request(&Method::POST, INCIDENTS, None);
        let content_type = content_type.parse().unwrap();
        request.headers_mut().insert("content-type", content_type);
        *request.body_mut() = bytes::Bytes::from_static(body.as_bytes());
        refusal(seen(&servicenow.handle(request))).0
    };
    assert_eq!(send("application/json", "{"), 400);
    assert_eq!(send("application/json", "[]"), 400);
    assert_eq!(send("text/plain", "{}"), 415);
    assert_eq!(servicenow.incidents(), []);
    assert_eq!(servicenow.writes().len(), 0);
    let null = created(&servicenow, &json!({"short_description": Value::Null}));
    assert_eq!(
        &servicenow.incident(&null).unwrap()["short_description"],
        ""
    );
}
