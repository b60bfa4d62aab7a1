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
use serde_json::Value;

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
    let resources = TEMPLATE["Resources"]
        .as_object()
        .expect("resources")
        .values();
    let routes = resources.filter(|it| it["Type"] == "AWS::ApiGatewayV2::Route");
    routes
        .map(|route| {
            let target = route["Properties"]["Target"]["!Sub"]
                .as_str()
                .expect("a target");
            let integration = resource(&between(target, "integrations/${", "}"));
            assert_eq!(integration["PayloadFormatVersion"], "2.0", "{route}");
            let uri = integration["IntegrationUri"]["!GetAtt"]
                .as_str()
                .expect("a function");
            let function = &folders[&between(uri, "", ".Arn")];
            let key = route["Properties"]["RouteKey"].as_str().expect("a key");
            (key.to_owned(), function.clone())
        })
        .collect()
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
        "POST /webhooks/pagerduty/{integration_id}",
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
        (Method::POST, "/webhooks/jira/demo-pd", 404),
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
