//! What a stand-in answers, and the HTTP server in front of it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::net::TcpListener;

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

/// A stand-in that the HTTP edge can serve.
pub trait Vendor: Clone + Send + Sync + 'static {
    /// Answers one request, without I/O.
    fn answer(&self, request: Request<Bytes>) -> Answer;
}

/// Serves `vendor` until the listener fails or the future is dropped.
pub async fn serve<V: Vendor>(vendor: V, listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new().fallback(forward::<V>).with_state(vendor);
    axum::serve(listener, router).await
}

async fn forward<V: Vendor>(State(vendor): State<V>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let mut response = Response::new(Body::from("unreadable request body"));
        *response.status_mut() = StatusCode::BAD_REQUEST;
        return response;
    };
    let response = match vendor.answer(Request::from_parts(parts, body.to_bytes())) {
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
