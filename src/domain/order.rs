//! One order with its three views, as the engine sees it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{
    Agreed, AxOrder, AxOrderId, ExternalRef, ItemId, Label, LineId, PoLink, PoStatus, Prebook, PrebookId,
    PrebookItem, PurchaseOrder,
};

/// Which way an order travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Ordered in Axerrio.
    FromAxerrio,
    /// Prebooked in Komet.
    FromKomet,
}

impl Flow {
    /// 1 or 2, as product.md counts them.
    pub fn number(self) -> u8 {
        match self {
            Self::FromAxerrio => 1,
            Self::FromKomet => 2,
        }
    }
}

/// How far an order has come (interface.md, `trace`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Known, nothing in Komet yet.
    Placed,
    /// A Prebook exists.
    Prebooked,
    /// A PO waits for procurement.
    PoPending,
    /// Procurement approved the PO.
    PoApproved,
    /// Every box bought has its code and AWB in Komet.
    Labelled,
    /// Every box was scanned in.
    Received,
    /// Called off.
    Cancelled,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 7] = [
        Self::Placed,
        Self::Prebooked,
        Self::PoPending,
        Self::PoApproved,
        Self::Labelled,
        Self::Received,
        Self::Cancelled,
    ];

    /// Those in which an order has no PO yet, and waits for what the rules and its ship date allow.
    pub const UNBOUGHT: [Self; 2] = [Self::Placed, Self::Prebooked];

    /// The name that scripts rely on.
    pub fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Prebooked => "prebooked",
            Self::PoPending => "po_pending",
            Self::PoApproved => "po_approved",
            Self::Labelled => "labelled",
            Self::Received => "received",
            Self::Cancelled => "cancelled",
        }
    }

    /// The stage of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// Whether anything may still happen to the order.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Received | Self::Cancelled)
    }
}

/// What Axerrio last showed of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxerrioView {
    /// The order; `None` until it was seen (flow 2 before it was sent, or a tag whose order was not read yet).
    pub order: Option<AxOrder>,
    /// Its labels, in no particular order; several may name one box.
    pub labels: Vec<Label>,
}

/// What Komet last showed of an order: its Prebooks and POs, each holding this order's lines only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KometView {
    /// Prebooks that carry the order's tag or hold its items.
    #[serde(default)]
    pub prebooks: Vec<Prebook>,
    /// POs that hold its lines.
    #[serde(default)]
    pub purchase_orders: Vec<PurchaseOrder>,
}

impl KometView {
    /// The Prebook item of this id, alive or not.
    pub fn item(&self, id: &ItemId) -> Option<&PrebookItem> {
        self.prebooks.iter().flat_map(|prebook| &prebook.items).find(|item| item.id == *id)
    }

    /// The codes of the boxes that it shows, but on cancelled POs.
    pub fn box_codes(&self) -> impl Iterator<Item = &str> {
        let pos = self.purchase_orders.iter().filter(|po| po.status != PoStatus::Cancelled);
        pos.flat_map(|po| &po.lines).flat_map(|line| &line.boxes).map(|shown| shown.code.as_str())
    }
}

/// An order's number in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderKey(pub i64);

/// One order: who it is on both sides, and its three views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number in the database.
    pub key: OrderKey,
    /// Which way it travels.
    pub flow: Flow,
    /// Its id in Axerrio, once known.
    pub ax_id: Option<AxOrderId>,
    /// Flow 2: its name in Axerrio.
    pub reference: Option<ExternalRef>,
    /// Flow 2: the Prebook it was made from.
    pub prebook: Option<PrebookId>,
    /// The day the vendor ships it.
    pub ship_date: NaiveDate,
    /// How far it has come.
    pub stage: Stage,
    /// What Axerrio last showed.
    pub axerrio: AxerrioView,
    /// What Komet last showed.
    pub komet: KometView,
    /// What was last agreed.
    pub agreed: Agreed,
    /// Flow 2: lines that Axerrio still has, or may have, on another order with which this one may share items: one of the same Prebook,
    /// which is one order per ship date, or of another ([`Agreed::kin`]).
    pub elsewhere: BTreeMap<LineId, LineElsewhere>,
    /// Flow 2: items that Komet shows as such an order's.
    pub items_elsewhere: BTreeSet<ItemId>,
    /// Flow 2: what stemsync bought for such orders: an item that moved to this one brings its PO line with it.
    pub bought_elsewhere: Vec<PoLink>,
    /// Flow 2: ship dates of such orders on which items were read.
    pub former_days: BTreeMap<ItemId, BTreeSet<NaiveDate>>,
    /// Flow 1: those of its Prebooks whose header another order's Prebook shares, so that `useExisting` may lead there.
    pub ambiguous: BTreeSet<PrebookId>,
    /// Codes of its labels and boxes that another order has, or had first.
    pub codes_elsewhere: BTreeMap<String, CodeElsewhere>,
}

/// A line that Axerrio has on another order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineElsewhere {
    /// What people call that order.
    pub order: String,
    /// What becomes of it there.
    pub staying: Staying,
}

/// What becomes of a line that is to leave an order in Axerrio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Staying {
    /// It goes as soon as the order is put again, or nobody knows yet whether it is there at all.
    Goes,
    /// Axerrio refused to let it go, and said this.
    Refused(String),
    /// Nothing is to become of it: it is asked about there, since somebody changed it in Axerrio for one, or was left so.
    Kept,
}

/// Another order that has a box code of this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeElsewhere {
    /// What people call the other order.
    pub order: String,
    /// Whether Komet shows it on a box there; else it is on a label that was printed for an order that came first.
    pub in_komet: bool,
}

impl Order {
    /// What people call it: its id in Axerrio, else its reference.
    pub fn name(&self) -> &str {
        match (&self.ax_id, &self.reference) {
            (Some(id), _) => &id.0,
            (None, Some(reference)) => &reference.0,
            (None, None) => "?",
        }
    }
}
