//! HTTP/1.1, over TLS where the address says so: for AWS, and for a collector of traces. The SDK's own client brings HTTP/2 and
//! more, which nothing here speaks: a tenth of a webhook function.

use std::{fmt, sync::Arc, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
        SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as Tcp},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};

/// A client with its connections; clones share them.
pub(crate) type Http1<B> = Client<HttpsConnector<Tcp>, B>;

/// How long a connection may take to be there, TLS aside.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client that trusts whom these roots certify.
///
/// # Errors
/// This build of TLS has no version that is allowed: none has been seen.
pub(crate) fn trusting<B>(roots: RootCertStore) -> Result<Http1<B>, rustls::Error>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let tls = tls()?.with_root_certificates(roots);
    Ok(client(tls.with_no_client_auth()))
}

/// A client that trusts whom this machine trusts. Where it trusts nobody, what needs TLS is refused when it is sent.
///
/// # Errors
/// As [`trusting`].
pub(crate) fn trusting_as_the_system_does<B>() -> Result<Http1<B>, rustls::Error>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    match tls()?.with_native_roots() {
        Ok(tls) => Ok(client(tls.with_no_client_auth())),
        Err(_) => trusting(RootCertStore::empty()),
    }
}

fn tls() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions()
}

fn client<B>(tls: ClientConfig) -> Http1<B>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build(connector)
}

/// The same for the AWS SDK.
pub(crate) fn for_aws(client: Http1<SdkBody>) -> SharedHttpClient {
    SharedHttpClient::new(Aws(client))
}

#[derive(Clone)]
struct Aws(Http1<SdkBody>);

impl fmt::Debug for Aws {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Aws")
    }
}

impl HttpClient for Aws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => {
                return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into())));
            }
        };
        let sent = self.0.request(request);
        HttpConnectorFuture::new(async move {
            // A connection that could not be made or broke off: the SDK may try another.
            let answer = sent.await;
            let answer = answer.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use aws_sdk_dynamodb::Client as DynamoDb;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";

    /// Answers each connection's requests, hanging up the first so many connections without an answer; says how many
    /// connections and requests there were.
    async fn server(
        hang_up: usize,
        connections: usize,
    ) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move {
            let mut requests = 0;
            for number in 0..connections {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut read = vec![0; 8192];
                while let Ok(length) = stream.read(&mut read).await {
                    if length == 0 || number < hang_up {
                        break;
                    }
                    requests += 1;
                    let written = stream.write_all(ANSWER.as_bytes()).await;
                    written.expect("it listens");
                }
            }
            requests
        });
        (url, serving)
    }

    fn dynamodb(url: String) -> DynamoDb {
        let client = trusting(RootCertStore::empty()).expect("a client");
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = crate::aws::config(None, credentials, Some(url), for_aws(client));
        DynamoDb::new(&config)
    }

    #[tokio::test]
    async fn one_connection_serves_one_request_after_another() {
        let (url, serving) = server(0, 1).await;
        let dynamodb = dynamodb(url);
        for _ in 0..3 {
            dynamodb.list_tables().send().await.expect("answered");
        }
        drop(dynamodb);
        assert_eq!(serving.await.expect("it served"), 3);
    }

    #[tokio::test]
    async fn what_is_cut_off_is_sent_again() {
        let (url, serving) = server(1, 2).await;
        let dynamodb = dynamodb(url);
        dynamodb.list_tables().send().await.expect("answered");
        drop(dynamodb);
        assert_eq!(serving.await.expect("it served"), 1);
    }

    #[tokio::test]
    async fn where_nobody_listens_is_an_error_that_says_so() {
        let dynamodb = dynamodb("http://127.0.0.1:1".to_owned());
        let refused = dynamodb.list_tables().send().await;
        let error = refused.expect_err("nobody listens");
        let text = format!(
            "{}",
            aws_smithy_types::error::display::DisplayErrorContext(&error)
        );
        assert!(text.contains("refused"), "{text}");
    }
}
