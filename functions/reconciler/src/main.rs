//! The minute tick: picks up what nothing else is working on.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::reconciler().await
}
