//! Komet's writes of Prebooks and POs as the page documents them (boxes are in `shipping`). Each checks the whole request before it changes anything, so that a
//! refusal leaves no half of it behind; none protects its caller from asking twice.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::body::Fields;
use super::store::Touch;
use super::{
    Caller, Goods, KometModel, Part, PoLine, PoStatus, Prebook, PrebookItem, PurchaseOrder, Refused, refuse,
};
use crate::sandbox::messy::{Answers, Writer};

impl KometModel {
    fn tells_items(&self, answers: Answers) -> bool {
        self.rules.create_tells_items && answers == Answers::Plain
    }

    /// `prebook.create`.
    pub(super) fn prebook_create(
        &mut self,
        body: &Value,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let fields = Fields(body);
        let Some(truck_date) = fields.date("shipDate")? else { refuse!("shipDate is required") };
        let customer_po = fields.short_text("customerPO", 20)?;
        let comments = fields.short_text("comments", 500)?;
        let ship_via = match fields.number("shipViaId")?.unwrap_or(0) {
            0 => 0,
            1 => 1,
            _ => refuse!("shipViaId must be 0 or 1"),
        };
        let use_existing = match fields.number("useExisting")?.unwrap_or(0) {
            0 => false,
            1 => true,
            _ => refuse!("useExisting must be 0 or 1"),
        };
        let location = self.location_of(fields.text("companyLocationCode").as_deref())?;
        let wanted = fields.list("prebookItems")?;
        if wanted.is_empty() {
            refuse!("prebookItems is required");
        }
        let mut items = Vec::with_capacity(wanted.len());
        for (at, item) in wanted.into_iter().enumerate() {
            match self.new_item(item, caller, fields, truck_date) {
                Ok(item) => items.push(item),
                Err(Refused(message)) => refuse!("prebookItems[{at}]: {message}"),
            }
        }
        let carrier = self.carrier_for(
            fields.number("carrierId")?,
            fields.text("carrierCode").as_deref(),
            fields.text("carrierDescription").as_deref(),
        )?;
        if carrier.is_none() && self.rules.require_carrier {
            refuse!("carrierId or carrierCode is required");
        }
        let customer = self.customer_for(
            fields.number("customerId")?,
            fields.text("customerCode").as_deref(),
            fields.text("customerDescription").as_deref(),
        )?;
        let draft = Prebook {
            id: 0,
            number: 0,
            standing: false,
            location,
            customer,
            carrier,
            truck_date,
            customer_po,
            ship_via,
            comments,
            updated: now,
            items,
        };
        let (id, number, item_ids) = self.add_prebook(draft, use_existing, now)?;
        out.number("prebookId", id);
        out.number("prebookNumber", number);
        if self.tells_items(out.answers) {
            out.list("prebookItems", |out| {
                for id in item_ids {
                    out.object(|out| out.number("prebookItemId", id));
                }
            });
        }
        Ok(())
    }

    /// Numbers the draft and its items, or adds the items to a matching Prebook. Answers its id, its number and the
    /// items' ids.
    pub(super) fn add_prebook(
        &mut self,
        mut draft: Prebook,
        use_existing: bool,
        now: DateTime<Utc>,
    ) -> Result<(u64, u64, Vec<u64>), Refused> {
        for item in &mut draft.items {
            item.id = self.next.item;
            self.next.item += 1;
        }
        let item_ids = draft.items.iter().map(|i| i.id).collect();
        if use_existing && let Some(id) = self.index.matching(&draft) {
            let mut number = 0;
            self.change_prebook(id, Touch::Yes(now), |prebook| {
                number = prebook.number;
                prebook.items.append(&mut draft.items);
            })?;
            return Ok((id, number, item_ids));
        }
        draft.id = self.next.prebook;
        draft.number = self.next.prebook_number;
        self.next.prebook += 1;
        self.next.prebook_number += 1;
        let (id, number) = (draft.id, draft.number);
        self.insert_prebook(draft);
        Ok((id, number, item_ids))
    }

