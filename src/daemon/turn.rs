//! One run of the daemon: it waits for the lock, runs what is due, learns from how it ended, and tells it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::agenda::Turn;
use super::backoff::{Culprit, News, Seen};
use super::board::Board;
use super::signals::{Wish, until_told};
use super::{Daemon, Served, words};
use crate::notify::what::{DOWN, DatabaseCause};
use crate::store::{Connection, RunLock, StoreError, runs};
use crate::sync::engine::Clock;
use crate::sync::report::Job;
use crate::sync::{RunEnd, RunRequest, end_of};
use crate::systems::Komet as _;

/// How often the lock is tried while another process holds it.
const PAUSE: Duration = Duration::from_millis(250);

/// A lock that is held for longer is worth a line.
const PATIENCE: TimeDelta = TimeDelta::seconds(5);

/// The first and the longest rest after the database refused.
const DATABASE_RESTS: [TimeDelta; 2] = [TimeDelta::seconds(10), TimeDelta::minutes(5)];

impl<S: Served> Daemon<S> {
    /// Runs what is due, whatever becomes of it.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        let lock = match self.lock().await {
            Ok(Some(lock)) => lock,
            // Asked to stop meanwhile.
            Ok(None) => return Ok(()),
            Err(error) => return self.database_refuses(error),
        };
        if let Err(error) = self.heed_others_of_quota().await {
            return self.database_refuses(error);
        }
        // Not before: what became due while the lock was waited for is part of the same run.
        let Some(turn) = self.next_turn() else { return Ok(()) };
        self.take_up()?;
        self.board.run_begins(&turn, self.now());
        let ended = self.run_until_told(&turn).await;
        self.link.put_down()?;
        match ended {
            None => {
                let text = "left before the last answers came: what was sent is on record, and the next run reads back \
                            what became of it";
                log::warn!("{text}");
                self.board.run_ended(&turn, None, self.now(), text.to_owned());
            }
            Some(Err(error)) => {
                self.agenda.put_back(&turn);
                self.board.run_ended(&turn, None, self.now(), "the database refused; see the log".to_owned());
                return self.database_refuses(error);
            }
            Some(Ok(end)) => {
                // One moment for both, so that the try that falls on the time to tell of a failure is not a moment early.
                let now = self.now();
                self.ended(&end, now);
                self.board.run_ended(&turn, Some(&end), now, words::deeds(&end.report));
                if let Some(teller) = &self.teller {
                    teller.run_ended(&end, now).await;
                }
                self.keep_up(&lock).await;
            }
        }
        let _ = self.link.engine().store.rest().await;
        drop(lock);
        if let Some(teller) = &self.teller {
            teller.tell();
        }
        Ok(())
    }

    /// What somebody asked for comes first.
    fn next_turn(&mut self) -> Option<Turn> {
        let now = self.now();
        if self.asked.is_empty() {
            return self.agenda.take(now);
        }
        let asked = std::mem::take(&mut self.asked);
        Some(self.agenda.take_now(asked.into_iter().collect(), now))
    }

    /// What follows from a run, and what is told of it, in one place.
    fn ended(&mut self, end: &RunEnd, now: DateTime<Utc>) {
        let zone = self.zone();
        if let Some((since, _)) = self.refused.take() {
            log::info!("the database can be used again; it had failed since {}", words::time(since, now, zone));
            self.board.database(None);
            if let Some(teller) = &self.teller {
                teller.database_recovers(since, now);
            }
        }
        let seen = Seen::of(end, self.until_reset());
        for news in self.agenda.learn(&seen, now, fastrand::f64()) {
            let text = words::news(&news, now, zone);
            match news {
                News::Began(Culprit::Job(job), _) => log::error!(job = job.name(); "{text}"),
                News::Began(Culprit::System(_), _) => log::error!("{text}"),
                News::Ended(Culprit::Job(job), _) => log::info!(job = job.name(); "{text}"),
                News::Ended(Culprit::System(_), _) => log::info!("{text}"),
            }
        }
        if words::is_worth_a_line(&end.report) {
            log::info!("{}", words::deeds(&end.report));
        }
        self.last = Some(words::last_run(end, zone));
        if !self.stopping {
            self.systemd.status(&self.status());
        }
    }

    /// How long Komet's day of quota still lasts, by Komet's clock.
    fn until_reset(&self) -> Duration {
        let engine = self.link.engine();
        (end_of(engine.komet_day()) - engine.komet_now()).to_std().unwrap_or(Duration::ZERO)
    }

    /// Somebody pays for another user, and a forced `sync` found that Komet answers again: the daemon need not wait either.
    async fn heed_others_of_quota(&mut self) -> Result<(), StoreError> {
        let engine = self.link.engine();
        let reset = self.now() + TimeDelta::from_std(self.until_reset()).unwrap_or_default();
        if self.agenda.awaits_quota(reset) && !engine.is_quota_spent().await? {
            self.agenda.try_now(self.now());
        }
        Ok(())
    }

    /// A forced `sync` found that what is left alone here answers again: it need not wait either.
    pub(super) async fn heed_others(&mut self) {
        let now = self.now();
        let left_alone = self.agenda.left_alone(now);
        if left_alone.is_empty() {
            return;
        }
        let is_read = move |conn: &Connection, job: Job, since: DateTime<Utc>| {
            let last = runs::last(conn, job)?;
            Ok::<_, StoreError>(last.and_then(|last| last.last_success).is_some_and(|at| since < at && at <= now))
        };
        let answers = move |conn: &Connection| {
            for (culprit, tried_at) in left_alone {
                for job in Job::ALL.into_iter().filter(|job| culprit.is_asked_by(*job)) {
                    if is_read(conn, job, tried_at)? {
                        return Ok(true);
                    }
                }
            }
            Ok(false)
        };
        // A database that fails is told of by the next run.
        if self.link.engine().store.read(answers).await.unwrap_or(false) {
            self.agenda.try_now(now);
        }
    }

    /// The run lock; `None` if somebody asks to stop while another process holds it.
    async fn lock(&mut self) -> Result<Option<RunLock>, StoreError> {
        let began = self.now();
        let mut told = false;
        loop {
            if let Some(lock) = RunLock::try_acquire(&self.config.state.path)? {
                self.link.engine().store.is_in_place()?;
                return Ok(Some(lock));
            }
            if !told && self.now() - began >= PATIENCE {
                told = true;
                let holder = RunLock::holder(&self.config.state.path);
                let who =
                    holder.map_or_else(|| "another process".to_owned(), |one| format!("process {}", one.pid));
                log::info!("{who} runs or changes something; the schedule goes on when it has ended");
            }
            if self.heart.idle(Instant::now()) {
                self.systemd.alive();
            }
            self.pause(PAUSE).await;
            if self.stopping {
                return Ok(None);
            }
        }
    }

    /// Runs until the run ends or has to be left. While it goes on the heart beats as long as the run shows signs of life.
    async fn run_until_told(&mut self, turn: &Turn) -> Option<Result<RunEnd, StoreError>> {
        let signs = Arc::new(AtomicU64::new(0));
        let request = request(turn, &signs, &self.board);
        let stop = Arc::clone(&request.stop);
        let longest = self.config.komet.timeout.max(self.config.axerrio.timeout);
        let Self { link, wishes, heart, systemd, reload_asked, stopping, asked, .. } = self;
        let engine = link.engine();
        let every = heart.every();
        let beat = || {
            let requests = engine.komet.requests() + crate::systems::Axerrio::requests(&engine.axerrio);
            if heart.running(Instant::now(), requests + signs.load(Ordering::Relaxed), longest) {
                systemd.alive();
            }
        };
        let run = beating(engine.run(request), &*engine.clock, every, beat);
        let reload = Cell::new(false);
        let more = RefCell::new(BTreeSet::new());
        let signal = async || loop {
            match wishes.recv().await {
                Some(Wish::Reload) => reload.set(true),
                Some(Wish::Sync(jobs)) => more.borrow_mut().extend(jobs),
                Some(Wish::Stop) | None => return,
            }
        };
        let told = || {
            log::info!("stopping after the requests in hand");
            systemd.stopping();
        };
        let ended = until_told(run, &stop, &*engine.clock, signal, told).await;
        *reload_asked |= reload.get();
        asked.extend(more.into_inner());
        *stopping |= stop.load(Ordering::Relaxed);
        ended
    }

    /// The database could not do its part. What passes is waited out; with what does not pass the daemon ends.
    fn database_refuses(&mut self, error: StoreError) -> anyhow::Result<()> {
        let Some(cause) = DatabaseCause::of(&error.fault) else { return Err(error.into()) };
        let now = self.now();
        let (since, tries) = self.refused.unwrap_or((now, 0));
        if tries == 0 {
            log::error!("{error}. Tried again in 10 s, then ever more seldom, at least every 5 minutes");
        }
        self.refused = Some((since, tries + 1));
        self.board.database(Some((since, cause)));
        if let Some(teller) = self.teller.as_ref().filter(|_| now - since >= DOWN) {
            teller.database_fails(since, cause, now);
        }
        self.systemd.status(&self.status());
        let [first, longest] = DATABASE_RESTS;
        self.agenda.rest(now, (first * (1 << tries.min(8))).min(longest));
        Ok(())
    }

    /// Once a day old runs and events are forgotten; a day on which that fails is made up for by the next run.
    async fn keep_up(&mut self, lock: &RunLock) {
        let now = self.now();
        let today = now.date_naive();
        if self.stopping || self.pruned == Some(today) {
            return;
        }
        match self.link.engine().store.upkeep(lock, now, self.config.state.retention).await {
            Ok(done) if done.is_left => {}
            Ok(_) => self.pruned = Some(today),
            Err(error) => log::warn!("old runs and events are kept for now: {error}"),
        }
    }

    /// Lets the people of a simulated world act, where no run does.
    pub(super) async fn let_people_act(&mut self) -> anyhow::Result<()> {
        if let Some(_lock) = self.lock().await? {
            self.take_up()?;
            self.link.put_down()?;
        }
        Ok(())
    }

    fn take_up(&mut self) -> anyhow::Result<()> {
        self.acted = Some(self.now());
        self.link.take_up()
    }
}

/// What is asked of the engine.
fn request(turn: &Turn, signs: &Arc<AtomicU64>, board: &Board) -> RunRequest {
    let (signs, board) = (Arc::clone(signs), board.clone());
    RunRequest {
        jobs: turn.jobs.clone(),
        trigger: if turn.is_asked_for { "page" } else { "schedule" }.to_owned(),
        paced: !(turn.is_trial || turn.is_asked_for),
        listener: Some(Arc::new(move |progress| {
            signs.fetch_add(1, Ordering::Relaxed);
            board.progress(progress);
        })),
        paused: turn.paused.clone(),
        failures_are_told: true,
        ..RunRequest::default()
    }
}

/// Awaits `run`; meanwhile comes round to `beat` as often as the watchdog asks for.
async fn beating<T>(
    run: impl Future<Output = T>,
    clock: &dyn Clock,
    every: Option<Duration>,
    mut beat: impl FnMut(),
) -> T {
    let mut run = pin!(run);
    let Some(every) = every else { return run.await };
    loop {
        tokio::select! {
            biased;
            end = &mut run => return end,
            () = clock.sleep(every) => beat(),
        }
    }
}
