//! Telling people what a run brought. It comes after everything else, the report and the run lock included, takes ten
//! seconds at most, and nothing that goes wrong with it changes how the command ends.

use std::time::Duration;

use chrono::Utc;

use crate::cli::output::{Output, complain};
use crate::daemon::signals::Signals;
use crate::notify::{Channel, Delivered, Notices};
use crate::store::{Store, StoreError};

/// For all of it.
const PATIENCE: Duration = Duration::from_secs(10);
/// For one attempt: what becomes of it must still be written down.
const ATTEMPT: Duration = Duration::from_secs(8);

/// Tells what waits in the outbox. A signal ends it at once; what was not told is left to the next run.
pub(super) async fn tell(notices: &Notices, store: &Store, output: Output) {
    let Ok(mut signals) = Signals::listen() else { return };
    let delivered = tokio::select! {
        told = tokio::time::timeout(PATIENCE, notices.deliver(store, ATTEMPT, Utc::now())) => told,
        () = signals.next() => return,
    };
    let untold = match delivered {
        Ok(Ok(delivered)) => failures(&delivered),
        Ok(Err(error)) => {
            log::error!("notifications: {error}");
            vec![error_line(&error)]
        }
        Err(_) => {
            let line = format!("notifications: not done within {} s; the next run goes on", PATIENCE.as_secs());
            log::warn!("{line}");
            vec![line]
        }
    };
    // On a shared terminal the log is off, because the report tells it all; this is not in the report.
    if output.shares_terminal() {
        for line in untold {
            complain(&line);
        }
    }
}

fn failures(delivered: &Delivered) -> Vec<String> {
    let line = |(channel, why): &(Channel, String)| {
        format!("notifications: not told by {}: {why}. It is tried again by a later run", channel.name())
    };
    delivered.failed.iter().map(line).collect()
}

fn error_line(error: &StoreError) -> String {
    format!("notifications: {error}")
}
