//! Spans, kept and sent by OTLP over HTTP.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{Layer, filter::FilterFn, registry::LookupSpan};

use crate::http1::{self, Http1};

/// Where the spans of this process go.
static SENT_TO: OnceLock<Traces> = OnceLock::new();

/// Sends what ended since the last time. Does nothing without traces. A collector that does not answer costs its timeout
/// (`OTEL_EXPORTER_OTLP_TIMEOUT` in milliseconds, 2000 unless set) and the spans, and no job.
pub async fn flush() {
    if let Some(traces) = SENT_TO.get() {
        traces.send().await;
    }
}

/// Spans on their way to a collector.
#[derive(Clone)]
pub struct Traces {
    kept: Kept,
    exporter: Arc<tokio::sync::Mutex<SpanExporter>>,
    provider: SdkTracerProvider,
}

impl Traces {
    /// So many spans are kept of one invocation; what comes on top is counted and dropped.
    const MOST_KEPT: usize = 4096;

    /// As the standard variables say: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, with
    /// `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`; `None` without
    /// an endpoint, or where `OTEL_SDK_DISABLED` is `true`.
    ///
    /// # Errors
    /// The endpoint is no URL, or another setting cannot be read.
    pub fn from_env() -> Result<Option<Self>, String> {
        let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !value.is_empty());
        let has_endpoint =
            is_set("OTEL_EXPORTER_OTLP_ENDPOINT") || is_set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value == "true");
        if !has_endpoint || is_off {
            return Ok(None);
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new()?);
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        Ok(Some(Self::sent_by(exporter)))
    }

    /// To the collector whose traces come in at this URL.
    ///
    /// # Errors
    /// It is no URL, or another setting cannot be read.
    pub fn to(url: &str) -> Result<Self, String> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new()?)
            .with_endpoint(url);
        let exporter = exporter.build().map_err(|error| error.to_string())?;
        Ok(Self::sent_by(exporter))
    }

    fn sent_by(mut exporter: SpanExporter) -> Self {
        let resource = resource();
        exporter.set_resource(&resource);
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(kept.clone())
            .with_resource(resource)
            .build();
        Self {
            kept,
            exporter: Arc::new(tokio::sync::Mutex::new(exporter)),
            provider,
        }
    }

    /// What makes spans of ours from `tracing`'s.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let tracer: SdkTracer = self.provider.tracer("im");
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(FilterFn::new(is_ours))
    }

    /// From now on [`flush`] sends these.
    pub fn install(self) {
        // A second start, as in tests, changes nothing.
        let _ = SENT_TO.set(self);
    }

    async fn send(&self) {
        let (spans, dropped) = self.kept.take();
        if dropped > 0 {
            tracing::warn!(dropped, "more spans than are kept of an invocation");
        }
        if spans.is_empty() {
            return;
        }
        let count = spans.len();
        let exporter = self.exporter.lock().await;
        if let Err(error) = exporter.export(spans).await {
            tracing::warn!(%error, count, "spans that no collector took");
        }
    }
}

/// Libraries' spans tell of their innards, and may hold what nobody is to read.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target().starts_with("im_") && *metadata.level() <= Level::INFO
}

/// Who speaks. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` have the last word.
fn resource() -> Resource {
    let function = std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok();
    let function = function.map(|name| KeyValue::new("faas.name", name));
    let is_named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    let resource = Resource::builder().with_attributes(function);
    if is_named {
        return resource.build();
    }
    resource.with_service_name("im").build()
}

/// Ended spans, until they are sent.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<(Vec<SpanData>, usize)>>);

impl Kept {
    fn take(&self) -> (Vec<SpanData>, usize) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept)
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl SpanProcessor for Kept {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.0.len() < Traces::MOST_KEPT {
            kept.0.push(span);
        } else {
            kept.1 += 1;
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// The way to the collector.
struct Collector {
    client: Http1<Full<Bytes>>,
    patience: Duration,
}

impl Collector {
    /// How long an invocation waits for it, unless told otherwise.
    const PATIENCE: Duration = Duration::from_secs(2);

    fn new() -> Result<Self, String> {
        let client = http1::trusting_as_the_system_does().map_err(|error| error.to_string())?;
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ];
        let told = names.iter().find_map(|name| std::env::var(name).ok());
        let told = told.and_then(|milliseconds| milliseconds.parse().ok());
        Ok(Self {
            client,
            patience: told.map_or(Self::PATIENCE, Duration::from_millis),
        })
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Collector")
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = async {
            let answer = self.client.request(request.map(Full::new)).await?;
            let (parts, body) = answer.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(parts, body))
        };
        tokio::time::timeout(self.patience, sent).await?
    }
}
