//! The bodies of Komet's writes, built from the domain, and their size: a request holds at most 64,000 bytes
//! (clarification 16). What a method counts and what it sends come from the same functions, so the count is exact.

use std::io;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::domain::{
    CodeChange, ItemId, KometRef, NewBreakdown, NewGoods, NewPoLine, NewPrebook, NewPrebookItem, NewPurchaseOrder,
    PoItemId, PrebookId, Shipment, UnitType,
};

/// Bytes of one request's body.
pub(super) const LIMIT: usize = 64_000;

/// A decimal as a JSON number, digit by digit.
#[derive(Clone, Copy)]
struct Money(Decimal);

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?;
        digits.serialize(serializer)
    }
}

/// Nothing is sent for what has no value: neither absent nor blank.
fn filled(text: Option<&String>) -> Option<&str> {
    crate::domain::blank(text.map(String::as_str))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrebookCreate<'a> {
    authentication_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier_description: Option<&'a str>,
    /// The truck date, in Komet's naming.
    ship_date: NaiveDate,
    ship_via_id: u8,
    #[serde(rename = "customerPO", skip_serializing_if = "Option::is_none")]
    customer_po: Option<&'a str>,
    comments: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_location_code: Option<&'a str>,
    use_existing: u8,
    prebook_items: Vec<Item<'a>>,
}

/// An item of any of the three creates.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    prebook_item_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_id: Option<i64>,
    #[serde(flatten)]
    product: Product<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    box_type_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    box_type_code: Option<&'a str>,
    boxes: u32,
    bunches: u32,
    stems_bunch: u32,
    unit_type: &'static str,
    cost: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_ship_date: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    breakdowns: Vec<Part<'a>>,
}

/// By one of the three, which Komet documents as alternatives.
#[derive(Default, Serialize)]
struct Product<'a> {
    #[serde(rename = "productId", skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    #[serde(rename = "productCode", skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(rename = "productDescription", skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(flatten)]
    product: Product<'a>,
    bunches: u32,
    stems_bunch: u32,
    cost: Money,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoCreate<'a> {
    authentication_token: &'a str,
    ship_date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_location_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_order_number: Option<&'a str>,
    purchase_order_items: Vec<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrebookItemDelete<'a> {
    pub(super) authentication_token: &'a str,
    pub(super) prebook_id: &'a PrebookId,
    pub(super) prebook_item_id: &'a ItemId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoItemDelete<'a> {
    pub(super) authentication_token: &'a str,
    pub(super) po_item_id: &'a PoItemId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AwbAdd<'a> {
    authentication_token: &'a str,
    po_items: Vec<AwbItem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AwbItem<'a> {
    po_item_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor_id: Option<i64>,
    awb: &'a str,
    #[serde(rename = "houseAWB", skip_serializing_if = "Option::is_none")]
    house_awb: Option<&'a str>,
    ship_date: NaiveDate,
    box_codes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    lot_number: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodesChange<'a> {
    authentication_token: &'a str,
    boxes: Vec<CodeItem<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CodeItem<'a> {
    current_box_code: &'a str,
    new_box_code: &'a str,
}

/// Whose requests these are: what every body is built with.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) token: &'a str,
    /// With a Company token: the vendor it acts for.
    pub(super) vendor_id: Option<i64>,
}

