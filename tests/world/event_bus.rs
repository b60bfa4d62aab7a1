//! An event bus that remembers what it was told.

use std::sync::{Arc, Mutex};

use aws_sdk_eventbridge::{Client, config::Builder};
use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use im_local::Embedded;
use serde_json::{Value, json};

/// `EventBridge`, as far as `PutEvents` goes.
#[derive(Debug, Clone, Default)]
pub struct EventBus {
    told: Arc<Mutex<Vec<Value>>>,
    refusing: Arc<Mutex<bool>>,
}

impl EventBus {
    /// How to reach it.
    pub fn config(&self, embedded: &Embedded) -> Builder {
        Builder::from(&embedded.dynamodb_config).http_client(self.clone())
    }

    /// A client of it.
    pub fn client(&self, embedded: &Embedded) -> Client {
        Client::from_conf(self.config(embedded).build())
    }

    /// The events since the last time this was asked.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.told.lock().expect("not poisoned"))
    }

    /// From now on it answers 200 and takes none of them.
    pub fn refuse(&self) {
        *self.refusing.lock().expect("not poisoned") = true;
    }

    fn answer(&self, request: &HttpRequest) -> Value {
        let target = request.headers().get("x-amz-target");
        assert_eq!(target, Some("AWSEvents.PutEvents"));
        let body = request.body().bytes().expect("a body");
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let events = body["Entries"].as_array().expect("entries");
        let entries: Vec<_> = if *self.refusing.lock().expect("not poisoned") {
            events.iter().map(|_| refused()).collect()
        } else {
            let mut told = self.told.lock().expect("not poisoned");
            told.extend(events.iter().cloned());
            events.iter().map(|_| json!({"EventId": "1"})).collect()
        };
        let failed = entries.iter().filter(|entry| **entry == refused()).count();
        json!({"FailedEntryCount": failed, "Entries": entries})
    }
}

fn refused() -> Value {
    json!({"ErrorCode": "ThrottlingException", "ErrorMessage": "Slow down"})
}

impl HttpConnector for EventBus {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = SdkBody::from(self.answer(&request).to_string());
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body)))
    }
}

impl HttpClient for EventBus {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
