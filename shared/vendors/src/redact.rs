//! What a vendor says when it refuses is quoted in errors, logs and dead letters. If it quotes our credentials, those are cut out.

use bytes::Bytes;
use http::{HeaderValue, Response};

use crate::Credentials;

/// What stands where a credential was.
const CUT: &str = "(secret)";

/// A text this short is found in any sentence.
const SHORTEST: usize = 6;

/// Who we are there, which is no secret: a refusal that names them says what is to be mended.
const NAMES: [&str; 5] = ["client_id", "client_key", "email", "from_email", "username"];

/// The answer, without credentials in it if it is a refusal. What a success holds is the vendor's record, and is not touched.
pub(crate) fn without_credentials(
    mut answer: Response<Bytes>,
    credentials: &Credentials,
    authorization: Option<&HeaderValue>,
) -> Response<Bytes> {
    if answer.status().is_success() {
        return answer;
    }
    let sent = authorization.and_then(|value| value.to_str().ok());
    let sent = sent
        .and_then(|value| value.split_once(' '))
        .map(|(_, it)| it);
    let kept = credentials
        .0
        .iter()
        .filter(|(name, _)| !NAMES.contains(&name.as_str()));
    let kept = kept.map(|(_, secret)| secret.reveal());
    let mut text = String::from_utf8_lossy(answer.body()).into_owned();
    let mut is_cut = false;
    for secret in kept.chain(sent).filter(|secret| secret.len() >= SHORTEST) {
        // As JSON writes it, too.
        let quoted = serde_json::Value::from(secret).to_string();
        for written in [secret, quoted.trim_matches('"')] {
            if text.contains(written) {
                text = text.replace(written, CUT);
                is_cut = true;
            }
        }
    }
    if is_cut {
        *answer.body_mut() = Bytes::from(text);
    }
    answer
}

#[cfg(test)]
mod tests {
    use im_model::Secret;

    use super::*;

    fn after(status: u16, body: &str) -> String {
        let secrets = [
            ("token", "tok-12345"),
            ("email", "im@example.com"),
            ("password", "q\"uote\\d"),
        ];
        let secrets = secrets.map(|(name, secret)| (name.to_owned(), Secret::new(secret)));
        let mut answer = Response::new(Bytes::from(body.to_owned()));
        *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        let sent = HeaderValue::from_static("Basic dXNlcjpwYXNz");
        let answer = without_credentials(answer, &Credentials(secrets.into()), Some(&sent));
        String::from_utf8(answer.into_body().to_vec()).expect("text")
    }

    #[test]
    fn a_refusal_that_quotes_our_credentials_loses_them() {
        let quoting = r#"{"error":"bad token tok-12345","sent":"Basic dXNlcjpwYXNz","pw":"q\"uote\\d","who":"im@example.com"}"#;
        let cut = r#"{"error":"bad token (secret)","sent":"Basic (secret)","pw":"(secret)","who":"im@example.com"}"#;
        for status in [302, 400, 401, 500] {
            assert_eq!(after(status, quoting), cut);
        }
        assert_eq!(after(400, "nothing"), "nothing");
    }

    #[test]
    fn a_record_is_not_touched() {
        let title = r#"{"title":"tok-12345"}"#;
        assert_eq!(after(200, title), title);
    }
}
