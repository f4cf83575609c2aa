//! Wrong passwords. Each counts before it is known to be wrong, so that many at once are no more than many in a row; from the
//! fifth on whoever guesses waits, each time twice as long, and what he types meanwhile is not even looked at. Guesses from
//! everywhere together have a limit of their own. Decided from the guesses and the time alone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Free guesses: people mistype.
const FREE: u32 = 4;

/// Free guesses of everybody together.
const FREE_OF_ALL: u32 = 40;

/// The first wait, and the longest; between them it doubles.
const WAITS: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(15)];

/// After so long without a guess nothing is remembered.
const MEMORY: Duration = Duration::from_hours(1);

/// Peers that are remembered.
const MOST: usize = 1024;

/// Who guessed how often.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    peers: BTreeMap<IpAddr, Tries>,
    all: Tries,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tries {
    count: u32,
    last: Option<Instant>,
    until: Option<Instant>,
}

impl Tries {
    fn wait(&self, now: Instant) -> Option<Duration> {
        self.until.and_then(|until| until.checked_duration_since(now)).filter(|wait| !wait.is_zero())
    }

    fn add(&mut self, now: Instant, free: u32) {
        if self.last.is_some_and(|last| now.duration_since(last) > MEMORY) {
            *self = Self::default();
        }
        self.count += 1;
        self.last = Some(now);
        if self.count > free {
            let [first, longest] = WAITS;
            let wait = first.saturating_mul(1 << (self.count - free - 1).min(8)).min(longest);
            self.until = Some(now + wait);
        }
    }
}

impl Guesses {
    /// Somebody is about to guess.
    ///
    /// # Errors
    /// How long he has to wait before he may.
    pub(super) fn begin(&mut self, peer: IpAddr, now: Instant) -> Result<(), Duration> {
        let of_peer = self.peers.get(&peer).and_then(|tries| tries.wait(now));
        if let Some(wait) = of_peer.max(self.all.wait(now)) {
            return Err(wait);
        }
        self.peers.retain(|_, tries| tries.last.is_some_and(|last| now.duration_since(last) <= MEMORY));
        if self.peers.len() >= MOST
            && let Some(oldest) = self.peers.iter().min_by_key(|(_, tries)| tries.last).map(|(peer, _)| *peer)
        {
            self.peers.remove(&oldest);
        }
        self.peers.entry(peer).or_default().add(now, FREE);
        self.all.add(now, FREE_OF_ALL);
        Ok(())
    }

    /// It was right.
    pub(super) fn was_right(&mut self, peer: IpAddr) {
        self.peers.remove(&peer);
        self.all = Tries { count: self.all.count.saturating_sub(1), until: None, ..self.all };
    }

    /// It was wrong: how long he has to wait now, if at all.
    pub(super) fn was_wrong(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        self.peers.get(&peer).and_then(|tries| tries.wait(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    #[test]
    fn the_fifth_wrong_guess_is_slowed_and_each_further_one_twice_as_long() {
        let began = Instant::now();
        let mut guesses = Guesses::default();
        for _ in 0..4 {
            assert!(guesses.begin(peer(1), began).is_ok() && guesses.was_wrong(peer(1), began).is_none());
        }
        assert!(guesses.begin(peer(1), began).is_ok());
        assert_eq!(guesses.was_wrong(peer(1), began), Some(Duration::from_secs(30)));
        assert_eq!(
            guesses.begin(peer(1), began),
            Err(Duration::from_secs(30)),
            "even the right one is not looked at"
        );
        assert!(guesses.begin(peer(2), began).is_ok(), "somebody else is not kept out");
        let later = began + Duration::from_secs(30);
        assert!(guesses.begin(peer(1), later).is_ok());
        assert_eq!(guesses.was_wrong(peer(1), later), Some(Duration::from_mins(1)));
    }

    #[test]
    fn a_day_of_guessing_from_one_place_is_a_hundred_tries() {
        let began = Instant::now();
        let mut guesses = Guesses::default();
        let tries = (0..86_400).filter(|s| guesses.begin(peer(1), began + Duration::from_secs(*s)).is_ok());
        assert!(tries.count() < 120);
    }

    #[test]
    fn many_places_together_have_a_limit_and_little_memory() {
        let began = Instant::now();
        let mut guesses = Guesses::default();
        let many = (0..4000u32).map(|n| IpAddr::from(n.to_be_bytes()));
        let tries = many.filter(|peer| guesses.begin(*peer, began).is_ok()).count();
        assert!((20..50).contains(&tries), "{tries}");
        assert!(guesses.peers.len() <= MOST);
    }

    #[test]
    fn whoever_gets_it_right_starts_anew() {
        let now = Instant::now();
        let mut guesses = Guesses::default();
        for _ in 0..10 {
            for _ in 0..4 {
                assert!(guesses.begin(peer(1), now).is_ok());
            }
            guesses.was_right(peer(1));
        }
    }
}
