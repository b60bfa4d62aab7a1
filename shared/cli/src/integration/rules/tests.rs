use serde_json::{Value, json};

use super::document;
use crate::{
    cli::Format,
    failure,
    integration::tests::{Run, api, im},
    test_api::{Screen, TestApi},
};

const MAPPINGS: &str = "/api/v1/integrations/pd/mappings";

fn mappings() -> Value {
    json!({
        "version": 4, "fields": {"custom.cost": "u_cost:number"},
        "values": {
            "severity": {
                "outbound": {"values": {"SEV-1": "high", "SEV-3": "high"}, "otherwise": {"default": "low"}},
                "inbound": {"values": {"1": "SEV-1", "low": "SEV-3"}, "otherwise": "leave_alone"},
            },
        },
        "configured": ["severity.outbound"],
        "defaults": {"severity": {"outbound": {"values": {"SEV-1": "high", "SEV-3": "low"}, "otherwise": "error"}}},
        "notes": ["pd could not be asked"],
    })
}

async fn with_mappings() -> TestApi {
    let api = api().await;
    api.answer(&format!("GET {MAPPINGS}"), 200, &mappings());
    api.answer(&format!("PUT {MAPPINGS}"), 200, &mappings());
    api
}

/// What was sent last, and under which version.
fn sent(api: &TestApi) -> (String, Option<String>, Value) {
    let request = api.requests().pop().expect("a request");
    let version = request.header("if-match").map(str::to_owned);
    (
        format!("{} {}", request.method, request.path),
        version,
        request.json(),
    )
}

async fn failing(api: &TestApi, line: &[&str]) -> failure::Failure {
    let mut screen = Screen::new(Format::Table);
    let error = im(api, &mut screen, line).await.expect_err("must fail");
    failure::describe(&error)
}

#[tokio::test]
async fn owners_are_listed_set_and_deleted() {
    let api = api().await;
    let item = json!({
        "field": "assigned_to", "flows": "both",
        "rules": [{"owner": "platform", "priority": 10}, {"owner": "external", "priority": 20}],
    });
    let none = json!({"field": "status", "flows": "none", "rules": []});
    let below = "/api/v1/integrations/pd/field-ownership";
    let list = json!({"items": [item, none], "next": null});
    api.answer(&format!("GET {below}"), 200, &list);
    api.answer(&format!("PUT {below}/assigned_to?shared=true"), 200, &item);
    api.answer(&format!("PUT {below}/short_description"), 200, &item);
    api.answer(
        &format!("DELETE {below}/work_notes?owner=external"),
        200,
        &none,
    );
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["field-ownership", "list", "pd"])
        .await
        .expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    FIELD        OWNER (PRIORITY)              FLOWS
    assigned_to  platform (10), external (20)  both
    status       -                             none
    ");
    let line = [
        "field-ownership",
        "set",
        "pd",
        "assignee",
        "--owner",
        "external",
        "--priority",
        "20",
        "--shared",
    ];
    im(&api, &mut screen, &line).await.expect("set");
    assert_eq!(
        sent(&api).2,
        json!({"rules": [{"owner": "external", "priority": 20}]})
    );
    let line = [
        "field-ownership",
        "set",
        "pd",
        "short_description",
        "--owner",
        "platform",
    ];
    im(&api, &mut screen, &line)
        .await
        .expect("what only the vendor says, the API understands");
    assert_eq!(
        sent(&api).2,
        json!({"rules": [{"owner": "platform", "priority": 10}]})
    );
    let line = [
        "field-ownership",
        "delete",
        "pd",
        "work-notes",
        "--owner",
        "external",
        "--format",
        "json",
    ];
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &line).await.expect("deleted");
    assert_eq!(
        serde_json::from_str::<Value>(&screen.out()).expect("JSON"),
        none
    );
}

