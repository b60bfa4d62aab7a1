//! The way to AWS, watched.

use std::{
    fmt,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use crate::{Io, io::AwsFate};

/// Carries requests through [`Io`] to the service behind `inner`.
#[derive(Clone)]
pub struct WatchedAws {
    inner: SharedHttpClient,
    connector: Option<SharedHttpConnector>,
    io: Io,
}

impl WatchedAws {
    /// The same client, watched.
    pub fn client(inner: SharedHttpClient, io: Io) -> SharedHttpClient {
        let connector = None;
        SharedHttpClient::new(Self {
            inner,
            connector,
            io,
        })
    }

    async fn carry(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let Some(connector) = &self.connector else {
            return Err(ConnectorError::other("no connector".into(), None));
        };
        let told = self.io.is_traced().then(|| tell_request(&request));
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let writes = ["PutItem", "UpdateItem", "TransactWriteItems"];
        let writes = writes.iter().any(|operation| target.ends_with(operation));
        let number = self.io.leaves(false).await;
        let fate = self.io.aws_fate();
        if fate == AwsFate::Twice {
            let again = request.try_clone().expect("a body in memory");
            connector.call(again).await?;
        }
        let mut response = match fate {
            AwsFate::Fails => unavailable(),
            _ => connector.call(request).await?,
        };
        if let Some(told) = told {
            let answer = tell_answer(&response);
            let fate = if fate == AwsFate::Fair {
                String::new()
            } else {
                format!(" {fate:?}")
            };
            self.io
                .note(format_args!("{number} {told}{fate} -> {answer}"));
        }
        if writes {
            self.io.wrote();
        }
        if fate == AwsFate::Lost {
            response = unavailable();
        }
        self.io.returns(false, number).await;
        Ok(response)
    }
}

fn unavailable() -> HttpResponse {
    let status = StatusCode::try_from(500).expect("a status");
    let body =
        r#"{"__type":"com.amazonaws.dynamodb#InternalServerError","message":"says the test"}"#;
    HttpResponse::new(status, SdkBody::from(body))
}

fn json(body: &SdkBody) -> Value {
    serde_json::from_slice(body.bytes().unwrap_or_default()).unwrap_or_default()
}

/// Operation and key for the eye, a digest of everything for the comparison.
fn tell_request(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let mut body = json(request.body());
    // Made by the SDK, at random.
    for random in ["ClientRequestToken", "ShardIterator"] {
        if let Some(members) = body.as_object_mut() {
            members.remove(random);
        }
    }
    let parts = |item: &Value| {
        let part = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        format!("{} {}", part("pk"), part("sk"))
    };
    let mut keys = Vec::new();
    for item in [&body["Key"], &body["Item"]] {
        if item.is_object() {
            keys.push(parts(item));
        }
    }
    for write in body["TransactItems"].as_array().into_iter().flatten() {
        for one in write.as_object().into_iter().flatten().map(|(_, one)| one) {
            let item = if one["Key"].is_object() {
                &one["Key"]
            } else {
                &one["Item"]
            };
            keys.push(parts(item));
        }
    }
    if let Some(values) = body["ExpressionAttributeValues"].as_object()
        && keys.is_empty()
    {
        keys.push(canonical(&Value::Object(values.clone())));
    }
    if let Some(message) = body["MessageBody"].as_str() {
        keys.push(message.to_owned());
    }
    format!("{operation} {} #{:08x}", keys.join(" + "), digest(&body))
}

fn tell_answer(response: &HttpResponse) -> String {
    let mut body = json(response.body());
    // The embedded Secrets Manager's are random; DynamoDB's iterators hold the time of day.
    for random in ["ARN", "VersionId", "CreatedDate", "NextShardIterator"] {
        if let Some(members) = body.as_object_mut() {
            members.remove(random);
        }
    }
    let error = body["__type"].as_str().unwrap_or("ok");
    let error = error.rsplit('#').next().unwrap_or_default();
    let reasons = body["CancellationReasons"].as_array().into_iter().flatten();
    let told = [error.to_owned()].into_iter();
    let told = told.chain(reasons.map(|reason| reason["Code"].to_string()));
    let told: Vec<_> = told.collect();
    format!("{} #{:08x}", told.join(" "), digest(&body))
}

/// Members in order, whatever order they came in.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members
                .iter()
                .map(|(name, value)| format!("{name}:{}", canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(canonical).collect::<Vec<_>>().join(",")
            )
        }
        other => other.to_string(),
    }
}

fn digest(value: &Value) -> u32 {
    let mut hasher = DefaultHasher::new();
    canonical(value).hash(&mut hasher);
    u32::try_from(hasher.finish() >> 32).expect("32 bits")
}

impl fmt::Debug for WatchedAws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedAws")
    }
}

impl HttpConnector for WatchedAws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().carry(request))
    }
}

impl HttpClient for WatchedAws {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            connector: Some(self.inner.http_connector(settings, components)),
            ..self.clone()
        })
    }
}
