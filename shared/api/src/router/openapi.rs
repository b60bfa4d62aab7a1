//! The description says what the router does, and the router does what it says.

use std::{collections::BTreeSet, sync::LazyLock};

use axum::routing::MethodFilter;
use http::Method;
use im_engine::manage::{FindingKind, Flows, SyncState};
use im_model::{
    Activity, Brake, ConflictStatus, ConflictStrategy, DeadLetterStatus, Direction, DriftKind,
    FailureReason, IntegrationType, Mode, Note, NoteKind, Owner, Phase, Priority, ProposedAction,
    Purpose, Resolution, RunStatus, Severity, Status, TimeSource,
};
use serde_json::{Value, json};

use super::{Access, BASE, ROUTES, Route};
use crate::{
    OPENAPI, conflict, dead_letter, incident,
    integration::{self, preview, trigger},
    reconcile::input as reconcile,
    rules,
};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(OPENAPI).expect("openapi.json is JSON"));

/// The method that a route's filter lets through.
pub(crate) fn method(filter: MethodFilter) -> Method {
    let all = [
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::PUT,
        Method::DELETE,
    ];
    let is = |method: &Method| MethodFilter::try_from(method.clone()).ok() == Some(filter);
    all.into_iter().find(is).expect("one of them")
}

/// Follows a reference within the document.
fn resolved(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => {
            let pointer = reference.strip_prefix('#').expect("within the document");
            DOCUMENT
                .pointer(pointer)
                .unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
    }
}

fn operation(route: &Route) -> &'static Value {
    let method = method(route.method).as_str().to_lowercase();
    let operation = &DOCUMENT["paths"][route.path][&method];
    assert!(
        operation.is_object(),
        "{method} {} is not described",
        route.path
    );
    operation
}

fn route_of(method: &Method, path: &str) -> Option<Route> {
    let path = path.strip_prefix(BASE)?;
    let matches = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(t, p)| t == p || (t.starts_with('{') && !p.is_empty()))
    };
    let asked = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    ROUTES
        .into_iter()
        .find(|route| self::method(route.method) == *asked && matches(route.path))
}

/// Fails unless the answer of a route is described. 404 and 405 of the router itself belong to no route.
pub(crate) fn assert_documents(method: &Method, path: &str, status: u16) {
    let Some(route) = route_of(method, path) else {
        assert!([404, 405].contains(&status), "{method} {path}: {status}");
        return;
    };
    let described = &operation(&route)["responses"][status.to_string()];
    assert!(
        described.is_object(),
        "{method} {path}: {status} is not described"
    );
}

/// Fails unless the value is as the schema says.
pub(crate) fn assert_is(schema: &str, value: &Value) {
    let schema = json!({
        "$ref": format!("#/components/schemas/{schema}"), "components": DOCUMENT["components"],
    });
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?} in {value:#}");
}

fn names<'a>(object: &'a Value, of: &str) -> BTreeSet<&'a str> {
    object
        .as_object()
        .unwrap_or_else(|| panic!("no {of}"))
        .keys()
        .map(String::as_str)
        .collect()
}

fn properties(schema: &str) -> BTreeSet<&'static str> {
    names(
        &DOCUMENT["components"]["schemas"][schema]["properties"],
        schema,
    )
}