    fn new_item(
        &self,
        item: Fields<'_>,
        caller: Caller,
        body: Fields<'_>,
        truck_date: chrono::NaiveDate,
    ) -> Result<PrebookItem, Refused> {
        let vendor = match caller {
            Caller::Vendor => self.catalogue.vendor.id,
            Caller::Company => match item.number("vendorId")?.or(body.number("vendorId")?) {
                Some(id) if self.vendor(id).is_some() => id,
                Some(id) => refuse!("vendorId {id} does not exist"),
                None => refuse!("vendorId is required"),
            },
        };
        let (product, description) = self.product_in(item)?;
        let Some(unit) = item.unit("unitType")? else { refuse!("unitType is required") };
        let goods = Goods {
            product,
            description,
            box_type: self.box_type_for(item.number("boxTypeId")?, item.text("boxTypeCode").as_deref())?,
            boxes: item.quantity("boxes")?,
            bunches: item.quantity("bunches")?,
            stems: item.quantity("stemsBunch")?,
            unit,
            cost: item.money("cost")?,
            mark_code: item.short_text("markCode", 20)?,
            notes: item.short_text("notes", 200)?,
            parts: self.parts_in(item)?,
        };
        let asked = item.date("vendorShipDate")?;
        let ship_date = if self.rules.keep_vendor_ship_date { asked.unwrap_or(truck_date) } else { truck_date };
        let may_price = caller == Caller::Company || self.rules.allow_vendor_price;
        let price = item.money("price")?.filter(|_| may_price);
        Ok(PrebookItem { id: 0, vendor, ship_date: Some(ship_date), price, goods })
    }

    fn product_in(&self, fields: Fields<'_>) -> Result<(Option<u64>, String), Refused> {
        self.product_for(
            fields.number("productId")?,
            fields.text("productCode").as_deref(),
            fields.text("productDescription").as_deref(),
        )
    }

    fn parts_in(&self, fields: Fields<'_>) -> Result<Vec<Part>, Refused> {
        let mut parts = Vec::new();
        for (at, part) in fields.list("breakdowns")?.into_iter().enumerate() {
            let read = || -> Result<Part, Refused> {
                let (product, description) = self.product_in(part)?;
                Ok(Part {
                    product,
                    description,
                    bunches: part.quantity("bunches")?,
                    stems: part.quantity("stemsBunch")?,
                    cost: part.money("cost")?.unwrap_or_default(),
                })
            };
            match read() {
                Ok(part) => parts.push(part),
                Err(Refused(message)) => refuse!("breakdowns[{at}]: {message}"),
            }
        }
        Ok(parts)
    }

    /// Whether the caller may touch what belongs to this vendor.
    pub(super) fn may_touch(&self, caller: Caller, vendor: u64) -> bool {
        caller == Caller::Company || vendor == self.catalogue.vendor.id
    }

    /// `prebook.item.delete`.
    pub(super) fn prebook_item_delete(
        &mut self,
        body: &Value,
        caller: Caller,
        now: DateTime<Utc>,
        _out: &mut Writer,
    ) -> Result<(), Refused> {
        let fields = Fields(body);
        let (id, item_id) = (fields.required("prebookId")?, fields.required("prebookItemId")?);
        match self.prebook_item(item_id) {
            Some((prebook, item)) if prebook.id == id && self.may_touch(caller, item.vendor) => {}
            _ => refuse!("Prebook item does not exist"),
        }
        self.change_prebook(id, Touch::Yes(now), |prebook| match caller {
            Caller::Company => prebook.items.retain(|i| i.id != item_id),
            // The line stays (komet-api.md, `prebook.item.delete`).
            Caller::Vendor => {
                prebook.items.iter_mut().filter(|i| i.id == item_id).for_each(|i| i.goods.boxes = 0);
            }
        })
    }

