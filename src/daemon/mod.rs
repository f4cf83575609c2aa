//! The daemon: every job on its schedule, until somebody asks it to stop. It is one loop: it looks what is due, runs it under
//! the run lock, tells what came of it, and sleeps. What goes on beside it decides nothing: notifications are sent, signals
//! heard, and the alarm wakes it. What it decides is decided by pure parts, so that months of it can be played in a test; time,
//! systems and signals come in through ports.
//!
//! - [`schedule`]: when a job is due. [`backoff`]: what is left alone for a while. [`agenda`]: what to run next.
//! - [`turn`]: one run, from the lock to what is told of it. [`teller`]: notifications. [`reload`]: another configuration.
//! - [`board`]: what the page shows of all this. [`alarm`]: the cron crate. [`signals`]: what is asked for from outside. [`heartbeat`], [`systemd`]: the service
//!   manager and its watchdog. [`words`]: the sentences.

pub mod agenda;
pub mod alarm;
pub mod backoff;
pub mod board;
pub mod heartbeat;
mod reload;
pub mod schedule;
pub mod signals;
pub mod systemd;
mod teller;
mod turn;
pub mod words;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::config::Config;
use crate::store::{StoreError, runs};
use crate::sync::engine::Engine;
use crate::sync::report::Job;
use crate::systems::{Axerrio, Komet};
use agenda::Agenda;
use alarm::Alarm;
use board::Board;
use heartbeat::Heartbeat;
use signals::Wish;
use systemd::Systemd;
use teller::Teller;

/// The loop looks around at least this often, whatever is due: a clock may have been set, or the machine suspended.
const LOOK: Duration = Duration::from_secs(30);

/// A clock that steps back by less is put right all the time, where one is kept by the network.
const SET_BACK: TimeDelta = TimeDelta::minutes(1);

/// What the alarm may be late: it looks at the clock twice a second.
const ALARM_IS_LATE: Duration = Duration::from_secs(1);

/// Between two runs the lock is free for so long: whoever waits for it looks ten times a second.
const BREATH: Duration = Duration::from_millis(300);

/// The link that a daemon serves.
pub trait Served {
    /// The importer's system.
    type Komet: Komet;
    /// The vendor's.
    type Axerrio: Axerrio;

    /// What runs.
    fn engine(&self) -> &Engine<Self::Komet, Self::Axerrio>;

    /// How often people act where both systems are simulated; `None` where people are real.
    fn pace(&self) -> Option<TimeDelta>;

    /// Under the run lock, before a run and at people's pace: a simulated world is taken up as the last process left it,
    /// and its people act.
    fn take_up(&mut self) -> anyhow::Result<()>;

    /// Under the run lock, after that: the simulated world is written down.
    fn put_down(&mut self) -> anyhow::Result<()>;

    /// Goes on with another configuration, on the same database. On an error it goes on as it was.
    fn reconfigure(&mut self, config: &Config) -> impl Future<Output = anyhow::Result<()>>;
}

/// The daemon.
pub struct Daemon<S> {
    link: S,
    /// The one in force. Its `state.path` never changes.
    config: Arc<Config>,
    board: Board,
    agenda: Agenda,
    /// What somebody wants run now.
    asked: BTreeSet<Job>,
    /// `None` where nothing but the loop's own looking around wakes it.
    alarm: Option<Alarm>,
    wishes: UnboundedReceiver<Wish>,
    systemd: Systemd,
    heart: Heartbeat,
    /// The configuration is to be read again once nothing runs.
    reload_asked: bool,
    stopping: bool,
    /// Since when the database refuses, and how often in a row.
    refused: Option<(DateTime<Utc>, u32)>,
    /// The last run, in words.
    last: Option<String>,
    /// The day on which old runs were last forgotten.
    pruned: Option<NaiveDate>,
    /// `None` where nobody is to be told.
    teller: Option<Teller>,
    /// When the people of a simulated world acted last.
    acted: Option<DateTime<Utc>>,
    /// What the clock said when the loop came round last.
    looked_at: DateTime<Utc>,
}

impl<S: Served> Daemon<S> {
    /// A daemon that has not begun. The caller holds the daemon lock and opened the database.
    pub async fn new(
        link: S,
        config: Config,
        alarm: Option<Alarm>,
        wishes: UnboundedReceiver<Wish>,
    ) -> Result<Self, StoreError> {
        let ran = link
            .engine()
            .store
            .read(|conn| {
                let mut ran = Vec::new();
                for job in Job::ALL {
                    // What failed is tried at once, as if it had never run.
                    ran.push(runs::last(conn, job)?.filter(|last| last.succeeded).map(|last| last.last_run));
                }
                Ok(ran)
            })
            .await?;
        let ran = |job: Job| Job::ALL.iter().position(|one| *one == job).and_then(|at| ran[at]);
        let teller = Teller::start(&config, &link.engine().store);
        let now = link.engine().clock.now();
        let agenda = Agenda::new(&config.jobs, now, ran);
        let config = Arc::new(config);
        Ok(Self {
            link,
            board: Board::new(Arc::clone(&config)),
            config,
            agenda,
            asked: BTreeSet::new(),
            alarm,
            wishes,
            systemd: Systemd::default(),
            heart: Heartbeat::new(Systemd::watchdog()),
            reload_asked: false,
            stopping: false,
            refused: None,
            last: None,
            pruned: None,
            teller,
            acted: None,
            looked_at: now,
        })
    }

