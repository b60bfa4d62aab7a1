//! Request bodies: one JSON object each.

mod object;

use std::error::Error;

use axum::{body::to_bytes, extract::Request};
use http::{HeaderMap, header};
use http_body_util::LengthLimitError;
use im_engine::manage::FieldProblem;
use im_model::{DEEPEST_JSON, nests_deeper_than};
use serde_json::Value;

use self::object::a;
pub(crate) use self::object::{ObjectReader, shortened};
use crate::Problem;

/// A body may not be larger.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// What `POST` accepts.
pub(crate) const JSON: &[&str] = &["application/json"];

/// What `PATCH` accepts.
pub(crate) const JSON_OR_MERGE_PATCH: &[&str] =
    &["application/json", "application/merge-patch+json"];

/// Reads a body that must be one JSON object.
pub(crate) async fn read_object(
    request: Request,
    accepted: &[&str],
) -> Result<ObjectReader, Problem> {
    check_content_type(request.headers(), accepted)?;
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(Problem::too_large(MOST_BYTES));
    }
    let body = to_bytes(request.into_body(), MOST_BYTES)
        .await
        .map_err(|error| {
            if error
                .source()
                .is_some_and(<dyn Error>::is::<LengthLimitError>)
            {
                Problem::too_large(MOST_BYTES)
            } else {
                Problem::malformed("The body broke off.")
            }
        })?;
    parse_object(&body)
}

fn parse_object(body: &[u8]) -> Result<ObjectReader, Problem> {
    if body.is_empty() {
        return Err(Problem::malformed(
            "The body is empty; a JSON object is expected.",
        ));
    }
    if nests_deeper_than(body, DEEPEST_JSON) {
        let problem = format!("The body nests deeper than {DEEPEST_JSON} levels.");
        return Err(Problem::malformed(problem));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(ObjectReader::new(object)),
        Ok(other) => {
            let problem = format!("must be an object, not {}", a(&other));
            Err(Problem::invalid(vec![FieldProblem::new("body", problem)]))
        }
        Err(error) => Err(Problem::malformed(format!(
            "The body is not valid JSON: {error}."
        ))),
    }
}

fn check_content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| encoding.as_bytes() != b"identity") {
        return Err(Problem::unsupported_media_type(
            "Send the body without Content-Encoding.",
        ));
    }
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let given = given.unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let is_utf_8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset")
                || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    if accepted
        .iter()
        .any(|known| known.eq_ignore_ascii_case(media_type))
        && parts.all(is_utf_8)
    {
        return Ok(());
    }
    let expected = accepted.join(" or ");
    Err(Problem::unsupported_media_type(format!(
        "Content-Type must be {expected} in UTF-8."
    )))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::HeaderValue;

    use super::*;

    fn refusal(json: &[u8]) -> Problem {
        parse_object(json).err().expect("must be refused")
    }

    #[test]
    fn broken_json_says_where() {
        let problem = refusal(b"{\"title\": \n oops}");
        assert_eq!(problem.status(), 400);
        assert!(
            problem.detail().contains("line 2 column 2"),
            "{}",
            problem.detail()
        );
        assert_eq!(refusal(b"").status(), 400);
        assert_eq!(refusal(b"\"\xff\"").status(), 400);
        assert_eq!(refusal("[".repeat(10_000).as_bytes()).status(), 400);
        assert_eq!(refusal(b"{\"a\":1e999}").status(), 400);
    }

    #[test]
    fn a_body_nests_as_deep_as_it_may_and_no_deeper() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
            format!("{{\"a\":{open}{close}}}")
        };
        assert!(parse_object(nested(DEEPEST_JSON).as_bytes()).is_ok());
        let problem = refusal(nested(DEEPEST_JSON + 1).as_bytes());
        assert_eq!(problem.status(), 400);
        assert_eq!(problem.detail(), "The body nests deeper than 64 levels.");
    }

    #[test]
    fn a_body_that_is_no_object_is_named() {
        for (json, kind) in [("[]", "an array"), ("null", "null"), ("\"x\"", "a string")] {
            let problem = refusal(json.as_bytes());
            assert_eq!(problem.status(), 422);
            let expected = format!("must be an object, not {kind}");
            assert_eq!(problem.errors(), [("body", expected.as_str())]);
        }
    }

    #[test]
    fn content_types() {
        let status = |content_type: &'static str, accepted| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            check_content_type(&headers, accepted).map_err(|problem| problem.status())
        };
        for fine in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; odd",
        ] {
            assert_eq!(status(fine, JSON), Ok(()), "{fine}");
        }
        for bad in [
            "text/plain",
            "application/json; charset=latin1",
            "application/jsonp",
            "",
        ] {
            assert_eq!(status(bad, JSON), Err(415), "{bad}");
        }
        assert_eq!(status("application/merge-patch+json", JSON), Err(415));
        assert_eq!(
            status("application/merge-patch+json", JSON_OR_MERGE_PATCH),
            Ok(())
        );
        let mut headers = HeaderMap::new();
        assert!(check_content_type(&headers, JSON).is_err(), "none");
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(check_content_type(&headers, JSON).is_err(), "compressed");
    }

    #[tokio::test]
    async fn a_body_is_limited_with_and_without_an_announced_length() {
        let request = |length: Option<usize>, body: String| {
            let mut request = Request::new(Body::from(body));
            let headers = request.headers_mut();
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            if let Some(length) = length {
                headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            request
        };
        let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        let status = async |request| read_object(request, JSON).await.err().map(|p| p.status());
        assert_eq!(status(request(None, padded(MOST_BYTES))).await, None);
        assert_eq!(
            status(request(None, padded(MOST_BYTES + 1))).await,
            Some(413)
        );
        assert_eq!(
            status(request(Some(MOST_BYTES + 1), "{}".to_owned())).await,
            Some(413)
        );
    }
}
