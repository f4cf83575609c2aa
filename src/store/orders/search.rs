//! The orders that a person looks for, a page at a time, quick also with a hundred thousand on file. A filter is answered
//! from the index that the page is sorted by. A search finds the orders behind what was typed first, which are few; where
//! they are more than [`FEW`], any page has some, and the sorted index is walked until the page is full.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rusqlite::{Connection, Params, ToSql, params};

use super::links::keys;
use super::names;
use crate::domain::{Flow, OrderKey, Stage};
use crate::store::StoreError;
use crate::store::columns::{Day, flow_name};

/// As many orders are collected and sorted; more are walked through.
const FEW: u32 = 20_000;

/// As many orders are counted where they must be looked at one by one to know.
const COUNTED: u32 = 1_000;

/// What a page of orders is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The day the vendor ships.
    #[default]
    ShipDate,
    /// What people call it.
    Name,
    /// How far it has come, then the ship date.
    Stage,
}

/// At which stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stages {
    /// At any.
    #[default]
    Any,
    /// Where something may still happen.
    Open,
    /// At this one.
    One(Stage),
}

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The beginning of an order's id or reference, of a Prebook or PO number or a box code, or words of a product's or a
    /// customer's name or code; empty for every order.
    pub text: String,
    /// Whether customers may be looked for.
    pub customers: bool,
    /// At which stages.
    pub stages: Stages,
    /// Which way they travel.
    pub flow: Option<Flow>,
    /// Ship dates, the first and the last.
    pub ships: Option<(NaiveDate, NaiveDate)>,
    /// Only those with a hold.
    pub held: bool,
    /// What comes first.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// Orders to skip.
    pub offset: u32,
    /// Orders to answer at most.
    pub limit: u32,
}

/// A page of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Those on the page.
    pub keys: Vec<OrderKey>,
    /// All that were found.
    pub total: u32,
    /// There are more than `total`.
    pub and_more: bool,
}

/// Which orders may be on the page, before its filters.
struct Candidates {
    /// Only these.
    keys: Option<Vec<i64>>,
    /// Only those with one of these names.
    names: Option<Vec<i64>>,
}

/// The page that is looked for.
pub fn search(conn: &Connection, search: &Search) -> Result<Found, StoreError> {
    let candidates = candidates(conn, search)?;
    let mut query = Query::of(search, &candidates);
    let fitting = query.narrow(conn)?;
    let (total, and_more) = match (&candidates.keys, &candidates.names) {
        (Some(_), _) => (query.count_listed(conn)?, false),
        (None, None) if search.flow.is_none() => (fitting, false),
        (None, None) => (query.count(conn)?, false),
        (None, Some(_)) => {
            let counted = many(query.walk(conn, BY_SHIP_DATE, COUNTED + 1, 0)?.len());
            (counted.min(COUNTED), counted > COUNTED)
        }
    };
    let (limit, offset) = (search.limit, search.offset);
    let keys = match (&candidates.keys, search.sort, search.descending) {
        (Some(_), _, descending) => query.listed(conn, descending)?,
        (None, Sort::ShipDate, false) => query.walk(conn, BY_SHIP_DATE, limit, offset)?,
        (None, Sort::ShipDate, true) => query.walk(conn, BY_SHIP_DATE_BACKWARDS, limit, offset)?,
        (None, Sort::Name, false) => query.walk(conn, BY_NAME, limit, offset)?,
        (None, Sort::Name, true) => query.walk(conn, BY_NAME_BACKWARDS, limit, offset)?,
        (None, Sort::Stage, _) => query.stage_by_stage(conn)?,
    };
    Ok(Found { keys, total, and_more })
}

fn candidates(conn: &Connection, search: &Search) -> Result<Candidates, StoreError> {
    let text = search.text.trim();
    let (keys, names) = if text.is_empty() { (None, None) } else { behind(conn, text, search.customers)? };
    if !search.held {
        return Ok(Candidates { keys, names });
    }
    // The brake's hold is no order's own: it names those that it covers.
    let sql = "SELECT order_key FROM holds WHERE order_key IS NOT NULL
               UNION SELECT value FROM holds, json_each(holds.covers) WHERE order_key IS NULL ORDER BY 1";
    let mut held: Vec<i64> = self::keys(conn, sql, [])?.into_iter().map(|key| key.0).collect();
    if let Some(keys) = keys {
        held.retain(|key| keys.binary_search(key).is_ok());
    }
    Ok(Candidates { keys: Some(held), names })
}

/// The orders behind what was typed, in order; or the names they are to be known by, where they are many.
type Behind = (Option<Vec<i64>>, Option<Vec<i64>>);

fn behind(conn: &Connection, text: &str, customers: bool) -> Result<Behind, StoreError> {
    let mut found = by_number(conn, text)?;
    let names = names::matching(conn, text, customers)?;
    let sql = "SELECT order_key FROM order_names WHERE name IN (SELECT value FROM json_each(?1)) LIMIT ?2";
    let named = keys(conn, sql, params![list(&names), FEW + 1])?;
    if many(named.len()) > FEW {
        return Ok((None, Some(names)));
    }
    found.extend(named);
    if found.is_empty() {
        found = by_part_of_number(conn, text)?;
    }
    Ok((Some(found.into_iter().map(|key| key.0).collect()), None))
}

