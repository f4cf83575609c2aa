//! What there is to look at: both systems in the hands of the test, and the program itself, which links them and serves the page.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};

use chrono::TimeDelta;
use rust_decimal::Decimal;
use stemsync::domain::OrderInput;
use stemsync::sandbox::axerrio::Order;
use stemsync::sandbox::komet::{ItemChange, ItemDraft, PrebookDraft, Unit};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::{Scenario, place_orders};
use stemsync::sandbox::{Sandbox, SandboxOptions};

use crate::place::Place;

pub(crate) const PASSWORD: &str = "tulips and roses";

const STATUS: &str = "listen = \"127.0.0.1:0\"\npassword = { env = \"PAGE_PASSWORD\" }\n";

/// Every job each second.
pub(crate) const ALL_THE_TIME: &str = "[jobs]\norders = \"* * * * * *\"\nprebooks = \"* * * * * *\"\n\
                                       purchase-orders = \"* * * * * *\"\nlabels = \"* * * * * *\"\n";

/// So many users of Komet that no request has to be spared.
const PLENTY: u32 = 100;

/// Nothing runs by itself.
pub(crate) const BY_HAND: &str =
    "[jobs]\norders = \"off\"\nprebooks = \"off\"\npurchase-orders = \"off\"\nlabels = \"off\"\n";

pub(crate) struct Shop {
    daemon: Child,
    pub(crate) base: String,
    pub(crate) sandbox: Sandbox,
    pub(crate) people: People,
    pub(crate) scenario: Scenario,
    place: Place,
}

/// Both systems, and a place for the program; nothing is ordered yet.
struct Ground {
    sandbox: Sandbox,
    people: People,
    scenario: Scenario,
    place: Place,
}

