//! The order as Komet last showed it: its Prebooks and its POs.

use chrono::NaiveDate;
use serde::Serialize;

use super::LineStory;
use crate::domain::{Order, PoStatus};

/// The order as Komet last showed it.
#[derive(Debug, Serialize)]
pub struct KometSide {
    /// Its Prebooks.
    pub prebooks: Vec<PrebookStory>,
    /// Its POs.
    pub purchase_orders: Vec<PoStory>,
}

/// One Prebook, with this order's items.
#[derive(Debug, Serialize)]
pub struct PrebookStory {
    /// Komet's internal id.
    pub id: i64,
    /// The number people see.
    pub number: String,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// The customer's code in Komet.
    pub customer_code: Option<String>,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The carrier's name.
    pub carrier: Option<String>,
    /// This order's items.
    pub lines: Vec<LineStory>,
}

/// One PO, with this order's lines.
#[derive(Debug, Serialize)]
pub struct PoStory {
    /// The number people see.
    pub number: String,
    /// Its state.
    pub status: PoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill.
    pub awb: Option<String>,
    /// This order's lines.
    pub lines: Vec<LineStory>,
}

impl KometSide {
    pub(super) fn of(order: &Order) -> Option<Self> {
        let view = &order.komet;
        if view.prebooks.is_empty() && view.purchase_orders.is_empty() {
            return None;
        }
        let prebooks = view.prebooks.iter().map(|prebook| PrebookStory {
            id: prebook.id.0,
            number: prebook.number.0.clone(),
            truck_date: prebook.header.truck_date,
            customer_code: prebook.header.customer_code.clone(),
            customer_po: prebook.header.customer_po.clone(),
            carrier: prebook.header.carrier_name.clone(),
            lines: prebook.items.iter().map(|item| LineStory::of_komet(item.id.0, None, &item.terms)).collect(),
        });
        let purchase_orders = view.purchase_orders.iter().map(|po| PoStory {
            number: po.number.0.clone(),
            status: po.status,
            ship_date: po.ship_date,
            awb: po.awb.clone(),
            lines: po
                .lines
                .iter()
                .map(|line| LineStory::of_komet(line.id.0, line.item_id.as_ref().map(|i| i.0), &line.terms))
                .collect(),
        });
        Some(Self { prebooks: prebooks.collect(), purchase_orders: purchase_orders.collect() })
    }
}
