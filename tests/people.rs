//! The scenario's week and its people on the sandbox, over real HTTP with the adapters; the tests do stemsync's part
//! by hand.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Days, NaiveDate, Utc};
use stemsync::domain::{
    AxOrder, AxOrderId, AxStatus, ExternalRef, Header, InputLine, KometRef, Label, LineTerms, NewBreakdown,
    NewGoods, NewPoLine, NewPrebook, NewPrebookItem, NewPurchaseOrder, OrderInput, Party, PoBox, PoInfoLine,
    PoInfoStatus, PoNumber, PoStatus, Prebook, PrebookKind, PurchaseOrderInfo, Shipment,
};
use stemsync::sandbox::people::People;
use stemsync::sandbox::scenario::{PlacedId, Scenario};
use stemsync::sandbox::{Answers, Clock, KometRules, Sandbox, SandboxOptions, World};
use stemsync::systems::axerrio::{AxerrioAuth, AxerrioClient, AxerrioOptions};
use stemsync::systems::komet::{KometClient, KometOptions};
use stemsync::systems::{Axerrio, Komet, PoQuery, PrebookDates, PrebookQuery};

fn monday() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, 2).unwrap()
}

fn noon() -> DateTime<Utc> {
    monday().and_hms_opt(12, 0, 0).unwrap().and_utc()
}

/// A sandbox that knows the scenario's company, and clients for both systems.
struct Office {
    scenario: Scenario,
    people: People,
    sandbox: Sandbox,
    komet: KometClient,
    axerrio: AxerrioClient,
}

impl Office {
    async fn open() -> Self {
        let scenario = Scenario::bundled();
        let (catalogue, clock) = (scenario.catalogue(), Clock::Fixed(noon()));
        let sandbox = Sandbox::start(SandboxOptions { catalogue, clock, ..Default::default() }).await.unwrap();
        let (timeout, retry_base) = (Duration::from_secs(10), Duration::from_millis(1));
        let komet = KometClient::new(KometOptions {
            base_url: sandbox.komet_url(),
            token: sandbox.komet_token().to_owned(),
            vendor_id: None,
            timeout,
            retry_base,
        });
        let axerrio = AxerrioClient::new(AxerrioOptions {
            base_url: sandbox.axerrio_url(),
            token: sandbox.axerrio_token().to_owned(),
            auth: AxerrioAuth::Bearer,
            timeout,
            retry_base,
            page_size: 500,
        });
        let people = People::of(&scenario);
        Self { scenario, people, sandbox, komet: komet.unwrap(), axerrio: axerrio.unwrap() }
    }

    /// Enters the order of that name, and reads it as stemsync does.
    async fn order(&self, name: &str) -> AxOrder {
        let order = self.scenario.week.orders.iter().find(|o| o.name == name).unwrap();
        let placed =
            self.sandbox.act(|world, now| self.scenario.place_order(world, order, monday(), now)).unwrap();
        let PlacedId::Order(id) = placed.id else { panic!("{name} is no order") };
        self.reread(&AxOrderId(id)).await
    }

    async fn reread(&self, id: &AxOrderId) -> AxOrder {
        self.axerrio.order(id).await.unwrap().unwrap()
    }

    async fn labels(&self) -> Vec<Label> {
        self.axerrio.labels(noon(), None).await.unwrap().answer.items
    }

    /// Everything Komet shows the vendor over the scenario's ship dates.
    async fn prebooks(&self) -> Vec<Prebook> {
        let mut all: Vec<Prebook> = Vec::new();
        for week in 0..3 {
            let from = monday() + Days::new(7 * week);
            let dates = PrebookDates::Ship { from, to: from + Days::new(6) };
            let query = PrebookQuery { dates, updated_as_of: None, number: None };
            all.extend(self.komet.prebooks(&query).await.unwrap().items);
        }
        all
    }

    fn step(&self) -> Vec<String> {
        self.sandbox.act(|world, now| self.people.step(world, now)).unwrap()
    }

