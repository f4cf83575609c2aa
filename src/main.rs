//! The `stemsync` program: everything it does is in the library, so that tests and benches can reach it.

use std::process::ExitCode;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    stemsync::cli::main().await.into()
}
