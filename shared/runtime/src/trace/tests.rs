use super::*;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn without_traces_there_is_nothing_to_carry() {
    let span = tracing::info_span!("a");
    go_on(&span, Some(PARENT));
    assert_eq!(span.in_scope(current), None);
    assert_eq!(span.in_scope(ids), None);
}

#[test]
fn a_span_goes_on_with_what_was_carried() {
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "im");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let subscriber =
        tracing_subscriber::layer::SubscriberExt::with(tracing_subscriber::registry(), layer);
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("a");
        go_on(&span, Some(PARENT));
        let carried = span.in_scope(current).expect("a trace");
        assert_eq!(carried[..36], PARENT[..36], "the same trace");
        assert_ne!(carried, PARENT, "another span");
        let (trace, id) = span.in_scope(ids).expect("ids");
        assert_eq!(carried, format!("00-{trace}-{id}-01"));
        let broken = tracing::info_span!("b");
        go_on(&broken, Some("no context"));
        let own = broken.in_scope(current).expect("a trace of its own");
        assert_ne!(own[..36], PARENT[..36]);
    });
}
