//! A network, three clocks and everything that goes wrong on the way, drawn from one seed. A request arrives at the
//! world at one moment and its answer at another; in between other requests arrive, people act, or the process dies.
//! Time passes only when nothing else can be done.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use axum::http::Uri;
use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;
use stemsync::sandbox::{Outcome, Reply, Request, World};
use stemsync::sync::engine::Clock;
use stemsync::systems::network::{Network, Pending, Received, Sent};
use stemsync::systems::{Fault, System};

use crate::deeds::Deed;
use crate::standing::People;

/// How long a client waits for an answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// What can go wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mishap {
    RefusedBefore,
    BrokenBefore,
    AnswerLost,
    TimeoutNoEffect,
    TimeoutEffectAtOnce,
    TimeoutEffectLate,
    DeliveredTwice,
    Throttled,
    QuotaSpent,
    ServerErrorBefore,
    ServerErrorAfter,
    WebPageBefore,
    WebPageAfter,
    /// What stands before the system waits no longer, and the system goes on.
    GatewayGaveUp,
    Truncated,
    Malformed,
    NotJson,
    Slow,
    /// The same page or method fails as often as it is asked in this run.
    MethodDown,
}

impl Mishap {
    const DRAWN: [Self; 18] = [
        Self::RefusedBefore,
        Self::BrokenBefore,
        Self::AnswerLost,
        Self::TimeoutNoEffect,
        Self::TimeoutEffectAtOnce,
        Self::TimeoutEffectLate,
        Self::DeliveredTwice,
        Self::Throttled,
        Self::QuotaSpent,
        Self::ServerErrorBefore,
        Self::ServerErrorAfter,
        Self::WebPageBefore,
        Self::WebPageAfter,
        Self::GatewayGaveUp,
        Self::Truncated,
        Self::Malformed,
        Self::NotJson,
        Self::Slow,
    ];
}

/// What the network is like during a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    /// How many of 1000 requests meet a mishap.
    pub(crate) mishaps: u32,
    /// A method that fails whenever it is asked, by a part of its name.
    pub(crate) down: Option<&'static str>,
}

/// How many events came before the process was killed, or that it was not.
pub(crate) enum End<T> {
    Done(T),
    Killed,
}

/// The network, the clocks and both systems.
pub(crate) struct Net {
    state: Mutex<State>,
    woken: Arc<Woken>,
}

pub(crate) struct State {
    /// The true time.
    pub(crate) now: DateTime<Utc>,
    pub(crate) world: World,
    pub(crate) dice: Rng,
    /// How far the clocks of Komet, Axerrio and stemsync are ahead of the true time.
    pub(crate) skew: [TimeDelta; 3],
    pub(crate) weather: Weather,
    /// What people do while a run is under way.
    pub(crate) meanwhile: VecDeque<Deed>,
    /// What happened, for whoever replays a life.
    pub(crate) story: Option<Vec<String>>,
    pub(crate) mishaps: BTreeMap<Mishap, u64>,
    /// The POs that procurement had decided about when the run began.
    pub(crate) decided: BTreeSet<u64>,
    /// Lines that a run sent a deletion for although their PO was among those.
    pub(crate) cut: Vec<u64>,
    /// What is none of stemsync's business, as its people made it.
    pub(crate) strangers: Strangers,
    /// What people did that neither system shows afterwards.
    pub(crate) people: People,
    /// Items that a rep moved to another ship date.
    pub(crate) dated: BTreeSet<u64>,
    /// Items that a rep gave another product.
    pub(crate) renamed: BTreeSet<u64>,
    /// Items that a rep moved to another Prebook.
    pub(crate) moved: BTreeSet<u64>,
    events: BinaryHeap<Reverse<(DateTime<Utc>, u32, usize)>>,
    tickets: Vec<Option<Ticket>>,
    free: Vec<usize>,
}

/// Another vendor's Prebooks with their items and boxes, and POs for stock with their lines and boxes.
#[derive(Default)]
pub(crate) struct Strangers {
    pub(crate) prebooks: Vec<(u64, Vec<(u64, u32)>)>,
    pub(crate) stock: Vec<(u64, Vec<(u64, u32)>)>,
}

/// Something that is to happen.
enum Ticket {
    /// A request reaches its system; its answer goes back unless nobody waits for it.
    Arrive { request: Request, answer: Option<Way> },
    /// An answer, or the lack of one, reaches the client.
    Deliver { slot: Arc<Slot>, what: Result<Received, Fault> },
    /// Somebody waited for this moment.
    Ring(Arc<Slot>),
}

