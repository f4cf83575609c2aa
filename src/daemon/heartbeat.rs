//! Whether the daemon is alive, for systemd's watchdog. It is not a timer that feeds it: the loop that runs the jobs
//! says here what it does, and only then there is something to feed it with. A loop that no longer comes round, or a run
//! in which nothing happens any more, goes hungry, and systemd starts the daemon anew.

use std::time::{Duration, Instant};

/// How long a run may go on without a sign of life, beside what its requests may take.
const SILENCE: Duration = Duration::from_mins(2);

/// The loop's heart.
#[derive(Debug)]
pub struct Heartbeat {
    /// How often the watchdog wants to be fed, at most; `None`: there is none.
    every: Option<Duration>,
    fed: Option<Instant>,
    /// The run's last sign of life: how far it had come, and when.
    sign: Option<(u64, Instant)>,
}

impl Heartbeat {
    /// A heart that feeds a watchdog which bites after `watchdog`: three times as often, where sd_watchdog_enabled(3) advises
    /// twice, because a meal that is skipped as too early is made up a whole round later.
    pub fn new(watchdog: Option<Duration>) -> Self {
        Self { every: watchdog.map(|bites| bites / 3), fed: None, sign: None }
    }

    /// How often the loop has to come round; `None`: nobody watches.
    pub fn every(&self) -> Option<Duration> {
        self.every
    }

    /// The loop came round between two runs: says whether to feed now.
    pub fn idle(&mut self, now: Instant) -> bool {
        self.sign = None;
        self.feed(now)
    }

    /// The loop came round during a run that has come so far: says whether to feed now. `request` is the longest that one
    /// request of the run may take.
    pub fn running(&mut self, now: Instant, progress: u64, request: Duration) -> bool {
        let since = match self.sign {
            Some((before, since)) if before == progress => since,
            _ => now,
        };
        self.sign = Some((progress, since));
        // A time-out is waited for, and once more before absence is believed.
        let patience = SILENCE + request * 2;
        now.duration_since(since) < patience && self.feed(now)
    }

    fn feed(&mut self, now: Instant) -> bool {
        let Some(every) = self.every else { return false };
        // A timer that is a little early does not skip a meal.
        let due = self.fed.is_none_or(|fed| now.duration_since(fed) >= every.mul_f64(0.9));
        if due {
            self.fed = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const REQUEST: Duration = Duration::from_secs(20);

    #[test]
    fn a_loop_that_comes_round_feeds_twice_as_often_as_the_watchdog_bites() {
        let began = Instant::now();
        let mut heart = Heartbeat::new(Some(SECOND * 20));
        assert_eq!(heart.every(), Some(SECOND * 20 / 3));
        let fed: Vec<u32> = (0..60).filter(|s| heart.idle(began + SECOND * *s)).collect();
        assert!(fed.len() >= 6 && fed.windows(2).all(|pair| pair[1] - pair[0] <= 10), "{fed:?}");
        // A run that begins just before a meal is due comes round a whole while later.
        let mut heart = Heartbeat::new(Some(SECOND * 20));
        let every = heart.every().unwrap_or_default();
        let begins = began + every.mul_f64(0.89);
        assert!(heart.idle(began) && !heart.idle(begins));
        assert!(heart.running(begins + every, 1, REQUEST) && begins + every - began < SECOND * 14);
    }

    #[test]
    fn a_run_in_which_something_happens_may_take_hours() {
        let began = Instant::now();
        let mut heart = Heartbeat::new(Some(SECOND * 20));
        let hours = (0..7200).filter(|s| heart.running(began + SECOND * *s, u64::from(s / 100), REQUEST));
        assert!(hours.count() >= 720);
    }

    #[test]
    fn a_run_in_which_nothing_happens_is_fed_no_longer_than_its_requests_may_take() {
        let began = Instant::now();
        let mut heart = Heartbeat::new(Some(SECOND * 20));
        let fed: Vec<u32> = (0..3600).filter(|s| heart.running(began + SECOND * *s, 7, REQUEST)).collect();
        let last = fed.last().copied().unwrap_or_default();
        assert!((140..160).contains(&last), "{last}");
        assert!(heart.running(began + SECOND * 3700, 8, REQUEST), "it moves again");
        assert!(heart.idle(began + SECOND * 3800), "it ended");
    }

    #[test]
    fn without_a_watchdog_nothing_is_fed() {
        let mut heart = Heartbeat::new(None);
        assert!(!heart.idle(Instant::now()) && !heart.running(Instant::now(), 1, REQUEST));
    }
}
