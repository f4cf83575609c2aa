//! From the records of Komet's reads to the domain. One unreadable record becomes an [`Unreadable`] with the way to
//! the field, the others go on. With a Company token the answers show the whole company; everything that is another
//! vendor's is dropped here, before it is read.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

use super::loose::{Bad, List, Loose, Record};
use super::wire;
use crate::domain::{
    BoxType, Breakdown, Carrier, ItemId, KometProduct, KometTerms, PoBox, PoItemId, PoLine, PoNumber, PoStatus,
    Prebook, PrebookHeader, PrebookId, PrebookItem, PrebookKind, PrebookNumber, PurchaseOrder, UnitType,
};
use crate::systems::Unreadable;

/// An answer with more unreadable records than this is unreadable as a whole: nobody looks at each of them.
const MOST_UNREADABLE: usize = 1000;

/// Reads each record; what cannot be read is told apart with its id where that much is legible.
fn each<W, T>(
    name: &str,
    list: &List<W>,
    identity: impl Fn(&W) -> (Option<String>, Option<chrono::DateTime<chrono::Utc>>),
    read: impl Fn(&W) -> Result<Option<T>, Bad>,
) -> Result<(Vec<T>, Vec<Unreadable>), Bad> {
    let records = list.get(name)?;
    let (mut items, mut unreadable) = (Vec::with_capacity(records.len()), Vec::new());
    for (index, record) in records.iter().enumerate() {
        if unreadable.len() > MOST_UNREADABLE {
            return Err(Bad::new(name, "records", format!("more than {MOST_UNREADABLE} that cannot be read")));
        }
        match record.get(&format!("{name}[{index}]")) {
            Err(bad) => unreadable.push(Unreadable { id: None, changed_at: None, what: bad.to_string() }),
            Ok(record) => match read(record) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => {}
                Err(bad) => {
                    let (id, changed_at) = identity(record);
                    unreadable.push(Unreadable { id, changed_at, what: bad.within(name, index).to_string() });
                }
            },
        }
    }
    Ok((items, unreadable))
}

/// Reads a list inside a record; one unreadable entry makes the record unreadable, as half a record would look like
/// a change.
fn all<W, T>(name: &str, list: &List<W>, read: impl Fn(&W) -> Result<Option<T>, Bad>) -> Result<Vec<T>, Bad> {
    let records = list.get(name)?;
    let mut items = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let Record::Is(record) = record else {
            record.get(&format!("{name}[{index}]"))?;
            continue;
        };
        if let Some(item) = read(record).map_err(|bad| bad.within(name, index))? {
            items.push(item);
        }
    }
    Ok(items)
}

/// `prebook.details.list`; with a Company token only the items of `vendor`.
pub(super) fn prebooks(
    list: &List<wire::Prebook<'_>>,
    vendor: Option<i64>,
) -> Result<(Vec<Prebook>, Vec<Unreadable>), Bad> {
    let identity = |wire: &wire::Prebook<'_>| (wire.id.string("id").ok().flatten(), None);
    each("prebooks", list, identity, |wire| prebook(wire, vendor))
}

fn prebook(wire: &wire::Prebook<'_>, vendor: Option<i64>) -> Result<Option<Prebook>, Bad> {
    let mut items = all("details", &wire.details, |detail| {
        // A Company token shows more than a Vendor token would, and than is the vendor's business.
        let hidden = vendor.is_some() && (detail.vendor_id.id("vendorId")? != vendor || is_unfinished(detail)?);
        if hidden { Ok(None) } else { prebook_item(detail) }
    })?;
    if items.is_empty() && wire.details.has_any() && vendor.is_some() {
        return Ok(None);
    }
    // One that is listed twice is one.
    let mut listed = HashSet::with_capacity(items.len());
    items.retain(|item| listed.insert(item.id.clone()));
    // Standing orders and Prebooks travel alike, so an unknown letter is no reason to refuse one.
    let standing = wire.kind.text("type")?.is_some_and(|kind| kind.starts_with(['S', 's']));
    Ok(Some(Prebook {
        id: PrebookId(wire.id.required_id("id")?),
        number: PrebookNumber(wire.number.string("number")?.ok_or_else(|| wire.number.bad("number", "a number"))?),
        kind: if standing { PrebookKind::Standing } else { PrebookKind::Prebook },
        header: PrebookHeader {
            customer_id: wire.customer_id.id("customerId")?,
            customer_code: wire.customer_code.string("customerCode")?,
            customer_name: wire.customer_name.string("customerName")?,
            location_code: wire.location_code.string("locationCode")?,
            truck_date: wire.truck_date.required_date("truckDate")?,
            customer_po: wire.customer_po_number.string("customerPONumber")?,
            carrier_id: wire.carrier_id.id("carrierId")?,
            carrier_name: wire.carrier_name.string("carrierName")?,
        },
        comments: wire.comments.string("comments")?,
        items,
    }))
}

