//! A desk between two systems on paper. Komet and Axerrio are plain views here that answer requests as the API pages
//! say; people act on them directly. `sync` plans, sends, applies and reads until nothing is left, and tells what was
//! sent in one short word a request.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use stemsync::domain::{
    Agreed, AxLine, AxOrder, AxOrderId, AxStatus, AxerrioView, Breakdown, CreatePo, CreatedPo, CreatedPrebook,
    Decision, ExternalRef, Flow, GivenUp, Header, HoldReason, ItemId, KometProduct, KometRef, KometTerms,
    KometView, Label, LabelId, LabelStatus, LineId, LineTerms, MapKind, Maps, MixPart, NewGoods, NewPoLine,
    OnConflict, Order, OrderKey, Origin, Party, PoBox, PoItemId, PoLine, PoNumber, PoStatus, Prebook,
    PrebookHeader, PrebookId, PrebookItem, PrebookKind, PrebookNumber, Product, PurchaseOrder, Shipped, Stage,
    UnitType, Verdict, window_of,
};
use stemsync::sync::action::{Action, CreatePrebook, PutOrder, ShipBoxes};
use stemsync::sync::apply::{Outcome, apply};
use stemsync::sync::plan::{Facts, Made, Need, Plan, Rules, plan};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn cost(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A minute of the day on which everything happens.
pub(crate) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::Duration::days(20_000) + chrono::Duration::minutes(minute)
}

pub(crate) fn roses(boxes: u32) -> LineTerms {
    LineTerms {
        product: Product { code: "ROS60".into(), description: "Rose Freedom 60 cm".into() },
        box_type: "HB".into(),
        boxes,
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: UnitType::Stem,
        unit_cost: cost("0.32"),
        unit_price: None,
        mark_code: None,
        notes: None,
        mix: Vec::new(),
    }
}

pub(crate) fn lilies(boxes: u32) -> LineTerms {
    LineTerms {
        product: Product { code: "LIL".into(), description: "Lily White".into() },
        bunches: 8,
        unit_cost: cost("0.90"),
        ..roses(boxes)
    }
}

/// A box of roses and lilies.
pub(crate) fn bouquet(boxes: u32) -> LineTerms {
    let part = |terms: LineTerms, bunches| MixPart {
        product: terms.product,
        bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_cost: terms.unit_cost,
    };
    LineTerms {
        product: Product { code: "MIX".into(), description: "Mixed box".into() },
        mix: vec![part(roses(1), 6), part(lilies(1), 4)],
        ..roses(boxes)
    }
}

pub(crate) fn line(id: &str, terms: LineTerms) -> AxLine {
    AxLine { id: LineId(id.into()), terms, confirmed_boxes: None }
}

pub(crate) fn header() -> Header {
    Header {
        customer: Party { code: "FLORIST".into(), name: "The Florist".into() },
        customer_po: Some("C-77".into()),
        ship_date: day("2026-12-01"),
        truck_date: Some(day("2026-12-03")),
        carrier: Some(Party { code: "ARM".into(), name: "Greenway Trucking".into() }),
        location: Some("MIA".into()),
        comments: None,
    }
}

pub(crate) fn ordered(lines: Vec<AxLine>) -> AxOrder {
    AxOrder {
        id: AxOrderId("AX-1".into()),
        external_ref: None,
        origin: Origin::Axerrio,
        status: AxStatus::Placed,
        version: 1,
        changed_at: at(0),
        header: header(),
        lines,
        purchase_order: None,
    }
}

/// Komet's box types.
const BOX_TYPES: [(i64, &str); 2] = [(2, "FB"), (3, "HB")];

