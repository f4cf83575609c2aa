//! What the importer's own people do in Komet: sales reps, buyers, the person who maps products, the warehouse.
//! Every method takes the moment it happens and answers an error with a plain sentence if it cannot be done.

use anyhow::{Context, Result, anyhow, bail};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::store::Touch;
use super::{Goods, KometModel, Part, PoLine, PoStatus, Prebook, PrebookItem, PurchaseOrder, Refused, Unit};
use crate::sandbox::catalogue::{Product, fold};

/// A Prebook as a sales rep enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrebookDraft {
    /// The customer's code in Komet.
    pub customer: String,
    /// The carrier's code in Komet.
    #[serde(default)]
    pub carrier: Option<String>,
    /// The day it leaves the importer.
    pub truck_date: NaiveDate,
    /// The customer's own PO number.
    #[serde(default)]
    pub customer_po: String,
    /// Free text.
    #[serde(default)]
    pub comments: String,
    /// From a standing order.
    #[serde(default)]
    pub standing: bool,
    /// The items.
    pub items: Vec<ItemDraft>,
}

/// One item of a [`PrebookDraft`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemDraft {
    /// The day the vendor ships it; `None` while the rep has not said (then no Vendor token sees it).
    pub ship_date: Option<NaiveDate>,
    /// The product's description; known to Komet if it equals one in the catalogue.
    pub description: String,
    /// Box type code.
    pub box_type: String,
    /// Boxes.
    pub boxes: u32,
    /// Bunches in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems: u32,
    /// What cost and price are per.
    #[serde(default = "per_stem")]
    pub unit: Unit,
    /// Cost per unit; `None` while the rep has not said (then no Vendor token sees it).
    pub cost: Option<Decimal>,
    /// What the customer pays per unit.
    #[serde(default)]
    pub price: Option<Decimal>,
    /// Text on the box.
    #[serde(default)]
    pub mark_code: String,
    /// Free text.
    #[serde(default)]
    pub notes: String,
    /// Parts of a mixed box.
    #[serde(default)]
    pub parts: Vec<PartDraft>,
}

/// One part of a mixed box as a rep enters it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartDraft {
    /// The product's description.
    pub description: String,
    /// Bunches of it in each box.
    pub bunches: u32,
    /// Stems in a bunch.
    pub stems: u32,
    /// Cost per unit.
    pub cost: Decimal,
}

fn per_stem() -> Unit {
    Unit::Stem
}

/// What a rep changes of an item; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemChange {
    /// Boxes; 0 as good as deletes it.
    pub boxes: Option<u32>,
    /// Cost per unit.
    pub cost: Option<Decimal>,
    /// Bunches in each box.
    pub bunches: Option<u32>,
    /// Stems in a bunch.
    pub stems: Option<u32>,
    /// Another product, by description.
    pub description: Option<String>,
    /// Text on the box.
    pub mark_code: Option<String>,
    /// Free text.
    pub notes: Option<String>,
}

/// What a rep changes of a Prebook's header; `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderChange {
    /// The day it leaves the importer.
    pub truck_date: Option<NaiveDate>,
    /// The customer's own PO number.
    pub customer_po: Option<String>,
    /// The carrier's code.
    pub carrier: Option<String>,
    /// Free text.
    pub comments: Option<String>,
}

impl From<Refused> for anyhow::Error {
    fn from(refused: Refused) -> Self {
        anyhow!(refused.0)
    }
}

impl KometModel {
    /// A sales rep enters a Prebook for the catalogue's vendor. Answers its internal id.
    pub fn rep_creates_prebook(&mut self, draft: &PrebookDraft, now: DateTime<Utc>) -> Result<u64> {
        self.enter_prebook(draft, self.catalogue.vendor.id, now)
    }

    /// A sales rep enters a Prebook for another vendor: noise that the Vendor token must not see, but that
    /// `useExisting` may find. Answers its internal id.
    pub fn other_vendor_prebook(&mut self, draft: &PrebookDraft, now: DateTime<Utc>) -> Result<u64> {
        self.enter_prebook(draft, self.catalogue.other_vendor.id, now)
    }

