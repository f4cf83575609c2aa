//! `demo`: what a newcomer runs first. A few orders travel both ways through a fresh sandbox in a temporary directory,
//! from the customer's order to the scanned boxes; every step is told as it happens. The people are the sandbox's, the
//! runs are real ones, over HTTP and on a database.

mod story;
mod teller;

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::exit::Exit;
use super::link::Link;
use super::output::Output;
use crate::config::Config;
use crate::daemon::signals::Signals;
use crate::domain::{Order, Stage};
use crate::sandbox::World;
use crate::sandbox::people::People;
use crate::sandbox::scenario::Scenario;
use crate::store::{Store, holds, orders};
use crate::sync::RunRequest;
use teller::{DemoOrder, Teller};

/// The week's orders that are played: plain, with a mixed box, with the product that Komet does not know.
const ORDERED: [&str; 3] = ["larkspur-reds", "tidewater-whites", "juniper-garden-wedding"];
/// The week's Prebooks that are played.
const PREBOOKED: [&str; 2] = ["mesa-standing-roses", "brightway-bouquets"];
/// Rounds after which whatever is not received never will be.
const ROUNDS: usize = 6;

/// What people do in one round, each of them once.
type Deeds = fn(&People, &mut World, DateTime<Utc>) -> anyhow::Result<Vec<String>>;

/// The rounds, in the order of the trade; what is left after them is seen to by everybody.
const CHAPTERS: [(&str, Deeds); 4] = [
    ("The vendor accepts, procurement approves", |people, world, now| {
        let mut told = people.vendor_accepts(world, now)?;
        told.extend(people.buyer_approves(world, now)?);
        Ok(told)
    }),
    ("Procurement approves the rest, the vendor prints labels", |people, world, now| {
        let mut told = people.buyer_approves(world, now)?;
        told.extend(people.packer_prints(world, now)?);
        Ok(told)
    }),
    ("A person looks after what is held", |people, world, now| {
        let mut told = people.maps_products(world, now)?;
        told.extend(people.packer_prints(world, now)?);
        Ok(told)
    }),
    ("The boxes arrive and are scanned in", |people, world, now| people.warehouse_receives(world, now)),
];

/// Carries `demo` out.
pub(super) async fn run(output: Output) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let directory = tempfile::Builder::new()
        .prefix("stemsync-demo-")
        .tempdir()
        .context("the demo needs a temporary directory")?;
    let config = configuration(directory.path())?;
    tokio::select! {
        exit = play(output, &config) => exit,
        // Left early, but not without taking the directory away.
        () = signals.next() => Ok(Exit::Unexpected),
    }
}

async fn play(output: Output, config: &Config) -> anyhow::Result<Exit> {
    let mut link = Link::open(config, Store::open(&config.state.path)?).await?;
    // One request after the other, so that the story is the same each time.
    link.engine.settings.concurrency = 1;
    let mut play = Play {
        scenario: Scenario::bundled(),
        people: People::of(&Scenario::bundled()),
        teller: Teller::new(output),
        link,
    };
    play.begin().await?;
    for (title, deeds) in CHAPTERS {
        play.round(title, deeds).await?;
    }
    for _ in 0..ROUNDS {
        if play.orders().await?.iter().all(|order| order.stage == Stage::Received) {
            break;
        }
        play.round("The rest", People::step).await?;
    }
    play.end().await
}

/// A link on the sandbox, with its database in `directory`.
fn configuration(directory: &Path) -> anyhow::Result<Config> {
    let database = directory.join("stemsync.db");
    let path = toml::Value::String(database.to_string_lossy().into_owned());
    let text =
        format!("[komet]\nbase_url = \"sandbox\"\n[axerrio]\nbase_url = \"sandbox\"\n[state]\npath = {path}\n");
    Ok(Config::from_text(&directory.join("sync.toml"), &text, &|_| None)?)
}

/// The demo while it goes on.
struct Play {
    scenario: Scenario,
    people: People,
    teller: Teller,
    link: Link,
}

impl Play {
    /// The orders come in, and the first run carries them across.
    async fn begin(&mut self) -> anyhow::Result<()> {
        let (importer, vendor) = (&self.scenario.importer.name, &self.scenario.vendor.name);
        self.teller.open(importer, vendor)?;
        self.teller.chapter("Orders come in, on both sides")?;
        let today = self.link.engine.today();
        let week = &self.scenario.week;
        let placed = self.link.act(|world, now| {
            let mut placed = Vec::new();
            for order in week.orders.iter().filter(|order| ORDERED.contains(&order.name.as_str())) {
                placed.push(self.scenario.place_order(world, order, today, now)?);
            }
            for prebook in week.prebooks.iter().filter(|prebook| PREBOOKED.contains(&prebook.name.as_str())) {
                placed.push(self.scenario.place_prebook(world, prebook, today, now)?);
            }
            anyhow::Ok(placed)
        })?;
        for placed in placed {
            self.teller.person(&placed.told).await?;
        }
        self.sync().await
    }

    /// People act, then stemsync runs.
    async fn round(&mut self, title: &str, deeds: Deeds) -> anyhow::Result<()> {
        self.teller.chapter(title)?;
        for told in self.link.act(|world, now| deeds(&self.people, world, now))? {
            self.teller.person(&told).await?;
        }
        self.sync().await
    }

    /// One real run, and what it did for each order.
    async fn sync(&mut self) -> anyhow::Result<()> {
        let store = self.link.engine.store.clone();
        let waited = store.read(holds::list).await?;
        let end = self.link.engine.run(RunRequest { trigger: "demo".to_owned(), ..RunRequest::default() }).await?;
        if let Some(error) = end.down.first() {
            return Err(error.clone().into());
        }
        let waits = store.read(holds::list).await?;
        for hold in waited.iter().filter(|hold| waits.iter().all(|other| other.id != hold.id)) {
            let order = hold.order.as_deref().unwrap_or("an order");
            self.teller.stemsync(&format!("{order}: nothing is held any more ({})", hold.reason.name())).await?;
        }
        for told in story::of(&end.report.actions) {
            self.teller.stemsync(&told).await?;
        }
        for told in story::held(&end.report.actions) {
            self.teller.held(&told).await?;
        }
        Ok(())
    }

    async fn orders(&self) -> anyhow::Result<Vec<Order>> {
        let read = self.link.engine.store.read(|conn| {
            let keys = orders::all_keys(conn)?;
            keys.into_iter().filter_map(|key| orders::load(conn, key).transpose()).collect()
        });
        Ok(read.await?)
    }

    /// Where all orders stand, whether both systems agree, and what to run next.
    async fn end(self) -> anyhow::Result<Exit> {
        let orders = self.orders().await?;
        let audit = self.link.engine.audit().await?;
        let is_whole = audit.differences.is_empty() && orders.iter().all(|order| order.stage == Stage::Received);
        let requests = self.link.act(|world, _| world.requests().totals.values().map(|t| t.requests).sum::<u64>());
        self.teller.end(orders.iter().map(DemoOrder::of).collect(), audit, requests)?;
        self.link.close().await;
        Ok(if is_whole { Exit::Done } else { Exit::Attention })
    }
}