/// One order, and the two systems around it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) order: Order,
    /// What Komet has; the order's view of it is as old as the last `read`.
    pub(crate) komet: KometView,
    /// Products that Komet knows, by description.
    pub(crate) known: HashMap<String, i64>,
    /// The Prebook that `useExisting` finds instead of the one that is meant.
    pub(crate) finds_instead: Option<PrebookId>,
    /// The location that `sync.toml` names.
    pub(crate) location: Option<&'static str>,
    /// The first ship date that Komet's lists show.
    pub(crate) visible_from: NaiveDate,
    /// The locations for which POs were made or added to.
    pub(crate) bought_for: Vec<Option<String>>,
    /// How many decimals of a cost Komet keeps.
    pub(crate) keeps_decimals: u32,
    /// The ids of new items and PO lines are answered in another order than these were asked for.
    pub(crate) answers_reversed: bool,
    /// A new PO line is answered by an id under which no list shows it.
    pub(crate) answers_other_ids: bool,
    /// Methods that are refused, and why.
    pub(crate) refuses: BTreeMap<&'static str, &'static str>,
    pub(crate) on_conflict: OnConflict,
    pub(crate) create_po: CreatePo,
    pub(crate) maps: Vec<(MapKind, String, i64)>,
    pub(crate) facts: Facts,
    pub(crate) may_cancel: bool,
    /// What was made since the run began.
    made: Made,
    serial: i64,
}

impl Desk {
    /// The create of an order of these lines was given up today.
    pub(crate) fn gives_up(&mut self, lines: &[(&str, LineTerms)]) {
        let order = Self::flow1(lines.iter().map(|(id, terms)| line(id, terms.clone())).collect());
        for action in order.plan().actions {
            if let Action::CreatePrebook(create) = action {
                let given_up = GivenUp { truck_date: create.new.truck_date, items: create.new.items };
                self.order.agreed.give_up(given_up, day("2026-11-21"));
            }
        }
    }

    /// So many creates of its PO were given up today.
    pub(crate) fn doubt_purchases(&mut self, times: u32) {
        for _ in 0..times {
            self.gives_up_purchases(day("2026-11-21"), |_| {});
        }
    }

    /// A create of its PO was given up, as it was asked for then.
    pub(crate) fn gives_up_purchases(&mut self, today: NaiveDate, then: impl Fn(&mut NewGoods)) {
        let links =
            self.order.agreed.lines.iter().flat_map(|(id, line)| line.po_lines.iter().map(move |po| (id, po)));
        let lines = links.filter_map(|(id, link)| {
            let mut goods = link.asked.clone()?;
            then(&mut goods);
            Some(NewPoLine { line: id.clone(), item: link.item.clone(), goods, wanted: None })
        });
        let lines: Vec<NewPoLine> = lines.collect();
        self.order.agreed.give_up_purchases(&lines, today);
    }

    fn new(flow: Flow) -> Self {
        let known = [("Rose Freedom 60 cm", 501), ("Lily White", 502), ("Mixed box", 503)];
        let mut facts = Facts::default();
        let windows = window_of(day("2026-11-01"))..=window_of(day("2027-01-31"));
        facts.windows_known.extend(windows.clone());
        facts.windows_seen.extend(windows.clone());
        facts.windows_whole.extend(windows);
        Self {
            order: Order {
                key: OrderKey(1),
                flow,
                ax_id: None,
                reference: None,
                prebook: None,
                ship_date: header().ship_date,
                stage: Stage::Placed,
                axerrio: AxerrioView::default(),
                komet: KometView::default(),
                agreed: Agreed::default(),
                elsewhere: BTreeMap::new(),
                items_elsewhere: BTreeSet::new(),
                bought_elsewhere: Vec::new(),
                former_days: BTreeMap::new(),
                ambiguous: BTreeSet::new(),
                codes_elsewhere: BTreeMap::new(),
            },
            komet: KometView::default(),
            known: known.into_iter().map(|(name, id)| (name.to_owned(), id)).collect(),
            finds_instead: None,
            location: None,
            visible_from: day("2026-11-20"),
            bought_for: Vec::new(),
            keeps_decimals: 9,
            answers_reversed: false,
            answers_other_ids: false,
            refuses: BTreeMap::new(),
            on_conflict: OnConflict::Hold,
            create_po: CreatePo::Accepted,
            maps: Vec::new(),
            facts,
            may_cancel: true,
            made: Made::default(),
            serial: 100,
        }
    }

