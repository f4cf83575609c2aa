//! What other orders have: those of the same flow 2 Prebook, which is one order per ship date, and those of others to which a rep moved an
//! item, or from which (its [`Kin`]); and any that has a box code of this one. Of their views no more is read than that.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rusqlite::{Connection, params};
use serde::Deserialize;

use crate::domain::{
    AxOrderId, AxStatus, CodeElsewhere, ItemId, KometView, Label, LabelStatus, LineElsewhere, LineId, OrderKey,
    PoLink, PrebookId, Staying, current_labels,
};
use crate::store::columns::{Day, from_doc, to_doc};
use crate::store::{StoreError, labels};

/// The orders that may take items from each other, but for the order itself.
pub(super) struct Kin<'a> {
    pub(super) key: OrderKey,
    /// All orders of this Prebook.
    pub(super) prebook: &'a PrebookId,
    /// Those of others, as they are agreed.
    pub(super) others: &'a BTreeSet<OrderKey>,
}

/// What an order's kin has.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// Lines in Axerrio.
    pub(super) lines: BTreeMap<LineId, LineElsewhere>,
    /// Items that Komet shows.
    pub(super) items: BTreeSet<ItemId>,
    /// What was bought for them in Komet.
    pub(super) bought: Vec<PoLink>,
    /// Ship dates on which items were read.
    pub(super) days: BTreeMap<ItemId, BTreeSet<NaiveDate>>,
}

/// Of a stored [`crate::domain::AxOrder`], its lines.
#[derive(Deserialize)]
struct InAxerrio {
    status: AxStatus,
    lines: Vec<Only<LineId>>,
}

/// Of a stored [`crate::domain::KometView`], the items.
#[derive(Deserialize)]
struct InKomet {
    #[serde(default)]
    prebooks: Vec<Shown>,
}

#[derive(Deserialize)]
struct Shown {
    items: Vec<Only<ItemId>>,
}

/// Of a stored [`crate::domain::Agreed`], which items it is of, what was bought and what was refused.
#[derive(Default, Deserialize)]
struct Bought {
    #[serde(default)]
    lines: BTreeMap<LineId, BoughtLine>,
    #[serde(default)]
    rejections: BTreeMap<String, Refused>,
}

#[derive(Deserialize)]
struct Refused {
    message: String,
}

/// Of a request in doubt, the order that it may have put.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum InDoubt {
    PutOrder(MayBePut),
}

#[derive(Deserialize)]
struct MayBePut {
    input: PutLines,
}

#[derive(Deserialize)]
struct PutLines {
    lines: Vec<Only<LineId>>,
}

#[derive(Deserialize)]
struct BoughtLine {
    item: Option<Linked>,
    #[serde(default)]
    po_lines: Vec<PoLink>,
}

#[derive(Deserialize)]
struct Linked {
    item: ItemId,
}

#[derive(Deserialize)]
struct Only<T> {
    id: T,
}

impl Elsewhere {
    /// Of the order's kin.
    pub(super) fn load(conn: &Connection, kin: &Kin<'_>) -> Result<Self, StoreError> {
        let mut statement = conn.prepare_cached(
            "SELECT o.key, a.doc, k.doc, g.doc, o.ship_date, coalesce(o.ax_id, o.reference), o.dirty FROM orders o
             LEFT JOIN axerrio_views a ON a.key = o.key
             LEFT JOIN komet_views k ON k.key = o.key
             LEFT JOIN agreed_views g ON g.key = o.key
             WHERE o.key IN (SELECT key FROM orders WHERE prebook = ?1 UNION SELECT value FROM json_each(?3))
             AND o.key <> ?2 ORDER BY o.key",
        )?;
        let others = to_doc(kin.others, format_args!("kin of order {}", kin.key.0))?;
        let mut rows = statement.query(params![kin.prebook, kin.key, others])?;
        let mut all = Self::default();
        while let Some(row) = rows.next()? {
            let other: OrderKey = row.get(0)?;
            let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let mut bought: Bought = match text(3)? {
                Some(doc) => from_doc(doc, format_args!("agreed view of order {}", other.0))?,
                None => Bought::default(),
            };
            let refused = bought.rejections.iter().find(|(key, _)| is_of_reference(key));
            let staying = match refused {
                Some((_, refused)) => Staying::Refused(refused.message.clone()),
                None if row.get::<_, bool>(6)? => Staying::Goes,
                None => Staying::Kept,
            };
            let order = row.get::<_, Option<String>>(5)?.unwrap_or_default();
            let mut stand = |line: LineId, staying: &Staying| {
                let (order, staying) = (order.clone(), staying.clone());
                all.lines.insert(line, LineElsewhere { order, staying });
            };
            for line in in_doubt(conn, other)? {
                stand(line, &Staying::Goes);
            }
            if let Some(doc) = text(1)? {
                let order: InAxerrio = from_doc(doc, format_args!("Axerrio view of order {}", other.0))?;
                if order.status != AxStatus::Cancelled {
                    order.lines.into_iter().for_each(|line| stand(line.id, &staying));
                }
            }
            if let Some(doc) = text(2)? {
                let shown: InKomet = from_doc(doc, format_args!("Komet view of order {}", other.0))?;
                all.items.extend(shown.prebooks.into_iter().flat_map(|shown| shown.items).map(|item| item.id));
            }
            let Day(ship_date) = row.get(4)?;
            for line in std::mem::take(&mut bought.lines).into_values() {
                if let Some(Linked { item }) = line.item {
                    all.days.entry(item).or_default().insert(ship_date);
                }
                all.bought.extend(line.po_lines.into_iter().filter(|link| link.asked.is_some() && !link.dead));
            }
        }
        Ok(all)
    }
}