    fn enter_prebook(&mut self, draft: &PrebookDraft, vendor: u64, now: DateTime<Utc>) -> Result<u64> {
        let items = draft.items.iter().map(|item| self.item_of(item, vendor)).collect::<Result<_>>()?;
        let prebook = Prebook {
            id: 0,
            number: 0,
            standing: draft.standing,
            location: self.location_of(None)?,
            customer: self.customer_for(None, Some(&draft.customer), None)?,
            carrier: self.carrier_for(None, draft.carrier.as_deref(), None)?,
            truck_date: draft.truck_date,
            customer_po: draft.customer_po.clone(),
            ship_via: 0,
            comments: draft.comments.clone(),
            updated: now,
            items,
        };
        Ok(self.add_prebook(prebook, false, now)?.0)
    }

    fn item_of(&self, draft: &ItemDraft, vendor: u64) -> Result<PrebookItem> {
        let (product, description) = self.product_for(None, None, Some(&draft.description))?;
        let parts = draft.parts.iter().map(|part| {
            let (product, description) = self.product_for(None, None, Some(&part.description))?;
            Ok(Part { product, description, bunches: part.bunches, stems: part.stems, cost: part.cost })
        });
        Ok(PrebookItem {
            id: 0,
            vendor,
            ship_date: draft.ship_date,
            price: draft.price,
            goods: Goods {
                product,
                description,
                box_type: self.box_type_for(None, Some(&draft.box_type))?,
                boxes: draft.boxes,
                bunches: draft.bunches,
                stems: draft.stems,
                unit: draft.unit,
                cost: draft.cost,
                mark_code: draft.mark_code.clone(),
                notes: draft.notes.clone(),
                parts: parts.collect::<Result<_>>()?,
            },
        })
    }

    fn change_item(&mut self, item: u64, now: DateTime<Utc>, change: impl FnOnce(&mut PrebookItem)) -> Result<()> {
        let Some(prebook) = self.prebook_item(item).map(|(prebook, _)| prebook.id) else {
            bail!("Prebook item {item} does not exist")
        };
        self.change_prebook(prebook, Touch::Yes(now), |prebook| {
            if let Some(item) = prebook.items.iter_mut().find(|i| i.id == item) {
                change(item);
            }
        })?;
        Ok(())
    }

    /// A rep adds an item for the catalogue's vendor to a Prebook. Answers the item's id.
    pub fn rep_adds_item(&mut self, prebook: u64, draft: &ItemDraft, now: DateTime<Utc>) -> Result<u64> {
        let mut item = self.item_of(draft, self.catalogue.vendor.id)?;
        item.id = self.next.item;
        self.next.item += 1;
        let id = item.id;
        self.change_prebook(prebook, Touch::Yes(now), |prebook| prebook.items.push(item))?;
        Ok(id)
    }

    /// A rep changes an item. PO lines that buy for it stay as they are.
    pub fn rep_changes_item(&mut self, item: u64, change: &ItemChange, now: DateTime<Utc>) -> Result<()> {
        let product =
            change.description.as_deref().map(|text| self.product_for(None, None, Some(text))).transpose()?;
        self.change_item(item, now, |item| {
            let goods = &mut item.goods;
            goods.boxes = change.boxes.unwrap_or(goods.boxes);
            goods.cost = change.cost.or(goods.cost);
            goods.bunches = change.bunches.unwrap_or(goods.bunches);
            goods.stems = change.stems.unwrap_or(goods.stems);
            if let Some((id, description)) = product {
                (goods.product, goods.description) = (id, description);
            }
            if let Some(mark_code) = &change.mark_code {
                goods.mark_code.clone_from(mark_code);
            }
            if let Some(notes) = &change.notes {
                goods.notes.clone_from(notes);
            }
        })
    }

