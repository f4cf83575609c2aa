//! Komet's tables and their indices. Every change of a Prebook or PO goes through [`KometModel::change_prebook`] or
//! [`KometModel::change_po`], which take the record out of its indices, change it, and put it back: so no index can
//! be forgotten, and each costs O(log n).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::{KometModel, PoLine, Prebook, PrebookItem, PurchaseOrder, Refused, refuse};
use crate::sandbox::catalogue::{Carrier, Catalogue, Customer, Location, Lookup, Vendor, fold};

/// What `useExisting` compares: location, carrier, truck date, customer and customer PO.
type Match = (u64, Option<u64>, NaiveDate, u64, String);

/// Derived from the tables, never saved.
#[derive(Default)]
pub(super) struct Index {
    /// Prebook item → Prebook.
    pub(super) items: HashMap<u64, u64>,
    /// Prebook number → Prebook.
    pub(super) numbers: HashMap<u64, u64>,
    /// Vendor ship date → Prebooks with an item on it.
    pub(super) ship_dates: BTreeMap<NaiveDate, BTreeSet<u64>>,
    /// Truck date → Prebooks.
    pub(super) truck_dates: BTreeMap<NaiveDate, BTreeSet<u64>>,
    /// Prebooks by their last change.
    pub(super) changes: BTreeSet<(DateTime<Utc>, u64)>,
    /// Prebooks that `useExisting` may find.
    pub(super) matching: HashMap<Match, BTreeSet<u64>>,
    /// PO line → PO.
    pub(super) lines: HashMap<u64, u64>,
    /// PO number → PO.
    pub(super) po_numbers: HashMap<u64, u64>,
    /// Ship date → POs.
    pub(super) po_dates: BTreeMap<NaiveDate, BTreeSet<u64>>,
    /// Prebook item → living lines of POs that are not cancelled.
    pub(super) bought: HashMap<u64, BTreeSet<u64>>,
    /// Box code → PO line.
    pub(super) codes: HashMap<String, u64>,
}

impl Index {
    fn match_of(prebook: &Prebook) -> Match {
        (prebook.location, prebook.carrier, prebook.truck_date, prebook.customer, fold(&prebook.customer_po))
    }

    /// The oldest Prebook that `useExisting` would add to, whosever items it holds.
    pub(super) fn matching(&self, draft: &Prebook) -> Option<u64> {
        self.matching.get(&Self::match_of(draft)).and_then(|ids| ids.first().copied())
    }

    fn add_prebook(&mut self, prebook: &Prebook) {
        let id = prebook.id;
        for item in &prebook.items {
            self.items.insert(item.id, id);
            if let Some(date) = item.ship_date {
                self.ship_dates.entry(date).or_default().insert(id);
            }
        }
        self.numbers.insert(prebook.number, id);
        self.truck_dates.entry(prebook.truck_date).or_default().insert(id);
        self.changes.insert((prebook.updated, id));
        self.matching.entry(Self::match_of(prebook)).or_default().insert(id);
    }

    fn remove_prebook(&mut self, prebook: &Prebook) {
        let id = prebook.id;
        for item in &prebook.items {
            self.items.remove(&item.id);
            if let Some(date) = item.ship_date {
                remove_from(&mut self.ship_dates, date, id);
            }
        }
        self.numbers.remove(&prebook.number);
        remove_from(&mut self.truck_dates, prebook.truck_date, id);
        self.changes.remove(&(prebook.updated, id));
        let key = Self::match_of(prebook);
        if let Some(ids) = self.matching.get_mut(&key) {
            ids.remove(&id);
            if ids.is_empty() {
                self.matching.remove(&key);
            }
        }
    }

    fn add_po(&mut self, po: &PurchaseOrder) {
        self.po_numbers.insert(po.number, po.id);
        self.po_dates.entry(po.ship_date).or_default().insert(po.id);
        for line in &po.lines {
            self.lines.insert(line.id, po.id);
            if let (Some(item), true) =
                (line.item, line.goods.boxes > 0 && po.status != super::PoStatus::Cancelled)
            {
                self.bought.entry(item).or_default().insert(line.id);
            }
            for shipped in &line.boxes {
                self.codes.insert(shipped.code.clone(), line.id);
            }
        }
    }

    fn remove_po(&mut self, po: &PurchaseOrder) {
        self.po_numbers.remove(&po.number);
        remove_from(&mut self.po_dates, po.ship_date, po.id);
        for line in &po.lines {
            self.lines.remove(&line.id);
            if let Some(item) = line.item
                && let Some(lines) = self.bought.get_mut(&item)
            {
                lines.remove(&line.id);
                if lines.is_empty() {
                    self.bought.remove(&item);
                }
            }
            for shipped in &line.boxes {
                self.codes.remove(&shipped.code);
            }
        }
    }
}