    /// An order placed in Axerrio.
    pub(crate) fn flow1(lines: Vec<AxLine>) -> Self {
        let mut desk = Self::new(Flow::FromAxerrio);
        desk.order.ax_id = Some(AxOrderId("AX-1".into()));
        desk.order.axerrio.order = Some(ordered(lines));
        desk
    }

    /// A Prebook entered in Komet, of one item for each of `goods`; items are numbered from 11.
    pub(crate) fn flow2(goods: &[LineTerms]) -> Self {
        let mut desk = Self::new(Flow::FromKomet);
        desk.order.reference = Some(ExternalRef("komet-prebook-7".into()));
        desk.order.prebook = Some(PrebookId(7));
        let items = goods.iter().zip(11..).map(|(terms, id)| desk.item(id, terms)).collect();
        desk.komet.prebooks.push(prebook(7, None, items));
        desk.read();
        desk
    }

    /// The same systems, with an empty database.
    pub(crate) fn lose_database(&mut self) {
        self.order.agreed = Agreed::default();
        self.facts.po_dates_read.clear();
        self.facts.po_numbers_read.clear();
    }

    /// This run has read the order's PO: what the views show of it is how it is.
    pub(crate) fn has_read_po(&mut self) {
        let number = self.po().number.clone();
        self.facts.po_numbers_read.insert(number);
    }

    pub(crate) fn with_owner_rule(mut self) -> Self {
        self.on_conflict = OnConflict::Owner;
        self
    }

    pub(crate) fn map(&mut self, code: &str, id: i64) {
        self.maps.push((MapKind::Product, code.into(), id));
    }

    /// A number that Komet has given to nothing yet.
    pub(crate) fn new_id(&mut self) -> i64 {
        self.next()
    }

    fn next(&mut self) -> i64 {
        self.serial += 1;
        self.serial
    }

    pub(crate) fn item(&self, id: i64, terms: &LineTerms) -> PrebookItem {
        PrebookItem { id: ItemId(id), ship_date: header().ship_date, terms: self.shown(terms), po_number: None }
    }

    fn shown(&self, terms: &LineTerms) -> KometTerms {
        KometTerms {
            product: self.product(&KometRef::Description(terms.product.description.clone())),
            box_type: terms.box_type.clone(),
            boxes: terms.boxes,
            bunches: terms.bunches,
            stems_per_bunch: terms.stems_per_bunch,
            unit_type: Some(terms.unit_type),
            unit_cost: terms.unit_cost,
            mark_code: terms.mark_code.clone(),
            notes: terms.notes.clone(),
            breakdowns: terms
                .mix
                .iter()
                .map(|part| Breakdown {
                    product: self.product(&KometRef::Description(part.product.description.clone())),
                    bunches: part.bunches,
                    stems_per_bunch: part.stems_per_bunch,
                    unit_cost: part.unit_cost,
                })
                .collect(),
        }
    }

    fn product(&self, product: &KometRef) -> KometProduct {
        match product {
            KometRef::Id(id) => KometProduct {
                id: self.known.values().find(|known| *known == id).copied(),
                description: format!("product {id}"),
            },
            KometRef::Description(name) | KometRef::Code { name, .. } => {
                KometProduct { id: self.known.get(name).copied(), description: name.clone() }
            }
        }
    }

    fn goods(&self, goods: &NewGoods, product: &KometRef, mark_code: Option<String>) -> KometTerms {
        KometTerms {
            product: self.product(product),
            box_type: match &goods.box_type {
                KometRef::Code { code, .. } => code.clone(),
                other => {
                    let named = BOX_TYPES.iter().find(|(id, _)| *other == KometRef::Id(*id));
                    named.map_or_else(|| format!("{other:?}"), |(_, code)| (*code).to_owned())
                }
            },
            boxes: goods.boxes,
            bunches: goods.bunches,
            stems_per_bunch: goods.stems_per_bunch,
            unit_type: Some(goods.unit_type),
            unit_cost: goods.unit_cost.round_dp(self.keeps_decimals),
            mark_code: mark_code.map(|mark| mark.split_whitespace().collect::<Vec<_>>().join(" ")),
            notes: goods.notes.clone(),
            breakdowns: goods
                .mix
                .iter()
                .map(|part| Breakdown {
                    product: self.product(&part.product),
                    bunches: part.bunches,
                    stems_per_bunch: part.stems_per_bunch,
                    unit_cost: part.unit_cost,
                })
                .collect(),
        }
    }

