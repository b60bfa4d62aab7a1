//! A webhook function: three things, verify, store, answer.

use im_engine::{Accepted, DeliveryAcceptor, Rejected};
use im_vendors::UnverifiedDelivery;
use lambda_http::{Body, Request, Response, http::StatusCode};
use tracing::{Instrument as _, field};

use crate::trace;

/// One vendor's webhook function.
pub struct WebhookFunction {
    acceptor: DeliveryAcceptor,
}

impl WebhookFunction {
    /// The largest body that is looked at, in bytes: twice what `PagerDuty` sends at most (FACTS).
    pub const MOST_BYTES: usize = 512 * 1024;

    /// A function that accepts into this inbox.
    pub fn new(acceptor: DeliveryAcceptor) -> Self {
        Self { acceptor }
    }

    /// Answers one request: 202 accepted or repeated, 401, 400 or 413; 429 if there are too many and 503 if it could not be
    /// stored, so that the vendor sends it again.
    pub async fn handle(&self, request: Request) -> Response<Body> {
        let span = tracing::info_span!(
            "webhook",
            otel.kind = "server",
            otel.status_code = field::Empty,
            sync.integration_type = self.acceptor.integration_type.as_str(),
            http.request.method = request.method().as_str(),
            http.response.status_code = field::Empty,
        );
        let response = self.answer(request).instrument(span.clone()).await;
        let status = response.status();
        span.record("http.response.status_code", u64::from(status.as_u16()));
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        drop(span);
        trace::flush().await;
        response
    }

    async fn answer(&self, request: Request) -> Response<Body> {
        let body: &[u8] = request.body();
        if body.len() > Self::MOST_BYTES {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "The delivery is too large");
        }
        let integration = request
            .uri()
            .path()
            .trim_end_matches('/')
            .rsplit('/')
            .next();
        let integration = integration.unwrap_or_default();
        let delivery = UnverifiedDelivery {
            integration,
            query: request.uri().query(),
            headers: request.headers(),
            body,
        };
        match self.acceptor.accept(delivery).await {
            Ok(accepted) => {
                tracing::info!(
                    integration,
                    repeated = accepted == Accepted::Repeated,
                    "accepted"
                );
                let mut response = Response::new(Body::Empty);
                *response.status_mut() = StatusCode::ACCEPTED;
                response
            }
            Err(Rejected::NotAuthentic(reason)) => {
                // The reason is for us; the sender learns nothing.
                tracing::warn!(reason, "refused");
                problem(StatusCode::UNAUTHORIZED, "The delivery is not authentic")
            }
            Err(Rejected::Unreadable(reason)) => {
                tracing::warn!(integration, reason, "unreadable");
                problem(
                    StatusCode::BAD_REQUEST,
                    "The delivery is signed but cannot be read",
                )
            }
            Err(Rejected::TooMany { retry_after }) => {
                tracing::warn!("too many at once");
                let mut response =
                    problem(StatusCode::TOO_MANY_REQUESTS, "Too many deliveries at once");
                let seconds = retry_after.as_secs().saturating_add(1);
                let headers = response.headers_mut();
                headers.insert(http::header::RETRY_AFTER, seconds.into());
                response
            }
            Err(Rejected::Store(error)) => {
                tracing::error!(integration, %error, "not stored");
                problem(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The delivery could not be stored",
                )
            }
        }
    }
}

fn problem(status: StatusCode, title: &str) -> Response<Body> {
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(),
    });
    let mut response = Response::new(Body::Text(body.to_string()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/problem+json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}