    /// A rep changes the header of a Prebook.
    pub fn rep_changes_header(&mut self, prebook: u64, change: &HeaderChange, now: DateTime<Utc>) -> Result<()> {
        let carrier = match change.carrier.as_deref() {
            Some(code) => Some(self.carrier_for(None, Some(code), None)?),
            None => None,
        };
        self.change_prebook(prebook, Touch::Yes(now), |prebook| {
            prebook.truck_date = change.truck_date.unwrap_or(prebook.truck_date);
            if let Some(po) = &change.customer_po {
                prebook.customer_po.clone_from(po);
            }
            if let Some(carrier) = carrier {
                prebook.carrier = carrier;
            }
            if let Some(comments) = &change.comments {
                prebook.comments.clone_from(comments);
            }
        })?;
        Ok(())
    }

    /// A rep moves one item to another vendor ship date.
    pub fn rep_moves_ship_date(&mut self, item: u64, to: NaiveDate, now: DateTime<Utc>) -> Result<()> {
        self.change_item(item, now, |item| item.ship_date = Some(to))
    }

    /// A rep deletes an item: the line is gone.
    pub fn rep_deletes_item(&mut self, item: u64, now: DateTime<Utc>) -> Result<()> {
        let Some(prebook) = self.prebook_item(item).map(|(prebook, _)| prebook.id) else {
            bail!("Prebook item {item} does not exist")
        };
        self.change_prebook(prebook, Touch::Yes(now), |prebook| prebook.items.retain(|i| i.id != item))?;
        Ok(())
    }

    /// A rep gives an item a Prebook of its own, without the comments of the one that it was in. It keeps its id (assumed).
    pub fn rep_splits_prebook(&mut self, item: u64, now: DateTime<Utc>) -> Result<u64> {
        let found = self.prebook_item(item).map(|(prebook, item)| (prebook.clone(), item.clone()));
        let Some((prebook, moved)) = found else { bail!("Prebook item {item} does not exist") };
        self.rep_deletes_item(item, now)?;
        let own = Prebook { comments: String::new(), items: Vec::new(), ..prebook };
        let id = self.add_prebook(own, false, now)?.0;
        self.change_prebook(id, Touch::Yes(now), |prebook| prebook.items.push(moved))?;
        Ok(id)
    }

    /// A rep puts an item on another Prebook that is there. It keeps its id (assumed).
    pub fn rep_joins_prebook(&mut self, item: u64, prebook: u64, now: DateTime<Utc>) -> Result<()> {
        let Some((_, moved)) = self.prebook_item(item) else { bail!("Prebook item {item} does not exist") };
        let moved = moved.clone();
        if self.prebook(prebook).is_none() {
            bail!("Prebook {prebook} does not exist");
        }
        self.rep_deletes_item(item, now)?;
        self.change_prebook(prebook, Touch::Yes(now), |prebook| prebook.items.push(moved))?;
        Ok(())
    }

    /// A rep deletes a Prebook: it vanishes from every list, also from changed-since reads.
    pub fn rep_deletes_prebook(&mut self, prebook: u64) -> Result<()> {
        Ok(self.take_prebook(prebook)?)
    }

    fn decide(&mut self, number: u64, to: PoStatus, now: DateTime<Utc>) -> Result<()> {
        let Some(po) = self.purchase_order(number) else { bail!("PO {number} does not exist") };
        let id = po.id;
        if po.status == PoStatus::Cancelled && to != PoStatus::Cancelled {
            bail!("PO {number} is cancelled");
        }
        self.change_po(id, now, |po| po.status = to)?;
        Ok(())
    }

    /// A buyer approves a PO, by its number.
    pub fn buyer_approves(&mut self, po: u64, now: DateTime<Utc>) -> Result<()> {
        self.decide(po, PoStatus::Approved, now)
    }

    /// A buyer records that the farm confirmed a PO in full, by its number.
    pub fn buyer_confirms(&mut self, po: u64, now: DateTime<Utc>) -> Result<()> {
        self.decide(po, PoStatus::Confirmed, now)?;
        let id = self.index.po_numbers.get(&po).copied().unwrap_or_default();
        self.change_po(id, now, |po| {
            po.lines.iter_mut().for_each(|line| line.confirmed = Some(line.goods.boxes));
        })?;
        Ok(())
    }

    /// A buyer cancels a PO, by its number.
    pub fn buyer_cancels(&mut self, po: u64, now: DateTime<Utc>) -> Result<()> {
        self.decide(po, PoStatus::Cancelled, now)
    }