impl<'a> Sender<'a> {
    /// `prebook.create` with none of its items.
    pub(super) fn prebook_head(self, new: &'a NewPrebook) -> PrebookCreate<'a> {
        let (customer_id, customer_code, customer_description) = named(Some(&new.customer));
        let (carrier_id, carrier_code, carrier_description) = named(new.carrier.as_ref());
        PrebookCreate {
            authentication_token: self.token,
            vendor_id: self.vendor_id,
            customer_id,
            customer_code,
            customer_description,
            carrier_id,
            carrier_code,
            carrier_description,
            ship_date: new.truck_date,
            ship_via_id: 0,
            customer_po: filled(new.customer_po.as_ref()),
            comments: &new.comments,
            company_location_code: filled(new.location_code.as_ref()),
            use_existing: u8::from(new.use_existing),
            prebook_items: Vec::new(),
        }
    }

    /// One item of `prebook.create`. Where a Company token names its vendor is not documented: the head and
    /// the items both do.
    pub(super) fn prebook_item(self, new: &'a NewPrebookItem) -> Item<'a> {
        Item {
            vendor_id: self.vendor_id,
            product: product(&new.product),
            price: new.price.map(Money),
            vendor_ship_date: Some(new.ship_date),
            mark_code: filled(new.mark_code.as_ref()),
            ..goods(&new.goods)
        }
    }

    /// The whole of `prebook.create`.
    pub(super) fn prebook_create(self, new: &'a NewPrebook) -> PrebookCreate<'a> {
        let prebook_items = new.items.iter().map(|item| self.prebook_item(item)).collect();
        PrebookCreate { prebook_items, ..self.prebook_head(new) }
    }

    /// `purchase.order.create` or its mixed sibling with none of the lines.
    pub(super) fn po_head(self, new: &'a NewPurchaseOrder) -> PoCreate<'a> {
        PoCreate {
            authentication_token: self.token,
            ship_date: new.ship_date,
            vendor_id: self.vendor_id,
            company_location_code: filled(new.location_code.as_ref()),
            purchase_order_number: new.number.as_ref().map(|number| number.0.as_str()),
            purchase_order_items: Vec::new(),
        }
    }

    /// The whole of `purchase.order.create` or its mixed sibling.
    pub(super) fn po_create(self, new: &'a NewPurchaseOrder) -> PoCreate<'a> {
        let purchase_order_items = new.lines.iter().map(po_line).collect();
        PoCreate { purchase_order_items, ..self.po_head(new) }
    }

    /// `purchase.order.items.awb.add`.
    pub(super) fn awb_add(self, shipments: &'a [Shipment]) -> AwbAdd<'a> {
        let po_items = shipments.iter().map(|shipment| self.awb_item(shipment)).collect();
        AwbAdd { authentication_token: self.token, po_items }
    }

    /// One line of `purchase.order.items.awb.add`.
    pub(super) fn awb_item(self, shipment: &'a Shipment) -> AwbItem<'a> {
        AwbItem {
            po_item_id: shipment.po_item.0,
            vendor_id: self.vendor_id,
            awb: &shipment.awb,
            house_awb: filled(shipment.house_awb.as_ref()),
            ship_date: shipment.ship_date,
            box_codes: &shipment.codes,
            lot_number: filled(shipment.lot_number.as_ref()),
        }
    }

    /// `box.code.change`.
    pub(super) fn codes_change(self, changes: &'a [CodeChange]) -> CodesChange<'a> {
        CodesChange { authentication_token: self.token, boxes: changes.iter().map(code_item).collect() }
    }
}

/// One line of a PO create.
pub(super) fn po_line(new: &NewPoLine) -> Item<'_> {
    Item { prebook_item_id: Some(new.item.0), ..goods(&new.goods) }
}

/// One box of `box.code.change`.
pub(super) fn code_item(change: &CodeChange) -> CodeItem<'_> {
    CodeItem { current_box_code: &change.current, new_box_code: &change.new }
}

/// Id, code and description of a customer or carrier, of which either the first or the others are there.
fn named(reference: Option<&KometRef>) -> (Option<i64>, Option<&str>, Option<&str>) {
    match reference {
        None => (None, None, None),
        Some(KometRef::Id(id)) => (Some(*id), None, None),
        Some(KometRef::Code { code, name }) => (None, Some(code), Some(name)),
        Some(KometRef::Description(name)) => (None, None, Some(name)),
    }
}

fn product(reference: &KometRef) -> Product<'_> {
    match reference {
        KometRef::Id(id) => Product { id: Some(*id), ..Product::default() },
        KometRef::Code { code, .. } => Product { code: Some(code), ..Product::default() },
        KometRef::Description(text) => Product { description: Some(text), ..Product::default() },
    }
}

fn goods(goods: &NewGoods) -> Item<'_> {
    let (box_type_id, box_type_code, described) = named(Some(&goods.box_type));
    Item {
        prebook_item_id: None,
        vendor_id: None,
        product: Product::default(),
        box_type_id,
        box_type_code: box_type_code.or(described),
        boxes: goods.boxes,
        bunches: goods.bunches,
        stems_bunch: goods.stems_per_bunch,
        unit_type: match goods.unit_type {
            UnitType::Stem => "Stem",
            UnitType::Bunch => "Bunch",
        },
        cost: Money(goods.unit_cost),
        price: None,
        vendor_ship_date: None,
        mark_code: None,
        notes: filled(goods.notes.as_ref()),
        breakdowns: goods.mix.iter().map(part).collect(),
    }
}

fn part(part: &NewBreakdown) -> Part<'_> {
    Part {
        product: product(&part.product),
        bunches: part.bunches,
        stems_bunch: part.stems_per_bunch,
        cost: Money(part.unit_cost),
    }
}

/// The body's bytes. Plain structs of numbers and texts always serialise.
pub(super) fn bytes(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("a struct with string keys serialises into memory")
}

/// How many of the items, from the first, fit one request beside `head`, which has an empty list; at least 1 if there
/// is one, as an item that fits no request is refused when it is sent.
pub(super) fn fits<I: Serialize>(head: &impl Serialize, items: impl Iterator<Item = I>) -> usize {
    let mut size = length(head);
    let mut count = 0;
    for item in items {
        size += length(&item) + usize::from(count > 0);
        if size > LIMIT && count > 0 {
            break;
        }
        count += 1;
    }
    count
}

fn length(value: &impl Serialize) -> usize {
    /// Counts what is written to it.
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value)
        .expect("a struct with string keys serialises, and counting never fails");
    count.0
}