    // What happens between the runs.

    /// stemsync polls Komet.
    pub(crate) fn read(&mut self) {
        self.order.komet = self.komet.clone();
    }

    pub(crate) fn ax(&mut self) -> &mut AxOrder {
        self.order.axerrio.order.as_mut().unwrap()
    }

    pub(crate) fn ax_line(&mut self, id: &str) -> &mut AxLine {
        self.ax().lines.iter_mut().find(|l| l.id.0 == id).unwrap()
    }

    pub(crate) fn accept(&mut self) {
        self.ax().status = AxStatus::Accepted;
    }

    /// Somebody edits a Prebook item in Komet.
    pub(crate) fn edit_item(&mut self, line: &str, edit: impl FnOnce(&mut PrebookItem)) {
        let id = self.item_of(line);
        edit(self.komet.prebooks.iter_mut().flat_map(|p| &mut p.items).find(|i| i.id == id).unwrap());
        self.read();
    }

    pub(crate) fn item_of(&self, line: &str) -> ItemId {
        self.order.agreed.lines[&LineId(line.into())].item.as_ref().unwrap().item.clone()
    }

    /// Somebody edits a PO in Komet.
    pub(crate) fn edit_po(&mut self, edit: impl FnOnce(&mut PurchaseOrder)) {
        edit(self.komet.purchase_orders.last_mut().unwrap());
        self.read();
    }

    /// A buyer splits two of the five boxes off the PO's first line.
    pub(crate) fn split_line(&mut self) {
        self.edit_po(|po| {
            let part = PoLine { id: PoItemId(990), ..po.lines[0].clone() };
            po.lines.push(part);
            (po.lines[0].terms.boxes, po.lines.last_mut().unwrap().terms.boxes) = (3, 2);
        });
    }

    pub(crate) fn po(&self) -> &PurchaseOrder {
        self.komet.purchase_orders.last().unwrap()
    }

    pub(crate) fn approve(&mut self) {
        self.edit_po(|po| po.status = PoStatus::Approved);
    }

    pub(crate) fn print(&mut self, labels: Vec<Label>) {
        self.order.axerrio.labels.extend(labels);
    }

    /// A person answers the only open hold of this reason.
    pub(crate) fn decide(&mut self, reason: HoldReason, verdict: Verdict) {
        let holds = self.plan().holds;
        let holds: Vec<_> = holds.into_iter().filter(|hold| hold.reason == reason).collect();
        assert_eq!(holds.len(), 1, "{holds:?}");
        let hold = holds[0].clone();
        self.order.agreed.decisions.push(Decision::new(reason, hold.line, hold.cause, verdict));
    }

    // What stemsync does.

    pub(crate) fn plan(&self) -> Plan {
        let box_types = BOX_TYPES.iter().map(|(id, code)| (*id, (*code).to_owned()));
        let maps = Maps::new(self.maps.clone()).with_box_types(box_types);
        let carriers = HashMap::from([(31, "ARM".to_owned()), (32, "PRIME".to_owned())]);
        let rules = Rules {
            on_conflict: self.on_conflict,
            create_po: self.create_po,
            location_code: self.location,
            maps: &maps,
            carriers: &carriers,
            visible_from: self.visible_from,
            facts: &self.facts,
            made: &self.made,
            may_cancel: self.may_cancel,
        };
        plan(&self.order, &rules)
    }

    /// Runs until nothing is left to do; tells what was sent.
    pub(crate) fn sync(&mut self) -> Vec<String> {
        self.sync_choosing(|_| 0)
    }

