//! Orders drawn from bytes: one whose views make no sense together, and one that has lived among people.

use std::collections::BTreeSet;

use stemsync::domain::{
    AgreedBox, AgreedInput, AgreedLine, AgreedPrebook, AxStatus, CreatePo, Decision, Flow, GivenUp, InputLine,
    ItemId, ItemLink, KometRef, KometTerms, KometView, LabelStatus, LineId, LineTerms, NewBreakdown, NewGoods,
    NewPoLine, OnConflict, Order, OrderInput, Party, PoBox, PoItemId, PoLine, PoLink, PoNumber, PoStatus,
    PrebookId, PrebookItem, PrebookNumber, PurchaseOrder, SeenItem, Stray, Unseen, Verdict,
};
use stemsync::sync::action::Action;

use crate::trade::{Desk, at, bouquet, cost, day, header, label, lilies, line, prebook, roses};

/// Draws choices from bytes; when they are used up, always the first choice.
pub(crate) struct Dice<'b>(pub(crate) std::slice::Iter<'b, u8>);

impl Dice<'_> {
    pub(crate) fn up_to(&mut self, sides: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % sides
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.up_to(2) == 1
    }

    fn rarely(&mut self) -> bool {
        self.up_to(8) == 7
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.up_to(u8::try_from(choices.len()).unwrap()))].clone()
    }

    pub(crate) fn terms(&mut self) -> LineTerms {
        let boxes = u32::from(self.up_to(5));
        let mut terms = match self.up_to(3) {
            0 => roses(boxes),
            1 => lilies(boxes),
            _ => bouquet(boxes),
        };
        if self.rarely() {
            terms.unit_cost = cost("0.50");
        }
        if self.rarely() {
            terms.mark_code = Some("A MARK CODE THAT IS TOO LONG".into());
        }
        terms
    }

    fn date(&mut self) -> chrono::NaiveDate {
        let dates = [header().ship_date, header().ship_date, day("2026-12-02"), day("2026-11-01")];
        self.one_of(&dates)
    }

    fn item_id(&mut self) -> ItemId {
        ItemId(i64::from(11 + self.up_to(5)))
    }

    fn po_number(&mut self) -> PoNumber {
        PoNumber(self.one_of(&["PO1", "PO2", "PO3"]).into())
    }

    fn item(&mut self, desk: &Desk) -> PrebookItem {
        let id = self.item_id();
        let terms = self.terms();
        let mut item = desk.item(id.0, &terms);
        item.ship_date = self.date();
        if self.rarely() {
            item.terms.product.id = None;
        }
        if self.rarely() {
            item.po_number = Some(self.po_number());
        }
        item
    }

    fn po_line(&mut self, desk: &Desk) -> PoLine {
        let terms = self.item(desk).terms;
        let mut boxes = Vec::new();
        for n in 0..self.up_to(3) {
            let status = self.rarely().then(|| "Received".to_owned());
            boxes.push(PoBox { code: format!("B{n}"), lot_number: None, status });
        }
        PoLine {
            id: PoItemId(i64::from(41 + self.up_to(5))),
            item_id: (!self.rarely()).then(|| self.item_id()),
            terms,
            boxes,
        }
    }

    fn po(&mut self, desk: &Desk) -> PurchaseOrder {
        let lines = (0..self.up_to(4)).map(|_| self.po_line(desk)).collect();
        PurchaseOrder {
            number: self.po_number(),
            status: self.one_of(&[
                PoStatus::Pending,
                PoStatus::Approved,
                PoStatus::Confirmed,
                PoStatus::Cancelled,
            ]),
            ship_date: self.date(),
            updated_on: None,
            awb: None,
            location: None,
            lines,
        }
    }

    /// What a PO line was once asked for.
    fn asked(&mut self) -> NewGoods {
        let terms = self.terms();
        let mut asked = goods(&terms);
        if self.coin() {
            asked.boxes = u32::from(self.up_to(5));
        }
        asked
    }

    /// A person's word; releases more often than not.
    fn verdict(&mut self) -> Verdict {
        self.one_of(&[Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed])
    }

    fn agreed_line(&mut self, desk: &Desk) -> AgreedLine {
        let terms = self.terms();
        let shown = self.item(desk);
        let item = (!self.rarely()).then(|| {
            let link = ItemLink::new(PrebookId(i64::from(6 + self.up_to(3))), self.item_id());
            let seen = || SeenItem { terms: shown.terms.clone(), ship_date: shown.ship_date };
            ItemLink {
                seen: self.coin().then(seen),
                fresh: self.coin(),
                dead: self.rarely(),
                gone: self.rarely(),
                removed: self.rarely(),
                let_go: self.rarely(),
                before_approval: self.rarely().then(seen),
                left: if self.rarely() { BTreeSet::from(["product".to_owned()]) } else { BTreeSet::new() },
                ..link
            }
        });
        let mut po_lines = Vec::new();
        for _ in 0..self.up_to(3) {
            let seen = self.po_line(desk);
            let link = PoLink::new(self.po_number(), seen.id, self.item_id());
            po_lines.push(PoLink {
                asked: self.coin().then(|| self.asked()),
                ship_date: self.coin().then(|| self.date()),
                bought_as: self.coin().then(|| KometTerms { mark_code: None, ..seen.terms.clone() }),
                made_way: self.rarely().then(|| seen.terms.clone()),
                seen: self.coin().then_some(seen.terms),
                dead: self.rarely(),
                gone: self.rarely(),
                going: self.rarely(),
                replaced: self.rarely(),
                sought: self.rarely().then_some(2),
                ..link
            });
        }
        AgreedLine { terms, item, po_lines }
    }
}

