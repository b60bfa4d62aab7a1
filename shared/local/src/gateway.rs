//! The template's routes, in front of the functions' own handlers.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Body as AxumBody,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use im_engine::ports::Clock;
use im_runtime::WebhookFunction;
use lambda_http::{Adapter, LambdaEvent, request::LambdaRequest, service_fn, tower::Service as _};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::events::http_event;

/// The HTTP half of the system.
#[derive(Clone)]
pub struct Gateway {
    /// The webhook functions, by the vendor's word in their path.
    pub webhooks: BTreeMap<&'static str, Arc<WebhookFunction>>,
    /// `api`.
    pub api: axum::Router,
    /// When events say they came in.
    pub clock: Arc<dyn Clock>,
}

impl Gateway {
    /// The longest request that API Gateway takes, in bytes.
    const MOST_BYTES: usize = 10 * 1024 * 1024;

    /// Routes a request as the template does, through the real event JSON and the real adapter.
    pub async fn handle(&self, request: http::Request<Bytes>) -> http::Response<Bytes> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        let webhook = (parts.method == http::Method::POST)
            .then(|| self.webhook(path))
            .flatten();
        if webhook.is_none() && !path.starts_with("/api/v1/") {
            return answer(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#);
        }
        if body.len() > Self::MOST_BYTES {
            return answer(
                StatusCode::PAYLOAD_TOO_LARGE,
                r#"{"message":"Request Too Long"}"#,
            );
        }
        let event = http_event(&parts, &body, self.clock.now());
        let called = match webhook {
            Some(function) => call_webhook(function, event).await,
            None => self.call_api(event).await,
        };
        called.unwrap_or_else(|error| {
            tracing::error!(%error, "the function failed");
            answer(
                StatusCode::INTERNAL_SERVER_ERROR,
                r#"{"message":"Internal Server Error"}"#,
            )
        })
    }

    /// The function behind `/webhooks/{vendor}/{integration}`.
    fn webhook(&self, path: &str) -> Option<Arc<WebhookFunction>> {
        let (vendor, integration) = path.strip_prefix("/webhooks/")?.split_once('/')?;
        let function = self.webhooks.get(vendor)?;
        (!integration.contains('/')).then(|| function.clone())
    }

    async fn call_api(&self, event: Value) -> anyhow::Result<http::Response<Bytes>> {
        let called = Adapter::from(self.api.clone()).call(lambda_event(&event)?);
        let response = called.await?;
        http_response(&serde_json::to_value(response)?)
    }
}

async fn call_webhook(
    function: Arc<WebhookFunction>,
    event: Value,
) -> anyhow::Result<http::Response<Bytes>> {
    let service = service_fn(move |request| {
        let function = function.clone();
        async move { Ok::<_, std::convert::Infallible>(function.handle(request).await) }
    });
    let response = Adapter::from(service).call(lambda_event(&event)?).await?;
    http_response(&serde_json::to_value(response)?)
}

fn lambda_event(event: &Value) -> anyhow::Result<LambdaEvent<LambdaRequest>> {
    let request: LambdaRequest = serde_json::from_str(&event.to_string())?;
    Ok(LambdaEvent::new(request, lambda_http::Context::default()))
}

/// What API Gateway makes of a function's answer.
fn http_response(answer: &Value) -> anyhow::Result<http::Response<Bytes>> {
    let status = answer["statusCode"].as_u64().unwrap_or(500);
    let mut response = http::Response::builder().status(u16::try_from(status)?);
    for headers in ["headers", "multiValueHeaders"] {
        for (name, value) in answer[headers].as_object().into_iter().flatten() {
            if let Some(value) = value.as_str() {
                response = response.header(name, value);
            }
        }
    }
    let body = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        Bytes::from(BASE64_STANDARD.decode(body)?)
    } else {
        Bytes::copy_from_slice(body.as_bytes())
    };
    Ok(response.body(body)?)
}

fn answer(status: StatusCode, body: &'static str) -> http::Response<Bytes> {
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    response
}

/// Serves the gateway on a socket until it is dropped.
pub async fn serve_http(gateway: Gateway, listener: TcpListener) -> std::io::Result<()> {
    let app = axum::Router::new().fallback(serve_one).with_state(gateway);
    axum::serve(listener, app).await
}

async fn serve_one(State(gateway): State<Gateway>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_for_loopback(&parts.headers) {
        let body = r#"{"message":"this server answers to localhost and 127.0.0.1 only"}"#;
        return answer(StatusCode::MISDIRECTED_REQUEST, body).map(AxumBody::from);
    }
    let limited = http_body_util::Limited::new(body, Gateway::MOST_BYTES + 1);
    let response = match limited.collect().await {
        Ok(body) => {
            gateway
                .handle(http::Request::from_parts(parts, body.to_bytes()))
                .await
        }
        Err(_) => answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            r#"{"message":"Request Too Long"}"#,
        ),
    };
    response.map(AxumBody::from)
}

/// A caller without a token is an administrator here: a web page whose name was made to point at this machine must not
/// be one (DNS rebinding).
fn is_for_loopback(headers: &http::HeaderMap) -> bool {
    let host = headers
        .get(http::header::HOST)
        .and_then(|host| host.to_str().ok());
    let name = host.map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    matches!(name, Some("localhost" | "127.0.0.1" | "[::1]"))
}
