//! What can go wrong on the way to a simulated system and back, injected request by request, and the log of what
//! was asked. Faults and log live beside the model's state and are not saved with it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::systems::System;

/// Something that goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request takes effect, then the connection closes without an answer.
    AnswerLost,
    /// The connection closes; nothing happened.
    RefusedBefore,
    /// No answer for this long (longer than the client waits), then the connection closes.
    Hang {
        /// How long the connection stays open.
        open_for: Duration,
        /// What becomes of the request.
        effect: Effect,
    },
    /// Another HTTP answer in place of the system's; nothing happened.
    Http {
        /// The status code.
        status: u16,
        /// The body, sent as `application/json`.
        body: String,
        /// Further headers.
        headers: Vec<(String, String)>,
    },
    /// A proxy's HTML error page with this status; nothing happened.
    Html(u16),
    /// The request takes effect; the answer breaks off in the middle.
    Truncated,
    /// HTTP 429 with `Retry-After` in whole seconds; nothing happened.
    Throttle(Duration),
    /// The request takes effect; the answer is JSON of the wrong shape.
    Malformed,
    /// The request takes effect; the answer is not JSON.
    NotJson,
    /// The request arrives twice; what is answered is what the second one came to.
    DeliveredTwice,
}

/// What becomes of a request that hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Never,
    /// It is done at once.
    Done,
    /// It is done when [`World::release_delayed`](super::World::release_delayed) is called: after the client gave up.
    Late,
}

/// Which requests a fault is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Which system.
    pub system: System,
    /// The method, as in [`RequestRecord::method`]; `None` for every method.
    pub method: Option<String>,
    /// How many matching requests pass unharmed first.
    pub after: u32,
    /// How many requests in a row it hits.
    pub times: u32,
}

impl Target {
    /// The next request of this method.
    pub fn next(system: System, method: &str) -> Self {
        Self { system, method: Some(method.to_owned()), after: 0, times: 1 }
    }

    /// The next request to this system.
    pub fn any(system: System) -> Self {
        Self { system, method: None, after: 0, times: 1 }
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    /// Hits so many requests in a row.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }
}

/// The faults that wait for their request.
#[derive(Default)]
pub(super) struct FaultQueue(Vec<(Target, Fault)>);

impl FaultQueue {
    pub(super) fn push(&mut self, target: Target, fault: Fault) {
        if target.times > 0 {
            self.0.push((target, fault));
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The fault for this request. Every waiting target that matches counts the request, the first due one is taken.
    pub(super) fn take(&mut self, system: System, method: &str) -> Option<Fault> {
        let mut hit = None;
        for (at, (target, fault)) in self.0.iter_mut().enumerate() {
            if target.system != system || target.method.as_deref().is_some_and(|m| m != method) {
                continue;
            }
            if target.after > 0 {
                target.after -= 1;
            } else if hit.is_none() {
                target.times -= 1;
                hit = Some((at, fault.clone(), target.times == 0));
            }
        }
        let (at, fault, spent) = hit?;
        if spent {
            self.0.remove(at);
        }
        Some(fault)
    }
}

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Which system.
    pub system: System,
    /// Komet's method (`prebook.create`) or Axerrio's call (`PUT orders/by-ref/{externalRef}`); `?` if unknown.
    pub method: &'static str,
    /// Whether it may change something.
    pub is_write: bool,
    /// Size of the body in bytes.
    pub bytes: usize,
}

/// Totals of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MethodCount {
    /// Requests.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// The largest body in bytes.
    pub largest: usize,
}

/// What was asked, newest last. Only the last 10,000 requests are kept one by one; totals count them all.
#[derive(Clone, Debug, Default)]
pub struct RequestLog {
    /// The last requests, oldest first.
    pub recent: VecDeque<RequestRecord>,
    /// Totals by system and method.
    pub totals: BTreeMap<(System, &'static str), MethodCount>,
    /// Requests that may change something, by system.
    pub writes: BTreeMap<System, u64>,
}

/// How many requests are kept one by one.
const RECENT: usize = 10_000;

impl RequestLog {
    pub(super) fn record(&mut self, record: RequestRecord) {
        let total = self.totals.entry((record.system, record.method)).or_default();
        total.requests += 1;
        total.bytes += record.bytes as u64;
        total.largest = total.largest.max(record.bytes);
        if record.is_write {
            *self.writes.entry(record.system).or_default() += 1;
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(record);
    }

    /// Requests of one method.
    pub fn count(&self, system: System, method: &str) -> u64 {
        self.totals.iter().filter(|((s, m), _)| *s == system && *m == method).map(|(_, c)| c.requests).sum()
    }

    /// Requests to one system.
    pub fn of(&self, system: System) -> u64 {
        self.totals.iter().filter(|((s, _), _)| *s == system).map(|(_, c)| c.requests).sum()
    }

    /// Requests to both systems that may change something.
    pub fn writes(&self) -> u64 {
        self.writes.values().sum()
    }
}
