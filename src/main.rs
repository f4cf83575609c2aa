//! The `stemsync` program: everything it does is in the library, so that tests and benches can reach it.

use std::process::ExitCode;

/// An order's views are built on one thread and written by another; the system's allocator makes those two wait for
/// each other, which cost a fifth of a first sync's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // One thread, beside which the database has one of its own. Several would need floating-point functions to share out their
    // work, and with them half a megabyte of a library in memory; most of the time all wait.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the program cannot start its threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let exit = runtime.block_on(stemsync::cli::main());
    // Whatever still runs is a name that is looked up for nobody any more; that can take the resolver half a minute.
    runtime.shutdown_background();
    exit.into()
}