fn remove_from(index: &mut BTreeMap<NaiveDate, BTreeSet<u64>>, date: NaiveDate, id: u64) {
    if let Some(ids) = index.get_mut(&date) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(&date);
        }
    }
}

/// Whether a change moves a Prebook's changed-since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touch {
    Yes(DateTime<Utc>),
    No,
}

impl KometModel {
    /// Rebuilds what is not saved.
    pub(in crate::sandbox) fn reindex(&mut self) {
        self.lookup = Lookup::new(&self.catalogue);
        self.index = Index::default();
        self.prebooks.values().for_each(|prebook| self.index.add_prebook(prebook));
        self.orders.values().for_each(|po| self.index.add_po(po));
    }

    pub(super) fn insert_prebook(&mut self, prebook: Prebook) {
        self.index.add_prebook(&prebook);
        self.prebooks.insert(prebook.id, prebook);
    }

    pub(super) fn change_prebook(
        &mut self,
        id: u64,
        touch: Touch,
        change: impl FnOnce(&mut Prebook),
    ) -> Result<(), Refused> {
        let Some(prebook) = self.prebooks.get_mut(&id) else { refuse!("Prebook does not exist") };
        self.index.remove_prebook(prebook);
        change(prebook);
        if let Touch::Yes(now) = touch {
            prebook.updated = now;
        }
        self.index.add_prebook(prebook);
        Ok(())
    }

    pub(super) fn take_prebook(&mut self, id: u64) -> Result<(), Refused> {
        let Some(prebook) = self.prebooks.remove(&id) else { refuse!("Prebook does not exist") };
        self.index.remove_prebook(&prebook);
        Ok(())
    }

    pub(super) fn insert_po(&mut self, po: PurchaseOrder) {
        self.index.add_po(&po);
        self.orders.insert(po.id, po);
    }

