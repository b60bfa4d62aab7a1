//! Works on changed incidents: syncs each link that is owed the change.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::outbound().await
}
