//! The third view: what was last agreed about an order, the merge base from which the direction of every change is
//! derived. It holds what stemsync sent, what the other side first showed of it (the *seen* baseline: systems
//! normalise what they are told), the links between the two sides, and what people decided.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Decision, Header, ItemId, KometTerms, LineId, LineTerms, NewGoods, NewPoLine, NewPrebookItem, OrderInput,
    OrderKey, PoItemId, PoNumber, PrebookHeader, PrebookId, PrebookNumber, PurchaseOrderInfo,
};

/// What was last agreed about one order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agreed {
    /// Every line that ever reached the other side.
    pub lines: BTreeMap<LineId, AgreedLine>,
    /// The order's Prebooks. Flow 1 may have several (clarification 2); flow 2 has one.
    pub prebooks: BTreeMap<PrebookId, AgreedPrebook>,
    /// The order was to be written to the other system before its ship date was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub due: bool,
    /// Lines that `useExisting` put into somebody else's Prebook and that must be deleted there.
    pub strays: Vec<Stray>,
    /// Lines that Komet took into a Prebook, or may have taken, and that no list shows: they are not made again on a guess.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen: BTreeMap<LineId, Unseen>,
    /// Lines that Komet took on this PO, and that no PO shows: they are not bought again on a guess.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unseen_purchases: BTreeMap<LineId, PoNumber>,
    /// Items in the order's Prebooks that somebody added: a person was asked about them, and they never become a line's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub added: BTreeSet<ItemId>,
    /// `useExisting` led to another Prebook: the next create makes a new one.
    pub avoid_existing: bool,
    /// Creates that were taken for "not done" because a read-back did not find them. If such an effect
    /// comes late after all, a second Prebook with the same tag is stemsync's own and may be cleared away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<GivenUp>,
    /// The same of POs: a second, pending line for a line that stemsync bought is then its own and may be cleared away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up_purchases: Vec<NewPoLine>,
    /// The day on which a request was last given up like this. A system at work on a request ends within the day: what turns up
    /// later is somebody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted_on: Option<NaiveDate>,
    /// Flow 2: orders with which it has shared items, since a rep moved one to another Prebook or ship date. What Axerrio has on one of
    /// them is let go of there before it is put for another.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kin: BTreeSet<OrderKey>,
    /// The PO that further lines are added to.
    pub po: Option<PoNumber>,
    /// Flow 2: the order as last put to Axerrio.
    pub input: Option<AgreedInput>,
    /// What Axerrio was last told about the PO.
    pub po_info: Option<AgreedPoInfo>,
    /// Boxes by their code.
    pub boxes: BTreeMap<String, AgreedBox>,
    /// Requests that were refused and are tried again each run.
    pub rejections: BTreeMap<String, Rejection>,
    /// What people decided.
    pub decisions: Vec<Decision>,
    /// The cancellation went through the brake because a person said so.
    pub cancellation_released: bool,
}

impl Agreed {
    /// A `prebook.create` of `today` is taken for not done.
    pub fn give_up(&mut self, create: GivenUp, today: NaiveDate) {
        self.given_up.push(create);
        self.doubted_on = Some(today);
    }

    /// The same of a PO.
    pub fn give_up_purchases(&mut self, lines: &[NewPoLine], today: NaiveDate) {
        self.given_up_purchases.extend_from_slice(lines);
        self.doubted_on = Some(today);
    }

    /// Takes out what is certain only as long as no other database has been worked with: that an item is too new to have been
    /// bought. Says whether there was any of it.
    pub fn doubt(&mut self) -> bool {
        // Named one by one, here and below, so that of a field added to the types it must be decided here whether it claims such.
        let Self {
            lines,
            prebooks: _,
            due: _,
            strays: _,
            unseen: _,
            unseen_purchases: _,
            added: _,
            avoid_existing: _,
            given_up: _,
            given_up_purchases: _,
            doubted_on: _,
            kin: _,
            po: _,
            input: _,
            po_info: _,
            boxes: _,
            rejections: _,
            decisions: _,
            cancellation_released: _,
        } = self;
        let mut was_certain = false;
        for AgreedLine { terms: _, item, po_lines: _ } in lines.values_mut() {
            if let Some(item) = item {
                was_certain |= item.doubt();
            }
        }
        was_certain
    }

    /// The creates of which a Prebook may still be the late effect.
    pub fn given_up_since(&self, yesterday: NaiveDate) -> &[GivenUp] {
        if self.doubted_on.is_some_and(|day| day >= yesterday) { &self.given_up } else { &[] }
    }

