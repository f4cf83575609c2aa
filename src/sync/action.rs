//! What stemsync may do to the other side: one variant for each request it can send. An action carries everything
//! its request needs, so that an intent in the database tells the whole story, and everything `apply` needs to
//! know what was agreed when it succeeds.

use serde::{Deserialize, Serialize};

use super::report::Job;
use crate::domain::{
    AxOrderId, CodeChange, ExternalRef, Header, ItemId, LineId, LineTerms, NewPrebook, NewPurchaseOrder,
    OrderInput, PoItemId, PoNumber, PrebookId, PurchaseOrderInfo, Shipment, fingerprint,
};
use crate::systems::System;

/// One request for one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `prebook.create`
    CreatePrebook(CreatePrebook),
    /// `prebook.item.delete`
    DeleteItem(DeleteItem),
    /// `purchase.order.create` or `purchase.order.mixed.create`
    CreatePo(NewPurchaseOrder),
    /// `purchase.order.item.delete`
    DeletePoLine(DeletePoLine),
    /// One entry of `purchase.order.items.awb.add`
    Ship(ShipBoxes),
    /// One entry of `box.code.change`
    ChangeCode(ChangeCode),
    /// `PUT orders/by-ref/{externalRef}`
    PutOrder(PutOrder),
    /// `POST orders/by-ref/{externalRef}/cancel`
    CancelOrder(CancelOrder),
    /// `PUT orders/{id}/purchase-order`
    PutPurchaseOrder(PutPurchaseOrder),
}

/// Makes a Prebook, or adds lines to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePrebook {
    /// The request.
    pub new: NewPrebook,
    /// Axerrio's header that it stands for.
    pub header: Header,
    /// Axerrio's lines that the items stand for, in the items' order.
    pub lines: Vec<(LineId, LineTerms)>,
    /// The Prebook that must be answered if lines are added to it.
    pub expect: Option<PrebookId>,
}

/// Deletes a Prebook line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteItem {
    /// The Prebook.
    pub prebook: PrebookId,
    /// The line.
    pub item: ItemId,
    /// The order line it stood for; `None` for a stray or a duplicate.
    pub line: Option<LineId>,
}

/// Deletes a PO line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletePoLine {
    /// The PO.
    pub number: PoNumber,
    /// The PO line.
    pub po_item: PoItemId,
    /// The order line it bought.
    pub line: LineId,
}

/// Ships boxes of one PO line under one AWB and lot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipBoxes {
    /// The order line.
    pub line: LineId,
    /// The PO it is on.
    pub number: PoNumber,
    /// The entry.
    pub shipment: Shipment,
    /// The box numbers that the shipment's codes stand for, in their order.
    pub box_numbers: Vec<u32>,
}

/// Gives a shipped box another code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeCode {
    /// The order line.
    pub line: LineId,
    /// The PO it is on.
    pub number: PoNumber,
    /// The PO line it is on.
    pub po_item: PoItemId,
    /// Which box of the order line, from 1.
    pub box_number: u32,
    /// The entry.
    pub change: CodeChange,
}

/// Puts a flow 2 order to Axerrio.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOrder {
    /// Its name there.
    pub reference: ExternalRef,
    /// What is sent.
    pub input: OrderInput,
    /// What Komet says; it differs from what is sent in the lines that are kept.
    pub wanted: OrderInput,
    /// Lines (`None`: the header) that are sent as Axerrio has them, because a person is to decide or has decided so.
    pub keeps: Vec<Option<LineId>>,
}

/// Cancels a flow 2 order in Axerrio.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    /// Its name there.
    pub reference: ExternalRef,
}

/// Tells Axerrio about the PO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutPurchaseOrder {
    /// The order there.
    pub order: AxOrderId,
    /// What Komet decided.
    pub info: PurchaseOrderInfo,
}

impl Action {
    /// The system it writes to.
    pub fn system(&self) -> System {
        match self {
            Self::PutOrder(_) | Self::CancelOrder(_) | Self::PutPurchaseOrder(_) => System::Axerrio,
            _ => System::Komet,
        }
    }

