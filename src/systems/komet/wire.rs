//! The shapes of Komet's answers, as komet-api.md lists them. Only the fields that stemsync uses are named;
//! unknown ones are ignored. Every value is [`Loose`]: what it means is decided in `convert`, field by field, so
//! that one unreadable record never hides the others.

use serde::Deserialize;

use super::loose::{List, Loose, Record};

/// An answer to a read; the list that the method does not have stays empty.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct ReadAnswer<'a> {
    #[serde(borrow)]
    pub(super) status: Loose<'a>,
    #[serde(borrow)]
    pub(super) message: Loose<'a>,
    #[serde(borrow)]
    pub(super) prebooks: List<Prebook<'a>>,
    #[serde(borrow)]
    pub(super) purchase_orders: List<PurchaseOrder<'a>>,
    #[serde(borrow)]
    pub(super) carriers: List<Carrier<'a>>,
    #[serde(borrow)]
    boxtypes: List<BoxType<'a>>,
    #[serde(borrow, rename = "boxTypes")]
    box_types: List<BoxType<'a>>,
}

impl<'a> ReadAnswer<'a> {
    /// The box types, under whichever of their names there are any.
    pub(super) fn box_types(&self) -> &List<BoxType<'a>> {
        first_of(&[&self.boxtypes, &self.box_types])
    }
}

/// The list that has something. An alias would not do: an answer that has both names is no error.
fn first_of<'l, T>(lists: &[&'l List<T>]) -> &'l List<T> {
    lists.iter().find(|list| list.has_any()).unwrap_or(&lists[0])
}

/// An answer to a write.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WriteAnswer<'a> {
    #[serde(borrow)]
    pub(super) status: Loose<'a>,
    #[serde(borrow)]
    pub(super) message: Loose<'a>,
    #[serde(borrow)]
    pub(super) prebook_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) prebook_number: Loose<'a>,
    #[serde(borrow)]
    pub(super) prebook_items: List<CreatedItem<'a>>,
    #[serde(borrow)]
    pub(super) purchase_order_number: Loose<'a>,
    #[serde(borrow)]
    purchase_order_items: List<CreatedItem<'a>>,
    #[serde(borrow)]
    po_items: List<CreatedItem<'a>>,
    #[serde(borrow)]
    items: List<CreatedItem<'a>>,
    #[serde(borrow)]
    details: List<CreatedItem<'a>>,
    #[serde(borrow, rename = "purchaseOrderItemDetailsAWBAddAPIResultList")]
    pub(super) shipped: List<ShipResult<'a>>,
    #[serde(borrow)]
    pub(super) boxes: List<CodeResult<'a>>,
}

impl<'a> WriteAnswer<'a> {
    /// A new PO's lines. Komet does not document under which name they are answered, if they are.
    pub(super) fn po_lines(&self) -> &List<CreatedItem<'a>> {
        first_of(&[&self.purchase_order_items, &self.po_items, &self.items, &self.details])
    }
}

/// One created Prebook item or PO line.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CreatedItem<'a> {
    #[serde(borrow)]
    pub(super) prebook_item_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) po_item_id: Loose<'a>,
}

/// What became of one line of `purchase.order.items.awb.add`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ShipResult<'a> {
    #[serde(borrow)]
    pub(super) po_item_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) status: Loose<'a>,
    #[serde(borrow)]
    pub(super) message: Loose<'a>,
    #[serde(borrow)]
    pub(super) box_codes: Loose<'a>,
    #[serde(borrow, rename = "newPOItemId")]
    pub(super) new_po_item_id: Loose<'a>,
}

/// What became of one box of `box.code.change`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CodeResult<'a> {
    #[serde(borrow)]
    pub(super) new_box_code: Loose<'a>,
    #[serde(borrow)]
    pub(super) status: Loose<'a>,
    #[serde(borrow)]
    pub(super) message: Loose<'a>,
}

