//! Works on changed incidents: syncs each link that is owed the change.

#[global_allocator]
static ALLOCATOR: im_runtime::Allocator = im_runtime::Allocator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::outbound().await
}
