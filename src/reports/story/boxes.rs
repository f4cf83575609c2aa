//! The order's boxes, each as its label in Axerrio and as Komet knows its code.

use serde::Serialize;

use crate::domain::{LabelStatus, Order};

/// One box: its label in Axerrio and what Komet says of its code.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct BoxStory {
    /// What is scanned.
    pub code: String,
    /// The order's line.
    pub line: Option<String>,
    /// Which box of the line, from 1.
    #[serde(rename = "box")]
    pub box_number: Option<u32>,
    /// The grower's lot.
    pub lot_number: Option<String>,
    /// Air waybill.
    pub awb: Option<String>,
    /// `printed` or `void`: not in Komet; `shipped` or `received`: in Komet.
    pub status: &'static str,
    /// Komet's own name of its state.
    pub komet_status: Option<String>,
}

/// The order's boxes: those with a label, by line and box, then those that only Komet knows.
pub fn boxes(order: &Order) -> Vec<BoxStory> {
    let mut shipped: Vec<_> = order
        .komet
        .purchase_orders
        .iter()
        .flat_map(|po| po.lines.iter().flat_map(move |line| line.boxes.iter().map(move |b| (po, line, b))))
        .collect();
    let mut labels: Vec<_> = order.axerrio.labels.iter().collect();
    labels.sort_by_key(|label| (&label.line_id, label.box_number, label.changed_at));
    let mut told = Vec::new();
    for label in labels {
        // A void label's code may live on in Komet: then the box is told as Komet's.
        let place = shipped.iter().position(|(_, _, b)| b.code == label.box_code);
        let known = place.filter(|_| label.status == LabelStatus::Printed).map(|place| shipped.remove(place).2);
        told.push(BoxStory {
            code: label.box_code.clone(),
            line: Some(label.line_id.0.clone()),
            box_number: Some(label.box_number),
            lot_number: label.lot_number.clone(),
            awb: label.awb.clone(),
            status: match (known, label.status) {
                (Some(b), _) if b.is_received() => "received",
                (Some(_), _) => "shipped",
                (None, LabelStatus::Printed) => "printed",
                (None, LabelStatus::Void) => "void",
            },
            komet_status: known.and_then(|b| b.status.clone()),
        });
    }
    for (po, line, b) in shipped {
        let agreed = order.agreed.boxes.get(&b.code);
        let bought = || {
            let mut lines = order.agreed.lines.iter();
            lines.find(|(_, agreed)| agreed.po_lines.iter().any(|link| link.line == line.id)).map(|(id, _)| id)
        };
        told.push(BoxStory {
            code: b.code.clone(),
            line: agreed.map(|a| &a.line).or_else(bought).map(|id| id.0.clone()),
            box_number: agreed.map(|a| a.box_number),
            lot_number: b.lot_number.clone(),
            awb: agreed.and_then(|a| a.awb.clone()).or_else(|| po.awb.clone()),
            status: if b.is_received() { "received" } else { "shipped" },
            komet_status: b.status.clone(),
        });
    }
    told
}