/// By the beginning of an id, a reference, a number or a box code, as it is typed or in capitals.
fn by_number(conn: &Connection, text: &str) -> Result<BTreeSet<OrderKey>, StoreError> {
    let mut found = BTreeSet::new();
    for from in BTreeSet::from([text.to_owned(), text.to_uppercase()]) {
        // No text begins with `from` and comes after this.
        let to = from.clone() + "\u{10ffff}";
        let sql = "SELECT key FROM orders WHERE ax_id BETWEEN ?1 AND ?2
             UNION SELECT key FROM orders WHERE reference BETWEEN ?1 AND ?2
             UNION SELECT order_key FROM prebook_links WHERE number BETWEEN ?1 AND ?2
             UNION SELECT order_key FROM po_links WHERE number BETWEEN ?1 AND ?2
             UNION SELECT order_key FROM box_links WHERE code BETWEEN ?1 AND ?2
             UNION SELECT key FROM orders JOIN labels ON ax_order = ax_id WHERE box_code BETWEEN ?1 AND ?2
             LIMIT ?3";
        found.extend(keys(conn, sql, params![from, to, FEW])?);
    }
    Ok(found)
}

/// By any part of an id, a reference or a number, in any case: `100234` is AX-100234. Reads them all, many to a row, and is
/// asked last.
fn by_part_of_number(conn: &Connection, text: &str) -> Result<BTreeSet<OrderKey>, StoreError> {
    // As SQLite's `upper`, by which they were written.
    let part = text.to_ascii_uppercase();
    let mut statement = conn.prepare_cached("SELECT text FROM numbers")?;
    let mut rows = statement.query([])?;
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let page = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        if !page.contains(&part) {
            continue;
        }
        let lines = page.lines().filter_map(|line| line.split_once(' '));
        let fitting = lines.filter(|(_, number)| number.contains(&part));
        found.extend(fitting.filter_map(|(key, _)| key.parse().ok().map(OrderKey)));
        if many(found.len()) >= FEW {
            break;
        }
    }
    Ok(found)
}

/// A JSON list, as `json_each` takes it.
fn list(ids: &[i64]) -> String {
    serde_json::Value::from(ids).to_string()
}

/// The filters, which are the same in every statement. The `+` has an order's few names looked up, not all the names'
/// many orders.
macro_rules! fits {
    () => {
        "(?1 IS NULL OR stage = ?1) AND (?2 = 0 OR stage NOT IN ('received', 'cancelled'))
         AND (?3 IS NULL OR flow = ?3) AND ship_date BETWEEN ?4 AND ?5
         AND (?6 IS NULL OR EXISTS (SELECT 1 FROM order_names n WHERE n.order_key = orders.key
                                    AND +n.name IN (SELECT value FROM json_each(?6))))"
    };
}

/// Orders in the order of an index.
macro_rules! walk {
    ($index:literal, $order:literal) => {
        concat!(
            "SELECT key FROM orders INDEXED BY ",
            $index,
            " WHERE ",
            fits!(),
            " ORDER BY ",
            $order,
            " LIMIT ?7 OFFSET ?8"
        )
    };
}

const BY_SHIP_DATE: &str = walk!("orders_by_ship_date", "ship_date, key");
const BY_SHIP_DATE_BACKWARDS: &str = walk!("orders_by_ship_date", "ship_date DESC, key DESC");
const BY_NAME: &str = walk!("orders_by_name", "ifnull(ax_id, reference), key");
const BY_NAME_BACKWARDS: &str = walk!("orders_by_name", "ifnull(ax_id, reference) DESC, key DESC");
const OF_STAGE: &str = concat!(
    "SELECT key FROM orders INDEXED BY orders_by_stage WHERE stage = ?1 AND ",
    fits!(),
    " ORDER BY ship_date, key LIMIT ?7 OFFSET ?8"
);
const COUNT: &str = concat!("SELECT count(*) FROM orders INDEXED BY orders_by_stage WHERE ", fits!());

/// Those of a list.
macro_rules! listed {
    ($what:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM json_each(?7) CROSS JOIN orders ON orders.key = json_each.value WHERE ",
            fits!()
        )
    };
}

const COUNT_LISTED: &str = listed!("count(*)");

/// Those of a list on one page, sorted as asked; how far an order has come is no alphabetical matter. `$way` follows each
/// thing that is sorted by.
macro_rules! sorted {
    ($way:literal) => {
        concat!(
            listed!("orders.key"),
            " ORDER BY CASE ?10 WHEN 'name' THEN ifnull(ax_id, reference) WHEN 'stage' THEN CASE stage
              WHEN 'placed' THEN '1' WHEN 'prebooked' THEN '2' WHEN 'po_pending' THEN '3' WHEN 'po_approved' THEN '4'
              WHEN 'labelled' THEN '5' WHEN 'received' THEN '6' ELSE '7' END ELSE '' END",
            $way,
            ", ship_date",
            $way,
            ", orders.key",
            $way,
            " LIMIT ?8 OFFSET ?9"
        )
    };
}