/// Whether a refused request was to put an order to Axerrio, or to cancel it there.
fn is_of_reference(key: &str) -> bool {
    ["PUT orders/by-ref/", "POST orders/by-ref/"].iter().any(|begins| key.starts_with(begins))
}

/// The lines that Axerrio may have of an order, because nobody knows yet what became of a request.
fn in_doubt(conn: &Connection, key: OrderKey) -> Result<Vec<LineId>, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT i.id, i.action FROM intents i JOIN intent_orders o ON o.intent = i.id
         WHERE o.order_key = ?1 AND i.method LIKE 'PUT orders/by-ref/%'",
    )?;
    let mut rows = statement.query([key])?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let action = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let entries: Vec<(OrderKey, InDoubt)> = from_doc(action, format_args!("intent {id}"))?;
        let put = entries.into_iter().map(|(_, InDoubt::PutOrder(put))| put.input);
        lines.extend(put.flat_map(|input| input.lines).map(|line| line.id));
    }
    Ok(lines)
}

/// Vendors' codes may come round again in another season: orders that ship further apart than this have nothing to do with each
/// other.
const SEASON_DAYS: i64 = 60;

/// An order whose box codes are looked for in others.
pub(super) struct Codes<'a> {
    pub(super) key: OrderKey,
    pub(super) prebook: Option<&'a PrebookId>,
    /// Orders that it shares items with.
    pub(super) kin: &'a BTreeSet<OrderKey>,
    pub(super) ship_date: NaiveDate,
    pub(super) labels: &'a [Label],
    pub(super) komet: &'a KometView,
}

impl Codes<'_> {
    /// Which of them other orders have: on a box that Komet shows, or on the label of an order that came first. Orders that share
    /// items hand boxes on to each other: those of one Prebook, and those between which a rep moved one.
    pub(super) fn elsewhere(&self, conn: &Connection) -> Result<BTreeMap<String, CodeElsewhere>, StoreError> {
        let own: BTreeSet<&str> = self.komet.box_codes().collect();
        let printed = self.labels.iter().filter(|label| label.status == LabelStatus::Printed);
        let all: BTreeSet<&str> =
            printed.map(|label| label.box_code.as_str()).chain(own.iter().copied()).collect();
        if all.is_empty() {
            return Ok(BTreeMap::new());
        }
        let all = to_doc(&all, format_args!("box codes of order {}", self.key.0))?;
        let kin = to_doc(self.kin, format_args!("kin of order {}", self.key.0))?;
        let mut elsewhere = self.on_boxes(conn, &all, &kin)?;
        for (code, other) in self.on_earlier_labels(conn, &all, &kin)? {
            if !own.contains(code.as_str()) {
                elsewhere.entry(code).or_insert(other);
            }
        }
        Ok(elsewhere)
    }

    /// A link stays when a box gets another code, so the view has the last word.
    fn on_boxes(
        &self,
        conn: &Connection,
        all: &str,
        kin: &str,
    ) -> Result<BTreeMap<String, CodeElsewhere>, StoreError> {
        let mut statement = conn.prepare_cached(
            "SELECT b.code, o.key, coalesce(o.ax_id, o.reference), k.doc FROM json_each(?1) own
             JOIN box_links b ON b.code = own.value AND b.order_key <> ?2
             JOIN orders o ON o.key = b.order_key JOIN komet_views k ON k.key = o.key
             WHERE (o.prebook IS NULL OR ?3 IS NULL OR o.prebook <> ?3)
             AND o.key NOT IN (SELECT value FROM json_each(?6))
             AND abs(julianday(o.ship_date) - julianday(?4)) <= ?5 ORDER BY b.code, o.key",
        )?;
        let mut rows =
            statement.query(params![all, self.key, self.prebook, Day(self.ship_date), SEASON_DAYS, kin])?;
        let mut found = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (code, other, order): (String, OrderKey, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let doc: String = row.get(3)?;
            let view: KometView = from_doc(&doc, format_args!("Komet view of order {}", other.0))?;
            let has_it = view.box_codes().any(|shown| shown == code);
            if has_it {
                let order = order.unwrap_or_default();
                found.entry(code).or_insert(CodeElsewhere { order, in_komet: true });
            }
        }
        Ok(found)
    }

    /// Of two orders that wait with labels of one code, the one that has been on file longer ships.
    fn on_earlier_labels(
        &self,
        conn: &Connection,
        all: &str,
        kin: &str,
    ) -> Result<Vec<(String, CodeElsewhere)>, StoreError> {
        let mut statement = conn.prepare_cached(
            "SELECT l.box_code, o.ax_id, l.line FROM json_each(?1) own
             JOIN labels l ON l.box_code = own.value JOIN orders o ON o.ax_id = l.ax_order AND o.key < ?2
             WHERE (o.prebook IS NULL OR ?3 IS NULL OR o.prebook <> ?3)
             AND o.key NOT IN (SELECT value FROM json_each(?6)) AND o.stage <> 'cancelled'
             AND abs(julianday(o.ship_date) - julianday(?4)) <= ?5 ORDER BY o.key",
        )?;
        let mut rows =
            statement.query(params![all, self.key, self.prebook, Day(self.ship_date), SEASON_DAYS, kin])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (code, order, line): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let labels = labels::for_order(conn, &AxOrderId(order.clone()))?;
            let of_line: Vec<&Label> = labels.iter().filter(|label| label.line_id.0 == line).collect();
            let has_it = |label: &Label| label.box_code == code && label.status == LabelStatus::Printed;
            if current_labels(&of_line).into_values().any(has_it) {
                found.push((code, CodeElsewhere { order, in_komet: false }));
            }
        }
        Ok(found)
    }
}