    /// What is due, and when.
    pub fn agenda(&self) -> &Agenda {
        &self.agenda
    }

    /// What whoever watches may see.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Lives until it is asked to stop.
    ///
    /// Guarantees: one run at a time, each under the run lock; a request in hand when it is asked to stop is on record.
    ///
    /// # Errors
    /// Where going on would be pointless: a database that is damaged or gone. Everything else is told and outlived.
    pub async fn live(mut self) -> anyhow::Result<()> {
        self.set_alarm().await;
        // A restart asks once more, as a forced `sync` does: somebody may have paid for another user.
        if let Err(error) = self.link.engine().doubt_spent_quota().await {
            log::warn!("{error}");
        }
        log::info!("started; {}", words::next(&self.agenda, self.now(), self.zone()));
        self.systemd.ready(&self.status());
        while !self.stopping {
            if self.heart.idle(Instant::now()) {
                self.systemd.alive();
            }
            if std::mem::take(&mut self.reload_asked) {
                self.reload().await;
                continue;
            }
            self.set_alarm().await;
            self.heed_others().await;
            let now = self.now();
            self.heed_clock(now);
            if !self.asked.is_empty() || self.agenda.look(now) {
                self.run().await?;
                self.pause(BREATH).await;
            } else if self.people_are_due() {
                self.let_people_act().await?;
            } else {
                self.rest(self.idle_for()).await;
            }
        }
        self.systemd.stopping();
        log::info!("stopped");
        Ok(())
    }

    /// Sleeps; wakes when somebody asks for something or the alarm rings.
    async fn rest(&mut self, time: Duration) {
        let rung = async {
            match &self.alarm {
                Some(alarm) => alarm.rung().await,
                None => std::future::pending().await,
            }
        };
        let wish = tokio::select! {
            biased;
            wish = self.wishes.recv() => wish,
            () = rung => return,
            () = self.link.engine().clock.sleep(time) => return,
        };
        self.heed(wish);
    }

    /// Sleeps, whatever is due; wakes when somebody asks for something.
    async fn pause(&mut self, time: Duration) {
        let wish = tokio::select! {
            biased;
            wish = self.wishes.recv() => wish,
            () = self.link.engine().clock.sleep(time) => return,
        };
        self.heed(wish);
    }

    /// Takes to heart what was asked, with all that was asked besides: one run serves it all.
    fn heed(&mut self, wish: Option<Wish>) {
        let mut next = wish;
        loop {
            match next {
                Some(Wish::Reload) => self.reload_asked = true,
                Some(Wish::Sync(jobs)) => self.asked.extend(jobs),
                // Nobody is left who could ask: nobody could stop it either.
                Some(Wish::Stop) | None => self.stopping = true,
            }
            match self.wishes.try_recv() {
                Ok(wish) => next = Some(wish),
                Err(_) => return,
            }
        }
    }

    /// A clock that was set back is worth a line: what the log tells next seems to be older than what it told before.
    fn heed_clock(&mut self, now: DateTime<Utc>) {
        let back = self.looked_at - now;
        if back >= SET_BACK {
            let minutes = back.num_minutes();
            log::warn!("the clock was set back by {minutes} min; the jobs run on by what it says now");
        }
        self.looked_at = now;
    }

    /// How long nothing is due, for all that is known.
    fn idle_for(&self) -> Duration {
        let now = self.now();
        let late = if self.alarm.is_some() { ALARM_IS_LATE } else { Duration::ZERO };
        let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or(Duration::ZERO);
        let due = self.agenda.next(now).map(|at| until(at) + late);
        let people = self.link.pace().and_then(|pace| Some(until(self.acted? + pace)));
        [due, people, self.heart.every()].into_iter().flatten().fold(LOOK, Duration::min)
    }

    /// The alarm rings by the schedule in force and by the clock as it is now. Without it the loop looks for itself.
    async fn set_alarm(&mut self) {
        let now = self.now();
        let Some(alarm) = &mut self.alarm else { return };
        if let Err(error) = alarm.keep_up(&self.config.jobs, now).await {
            log::warn!("the alarm cannot be set ({error}); jobs run all the same, up to a second late");
            self.alarm = None;
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.link.engine().clock.now()
    }

    fn zone(&self) -> crate::domain::Zone {
        self.config.jobs.timezone
    }

    fn status(&self) -> String {
        words::status(
            self.last.as_deref(),
            self.refused.map(|(since, _)| since),
            &self.agenda,
            self.now(),
            self.zone(),
        )
    }

    fn people_are_due(&self) -> bool {
        let now = self.now();
        let Some(pace) = self.link.pace() else { return false };
        self.acted.is_none_or(|acted| now >= acted + pace || now < acted)
    }
}