    /// A buyer approves every pending PO of the catalogue's vendor. Answers their numbers.
    pub fn buyer_approves_all(&mut self, now: DateTime<Utc>) -> Result<Vec<u64>> {
        let vendor = self.catalogue.vendor.id;
        let pending: Vec<u64> = self
            .orders
            .values()
            .filter(|po| po.status == PoStatus::Pending && po.vendor == vendor)
            .map(|po| po.number)
            .collect();
        for number in &pending {
            self.buyer_approves(*number, now)?;
        }
        Ok(pending)
    }

    /// A buyer changes boxes or cost of a PO line, by the line's id; `None` leaves it as it is.
    pub fn buyer_changes_line(
        &mut self,
        line: u64,
        boxes: Option<u32>,
        cost: Option<Decimal>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let Some(po) = self.po_line(line).map(|(po, _)| po.id) else { bail!("PO line {line} does not exist") };
        self.change_po(po, now, |po| {
            for line in po.lines.iter_mut().filter(|l| l.id == line) {
                line.goods.boxes = boxes.unwrap_or(line.goods.boxes);
                line.goods.cost = cost.or(line.goods.cost);
            }
        })?;
        Ok(())
    }

    /// A buyer has a PO line, by the line's id, buy another product than it was made for, by description.
    pub fn buyer_substitutes(&mut self, line: u64, description: &str, now: DateTime<Utc>) -> Result<()> {
        let (product, description) = self.product_for(None, None, Some(description))?;
        let Some(po) = self.po_line(line).map(|(po, _)| po.id) else { bail!("PO line {line} does not exist") };
        self.change_po(po, now, |po| {
            for line in po.lines.iter_mut().filter(|l| l.id == line) {
                (line.goods.product, line.goods.description) = (product, description.clone());
            }
        })?;
        Ok(())
    }

    /// A buyer takes a line off its PO, by the line's id: it is gone, or `stays` with quantity 0.
    pub fn buyer_deletes_line(&mut self, line: u64, stays: bool, now: DateTime<Utc>) -> Result<()> {
        if stays {
            return self.buyer_changes_line(line, Some(0), None, now);
        }
        let Some((po, item)) = self.po_line(line).map(|(po, line)| (po.id, line.item)) else {
            bail!("PO line {line} does not exist")
        };
        self.change_po(po, now, |po| po.lines.retain(|own| own.id != line))?;
        self.po_touched(item, now);
        Ok(())
    }

    /// A buyer moves a PO, by its number, to another ship date.
    pub fn buyer_moves_po(&mut self, po: u64, to: NaiveDate, now: DateTime<Utc>) -> Result<()> {
        let Some(id) = self.purchase_order(po).map(|po| po.id) else { bail!("PO {po} does not exist") };
        self.change_po(id, now, |po| po.ship_date = to)?;
        Ok(())
    }