#[tokio::test]
async fn tables_are_listed_by_field() {
    let api = with_mappings().await;
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["mapping", "list", "pd"])
        .await
        .expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    FIELD        DIRECTION  VALUE                 BECOMES        FROM
    custom.cost  both       (the vendor's field)  u_cost:number  configured
    severity     outbound   SEV-1                 high           configured
    severity     outbound   SEV-3                 high           configured
    severity     outbound   (any other)           low            configured
    severity     inbound    1                     SEV-1          default
    severity     inbound    low                   SEV-3          default
    severity     inbound    (any other)           (left alone)   default
    ");
    assert!(screen.err().contains("pd could not be asked"));
    let failure = failing(&api, &["mapping", "list", "pd", "status"]).await;
    insta::assert_snapshot!(failure.text, @r#"
    error: pd has no table for "status"
    hint: there are tables for severity
    "#);
}

#[tokio::test]
async fn an_entry_is_set_under_the_version_that_was_read() {
    let api = with_mappings().await;
    let mut screen = Screen::new(Format::Table);
    let mut after = mappings();
    after["values"]["severity"]["inbound"]["values"]["low"] = json!("SEV-4");
    api.answer(&format!("PUT {MAPPINGS}"), 200, &after);
    let line = [
        "mapping",
        "set",
        "pd",
        "severity",
        "low",
        "SEV-4",
        "--direction",
        "inbound",
    ];
    im(&api, &mut screen, &line).await.expect("set");
    let expected = (format!("PUT {MAPPINGS}"), Some("\"4\"".to_owned()), after);
    assert_eq!(sent(&api), expected);
    insta::assert_snapshot!(screen.out(), @"
    FIELD     DIRECTION  VALUE  WAS    IS
    severity  inbound    low    SEV-3  SEV-4
    ");
    let line = [
        "mapping",
        "set",
        "pd",
        "assignee",
        "ann",
        "ann@b",
        "--direction",
        "outbound",
    ];
    im(&api, &mut screen, &line).await.expect("set");
    let table = json!({"outbound": {"values": {"ann": "ann@b"}, "otherwise": "inherit"}});
    assert_eq!(sent(&api).2["values"]["assigned_to"], table);
    for (answer, expected) in [
        ("leave-alone", json!("leave_alone")),
        ("default=x=y", json!({"default": "x=y"})),
    ] {
        let line = [
            "mapping",
            "set",
            "pd",
            "severity",
            "--direction",
            "inbound",
            "--otherwise",
            answer,
        ];
        im(&api, &mut screen, &line).await.expect("set");
        assert_eq!(
            sent(&api).2["values"]["severity"]["inbound"]["otherwise"],
            expected
        );
    }
}

#[tokio::test]
async fn what_is_deleted_is_as_the_default_again() {
    let api = with_mappings().await;
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["mapping", "delete", "pd", "severity"])
        .await
        .expect("deleted");
    let left = sent(&api).2["values"]["severity"].clone();
    assert_eq!(
        left,
        json!({"inbound": mappings()["values"]["severity"]["inbound"]})
    );
    let line = [
        "mapping",
        "delete",
        "pd",
        "severity",
        "SEV-3",
        "--direction",
        "outbound",
    ];
    im(&api, &mut screen, &line).await.expect("deleted");
    let outbound = &sent(&api).2["values"]["severity"]["outbound"];
    assert_eq!(outbound["values"], json!({"SEV-1": "high", "SEV-3": "low"}));
    let requests = api.requests().len();
    let unknown = [
        "mapping",
        "delete",
        "pd",
        "severity",
        "SEV-9",
        "--direction",
        "outbound",
    ];
    insta::assert_snapshot!(failing(&api, &unknown).await.text, @r#"
    error: severity has no outbound entry for "SEV-9"
    hint: there are SEV-1, SEV-3
    "#);
    let default = [
        "mapping",
        "delete",
        "pd",
        "severity",
        "--direction",
        "inbound",
    ];
    insta::assert_snapshot!(failing(&api, &default).await.text, @"
    error: the inbound mapping of severity is as the vendor's defaults say already
    hint: `im integration mapping list` marks what is not
    ");
    let methods: Vec<_> = api.requests()[requests..]
        .iter()
        .map(|r| r.method.clone())
        .collect();
    assert_eq!(methods, ["GET"; 4], "nothing was changed");
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let api = with_mappings().await;
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["mapping", "export", "pd"])
        .await
        .expect("exported");
    let yaml = screen.out();
    insta::assert_snapshot!(yaml, @"
    # The mappings of pd: im integration mapping import pd FILE
    fields:
      custom.cost: u_cost:number
    values:
      severity:
        inbound:
          otherwise: leave_alone
          values:
            '1': SEV-1
            low: SEV-3
        outbound:
          otherwise:
            default: low
          values:
            SEV-1: high
            SEV-3: high
    ");
    api.answer(&format!("PUT {MAPPINGS}?dry_run=true"), 200, &mappings());
    for (line, path) in [
        (&["mapping", "import", "pd", "-"][..], MAPPINGS.to_owned()),
        (
            &["mapping", "import", "pd", "-", "--dry-run"],
            format!("{MAPPINGS}?dry_run=true"),
        ),
    ] {
        let run = Run {
            line,
            stdin: &yaml,
            variables: &[],
        };
        let mut screen = Screen::new(Format::Table);
        run.on(&api, &mut screen).await.expect("imported");
        let mut expected = mappings();
        for read_only in ["version", "configured", "defaults", "notes"] {
            expected
                .as_object_mut()
                .expect("an object")
                .remove(read_only);
        }
        assert_eq!(sent(&api), (format!("PUT {path}"), None, expected));
        assert_eq!(screen.out(), "Nothing changes.\n");
        assert_eq!(screen.err().contains("dry run"), line.len() == 5);
    }
}

#[test]
fn a_file_may_say_what_an_answer_says_and_leave_quotes_away() {
    let yaml = "values:\n  status:\n    inbound:\n      values: {1: open, 6: resolved, yes: closed}\n      \
                otherwise: error\nversion: 3\nconfigured: []\ndefaults: {}\nnotes: [x]\n";
    let values = json!({"1": "open", "6": "resolved", "yes": "closed"});
    let expected =
        json!({"values": {"status": {"inbound": {"values": values, "otherwise": "error"}}}});
    assert_eq!(document::read("m.yaml", yaml).expect("valid"), expected);
}

#[test]
fn what_a_file_cannot_say_is_refused_with_file_line_and_path() {
    let refused = |yaml: &str| document::read("m.yaml", yaml).expect_err(yaml).to_string();
    let mut all = String::new();
    for yaml in [
        "values:\n  severity:\n    outbound:\n      values: {}\n      othrwise: error\n",
        "values:\n  severity:\n    sideways: {}\n",
        "values: {}\ntables: {}\n",
        "fields: {}\n",
        "values:\n  severity:\n    outbound:\n      values: {SEV-1: [high]}\n      otherwise: error\n",
        "values:\n  severity:\n    outbound:\n      values: {}\n      otherwise: ignore\n",
        "values:\n  severity:\n    outbound:\n      values: {}\n      otherwise: {defaults: x}\n",
        "values:\n  severity:\n    outbound:\n      otherwise: error\n      values:\n        SEV-1: a\n        SEV-1: b\n",
        "values:\n  severity:\n    outbound:\n      values: {}\n",
        "values: [severity]\n",
        "values: {\n",
        "",
    ] {
        all += &refused(yaml);
        all += "\n";
    }
    insta::assert_snapshot!(all, @r#"
    m.yaml:5:7: values.severity.outbound: unknown field `othrwise`, expected `values` or `otherwise`
    m.yaml:3:5: values.severity: unknown field `sideways`, expected `outbound` or `inbound`
    m.yaml:2:1: unknown field `tables`, expected one of `fields`, `values`, `version`, `configured`, `defaults`, `notes`
    m.yaml:1:1: missing field `values`
    m.yaml:4:23: values.severity.outbound.values.SEV-1: invalid type: sequence, expected a string
    m.yaml:5:18: values.severity.outbound.otherwise: invalid value: string "ignore", expected error, leave_alone, inherit or default: <value>
    m.yaml:5:18: values.severity.outbound.otherwise: unknown field `defaults`, expected `default`
    m.yaml:6:9: values.severity.outbound.values: "SEV-1" comes twice
    m.yaml:4:7: values.severity.outbound: missing field `otherwise`
    m.yaml:1:9: values: invalid type: sequence, expected names with values
    m.yaml:2:1: did not find expected node content at line 2 column 1, while parsing a flow node
    m.yaml:1:1: missing field `values`
    "#);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_changes_nothing() {
    let api = with_mappings().await;
    let run = Run {
        line: &["mapping", "import", "pd", "-"],
        stdin: "values:\n  severity: 1\n",
        variables: &[],
    };
    let error = run
        .on(&api, &mut Screen::new(Format::Table))
        .await
        .expect_err("refused");
    let text = failure::describe(&error).text;
    assert!(
        text.starts_with("error: standard input:2:13: values.severity: "),
        "{text}"
    );
    assert!(api.requests().is_empty());
    let missing = failing(&api, &["mapping", "import", "pd", "no-such-file.yaml"]).await;
    assert!(
        missing
            .text
            .starts_with("error: no-such-file.yaml cannot be read"),
        "{}",
        missing.text
    );
}

#[tokio::test]
async fn a_check_fails_if_there_are_errors() {
    let api = api().await;
    let finding = |level: &str| {
        json!({
            "level": level, "kind": "no_answer", "field": "severity", "detail": "SEV-4 → no answer",
            "consequence": "it cannot be sent",
        })
    };
    let answer = |verdict: &str, findings: &[Value]| {
        let found = json!({
            "integration_id": "pd", "verdict": verdict, "findings": findings, "notes": ["usual names"],
        });
        api.answer("GET /api/v1/integrations/pd/check", 200, &found);
    };
    answer("errors", &[finding("error"), finding("warning")]);
    let mut screen = Screen::new(Format::Table);
    let error = im(&api, &mut screen, &["check", "pd"])
        .await
        .expect_err("errors");
    insta::assert_snapshot!(screen.out(), @"
    LEVEL    KIND       FIELD     DETAIL             CONSEQUENCE
    error    no_answer  severity  SEV-4 → no answer  it cannot be sent
    warning  no_answer  severity  SEV-4 → no answer  it cannot be sent
    ");
    let failure = failure::describe(&error);
    assert_eq!(failure.exit_code, 1);
    assert!(
        failure.text.contains("1 of its findings are errors"),
        "{}",
        failure.text
    );
    assert!(screen.err().contains("usual names"));
    for (verdict, findings) in [("warnings", &[finding("warning")][..]), ("ok", &[])] {
        answer(verdict, findings);
        im(&api, &mut screen, &["check", "pd"])
            .await
            .expect(verdict);
    }
    assert!(
        screen
            .out()
            .ends_with("Nothing to say: every value comes back as it went, and every rule acts.\n")
    );
}

#[tokio::test]
async fn an_integration_is_paused_and_resumed() {
    let api = api().await;
    let mut screen = Screen::new(Format::Table);
    for verb in ["pause", "resume"] {
        let path = format!("/api/v1/integrations/pd/{verb}");
        let (_, integration) = (&path, json!({"id": "pd", "activity": verb}));
        api.answer(&format!("POST {path}"), 200, &integration);
        im(&api, &mut screen, &[verb, "pd"]).await.expect(verb);
        assert!(
            screen
                .out()
                .contains(&format!("Activity:           {verb}")),
            "{}",
            screen.out()
        );
    }
}
