//! Notifications: what a person should look at is told, once, to a webhook and by e-mail. `what` decides which events
//! deserve it, `outbox` keeps them in the database until they are told, `digest` words them, `webhook` and `email` carry
//! them. A run only ever writes to the outbox: whatever a channel does, hang, refuse or fail, no job waits for it, no
//! exit status changes, and the other channel does not notice.

mod digest;
mod email;
mod outbox;
mod webhook;
pub mod what;
mod words;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use digest::{Message, News, Origin, compose};
pub use outbox::Channel;

use crate::config::Config;
use crate::reports::words::command;
use crate::store::notices::NoticeRow;
use crate::store::{Store, StoreError};
use crate::sync::RunEnd;
use email::Email;
use outbox::{Claim, Settled};
use webhook::Webhook;
use what::{Notice, Seen};

/// Why a channel did not tell something: a sentence's end, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Failure {
    why: String,
    /// How long it asks to be left alone.
    wait: Option<Duration>,
    /// It was handed over whole, and may have been told all the same.
    is_in_doubt: bool,
}

impl Failure {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), wait: None, is_in_doubt: false }
    }

    fn in_doubt(self) -> Self {
        Self { is_in_doubt: true, ..self }
    }
}

/// How long a channel is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For an attempt, but for the following.
    pub attempt: Duration,
    /// Beside that, for what a mail server says once it has the whole mail. Many have a filter look at it first, and who does not
    /// wait for that sends it again and again (RFC 5321, 4.5.3.2.6).
    pub verdict: Duration,
}

impl Patience {
    /// For all of it.
    pub fn whole(self) -> Duration {
        self.attempt + self.verdict
    }
}

/// Who is told, and how. It owns what it needs of the configuration, so that it can live in a task of its own.
pub struct Notices {
    origin: Origin,
    webhook: Option<Webhook>,
    email: Option<Email>,
}

/// What became of a delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// The channels that told something.
    pub told: Vec<Channel>,
    /// The channels that could not, and why; the log has it already.
    pub failed: Vec<(Channel, String)>,
    /// Those of them that will not try again to tell some of it.
    pub let_be: Vec<Channel>,
    /// When the next attempt may be made, if something waits for one.
    pub next_attempt: Option<DateTime<Utc>>,
}

impl Notices {
    /// For a link.
    pub fn new(config: &Config) -> Self {
        Self {
            origin: origin(config),
            webhook: config.notify.webhook.as_ref().map(Webhook::new),
            email: config.notify.email.as_ref().map(Email::new),
        }
    }

    /// The channels that are configured.
    pub fn channels(&self) -> Vec<Channel> {
        let webhook = self.webhook.as_ref().map(|_| Channel::Webhook);
        webhook.into_iter().chain(self.email.as_ref().map(|_| Channel::Email)).collect()
    }

    /// Puts what a run showed into the outbox. The caller still holds the run lock, so that runs are judged in their
    /// order. Where nobody is to be told, or nothing is new, nothing is written.
    ///
    /// # Errors
    /// Only the database's. Nothing was stored then; the next run notices the same, but for this run's part of a count.
    pub async fn run_ended(&self, store: &Store, end: &RunEnd, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.channels().is_empty() {
            return Ok(());
        }
        let seen = Seen::by(end);
        let rehearsed = seen.clone();
        if store.read(move |conn| outbox::record(conn, &rehearsed, now, true)).await? {
            store.write(move |conn| outbox::record(conn, &seen, now, false)).await?;
        }
        Ok(())
    }

    /// [`Self::run_ended`] for who has nothing else to do about an error than to log it.
    pub async fn record(&self, store: &Store, end: &RunEnd, now: DateTime<Utc>) {
        if let Err(error) = self.run_ended(store, end, now).await {
            log::error!("notifications: nothing new will be told of this run: {error}");
        }
    }

    /// Tells what waits in the outbox, over each channel that may be tried now, at the same time; each within `patience`.
    /// The caller does not hold the run lock.
    ///
    /// Cancelling it at any await loses nothing: what was claimed is tried again once the claim ran out, after `patience`
    /// and half a minute.
    ///
    /// # Errors
    /// Only the database's: what a channel fails at is in the answer, and on the log when it begins and when it is given
    /// up.
    pub async fn deliver(
        &self,
        store: &Store,
        patience: Patience,
        now: DateTime<Utc>,
    ) -> Result<Delivered, StoreError> {
        let channels = self.channels();
        let mut delivered = Delivered::default();
        if channels.is_empty() {
            return Ok(delivered);
        }
        let asked = channels.clone();
        if store.read(move |conn| outbox::is_any_due(conn, &asked, now)).await? {
            let asked = channels.clone();
            let claims = store.write(move |conn| outbox::claim(conn, &asked, now, patience.whole())).await?;
            let attempts = claims.into_iter().map(|claim| self.attempt(store, claim, patience, now));
            for attempt in futures_util::future::join_all(attempts).await {
                let (channel, result, settled) = attempt?;
                match result {
                    Ok(()) => delivered.told.push(channel),
                    Err(Failure { why, .. }) => delivered.failed.push((channel, why)),
                }
                if settled.given_up + settled.left_in_doubt > 0 {
                    delivered.let_be.push(channel);
                }
            }
        }
        delivered.next_attempt = store.read(move |conn| outbox::next_attempt(conn, &channels, now)).await?;
        Ok(delivered)
    }

