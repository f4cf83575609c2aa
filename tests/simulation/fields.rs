//! What the shapes of `standing.rs` do not tell: that both systems have the same in each field of an order, one by one.

use chrono::NaiveDate;
use stemsync::domain::{Flow, ItemLink, Order as Known};
use stemsync::sandbox::axerrio::{Line, Order, OrderStatus};
use stemsync::sandbox::komet::{Goods, PoStatus, Prebook, PrebookItem, PurchaseOrder};

use crate::deeds::UNKNOWN;
use crate::life::Life;
use crate::network::State;
use crate::standing::Remembered;

/// A field, and what Axerrio and Komet have in it.
type Field = (&'static str, String, String);

/// The fields in which the two systems differ, and nobody is asked. `first` and `last` are the ship dates that stemsync looks at.
pub(crate) fn apart(life: &Life, known: &Remembered, first: NaiveDate, last: NaiveDate) -> Vec<String> {
    let state = life.net.lock();
    let mut found = Vec::new();
    for order in known.orders.iter().filter(|order| !known.is_asked(order)) {
        let Some(shown) = state.world.axerrio.order(order.name()) else { continue };
        if !is_agreed(order, shown) || !(first..=last).contains(&shown.draft.ship_date) {
            continue;
        }
        for line in shown.draft.lines.iter().filter(|line| line.boxes > 0) {
            let both = Both { state: &state, order, shown, line, mapped: life.has_mapped() };
            found.extend(both.apart());
        }
    }
    found
}

/// Whether the two sides of an order are to be equal: not once it is over, or procurement has decided about what Axerrio owns.
fn is_agreed(order: &Known, shown: &Order) -> bool {
    let is_over = matches!(shown.status, OrderStatus::Cancelled | OrderStatus::Rejected | OrderStatus::Shipped);
    let is_decided = order.komet.purchase_orders.iter().any(|po| po.status.is_decided());
    !(is_over || order.flow == Flow::FromAxerrio && is_decided)
}

/// A line of an order, and what stands for it in Komet.
struct Both<'w> {
    state: &'w State,
    order: &'w Known,
    shown: &'w Order,
    line: &'w Line,
    /// Local maps came and went: what a code stands for depends on when it was sent.
    mapped: bool,
}