/// `prebooks[]`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Prebook<'a> {
    #[serde(borrow)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) number: Loose<'a>,
    #[serde(borrow)]
    pub(super) location_code: Loose<'a>,
    #[serde(borrow)]
    pub(super) customer_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) customer_code: Loose<'a>,
    #[serde(borrow)]
    pub(super) customer_name: Loose<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Loose<'a>,
    #[serde(borrow)]
    pub(super) truck_date: Loose<'a>,
    #[serde(borrow, rename = "customerPONumber")]
    pub(super) customer_po_number: Loose<'a>,
    #[serde(borrow)]
    pub(super) carrier_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) carrier_name: Loose<'a>,
    #[serde(borrow)]
    pub(super) comments: Loose<'a>,
    #[serde(borrow)]
    pub(super) details: List<Detail<'a>>,
}

/// `purchaseOrders[]`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PurchaseOrder<'a> {
    #[serde(borrow)]
    pub(super) number: Loose<'a>,
    #[serde(borrow)]
    pub(super) status: Loose<'a>,
    #[serde(borrow)]
    pub(super) ship_date: Loose<'a>,
    #[serde(borrow)]
    pub(super) updated_on: Loose<'a>,
    #[serde(borrow)]
    pub(super) vendor_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) location_name: Loose<'a>,
    #[serde(borrow)]
    pub(super) awb: Loose<'a>,
    #[serde(borrow)]
    pub(super) details: List<Detail<'a>>,
}

/// `details[]`, of a Prebook and of a PO.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Detail<'a> {
    #[serde(borrow)]
    pub(super) prebook_item_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) po_item_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) vendor_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) vendor_ship_date: Loose<'a>,
    #[serde(borrow)]
    pub(super) product_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) product_description: Loose<'a>,
    #[serde(borrow)]
    pub(super) total_boxes: Loose<'a>,
    #[serde(borrow)]
    pub(super) box_type: Loose<'a>,
    #[serde(borrow)]
    pub(super) bunches: Loose<'a>,
    #[serde(borrow)]
    pub(super) stems_bunch: Loose<'a>,
    #[serde(borrow)]
    pub(super) unit_type: Loose<'a>,
    #[serde(borrow)]
    pub(super) unit_cost: Loose<'a>,
    #[serde(borrow)]
    pub(super) mark_code: Loose<'a>,
    #[serde(borrow)]
    pub(super) notes: Loose<'a>,
    #[serde(borrow)]
    pub(super) purchase_order_number: Loose<'a>,
    #[serde(borrow)]
    pub(super) breakdowns: List<Breakdown<'a>>,
    #[serde(borrow)]
    pub(super) boxes: List<PoBox<'a>>,
}

/// `breakdowns[]`: one part of a mixed box.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Breakdown<'a> {
    #[serde(borrow)]
    pub(super) product_id: Loose<'a>,
    #[serde(borrow)]
    pub(super) product_description: Loose<'a>,
    #[serde(borrow)]
    pub(super) stems_bunch: Loose<'a>,
    #[serde(borrow)]
    pub(super) bunches: Loose<'a>,
    #[serde(borrow)]
    pub(super) cost: Loose<'a>,
}

/// `boxes[]` of a shipped PO line.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PoBox<'a> {
    #[serde(borrow)]
    pub(super) box_code: Loose<'a>,
    #[serde(borrow)]
    pub(super) lot_number: Loose<'a>,
    #[serde(borrow)]
    pub(super) status_name: Loose<'a>,
}

/// `carriers[]`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Carrier<'a> {
    #[serde(borrow)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) code: Loose<'a>,
    #[serde(borrow)]
    pub(super) name: Loose<'a>,
}

/// `boxtypes[]`.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BoxType<'a> {
    #[serde(borrow)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) code: Loose<'a>,
    #[serde(borrow)]
    pub(super) fbe: Loose<'a>,
}

/// A whole answer, which may turn out to be no object.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<Record<T>, serde_json::Error> {
    serde_json::from_str(text)
}
