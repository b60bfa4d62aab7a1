//! One trace holds the whole way of an edit, as a collector receives it.
#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use im_model::IntegrationType;
use im_runtime::trace::Traces;
use im_sandbox::pagerduty::Urgency;
use im_tests::World;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span,
};
use prost::Message as _;
use tracing_subscriber::layer::SubscriberExt as _;

/// What a collector has received.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

async fn receive(State(sink): State<Sink>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
    sink.0.lock().expect("nobody panicked").push(request);
}

impl Sink {
    /// Its URL.
    async fn listen(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/v1/traces", post(receive))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/v1/traces")
    }

    fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().expect("nobody panicked").clone();
        let resources = requests.into_iter().flat_map(|it| it.resource_spans);
        let scopes = resources.flat_map(|it| it.scope_spans);
        scopes.flat_map(|it| it.spans).collect()
    }

    fn services(&self) -> BTreeSet<String> {
        let requests = self.0.lock().expect("nobody panicked");
        let resources = requests.iter().flat_map(|it| &it.resource_spans);
        let resources = resources.filter_map(|it| it.resource.as_ref());
        resources
            .map(|it| text(&it.attributes, "service.name").unwrap_or_default())
            .collect()
    }
}

fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let value = attributes.iter().find(|it| it.key == name)?.value.clone()?;
    match value.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

fn attribute(span: &Span, name: &str) -> String {
    text(&span.attributes, name).unwrap_or_else(|| panic!("{} has no {name}: {span:#?}", span.name))
}

/// The names of the spans above one, from its parent to the root.
fn above(span: &Span, by_id: &BTreeMap<Vec<u8>, Span>) -> Vec<String> {
    let parents = std::iter::successors(by_id.get(&span.parent_span_id), |parent| {
        by_id.get(&parent.parent_span_id)
    });
    parents.map(|parent| parent.name.clone()).collect()
}

const ATTRIBUTES: [&str; 5] = [
    "sync.integration_id",
    "sync.integration_type",
    "sync.direction",
    "sync.incident_id",
    "sync.external_id",
];

#[tokio::test]
async fn one_trace_holds_the_whole_way_of_an_edit_through_four_systems() {
    let sink = Sink::default();
    let traces = Traces::to(&sink.listen().await).expect("an exporter");
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    tracing::subscriber::set_global_default(subscriber).expect("the first one");
    traces.install();
    let world = World::with_all().await;
    let ann = world.pagerduty.person("ann@example.com");
    let record = ann.trigger("db down", Urgency::High).expect("allowed");
    world.settle().await;
    let incident = world.only_incident().await.id;
    let linked = world.incident(&incident).await;
    world.clock.advance(jiff::SignedDuration::from_secs(3));
    let before = sink.spans().len();
    ann.acknowledge(&record).expect("allowed");
    world.settle().await;
    assert_eq!(sink.services(), BTreeSet::from(["im".to_owned()]));
    let spans = sink.spans().split_off(before);
    // Each has its five attributes, whatever it came to.
    let syncs: Vec<_> = spans.iter().filter(|span| span.name == "sync").collect();
    for sync in &syncs {
        let held: Vec<_> = ATTRIBUTES.map(|name| attribute(sync, name)).into();
        assert!(held.iter().all(|value| !value.is_empty()), "{held:?}");
        let mut names: Vec<_> = sync.attributes.iter().map(|it| &it.key).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "an attribute is there twice");
    }
    // The trace of the webhook that told of the edit: the one with the most spans.
    let mut traces: BTreeMap<Vec<u8>, Vec<Span>> = BTreeMap::new();
    for span in spans {
        traces.entry(span.trace_id.clone()).or_default().push(span);
    }
    let trace = traces.into_values().max_by_key(Vec::len).expect("a trace");
    let by_id: BTreeMap<_, _> = trace
        .iter()
        .map(|span| (span.span_id.clone(), span.clone()))
        .collect();
    let roots = trace
        .iter()
        .filter(|span| !by_id.contains_key(&span.parent_span_id));
    let roots: Vec<_> = roots.map(|span| span.name.as_str()).collect();
    assert_eq!(roots, ["webhook"]);
    // In at one vendor, out at the two others, each with the ids that it is about.
    let moved = trace
        .iter()
        .filter(|span| span.name == "sync" && attribute(span, "sync.outcome") == "synced");
    let moved: BTreeSet<_> = moved
        .map(|span| ATTRIBUTES.map(|name| attribute(span, name)))
        .collect();
    let expected = IntegrationType::ALL.iter().map(|vendor| {
        let integration = World::integration_with(*vendor);
        let link = &linked.links[&integration.parse().expect("an id")];
        let direction = match vendor {
            IntegrationType::PagerDuty => "inbound",
            _ => "outbound",
        };
        [
            integration.to_owned(),
            vendor.as_str().to_owned(),
            direction.to_owned(),
            incident.to_string(),
            link.external_id().expect("linked").to_string(),
        ]
    });
    assert_eq!(moved, expected.collect());
    // Down to the last vendor's answer, and to the store on the way.
    let write = trace.iter().rfind(|span| span.name == "POST vendor");
    let way = above(write.expect("a transition of the issue"), &by_id);
    assert_eq!(way, ["sync", "job", "sync", "job", "webhook"]);
    for name in [
        "DynamoDB.PutItem",
        "DynamoDB.TransactWriteItems",
        "GET vendor",
        "PATCH vendor",
    ] {
        let span = trace.iter().find(|span| span.name == name);
        let span = span.unwrap_or_else(|| panic!("no {name}"));
        assert!(!above(span, &by_id).is_empty(), "{name}");
    }
    // And nothing of what was said.
    let told = format!("{trace:?}");
    for value in ["db down", "ann@example.com", "a-token", "a-secret"] {
        assert!(!told.contains(value), "{value}");
    }
}