/// Whether the sales rep has not said yet when the item ships or what it costs: a Vendor token does not see it then
/// (komet-api.md, `prebook.details.list`).
fn is_unfinished(wire: &wire::Detail<'_>) -> Result<bool, Bad> {
    let costs = wire.unit_cost.decimal("unitCost")?.is_some() || wire.breakdowns.has_any();
    Ok(!costs || wire.vendor_ship_date.date("vendorShipDate")?.is_none())
}

fn prebook_item(wire: &wire::Detail<'_>) -> Result<Option<PrebookItem>, Bad> {
    let boxes = wire.total_boxes.required_count("totalBoxes")?;
    let Some(ship_date) = wire.vendor_ship_date.date("vendorShipDate")? else {
        // Without a ship date nothing can be synchronised, and a deleted item needs nothing.
        return if boxes == 0 { Ok(None) } else { Err(wire.vendor_ship_date.bad("vendorShipDate", "a date")) };
    };
    Ok(Some(PrebookItem {
        id: ItemId(wire.prebook_item_id.required_id("prebookItemId")?),
        ship_date,
        terms: terms(wire, boxes, boxes > 0)?,
        po_number: po_number(wire.purchase_order_number, "purchaseOrderNumber")?,
    }))
}

/// `purchase.order.list`; with a Company token only the POs to `vendor`.
pub(super) fn purchase_orders(
    list: &List<wire::PurchaseOrder<'_>>,
    vendor: Option<i64>,
) -> Result<(Vec<PurchaseOrder>, Vec<Unreadable>), Bad> {
    let identity = |wire: &wire::PurchaseOrder<'_>| {
        (wire.number.string("number").ok().flatten(), wire.updated_on.time("updatedOn").ok().flatten())
    };
    let (read, unreadable) = each("purchaseOrders", list, identity, |wire| {
        // The request asked for this vendor already; a PO that names none is taken at the request's word.
        let other = wire.vendor_id.id("vendorId")?.zip(vendor).is_some_and(|(shown, ours)| shown != ours);
        if other { Ok(None) } else { purchase_order(wire).map(Some) }
    })?;
    Ok((joined(read), unreadable))
}

/// A PO that is listed in several parts is one, with the lines of all.
fn joined(read: Vec<PurchaseOrder>) -> Vec<PurchaseOrder> {
    let mut all: Vec<PurchaseOrder> = Vec::with_capacity(read.len());
    let mut places: HashMap<PoNumber, usize> = HashMap::with_capacity(read.len());
    for po in read {
        if let Some(at) = places.get(&po.number) {
            all[*at].lines.extend(po.lines);
        } else {
            places.insert(po.number.clone(), all.len());
            all.push(po);
        }
    }
    all
}

fn purchase_order(wire: &wire::PurchaseOrder<'_>) -> Result<PurchaseOrder, Bad> {
    Ok(PurchaseOrder {
        number: po_number(wire.number, "number")?.ok_or_else(|| wire.number.bad("number", "a PO number"))?,
        status: po_status(wire.status)?,
        ship_date: wire.ship_date.required_date("shipDate")?,
        updated_on: wire.updated_on.time("updatedOn")?,
        awb: wire.awb.string("awb")?,
        location: wire.location_name.string("locationName")?,
        lines: all("details", &wire.details, |detail| po_line(detail).map(Some))?,
    })
}

