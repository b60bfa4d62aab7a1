use clap::Parser;

use super::*;
use crate::{
    cli::{Cli, Command, Format},
    failure::{self, UsageError},
    test_api::{Screen, TestApi},
};

fn integration() -> Value {
    json!({
        "id": "pd", "organization_id": "acme", "integration_type": "pagerduty", "name": "Prod PD",
        "base_url": "https://api.pagerduty.com", "sync_direction": "bidirectional", "enabled": true,
        "activity": "active", "conflict_strategy": "last-write-wins", "conflict_window": "5s",
        "mode": "webhook", "brake": {"percent": 10, "at_least": 20},
        "options": {"service": "PSVC123"}, "version": 1, "created_at": "2026-11-03T10:20:30.5Z",
        "updated_at": "2026-11-03T10:20:30.5Z",
        "webhook_url": "https://im.example.com/webhooks/pagerduty/pd",
        "setup_steps": [
            "Open Integrations > Generic Webhooks (v3).",
            "Webhook URL: https://im.example.com/webhooks/pagerduty/pd", "Two\nlines\u{1b}.",
        ],
    })
}

/// An API with one integration.
pub(super) async fn api() -> TestApi {
    let api = TestApi::start().await;
    api.answer("GET /api/v1/integrations/pd", 200, &integration());
    api.answer(
        "GET /api/v1/integrations",
        200,
        &json!({"items": [integration()], "next": null}),
    );
    api.answer("PATCH /api/v1/integrations/pd", 200, &integration());
    api.answer("POST /api/v1/integrations", 201, &integration());
    api
}

/// A command line with what is around it.
pub(super) struct Run<'a> {
    pub(super) line: &'a [&'a str],
    pub(super) stdin: &'a str,
    pub(super) variables: &'a [(&'a str, &'a str)],
}

impl Run<'_> {
    pub(super) async fn on(&self, api: &TestApi, screen: &mut Screen) -> anyhow::Result<()> {
        let cli = Cli::try_parse_from(["im", "integration"].iter().chain(self.line))?;
        let Command::Integration { command } = cli.command else {
            panic!("im integration")
        };
        screen.format = cli.output.format;
        let mut stdin = self.stdin.as_bytes();
        let environment = |name: &str| {
            self.variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, v)| (*v).to_owned())
        };
        // Who answers types.
        let is_terminal = ["y\n", "n\n"].contains(&self.stdin);
        let mut secrets = SecretInput::new(&mut stdin, &environment).on_terminal(is_terminal);
        run(
            command,
            &api.client(None),
            &mut secrets,
            &mut screen.console(),
        )
        .await
    }
}

pub(super) async fn im(api: &TestApi, screen: &mut Screen, line: &[&str]) -> anyhow::Result<()> {
    Run {
        line,
        stdin: "",
        variables: &[],
    }
    .on(api, screen)
    .await
}

const CREATE: [&str; 12] = [
    "configure",
    "new-pd",
    "--type",
    "pagerduty",
    "--base-url",
    "https://api.pagerduty.com",
    "--option",
    "service=PSVC123",
    "--from-email",
    "me@example.com",
    "--token",
    "-",
];

