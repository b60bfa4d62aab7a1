//! Three gateways, one set of routes.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, Request};
use im_tests::World;

use crate::{
    dependencies::METADATA,
    names,
    template::{TEMPLATE, resource, template_functions},
};
use serde_json::{Value, json};

/// What SAM appends to a function's name to name its alias.
const ALIAS: &str = "Aliaslive";

/// The template's routes, and the function behind each.
fn template_routes() -> BTreeSet<(String, String)> {
    let folders: BTreeMap<_, _> = template_functions()
        .into_iter()
        .map(|(folder, (name, _))| (name, folder))
        .collect();
    let between = |text: &str, before: &str, after: &str| {
        let inner = text
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after));
        inner
            .unwrap_or_else(|| panic!("{text} is not {before}…{after}"))
            .to_owned()
    };
    of_type("AWS::ApiGatewayV2::Route")
        .map(|route| {
            let target = route["Target"]["!Sub"].as_str().expect("a target");
            let integration = resource(&between(target, "integrations/${", "}"));
            assert_eq!(integration["PayloadFormatVersion"], "2.0", "{route}");
            let uri = integration["IntegrationUri"]["!Ref"]
                .as_str()
                .expect("a function's alias");
            let function = &folders[&between(uri, "", ALIAS)];
            let key = route["RouteKey"].as_str().expect("a key");
            (key.to_owned(), function.clone())
        })
        .collect()
}

fn of_type(kind: &str) -> impl Iterator<Item = &'static Value> {
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    resources
        .values()
        .filter(move |resource| resource["Type"] == kind)
        .map(|resource| &resource["Properties"])
}

/// API Gateway may call exactly the functions it routes to, each for its own route.
#[test]
fn each_route_may_call_its_function() {
    let folders: BTreeMap<_, _> = template_functions()
        .into_iter()
        .map(|(folder, (name, _))| (name, folder))
        .collect();
    let text = |json: &Value| json.as_str().expect("a text").to_owned();
    let permissions: BTreeSet<_> = of_type("AWS::Lambda::Permission")
        .map(|permission| {
            assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
            let source = text(&permission["SourceArn"]["!Sub"]);
            let (_, route) = source.split_once("${HttpApi}/*/").expect("our API");
            let (method, path) = route.split_once('/').expect("a method and a path");
            let method = if method == "*" { "ANY" } else { method };
            let function = text(&permission["FunctionName"]["!Ref"]);
            let function = function.strip_suffix(ALIAS).expect("a function's alias");
            (format!("{method} /{path}"), folders[function].clone())
        })
        .collect();
    assert_eq!(permissions, template_routes());
}

/// A route that the stage does not name would share its default; one that is not there yet, its deployment refuse.
#[test]
fn each_route_has_its_own_limit() {
    let stage = resource("HttpApiStage");
    let limits = stage["RouteSettings"].as_object().expect("settings");
    let routes: BTreeSet<_> = template_routes().into_iter().map(|(key, _)| key).collect();
    let limited: BTreeSet<_> = limits.keys().cloned().collect();
    assert_eq!(limited, routes);
    for (route, limit) in limits {
        let webhook = route.starts_with("POST /webhooks/");
        let of = if webhook { "Webhook" } else { "Api" };
        let parameter = |kind: &str| json!({"!Ref": format!("{of}{kind}Limit")});
        assert_eq!(limit["ThrottlingRateLimit"], parameter("Rate"), "{route}");
        assert_eq!(limit["ThrottlingBurstLimit"], parameter("Burst"), "{route}");
    }
    let resources = TEMPLATE["Resources"].as_object().expect("resources");
    let routes = resources
        .iter()
        .filter(|(_, it)| it["Type"] == "AWS::ApiGatewayV2::Route");
    let routes: BTreeSet<_> = routes.map(|(name, _)| name.as_str()).collect();
    let first = resources["HttpApiStage"]["DependsOn"].as_array();
    let first = first.expect("a list").iter().filter_map(Value::as_str);
    assert_eq!(first.collect::<BTreeSet<_>>(), routes);
}

