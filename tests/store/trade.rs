//! Small orders to put on file.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use stemsync::domain::*;
use stemsync::store::orders::{self, NewOrder};
use stemsync::store::{Store, StoreError};
use tempfile::TempDir;

/// A fresh database, which goes away with the directory.
pub(crate) fn fresh() -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = Store::open(&dir.path().join("state/stemsync.db")).unwrap();
    (dir, store)
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    at("2026-03-02T05:00:00.123456789Z")
}

pub(crate) fn flow_1(id: &str, ship_date: &str) -> NewOrder {
    let ax_id = Some(AxOrderId(id.to_owned()));
    NewOrder { flow: Flow::FromAxerrio, ax_id, reference: None, prebook: None, ship_date: day(ship_date) }
}

pub(crate) fn flow_2(prebook: i64, ship_date: &str) -> NewOrder {
    let prebook = PrebookId(prebook);
    let reference = Some(ExternalRef::first(&prebook));
    NewOrder { flow: Flow::FromKomet, ax_id: None, reference, prebook: Some(prebook), ship_date: day(ship_date) }
}

/// Puts an order on file and settles it.
pub(crate) fn settled(store: &Store, new: NewOrder) -> OrderKey {
    store
        .write_blocking(move |conn| {
            let key = orders::insert(conn, &new)?;
            orders::settle(conn, key, Stage::Placed, new.ship_date, false)?;
            Ok(key)
        })
        .unwrap()
}

pub(crate) fn is_dirty(store: &Store, key: OrderKey) -> bool {
    store.read_blocking(move |conn| Ok(orders::dirty(conn)?.contains(&key))).unwrap()
}

pub(crate) fn load(store: &Store, key: OrderKey) -> Order {
    store.read_blocking(move |conn| orders::load(conn, key)).unwrap().unwrap()
}

/// Runs `f` in a write and says how many rows it wrote.
pub(crate) fn rows_written(
    store: &Store,
    f: impl FnOnce(&stemsync::store::Connection) -> Result<(), StoreError> + Send + 'static,
) -> u64 {
    store
        .write_blocking(move |conn| {
            let before = conn.total_changes();
            f(conn)?;
            Ok(conn.total_changes() - before)
        })
        .unwrap()
}

pub(crate) fn terms(boxes: u32) -> LineTerms {
    LineTerms {
        product: Product { code: "ROSFR60".to_owned(), description: "Rose Freedom 60 cm".to_owned() },
        box_type: "HB".to_owned(),
        boxes,
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: UnitType::Stem,
        unit_cost: Decimal::new(2850, 4),
        unit_price: None,
        mark_code: Some("ÑANDÚ".to_owned()),
        notes: None,
        mix: vec![],
    }
}

pub(crate) fn ax_order(id: &str, ship_date: &str) -> AxOrder {
    AxOrder {
        id: AxOrderId(id.to_owned()),
        external_ref: None,
        origin: Origin::Axerrio,
        status: AxStatus::Placed,
        version: 1,
        changed_at: now(),
        header: Header {
            customer: Party { code: "C100".to_owned(), name: "Bloom & Co".to_owned() },
            customer_po: None,
            ship_date: day(ship_date),
            truck_date: None,
            carrier: None,
            location: None,
            comments: None,
        },
        lines: vec![AxLine { id: LineId("1".to_owned()), terms: terms(4), confirmed_boxes: None }],
        purchase_order: None,
    }
}

pub(crate) fn komet_terms(boxes: u32) -> KometTerms {
    KometTerms {
        product: KometProduct { id: Some(7), description: "Rose Freedom 60 cm".to_owned() },
        box_type: "HB".to_owned(),
        boxes,
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: Some(UnitType::Stem),
        unit_cost: Decimal::new(2850, 4),
        mark_code: None,
        notes: None,
        breakdowns: vec![],
    }
}

/// A Prebook with these items of one box each.
pub(crate) fn prebook(id: i64, number: &str, items: &[i64], ship_date: &str) -> Prebook {
    let item = |id: &i64| PrebookItem {
        id: ItemId(*id),
        ship_date: day(ship_date),
        terms: komet_terms(1),
        po_number: None,
    };
    Prebook {
        id: PrebookId(id),
        number: PrebookNumber(number.to_owned()),
        kind: PrebookKind::Prebook,
        header: PrebookHeader {
            customer_id: None,
            customer_code: Some("C100".to_owned()),
            customer_name: None,
            location_code: None,
            truck_date: day(ship_date),
            customer_po: None,
            carrier_id: None,
            carrier_name: None,
        },
        comments: None,
        items: items.iter().map(item).collect(),
    }
}

/// A PO that buys for `item`, with boxes of these codes.
pub(crate) fn purchase_order(number: &str, item: i64, codes: &[&str], ship_date: &str) -> PurchaseOrder {
    let shipped = |code: &&str| PoBox { code: (*code).to_owned(), lot_number: None, status: None };
    PurchaseOrder {
        number: PoNumber(number.to_owned()),
        status: PoStatus::Approved,
        ship_date: day(ship_date),
        updated_on: Some(now()),
        awb: None,
        location: None,
        lines: vec![PoLine {
            id: PoItemId(item * 10),
            item_id: Some(ItemId(item)),
            terms: komet_terms(1),
            boxes: codes.iter().map(shipped).collect(),
        }],
    }
}

pub(crate) fn label(id: &str, order: &str, code: &str) -> Label {
    Label {
        id: LabelId(id.to_owned()),
        order_id: AxOrderId(order.to_owned()),
        line_id: LineId("1".to_owned()),
        box_number: 1,
        box_code: code.to_owned(),
        lot_number: None,
        awb: None,
        house_awb: None,
        ship_date: day("2026-03-05"),
        status: LabelStatus::Printed,
        changed_at: now(),
    }
}

pub(crate) fn hold(reason: HoldReason, line: Option<&str>, cause: &str) -> Hold {
    let line = line.map(|l| LineId(l.to_owned()));
    Hold { reason, line, cause: cause.to_owned(), detail: format!("about {cause}") }
}
