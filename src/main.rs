//! The `stemsync` program: everything it does is in the library, so that tests and benches can reach it.

use std::process::ExitCode;

/// An order's views are built on one thread and written by another; the system's allocator makes those two wait for
/// each other, which cost a fifth of a first sync's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    stemsync::cli::main().await.into()
}
