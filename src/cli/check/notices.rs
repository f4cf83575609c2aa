//! Notifications: whether anybody is told, and whether the way there is open. Nothing is told to try it.

use std::time::Duration;

use super::Check;
use crate::config::Config;
use crate::notify::{Channel, Notices};

/// For each channel.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the channels, at the same time.
pub(super) async fn look(config: &Config) -> Vec<Check> {
    let notices = Notices::new(config);
    let channels = notices.channels();
    if channels.is_empty() {
        let detail = "nobody is told when something waits for a person; see [notify] in sync.toml";
        return vec![Check::ok("notifications", detail)];
    }
    let found = channels.into_iter().map(|channel| {
        let notices = &notices;
        async move { check(channel, notices.reach(channel, PATIENCE).await) }
    });
    futures_util::future::join_all(found).await
}

fn check(channel: Channel, found: Result<String, String>) -> Check {
    let name = channel.name();
    let section = match channel {
        Channel::Webhook => "[notify] webhook",
        Channel::Email => "[notify.email]",
    };
    match found {
        Ok(detail) => Check::ok(name, detail),
        Err(why) => {
            Check::failed(name, why, format!("Check {section} and the network; the sync goes on without it"))
        }
    }
}