    /// stemsync's part of flow 1: the Prebook and the PO of an order. Mixed boxes are left out.
    async fn prebook_and_po(&self, order: &AxOrder) -> (PoNumber, Vec<PoInfoLine>) {
        let created = self.komet.prebook_create(&prebook_of(order)).await.unwrap();
        let lines = order.lines.iter().zip(created.items.unwrap());
        let po = NewPurchaseOrder {
            mixed: false,
            ship_date: order.header.ship_date,
            location_code: None,
            number: None,
            lines: lines
                .map(|(line, item)| NewPoLine {
                    line: line.id.clone(),
                    item,
                    goods: goods(&line.terms),
                    wanted: None,
                })
                .collect(),
        };
        let created = self.komet.po_create(&po).await.unwrap();
        let bought = order.lines.iter().zip(created.lines.unwrap()).map(|(line, po_item)| PoInfoLine {
            line_id: line.id.clone(),
            po_item_id: po_item.to_string(),
            boxes: line.terms.boxes,
            unit_cost: line.terms.unit_cost,
        });
        (created.number, bought.collect())
    }

    /// stemsync's part after the approval: Axerrio learns of it.
    async fn tell_of_approval(&self, order: &AxOrder, number: &PoNumber, lines: Vec<PoInfoLine>) {
        self.tell_of_po(order, number, PoInfoStatus::Approved, lines).await;
    }

    async fn tell_of_po(&self, order: &AxOrder, number: &PoNumber, status: PoInfoStatus, lines: Vec<PoInfoLine>) {
        let info = PurchaseOrderInfo {
            number: number.clone(),
            status,
            ship_date: order.header.ship_date,
            awb: None,
            updated_at: noon(),
            lines,
        };
        self.axerrio.put_purchase_order(&order.id, &info).await.unwrap();
    }
}

fn goods(terms: &LineTerms) -> NewGoods {
    NewGoods {
        boxes: terms.boxes,
        box_type: KometRef::Code { code: terms.box_type.clone(), name: String::new() },
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type,
        unit_cost: terms.unit_cost,
        notes: terms.notes.clone(),
        mix: terms
            .mix
            .iter()
            .map(|part| NewBreakdown {
                product: KometRef::Description(part.product.description.clone()),
                bunches: part.bunches,
                stems_per_bunch: part.stems_per_bunch,
                unit_cost: part.unit_cost,
            })
            .collect(),
    }
}

fn by_code(party: &Party) -> KometRef {
    KometRef::Code { code: party.code.clone(), name: party.name.clone() }
}

fn prebook_of(order: &AxOrder) -> NewPrebook {
    let header = &order.header;
    NewPrebook {
        customer: by_code(&header.customer),
        carrier: header.carrier.as_ref().map(by_code),
        truck_date: header.truck_date(),
        customer_po: header.customer_po.clone(),
        comments: format!("[AX {}]", order.id),
        location_code: None,
        use_existing: false,
        items: order
            .lines
            .iter()
            .map(|line| NewPrebookItem {
                line: line.id.clone(),
                product: KometRef::Description(line.terms.product.description.clone()),
                goods: goods(&line.terms),
                price: line.terms.unit_price,
                ship_date: header.ship_date,
                mark_code: line.terms.mark_code.clone(),
            })
            .collect(),
    }
}

/// Descriptions of what shows in red.
fn in_red(prebooks: &[Prebook]) -> Vec<&str> {
    let items = prebooks.iter().flat_map(|p| &p.items).filter(|i| !i.terms.is_mapped());
    items.map(|i| i.terms.product.description.as_str()).collect()
}

