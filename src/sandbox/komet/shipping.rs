//! Boxes: `purchase.order.items.awb.add` ships PO lines under the vendor's codes or Komet's own, and
//! `box.code.change` puts one code in the place of another. Both judge each entry by itself.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::body::Fields;
use super::{Caller, KometModel, PoBox, PoStatus, Refused, refuse};
use crate::sandbox::messy::Writer;

/// Komet's own range of lot numbers, which nobody else may use.
const OWN_LOTS: std::ops::RangeInclusive<u64> = 1_000..=99_999;

/// What became of a line that shipped.
pub(super) struct ShippedLine {
    pub(super) codes: Vec<String>,
    lot: String,
    rest: Option<u64>,
}

impl KometModel {
    /// `purchase.order.items.awb.add`: each item is judged by itself; the overall status is 0 only if nothing
    /// shipped (clarification 14).
    pub(super) fn awb_add(
        &mut self,
        body: &Value,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let items = Fields(body).list("poItems")?;
        if items.is_empty() {
            refuse!("poItems is required");
        }
        let results: Vec<(Option<String>, Result<ShippedLine, Refused>)> =
            items.into_iter().map(|item| (item.text("poItemId"), self.ship_line(item, caller, now))).collect();
        let first_refusal =
            results.iter().find_map(|(_, result)| result.as_ref().err().map(|refused| refused.0.clone()));
        let any_shipped = results.iter().any(|(_, result)| result.is_ok());
        out.list("purchaseOrderItemDetailsAWBAddAPIResultList", |out| {
            for (id, result) in results {
                out.object(|out| {
                    out.number_or_nothing("poItemId", id.and_then(|id| id.parse().ok()));
                    match result {
                        Ok(shipped) => {
                            out.status(true, "");
                            out.list("boxCodes", |out| shipped.codes.iter().for_each(|code| out.element(code)));
                            out.text_or_nothing("lotNumber", &shipped.lot);
                            out.number_or_nothing("newPOItemId", shipped.rest);
                        }
                        Err(Refused(message)) => out.status(false, &message),
                    }
                });
            }
        });
        match first_refusal {
            Some(message) if !any_shipped => Err(Refused(message)),
            _ => Ok(()),
        }
    }

    pub(super) fn ship_line(
        &mut self,
        item: Fields<'_>,
        caller: Caller,
        now: DateTime<Utc>,
    ) -> Result<ShippedLine, Refused> {
        let line_id = item.required("poItemId")?;
        let Some((po, line)) = self.po_line(line_id).filter(|(po, _)| self.may_touch(caller, po.vendor)) else {
            refuse!("Purchase order item does not exist")
        };
        if !matches!(po.status, PoStatus::Approved | PoStatus::Confirmed) {
            refuse!("Purchase order {} is not approved", po.number);
        }
        if line.goods.boxes == 0 {
            refuse!("Purchase order item was deleted");
        }
        if !line.boxes.is_empty() {
            refuse!("Purchase order item has already been shipped");
        }
        if !line.goods.is_mapped() {
            refuse!("Purchase order item has an unmapped product");
        }
        item.date("shipDate")?;
        let Some(awb) = item.text("awb") else { refuse!("awb is required") };
        let codes = item.texts("boxCodes")?;
        if codes.len() > line.goods.boxes as usize {
            refuse!("More box codes than boxes");
        }
        let mut seen = HashSet::new();
        for code in &codes {
            self.check_code(code)?;
            if !seen.insert(code) {
                refuse!("Box code {code} is repeated");
            }
        }
        let lot = item.text("lotNumber");
        if lot.as_ref().and_then(|lot| lot.parse().ok()).is_some_and(|lot: u64| OWN_LOTS.contains(&lot)) {
            refuse!("lotNumber must not be between 1000 and 99999");
        }
        let (po_id, bought) = (po.id, line.goods.boxes);
        let codes = if codes.is_empty() { (0..bought).map(|_| self.own_code()).collect() } else { codes };
        let lot = lot.unwrap_or_else(|| self.own_lot());
        let shipped = u32::try_from(codes.len()).unwrap_or(bought);
        let rest = (shipped < bought).then(|| {
            self.next.po_line += 1;
            self.next.po_line - 1
        });
        let house_awb = item.text("houseAWB");
        self.change_po(po_id, now, |po| {
            let Some(at) = po.lines.iter().position(|l| l.id == line_id) else { return };
            let line = &mut po.lines[at];
            let mut remainder = line.clone();
            line.goods.boxes = shipped;
            line.awb = Some(awb);
            line.house_awb = house_awb;
            line.boxes =
                codes.iter().map(|code| PoBox { code: code.clone(), lot: lot.clone(), received: false }).collect();
            if let Some(rest) = rest {
                remainder.id = rest;
                remainder.goods.boxes = bought - shipped;
                po.lines.insert(at + 1, remainder);
            }
        })?;
        Ok(ShippedLine { codes, lot, rest })
    }

    fn check_code(&self, code: &str) -> Result<(), Refused> {
        if code.is_empty() {
            refuse!("Box code is empty");
        }
        if code.chars().count() > 20 {
            refuse!("Box code {code} exceeds 20 characters");
        }
        if self.index.codes.contains_key(code) {
            refuse!("Box code {code} is already used");
        }
        Ok(())
    }

    fn own_code(&mut self) -> String {
        self.next.box_code += 1;
        format!("KS{:010}", self.next.box_code)
    }

    fn own_lot(&mut self) -> String {
        self.next.lot =
            if OWN_LOTS.contains(&(self.next.lot + 1)) { self.next.lot + 1 } else { *OWN_LOTS.start() };
        self.next.lot.to_string()
    }

    /// `box.code.change`: the overall status is 1 even where single boxes fail (komet-api.md).
    pub(super) fn box_code_change(
        &mut self,
        body: &Value,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let changes = Fields(body).list("boxes")?;
        if changes.is_empty() {
            refuse!("boxes is required");
        }
        let results: Vec<(Option<String>, Result<(), Refused>)> = changes
            .into_iter()
            .map(|change| (change.text("newBoxCode"), self.change_code(change, caller, now)))
            .collect();
        out.list("boxes", |out| {
            for (code, result) in results {
                out.object(|out| {
                    out.text_or_nothing("newBoxCode", code.as_deref().unwrap_or_default());
                    match result {
                        Ok(()) => out.status(true, ""),
                        Err(Refused(message)) => out.status(false, &message),
                    }
                });
            }
        });
        Ok(())
    }

    fn change_code(&mut self, change: Fields<'_>, caller: Caller, now: DateTime<Utc>) -> Result<(), Refused> {
        let (Some(current), Some(new)) = (change.text("currentBoxCode"), change.text("newBoxCode")) else {
            refuse!("currentBoxCode and newBoxCode are required")
        };
        let (po_id, line_id) = match self.line_of_box(&current) {
            Some((po, line)) if self.may_touch(caller, po.vendor) => (po.id, line.id),
            _ => refuse!("Box code does not exist"),
        };
        self.check_code(&new)?;
        self.change_po(po_id, now, |po| {
            let boxes = po.lines.iter_mut().filter(|l| l.id == line_id).flat_map(|l| &mut l.boxes);
            boxes.filter(|b| b.code == current).for_each(|b| b.code.clone_from(&new));
        })
    }
}
