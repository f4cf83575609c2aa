//! Whether a refused write is its own trouble, or that of all of them. Komet may refuse one in words that speak of the token, or of a
//! limit: each method is allowed by itself, somebody may not be authorized to what one order asks for, and a limit may be of the
//! trade. That is no reason to leave all other orders alone, so a read is asked: where it is answered, the token is good and the
//! day's quota lasts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as Turn;

use super::verdict;
use crate::systems::Fault;

/// For so many seconds a token that may read is good, and a quota of which a read was taken lasts: where that changes the next read
/// tells of it anyway.
const GOOD_FOR: i64 = 3600;

/// For so many seconds no write asks again for what was refused to a read.
const BAD_FOR: i64 = 10;

/// For so many seconds a method that is refused to the token is not asked for again: every order waits for it, and each request
/// counts.
const REFUSED_FOR: i64 = 60;

/// What is known of Komet's refusals, all times by its clock, in seconds.
#[derive(Default)]
pub(super) struct Refusals {
    token: Known,
    quota: Known,
    /// Methods that are refused to the token: when that was, and in which words.
    methods: Mutex<BTreeMap<&'static str, (i64, String)>>,
}

/// What a read showed after a write had been refused. Of several writes at once one asks.
#[derive(Default)]
struct Known {
    turn: Turn<()>,
    good_until: AtomicI64,
    bad_until: AtomicI64,
}

impl Refusals {
    /// In which words the method was just refused to the token.
    pub(super) fn of_method(&self, method: &str, now: i64) -> Option<String> {
        let methods = self.methods();
        let (_, why) = methods.get(method).filter(|(at, _)| (0..REFUSED_FOR).contains(&(now - at)))?;
        Some(why.clone())
    }

    /// A write was done: its method is allowed.
    pub(super) fn passed(&self, method: &str) {
        self.methods().remove(method);
    }

    /// A read was refused.
    pub(super) fn read_failed(&self, fault: &Fault) {
        if let Some(known) = self.known(fault) {
            known.good_until.store(0, Ordering::Relaxed);
        }
    }

    /// What a write's `fault` is once it is known whose it is; `reads` answers whether Komet answers a read.
    pub(super) async fn judge(
        &self,
        method: &'static str,
        fault: Fault,
        now: impl Fn() -> Option<i64>,
        reads: impl AsyncFnOnce() -> bool,
    ) -> Fault {
        let Some(known) = self.known(&fault) else { return fault };
        if !known.is_good(&now, reads).await {
            return fault;
        }
        match fault {
            Fault::Unauthorized(why) => {
                if let Some(now) = now().filter(|_| verdict::is_of_the_method(&why)) {
                    self.methods().insert(method, (now, why.clone()));
                }
                Fault::Rejected(why)
            }
            Fault::QuotaSpent(why) => Fault::Rejected(why),
            other => other,
        }
    }

    fn known(&self, fault: &Fault) -> Option<&Known> {
        match fault {
            Fault::Unauthorized(_) => Some(&self.token),
            Fault::QuotaSpent(_) => Some(&self.quota),
            _ => None,
        }
    }

    fn methods(&self) -> MutexGuard<'_, BTreeMap<&'static str, (i64, String)>> {
        self.methods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    async fn is_good(&self, now: impl Fn() -> Option<i64>, reads: impl AsyncFnOnce() -> bool) -> bool {
        let _turn = self.turn.lock().await;
        let is_before = |until: &AtomicI64| now().is_some_and(|now| now < until.load(Ordering::Relaxed));
        if is_before(&self.good_until) || is_before(&self.bad_until) {
            return is_before(&self.good_until);
        }
        let is_answered = reads().await;
        let (until, time) = if is_answered { (&self.good_until, GOOD_FOR) } else { (&self.bad_until, BAD_FOR) };
        until.store(now().map_or(0, |now| now + time), Ordering::Relaxed);
        is_answered
    }
}