impl Ground {
    async fn new(jobs: &str, users: u32) -> Self {
        let scenario = Scenario::bundled();
        let options = SandboxOptions { catalogue: scenario.catalogue(), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let place = Place::on(&sandbox, "20s");
        let file = place.folder.path().join("sync.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        // Each user brings a thousand requests a day.
        let before =
            text.split("[status]").next().unwrap().replace("[komet]\n", &format!("[komet]\nusers = {users}\n"));
        std::fs::write(&file, format!("{before}[status]\n{STATUS}{jobs}")).unwrap();
        Self { sandbox, people: People::of(&scenario), scenario, place }
    }

    async fn sync(&self) {
        sync(&self.place).await;
    }

    fn people_act(&self) {
        self.sandbox.act(|world, now| self.people.step(world, now)).unwrap();
    }

    async fn open(self) -> Shop {
        let mut command = self.place.command(&["run"]);
        command.env("PAGE_PASSWORD", PASSWORD);
        let (daemon, base) = tokio::task::spawn_blocking(move || start(command)).await.unwrap();
        let Self { sandbox, people, scenario, place } = self;
        Shop { daemon, base, sandbox, people, scenario, place }
    }
}

/// One run of all jobs, by the command.
async fn sync(place: &Place) {
    let mut command = place.command(&["sync"]);
    command.env("PAGE_PASSWORD", PASSWORD).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let code = output.status.code();
    assert!(code == Some(0) || code == Some(4), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Starts the daemon. The answer is where its page is.
fn start(mut command: Command) -> (Child, String) {
    let mut daemon = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut told = Vec::new();
    let base = log.by_ref().inspect(|line| told.push(line.clone())).find_map(|line| {
        let (_, address) = line.split_once("the status page is at ")?;
        Some(address.trim_end_matches('/').to_owned())
    });
    let base = base.unwrap_or_else(|| panic!("the daemon does not serve its page: {told:#?}"));
    std::thread::spawn(move || log.for_each(drop));
    (daemon, base)
}

impl Shop {
    /// Where the week of orders was placed, and nothing read yet.
    pub(crate) async fn with_a_week(jobs: &str) -> Self {
        let ground = Ground::new(jobs, PLENTY).await;
        let today = ground.sandbox.now().date_naive();
        ground.sandbox.act(|world, now| ground.scenario.place_week(world, today, now)).unwrap();
        ground.open().await
    }

    /// A busy place: weeks of orders at every stage, the near ones further on, some holds, a history. One serves every test
    /// that only looks.
    pub(crate) async fn busy() -> Arc<Self> {
        static BUSY: tokio::sync::Mutex<Weak<Shop>> = tokio::sync::Mutex::const_new(Weak::new());
        let mut busy = BUSY.lock().await;
        if let Some(shop) = busy.upgrade() {
            return shop;
        }
        let shop = Arc::new(trade().await.open().await);
        *busy = Arc::downgrade(&shop);
        shop
    }

    /// Where the week was read, and a rep then changed the boxes of AX-100001 in Komet: that is held.
    pub(crate) async fn with_an_edited_order(jobs: &str) -> Self {
        let ground = Ground::new(jobs, PLENTY).await;
        let today = ground.sandbox.now().date_naive();
        ground.sandbox.act(|world, now| ground.scenario.place_week(world, today, now)).unwrap();
        ground.sync().await;
        edit(&ground.sandbox, "AX-100001");
        ground.sync().await;
        ground.open().await
    }

    /// Ends the daemon, as whoever updates it does.
    pub(crate) fn stop(&mut self) {
        let id = self.daemon.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = tokio::task::block_in_place(|| self.daemon.wait().unwrap());
        assert_eq!(ended.code(), Some(0));
    }

    /// Starts it again, where it was.
    pub(crate) async fn start_again(&mut self) {
        let address = self.base.trim_start_matches("http://");
        let file = self.place.folder.path().join("sync.toml");
        let text = std::fs::read_to_string(&file).unwrap().replace("127.0.0.1:0", address);
        std::fs::write(&file, text).unwrap();
        let mut command = self.place.command(&["run"]);
        command.env("PAGE_PASSWORD", PASSWORD);
        let (daemon, base) = tokio::task::spawn_blocking(move || start(command)).await.unwrap();
        assert_eq!(base, self.base);
        self.daemon = daemon;
    }

    pub(crate) fn people_act(&self) {
        self.sandbox.act(|world, now| self.people.step(world, now)).unwrap();
    }

    /// One run, which somebody makes in a shell beside the daemon.
    pub(crate) async fn sync(&self) {
        sync(&self.place).await;
    }

    /// A customer orders once more. Answers the order.
    pub(crate) fn customer_orders(&self) -> String {
        let today = self.sandbox.now().date_naive();
        let orders = self.scenario.bulk(1, 1, 5, today);
        self.sandbox.act(|world, now| place_orders(world, orders, now)).remove(0)
    }

    /// A rep changes what Axerrio owns.
    pub(crate) fn rep_edits(&self, order: &str) {
        edit(&self.sandbox, order);
    }

    /// The order with a customer's own PO number.
    pub(crate) fn order_of_po(&self, po: &str) -> String {
        let is_it = |order: &&Order| order.draft.customer_po.as_deref() == Some(po);
        self.sandbox.act(|world, _| world.axerrio.orders().find(is_it).unwrap().id.clone())
    }

    /// How many boxes each item of an order's Prebook has.
    pub(crate) fn boxes_in_komet(&self, order: &str) -> Vec<u32> {
        self.sandbox.act(|world, _| {
            let items = world
                .komet
                .prebooks()
                .filter(|it| it.comments.contains(&format!("[AX {order}]")))
                .flat_map(|it| &it.items);
            items.map(|item| item.goods.boxes).collect()
        })
    }

    /// A rep orders in Komet, by Komet's own name, what an order of the week calls by a name that Komet does not know.
    pub(crate) fn rep_orders_what_komet_knows(&self) {
        let ship = self.sandbox.now().date_naive() + TimeDelta::days(6);
        let item = ItemDraft {
            ship_date: Some(ship),
            description: "Garden Rose Cream Wedding Spirit".into(),
            box_type: "QB".into(),
            boxes: 2,
            bunches: 4,
            stems: 12,
            unit: Unit::Stem,
            cost: Some(Decimal::new(120, 2)),
            price: None,
            mark_code: String::new(),
            notes: String::new(),
            parts: Vec::new(),
        };
        let prebook = PrebookDraft {
            customer: self.scenario.customers[0].komet_code.clone(),
            carrier: None,
            truck_date: ship,
            customer_po: String::new(),
            comments: String::new(),
            standing: false,
            items: vec![item],
        };
        self.sandbox.act(|world, now| world.komet.rep_creates_prebook(&prebook, now)).unwrap();
    }

    /// Somebody orders with names that would be markup. Answers the order, and what its product is called.
    pub(crate) fn order_of_hostile_names(&self) -> (String, &'static str) {
        const NAME: &str = "<script>window.hacked=1</script>";
        let today = self.sandbox.now().date_naive();
        let mut order = self.scenario.bulk(1, 2, 3, today + TimeDelta::days(5)).remove(0);
        let image = "\"'><img src=x onerror=window.hacked=1>";
        order.header.customer_po = Some(image.chars().take(30).collect());
        order.header.comments = Some(format!("{NAME}{image}"));
        let product = &mut order.lines[0].terms.product;
        (product.code, product.description) = ("A\"><b onclick=hacked=1>".into(), NAME.into());
        order.lines[1].terms.notes = Some(image.into());
        let placed = self.sandbox.act(|world, now| place_orders(world, [order], now));
        (placed.into_iter().next().unwrap(), NAME)
    }
}

fn edit(sandbox: &Sandbox, order: &str) {
    sandbox.act(|world, now| {
        let tag = format!("[AX {order}]");
        let item = world.komet.prebooks().find(|it| it.comments.contains(&tag)).unwrap().items[0].id;
        let change = ItemChange { boxes: Some(9), ..ItemChange::default() };
        world.komet.rep_changes_item(item, &change, now).unwrap();
    });
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

async fn trade() -> Ground {
    // What is ordered: the near ship dates first.
    const ORDERS: usize = 130;
    let ground = Ground::new(BY_HAND, 3).await;
    let today = ground.sandbox.now().date_naive();
    let mut orders = ground.scenario.bulk(ORDERS, 3, 11, today);
    for (at, order) in orders.iter_mut().enumerate() {
        order.header.customer_po = Some(format!("PO-{}", 20_140 + at * 7));
    }
    // Fewer of them each week.
    orders.retain(|order| {
        let days = (order.header.ship_date - today).num_days();
        days < 8 || (days * 7 + i64::from(order.lines[0].terms.boxes)) % 10 < 8 - days / 6
    });
    let until = |days: i64| today + TimeDelta::days(days);
    let batch = |from: i64, to: i64| -> Vec<OrderInput> {
        let within = |order: &&OrderInput| (until(from)..until(to)).contains(&order.header.ship_date);
        orders.iter().filter(within).cloned().collect()
    };
    let place = |orders: Vec<OrderInput>| {
        ground.sandbox.act(|world, now| drop(place_orders(world, orders, now)));
    };
    // Each time people are done with a run, the next ship dates are ordered.
    for days in [0, 3, 6] {
        place(batch(days, days + 3));
        ground.sync().await;
        ground.people_act();
    }
    place(batch(9, 12));
    ground.sandbox.act(|world, now| ground.scenario.place_week(world, today, now)).unwrap();
    ground.sync().await;
    ground.sandbox.act(|world, now| ground.people.vendor_accepts(world, now)).unwrap();
    place(batch(12, 22));
    ground.sync().await;
    // A rep edits what Axerrio owns: two holds beside the product that Komet does not know.
    ground.sandbox.act(|world, now| {
        let changes = [
            ItemChange { boxes: Some(9), ..ItemChange::default() },
            ItemChange { bunches: Some(4), ..ItemChange::default() },
        ];
        let items: Vec<u64> =
            world.komet.prebooks().filter(|it| it.comments.contains("[AX ")).map(|it| it.items[0].id).collect();
        for (change, item) in changes.iter().zip(items.iter().rev().skip(4).step_by(3)) {
            world.komet.rep_changes_item(*item, change, now).unwrap();
        }
    });
    ground.sync().await;
    place(batch(22, 28));
    ground.sync().await;
    ground
}