    /// As `sync`, in the order of the caller's choice.
    pub(crate) fn sync_choosing(&mut self, mut choose: impl FnMut(usize) -> usize) -> Vec<String> {
        self.made = Made::default();
        let mut told = Vec::new();
        let mut tried = Vec::new();
        for _ in 0..200 {
            let planned = self.plan();
            self.order.agreed = planned.agreed;
            self.order.stage = planned.stage;
            let open: Vec<Action> =
                planned.actions.into_iter().filter(|action| !tried.contains(&action.key())).collect();
            if !open.is_empty() {
                let action = open[choose(open.len())].clone();
                tried.push(action.key());
                told.push(self.send(&action));
                continue;
            }
            let before = (self.order.clone(), self.read_so_far());
            self.meet(&planned.needs);
            if before == (self.order.clone(), self.read_so_far()) {
                return told;
            }
        }
        panic!("no end to it: {told:?}");
    }

    fn read_so_far(&self) -> [usize; 5] {
        let facts = &self.facts;
        [
            facts.windows_known.len(),
            facts.windows_seen.len(),
            facts.windows_whole.len(),
            facts.po_dates_read.len(),
            facts.po_numbers_read.len(),
        ]
    }

    /// Reads what the plan asked for; a poll shows all there is.
    fn meet(&mut self, needs: &std::collections::BTreeSet<Need>) {
        for need in needs {
            match need {
                Need::Prebooks(date) => {
                    self.facts.windows_known.insert(window_of(*date));
                    self.facts.windows_seen.insert(window_of(*date));
                    self.facts.windows_whole.insert(window_of(*date));
                }
                Need::PurchaseOrders(date) => drop(self.facts.po_dates_read.insert(*date)),
                Need::PurchaseOrder(number) => drop(self.facts.po_numbers_read.insert(number.clone())),
            }
        }
        self.read();
    }

    fn send(&mut self, action: &Action) -> String {
        if let Some(message) = self.refuses.get(action.method()) {
            let rejection = stemsync::domain::Rejection { lines: action.lines(), message: (*message).to_owned() };
            self.order.agreed.rejections.insert(action.key(), rejection);
            return format!("{} refused", tell(action));
        }
        let outcome = self.execute(action);
        apply(&mut self.order, action, &outcome);
        tell(action)
    }