    /// A buyer buys stock from the catalogue's vendor without any Prebook, already approved. Answers the PO's number.
    pub fn buyer_buys_stock(
        &mut self,
        ship_date: NaiveDate,
        drafts: &[ItemDraft],
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let vendor = self.catalogue.vendor.id;
        let mut lines = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let goods = self.item_of(draft, vendor)?.goods;
            let id = self.next.po_line;
            self.next.po_line += 1;
            lines.push(PoLine {
                id,
                item: None,
                goods,
                confirmed: None,
                awb: None,
                house_awb: None,
                boxes: Vec::new(),
            });
        }
        self.buyer_makes_po(ship_date, lines, PoStatus::Approved, now)
    }

    /// A buyer buys a Prebook item by hand, on a PO of its own. Answers the PO's number.
    pub fn buyer_buys_item(&mut self, item: u64, now: DateTime<Utc>) -> Result<u64> {
        let (_, bought) = self.prebook_item(item).with_context(|| format!("there is no Prebook item {item}"))?;
        let ship_date = bought.ship_date.context("the item has no ship date")?;
        let goods = bought.goods.clone();
        let line = PoLine {
            id: self.next.po_line,
            item: Some(item),
            goods,
            confirmed: None,
            awb: None,
            house_awb: None,
            boxes: Vec::new(),
        };
        self.next.po_line += 1;
        self.buyer_makes_po(ship_date, vec![line], PoStatus::Pending, now)
    }

    fn buyer_makes_po(
        &mut self,
        ship_date: NaiveDate,
        lines: Vec<PoLine>,
        status: PoStatus,
        now: DateTime<Utc>,
    ) -> Result<u64> {
        let (id, number) = (self.next.po, self.next.po_number);
        self.next.po += 1;
        self.next.po_number += 1;
        let location = self.location_of(None)?;
        let vendor = self.catalogue.vendor.id;
        self.insert_po(PurchaseOrder {
            id,
            number,
            vendor,
            location,
            carrier: None,
            status,
            ship_date,
            created: now,
            updated: now,
            lines,
        });
        Ok(number)
    }

    /// A person maps a product in the Prebook Summary: everything of that description gets the product's id
    /// and description, on Prebooks and on POs, and so does what comes later. Parts that a mixed PO left out stay out. Answers how many
    /// Prebook items and PO lines were touched.
    pub fn person_maps_product(&mut self, description: &str, product: u64, now: DateTime<Utc>) -> Result<usize> {
        let Some(known) = self.lookup.product(&self.catalogue, product).cloned() else {
            bail!("product {product} does not exist")
        };
        self.catalogue.products.push(Product {
            description: description.trim().to_owned(),
            code: String::new(),
            id: product,
        });
        self.lookup = super::Lookup::new(&self.catalogue);
        let wanted = fold(description);
        let concerns = |goods: &Goods| {
            (goods.product.is_none() && fold(&goods.description) == wanted)
                || goods.parts.iter().any(|p| p.product.is_none() && fold(&p.description) == wanted)
        };
        let map = |goods: &mut Goods| {
            if goods.product.is_none() && fold(&goods.description) == wanted {
                goods.product = Some(product);
                goods.description.clone_from(&known.description);
            }
            for part in &mut goods.parts {
                if part.product.is_none() && fold(&part.description) == wanted {
                    part.product = Some(product);
                    part.description.clone_from(&known.description);
                }
            }
        };
        let touch = if self.rules.mapping_touches_prebook { Touch::Yes(now) } else { Touch::No };
        let mut touched = 0;
        let prebooks: Vec<u64> =
            self.prebooks.values().filter(|p| p.items.iter().any(|i| concerns(&i.goods))).map(|p| p.id).collect();
        for id in prebooks {
            self.change_prebook(id, touch, |prebook| {
                for item in prebook.items.iter_mut().filter(|i| concerns(&i.goods)) {
                    map(&mut item.goods);
                    touched += 1;
                }
            })?;
        }
        let orders: Vec<u64> =
            self.orders.values().filter(|p| p.lines.iter().any(|l| concerns(&l.goods))).map(|p| p.id).collect();
        for id in orders {
            self.change_po(id, now, |po| {
                for line in po.lines.iter_mut().filter(|l| concerns(&l.goods)) {
                    map(&mut line.goods);
                    touched += 1;
                }
            })?;
        }
        Ok(touched)
    }

    /// The warehouse scans a box in, by its code.
    pub fn warehouse_receives(&mut self, box_code: &str, now: DateTime<Utc>) -> Result<()> {
        let Some(po) = self.line_of_box(box_code).map(|(po, _)| po.id) else {
            bail!("box code {box_code} does not exist")
        };
        self.change_po(po, now, |po| {
            let boxes = po.lines.iter_mut().flat_map(|l| &mut l.boxes);
            boxes.filter(|b| b.code == box_code).for_each(|b| b.received = true);
        })?;
        Ok(())
    }

    /// The warehouse ships a PO line by hand, before any label arrived: Komet makes its own box codes. Answers them.
    pub fn person_ships_line(&mut self, line: u64, awb: &str, now: DateTime<Utc>) -> Result<Vec<String>> {
        let body = serde_json::json!({ "poItemId": line, "awb": awb });
        let shipped = self.ship_line(super::body::Fields(&body), super::Caller::Company, now)?;
        Ok(shipped.codes)
    }
}
