//! Webhooks, and the task that sends them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Clock;
use crate::outbox::Outbox;

/// One webhook, ready to be posted as it is: its signature covers these bytes.
#[derive(Clone, Debug)]
pub struct WebhookDelivery {
    /// The vendor's id of the event, the same in a repeat.
    pub event_id: String,
    /// Such as `incident.triggered`.
    pub event_type: String,
    /// Added to the receiver's URL, already encoded.
    pub query: Option<String>,
    /// Content type, signature and delivery id.
    pub headers: HeaderMap,
    /// The raw body.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
#[derive(Clone, Debug, Serialize)]
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
            let (place, delivery) = self.next().await;
            let mut pause = policy.first_pause;
            for number in 1..=policy.attempts {
                let (verdict, attempt) = post(&client, &url, &delivery, &policy, &*clock).await;
                tracing::debug!(
                    event_type = delivery.event_type,
                    ?verdict,
                    number,
                    "webhook"
                );
                let outcome = match verdict {
                    Verdict::Retry if number == policy.attempts => Outcome::GivenUp,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Taken,
    Retry,
    Refused,
}

fn verdict(status: StatusCode) -> Verdict {
    if status.is_success() {
        Verdict::Taken
    } else if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        Verdict::Retry
    } else {
        Verdict::Refused
    }
}

async fn post(
    client: &reqwest::Client,
    url: &str,
    delivery: &WebhookDelivery,
    policy: &RetryPolicy,
    clock: &dyn Clock,
) -> (Verdict, Attempt) {
    let time = clock.now();
    let sent = client
        .post(delivery.url(url))
        .headers(delivery.headers.clone())
        .body(delivery.body.clone())
        .timeout(policy.timeout)
        .send()
        .await;
    match sent {
        Ok(response) => {
            let status = response.status();
            let attempt = Attempt {
                time,
                status: Some(status.as_u16()),
                error: None,
            };
            (verdict(status), attempt)
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
        let of = |status| verdict(StatusCode::from_u16(status).unwrap());
        assert_eq!(of(202), Verdict::Taken);
        assert_eq!([of(429), of(500), of(503)], [Verdict::Retry; 3]);
        assert_eq!([of(401), of(404), of(302)], [Verdict::Refused; 3]);
    }
}