const LISTED: &str = sorted!("");
const LISTED_BACKWARDS: &str = sorted!(" DESC");

/// A search as its statements take it.
struct Query<'s> {
    search: &'s Search,
    stage: Option<&'static str>,
    open: bool,
    flow: Option<&'static str>,
    from: Day,
    to: Day,
    names: Option<String>,
    keys: Option<String>,
}

impl<'s> Query<'s> {
    fn of(search: &'s Search, candidates: &Candidates) -> Self {
        let (from, to) = search.ships.unwrap_or((FIRST_DAY, LAST_DAY));
        Self {
            search,
            stage: match search.stages {
                Stages::One(stage) => Some(stage.name()),
                Stages::Any | Stages::Open => None,
            },
            open: search.stages == Stages::Open,
            flow: search.flow.map(flow_name),
            from: Day(from),
            to: Day(to),
            names: candidates.names.as_deref().map(list),
            keys: candidates.keys.as_deref().map(list),
        }
    }

    /// Leaves out the ship dates before and after which nothing fits, so that the years behind are not walked through to
    /// what is open. Answers how many orders fit, whichever way they travel and whatever they are called.
    fn narrow(&mut self, conn: &Connection) -> Result<u32, StoreError> {
        let sql = "SELECT ifnull(sum(orders), 0), ifnull(min(ship_date), ?3), ifnull(max(ship_date), ?4) FROM order_counts
             WHERE orders > 0 AND (?1 IS NULL OR stage = ?1) AND (?2 = 0 OR stage NOT IN ('received', 'cancelled'))
             AND ship_date BETWEEN ?3 AND ?4";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_row(params![self.stage, self.open, self.from, self.to], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        (self.from, self.to) = (found.1, found.2);
        Ok(found.0)
    }

    /// The filters' parameters, and further ones.
    fn params<'q>(&'q self, further: &'q [&'q dyn ToSql]) -> Vec<&'q dyn ToSql> {
        self.params_at(&self.stage, further)
    }

    /// As [`Self::params`], at one stage.
    fn params_at<'q>(&'q self, stage: &'q dyn ToSql, further: &'q [&'q dyn ToSql]) -> Vec<&'q dyn ToSql> {
        let mut all: Vec<&dyn ToSql> = vec![stage, &self.open, &self.flow, &self.from, &self.to, &self.names];
        all.extend(further);
        all
    }

    fn walk(
        &self,
        conn: &Connection,
        sql: &'static str,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<OrderKey>, StoreError> {
        keys(conn, sql, &self.params(&[&limit, &offset])[..])
    }

    /// Sorted by stage: those of the first stage, then those of the next, until the page is full.
    fn stage_by_stage(&self, conn: &Connection) -> Result<Vec<OrderKey>, StoreError> {
        let until = self.search.offset.saturating_add(self.search.limit);
        let mut stages = Stage::ALL;
        if self.search.descending {
            stages.reverse();
        }
        let mut found = Vec::new();
        for stage in stages.into_iter().filter(|stage| self.wants(*stage)) {
            let room = until.saturating_sub(many(found.len()));
            if room == 0 {
                break;
            }
            found.extend(keys(conn, OF_STAGE, &self.params_at(&Some(stage.name()), &[&room, &0])[..])?);
        }
        Ok(found.into_iter().skip(self.search.offset as usize).collect())
    }

    fn wants(&self, stage: Stage) -> bool {
        self.stage.is_none_or(|only| only == stage.name()) && (!self.open || stage.is_open())
    }

    fn count(&self, conn: &Connection) -> Result<u32, StoreError> {
        count(conn, COUNT, &self.params(&[])[..])
    }

    fn count_listed(&self, conn: &Connection) -> Result<u32, StoreError> {
        count(conn, COUNT_LISTED, &self.params(&[&self.keys])[..])
    }

    fn listed(&self, conn: &Connection, descending: bool) -> Result<Vec<OrderKey>, StoreError> {
        let by = match self.search.sort {
            Sort::ShipDate => "ship",
            Sort::Name => "name",
            Sort::Stage => "stage",
        };
        let further: [&dyn ToSql; 4] = [&self.keys, &self.search.limit, &self.search.offset, &by];
        keys(conn, if descending { LISTED_BACKWARDS } else { LISTED }, &self.params(&further)[..])
    }
}

/// A length as SQLite counts.
fn many(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Before and after every ship date: a year has four digits, so that days sort as text.
const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(1, 1, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};
const LAST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

fn count(conn: &Connection, sql: &'static str, params: impl Params) -> Result<u32, StoreError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map_or(Ok(0), |row| Ok(row.get(0)?))
}