    /// The same of PO lines.
    pub fn purchases_given_up_since(&self, yesterday: NaiveDate) -> &[NewPoLine] {
        if self.doubted_on.is_some_and(|day| day >= yesterday) { &self.given_up_purchases } else { &[] }
    }

    /// Whether a line's item is, or was last, in this Prebook.
    pub fn has_lines_in(&self, prebook: &PrebookId) -> bool {
        self.lines.values().filter_map(|line| line.item.as_ref()).any(|link| link.prebook == *prebook)
    }
}

/// One line that both sides know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedLine {
    /// What Axerrio said when it was last brought in agreement.
    pub terms: LineTerms,
    /// The Prebook item that stands for it. Stays after the item's death, so that its death is not a surprise.
    pub item: Option<ItemLink>,
    /// The PO lines that buy it; several after a split.
    #[serde(default)]
    pub po_lines: Vec<PoLink>,
}

impl AgreedLine {
    /// Whether one of several PO lines that were to go together has gone.
    pub(crate) fn has_begun_to_go(&self) -> bool {
        self.po_lines.iter().any(|link| link.going && link.dead)
    }
}

/// Links a line to its Prebook item.
#[allow(clippy::struct_excessive_bools, reason = "each says another deed, which orders on file bear by its name")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemLink {
    /// The Prebook it is on.
    pub prebook: PrebookId,
    /// The item.
    pub item: ItemId,
    /// What Komet first showed of it since it was last agreed; `None` until it was read.
    pub seen: Option<SeenItem>,
    /// stemsync made it in this database's life.
    #[serde(default)]
    pub fresh: bool,
    /// Komet's ids of the products, part by part, by which stemsync asked for it; `None` for one that went by its description, and
    /// nothing where all did. A local map that says the same has nothing to add, also while Komet still shows the product in red.
    #[serde(default)]
    pub products: Vec<Option<i64>>,
    /// The same of the box type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub box_type: Option<i64>,
    /// stemsync put it into a Prebook that was there (`useExisting`): delivered twice, such a request puts it in twice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub joined: bool,
    /// stemsync deleted it.
    #[serde(default)]
    pub dead: bool,
    /// stemsync made it, and Komet was looked through since and does not have it: somebody else deleted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// stemsync deleted it because Axerrio removed the line: where the line comes back it is a new one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Komet's people deleted it after approval, which is their right, and that was taken in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub let_go: bool,
    /// Its baseline from before Komet's people edited it under an approval, as was their right: if procurement takes the approval
    /// back the item is Axerrio's again, and judged from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_approval: Option<SeenItem>,
    /// What it was before a person left it as Komet has it: put back, it is as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_left: Option<SeenItem>,
    /// The fields in which a person left it as Komet has it. What Axerrio says of others does not overrule them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<String>,
    /// Flow 2: ship dates that it was read with before a rep moved it: a buyer may have bought it for one of them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub former_days: BTreeSet<NaiveDate>,
}

impl ItemLink {
    /// To an item of which no more is known than this.
    pub fn new(prebook: PrebookId, item: ItemId) -> Self {
        Self {
            prebook,
            item,
            seen: None,
            fresh: false,
            products: Vec::new(),
            box_type: None,
            joined: false,
            dead: false,
            gone: false,
            removed: false,
            let_go: false,
            before_approval: None,
            before_left: None,
            left: BTreeSet::new(),
            former_days: BTreeSet::new(),
        }
    }

    /// As [`Agreed::doubt`].
    fn doubt(&mut self) -> bool {
        let Self {
            prebook: _,
            item: _,
            seen: _,
            fresh,
            products: _,
            box_type: _,
            joined: _,
            dead: _,
            gone: _,
            removed: _,
            let_go: _,
            before_approval: _,
            before_left: _,
            left: _,
            former_days: _,
        } = self;
        std::mem::take(fresh)
    }
}

/// The baseline of a Prebook item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenItem {
    /// The goods.
    pub terms: KometTerms,
    /// The day the vendor ships: Komet may ignore what it was sent (assumed), hence a baseline.
    pub ship_date: NaiveDate,
}

