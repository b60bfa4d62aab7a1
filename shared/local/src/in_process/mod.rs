//! AWS services answered by a call in this process: no socket, no other thread, no time but the one given.

mod queues;
mod tables;

use std::{fmt, sync::Arc};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

pub use queues::{QueueService, QueuedMessage};
pub use tables::TableService;

/// A service with JSON in and out: status and body.
pub trait Service: Send + Sync + 'static {
    /// Carries an operation out. `body` is the request's JSON.
    fn answer(&self, operation: &str, body: &str) -> (u16, String);
}

/// What carries the SDK's requests to a service.
#[derive(Clone)]
pub struct InProcess(Arc<dyn Service>);

impl InProcess {
    /// An HTTP client for SDK clients of this service.
    pub fn client(service: impl Service) -> SharedHttpClient {
        SharedHttpClient::new(Self(Arc::new(service)))
    }

    fn carry(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        // `DynamoDB_20120810.PutItem`, `AmazonSQS.SendMessage`.
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let body = std::str::from_utf8(body).map_err(|error| ConnectorError::user(error.into()))?;
        let (status, body) = self.0.answer(operation, body);
        let status =
            StatusCode::try_from(status).map_err(|error| ConnectorError::user(error.into()))?;
        let mut response = HttpResponse::new(status, SdkBody::from(body));
        response
            .headers_mut()
            .insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // Carried out when the answer is awaited, as a request is that nobody has sent yet.
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.carry(&request) })
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
