//! Cursors that somebody made up, and a vendor that answers anything: a page, or an error.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use im_engine::ports::DeliveryPosition;
use im_model::{
    IntegrationId,
    IntegrationType::{Jira, PagerDuty, ServiceNow},
    Secret,
};
use im_vendors::{Connection, Credentials, ListQuery, Memory, Transport, TransportError, registry};
use jiff::Timestamp;
use url::Url;

use crate::{feed::Feed, forge::NOW};

/// A vendor that answers with these, one after the other.
struct Answers(Mutex<Vec<Vec<u8>>>);

#[async_trait]
impl Transport for Answers {
    async fn send(&self, _: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let body = self.0.lock().expect("not poisoned").pop();
        let body = body.ok_or(TransportError::Timeout)?;
        Ok(http::Response::new(Bytes::from(body)))
    }
}

/// A cursor and some answers.
pub fn run(data: &[u8]) {
    let mut feed = Feed::new(data);
    let vendor = [PagerDuty, Jira, ServiceNow][feed.place(3)];
    let cursor = feed.text();
    if let Ok(position) = cursor.parse::<DeliveryPosition>() {
        assert_eq!(position.to_string().parse(), Ok(position));
    }
    let has_cursor = feed.byte() % 2 == 1;
    let first = feed.piece().to_vec();
    let answers = Answers(Mutex::new(vec![first, feed.rest().to_vec()]));
    let names = [
        "email",
        "api_key",
        "token",
        "from_email",
        "username",
        "password",
    ];
    let secret = |name: &str| (name.to_owned(), Secret::new("a-secret"));
    let options = [
        ("project", "OPS"),
        ("issue_type", "Incident"),
        ("service", "PSVC001"),
    ];
    let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let connection = Connection {
        base_url: &Url::parse("https://vendor.example").expect("a URL"),
        options: &BTreeMap::from(options),
        credentials: &Credentials(names.map(secret).into()),
        transport: &answers,
        memory: &Memory::default(),
        integration: &IntegrationId::parse("prod").expect("an id"),
        now: Timestamp::from_second(NOW).expect("a time"),
    };
    let query = ListQuery {
        since: Timestamp::from_second(NOW - 3600).ok(),
        noted_since: None,
        until: connection.now,
    };
    let cursor = has_cursor.then_some(cursor.as_str());
    let mut listing = registry::vendor_api(vendor).list(connection, &query, cursor);
    // Nothing in it waits for anything.
    let polled = listing
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(_)));
}
