//! What a code of Axerrio's may be in Komet, with the reasons. It looks at what is on file, asks neither system, and sets
//! nothing: a wrong product on a box is worse than a question.

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::MapKind;
use crate::domain::suggest::{Listed, Suggestion, Wanted, box_types, parties, products};
use crate::store::seen::{self, Reach, SeenCode};
use crate::store::{Connection, StoreError, maps, reference};

/// As many are told; what comes after them is hardly ever meant.
const TOLD: usize = 5;

/// What a code of Axerrio's may be in Komet.
#[derive(Debug, Serialize)]
pub struct Suggestions {
    /// What kind of code.
    pub kind: MapKind,
    /// The code, as Axerrio writes it.
    pub axerrio_code: String,
    /// What Axerrio calls it; `null` if it stands in no order on file, or has no name.
    pub name: Option<String>,
    /// Lines or orders it stands on.
    pub times: u32,
    /// The last of their ship dates.
    pub last_ship_date: Option<NaiveDate>,
    /// What it is mapped to already.
    pub mapped_to: Option<i64>,
    /// How many things of Komet's it was compared with.
    pub compared_with: usize,
    /// The likeliest first.
    #[serde(skip)]
    pub suggestions: Vec<Suggestion>,
}

/// Compares what is on file; `typed` may be in any case of letters.
pub fn compare(conn: &Connection, kind: MapKind, typed: &str, reach: Reach) -> Result<Suggestions, StoreError> {
    let (seen, compared, found) = match kind {
        MapKind::Product => {
            let (seen, candidates) = seen::products(conn, typed, reach)?;
            let wanted = Wanted {
                code: seen.as_ref().map_or(typed, |seen| &seen.code).to_owned(),
                description: seen.as_ref().map(|seen| seen.name.clone()).unwrap_or_default(),
                box_types: seen.as_ref().map(|seen| seen.box_types.clone()).unwrap_or_default(),
            };
            let found = products(&wanted, &candidates);
            (seen, candidates.len(), found)
        }
        MapKind::Customer | MapKind::Carrier => {
            let (seen, customers) = seen::others(conn, kind, typed, reach)?;
            let listed = if kind == MapKind::Customer { customers } else { carriers(conn)? };
            let name = seen.as_ref().map(|seen| seen.name.clone()).unwrap_or_default();
            (seen, listed.len(), parties(typed, &name, &listed))
        }
        MapKind::BoxType => {
            let (seen, _) = seen::others(conn, kind, typed, reach)?;
            let listed = reference::box_types(conn)?.map(|list| list.items).unwrap_or_default();
            (seen, listed.len(), box_types(typed, &listed))
        }
    };
    let code = seen.as_ref().map_or(typed, |seen| &seen.code).to_owned();
    let mapped = maps::list(conn, kind)?.into_iter().find(|(known, _)| *known == code).map(|(_, id)| id);
    Ok(Suggestions::new(kind, code, seen, mapped, compared, found))
}

fn carriers(conn: &Connection) -> Result<Vec<Listed>, StoreError> {
    let listed = reference::carriers(conn)?.map(|list| list.items).unwrap_or_default();
    Ok(listed.into_iter().map(|c| Listed { id: c.id, code: c.code, name: c.name }).collect())
}

impl Suggestions {
    /// Nothing on file.
    pub fn none(kind: MapKind, code: String) -> Self {
        Self::new(kind, code, None, None, 0, Vec::new())
    }

    fn new(
        kind: MapKind,
        axerrio_code: String,
        seen: Option<SeenCode>,
        mapped_to: Option<i64>,
        compared_with: usize,
        found: Vec<Suggestion>,
    ) -> Self {
        Self {
            kind,
            axerrio_code,
            times: seen.as_ref().map_or(0, |seen| seen.times),
            last_ship_date: seen.as_ref().map(|seen| seen.last_ship_date),
            name: seen.map(|seen| seen.name).filter(|name| !name.trim().is_empty()),
            mapped_to,
            compared_with,
            suggestions: found.into_iter().take(TOLD).collect(),
        }
    }

    /// What was looked for, in a line.
    pub fn heading(&self) -> String {
        let code = &self.axerrio_code;
        let (unit, units) = match self.kind {
            MapKind::Product | MapKind::BoxType => ("line", "lines"),
            MapKind::Customer | MapKind::Carrier => ("order", "orders"),
        };
        let name = self.name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
        match self.last_ship_date {
            Some(date) if self.times == 1 => format!("{code}{name}: on 1 {unit}, which ships {date}."),
            Some(date) => format!("{code}{name}: on {} {units}, the last of which ships {date}.", self.times),
            None => format!("{code} stands in no order on file; it is compared by its own words."),
        }
    }

    /// Why there is nothing to suggest.
    pub fn nothing(&self) -> String {
        let what = match self.kind {
            MapKind::Product => "products seen in Prebooks and POs",
            MapKind::Customer => "customers seen in Prebooks",
            MapKind::Carrier => "carriers in Komet's list",
            MapKind::BoxType => "box types in Komet's list",
        };
        if self.compared_with == 0 {
            return format!(
                "No {what} are on file yet; `stemsync sync` reads them. Nothing can be suggested before."
            );
        }
        format!("It resembles none of the {what} ({}). Look up its id in Komet.", self.compared_with)
    }
}