#[tokio::test]
async fn komet_knows_everything_that_flow_1_of_the_week_names_but_one_product() {
    let office = Office::open().await;
    for week_order in office.scenario.week.orders.clone() {
        let order = office.order(&week_order.name).await;
        office.komet.prebook_create(&prebook_of(&order)).await.unwrap();
    }
    let prebooks = office.prebooks().await;
    assert_eq!(prebooks.len(), 12);
    let red = in_red(&prebooks);
    assert!(red.len() == 1 && red[0].contains("Garden Rose Wedding Spirit Cream"), "{red:?}");

    let told = office.sandbox.act(|world, now| office.people.maps_products(world, now)).unwrap();
    assert_eq!(
        told,
        [r#"Noor (product data) mapped "Garden Rose Wedding Spirit Cream 50 cm" to Komet's product 44750"#]
    );
    assert!(in_red(&office.prebooks().await).is_empty());
    let again = office.sandbox.act(|world, now| office.people.maps_products(world, now)).unwrap();
    assert!(again.is_empty(), "nothing is left in red");
}

#[tokio::test]
async fn the_vendors_token_sees_the_weeks_eight_prebooks_and_none_of_the_noise() {
    let office = Office::open().await;
    office.sandbox.act(|world, now| office.scenario.place_week(world, monday(), now)).unwrap();
    let prebooks = office.prebooks().await;
    let numbers: HashSet<_> = prebooks.iter().map(|p| &p.number).collect();
    assert_eq!(numbers.len(), 8);
    let standing: HashSet<_> =
        prebooks.iter().filter(|p| p.kind == PrebookKind::Standing).map(|p| &p.number).collect();
    assert_eq!(standing.len(), 3);
    assert!(prebooks.iter().all(|p| p.header.customer_po.as_deref() != Some("GB 55319")), "another vendor's");
    assert!(prebooks.iter().flat_map(|p| &p.items).any(|i| !i.terms.breakdowns.is_empty()), "mixed boxes");

    let stock = office.komet.purchase_orders(&PoQuery::ShipDate(monday() + Days::new(4))).await.unwrap().items;
    assert_eq!(stock.len(), 1);
    assert!(stock[0].lines.iter().all(|line| line.item_id.is_none()), "bought without a Prebook");
    let orders = office.axerrio.orders(noon(), None).await.unwrap().answer.items;
    assert_eq!(orders.len(), 12);
    assert!(orders.iter().all(|o| o.status == AxStatus::Placed));
}

#[test]
fn the_week_is_entered_day_by_day_as_it_is_at_once() {
    let scenario = Scenario::bundled();
    let mut at_once = scenario.world(KometRules::default(), Answers::Plain);
    let placed = scenario.place_week(&mut at_once, monday(), noon()).unwrap();
    let mut daily = scenario.world(KometRules::default(), Answers::Plain);
    let mut told = Vec::new();
    for offset in 0..=scenario.last_day() {
        told.extend(scenario.place_day(&mut daily, offset, monday(), noon()).unwrap());
    }
    assert_eq!(placed, told);
    assert_eq!(at_once.to_json().unwrap(), daily.to_json().unwrap());
    assert_eq!(
        placed[0].told,
        "Marisol (sales) ordered AX-100001 in Axerrio for Larkspur & Finch Floral Design, ship date 2026-02-04"
    );
}

#[tokio::test]
async fn people_drive_an_order_from_the_approval_over_labels_to_receiving() {
    let office = Office::open().await;
    let order = office.order("larkspur-reds").await;
    let (number, lines) = office.prebook_and_po(&order).await;

    assert_eq!(
        office.step(),
        [format!("Tomás (vendor) accepted {}", order.id), format!("Bea (buyer) approved PO {number}")]
    );
    assert_eq!(office.step(), Vec::<String>::new(), "Axerrio does not know of the approval: nobody prints");
    for status in [PoInfoStatus::Pending, PoInfoStatus::Cancelled] {
        office.tell_of_po(&order, &number, status, lines.clone()).await;
        assert_eq!(office.step(), Vec::<String>::new(), "nobody prints for a PO that is {status:?}");
    }

    office.tell_of_approval(&order, &number, lines.clone()).await;
    let told = office.step();
    let (awb, lot) = (office.people.awb(order.header.ship_date), office.people.lot(order.header.ship_date));
    assert_eq!(told, [format!("Yolanda (packing) printed 10 labels for {}, AWB {awb}, lot {lot}", order.id)]);
    assert_eq!(office.step(), Vec::<String>::new(), "every box has its label; none is in Komet yet");

    let labels = office.labels().await;
    let shipments: Vec<_> = lines
        .iter()
        .map(|line| Shipment {
            po_item: stemsync::domain::PoItemId(line.po_item_id.parse().unwrap()),
            awb: awb.clone(),
            house_awb: None,
            ship_date: order.header.ship_date,
            codes: labels.iter().filter(|l| l.line_id == line.line_id).map(|l| l.box_code.clone()).collect(),
            lot_number: Some(lot.clone()),
        })
        .collect();
    let shipped = office.komet.ship(&shipments).await.unwrap();
    assert!(shipped.iter().all(|s| s.result.is_ok() && s.rest.is_none()), "{shipped:?}");

    assert_eq!(office.step(), [format!("Curtis (warehouse) received 10 boxes of PO {number}")]);
    let po = &office.komet.purchase_orders(&PoQuery::Number(number)).await.unwrap().items[0];
    assert_eq!(po.status, PoStatus::Approved);
    assert!(po.lines.iter().flat_map(|l| &l.boxes).all(PoBox::is_received));
    assert_eq!(office.step(), Vec::<String>::new());
}

#[tokio::test]
async fn the_vendor_may_be_a_box_short_on_what_comes_from_komet_and_never_on_its_own_orders() {
    let mut office = Office::open().await;
    office.people.short_every = 1;
    let own = office.order("tidewater-whites").await;
    let from_komet = OrderInput {
        header: Header { customer_po: None, ..own.header.clone() },
        lines: own.lines.iter().map(|l| InputLine { id: l.id.clone(), terms: l.terms.clone() }).collect(),
    };
    let reference = ExternalRef("komet-prebook-85063".to_owned());
    let other = office.axerrio.put_order(&reference, &from_komet).await.unwrap();

    assert_eq!(
        office.step(),
        [
            format!("Tomás (vendor) accepted {}", own.id),
            format!("Tomás (vendor) accepted {}, but only 3 of 4 boxes of line 1", other.id)
        ]
    );
    let confirmed = |order: AxOrder| order.lines.iter().map(|l| l.confirmed_boxes.unwrap()).collect::<Vec<_>>();
    assert_eq!(confirmed(office.reread(&own.id).await), [4, 3, 3, 2]);
    assert_eq!(confirmed(office.reread(&other.id).await), [3, 3, 3, 2]);
}

#[tokio::test]
async fn labels_are_printed_for_what_is_bought_and_shipped_on_the_ship_date() {
    let office = Office::open().await;
    let order = office.order("old-mill-pickup").await;
    let (number, mut lines) = office.prebook_and_po(&order).await;
    office.step();
    lines[0].boxes = 1;
    office.tell_of_approval(&order, &number, lines).await;
    assert!(office.step()[0].starts_with("Yolanda (packing) printed 2 labels"), "1 of 2 and 1 of 1 boxes");
    assert_eq!(office.reread(&order.id).await.status, AxStatus::Accepted, "before the ship date");

    let morning = order.header.ship_date.and_hms_opt(6, 0, 0).unwrap().and_utc();
    office.sandbox.set_clock(Clock::Fixed(morning));
    assert_eq!(office.step(), [format!("Tomás (vendor) shipped {}", order.id)]);
    assert_eq!(office.reread(&order.id).await.status, AxStatus::Shipped);
}

#[test]
fn lots_and_awbs_are_what_komet_and_the_airlines_take() {
    let people = People::of(&Scenario::bundled());
    for offset in 0..400 {
        let date = monday() + Days::new(offset);
        let lot: u64 = people.lot(date).parse().unwrap();
        assert!(!(1000..=99_999).contains(&lot), "{lot} is in Komet's own range");
        let awb = people.awb(date);
        let (serial, check) = awb.strip_prefix("729-").unwrap().split_at(7);
        assert_eq!(serial.parse::<u32>().unwrap() % 7, check.parse::<u32>().unwrap(), "{awb}");
    }
}

#[test]
fn the_same_world_makes_people_do_the_same() {
    let scenario = Scenario::bundled();
    let people = People::of(&scenario);
    let mut world = scenario.world(KometRules::default(), Answers::Plain);
    scenario.place_week(&mut world, monday(), noon()).unwrap();
    let mut twin = World::from_json(&world.to_json().unwrap()).unwrap();
    let told = people.step(&mut world, noon()).unwrap();
    assert_eq!(told.len(), 12, "the vendor accepts the week's orders");
    assert_eq!(told, people.step(&mut twin, noon()).unwrap());
    assert_eq!(world.to_json().unwrap(), twin.to_json().unwrap());
}