/// Links a line to a PO line.
#[allow(clippy::struct_excessive_bools, reason = "each says another deed, which orders on file bear by its name")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoLink {
    /// The PO it is on.
    pub number: PoNumber,
    /// The PO line.
    pub line: PoItemId,
    /// The Prebook item it buys for.
    pub item: ItemId,
    /// The goods wanted when stemsync made it, or, in flow 2, what a buyer put in its place; `None` for another line that was
    /// found.
    pub asked: Option<NewGoods>,
    /// The order's ship date when it was bought, or, in flow 2, found; `None` for another line that was found or split off.
    #[serde(default)]
    pub ship_date: Option<NaiveDate>,
    /// Flow 2: the item as it was when stemsync bought it, or found it bought. The PO line takes from it what is not asked for, the product for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought_as: Option<KometTerms>,
    /// What Komet first showed of it; `None` until it was read.
    pub seen: Option<KometTerms>,
    /// The same as [`ItemLink::before_approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_approval: Option<KometTerms>,
    /// stemsync deleted it, or it was [`Self::replaced`].
    #[serde(default)]
    pub dead: bool,
    /// Somebody took it off, and what a buyer bought in its place stands for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaced: bool,
    /// stemsync made it, and the PO was read since and does not have it: somebody else took it off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// It goes together with the line's other parts, of which it is the last that stands: what was decided about them is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub going: bool,
    /// Flow 2: stemsync took it off to buy the line otherwise, with what Komet showed of it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_way: Option<KometTerms>,
    /// Somebody took it off, or some of its boxes, and every ship date was looked through since, for what a buyer bought in their
    /// place; with the boxes that the line was bought in then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sought: Option<u64>,
}

impl PoLink {
    /// To a PO line of which no more is known than this.
    pub fn new(number: PoNumber, line: PoItemId, item: ItemId) -> Self {
        Self {
            number,
            line,
            item,
            asked: None,
            ship_date: None,
            bought_as: None,
            seen: None,
            before_approval: None,
            dead: false,
            replaced: false,
            gone: false,
            going: false,
            made_way: None,
            sought: None,
        }
    }

    /// Whether stemsync deleted it: it is not taken for one that somebody took off.
    #[must_use]
    pub fn was_deleted(&self) -> bool {
        self.dead && !self.replaced
    }
}

/// One of the order's Prebooks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPrebook {
    /// The number people see.
    pub number: PrebookNumber,
    /// The Axerrio header it was made from; `None` for flow 2.
    pub sent: Option<Header>,
    /// What Komet first showed of its header.
    pub seen: Option<PrebookHeader>,
    /// The same as [`ItemLink::before_approval`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_approval: Option<PrebookHeader>,
    /// Komet's id of the customer, by which the local map had stemsync ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped_customer: Option<i64>,
    /// The same of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapped_carrier: Option<i64>,
    /// The fields in which a person left the header as Komet has it: what Axerrio says of others does not overrule them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub left: BTreeSet<String>,
}

impl AgreedPrebook {
    /// One of which no more is known than this.
    pub fn new(number: PrebookNumber, sent: Option<Header>, seen: Option<PrebookHeader>) -> Self {
        Self {
            number,
            sent,
            seen,
            before_approval: None,
            mapped_customer: None,
            mapped_carrier: None,
            left: BTreeSet::new(),
        }
    }
}

/// A `prebook.create` that was taken for "not done", as it was sent: what it made after all looks like this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUp {
    /// The day the Prebook leaves the importer.
    pub truck_date: NaiveDate,
    /// Its items.
    pub items: Vec<NewPrebookItem>,
}

/// A line in a Prebook that was not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    /// The Prebook it landed in.
    pub prebook: PrebookId,
    /// The item, where Komet told.
    pub item: Option<ItemId>,
    /// The line it was for.
    pub line: LineId,
}

/// What a `prebook.create` left in doubt that no read-back can settle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unseen {
    /// Komet answered with this Prebook, but neither with items nor with a list that shows them.
    Made(PrebookNumber),
    /// Komet did not answer, and its lists cannot show what ships on this day.
    Unanswered(NaiveDate),
}

/// A flow 2 order as Axerrio has it from stemsync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedInput {
    /// What was sent.
    pub sent: OrderInput,
    /// What Axerrio showed right after.
    pub seen: OrderInput,
}

/// What Axerrio was told about the PO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPoInfo {
    /// What was sent.
    pub sent: PurchaseOrderInfo,
    /// What Axerrio showed right after.
    pub seen: Option<PurchaseOrderInfo>,
}

/// A shipped box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedBox {
    /// The line it belongs to.
    pub line: LineId,
    /// Which box of the line, from 1.
    pub box_number: u32,
    /// Air waybill it was shipped with; `None` if Komet had shipped it already.
    pub awb: Option<String>,
    /// House air waybill it was shipped with.
    pub house_awb: Option<String>,
    /// Lot it was shipped with.
    pub lot_number: Option<String>,
}

impl AgreedBox {
    /// A box that Komet's people shipped: it has Komet's lot, and an AWB that nobody told stemsync.
    pub fn shipped_by_komet(line: LineId, box_number: u32) -> Self {
        Self { line, box_number, awb: None, house_awb: None, lot_number: None }
    }
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// The lines it was for.
    pub lines: Vec<LineId>,
    /// What the system said.
    pub message: String,
}