/// How an answer goes back.
struct Way {
    slot: Arc<Slot>,
    back: TimeDelta,
    spoilt: Option<Mishap>,
    /// A second delivery's answer counts for nothing.
    again: Option<(Request, TimeDelta)>,
}

type Answered = Option<Result<Received, Fault>>;

#[derive(Default)]
struct Slot(Mutex<(Answered, bool, Option<Waker>)>);

impl Slot {
    fn fill(&self, what: Answered) {
        let mut slot = lock(&self.0);
        slot.0 = what;
        slot.1 = true;
        if let Some(waker) = slot.2.take() {
            waker.wake();
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn at(&mut self, after: TimeDelta, ticket: Ticket) {
        let id = self.free.pop().unwrap_or_else(|| {
            self.tickets.push(None);
            self.tickets.len() - 1
        });
        self.tickets[id] = Some(ticket);
        let order = self.dice.u32(..);
        self.events.push(Reverse((self.now + after, order, id)));
    }

    /// What time it is by a system's own clock.
    pub(crate) fn clock(&self, system: System) -> DateTime<Utc> {
        self.now + self.skew[usize::from(system == System::Axerrio)]
    }

    /// Remembers another vendor's Prebook as it is now.
    pub(crate) fn other_vendors(&mut self, prebook: u64) {
        let items =
            self.world.komet.prebook(prebook).map(|p| p.items.iter().map(|i| (i.id, i.goods.boxes)).collect());
        self.strangers.prebooks.push((prebook, items.expect("it was just made")));
    }

    fn millis(&mut self, range: std::ops::Range<i64>) -> TimeDelta {
        TimeDelta::milliseconds(self.dice.i64(range))
    }

    /// A request sets out: when it arrives, and what becomes of its answer.
    fn set_out(&mut self, request: Request, slot: Arc<Slot>) {
        let (there, back) = (self.millis(5..300), self.millis(5..300));
        let method = request.path.last().map_or("", String::as_str);
        if method == "purchase.order.item.delete" {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let line = body["poItemId"].as_u64();
            let po = line.and_then(|line| self.world.komet.po_line(line)).map(|(po, _)| po.number);
            self.cut.extend(line.filter(|_| po.is_some_and(|po| self.decided.contains(&po))));
        }
        let is_down = self.weather.down.is_some_and(|down| method.contains(down));
        let mishap = if is_down {
            Some(Mishap::MethodDown)
        } else if self.dice.u32(0..1000) < self.weather.mishaps {
            self.dice.choice(Mishap::DRAWN)
        } else {
            None
        };
        if let Some(mishap) = mishap {
            *self.mishaps.entry(mishap).or_default() += 1;
            let (verb, path) = (&request.verb, request.path.join("/"));
            if let Some(story) = &mut self.story {
                story.push(format!("      ! {mishap:?}: {verb} {path}"));
            }
        }
        let timeout = TimeDelta::from_std(TIMEOUT).unwrap_or_default();
        let way = |spoilt| Some(Way { slot: slot.clone(), back, spoilt, again: None });
        let broken = || Fault::Broken("connection reset".to_owned());
        let plain = |status: u16, body: &str| {
            Ok(Received { status, date: None, retry_after: None, body: body.as_bytes().to_vec() })
        };
        let page = "<html><head><title>502 Bad Gateway</title></head></html>";
        match mishap {
            None => self.at(there, Ticket::Arrive { request, answer: way(None) }),
            Some(Mishap::Slow) => {
                let there = self.millis(5..15_000);
                self.at(there, Ticket::Arrive { request, answer: way(None) });
            }
            Some(Mishap::RefusedBefore) => {
                self.at(there, Ticket::Deliver { slot, what: Err(Fault::Unreachable("refused".to_owned())) });
            }
            Some(Mishap::BrokenBefore) => self.at(there, Ticket::Deliver { slot, what: Err(broken()) }),
            Some(Mishap::TimeoutNoEffect) => {
                self.at(timeout, Ticket::Deliver { slot, what: Err(Fault::TimedOut(TIMEOUT)) });
            }
            Some(Mishap::TimeoutEffectAtOnce) => {
                self.at(there, Ticket::Arrive { request, answer: None });
                self.at(timeout, Ticket::Deliver { slot, what: Err(Fault::TimedOut(TIMEOUT)) });
            }
            Some(Mishap::TimeoutEffectLate) => {
                let late =
                    if self.dice.bool() { self.millis(20_000..40_000) } else { self.millis(40_000..2_400_000) };
                self.at(late, Ticket::Arrive { request, answer: None });
                self.at(timeout, Ticket::Deliver { slot, what: Err(Fault::TimedOut(TIMEOUT)) });
            }
            Some(Mishap::DeliveredTwice) => {
                let later = self.millis(1..5_000);
                let again = Some((request.clone(), later));
                self.at(there, Ticket::Arrive { request, answer: Some(Way { slot, back, spoilt: None, again }) });
            }
            Some(Mishap::Throttled) => {
                let wait = self.dice.u32(1..90).to_string();
                let what = plain(429, "{\"status\":0,\"message\":\"Too many requests\"}");
                let what = what.map(|answer| Received { retry_after: Some(wait), ..answer });
                self.at(there + back, Ticket::Deliver { slot, what });
            }
            Some(Mishap::QuotaSpent) => {
                let what = plain(429, "{\"status\":0,\"message\":\"Daily request limit exceeded\"}");
                self.at(there + back, Ticket::Deliver { slot, what });
            }
            Some(Mishap::ServerErrorBefore | Mishap::MethodDown) => {
                self.at(there + back, Ticket::Deliver { slot, what: plain(500, "{}") });
            }
            Some(Mishap::WebPageBefore) => {
                self.at(there + back, Ticket::Deliver { slot, what: plain(502, page) });
            }
            Some(Mishap::GatewayGaveUp) => {
                let late = self.millis(5..15_000);
                self.at(there + late, Ticket::Arrive { request, answer: None });
                self.at(there + back, Ticket::Deliver { slot, what: plain(504, page) });
            }
            Some(
                mishap @ (Mishap::AnswerLost
                | Mishap::ServerErrorAfter
                | Mishap::WebPageAfter
                | Mishap::Truncated
                | Mishap::Malformed
                | Mishap::NotJson),
            ) => self.at(there, Ticket::Arrive { request, answer: way(Some(mishap)) }),
        }
    }

    /// A request reaches its system.
    fn arrive(&mut self, request: &Request, answer: Option<Way>) {
        let system =
            if request.path.first().is_some_and(|p| p == "komet") { System::Komet } else { System::Axerrio };
        let now = self.clock(system);
        let outcome = self.world.serve(request, now);
        let Some(Way { slot, back, spoilt, again }) = answer else { return };
        let mut what = match outcome {
            Outcome::Answer(reply) => Ok(received(reply, now)),
            // The world's own faults are not used here.
            _ => Err(Fault::Broken("closed".to_owned())),
        };
        if let Some((request, later)) = again {
            if self.dice.bool() {
                // The answer that comes through is the second one's.
                self.at(later, Ticket::Arrive { request, answer: Some(Way { slot, back, spoilt, again: None }) });
                return;
            }
            self.at(later, Ticket::Arrive { request, answer: None });
        }
        if let (Some(spoilt), Ok(answer)) = (spoilt, &mut what) {
            match spoilt {
                Mishap::Truncated if self.dice.bool() => answer.body.truncate(answer.body.len() / 2),
                Mishap::AnswerLost | Mishap::Truncated => what = Err(Fault::Broken("connection reset".to_owned())),
                Mishap::ServerErrorAfter => (answer.status, answer.body) = (504, b"{}".to_vec()),
                Mishap::WebPageAfter => {
                    (answer.status, answer.body) = (502, b"<html><title>Bad Gateway</title></html>".to_vec());
                }
                Mishap::NotJson => answer.body = b"OK - but not JSON".to_vec(),
                _ => {
                    // A system garbles what it says; it never calls done what it refused.
                    let says = |text: &[u8]| contains(&answer.body, text);
                    let refused = says(b"\"status\":0") || says(b"\"status\":\"0\"");
                    let shapes: [&[u8]; 3] = [
                        b"{\"status\":1,\"prebooks\":{\"id\":[]},\"purchaseOrders\":7,\"prebookId\":{},\"items\":{\"id\":[]},\"asOf\":17}",
                        b"[]",
                        b"null",
                    ];
                    let drawn = self.dice.usize(..shapes.len());
                    answer.body = shapes[if refused { drawn.max(1) } else { drawn }].to_vec();
                }
            }
        }
        self.at(back, Ticket::Deliver { slot, what });
    }

    /// The next thing happens; `false` if nothing is to come.
    fn step(&mut self) -> bool {
        let Some(Reverse((at, _, id))) = self.events.pop() else { return false };
        self.now = self.now.max(at);
        if !self.meanwhile.is_empty()
            && self.dice.u8(0..5) == 0
            && let Some(deed) = self.meanwhile.pop_front()
        {
            deed.play(self);
        }
        let ticket = self.tickets[id].take();
        self.free.push(id);
        match ticket {
            Some(Ticket::Arrive { request, answer }) => self.arrive(&request, answer),
            Some(Ticket::Deliver { slot, what }) => slot.fill(Some(what)),
            Some(Ticket::Ring(slot)) => slot.fill(None),
            None => {}
        }
        true
    }
}

fn contains(body: &[u8], text: &[u8]) -> bool {
    body.windows(text.len()).any(|part| part == text)
}

fn received(reply: Reply, now: DateTime<Utc>) -> Received {
    let retry_after = reply.headers.iter().find(|(name, _)| name == "retry-after").map(|(_, value)| value.clone());
    let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Received { status: reply.status, date: Some(date), retry_after, body: reply.body.into_bytes() }
}

impl Net {
    pub(crate) fn new(world: World, now: DateTime<Utc>, dice: Rng, tell: bool) -> Arc<Self> {
        let state = State {
            now,
            world,
            dice,
            skew: [TimeDelta::zero(); 3],
            weather: Weather::default(),
            meanwhile: VecDeque::new(),
            story: tell.then(Vec::new),
            mishaps: BTreeMap::new(),
            decided: BTreeSet::new(),
            cut: Vec::new(),
            strangers: Strangers::default(),
            people: People::default(),
            dated: BTreeSet::new(),
            renamed: BTreeSet::new(),
            moved: BTreeSet::new(),
            events: BinaryHeap::new(),
            tickets: Vec::new(),
            free: Vec::new(),
        };
        Arc::new(Self { state: Mutex::new(state), woken: Arc::new(Woken(AtomicBool::new(false))) })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Runs a process until it ends, or until it is killed after so many of its steps.
    pub(crate) fn drive<T>(&self, process: impl Future<Output = T>, kill_after: Option<u64>) -> End<T> {
        let mut process = std::pin::pin!(process);
        let waker = Waker::from(self.woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut steps = 0;
        loop {
            if kill_after.is_some_and(|limit| steps >= limit) {
                return End::Killed;
            }
            steps += 1;
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(done) = process.as_mut().poll(&mut context) {
                return End::Done(done);
            }
            // While the process has something to do, the network may be quicker all the same.
            if self.woken.0.load(Ordering::Relaxed) && self.lock().dice.u8(0..8) > 0 {
                continue;
            }
            let happened = self.lock().step();
            assert!(
                happened || self.woken.0.load(Ordering::Relaxed),
                "the process waits for something that cannot happen"
            );
        }
    }

    /// Lets time pass, and what was under way happen.
    pub(crate) fn pass(&self, time: TimeDelta) {
        let mut state = self.lock();
        let until = state.now + time;
        while state.events.peek().is_some_and(|Reverse((at, _, _))| *at <= until) {
            state.step();
        }
        state.now = until;
        while let Some(deed) = state.meanwhile.pop_front() {
            deed.play(&mut state);
        }
    }
}

/// Waits for a slot to be filled.
fn filled(slot: &Slot, context: &Context<'_>) -> Poll<Option<Result<Received, Fault>>> {
    let mut slot = lock(&slot.0);
    if slot.1 {
        return Poll::Ready(slot.0.take());
    }
    slot.2 = Some(context.waker().clone());
    Poll::Pending
}

impl Network for Net {
    fn send(&self, request: Sent) -> Pending<'_, Result<Received, Fault>> {
        let slot = Arc::new(Slot::default());
        self.lock().set_out(parsed(request), slot.clone());
        Box::pin(async move {
            let answer = std::future::poll_fn(|context| filled(&slot, context)).await;
            answer.unwrap_or_else(|| Err(Fault::Broken("no answer".to_owned())))
        })
    }

    fn sleep(&self, wait: Duration) -> Pending<'_, ()> {
        let slot = Arc::new(Slot::default());
        self.lock().at(TimeDelta::from_std(wait).unwrap_or_default(), Ticket::Ring(slot.clone()));
        Box::pin(async move { std::future::poll_fn(|context| filled(&slot, context).map(drop)).await })
    }

    fn jitter(&self) -> f64 {
        self.lock().dice.f64()
    }
}

impl Clock for Net {
    fn now(&self) -> DateTime<Utc> {
        let state = self.lock();
        state.now + state.skew[2]
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Network::sleep(self, duration)
    }
}

/// The request as it arrives.
fn parsed(sent: Sent) -> Request {
    let uri: Uri = sent.url.parse().expect("the adapters send addresses");
    let bearer = sent.credential.map(|value| value.strip_prefix("Bearer ").map_or(value.clone(), str::to_owned));
    Request::of(sent.verb, &uri, bearer, sent.body)
}