/// What a PO line of these terms is asked for.
fn goods(terms: &LineTerms) -> NewGoods {
    NewGoods {
        boxes: terms.boxes,
        box_type: KometRef::Code { code: terms.box_type.clone(), name: String::new() },
        bunches: terms.bunches,
        stems_per_bunch: terms.stems_per_bunch,
        unit_type: terms.unit_type,
        unit_cost: terms.unit_cost,
        notes: None,
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

/// People answer some of what waits.
fn answer(desk: &mut Desk, dice: &mut Dice<'_>) {
    for hold in desk.plan().holds {
        if dice.coin() {
            let decision = Decision::new(hold.reason, hold.line, hold.cause, dice.verdict());
            desk.order.agreed.decisions.push(decision);
        }
    }
}

/// Whatever else is strange in a view, Komet's numbers are each given once.
fn give_each_its_own_id(komet: &mut KometView) {
    let mut numbers = BTreeSet::new();
    komet.purchase_orders.retain(|po| numbers.insert(po.number.clone()));
    let mut ids = BTreeSet::new();
    for prebook in &mut komet.prebooks {
        prebook.items.retain(|item| ids.insert(item.id.clone()));
    }
    let mut ids = BTreeSet::new();
    for po in &mut komet.purchase_orders {
        po.lines.retain(|line| ids.insert(line.id.clone()));
    }
}

/// What stemsync itself keeps: an item and a PO line stand for one line, in flow 2 each item for the line of its name.
fn link_each_thing_once(order: &mut Order) {
    let mut items = BTreeSet::new();
    let mut po_lines = BTreeSet::new();
    for (line, agreed) in &mut order.agreed.lines {
        let is_own = |item: &ItemId| order.flow == Flow::FromAxerrio || LineId::from(item) == *line;
        agreed.item = agreed.item.take().filter(|link| is_own(&link.item) && items.insert(link.item.clone()));
        agreed.po_lines.retain(|link| is_own(&link.item) && po_lines.insert(link.line.clone()));
    }
}

/// Any three views that may come about, however little sense they make together.
pub(crate) fn any_desk(bytes: &[u8]) -> Desk {
    let mut desk = muddle(bytes);
    give_each_its_own_id(&mut desk.komet);
    desk.read();
    link_each_thing_once(&mut desk.order);
    let mut dice = Dice(bytes.get(bytes.len() / 2..).unwrap_or_default().iter());
    answer(&mut desk, &mut dice);
    refuse(&mut desk, &mut dice);
    desk
}

/// A system refuses some of what is planned.
fn refuse(desk: &mut Desk, dice: &mut Dice<'_>) {
    let methods: BTreeSet<&'static str> = desk.plan().actions.iter().map(Action::method).collect();
    for method in methods {
        if dice.rarely() {
            desk.refuses.insert(method, "no");
        }
    }
}

/// Any three views at all.
pub(crate) fn muddle(bytes: &[u8]) -> Desk {
    let mut dice = Dice(bytes.iter());
    let dice = &mut dice;
    let lines = (0..dice.up_to(4)).map(|n| line(&(11 + n).to_string(), dice.terms())).collect();
    let mut desk = if dice.coin() { Desk::flow2(&[]) } else { Desk::flow1(lines) };
    if desk.order.flow == Flow::FromKomet && dice.coin() {
        let mut shown = crate::trade::ordered(Vec::new());
        shown.lines = (0..dice.up_to(4)).map(|n| line(&(11 + n).to_string(), dice.terms())).collect();
        desk.order.axerrio.order = Some(shown);
    }
    if let Some(order) = &mut desk.order.axerrio.order {
        order.status = dice.one_of(&[
            AxStatus::Placed,
            AxStatus::Accepted,
            AxStatus::Rejected,
            AxStatus::Cancelled,
            AxStatus::Shipped,
        ]);
        order.header.ship_date = dice.date();
        match dice.up_to(8) {
            1 => order.header.truck_date = Some(day("2026-12-05")),
            2 => order.header.customer_po = Some("A CUSTOMER PO THAT IS TOO LONG".into()),
            3 => order.header.customer_po = None,
            4 => order.header.carrier = Some(Party { code: "PRIME".into(), name: String::new() }),
            _ => {}
        }
        for line in &mut order.lines {
            line.confirmed_boxes = dice.rarely().then(|| u32::from(dice.up_to(5)));
        }
    }
    desk.komet = KometView::default();
    for id in 0..dice.up_to(3) {
        let comments = dice.one_of(&[Some("[AX AX-1]"), Some("[AX AX-2]"), None]).map(str::to_owned);
        let items = (0..dice.up_to(4)).map(|_| dice.item(&desk)).collect();
        let mut shown = prebook(i64::from(7 + id), comments, items);
        match dice.up_to(6) {
            1 => shown.header.customer_po = Some("OTHER".into()),
            2 => shown.header.truck_date = day("2026-12-05"),
            3 => shown.header.carrier_id = Some(32),
            _ => {}
        }
        desk.komet.prebooks.push(shown);
    }
    desk.komet.purchase_orders = (0..dice.up_to(3)).map(|_| dice.po(&desk)).collect();
    desk.read();
    let agreed = &mut desk.order.agreed.clone();
    for n in 0..dice.up_to(4) {
        agreed.lines.insert(LineId((11 + n).to_string()), dice.agreed_line(&desk));
    }
    for id in 0..dice.up_to(3) {
        let shown = prebook(i64::from(7 + id), None, Vec::new());
        let sent = dice.coin().then(header);
        let seen = dice.coin().then_some(shown.header);
        agreed.prebooks.insert(shown.id, AgreedPrebook::new(PrebookNumber("P".into()), sent, seen));
    }
    if dice.rarely() {
        let item = dice.coin().then(|| dice.item_id());
        agreed.strays.push(Stray { prebook: PrebookId(8), item, line: LineId("11".into()) });
    }
    if desk.order.flow == Flow::FromKomet && dice.coin() {
        let mut input = || OrderInput {
            header: header(),
            lines: (0..dice.up_to(3))
                .map(|n| InputLine { id: LineId((11 + n).to_string()), terms: dice.terms() })
                .collect(),
        };
        agreed.input = Some(AgreedInput { sent: input(), seen: input() });
    }
    agreed.avoid_existing = dice.rarely();
    if dice.rarely() {
        agreed.given_up.push(GivenUp { truck_date: day("2026-12-02"), items: Vec::new() });
    }
    if dice.rarely() {
        let asked = agreed.lines.iter().flat_map(|(id, line)| line.po_lines.iter().map(move |link| (id, link)));
        let line = |(id, link): (&LineId, &PoLink)| {
            Some(NewPoLine { line: id.clone(), item: link.item.clone(), goods: link.asked.clone()?, wanted: None })
        };
        agreed.given_up_purchases = asked.filter_map(line).collect();
    }
    agreed.doubted_on = dice.coin().then(|| day("2026-11-21"));
    agreed.cancellation_released = dice.rarely();
    agreed.po = dice.coin().then(|| dice.po_number());
    if dice.rarely() {
        let known =
            AgreedBox { line: LineId("11".into()), box_number: 1, awb: None, house_awb: None, lot_number: None };
        agreed.boxes.insert("B0".into(), known);
    }
    desk.order.agreed = agreed.clone();
    for n in 0..dice.up_to(5) {
        let owner = (11 + dice.up_to(3)).to_string();
        let mut printed = label(&owner, u32::from(dice.up_to(3)), &format!("B{}", dice.up_to(6)));
        printed.id.0 = n.to_string();
        printed.changed_at = at(i64::from(dice.up_to(3)));
        printed.awb = (!dice.rarely()).then(|| "729-1".to_owned());
        printed.lot_number = dice.rarely().then(|| "5000".to_owned());
        printed.status = if dice.rarely() { LabelStatus::Void } else { LabelStatus::Printed };
        desk.order.axerrio.labels.push(printed);
    }
    desk.on_conflict = dice.one_of(&[OnConflict::Hold, OnConflict::Owner]);
    desk.create_po = dice.one_of(&[CreatePo::Accepted, CreatePo::Received]);
    desk.may_cancel = !dice.rarely();
    if dice.rarely() {
        desk.facts.windows_known.clear();
    }
    if dice.rarely() {
        desk.map("ROS60", 501);
    }
    if dice.rarely() {
        let unseen = Unseen::Made(PrebookNumber("8".into()));
        desk.order.agreed.unseen.insert(LineId("11".into()), unseen);
    }
    desk
}

/// An order that lived through what people did on both sides, synced in between.
pub(crate) fn lived(bytes: &[u8]) -> Desk {
    let mut dice = Dice(bytes.iter());
    let dice = &mut dice;
    let mut desk = if dice.coin() {
        Desk::flow2(&[roses(5), lilies(3)])
    } else {
        Desk::flow1(vec![line("1", roses(5)), line("2", lilies(3)), line("3", bouquet(2))])
    };
    desk.on_conflict = dice.one_of(&[OnConflict::Hold, OnConflict::Owner]);
    for _ in 0..dice.up_to(4) {
        desk.sync();
        for _ in 0..dice.up_to(4) {
            deed(&mut desk, dice);
        }
        desk.read();
        if dice.coin() {
            answer(&mut desk, dice);
        }
    }
    desk
}

/// Numbers of items that people added by hand.
pub(crate) const ADDED_BY_PEOPLE: i64 = 1_000_000;

/// Somebody does something.
fn deed(desk: &mut Desk, dice: &mut Dice<'_>) {
    let boxes = u32::from(dice.up_to(6));
    let which = usize::from(dice.up_to(4));
    match dice.up_to(18) {
        0 | 1 => on_axerrio(desk, |order| order.status = AxStatus::Accepted),
        2 => on_axerrio(desk, |order| change_nth(&mut order.lines, which, |l| l.terms.boxes = boxes)),
        3 => on_axerrio(desk, |order| {
            change_nth(&mut order.lines, which, |l| l.confirmed_boxes = Some(boxes));
        }),
        4 => on_axerrio(desk, |order| order.header.truck_date = Some(day("2026-12-04"))),
        5 => on_axerrio(desk, |order| order.status = AxStatus::Cancelled),
        // A line's id is unique within its order: the adapter reads no other.
        6 => on_axerrio(desk, |order| {
            let id = format!("n{}", order.version);
            order.version += 1;
            order.lines.push(line(&id, roses(boxes)));
        }),
        7 => {
            let items = desk.komet.prebooks.iter_mut().flat_map(|p| &mut p.items);
            let mut items: Vec<_> = items.filter(|item| item.is_alive()).collect();
            change_nth(&mut items, which, |item| item.terms.boxes = boxes);
        }
        8 | 9 => {
            let status = dice.one_of(&[PoStatus::Approved, PoStatus::Confirmed, PoStatus::Cancelled]);
            change_nth(&mut desk.komet.purchase_orders, which, |po| po.status = status);
        }
        10 => {
            let lines = desk.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines);
            let mut lines: Vec<_> = lines.filter(|line| line.is_alive()).collect();
            change_nth(&mut lines, which, |line| line.terms.boxes = boxes);
        }
        11 => {
            let all = [Some("C-77"), Some("OTHER"), None];
            let customer_po = dice.one_of(&all).map(str::to_owned);
            change_nth(&mut desk.komet.prebooks, which, |prebook| prebook.header.customer_po = customer_po);
        }
        12 => change_nth(&mut desk.komet.purchase_orders, which, |po| po.ship_date = day("2026-12-02")),
        13 => {
            // Somebody deletes a PO line, whose boxes are gone with it.
            let lines = desk.komet.purchase_orders.iter_mut().flat_map(|p| &mut p.lines);
            let mut lines: Vec<_> = lines.filter(|line| line.is_alive()).collect();
            change_nth(&mut lines, which, |line| {
                line.terms.boxes = 0;
                line.boxes.clear();
            });
        }
        14 => {
            let id = ADDED_BY_PEOPLE + desk.new_id();
            let mut added = desk.item(id, &roses(boxes));
            added.ship_date = header().ship_date;
            change_nth(&mut desk.komet.prebooks, which, |prebook| prebook.items.push(added));
        }
        15 => {
            let labels = desk.order.axerrio.labels.iter_mut();
            let mut labels: Vec<_> = labels.collect();
            change_nth(&mut labels, which, |label| label.status = LabelStatus::Void);
        }
        _ => {
            let lines: Vec<LineId> = desk.order.agreed.lines.keys().cloned().collect();
            if let Some(line) = lines.get(which) {
                let number = u32::from(dice.up_to(3)) + 1;
                let mut printed = label(&line.0, number, &format!("{line}-{number}-{boxes}"));
                printed.changed_at = at(i64::from(boxes));
                desk.order.axerrio.labels.retain(|l| l.id != printed.id);
                desk.order.axerrio.labels.push(printed);
            }
        }
    }
}

fn on_axerrio(desk: &mut Desk, deed: impl FnOnce(&mut stemsync::domain::AxOrder)) {
    if let Some(order) = &mut desk.order.axerrio.order {
        deed(order);
    }
}

fn change_nth<T>(things: &mut [T], n: usize, change: impl FnOnce(&mut T)) {
    if let Some(thing) = things.get_mut(n) {
        change(thing);
    }
}
