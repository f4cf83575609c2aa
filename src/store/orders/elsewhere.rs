//! What the other orders of a flow 2 Prebook have: it is one order per ship date, and its items move from one to the other.
//! Of their views no more is read than that.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use serde::Deserialize;

use crate::domain::{AxStatus, ItemId, LineId, OrderKey, PoLink, PrebookId};
use crate::store::StoreError;
use crate::store::columns::from_doc;

/// What the Prebook's other orders have.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// Lines in Axerrio.
    pub(super) lines: BTreeSet<LineId>,
    /// Items that Komet shows.
    pub(super) items: BTreeSet<ItemId>,
    /// What was bought for them in Komet.
    pub(super) bought: Vec<PoLink>,
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
    id: PrebookId,
    items: Vec<Only<ItemId>>,
}

/// Of a stored [`crate::domain::Agreed`], what was bought.
#[derive(Deserialize)]
struct Bought {
    #[serde(default)]
    lines: BTreeMap<LineId, BoughtLine>,
}

#[derive(Deserialize)]
struct BoughtLine {
    #[serde(default)]
    po_lines: Vec<PoLink>,
}

#[derive(Deserialize)]
struct Only<T> {
    id: T,
}

impl Elsewhere {
    /// Of the Prebook's orders but this one.
    pub(super) fn load(conn: &Connection, key: OrderKey, prebook: &PrebookId) -> Result<Self, StoreError> {
        let mut statement = conn.prepare_cached(
            "SELECT o.key, a.doc, k.doc, g.doc FROM orders o
             LEFT JOIN axerrio_views a ON a.key = o.key
             LEFT JOIN komet_views k ON k.key = o.key
             LEFT JOIN agreed_views g ON g.key = o.key
             WHERE o.prebook = ?1 AND o.key <> ?2 ORDER BY o.key",
        )?;
        let mut rows = statement.query(params![prebook, key])?;
        let mut all = Self::default();
        while let Some(row) = rows.next()? {
            let other: OrderKey = row.get(0)?;
            let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            if let Some(doc) = text(1)? {
                let order: InAxerrio = from_doc(doc, format_args!("Axerrio view of order {}", other.0))?;
                if order.status != AxStatus::Cancelled {
                    all.lines.extend(order.lines.into_iter().map(|line| line.id));
                }
            }
            if let Some(doc) = text(2)? {
                let shown: InKomet = from_doc(doc, format_args!("Komet view of order {}", other.0))?;
                let here = shown.prebooks.into_iter().filter(|shown| shown.id == *prebook);
                all.items.extend(here.flat_map(|shown| shown.items).map(|item| item.id));
            }
            if let Some(doc) = text(3)? {
                let bought: Bought = from_doc(doc, format_args!("agreed view of order {}", other.0))?;
                let live = |link: &PoLink| link.asked.is_some() && !link.dead;
                all.bought.extend(bought.lines.into_values().flat_map(|line| line.po_lines).filter(live));
            }
        }
        Ok(all)
    }
}
