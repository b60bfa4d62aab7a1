use serde_json::json;

use super::*;
use crate::{failure::describe, test_api::TestApi};

#[tokio::test]
async fn requests_carry_the_token_and_a_path_that_cannot_be_escaped() {
    let api = TestApi::start().await;
    let client = api.client(Some("t0ken"));
    let _ = client
        .get(&["incidents", "../x y"], &[("cursor", "a&b=c")])
        .await;
    let seen = api.requests();
    assert_eq!(
        seen[0].path,
        "/api/v1/incidents/..%2Fx%20y?cursor=a%26b%3Dc"
    );
    assert_eq!(seen[0].header("authorization"), Some("Bearer t0ken"));
}

#[tokio::test]
async fn a_problem_is_told_with_its_fields() {
    let api = TestApi::start().await;
    let problem = json!({"title": "Invalid request", "status": 400, "detail": "1 field",
        "errors": [{"field": "title", "problem": "must not be empty"}]});
    api.answer("POST /api/v1/incidents", 400, &problem);
    let error = api
        .client(None)
        .post(&["incidents"], &json!({}))
        .await
        .expect_err("400");
    insta::assert_snapshot!(describe(&error.into()).text, @"
    error: Invalid request: 1 field
      title: must not be empty
    hint: correct what is named above and repeat; `--help` lists what the command accepts
    ");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_told_with_its_status() {
    let api = TestApi::start().await;
    api.answer_text("GET /api/v1/a", 200, "<html>");
    api.answer_text("GET /api/v1/b", 502, "<html>");
    api.answer_text("GET /api/v1/c", 307, "");
    api.answer_text("GET /api/v1/d", 404, "<html>");
    let mut told = Vec::new();
    for path in ["a", "b", "c", "d"] {
        let error = api.client(None).get(&[path], &[]).await.expect_err(path);
        told.push(
            describe(&error.into())
                .text
                .replace(&api.endpoint(), "http://api/"),
        );
    }
    insta::assert_snapshot!(told.concat(), @"
    error: http://api/ answered 200 OK, but not with JSON
    hint: is IM_ENDPOINT (or --endpoint) the management API's address?
    error: http://api/ answered 502 Bad Gateway
    hint: repeat it in a moment; if it stays, the server's log says more
    error: http://api/ answered 307 Temporary Redirect
    hint: the address has moved: set IM_ENDPOINT (or --endpoint) to the management API's own
    error: http://api/ answered 404 Not Found, but not as the management API does
    hint: is IM_ENDPOINT (or --endpoint) the management API's address?
    ");
}

#[tokio::test]
async fn nobody_there_is_told_with_what_to_do() {
    let connection = Connection {
        endpoint: Url::parse("http://127.0.0.1:9").expect("a URL"),
        token: None,
    };
    let client = Client::new(connection).expect("a client");
    let error = client
        .get(&["incidents"], &[])
        .await
        .expect_err("nobody listens there");
    let text = describe(&error.into()).text;
    // What follows in the line is the operating system's own wording.
    assert!(
        text.starts_with("error: cannot reach http://127.0.0.1:9/: "),
        "{text}"
    );
    assert!(text.contains("\nhint: is `im dev` running?"), "{text}");
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_without_repeating_it() {
    for token in ["hunter2\n", "hunter 2", "hunter2…", ""] {
        let error = bearer(&Secret::new(token)).expect_err(token).to_string();
        assert!(!error.contains("hunter"), "{error}");
    }
}
