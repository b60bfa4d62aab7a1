//! What a stand-in answers, and the HTTP server in front of it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::stand_in::{StandIn, Vendor};

/// What comes back from a request.
#[derive(Debug)]
pub enum Answer {
    /// An answer, at once.
    Response(Response<Bytes>),
    /// None: the client has to give up by itself.
    NoAnswer,
    /// An answer that is held back for a while.
    Delayed(Duration, Response<Bytes>),
}

impl Answer {
    /// The answer's status; `None` where there is no answer.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Response(response) | Self::Delayed(_, response) => Some(response.status()),
            Self::NoAnswer => None,
        }
    }
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json;charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

/// Serves `stand_in` until the listener fails or the future is dropped.
pub(crate) async fn serve<V: Vendor>(
    stand_in: StandIn<V>,
    listener: TcpListener,
) -> std::io::Result<()> {
    let router = Router::new().fallback(forward::<V>).with_state(stand_in);
    axum::serve(listener, router).await
}

async fn forward<V: Vendor>(
    State(stand_in): State<StandIn<V>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let mut response = Response::new(Body::from("unreadable request body"));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    let response = match stand_in.handle_with_faults(Request::from_parts(parts, body.to_bytes())) {
        Answer::Response(response) => response,
        Answer::Delayed(wait, response) => {
            tokio::time::sleep(wait).await;
            response
        }
        // Dropped with the connection, when the client gives up.
        Answer::NoAnswer => std::future::pending().await,
    };
    response.map(Body::from)
}
