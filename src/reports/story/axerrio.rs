//! The order as Axerrio last showed it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::LineStory;
use crate::domain::{AxOrder, AxStatus, Party, PoInfoStatus, PurchaseOrderInfo};

/// The order as Axerrio last showed it.
#[derive(Debug, Serialize)]
pub struct AxerrioSide {
    /// Axerrio's id.
    pub id: String,
    /// Flow 2: its name there.
    pub reference: Option<String>,
    /// Its state.
    pub status: AxStatus,
    /// Grows with every change.
    pub version: i64,
    /// When it last changed, by Axerrio's clock.
    pub changed_at: DateTime<Utc>,
    /// Who buys.
    pub customer: Party,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// Who carries it.
    pub carrier: Option<Party>,
    /// The importer's location.
    pub location: Option<String>,
    /// Its lines.
    pub lines: Vec<LineStory>,
    /// What Axerrio was told about the PO.
    pub purchase_order: Option<ToldPo>,
}

/// What Axerrio was told about the PO.
#[derive(Debug, Serialize)]
pub struct ToldPo {
    /// The PO.
    pub number: String,
    /// Its state.
    pub status: PoInfoStatus,
    /// The day the vendor ships.
    pub ship_date: NaiveDate,
    /// Air waybill.
    pub awb: Option<String>,
    /// When it last changed in Komet.
    pub updated_at: DateTime<Utc>,
}

impl AxerrioSide {
    pub(super) fn of(order: &AxOrder) -> Self {
        let header = &order.header;
        Self {
            id: order.id.0.clone(),
            reference: order.external_ref.as_ref().map(|r| r.0.clone()),
            status: order.status,
            version: order.version,
            changed_at: order.changed_at,
            customer: header.customer.clone(),
            customer_po: header.customer_po.clone(),
            ship_date: header.ship_date,
            truck_date: header.truck_date(),
            carrier: header.carrier.clone(),
            location: header.location.clone(),
            lines: order.lines.iter().map(LineStory::of_axerrio).collect(),
            purchase_order: order.purchase_order.as_ref().map(ToldPo::of),
        }
    }

    /// Its state in a word.
    pub fn status_name(&self) -> &'static str {
        match self.status {
            AxStatus::Placed => "placed",
            AxStatus::Accepted => "accepted",
            AxStatus::Rejected => "rejected",
            AxStatus::Cancelled => "cancelled",
            AxStatus::Shipped => "shipped",
        }
    }
}

impl ToldPo {
    pub(super) fn of(info: &PurchaseOrderInfo) -> Self {
        Self {
            number: info.number.0.clone(),
            status: info.status,
            ship_date: info.ship_date,
            awb: info.awb.clone(),
            updated_at: info.updated_at,
        }
    }

    /// Its state in a word.
    pub fn status_name(&self) -> &'static str {
        match self.status {
            PoInfoStatus::Pending => "pending",
            PoInfoStatus::Approved => "approved",
            PoInfoStatus::Confirmed => "confirmed",
            PoInfoStatus::Cancelled => "cancelled",
        }
    }
}