fn po_line(wire: &wire::Detail<'_>) -> Result<PoLine, Bad> {
    let item_id = wire.prebook_item_id.id("prebookItemId")?.map(ItemId);
    let boxes = wire.total_boxes.required_count("totalBoxes")?;
    Ok(PoLine {
        id: PoItemId(wire.po_item_id.required_id("poItemId")?),
        // Stock bought without a Prebook is not synchronised: what it leaves out does no harm.
        terms: terms(wire, boxes, boxes > 0 && item_id.is_some())?,
        item_id,
        boxes: all("boxes", &wire.boxes, |one| {
            Ok(Some(PoBox {
                code: one.box_code.string("boxCode")?.ok_or_else(|| one.box_code.bad("boxCode", "a box code"))?,
                lot_number: one.lot_number.string("lotNumber")?,
                status: one.status_name.string("statusName")?,
            }))
        })?,
    })
}

/// Short or long, as in `purchase.order.list`.
fn po_status(status: Loose<'_>) -> Result<PoStatus, Bad> {
    let bad = || status.bad("status", "a PO status (PA, A, CF, C or their long names)");
    match status.text("status")?.ok_or_else(bad)?.to_ascii_lowercase().as_str() {
        "pa" | "pending approval" => Ok(PoStatus::Pending),
        "a" | "approved" => Ok(PoStatus::Approved),
        "cf" | "confirmed by farm" => Ok(PoStatus::Confirmed),
        "c" | "cancelled" | "canceled" => Ok(PoStatus::Cancelled),
        _ => Err(bad()),
    }
}

/// The goods. `complete`: the line counts, so nothing that is reconciled may be missing; of a mixed box the parts
/// may say it in the line's place.
fn terms(wire: &wire::Detail<'_>, boxes: u32, complete: bool) -> Result<KometTerms, Bad> {
    let breakdowns = all("breakdowns", &wire.breakdowns, |part| breakdown(part, complete).map(Some))?;
    let complete = complete && breakdowns.is_empty();
    let bunches_of_parts = breakdowns.iter().fold(0_u32, |sum, part| sum.saturating_add(part.bunches));
    Ok(KometTerms {
        product: product(wire.product_id, wire.product_description)?,
        box_type: wire.box_type.string("boxType")?.unwrap_or_default(),
        boxes,
        bunches: given(wire.bunches.count("bunches")?, bunches_of_parts, complete, wire.bunches, "bunches")?,
        stems_per_bunch: given(
            wire.stems_bunch.count("stemsBunch")?,
            0,
            complete,
            wire.stems_bunch,
            "stemsBunch",
        )?,
        unit_type: unit_type(wire.unit_type)?,
        unit_cost: given(
            wire.unit_cost.decimal("unitCost")?,
            Decimal::ZERO,
            complete,
            wire.unit_cost,
            "unitCost",
        )?,
        mark_code: wire.mark_code.string("markCode")?,
        notes: wire.notes.string("notes")?,
        breakdowns,
    })
}

fn breakdown(wire: &wire::Breakdown<'_>, complete: bool) -> Result<Breakdown, Bad> {
    Ok(Breakdown {
        product: product(wire.product_id, wire.product_description)?,
        bunches: given(wire.bunches.count("bunches")?, 0, complete, wire.bunches, "bunches")?,
        stems_per_bunch: given(
            wire.stems_bunch.count("stemsBunch")?,
            0,
            complete,
            wire.stems_bunch,
            "stemsBunch",
        )?,
        unit_cost: given(wire.cost.decimal("cost")?, Decimal::ZERO, complete, wire.cost, "cost")?,
    })
}

/// A number, or its stand-in where the line may do without.
fn given<T>(value: Option<T>, or: T, complete: bool, field: Loose<'_>, name: &str) -> Result<T, Bad> {
    match value {
        Some(value) => Ok(value),
        None if complete => Err(field.bad(name, "a number")),
        None => Ok(or),
    }
}

fn product(id: Loose<'_>, description: Loose<'_>) -> Result<KometProduct, Bad> {
    let description = description.string("productDescription")?.unwrap_or_default();
    let unknown = description.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("unknown"));
    Ok(KometProduct { id: id.id("productId")?.filter(|_| !unknown), description })
}

fn unit_type(field: Loose<'_>) -> Result<Option<UnitType>, Bad> {
    let Some(text) = field.text("unitType")? else { return Ok(None) };
    match text.to_ascii_lowercase().as_str() {
        "stem" | "stems" => Ok(Some(UnitType::Stem)),
        "bunch" | "bunches" => Ok(Some(UnitType::Bunch)),
        _ => Err(field.bad("unitType", "Stem or Bunch")),
    }
}

