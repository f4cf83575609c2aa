//! What an order is judged from beside its views: the admin's choices, the maps and Komet's lists, as a run would have them
//! that had just read everything.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Days, NaiveDate, Utc};

use crate::config::Config;
use crate::domain::{Flow, LineId, MapKind, Maps, Order, window_of, yesterday};
use crate::store::{Connection, StoreError, maps, reference};
use crate::sync::audit::{AuditReport, compare_views};
use crate::sync::engine::Settings;
use crate::sync::plan::{Facts, Made, Rules, sight};

/// Windows before and after the order's own that count as read.
const WINDOWS: i64 = 60;

/// What orders are judged from.
pub struct Ground {
    settings: Settings,
    maps: Maps,
    /// Komet's carriers: id to code.
    carriers: HashMap<i64, String>,
    /// Komet's box types: id to code.
    box_types: HashMap<i64, String>,
    visible_from: NaiveDate,
}

impl Ground {
    /// As a run on `today` would have it.
    pub fn load(conn: &Connection, config: &Config, today: NaiveDate) -> Result<Self, StoreError> {
        let carriers = reference::carriers(conn)?.map(|list| list.items).unwrap_or_default();
        let box_types = reference::box_types(conn)?.map(|list| list.items).unwrap_or_default();
        Ok(Self {
            settings: config.settings(),
            maps: maps::load(conn)?,
            carriers: carriers.into_iter().map(|carrier| (carrier.id, carrier.code)).collect(),
            box_types: box_types.into_iter().map(|box_type| (box_type.id, box_type.code)).collect(),
            visible_from: yesterday(today),
        })
    }

    /// The planner's rules, once the items `made` were made.
    pub(super) fn rules<'r>(&'r self, facts: &'r Facts, made: &'r Made) -> Rules<'r> {
        Rules {
            on_conflict: self.settings.on_conflict,
            create_po: self.settings.create_po,
            location_code: self.settings.location_code.as_deref(),
            maps: &self.maps,
            carriers: &self.carriers,
            visible_from: self.visible_from,
            facts,
            made,
            may_cancel: true,
        }
    }

    /// Where the two sides of an order differ, by the rules of `verify`.
    pub fn differences(&self, order: &Order) -> AuditReport {
        let facts = everything_read(order);
        compare_views(order, &self.settings, &self.rules(&facts, &nothing_read_since(order)), &self.box_types)
    }

    /// The codes of a line's products that no map names; for a hold that waits for one. `None` where no map of ours helps: of an
    /// order of flow 2 Komet names the products itself, and what procurement has approved is not made anew.
    pub fn unmapped_codes(&self, order: &Order, line: Option<&LineId>) -> Option<BTreeSet<String>> {
        if order.flow == Flow::FromKomet {
            return None;
        }
        let facts = everything_read(order);
        let decided = sight(order, &self.rules(&facts, &nothing_read_since(order))).decided;
        if line.is_some_and(|line| decided.contains(line)) {
            return None;
        }
        let lines = order.axerrio.order.iter().flat_map(|order| &order.lines);
        let terms = lines.filter(|it| line.is_none_or(|line| it.id == *line)).map(|line| &line.terms);
        let products = terms.flat_map(|terms| {
            let parts = terms.mix.iter().map(|part| &part.product);
            parts.chain(terms.mix.is_empty().then_some(&terms.product))
        });
        let unmapped = products.filter(|product| self.maps.komet(MapKind::Product, &product.code).is_none());
        Some(unmapped.map(|product| product.code.clone()).collect())
    }
}

/// What was made and not read yet is taken as made a moment ago.
pub(super) fn nothing_read_since(order: &Order) -> Made {
    let links = order.agreed.lines.values().flat_map(|line| &line.po_lines);
    let unread = links.filter(|link| link.seen.is_none()).map(|link| link.line.clone());
    Made { items: BTreeSet::new(), po_lines: unread.collect() }
}

/// As if every list that concerns the order had just been read.
pub(super) fn everything_read(order: &Order) -> Facts {
    let items = order.komet.prebooks.iter().flat_map(|prebook| &prebook.items).map(|item| item.ship_date);
    let bought = order.komet.purchase_orders.iter().map(|po| po.ship_date);
    let asked = order.axerrio.order.iter().map(|order| order.header.ship_date);
    let days: BTreeSet<NaiveDate> = items
        .chain(bought)
        .chain(asked)
        .chain([order.ship_date])
        .flat_map(|day| [Some(day), day.checked_add_days(Days::new(1))])
        .flatten()
        .collect();
    let window = window_of(order.ship_date);
    let windows: BTreeSet<i64> = (window - WINDOWS..=window + WINDOWS).collect();
    Facts {
        windows_known: windows.clone(),
        windows_seen: windows.clone(),
        windows_whole: windows,
        po_dates: BTreeSet::new(),
        po_dates_unknown: BTreeSet::new(),
        po_dates_unseen: BTreeSet::new(),
        po_dates_in_vain: BTreeSet::new(),
        po_dates_read: days,
        orders_read: Some(DateTime::<Utc>::MAX_UTC),
        po_numbers_read: order.komet.purchase_orders.iter().map(|po| po.number.clone()).collect(),
    }
}
