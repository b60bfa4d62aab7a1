//! Who may do what, through the whole system: every route, as everybody. `access/matrix.txt` is the table.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

#[path = "access/scene.rs"]
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use im_tests::{INTEGRATION, JIRA};
use scene::{MARK, Scene};
use serde_json::{Value, json};

const MATRIX: &str = include_str!("access/matrix.txt");

/// Somebody with a token.
struct Caller {
    organization: &'static str,
    role: &'static str,
    subject: &'static str,
    scopes: &'static [&'static str],
}

const ANN: &str = "ann@example.com"; // the incident is assigned to her
const BOB: &str = "bob@example.com";

fn caller(column: &str) -> Option<Caller> {
    let of = |organization, role, subject, scopes| {
        Some(Caller {
            organization,
            role,
            subject,
            scopes,
        })
    };
    let (acme, rival) = ("acme", "rival");
    match column {
        "forged" => None,
        "nobody" => of(acme, "", ANN, &["*"]),
        "viewer" => of(acme, "viewer", ANN, &["*"]),
        "cmd-own" => of(acme, "incident_commander", ANN, &[]),
        "cmd-other" => of(acme, "incident_commander", BOB, &[INTEGRATION, JIRA]),
        "mgr-in" => of(
            acme,
            "integration.manager",
            BOB,
            &[INTEGRATION, JIRA, "new-pd"],
        ),
        "mgr-out" => of(acme, "integration.manager", ANN, &["demo", "other-pd"]),
        "admin" => of(acme, "platform.administrator", BOB, &[]),
        "r-viewer" => of(rival, "viewer", ANN, &["*"]),
        "r-cmd" => of(rival, "incident_commander", ANN, &["*"]),
        "r-mgr" => of(rival, "integration.manager", ANN, &["*"]),
        "r-admin" => of(rival, "platform.administrator", ANN, &["*"]),
        other => panic!("the column {other} is nobody"),
    }
}

/// A line of the table.
struct Row {
    route: String,
    expected: Vec<String>,
}

fn table() -> (Vec<String>, Vec<Row>) {
    let mut lines = MATRIX
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let words =
        |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let columns = words(lines.next().expect("a header")).split_off(2);
    let rows = lines.map(|line| {
        let mut words = words(line);
        let expected = words.split_off(2);
        Row {
            route: words.join(" "),
            expected,
        }
    });
    (columns, rows.collect())
}

#[tokio::test]
async fn the_table_holds_every_route_there_is() {
    let scene = Scene::new().await;
    let description: Value = scene.get_public("/openapi.json").await;
    let paths = description["paths"].as_object().expect("paths");
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods").keys();
            let methods = methods
                .filter(|name| ["get", "post", "put", "patch", "delete"].contains(&name.as_str()));
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let (_, rows) = table();
    let listed: BTreeSet<String> = rows.into_iter().map(|row| row.route).collect();
    assert_eq!(listed, described);
}

#[tokio::test]
async fn every_route_answers_everybody_as_the_table_says() {
    let (columns, rows) = table();
    let mut actual: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for column in &columns {
        let scene = Scene::new().await;
        let token = scene.token(caller(column).as_ref());
        let before = scene.what_acme_has().await;
        for row in &rows {
            let (status, body) = scene.ask(&row.route, &token).await;
            if column.starts_with("r-") || column == "forged" || column == "nobody" {
                assert!(!body.contains(MARK), "{column}, {}: {body}", row.route);
            }
            // Lists hold what the caller may read, one by one.
            if column == "mgr-out"
                && ["GET /integrations", "GET /audit"].contains(&row.route.as_str())
            {
                let list: Value = serde_json::from_str(&body).expect("JSON");
                assert_eq!(list["items"], json!([]), "{}", row.route);
            }
            actual
                .entry(&row.route)
                .or_default()
                .push(status.to_string());
        }
        if column.starts_with("r-") || ["forged", "nobody", "viewer"].contains(&column.as_str()) {
            assert_eq!(scene.what_acme_has().await, before, "{column}");
        }
    }
    let mut differing = Vec::new();
    for row in &rows {
        let actual = &actual[row.route.as_str()];
        if *actual != row.expected {
            differing.push(format!("{:<58} {}", row.route, actual.join(" ")));
        }
    }
    let header = columns.join(" ");
    assert!(differing.is_empty(), "\n{header}\n{}", differing.join("\n"));
}

#[tokio::test]
async fn a_refusal_names_the_rule_that_would_allow_it() {
    let scene = Scene::new().await;
    let token = scene.token(caller("cmd-other").as_ref());
    let (status, body) = scene.ask("PATCH /incidents/{id}", &token).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 403);
    assert_eq!(
        body["detail"],
        "incident.edit needs the role platform.administrator, or incident_commander if the incident is assigned to it; \
         the token has incident_commander"
    );
    assert_eq!(body["type"], json!("urn:problem-type:im:forbidden"));
}