    /// `purchase.order.create` and `purchase.order.mixed.create`.
    pub(super) fn purchase_order_create(
        &mut self,
        body: &Value,
        mixed: bool,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let fields = Fields(body);
        let vendor = match caller {
            Caller::Vendor => self.catalogue.vendor.id,
            Caller::Company => fields.required("vendorId")?,
        };
        let location = self.location_of(fields.text("companyLocationCode").as_deref())?;
        let ship_date = fields.date("shipDate")?;
        let existing = match fields.text("purchaseOrderNumber") {
            None => None,
            Some(text) => {
                let found = text.parse().ok().and_then(|number| self.purchase_order(number));
                let Some(po) = found.filter(|po| po.vendor == vendor) else {
                    refuse!("purchaseOrderNumber {text} does not exist")
                };
                if po.status == PoStatus::Cancelled {
                    refuse!("purchaseOrderNumber {text} is cancelled");
                }
                if ship_date.is_some_and(|date| date != po.ship_date) {
                    refuse!("purchaseOrderNumber {text} has another shipDate");
                }
                Some((po.id, po.number))
            }
        };
        let wanted = fields.list("purchaseOrderItems")?;
        if wanted.is_empty() {
            refuse!("purchaseOrderItems is required");
        }
        let mut lines = Vec::with_capacity(wanted.len());
        for (at, line) in wanted.into_iter().enumerate() {
            match self.new_line(line, vendor, mixed) {
                Ok(line) => lines.extend(line),
                Err(Refused(message)) => refuse!("purchaseOrderItems[{at}]: {message}"),
            }
        }
        if lines.is_empty() {
            refuse!("No product of this purchase order is mapped");
        }
        for line in &mut lines {
            line.id = self.next.po_line;
            self.next.po_line += 1;
        }
        let ids: Vec<u64> = lines.iter().map(|l| l.id).collect();
        let items: Vec<Option<u64>> = lines.iter().map(|l| l.item).collect();
        let (id, number) = if let Some((id, number)) = existing {
            self.change_po(id, now, |po| po.lines.append(&mut lines))?;
            (id, number)
        } else {
            let Some(ship_date) = ship_date else { refuse!("shipDate is required") };
            let (id, number) = (self.next.po, self.next.po_number);
            self.next.po += 1;
            self.next.po_number += 1;
            let carrier = fields.number("carrierId")?;
            self.insert_po(PurchaseOrder {
                id,
                number,
                vendor,
                location,
                carrier,
                status: PoStatus::Pending,
                ship_date,
                created: now,
                updated: now,
                lines,
            });
            (id, number)
        };
        for item in items {
            self.po_touched(item, now);
        }
        out.number("purchaseOrderId", id);
        out.number("purchaseOrderNumber", number);
        if self.tells_items(out.answers) {
            out.list("purchaseOrderItems", |out| {
                for id in ids {
                    out.object(|out| out.number("poItemId", id));
                }
            });
        }
        Ok(())
    }

    /// The line a request asks for; `None` if it is left out because nothing in the box is mapped.
    fn new_line(&self, line: Fields<'_>, vendor: u64, mixed: bool) -> Result<Option<PoLine>, Refused> {
        let item_id = line.required("prebookItemId")?;
        let Some((_, item)) = self.prebook_item(item_id).filter(|(_, item)| item.vendor == vendor) else {
            refuse!("prebookItemId {item_id} does not exist")
        };
        if item.goods.boxes == 0 {
            refuse!("prebookItemId {item_id} was deleted");
        }
        let of_item = &item.goods;
        let mut parts = self.parts_in(line)?;
        if mixed && parts.is_empty() {
            refuse!("breakdowns is required");
        }
        if !mixed && (!parts.is_empty() || !of_item.parts.is_empty()) {
            refuse!("use purchase.order.mixed.create for mixed boxes");
        }
        if mixed {
            // Unmapped products are left out of the PO (komet-api.md).
            parts.retain(|part| part.product.is_some());
            if parts.is_empty() {
                return Ok(None);
            }
        }
        let box_type = match (line.number("boxTypeId")?, line.text("boxTypeCode")) {
            (None, None) => of_item.box_type.clone(),
            (id, code) => self.box_type_for(id, code.as_deref())?,
        };
        let goods = Goods {
            product: of_item.product,
            description: of_item.description.clone(),
            box_type,
            boxes: line.quantity_or("boxes", of_item.boxes)?,
            bunches: line.quantity_or("bunches", of_item.bunches)?,
            stems: line.quantity_or("stemsBunch", of_item.stems)?,
            unit: line.unit("unitType")?.unwrap_or(of_item.unit),
            cost: line.money("cost")?.or(of_item.cost),
            mark_code: of_item.mark_code.clone(),
            notes: line.short_text("notes", 200)?,
            parts,
        };
        Ok(Some(PoLine {
            id: 0,
            item: Some(item_id),
            goods,
            confirmed: None,
            awb: None,
            house_awb: None,
            boxes: Vec::new(),
        }))
    }

    /// `purchase.order.item.delete`.
    pub(super) fn purchase_order_item_delete(
        &mut self,
        body: &Value,
        caller: Caller,
        now: DateTime<Utc>,
        out: &mut Writer,
    ) -> Result<(), Refused> {
        let line_id = Fields(body).required("poItemId")?;
        let (po_id, item) = match self.po_line(line_id) {
            Some((po, line)) if self.may_touch(caller, po.vendor) => {
                if !line.boxes.is_empty() {
                    refuse!("Purchase order item has already been shipped");
                }
                (po.id, line.item)
            }
            _ => refuse!("Purchase order item does not exist"),
        };
        let stays = self.rules.deleted_po_line_stays || out.answers.trait_of(3, 2) == 1;
        self.change_po(po_id, now, |po| {
            if stays {
                po.lines.iter_mut().filter(|l| l.id == line_id).for_each(|l| l.goods.boxes = 0);
            } else {
                po.lines.retain(|l| l.id != line_id);
            }
        })?;
        self.po_touched(item, now);
        Ok(())
    }
}