    /// Komet's method or Axerrio's call, as in the API pages.
    pub fn method(&self) -> &'static str {
        match self {
            Self::CreatePrebook(_) => "prebook.create",
            Self::DeleteItem(_) => "prebook.item.delete",
            Self::CreatePo(po) if po.mixed => "purchase.order.mixed.create",
            Self::CreatePo(_) => "purchase.order.create",
            Self::DeletePoLine(_) => "purchase.order.item.delete",
            Self::Ship(_) => "purchase.order.items.awb.add",
            Self::ChangeCode(_) => "box.code.change",
            Self::PutOrder(_) => "PUT orders/by-ref/{externalRef}",
            Self::CancelOrder(_) => "POST orders/by-ref/{externalRef}/cancel",
            Self::PutPurchaseOrder(_) => "PUT orders/{id}/purchase-order",
        }
    }

    /// The job that pushes it (product.md, "Jobs"). The PO of a flow 2 order follows its acceptance, which the
    /// `orders` job polls.
    pub fn job(&self) -> Job {
        match self {
            Self::CreatePrebook(_) | Self::DeleteItem(_) | Self::CreatePo(_) | Self::DeletePoLine(_) => {
                Job::Orders
            }
            Self::PutOrder(_) | Self::CancelOrder(_) => Job::Prebooks,
            Self::PutPurchaseOrder(_) => Job::PurchaseOrders,
            Self::Ship(_) | Self::ChangeCode(_) => Job::Labels,
        }
    }

    /// Whether entries of several orders travel in one request.
    pub fn is_batched(&self) -> bool {
        matches!(self, Self::Ship(_) | Self::ChangeCode(_))
    }

    /// The order lines it concerns.
    pub fn lines(&self) -> Vec<LineId> {
        match self {
            Self::CreatePrebook(create) => create.lines.iter().map(|(line, _)| line.clone()).collect(),
            Self::DeleteItem(delete) => delete.line.iter().cloned().collect(),
            Self::CreatePo(po) => po.lines.iter().map(|l| l.line.clone()).collect(),
            Self::DeletePoLine(delete) => vec![delete.line.clone()],
            Self::Ship(ship) => vec![ship.line.clone()],
            Self::ChangeCode(change) => vec![change.line.clone()],
            Self::PutOrder(_) | Self::CancelOrder(_) | Self::PutPurchaseOrder(_) => Vec::new(),
        }
    }

    /// A stable name of exactly this request: two actions with the same key would send the same thing.
    pub fn key(&self) -> String {
        format!("{} {:016x}", self.method(), fingerprint(self))
    }

    /// What it does, for people: numbers, never prices or addresses.
    pub fn detail(&self) -> String {
        match self {
            Self::CreatePrebook(create) => match &create.expect {
                Some(prebook) => format!("{} more in prebook id {prebook}", lines(create.lines.len())),
                None => format!("a prebook of {}", lines(create.lines.len())),
            },
            Self::DeleteItem(delete) => format!("item {} of prebook id {}", delete.item, delete.prebook),
            Self::CreatePo(po) => match &po.number {
                Some(number) => format!("{} more on PO {number}", lines(po.lines.len())),
                None => format!("a PO of {} for {}", lines(po.lines.len()), po.ship_date),
            },
            Self::DeletePoLine(delete) => format!("line {} of PO {}", delete.po_item, delete.number),
            Self::Ship(ship) => format!(
                "{} on AWB {}, line {} of PO {}",
                boxes(ship.shipment.codes.len()),
                ship.shipment.awb,
                ship.shipment.po_item,
                ship.number
            ),
            Self::ChangeCode(change) => {
                format!("box {} becomes {} on PO {}", change.change.current, change.change.new, change.number)
            }
            Self::PutOrder(put) => format!("{} with {}", put.reference, lines(put.input.lines.len())),
            Self::CancelOrder(cancel) => format!("{}", cancel.reference),
            Self::PutPurchaseOrder(put) => {
                let awb = put.info.awb.as_ref().map(|awb| format!(", AWB {awb}")).unwrap_or_default();
                format!("PO {} {}{awb}", put.info.number, format!("{:?}", put.info.status).to_lowercase())
            }
        }
    }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

fn boxes(count: usize) -> String {
    if count == 1 { "1 box".to_owned() } else { format!("{count} boxes") }
}
