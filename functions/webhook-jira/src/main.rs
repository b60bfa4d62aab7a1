//! Verifies Jira webhooks and stores them as deliveries.

#[global_allocator]
static ALLOCATOR: im_runtime::Allocator = im_runtime::Allocator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::webhook(im_runtime::IntegrationType::Jira).await
}
