//! The simulated systems on loopback as in the sandbox, but every answer passes through a hand that may change it on
//! its way; and an engine in front of them whose clock stands still.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::Scenario;
use stemsync::sandbox::world::{Outcome, Request, Tokens};
use stemsync::sandbox::{Answers, KometRules, World};
use stemsync::store::Store;
use stemsync::sync::engine::{Clock, Engine, Settings};
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};

use crate::http::{Server, response};
use crate::mutate::TOKEN;
use crate::received::Received;

/// When all of this happens.
pub(crate) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 2, 2, 10, 0, 0).unwrap()
}

/// The bundled company, with the week's orders in it.
pub(crate) fn world(answers: Answers) -> World {
    let scenario = Scenario::bundled();
    let mut world = scenario.world(KometRules::default(), answers);
    scenario.place_week(&mut world, now().date_naive(), now()).unwrap();
    world.set_tokens(tokens());
    world
}

pub(crate) fn tokens() -> Tokens {
    Tokens { vendor: TOKEN.to_owned(), company: None, axerrio: TOKEN.to_owned() }
}

pub(crate) fn people() -> People {
    People::of(&Scenario::bundled())
}

/// Changes an answer on its way: which call it answers (a path's last words), its status and its body.
pub(crate) type Hand = Box<dyn FnMut(&str, u16, String) -> (u16, Vec<u8>) + Send>;

/// Lets every answer pass.
pub(crate) fn honest() -> Hand {
    Box::new(|_, status, body| (status, body.into_bytes()))
}

/// Both systems behind one door.
pub(crate) struct Systems {
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) hand: Arc<Mutex<Hand>>,
    server: Server,
}

impl Systems {
    pub(crate) async fn start(world: World, hand: Hand) -> Self {
        let world = Arc::new(Mutex::new(world));
        let hand = Arc::new(Mutex::new(hand));
        let (models, hands) = (Arc::clone(&world), Arc::clone(&hand));
        let server = Server::start(move |received| {
            let call = call(&received);
            let outcome = models.lock().unwrap().serve(&request(received), now());
            let Outcome::Answer(reply) = outcome else { return None };
            let (status, body) = (hands.lock().unwrap())(&call, reply.status, reply.body);
            let date = now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            Some(response(status, &[("Date", &date), ("Content-Type", reply.content_type)], &body))
        })
        .await;
        Self { world, hand, server }
    }

    pub(crate) fn engine(&self, database: &Path) -> Engine<KometClient, AxerrioClient> {
        Engine {
            komet: komet(&format!("{}/komet/api", self.server.url)),
            axerrio: axerrio(&format!("{}/axerrio/api/v1", self.server.url)),
            store: Store::open_scratch(database).unwrap(),
            clock: Arc::new(StillClock(AtomicI64::new(0))),
            settings: Settings::default(),
        }
    }
}

pub(crate) fn komet(url: &str) -> KometClient {
    KometClient::new(KometOptions {
        base_url: url.to_owned(),
        token: TOKEN.to_owned(),
        vendor_id: None,
        timeout: Duration::from_mins(1),
        retry_base: Duration::ZERO,
    })
    .unwrap()
}

pub(crate) fn axerrio(url: &str) -> AxerrioClient {
    AxerrioClient::new(AxerrioOptions {
        base_url: url.to_owned(),
        token: TOKEN.to_owned(),
        auth: AxerrioAuth::Bearer,
        timeout: Duration::from_mins(1),
        retry_base: Duration::ZERO,
        page_size: 100,
    })
    .unwrap()
}

/// Stands still but while somebody sleeps.
struct StillClock(AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> DateTime<Utc> {
        now() + TimeDelta::milliseconds(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::SeqCst);
        Box::pin(tokio::task::yield_now())
    }
}

/// What is called: Komet's method, or verb and path of Axerrio's with its ids left out.
pub(crate) fn call(received: &Received) -> String {
    let path = received.target.split('?').next().unwrap();
    if let Some(method) = path.strip_prefix("/komet/api/") {
        return method.to_owned();
    }
    let rest = path.strip_prefix("/axerrio/api/v1/").unwrap_or(path);
    let words: Vec<&str> = rest.split('/').collect();
    let name = match words.as_slice() {
        ["orders", _] => "order",
        ["orders", "by-ref", _] => "put-order",
        ["orders", "by-ref", _, "cancel"] => "cancel-order",
        ["orders", _, "purchase-order"] => "put-purchase-order",
        _ => rest,
    };
    name.to_owned()
}

fn request(received: Received) -> Request {
    let credential = received.header("authorization").and_then(|v| v.strip_prefix("Bearer ")).map(str::to_owned);
    let uri = received.target.parse().expect("the adapters send addresses");
    Request::of(&received.method, &uri, credential, received.body)
}
