//! Webhooks, and the task that sends them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::outbox::{Outbox, Waiting};

/// One webhook, ready to be posted as it is: its signature covers these bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// The vendor's id of the event, the same in a repeat.
    pub event_id: String,
    /// Such as `incident.triggered`.
    pub event_type: String,
    /// Added to the receiver's URL, already encoded.
    pub query: Option<String>,
    /// Content type, signature and delivery id.
    #[serde(with = "as_pairs")]
    pub headers: HeaderMap,
    /// The raw body.
    #[serde(with = "as_text")]
    pub body: Bytes,
}

impl WebhookDelivery {
    /// Where it goes: the receiver's URL with the query added to it.
    pub fn url(&self, receiver: &str) -> String {
        let Some(query) = &self.query else {
            return receiver.to_owned();
        };
        let joint = if receiver.contains('?') { '&' } else { '?' };
        format!("{receiver}{joint}{query}")
    }
}

/// What a vendor does in its own way when it posts webhooks.
pub(crate) trait Posting: Send + Sync {
    /// The webhook as the attempt of this number (the first is 1) has it at `now`.
    fn attempt(
        &self,
        delivery: &WebhookDelivery,
        _number: u32,
        _now: Timestamp,
    ) -> WebhookDelivery {
        delivery.clone()
    }

    /// Whether what was answered so is sent again.
    fn retries(&self, status: StatusCode) -> bool {
        status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
    }
}

/// Posts a webhook as it is.
pub(crate) struct AsItIs;

impl Posting for AsItIs {}

/// How a webhook is sent and sent again.
#[derive(Clone, Debug)]
pub struct RetryPolicy {
    /// How long the receiver may take.
    pub timeout: Duration,
    /// The pause after the first failure; it doubles from there.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How often a webhook is sent before it is given up.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    /// Five seconds for an answer, as `PagerDuty` allows; about two days of retries.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_mins(30),
            attempts: 104,
        }
    }
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It waits, or is between two attempts.
    Queued,
    /// A fault holds it back.
    Held,
    /// The receiver took it.
    Delivered,
    /// The receiver refused it for good, or a fault dropped it.
    Dropped,
    /// Every attempt failed.
    GivenUp,
    /// A test took it from the queue.
    Drained,
}

/// One try to send a webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// When.
    pub time: Timestamp,
    /// The receiver's status, if it answered.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

/// A webhook's story, for inspection.
#[derive(Clone, Debug, Serialize)]
pub struct DeliveryRecord {
    /// The vendor's id of the event.
    pub event_id: String,
    /// Such as `incident.triggered`.
    pub event_type: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Every try.
    pub attempts: Vec<Attempt>,
}

impl DeliveryRecord {
    /// Whether it needs no further try: it was taken, or given up.
    pub fn is_settled(&self) -> bool {
        !matches!(self.outcome, Outcome::Queued | Outcome::Held)
    }
}

impl Outbox {
    /// Posts webhooks to `url`, one after the other, until the future is dropped.
    pub(crate) async fn deliver_to(self, url: String, policy: RetryPolicy, clock: Arc<dyn Clock>) {
        // Fails only where a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = match builder.build() {
            Ok(client) => client,
            Err(error) => {
                tracing::error!(%error, "webhooks cannot be sent");
                return;
            }
        };
        loop {
            let Waiting {
                place,
                delivery,
                attempts,
            } = self.next().await;
            let posting = &*self.posting;
            let mut pause = policy.first_pause;
            for number in attempts + 1.. {
                let time = clock.now();
                let sent = posting.attempt(&delivery, number, time);
                let request = client
                    .post(sent.url(&url))
                    .headers(sent.headers)
                    .body(sent.body)
                    .timeout(policy.timeout);
                let (verdict, attempt) = post(request, posting, time).await;
                tracing::debug!(
                    event_type = delivery.event_type,
                    ?verdict,
                    number,
                    "webhook"
                );
                let outcome = match verdict {
                    Verdict::Retry if number >= policy.attempts => Outcome::GivenUp,
                    Verdict::Retry => Outcome::Queued,
                    Verdict::Taken => Outcome::Delivered,
                    Verdict::Refused => Outcome::Dropped,
                };
                self.note(place, attempt, outcome);
                if outcome != Outcome::Queued {
                    break;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(policy.longest_pause);
            }
        }
    }
}

mod as_pairs {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(headers: &HeaderMap, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str(), value)
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HeaderMap, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(from)?;
        let pair = |(name, value)| {
            let name = HeaderName::try_from(name).map_err(D::Error::custom)?;
            let value = HeaderValue::try_from(value).map_err(D::Error::custom)?;
            Ok((name, value))
        };
        pairs.into_iter().map(pair).collect()
    }
}

mod as_text {
    use bytes::Bytes;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(body: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&String::from_utf8_lossy(body))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        Ok(Bytes::from(String::deserialize(from)?))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Retry,
    Refused,
}

fn verdict(posting: &dyn Posting, status: StatusCode) -> Verdict {
    if status.is_success() {
        Verdict::Taken
    } else if posting.retries(status) {
        Verdict::Retry
    } else {
        Verdict::Refused
    }
}

async fn post(
    request: reqwest::RequestBuilder,
    posting: &dyn Posting,
    time: Timestamp,
) -> (Verdict, Attempt) {
    match request.send().await {
        Ok(response) => {
            let status = response.status();
            let attempt = Attempt {
                time,
                status: Some(status.as_u16()),
                error: None,
            };
            (verdict(posting, status), attempt)
        }
        Err(error) => {
            let attempt = Attempt {
                time,
                status: None,
                error: Some(error.to_string()),
            };
            (Verdict::Retry, attempt)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_added_to_the_receivers_url() {
        let mut delivery = WebhookDelivery {
            event_id: String::new(),
            event_type: String::new(),
            query: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        assert_eq!(delivery.url("http://im/hook"), "http://im/hook");
        delivery.query = Some("user=a%40b".to_owned());
        assert_eq!(delivery.url("http://im/hook"), "http://im/hook?user=a%40b");
        assert_eq!(
            delivery.url("http://im/hook?x=1"),
            "http://im/hook?x=1&user=a%40b"
        );
    }

    #[test]
    fn only_what_may_pass_later_is_sent_again() {
        let of = |status| verdict(&AsItIs, StatusCode::from_u16(status).unwrap());
        assert_eq!(of(202), Verdict::Taken);
        assert_eq!([of(429), of(500), of(503)], [Verdict::Retry; 3]);
        assert_eq!([of(401), of(404), of(302)], [Verdict::Refused; 3]);
    }
}