#[test]
fn routes_and_operations_are_the_same() {
    let routed: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.path, method(route.method).as_str().to_lowercase()))
        .collect();
    assert_eq!(routed.len(), ROUTES.len(), "no route is there twice");
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let described: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = names(item, path)
                .into_iter()
                .filter(|name| *name != "parameters");
            methods
                .map(|method| (path.as_str(), method.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(routed, described);
    assert_eq!(DOCUMENT["servers"][0]["url"], BASE);
}

/// Routes that ask a vendor and say so if it fails.
const ASKING_A_VENDOR: [(Method, &str); 3] = [
    (Method::POST, "/incidents/{id}/links"),
    (Method::POST, TRY_TRIGGER),
    (Method::POST, PREVIEW),
];

const TEST: &str = "/integrations/{id}/test";
const TRY_TRIGGER: &str = "/integrations/{id}/triggers/test";
const PREVIEW: &str = "/integrations/{id}/preview";
const RESOLVE: &str = "/conflicts/{id}/resolve";
const RESTORE: &str = "/conflicts/{id}/restore";
const RETRY: &str = "/integrations/{id}/dlq/{entry}/retry";
const RETRY_ALL: &str = "/integrations/{id}/dlq/retry";
const DISCARD_ALL: &str = "/integrations/{id}/dlq/discard";
const RECONCILE: &str = "/integrations/{id}/reconcile";
const BACKFILL: &str = "/integrations/{id}/backfill";
const CONFIRM: &str = "/integrations/{id}/reconcile/runs/{run}/confirm";
const CANCEL: &str = "/integrations/{id}/reconcile/runs/{run}/cancel";
const SCHEDULE: &str = "/integrations/{id}/reconcile/schedule";

/// What is posted there changes what exists, or nothing.
const CREATING_NOTHING: [&str; 9] = [
    TEST,
    TRY_TRIGGER,
    PREVIEW,
    RESOLVE,
    RESTORE,
    RETRY_ALL,
    DISCARD_ALL,
    CANCEL,
    SCHEDULE,
];

/// What is posted there is done later.
const LATER: [&str; 6] = [
    RETRY,
    RECONCILE,
    BACKFILL,
    CONFIRM,
    "/deliveries/{id}/replay",
    "/deliveries/{id}/{delivery}/replay",
];

/// Routes that read no body.
const WITHOUT_BODY: [&str; 9] = [
    TEST,
    RESTORE,
    RETRY,
    CONFIRM,
    CANCEL,
    "/integrations/{id}/pause",
    "/integrations/{id}/resume",
    "/deliveries/{id}/replay",
    "/deliveries/{id}/{delivery}/replay",
];

/// Routes that change an integration's rules: they take `If-Match`, and answer with what there is then.
fn changes_rules(route: &Route) -> bool {
    let words = [
        "/field-ownership/{field}",
        "/mappings",
        "/triggers",
        "/pause",
        "/resume",
    ];
    words.iter().any(|word| route.path.ends_with(word)) && method(route.method) != Method::GET
}

/// What a route can answer follows from what it is made of.
fn statuses(route: &Route) -> BTreeSet<&'static str> {
    let method = method(route.method);
    let done = match method {
        Method::POST if LATER.contains(&route.path) => "202",
        Method::POST if CREATING_NOTHING.contains(&route.path) || changes_rules(route) => "200",
        Method::POST => "201",
        _ => "200",
    };
    let mut all = BTreeSet::from([done]);
    if route.access == Access::Public {
        return all;
    }
    all.extend(["401", "403", "422", "503"]);
    if route.path.contains("{id}") || route.path == "/deliveries" {
        all.insert("404");
    }
    if method != Method::GET && route.path != TEST {
        all.insert("409");
    }
    let has_body = [Method::POST, Method::PATCH, Method::PUT].contains(&method);
    if has_body && !WITHOUT_BODY.contains(&route.path) {
        all.extend(["400", "413", "415"]);
    }
    if ASKING_A_VENDOR.contains(&(method.clone(), route.path)) {
        all.insert("502");
    }
    if method == Method::PATCH || changes_rules(route) {
        // A precondition that cannot be read, and one that does not hold.
        all.extend(["400", "412"]);
    }
    all
}

#[test]
fn every_status_is_described_and_none_else() {
    for route in &ROUTES {
        let operation = operation(route);
        let described = names(&operation["responses"], "responses");
        assert_eq!(described, statuses(route), "{}", route.path);
        for response in operation["responses"]
            .as_object()
            .expect("an object")
            .values()
        {
            let response = resolved(response);
            assert!(response["description"].is_string());
            for media in response["content"].as_object().expect("content").values() {
                resolved(&media["schema"]);
            }
            for header in response["headers"]
                .as_object()
                .into_iter()
                .flat_map(|h| h.values())
            {
                resolved(header);
            }
        }
        let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(is_public, route.access == Access::Public, "{}", route.path);
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value) {
        resolved(value);
        match value {
            Value::Array(items) => items.iter().for_each(walk),
            Value::Object(members) => members.values().for_each(walk),
            _ => {}
        }
    }
    walk(&DOCUMENT);
    for name in names(&DOCUMENT["components"]["schemas"], "schemas") {
        let reference = format!("\"#/components/schemas/{name}\"");
        assert!(OPENAPI.contains(&reference), "{name} is used nowhere");
    }
}

#[test]
fn bodies_have_the_fields_that_are_described() {
    let set = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(properties("NewIncident"), set(&incident::NAMES));
    assert_eq!(properties("IncidentChange"), set(&incident::NAMES));
    assert_eq!(properties("NewIntegration"), set(&integration::NAMES));
    assert_eq!(
        properties("IntegrationChange"),
        set(&integration::CHANGEABLE)
    );
    assert_eq!(properties("NewFieldOwnership"), set(&rules::OWNERSHIP));
    let ignored = set(&rules::READ_ONLY);
    assert_eq!(
        properties("NewMappings"),
        set(&rules::MAPPINGS).union(&ignored).copied().collect()
    );
    assert_eq!(properties("Mappings"), properties("NewMappings"));
    assert_eq!(properties("NewNote"), set(&incident::note::NAMES));
    assert_eq!(properties("NewLink"), set(&incident::link::NAMES));
    assert_eq!(properties("NewResolution"), set(&conflict::NAMES));
    assert_eq!(properties("DeadLetterFilter"), set(&dead_letter::NAMES));
    assert_eq!(
        properties("NewReconciliation"),
        set(&reconcile::RECONCILIATION)
    );
    assert_eq!(properties("NewBackfill"), set(&reconcile::BACKFILL));
    assert_eq!(
        properties("NewReconcileSchedule"),
        set(&reconcile::SCHEDULE)
    );
    assert_eq!(properties("Triggers"), set(&trigger::NAMES));
    assert_eq!(properties("TriggerTrial"), set(&trigger::TEST_NAMES));
    assert_eq!(properties("PreviewRequest"), set(&preview::NAMES));
    let shown = properties("Incident");
    let writable = set(&incident::NAMES)
        .into_iter()
        .filter(|name| *name != "assignee");
    assert_eq!(shown, writable.chain(incident::READ_ONLY).collect());
    let writable = set(&integration::NAMES)
        .into_iter()
        .filter(|name| *name != "credentials");
    assert_eq!(
        properties("Integration"),
        writable.chain(integration::READ_ONLY).collect()
    );
}