/// Where a request went and how it ended, and nothing of what it said.
#[test]
fn access_logs_tell_routes_not_paths() {
    let format = resource("HttpApiStage")["AccessLogSettings"]["Format"].as_str();
    let format: Value = serde_json::from_str(format.expect("a format")).expect("JSON");
    let logged = format.as_object().expect("members").values();
    let logged: BTreeSet<_> = logged.filter_map(Value::as_str).collect();
    let known = [
        "$context.identity.sourceIp",
        "$context.integrationErrorMessage",
        "$context.integrationLatency",
        "$context.requestId",
        "$context.requestTime",
        "$context.responseLatency",
        "$context.responseLength",
        "$context.routeKey",
        "$context.status",
    ];
    assert_eq!(logged, known.into());
}

/// Whoever has deployed is told where each vendor sends its webhooks.
#[test]
fn each_webhook_has_its_output() {
    let outputs = TEMPLATE["Outputs"].as_object().expect("outputs");
    let url = |output: &Value| output["Value"]["!Sub"].as_str().map(str::to_owned);
    let urls = outputs.values().filter_map(url);
    let urls: BTreeSet<_> = urls.filter(|url| url.contains("/webhooks/")).collect();
    let routes = template_routes().into_iter();
    let webhooks: BTreeSet<_> = routes
        .filter_map(|(key, _)| key.strip_prefix("POST ").map(str::to_owned))
        .map(|path| format!("${{HttpApi.ApiEndpoint}}{path}"))
        .collect();
    assert!(webhooks.len() >= 3, "{webhooks:?}");
    assert_eq!(urls, webhooks);
}

/// `cargo lambda watch` sends requests where the template does.
#[test]
fn cargo_lambda_routes_as_the_template() {
    let router = &METADATA["metadata"]["lambda"]["watch"]["router"];
    let mut routes = BTreeSet::new();
    for (path, to) in router
        .as_object()
        .expect("[workspace.metadata.lambda.watch.router]")
    {
        let path = path.replace("{*proxy}", "{proxy+}");
        let text = |json: &Value| json.as_str().expect("a text").to_owned();
        if to.is_string() {
            routes.insert((format!("ANY {path}"), text(to)));
        }
        for route in to.as_array().into_iter().flatten() {
            // cargo-lambda wants the singular; without it, every method.
            if let Some(method) = route.get("method") {
                let key = format!("{} {path}", text(method));
                routes.insert((key, text(&route["function"])));
            }
        }
    }
    assert_eq!(routes, template_routes());
}

/// The gateway of `im dev` and of the tests knows the template's routes and no other.
#[tokio::test]
async fn the_gateway_routes_as_the_template() {
    let keys: BTreeSet<_> = template_routes().into_iter().map(|(key, _)| key).collect();
    let known = [
        "ANY /api/v1/{proxy+}",
        "POST /webhooks/jira/{integration_id}",
        "POST /webhooks/pagerduty/{integration_id}",
        "POST /webhooks/servicenow/{integration_id}",
    ];
    assert_eq!(
        keys,
        names(&known),
        "teach the gateway and this test the new route"
    );
    let world = World::new().await;
    for (method, path, status) in [
        (Method::POST, "/webhooks/pagerduty/demo-pd", 401),
        (Method::GET, "/webhooks/pagerduty/demo-pd", 404),
        (Method::POST, "/webhooks/pagerduty/demo-pd/more", 404),
        (Method::POST, "/webhooks/jira/demo-pd", 401),
        (Method::GET, "/webhooks/jira/demo-pd", 404),
        (Method::POST, "/webhooks/servicenow/demo-pd", 401),
        (Method::POST, "/webhooks/servicenow", 404),
        (Method::POST, "/webhooks/opsgenie/demo-pd", 404),
        (Method::GET, "/api/v1/incidents", 200),
        (Method::GET, "/api/v2/incidents", 404),
        (Method::GET, "/", 404),
    ] {
        let request = Request::builder().method(&method).uri(path);
        let request = request.body(Bytes::from_static(b"{}")).expect("a request");
        assert_eq!(
            world.request(request).await.status(),
            status,
            "{method} {path}"
        );
    }
}
