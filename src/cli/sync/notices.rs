//! Telling people what a run brought. It comes after everything else, the report and the run lock included, ends within the
//! time that is set for it here, and nothing that goes wrong with it changes how the command ends.

use std::time::Duration;

use chrono::Utc;

use crate::cli::output::{Output, complain};
use crate::daemon::signals::Signals;
use crate::notify::{Channel, Delivered, Notices, Patience};
use crate::store::{Store, StoreError};

/// Where a person waits for the prompt.
const ATTENDED: Duration = Duration::from_secs(8);
/// Where a timer or cron runs it.
const UNATTENDED: Duration = Duration::from_secs(30);
/// Once a mail server has the mail, a person waits for its word, too.
const VERDICT: Duration = Duration::from_secs(30);
/// What became of an attempt must still be written down.
const IN_WRITING: Duration = Duration::from_secs(2);

/// Tells what waits in the outbox. A signal ends it at once; what was not told is left to the next run.
pub(super) async fn tell(notices: &Notices, store: &Store, output: Output, is_paced: bool) {
    let patience = Patience { attempt: if is_paced { UNATTENDED } else { ATTENDED }, verdict: VERDICT };
    let whole = patience.whole() + IN_WRITING;
    let Ok(mut signals) = Signals::listen() else { return };
    let delivered = tokio::select! {
        told = tokio::time::timeout(whole, notices.deliver(store, patience, Utc::now())) => told,
        () = signals.next() => return,
    };
    let untold = match delivered {
        Ok(Ok(delivered)) => failures(&delivered),
        Ok(Err(error)) => {
            log::error!("notifications: {error}");
            vec![error_line(&error)]
        }
        Err(_) => {
            let line = format!("notifications: not done within {} s; the next run goes on", whole.as_secs());
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
        let next = if delivered.let_be.contains(channel) {
            "It is not sent again; `stemsync holds` and `stemsync status` tell what waits"
        } else {
            "It is tried again by a later run"
        };
        format!("notifications: not told by {}: {why}. {next}", channel.name())
    };
    delivered.failed.iter().map(line).collect()
}

fn error_line(error: &StoreError) -> String {
    format!("notifications: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_it_is_tried_again_is_said_of_each_channel() {
        let failed = [Channel::Webhook, Channel::Email].map(|channel| (channel, "it is late".to_owned()));
        let delivered =
            Delivered { failed: failed.to_vec(), let_be: vec![Channel::Email], ..Delivered::default() };
        let [webhook, email] = &failures(&delivered)[..] else { panic!("one line each") };
        assert!(
            webhook.ends_with("not told by webhook: it is late. It is tried again by a later run"),
            "{webhook}"
        );
        assert!(
            email.contains("not told by e-mail: it is late. It is not sent again; `stemsync holds`"),
            "{email}"
        );
    }
}