#[test]
fn words_are_those_of_the_model() {
    let check = |schema: &str, words: Vec<&str>| {
        assert_eq!(
            DOCUMENT["components"]["schemas"][schema]["enum"],
            json!(words),
            "{schema}"
        );
    };
    check(
        "Severity",
        Severity::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "Priority",
        Priority::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "NoteKind",
        NoteKind::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check("Status", Status::ALL.iter().map(|w| w.as_str()).collect());
    check(
        "IntegrationType",
        IntegrationType::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "SyncDirection",
        Direction::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "ConflictStrategy",
        ConflictStrategy::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check("Owner", Owner::ALL.iter().map(|w| w.as_str()).collect());
    check(
        "ConflictStatus",
        ConflictStatus::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "Resolution",
        Resolution::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check("SyncState", SyncState::ALL.map(SyncState::as_str).to_vec());
    check(
        "DeadLetterStatus",
        DeadLetterStatus::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "FailureReason",
        FailureReason::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "TimeSource",
        TimeSource::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "Activity",
        Activity::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check("Mode", Mode::ALL.iter().map(|w| w.as_str()).collect());
    check(
        "RunStatus",
        RunStatus::ALL.iter().map(|w| w.as_str()).collect(),
    );
    check(
        "DriftKind",
        DriftKind::ALL.iter().map(|w| w.as_str()).collect(),
    );
    let found = &DOCUMENT["components"]["schemas"]["Run"]["properties"]["summary"];
    let kinds = DriftKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let found = &found["properties"]["found"];
    assert_eq!(names(&found["properties"], "found"), kinds);
    let property = |schema: &str, property: &str| {
        DOCUMENT["components"]["schemas"][schema]["properties"][property]["enum"].clone()
    };
    let kinds = FindingKind::ALL.map(FindingKind::as_str);
    assert_eq!(property("Finding", "kind"), json!(kinds));
    let purposes: Vec<_> = Purpose::ALL.iter().map(|w| w.as_str()).collect();
    assert_eq!(property("Run", "purpose"), json!(purposes));
    let phases: Vec<_> = Phase::ALL.iter().map(|w| w.as_str()).collect();
    assert_eq!(property("Run", "phase"), json!(phases));
    let actions: Vec<_> = ProposedAction::ALL.iter().map(|w| w.as_str()).collect();
    assert_eq!(property("RunItem", "action"), json!(actions));
    let flows = Flows::ALL.map(Flows::as_str);
    assert_eq!(property("FieldOwnership", "flows"), json!(flows));
}

#[test]
fn the_limits_are_those_that_are_enforced() {
    let schemas = &DOCUMENT["components"]["schemas"];
    let title = &schemas["NewIncident"]["properties"]["title"]["maxLength"];
    assert_eq!(title, 1024);
    let refused = im_model::Field::Title
        .parse_value(Some(&"x".repeat(1025)))
        .is_err();
    assert!(refused);
    let text = &schemas["NewNote"]["properties"]["text"]["maxLength"];
    assert_eq!(*text, Note::MOST_CHARACTERS);
    let limit = &DOCUMENT["components"]["parameters"]["limit"]["schema"];
    assert_eq!(
        (&limit["minimum"], &limit["maximum"], &limit["default"]),
        (&json!(1), &json!(100), &json!(50))
    );
    let limit = &schemas["PreviewRequest"]["properties"]["limit"]["maximum"];
    assert_eq!(*limit, im_engine::manage::Previews::MOST);
    let limit = &schemas["NewBackfill"]["properties"]["limit"]["maximum"];
    assert_eq!(*limit, reconcile::MOST_CREATED);
    let percent = &schemas["Brake"]["properties"]["percent"];
    let range = (&percent["minimum"], &percent["maximum"]);
    let (least, most) = Brake::PERCENT.into_inner();
    assert_eq!(range, (&json!(least), &json!(most)));
    let text = &schemas["Triggers"]["properties"]["outbound"]["maxLength"];
    assert_eq!(*text, im_sync::Trigger::MOST_CHARACTERS);
    let too_large = &DOCUMENT["components"]["responses"]["TooLarge"]["description"];
    assert!(
        too_large
            .to_string()
            .contains(&crate::body::MOST_BYTES.to_string())
    );
}
