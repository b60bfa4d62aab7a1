//! AWS clients from the environment: ring, static credentials, one HTTP client for all.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, StalledStreamProtectionConfig};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::{SdkConfig, region::Region, sdk_config::SharedHttpClient};

use crate::{Error, http1, roots, trace::traced_aws};

/// An SDK configuration from Lambda's own variables: `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL` where AWS is somewhere else, with `AWS_CA_BUNDLE`: a file in PEM of whom to
/// trust there in place of Amazon's own roots.
///
/// # Errors
/// The file cannot be used.
pub fn config_from_env() -> Result<SdkConfig, Error> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let credentials = Credentials::new(
        variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
        variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let roots = match variable("AWS_CA_BUNDLE") {
        Some(path) => roots::in_file("AWS_CA_BUNDLE", &path)?,
        None => roots::of_aws(),
    };
    let endpoint = variable("AWS_ENDPOINT_URL");
    // One for all AWS clients, with its connections.
    let client = traced_aws(http1::for_aws(http1::trusting(roots)?));
    Ok(config(region, credentials, endpoint, client))
}

/// An SDK configuration from its parts.
pub fn config(
    region: Option<String>,
    credentials: Credentials,
    endpoint: Option<String>,
    http_client: SharedHttpClient,
) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(
            region.unwrap_or_else(|| "us-east-1".to_owned()),
        ))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http_client)
        // Shorter than any function's timeout, with room for the SDK's own retries.
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(1))
                .operation_attempt_timeout(Duration::from_secs(2))
                .operation_timeout(Duration::from_secs(4))
                .build(),
        )
        // It watches over long streams, at every request; ours are over in two seconds, one way or another.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()));
    config.set_endpoint_url(endpoint);
    config.build()
}
