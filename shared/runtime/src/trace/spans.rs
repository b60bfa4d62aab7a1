//! Calls as spans: to AWS and to vendors. Which operation, where, and what came back; nothing of what was said.

use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use bytes::Bytes;
use im_vendors::{Transport, TransportError};
use tracing::{Instrument as _, Span, field};
use url::Url;

/// The same transport; each request is a span.
pub fn traced_vendors(transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
    Arc::new(TracedVendors(transport))
}

struct TracedVendors(Arc<dyn Transport>);

#[async_trait]
impl Transport for TracedVendors {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let method = request.method().as_str();
        // No path: it may hold what somebody searches for.
        let span = tracing::info_span!(
            "vendor",
            otel.name = format!("{method} vendor"),
            otel.kind = "client",
            otel.status_code = field::Empty,
            http.request.method = method,
            server.address = request.uri().host(),
            http.response.status_code = field::Empty,
            error.type = field::Empty,
        );
        let sent = self.0.send(request).instrument(span.clone()).await;
        match &sent {
            Ok(answer) => note_status(&span, answer.status().as_u16()),
            Err(error) => {
                span.record("otel.status_code", "ERROR");
                span.record("error.type", kind(error));
            }
        }
        sent
    }

    async fn refuses(&self, url: &Url) -> Option<String> {
        self.0.refuses(url).await
    }
}

fn kind(error: &TransportError) -> &'static str {
    match error {
        TransportError::Timeout => "timeout",
        TransportError::Unreachable(_) => "unreachable",
        TransportError::BrokenOff(_) => "broken_off",
        TransportError::OutOfReach(_) => "out_of_reach",
    }
}

fn note_status(span: &Span, status: u16) {
    span.record("http.response.status_code", u64::from(status));
    if status >= 400 {
        span.record("otel.status_code", "ERROR");
    }
}

/// The same client of AWS; each request is a span, retries by the SDK included.
pub fn traced_aws(client: SharedHttpClient) -> SharedHttpClient {
    SharedHttpClient::new(TracedClient(client))
}

#[derive(Debug)]
struct TracedClient(SharedHttpClient);

#[derive(Debug)]
struct TracedConnector(SharedHttpConnector);

impl HttpClient for TracedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(TracedConnector(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for TracedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let (service, operation) = target.split_once('.').unwrap_or(("aws", target));
        let service = match service.split('_').next() {
            Some("AWSEvents") => "EventBridge",
            Some("AmazonSQS") => "SQS",
            Some("secretsmanager") => "SecretsManager",
            Some("DynamoDBStreams") => "DynamoDBStreams",
            _ => "DynamoDB",
        };
        let span = tracing::info_span!(
            "aws",
            otel.name = format!("{service}.{operation}"),
            otel.kind = "client",
            otel.status_code = field::Empty,
            rpc.system = "aws-api",
            rpc.service = service,
            rpc.method = operation,
            http.response.status_code = field::Empty,
        );
        let call = self.0.call(request);
        HttpConnectorFuture::new(
            async move {
                let answered = call.await;
                let span = Span::current();
                match &answered {
                    Ok(answer) => note_status(&span, answer.status().as_u16()),
                    Err(_) => drop(span.record("otel.status_code", "ERROR")),
                }
                answered
            }
            .instrument(span),
        )
    }
}
