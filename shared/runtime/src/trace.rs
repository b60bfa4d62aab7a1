//! Traces: one from a webhook, an edit or a schedule to the last vendor's answer. The context travels with what it is about: with
//! the item that a stream shows, and with the message of a queue, as a W3C `traceparent`.
//!
//! Spans are kept until their invocation ends, and then sent: a function that is frozen sends nothing. There is no thread, and
//! without an endpoint there is nothing at all.

mod export;
mod spans;

use opentelemetry::{
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

pub use self::{
    export::{Traces, flush},
    spans::{traced_aws, traced_vendors},
};

/// What the context is called in an item and in a message.
pub const TRACEPARENT: &str = "traceparent";

/// The present span, for whoever goes on with what it began: `None` without traces.
pub fn current() -> Option<String> {
    let context = Span::current().context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carried = Carried::default();
    TraceContextPropagator::new().inject_context(&context, &mut carried);
    carried.0
}

/// The ids of the present span and its trace, in hexadecimal.
pub(crate) fn ids() -> Option<(String, String)> {
    let context = Span::current().context();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid()
        .then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
}

/// Makes a span go on with what was carried; a text that is none begins a trace of its own.
#[cfg(any(feature = "api", feature = "reconciler", feature = "streams"))]
pub(crate) fn go_on(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else {
        return;
    };
    let carried = Carried(Some(traceparent.to_owned()));
    let parent = TraceContextPropagator::new()
        .extract_with_context(&opentelemetry::Context::new(), &carried);
    if parent.span().span_context().is_valid() {
        // Without traces there is nothing to go on with.
        let _ = span.set_parent(parent);
    }
}

/// Says that a span is about this, too: of several changes that one job brings, the first one's trace goes on.
#[cfg(feature = "sync")]
pub(crate) fn link(span: &Span, traceparent: Option<&str>) {
    let Some(traceparent) = traceparent else {
        return;
    };
    let carried = Carried(Some(traceparent.to_owned()));
    let other = TraceContextPropagator::new()
        .extract_with_context(&opentelemetry::Context::new(), &carried);
    let other = other.span().span_context().clone();
    if other.is_valid() {
        span.add_link(other);
    }
}

#[derive(Default)]
struct Carried(Option<String>);

impl Injector for Carried {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = Some(value);
        }
    }
}

impl Extractor for Carried {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.as_deref().filter(|_| key == TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

#[cfg(test)]
mod tests;
