//! The minute tick: picks up what nothing else is working on.

#[global_allocator]
static ALLOCATOR: im_runtime::Allocator = im_runtime::Allocator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::reconciler().await
}
