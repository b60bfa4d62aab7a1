//! Works on accepted deliveries: syncs the link of the record that each is about.

#[global_allocator]
static ALLOCATOR: im_runtime::Allocator = im_runtime::Allocator;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), im_runtime::Error> {
    im_runtime::inbound().await
}