    /// One channel's attempt, and its end in the database.
    async fn attempt(
        &self,
        store: &Store,
        claim: Claim,
        patience: Patience,
        now: DateTime<Utc>,
    ) -> Result<(Channel, Result<(), Failure>, Settled), StoreError> {
        let channel = claim.channel;
        let count = claim.news.notices.len();
        let result = match compose(&self.origin, &claim.news) {
            Some(message) => self.tell(channel, &message, patience).await,
            None => Ok(()),
        };
        let (channels, end) = (self.channels(), result.clone());
        let settled = store.write(move |conn| outbox::settle(conn, &claim, &end, &channels, now)).await?;
        log(channel, &result, count, settled);
        Ok((channel, result, settled))
    }

    /// Tells over a channel, past the outbox, that the database itself cannot be used, or that it can again. Tries until it is
    /// told, was handed over in doubt as often as anything is, or `is_over`. Says whether it may have been told.
    pub(crate) async fn tell_past_outbox(
        &self,
        channel: Channel,
        notice: &Notice,
        at: DateTime<Utc>,
        patience: Patience,
        is_over: impl Future<Output = ()>,
    ) -> bool {
        let news = News { notices: vec![NoticeRow { id: 0, at, notice: notice.clone() }], holds: Vec::new() };
        let Some(message) = compose(&self.origin, &news) else { return false };
        let mut is_over = pin!(is_over);
        let mut settled = Settled::default();
        let mut doubts = 0;
        loop {
            // Seen to its end, whatever is over meanwhile: who was told is told of that as well.
            let result = self.tell(channel, &message, patience).await;
            settled.attempts = settled.attempts.saturating_add(1);
            doubts += u32::from(result.as_ref().is_err_and(|failure| failure.is_in_doubt));
            settled.left_in_doubt = usize::from(doubts >= outbox::MOST_IN_DOUBT);
            log(channel, &result, 1, settled);
            let Err(failure) = result else { return true };
            if settled.left_in_doubt > 0 {
                return true;
            }
            let pause = outbox::pause(settled.attempts, failure.wait).to_std().unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut is_over => return doubts > 0,
            }
        }
    }

    async fn tell(&self, channel: Channel, message: &Message, patience: Patience) -> Result<(), Failure> {
        match (channel, &self.webhook, &self.email) {
            (Channel::Webhook, Some(webhook), _) => webhook.send(message, patience.attempt).await,
            (Channel::Email, _, Some(email)) => {
                let refused = email.send(message, &self.origin.host, patience).await?;
                if refused > 0 {
                    log::warn!(
                        "notifications: the SMTP server refused {refused} of the receivers, the others have the mail; \
                         see [notify.email] to"
                    );
                }
                Ok(())
            }
            // Only configured channels claim anything.
            (Channel::Webhook | Channel::Email, ..) => Ok(()),
        }
    }

    /// Whether a channel can be reached; nothing is told over it. For people: what was found.
    ///
    /// # Errors
    /// What is wrong, for people.
    pub async fn reach(&self, channel: Channel, patience: Duration) -> Result<String, String> {
        let found = match (channel, &self.webhook, &self.email) {
            (Channel::Webhook, Some(webhook), _) => {
                let found = within(patience, webhook.reach(patience)).await;
                found.map(|()| "its host answers; nothing was posted".to_owned())
            }
            (Channel::Email, _, Some(email)) => {
                let found = within(patience, email.reach(patience)).await;
                found.map(|()| format!("{} answers and would take mail; none was sent", email.place()))
            }
            (Channel::Webhook | Channel::Email, ..) => Ok("not configured".to_owned()),
        };
        found.map_err(|failure| failure.why)
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(late(patience)))
}

fn late(patience: Duration) -> Failure {
    Failure::new(format!("it does not answer within {} s", patience.as_secs()))
}

/// One line when a channel begins to fail, one when something is given up, one when it works again.
fn log(channel: Channel, result: &Result<(), Failure>, count: usize, settled: Settled) {
    let name = channel.name();
    match result {
        Ok(()) => log::info!("notifications: told by {name}"),
        Err(Failure { why, .. }) if settled.given_up > 0 => {
            let (attempts, given_up) = (settled.attempts, settled.given_up);
            log::error!(
                "notifications: gave up telling {given_up} by {name} after {attempts} attempts: {why}. `stemsync holds` \
                 and `stemsync status` tell what waits"
            );
        }
        Err(Failure { why, .. }) if settled.left_in_doubt > 0 => {
            log::error!(
                "notifications: {} perhaps not told by {name}, though handed over {} times: {why}. It is not sent again; \
                 `stemsync holds` and `stemsync status` tell what waits",
                settled.left_in_doubt,
                outbox::MOST_IN_DOUBT,
            );
        }
        Err(Failure { why, is_in_doubt, .. }) if settled.attempts == 1 => {
            let told = if *is_in_doubt { "perhaps not told" } else { "not told" };
            log::warn!("notifications: {count} {told} by {name}: {why}. It is tried again; the sync goes on");
        }
        Err(Failure { why, .. }) => log::debug!("notifications: attempt {} by {name}: {why}", settled.attempts),
    }
}

fn origin(config: &Config) -> Origin {
    let link = config.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    // The only link of a machine is `sync.toml`.
    let link = link.filter(|link| link != "sync");
    let file = std::path::absolute(&config.file).unwrap_or_else(|_| config.file.clone());
    Origin {
        host: host(),
        command: if link.is_some() { command(&file) } else { "stemsync".to_owned() },
        link: link.map(|link| words::id(&link)),
        zone: config.jobs.timezone,
    }
}

/// The machine's name, as it may stand in a mail's head.
fn host() -> String {
    // Asked of the kernel itself: the units see no /proc/sys (`ProcSubset=pid`).
    let system = rustix::system::uname();
    let name = system.nodename().to_string_lossy();
    let name: String =
        name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
