//! Verifies Jira webhooks and stores them as deliveries.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::webhook(im_runtime::IntegrationType::Jira).await
}