impl Both<'_> {
    fn apart(&self) -> Vec<String> {
        let name = format!("{} line {}", self.order.name(), self.line.id);
        let link = self.order.agreed.lines.iter().find(|(id, _)| id.0 == self.line.id);
        let Some(link) = link.and_then(|(_, line)| line.item.as_ref()) else {
            return vec![format!("{name} has no item")];
        };
        let found = u64::try_from(link.item.0).ok().and_then(|id| self.state.world.komet.prebook_item(id));
        let Some((prebook, item)) = found else {
            return vec![format!("{name}: its item {} does not exist", link.item)];
        };
        let mut fields = vec![("boxes", self.line.boxes.to_string(), item.goods.boxes.to_string())];
        fields.extend(self.goods(&item.goods));
        fields.extend(self.codes(prebook, &item.goods));
        fields.extend(self.product(link, item));
        fields.extend(self.header(prebook));
        fields.extend(self.ship_date(link, item));
        let mut found = told(&format!("{name} ({:?})", self.order.flow), fields);
        if let Some((po, bought)) = self.purchase(item) {
            let mut fields = self.goods(bought);
            fields.push(("ship date", self.shown.draft.ship_date.to_string(), po.ship_date.to_string()));
            found.extend(told(&format!("{name} (on its PO)"), fields));
        }
        found
    }

    fn goods(&self, goods: &Goods) -> Vec<Field> {
        let line = self.line;
        let mut fields = vec![
            ("mark code", text(line.mark_code.as_deref()), goods.mark_code.trim().to_owned()),
            ("parts", parts_of_line(line), parts_of_item(goods)),
        ];
        if line.mix.is_empty() && goods.parts.is_empty() {
            let cost = goods.cost.unwrap_or_default();
            fields.extend([
                ("bunches", line.bunches_per_box.to_string(), goods.bunches.to_string()),
                ("stems", line.stems_per_bunch.to_string(), goods.stems.to_string()),
                ("unit", format!("{:?}", line.unit_type), format!("{:?}", goods.unit)),
                ("cost", line.unit_cost.normalize().to_string(), cost.normalize().to_string()),
            ]);
        }
        fields
    }

    /// What each system has a code of its own for.
    fn codes(&self, prebook: &Prebook, goods: &Goods) -> Vec<Field> {
        if self.mapped {
            return Vec::new();
        }
        let (draft, catalogue) = (&self.shown.draft, self.state.world.komet.catalogue());
        let customer = catalogue.customers.iter().find(|customer| customer.id == prebook.customer);
        let customer = customer.map(|customer| customer.code.clone()).unwrap_or_default();
        let mut fields = vec![
            ("box type", self.line.box_type.clone(), goods.box_type.clone()),
            ("customer", draft.customer.code.clone(), customer),
        ];
        // A carrier that has no code in Axerrio goes by Komet's id (clarification 17).
        if let Some(code) = draft.carrier.as_ref().map(|c| &c.code).filter(|code| code.parse::<u64>().is_err()) {
            let carrier = catalogue.carriers.iter().find(|carrier| Some(carrier.id) == prebook.carrier);
            fields.push(("carrier", code.clone(), carrier.map(|c| c.code.clone()).unwrap_or_default()));
        }
        if let Some(code) = &draft.location {
            let location = catalogue.locations.iter().find(|location| location.id == prebook.location);
            fields.push(("location", code.clone(), location.map(|l| l.code.clone()).unwrap_or_default()));
        }
        fields
    }

    fn product(&self, link: &ItemLink, item: &PrebookItem) -> Option<Field> {
        let (product, goods) = (&self.line.product.description, &item.goods);
        // What a person maps in Komet is called there what it was mapped to.
        let is_known = UNKNOWN.iter().all(|(unknown, _)| unknown != product);
        // What a rep made of it before it was first read is taken for what Komet calls it.
        let first_shown = link.seen.as_ref().map(|seen| &seen.terms.product.description);
        let is_taken = self.state.renamed.contains(&item.id)
            && first_shown.is_some_and(|shown| shown.ends_with(&goods.description));
        let is_one = self.line.mix.is_empty() && goods.parts.is_empty();
        (!self.mapped && is_known && is_one && !is_taken)
            .then(|| ("product", product.clone(), goods.description.clone()))
    }

    fn header(&self, prebook: &Prebook) -> Vec<Field> {
        let draft = &self.shown.draft;
        let truck_date = draft.truck_date.unwrap_or(draft.ship_date);
        vec![
            ("truck date", truck_date.to_string(), prebook.truck_date.to_string()),
            ("customer PO", text(draft.customer_po.as_deref()), prebook.customer_po.trim().to_owned()),
        ]
    }

    fn ship_date(&self, link: &ItemLink, item: &PrebookItem) -> Option<Field> {
        let is_flow1 = self.order.flow == Flow::FromAxerrio;
        // Komet may put a day of its own in place of the one that it was sent.
        let may_be_kept = is_flow1 && !self.state.world.komet.rules.keep_vendor_ship_date;
        // What a rep moved before it was first read is taken for such a day.
        let first_shown = link.seen.as_ref().map(|seen| seen.ship_date);
        let is_taken = is_flow1 && self.state.dated.contains(&item.id) && first_shown == item.ship_date;
        let shown = item.ship_date.map(|day| day.to_string()).unwrap_or_default();
        (!may_be_kept && !is_taken).then(|| ("ship date", self.shown.draft.ship_date.to_string(), shown))
    }

    /// The pending PO that buys an item of flow 1, and what it buys. In flow 2 it is the buyer's to change.
    fn purchase(&self, item: &PrebookItem) -> Option<(&PurchaseOrder, &Goods)> {
        let mut lines = self.state.world.komet.lines_buying(item.id);
        let (po, line) = lines.find(|(po, line)| po.status == PoStatus::Pending && line.goods.boxes > 0)?;
        (self.order.flow == Flow::FromAxerrio && item.goods.parts.is_empty()).then_some((po, &line.goods))
    }
}

/// Which of the fields differ.
fn told(name: &str, fields: Vec<Field>) -> Vec<String> {
    let apart = fields.into_iter().filter(|(_, axerrio, komet)| axerrio != komet);
    apart.map(|(what, ax, ko)| format!("{name}: {what} is {ax:?} in Axerrio, {ko:?} in Komet")).collect()
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or_default().trim().to_owned()
}

/// What is in a mixed box, in whatever order it was entered.
fn parts_of_line(line: &Line) -> String {
    let parts = line.mix.iter();
    sorted(
        parts.map(|p| format!("{} x {} at {}", p.bunches, p.stems_per_bunch, p.unit_cost.normalize())).collect(),
    )
}

fn parts_of_item(goods: &Goods) -> String {
    let parts = goods.parts.iter();
    sorted(parts.map(|p| format!("{} x {} at {}", p.bunches, p.stems, p.cost.normalize())).collect())
}

fn sorted(mut parts: Vec<String>) -> String {
    parts.sort();
    parts.join(", ")
}