    pub(super) fn change_po<T>(
        &mut self,
        id: u64,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut PurchaseOrder) -> T,
    ) -> Result<T, Refused> {
        let Some(po) = self.orders.get_mut(&id) else { refuse!("Purchase order does not exist") };
        self.index.remove_po(po);
        let result = change(po);
        po.updated = now;
        self.index.add_po(po);
        Ok(result)
    }

    /// Marks the item's Prebook as changed, if this company's Komet does so for POs.
    pub(super) fn po_touched(&mut self, item: Option<u64>, now: DateTime<Utc>) {
        if self.rules.po_touches_prebook
            && let Some(id) = item.and_then(|item| self.index.items.get(&item).copied())
        {
            // The index names living Prebooks only.
            let _ = self.change_prebook(id, Touch::Yes(now), |_| {});
        }
    }

    /// Every Prebook, by id.
    pub fn prebooks(&self) -> impl Iterator<Item = &Prebook> {
        self.prebooks.values()
    }

    /// Every PO, by id.
    pub fn purchase_orders(&self) -> impl Iterator<Item = &PurchaseOrder> {
        self.orders.values()
    }

    /// The Prebook with this internal id.
    pub fn prebook(&self, id: u64) -> Option<&Prebook> {
        self.prebooks.get(&id)
    }

    /// The item and its Prebook.
    pub fn prebook_item(&self, item: u64) -> Option<(&Prebook, &PrebookItem)> {
        let prebook = self.prebooks.get(self.index.items.get(&item)?)?;
        prebook.items.iter().find(|i| i.id == item).map(|i| (prebook, i))
    }

    /// The PO with the number that people see.
    pub fn purchase_order(&self, number: u64) -> Option<&PurchaseOrder> {
        self.index.po_numbers.get(&number).and_then(|id| self.orders.get(id))
    }

    /// The PO line and its PO.
    pub fn po_line(&self, line: u64) -> Option<(&PurchaseOrder, &PoLine)> {
        let po = self.orders.get(self.index.lines.get(&line)?)?;
        po.lines.iter().find(|l| l.id == line).map(|l| (po, l))
    }

    /// The living lines, on POs that are not cancelled, that buy for a Prebook item; more than one after a split, or
    /// if somebody made the same PO twice.
    pub fn lines_buying(&self, item: u64) -> impl Iterator<Item = (&PurchaseOrder, &PoLine)> {
        self.index.bought.get(&item).into_iter().flatten().filter_map(|line| self.po_line(*line))
    }

    /// The PO line a box belongs to, by its code.
    pub fn line_of_box(&self, code: &str) -> Option<(&PurchaseOrder, &PoLine)> {
        self.index.codes.get(code).and_then(|line| self.po_line(*line))
    }

    /// What the company knows.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub(super) fn vendor(&self, id: u64) -> Option<&Vendor> {
        [&self.catalogue.vendor, &self.catalogue.other_vendor].into_iter().find(|v| v.id == id)
    }

    pub(super) fn location(&self, id: u64) -> Option<&Location> {
        self.catalogue.locations.iter().find(|l| l.id == id)
    }

    pub(super) fn location_of(&self, code: Option<&str>) -> Result<u64, Refused> {
        let found = match code {
            None => self.catalogue.locations.first(),
            Some(code) => self.catalogue.locations.iter().find(|l| fold(&l.code) == fold(code)),
        };
        match (found, code) {
            (Some(location), _) => Ok(location.id),
            (None, None) => Ok(0),
            (None, Some(code)) => refuse!("companyLocationCode {code} does not exist"),
        }
    }

    /// The customer as named in a request; one that Komet does not know is refused or created.
    pub(super) fn customer_for(
        &mut self,
        id: Option<u64>,
        code: Option<&str>,
        name: Option<&str>,
    ) -> Result<u64, Refused> {
        match (id, code) {
            (Some(id), _) => match self.lookup.customer(&self.catalogue, id) {
                Some(customer) => Ok(customer.id),
                None => refuse!("customerId {id} does not exist"),
            },
            (None, None) => refuse!("customerId or customerCode is required"),
            (None, Some(code)) => {
                if let Some(customer) = self.lookup.customer_of_code(&self.catalogue, code) {
                    return Ok(customer.id);
                }
                if self.rules.refuse_unknown_customer {
                    refuse!("customerCode {code} does not exist");
                }
                let id = self.next_party();
                let name = name.unwrap_or(code).to_owned();
                self.catalogue.customers.push(Customer { id, code: code.to_owned(), name });
                self.lookup = Lookup::new(&self.catalogue);
                Ok(id)
            }
        }
    }

    /// The carrier as named in a request; one that Komet does not know is refused or created.
    pub(super) fn carrier_for(
        &mut self,
        id: Option<u64>,
        code: Option<&str>,
        name: Option<&str>,
    ) -> Result<Option<u64>, Refused> {
        match (id, code) {
            (Some(id), _) => match self.lookup.carrier(&self.catalogue, id) {
                Some(carrier) if carrier.active => Ok(Some(id)),
                _ => refuse!("carrierId {id} does not exist"),
            },
            (None, None) => Ok(None),
            (None, Some(code)) => {
                if let Some(carrier) = self.lookup.carrier_of_code(&self.catalogue, code).filter(|c| c.active) {
                    return Ok(Some(carrier.id));
                }
                if self.rules.refuse_unknown_carrier {
                    refuse!("carrierCode {code} does not exist");
                }
                let id = self.next_party();
                let name = name.unwrap_or(code).to_owned();
                self.catalogue.carriers.push(Carrier { id, code: code.to_owned(), name, active: true });
                self.lookup = Lookup::new(&self.catalogue);
                Ok(Some(id))
            }
        }
    }

    fn next_party(&mut self) -> u64 {
        self.next.party += 1;
        self.next.party
    }

    /// The code of a box type named by id or code.
    pub(super) fn box_type_for(&self, id: Option<u64>, code: Option<&str>) -> Result<String, Refused> {
        let found = self.catalogue.box_types.iter().find(|b| match (id, code) {
            (Some(id), _) => b.id == id,
            (None, Some(code)) => fold(&b.code) == fold(code),
            (None, None) => false,
        });
        match found {
            Some(box_type) => Ok(box_type.code.clone()),
            None => refuse!("boxTypeId or boxTypeCode does not exist"),
        }
    }

    /// The product as named in a request: id or code or exact description; else only its description is kept.
    pub(super) fn product_for(
        &self,
        id: Option<u64>,
        code: Option<&str>,
        description: Option<&str>,
    ) -> Result<(Option<u64>, String), Refused> {
        if let Some(id) = id.filter(|id| *id != 0) {
            return match self.lookup.product(&self.catalogue, id) {
                Some(product) => Ok((Some(product.id), product.description.clone())),
                None => refuse!("productId {id} does not exist"),
            };
        }
        let by_code = code.and_then(|code| self.lookup.product_of_code(&self.catalogue, code));
        let found =
            by_code.or_else(|| description.and_then(|text| self.lookup.product_described(&self.catalogue, text)));
        match (found, description.or(code)) {
            (Some(product), _) => Ok((Some(product.id), product.description.clone())),
            (None, Some(text)) => Ok((None, text.trim().to_owned())),
            (None, None) => refuse!("productId, productCode or productDescription is required"),
        }
    }
}