    /// What the systems do with a request, as the API pages say.
    pub(crate) fn execute(&mut self, action: &Action) -> Outcome {
        match action {
            Action::CreatePrebook(create) => {
                let created = Outcome::PrebookCreated(self.create_prebook(create));
                created.note(&mut self.made);
                created
            }
            Action::DeleteItem(delete) => {
                let prebooks = self.komet.prebooks.iter_mut().filter(|prebook| prebook.id == delete.prebook);
                let items = prebooks.flat_map(|prebook| &mut prebook.items);
                items.filter(|i| i.id == delete.item).for_each(|i| i.terms.boxes = 0);
                Outcome::Deleted
            }
            Action::CreatePo(new) => Outcome::PoCreated(self.create_po_of(new)),
            Action::DeletePoLine(delete) => {
                let lines = self.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines);
                lines.filter(|l| l.id == delete.po_item).for_each(|l| l.terms.boxes = 0);
                Outcome::Deleted
            }
            Action::Ship(ship) => Outcome::Shipped(self.ship(ship)),
            Action::ChangeCode(change) => {
                let lines = self.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines);
                let boxes = lines.flat_map(|l| &mut l.boxes).filter(|b| b.code == change.change.current);
                boxes.for_each(|b| b.code.clone_from(&change.change.new));
                Outcome::CodeChanged
            }
            Action::PutOrder(put) => Outcome::Order(Box::new(self.put_order(put))),
            Action::CancelOrder(_) => {
                let mut order = self.order.axerrio.order.clone().unwrap();
                order.status = AxStatus::Cancelled;
                Outcome::Order(Box::new(order))
            }
            Action::PutPurchaseOrder(put) => {
                let mut order = self.order.axerrio.order.clone().unwrap();
                order.purchase_order = Some(put.info.clone());
                Outcome::Order(Box::new(order))
            }
        }
    }

    fn create_prebook(&mut self, create: &CreatePrebook) -> CreatedPrebook {
        let id = match (&create.expect, &self.finds_instead) {
            (Some(_), Some(other)) => other.clone(),
            (Some(expected), None) => expected.clone(),
            (None, _) => PrebookId(self.next()),
        };
        let mut ids = Vec::new();
        let mut items = Vec::new();
        for new in &create.new.items {
            let item = ItemId(self.next());
            ids.push(item.clone());
            let terms = self.goods(&new.goods, &new.product, new.mark_code.clone());
            items.push(PrebookItem { id: item, ship_date: new.ship_date, terms, po_number: None });
        }
        match self.komet.prebooks.iter_mut().find(|p| p.id == id) {
            Some(prebook) => prebook.items.extend(items),
            // Somebody else's Prebook does not show.
            None if create.expect.is_some() => {}
            None => {
                let mut made = prebook(id.0, Some(create.new.comments.clone()), items);
                made.header.truck_date = create.new.truck_date;
                made.header.customer_po.clone_from(&create.new.customer_po);
                made.header.location_code.clone_from(&create.new.location_code);
                if let KometRef::Id(id) = create.new.customer {
                    made.header.customer_id = Some(id);
                }
                made.header.carrier_id = match &create.new.carrier {
                    Some(KometRef::Id(id)) => Some(*id),
                    Some(KometRef::Code { code, .. }) if code == "PRIME" => Some(32),
                    _ => Some(31),
                };
                self.komet.prebooks.push(made);
            }
        }
        if self.answers_reversed {
            ids.reverse();
        }
        CreatedPrebook { number: PrebookNumber(format!("P{id}")), id, items: Some(ids) }
    }

    fn create_po_of(&mut self, new: &stemsync::domain::NewPurchaseOrder) -> CreatedPo {
        self.bought_for.push(new.location_code.clone());
        let number = new.number.clone().unwrap_or_else(|| PoNumber(format!("PO{}", self.next())));
        let mut ids = Vec::new();
        let mut lines = Vec::new();
        for line in &new.lines {
            let id = PoItemId(self.next());
            ids.push(id.clone());
            let item = self.komet.prebooks.iter().flat_map(|p| &p.items).find(|i| i.id == line.item);
            let product =
                item.map_or(KometProduct { id: None, description: String::new() }, |i| i.terms.product.clone());
            let mut terms = self.goods(&line.goods, &KometRef::Description(String::new()), None);
            terms.product = product;
            // Unmapped products are left out of a mixed PO line.
            terms.breakdowns.retain(|part| part.product.id.is_some());
            lines.push(PoLine { id, item_id: Some(line.item.clone()), terms, boxes: Vec::new() });
        }
        if self.answers_reversed {
            ids.reverse();
        }
        if self.answers_other_ids {
            for id in &mut ids {
                id.0 += 1000;
            }
        }
        match self.komet.purchase_orders.iter_mut().find(|p| p.number == number) {
            Some(po) => po.lines.extend(lines),
            None => self.komet.purchase_orders.push(PurchaseOrder {
                number: number.clone(),
                status: PoStatus::Pending,
                ship_date: new.ship_date,
                updated_on: None,
                awb: None,
                location: None,
                lines,
            }),
        }
        CreatedPo { number, lines: Some(ids) }
    }

    fn ship(&mut self, ship: &ShipBoxes) -> Shipped {
        let sent = &ship.shipment;
        let rest = PoItemId(self.next());
        let mut shipped =
            Shipped { po_item: sent.po_item.clone(), result: Ok(()), codes: sent.codes.clone(), rest: None };
        for po in &mut self.komet.purchase_orders {
            let Some(line) = po.lines.iter_mut().find(|l| l.id == sent.po_item) else { continue };
            let boxes = sent.codes.iter().map(|code| PoBox {
                code: code.clone(),
                lot_number: sent.lot_number.clone(),
                status: None,
            });
            line.boxes.extend(boxes);
            let here = u32::try_from(line.boxes.len()).unwrap();
            if line.terms.boxes > here {
                let mut split = PoLine { id: rest.clone(), boxes: Vec::new(), ..line.clone() };
                split.terms.boxes -= here;
                line.terms.boxes = here;
                po.lines.push(split);
                shipped.rest = Some(rest);
            }
            break;
        }
        shipped
    }

    /// Axerrio re-opens an order that a put changes.
    fn put_order(&mut self, put: &PutOrder) -> AxOrder {
        let former = self.order.axerrio.order.clone();
        let mut order = former.clone().unwrap_or_else(|| AxOrder {
            id: AxOrderId("AX-1".into()),
            external_ref: Some(put.reference.clone()),
            origin: Origin::Komet,
            ..ordered(Vec::new())
        });
        order.header = put.input.header.clone();
        order.status = AxStatus::Placed;
        let lines = put.input.lines.iter();
        order.lines =
            lines.map(|l| AxLine { id: l.id.clone(), terms: l.terms.clone(), confirmed_boxes: None }).collect();
        order
    }
}