#[tokio::test]
async fn configure_creates_with_type_and_says_what_is_left_to_do() {
    let api = api().await;
    let mut screen = Screen::new(Format::Table);
    let variables = [
        ("IM_WEBHOOK_SECRET", "hunter3"),
        ("IM_PASSWORD", "another vendor's"),
    ];
    let run = Run {
        line: &CREATE,
        stdin: "hunter2\n",
        variables: &variables,
    };
    run.on(&api, &mut screen).await.expect("created");
    let requests = api.requests();
    let paths: Vec<_> = requests
        .iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    assert_eq!(
        paths,
        [
            "GET /api/v1/integrations/new-pd",
            "GET /api/v1/integrations",
            "POST /api/v1/integrations"
        ]
    );
    let body = json!({
        "id": "new-pd", "name": "new-pd", "integration_type": "pagerduty",
        "base_url": "https://api.pagerduty.com", "options": {"service": "PSVC123"},
        "credentials": {"token": "hunter2", "from_email": "me@example.com", "webhook_secret": "hunter3"},
    });
    assert_eq!(requests[2].json(), body);
    insta::assert_snapshot!(screen.out(), @"
    Id:                 pd
    Name:               Prod PD
    Type:               pagerduty
    Organization:       acme
    Base URL:           https://api.pagerduty.com
    Direction:          bidirectional
    Enabled:            true
    Activity:           active
    Conflict strategy:  last-write-wins
    Conflict window:    5s
    Mode:               webhook
    Brake:              a run that would change more than 10 % of the links, and more than 20
    Options:            service=PSVC123
    Webhook URL:        https://im.example.com/webhooks/pagerduty/pd
    Version:            1
    Created:            2026-11-03T10:20:30Z
    Updated:            2026-11-03T10:20:30Z

    To let the vendor send its changes, set up there:
      1. Open Integrations > Generic Webhooks (v3).
      2. Webhook URL: https://im.example.com/webhooks/pagerduty/pd
      3. Two
         lines .
    Then see whether it works: im integration test pd
    ");
    assert_eq!(
        screen.err(),
        "note: credentials taken from the environment: IM_WEBHOOK_SECRET\n"
    );
}

#[tokio::test]
async fn a_name_that_is_no_id_is_left_to_the_api() {
    let api = api().await;
    let mut screen = Screen::new(Format::Json);
    im(
        &api,
        &mut screen,
        &["configure", "New PD", "--type", "pagerduty"],
    )
    .await
    .expect("created");
    let body = api.requests()[1].json();
    assert_eq!((&body["name"], body.get("id")), (&json!("New PD"), None));
    let line = [
        "configure",
        "New PD",
        "--type",
        "pagerduty",
        "--name",
        "Other",
    ];
    let error = im(&api, &mut screen, &line)
        .await
        .expect_err("neither an id nor the name");
    assert!(error.is::<UsageError>(), "{error}");
}

#[tokio::test]
async fn configure_changes_what_exists_by_id_or_name() {
    let api = api().await;
    for name in ["pd", "Prod PD"] {
        let mut screen = Screen::new(Format::Json);
        let line = [
            "configure",
            name,
            "--enabled",
            "false",
            "--type",
            "pagerduty",
            "--format",
            "json",
        ];
        im(&api, &mut screen, &line).await.expect("changed");
        let requests = api.requests();
        let last = requests.last().expect("a request");
        assert_eq!(
            (last.method.as_str(), last.path.as_str()),
            ("PATCH", "/api/v1/integrations/pd")
        );
        assert_eq!(last.json(), json!({"enabled": false}));
        assert_eq!(
            serde_json::from_str::<Value>(&screen.out()).expect("JSON only"),
            integration()
        );
        assert_eq!(screen.err(), "");
    }
    let mut screen = Screen::new(Format::Table);
    let line = ["configure", "pd", "--enabled", "false"];
    im(&api, &mut screen, &line).await.expect("changed");
    assert_eq!(
        screen.err(),
        "note: the functions act by it after 10 s at most\n"
    );
}

#[tokio::test]
async fn a_limit_of_requests_is_set_and_lifted() {
    let api = api().await;
    for (given, sent) in [("300", json!(300)), ("none", json!(null))] {
        let mut screen = Screen::new(Format::Table);
        let line = ["configure", "pd", "--requests-per-minute", given];
        im(&api, &mut screen, &line).await.expect("changed");
        let requests = api.requests();
        let last = requests.last().expect("a request");
        assert_eq!(last.json(), json!({"requests_per_minute": sent}));
    }
    let mut screen = Screen::new(Format::Table);
    let line = ["configure", "pd", "--requests-per-minute", "0"];
    assert!(im(&api, &mut screen, &line).await.is_err());
}

#[tokio::test]
async fn the_mode_and_parts_of_the_brake_are_set() {
    let api = api().await;
    for (given, sent) in [
        (
            &["--mode", "polling", "--brake-at-least", "0"][..],
            json!({"mode": "polling", "brake": {"at_least": 0}}),
        ),
        (
            &["--brake-percent", "25"],
            json!({"brake": {"percent": 25}}),
        ),
    ] {
        let mut screen = Screen::new(Format::Table);
        let line = [&["configure", "pd"], given].concat();
        im(&api, &mut screen, &line).await.expect("changed");
        let requests = api.requests();
        assert_eq!(requests.last().expect("a request").json(), sent);
    }
    for bad in [["--brake-percent", "101"], ["--mode", "push"]] {
        let mut screen = Screen::new(Format::Table);
        let line = [&["configure", "pd"][..], &bad].concat();
        assert!(im(&api, &mut screen, &line).await.is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn a_secret_as_a_flag_gets_a_hint_and_is_never_printed() {
    let api = api().await;
    let mut screen = Screen::new(Format::Table);
    let line = [
        "configure",
        "pd",
        "--token",
        "hunter2",
        "--webhook-secret",
        "hunter3",
    ];
    im(&api, &mut screen, &line).await.expect("changed");
    assert!(
        screen
            .err()
            .starts_with("note: --token, --webhook-secret may be in your shell's history")
    );
    let printed = screen.out() + &screen.err();
    assert!(!printed.contains("hunter"), "{printed}");
    let credentials = json!({"token": "hunter2", "webhook_secret": "hunter3"});
    assert_eq!(
        api.requests()[1].json(),
        json!({"credentials": credentials})
    );
}

#[tokio::test]
async fn what_cannot_be_configured_is_refused_before_anything_is_sent() {
    let api = api().await;
    let mut told = Vec::new();
    for line in [
        &["configure", "pd"][..],
        &["configure", "nothing-there", "--enabled", "true"],
        &["configure", "pd", "--type", "jira", "--name", "x"],
        &["configure", "pd", "--org", "other", "--name", "x"],
        &["configure", "pd", "--token", "-", "--webhook-secret", "-"],
        &["get", "nothing-there"],
    ] {
        let run = Run {
            line,
            stdin: "hunter2",
            variables: &[],
        };
        let error = run
            .on(&api, &mut Screen::new(Format::Table))
            .await
            .expect_err("refused");
        let failure = failure::describe(&error);
        told.push(format!("{}: {}", failure.exit_code, failure.text));
    }
    insta::assert_snapshot!(told.concat(), @r#"
    2: error: nothing to change of integration pd
    hint: `--help` lists what the command accepts
    1: error: there is no integration "nothing-there"
    hint: give --type to create it; `im integration list` shows what there is
    1: error: integration pd exists with --type pagerduty, which cannot become jira
    hint: leave --type out, or choose another id
    1: error: integration pd exists with --org acme, which cannot become other
    hint: leave --org out, or choose another id
    2: error: --token and --webhook-secret both want standard input, which has room for one; give a secret in its environment variable
    hint: `--help` lists what the command accepts
    1: error: there is no integration "nothing-there"
    hint: `im integration list` shows what there is
    "#);
    assert!(api.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn a_name_that_several_have_is_refused_with_their_ids() {
    let api = api().await;
    let mut other = integration();
    other["id"] = json!("pd-2");
    api.answer(
        "GET /api/v1/integrations",
        200,
        &json!({"items": [integration(), other], "next": null}),
    );
    let error = im(&api, &mut Screen::new(Format::Table), &["get", "Prod PD"])
        .await
        .expect_err("2");
    insta::assert_snapshot!(failure::describe(&error).text, @r#"
    error: 2 integrations are named "Prod PD"
    hint: use an id: pd, pd-2
    "#);
}

#[tokio::test]
async fn list_filters_by_organization_and_type() {
    let api = api().await;
    let mut screen = Screen::new(Format::Table);
    im(
        &api,
        &mut screen,
        &["list", "--org", "acme", "--type", "pagerduty"],
    )
    .await
    .expect("listed");
    insta::assert_snapshot!(screen.out(), @"
    ID  TYPE       DIRECTION      ENABLED  ACTIVITY  BASE URL                   NAME
    pd  pagerduty  bidirectional  true     active    https://api.pagerduty.com  Prod PD
    ");
    for filter in [["--org", "other"], ["--type", "jira"]] {
        let mut screen = Screen::new(Format::Table);
        im(&api, &mut screen, &["list", filter[0], filter[1]])
            .await
            .expect("listed");
        assert_eq!(screen.out(), "No integrations.\n");
    }
}

#[tokio::test]
async fn get_shows_an_integration() {
    let mut screen = Screen::new(Format::Table);
    im(&api().await, &mut screen, &["get", "Prod PD"])
        .await
        .expect("found");
    insta::assert_snapshot!(screen.out(), @"
    Id:                 pd
    Name:               Prod PD
    Type:               pagerduty
    Organization:       acme
    Base URL:           https://api.pagerduty.com
    Direction:          bidirectional
    Enabled:            true
    Activity:           active
    Conflict strategy:  last-write-wins
    Conflict window:    5s
    Mode:               webhook
    Brake:              a run that would change more than 10 % of the links, and more than 20
    Options:            service=PSVC123
    Webhook URL:        https://im.example.com/webhooks/pagerduty/pd
    Version:            1
    Created:            2026-11-03T10:20:30Z
    Updated:            2026-11-03T10:20:30Z
    ");
}

#[tokio::test]
async fn delete_says_what_becomes_of_everything_and_asks() {
    let api = api().await;
    let removed = json!({"links_left": 2, "says": "2 incidents stay linked."});
    api.answer("DELETE /api/v1/integrations/pd", 200, &removed);
    let delete = async |line: &[&str], stdin: &str, screen: &mut Screen| {
        let run = Run {
            line,
            stdin,
            variables: &[],
        };
        let done = run.on(&api, screen).await.map_err(|error| {
            let failure = failure::describe(&error);
            (failure.exit_code, failure.text)
        });
        let asked = api.requests();
        (done, asked.iter().filter(|r| r.method == "DELETE").count())
    };
    let mut screen = Screen::new(Format::Table);
    let (refused, deleted) = delete(&["delete", "Prod PD"], "", &mut screen).await;
    let (exit_code, text) = refused.expect_err("nobody to ask");
    assert_eq!((exit_code, deleted), (2, 0));
    assert!(
        text.contains("standard input is no terminal: give --yes"),
        "{text}"
    );
    let (refused, deleted) = delete(&["delete", "Prod PD"], "n\n", &mut screen).await;
    assert_eq!((refused.expect_err("said no").0, deleted), (1, 0));
    insta::assert_snapshot!(screen.err(), @"
    This deletes the integration pd (pagerduty, Prod PD) and its credentials.
    Incidents stay linked with its tickets, to no effect: nothing is synced any more, and no ticket is changed or closed.
    Its webhooks are refused from then on.
    Delete pd? [y/N]
    ");
    assert_eq!(screen.out(), "");
    let (done, deleted) = delete(&["delete", "Prod PD"], "y\n", &mut screen).await;
    assert_eq!((done, deleted), (Ok(()), 1));
    assert_eq!(screen.out(), "Deleted pd. 2 incidents stay linked.\n");
    let mut screen = Screen::new(Format::Json);
    let line = ["delete", "pd", "--yes", "--format", "json"];
    let (done, deleted) = delete(&line, "", &mut screen).await;
    assert_eq!((done, deleted), (Ok(()), 2));
    let shown: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!((shown, screen.err()), (removed, String::new()));
}

#[tokio::test]
async fn each_credential_has_a_flag_and_a_variable() {
    let api = api().await;
    for (vendor, names) in [
        (
            "servicenow",
            &["username", "password", "client_id", "client_secret"][..],
        ),
        ("jira", &["email", "api_key", "access_token", "client_key"]),
        ("pagerduty", &["token", "from_email"]),
    ] {
        let mut of_vendor = integration();
        of_vendor["integration_type"] = json!(vendor);
        api.answer("GET /api/v1/integrations/pd", 200, &of_vendor);
        let names = names.iter().chain(&["webhook_secret"]);
        for name in names {
            let flag = format!("--{}", name.replace('_', "-"));
            let variable = match *name {
                "token" => "IM_VENDOR_TOKEN".to_owned(),
                name => format!("IM_{}", name.to_uppercase()),
            };
            let body = json!({"credentials": {*name: "hunter2"}, "name": "x"});
            let (by_flag, by_stdin) = ([&flag, "hunter2"], [&flag, "-"]);
            let plain = ["configure", "pd", "--name", "x"];
            for (line, variables) in [
                ([&plain[..], &by_flag].concat(), &[][..]),
                ([&plain[..], &by_stdin].concat(), &[]),
                (plain.to_vec(), &[(variable.as_str(), "hunter2")]),
            ] {
                let run = Run {
                    line: &line,
                    stdin: "hunter2",
                    variables,
                };
                let mut screen = Screen::new(Format::Table);
                run.on(&api, &mut screen).await.expect("changed");
                assert_eq!(
                    api.requests().last().expect("sent").json(),
                    body,
                    "{line:?}"
                );
                assert!(
                    !(screen.out() + &screen.err()).contains("hunter2"),
                    "{line:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn test_shows_each_check_and_fails_if_one_does() {
    let api = api().await;
    let check = |what: &str, outcome: &str| json!({"what": what, "outcome": outcome, "detail": format!("{what}\u{1b} so")});
    let answer = |passed: bool, last: &str| {
        json!({"passed": passed, "checks": [
            check("read incidents", "passed"), check("set priorities", "limited"),
            check("receive webhooks", last),
        ]})
    };
    let path = "POST /api/v1/integrations/pd/test";
    api.answer(path, 200, &answer(true, "passed"));
    let mut screen = Screen::new(Format::Table);
    im(&api, &mut screen, &["test", "Prod PD"])
        .await
        .expect("passed");
    insta::assert_snapshot!(screen.out(), @"
    OUTCOME  CHECK             DETAIL
    passed   read incidents    read incidents  so
    limited  set priorities    set priorities  so
    passed   receive webhooks  receive webhooks  so
    ");
    api.answer(path, 200, &answer(false, "failed"));
    let mut screen = Screen::new(Format::Json);
    let line = ["test", "pd", "--format", "json"];
    let error = im(&api, &mut screen, &line).await.expect_err("failed");
    let failure = failure::describe(&error);
    assert_eq!(failure.exit_code, 1);
    let said = "error: integration pd cannot work as it is: 1 of 3 checks failed\n";
    assert!(failure.text.starts_with(said), "{}", failure.text);
    let shown: Value = serde_json::from_str(&screen.out()).expect("JSON");
    assert_eq!(shown, answer(false, "failed"));
}

fn forbidden(action: &str) -> Value {
    json!({
        "title": "Not allowed", "status": 403,
        "detail": format!("{action} needs the role platform.administrator; the token has viewer"),
    })
}

#[tokio::test]
async fn whoever_may_not_look_an_integration_up_is_told_what_the_command_itself_needs() {
    let api = TestApi::start().await;
    api.answer(
        "GET /api/v1/integrations/pd",
        403,
        &forbidden("integration.read"),
    );
    api.answer(
        "GET /api/v1/integrations",
        403,
        &forbidden("integration.read"),
    );
    let pause = "POST /api/v1/integrations/pd/pause";
    api.answer(pause, 403, &forbidden("integration.change"));
    let run = async |named: &str| {
        let run = Run {
            line: &["pause", named],
            stdin: "",
            variables: &[],
        };
        let refused = run.on(&api, &mut Screen::new(Format::Table)).await;
        failure::describe(&refused.expect_err("forbidden")).text
    };
    assert_eq!(
        run("pd").await,
        "error: Not allowed: integration.change needs the role platform.administrator; the token has viewer\n\
         hint: the API token's roles do not allow this: use another, or ask an administrator\n"
    );
    let by_name = run("Prod PD").await;
    assert!(
        by_name.contains("integration.read needs the role"),
        "{by_name}"
    );
    api.answer(pause, 200, &integration());
    let paused = Run {
        line: &["pause", "pd"],
        stdin: "",
        variables: &[],
    };
    paused
        .on(&api, &mut Screen::new(Format::Table))
        .await
        .expect("this is allowed");
}

#[tokio::test]
async fn a_name_that_could_be_an_id_is_a_name_where_the_id_is_somebody_elses() {
    let api = TestApi::start().await;
    api.answer(
        "GET /api/v1/integrations/ours",
        403,
        &forbidden("integration.read"),
    );
    let mut named = integration();
    named["name"] = json!("ours");
    let list = json!({"items": [named], "next": null});
    api.answer("GET /api/v1/integrations", 200, &list);
    api.answer("POST /api/v1/integrations/pd/pause", 200, &integration());
    let run = Run {
        line: &["pause", "ours"],
        stdin: "",
        variables: &[],
    };
    run.on(&api, &mut Screen::new(Format::Table))
        .await
        .expect("paused");
}
