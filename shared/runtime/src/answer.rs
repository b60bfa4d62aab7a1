//! HTTP answers as Lambda takes them.

use std::{
    future::{Future, ready},
    pin::Pin,
};

use lambda_http::{Body, IntoResponse, Response};

/// An answer whose body is as it shall be. Lambda's adapter would look through a text's charset: what we answer is UTF-8,
/// and the tables of all others are 0.12 MB of a function's 3.
pub(crate) struct Answer(pub(crate) Response<Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

#[cfg(feature = "api")]
impl Answer {
    /// What a router has answered: a text where it is one, which gateways pass on as it is.
    ///
    /// # Errors
    /// The body ended with an error.
    pub(crate) async fn of(response: axum::response::Response) -> Result<Self, crate::Error> {
        let (head, body) = response.into_parts();
        let bytes = Vec::from(axum::body::to_bytes(body, usize::MAX).await?);
        let body = match String::from_utf8(bytes) {
            Ok(text) if text.is_empty() => Body::Empty,
            Ok(text) => Body::Text(text),
            Err(error) => Body::Binary(error.into_bytes()),
        };
        Ok(Self(Response::from_parts(head, body)))
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    async fn body_of(body: impl Into<axum::body::Body>) -> Body {
        let answered = axum::response::Response::new(body.into());
        let answer = Answer::of(answered).await.expect("a body in memory");
        IntoResponse::into_response(answer).await.into_body()
    }

    #[tokio::test]
    async fn a_body_is_a_text_if_it_is_one() {
        assert_eq!(body_of("").await, Body::Empty);
        assert_eq!(body_of("{\"ä\":1}").await, Body::from("{\"ä\":1}"));
        assert_eq!(body_of(vec![0xC3]).await, Body::from(vec![0xC3]));
    }

    #[tokio::test]
    async fn status_and_headers_stay() {
        let answered = (axum::http::StatusCode::IM_A_TEAPOT, [("x-a", "b")], "text");
        let answer = Answer::of(answered.into_response()).await.expect("a body");
        assert_eq!(answer.0.status(), 418);
        assert_eq!(answer.0.headers()["x-a"], "b");
    }
}