/// Longer is nothing that people would call a PO by.
const PO_NUMBER_LENGTH: usize = 40;

pub(super) fn po_number(field: Loose<'_>, name: &str) -> Result<Option<PoNumber>, Bad> {
    match field.string(name)?.filter(|number| number != "0") {
        Some(number) if number.chars().count() > PO_NUMBER_LENGTH => {
            Err(field.bad(name, "a PO number of at most 40 characters"))
        }
        number => Ok(number.map(PoNumber)),
    }
}

/// `carrier.list`: the inactive ones, too, because orders bear them that were placed before.
pub(super) fn carriers(list: &List<wire::Carrier<'_>>) -> Result<(Vec<Carrier>, Vec<Unreadable>), Bad> {
    each(
        "carriers",
        list,
        |_| (None, None),
        |wire| {
            Ok(Some(Carrier {
                id: wire.id.required_id("id")?,
                code: wire.code.string("code")?.unwrap_or_default(),
                name: wire.name.string("name")?.unwrap_or_default(),
            }))
        },
    )
}

/// `boxtype.list`.
pub(super) fn box_types(list: &List<wire::BoxType<'_>>) -> Result<(Vec<BoxType>, Vec<Unreadable>), Bad> {
    each(
        "boxtypes",
        list,
        |_| (None, None),
        |wire| {
            Ok(Some(BoxType {
                id: wire.id.required_id("id")?,
                code: wire.code.string("code")?.ok_or_else(|| wire.code.bad("code", "a box type code"))?,
                fbe: wire.fbe.decimal("fbe")?.unwrap_or_default(),
            }))
        },
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Reads a whole answer; only whether it panics is of interest.
    fn read(text: &str) {
        let Ok(Record::Is(answer)) = wire::parse::<wire::ReadAnswer<'_>>(text) else { return };
        for vendor in [None, Some(9)] {
            let _ = prebooks(&answer.prebooks, vendor);
            let _ = purchase_orders(&answer.purchase_orders, vendor);
        }
        let _ = (carriers(&answer.carriers), box_types(answer.box_types()));
    }

    #[test]
    fn no_value_and_no_cut_makes_it_panic() {
        let plain = r#"{"status": 1, "prebooks": [{"id": 7, "number": "8", "type": "P", "truckDate": "2026-02-09",
            "details": [{"prebookItemId": 1, "vendorShipDate": "2026-02-05", "productId": 7, "totalBoxes": 3,
            "productDescription": "R", "bunches": 1, "unitCost": 0.3, "breakdowns": [{"bunches": 2, "cost": 1}]}]}],
            "purchaseOrders": [{"number": 1, "status": "A", "shipDate": "2026-02-05", "updatedOn": "2026-02-05 1:2:3",
            "details": [{"poItemId": 1, "totalBoxes": 1, "boxes": [{"boxCode": "B"}]}]}],
            "carriers": [{"id": 1, "active": 1}], "boxtypes": [{"id": 1, "code": "HB", "fbe": 0.5}]}"#;
        read(plain);
        for at in 0..plain.len() {
            read(&plain[..at]);
        }
        let odd = [
            "null",
            "\"\"",
            "\"x\"",
            "\"\\ud800\"",
            "\"\u{e9}\u{e9}\u{e9}\u{e9}\"",
            "-1",
            "1e400",
            "1e-400",
            "1e9",
            "\"1e99\"",
            "99999999999999999999999999999999",
            "0.00000000000000000000000000000000001",
            "\",\"",
            "\"-,1\"",
            "\"2026-02-05T\"",
            "\"+262143-01-01\"",
            "[]",
            "[[]]",
            "{}",
            "true",
        ];
        for (at, _) in plain.match_indices(": ") {
            // The value behind the colon, up to where it ends.
            let start = at + 2;
            let value =
                serde_json::Deserializer::from_str(&plain[start..]).into_iter::<&serde_json::value::RawValue>();
            let length = value.take(1).next().unwrap().unwrap().get().len();
            for odd in odd {
                read(&format!("{}{odd}{}", &plain[..start], &plain[start + length..]));
            }
        }
    }
}