pub(crate) fn prebook(id: i64, comments: Option<String>, items: Vec<PrebookItem>) -> Prebook {
    Prebook {
        id: PrebookId(id),
        number: PrebookNumber(format!("P{id}")),
        kind: PrebookKind::Prebook,
        header: PrebookHeader {
            customer_id: Some(9),
            customer_code: Some("FLORIST".into()),
            customer_name: Some("The Florist".into()),
            location_code: None,
            truck_date: day("2026-12-03"),
            customer_po: Some("C-77".into()),
            carrier_id: Some(31),
            carrier_name: Some("Greenway Trucking".into()),
        },
        comments,
        items,
    }
}

/// A printed label with an AWB.
pub(crate) fn label(line: &str, box_number: u32, code: &str) -> Label {
    Label {
        id: LabelId(format!("LB-{code}")),
        order_id: AxOrderId("AX-1".into()),
        line_id: LineId(line.into()),
        box_number,
        box_code: code.into(),
        lot_number: None,
        awb: Some("729-1".into()),
        house_awb: None,
        ship_date: header().ship_date,
        status: LabelStatus::Printed,
        changed_at: at(1),
    }
}

/// A request in one word: what it is, and the lines it is for.
pub(crate) fn tell(action: &Action) -> String {
    let lines: Vec<String> = action.lines().iter().map(ToString::to_string).collect();
    let lines = lines.join(",");
    match action {
        Action::CreatePrebook(create) if create.expect.is_some() => format!("more prebook {lines}"),
        Action::CreatePrebook(_) => format!("prebook {lines}"),
        Action::DeleteItem(_) => format!("delete item {lines}").trim_end().to_owned(),
        Action::CreatePo(po) => {
            let more = if po.number.is_some() { "more " } else { "" };
            format!("{more}{} {lines}", if po.mixed { "mixed po" } else { "po" })
        }
        Action::DeletePoLine(_) => format!("delete po line {lines}"),
        Action::Ship(ship) => format!("ship {lines} {}", ship.shipment.codes.join("+")),
        Action::ChangeCode(change) => format!("code {}>{}", change.change.current, change.change.new),
        Action::PutOrder(_) => "put".to_owned(),
        Action::CancelOrder(_) => "cancel".to_owned(),
        Action::PutPurchaseOrder(put) => format!("tell {:?}", put.info.status).to_lowercase(),
    }
}

/// The reasons of a desk's holds, with their lines.
pub(crate) fn held(desk: &Desk) -> Vec<String> {
    let holds = desk.plan().holds;
    holds
        .iter()
        .map(|hold| {
            let line = hold.line.as_ref().map(|l| format!(" {l}")).unwrap_or_default();
            format!("{}{line}", hold.reason.name())
        })
        .collect()
}
