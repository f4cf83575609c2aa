//! The local maps: which Axerrio code is which Komet id.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// What a map translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapKind {
    /// Axerrio product code to Komet product id.
    Product,
    /// Axerrio customer code to Komet customer id.
    Customer,
    /// Axerrio carrier code to Komet carrier id.
    Carrier,
    /// Axerrio box type code to Komet box type id.
    BoxType,
}

impl MapKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Product, Self::Customer, Self::Carrier, Self::BoxType];

    /// The name on the command line and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Customer => "customer",
            Self::Carrier => "carrier",
            Self::BoxType => "box-type",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// All local maps, in both directions. Several Axerrio codes may mean one Komet id; read backwards the
/// alphabetically first code wins, so that the answer never depends on the order of insertion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maps {
    forward: HashMap<(MapKind, String), i64>,
    backward: HashMap<(MapKind, i64), String>,
    /// Komet's box types: their ids by their codes in upper case. Prebooks name them by code, maps by id.
    boxes: HashMap<String, i64>,
}

impl Maps {
    /// Maps from their rows.
    pub fn new(rows: impl IntoIterator<Item = (MapKind, String, i64)>) -> Self {
        let mut maps = Self::default();
        for (kind, code, id) in rows {
            let back = maps.backward.entry((kind, id)).or_insert_with(|| code.clone());
            if code < *back {
                back.clone_from(&code);
            }
            maps.forward.insert((kind, code), id);
        }
        maps
    }

    /// The same, with Komet's list of box types, as ids and codes.
    #[must_use]
    pub fn with_box_types(mut self, listed: impl IntoIterator<Item = (i64, String)>) -> Self {
        self.boxes = listed.into_iter().map(|(id, code)| (code.trim().to_uppercase(), id)).collect();
        self
    }

    /// Gives one code another meaning, or none, for whoever looks up Komet's id of it.
    pub fn set(&mut self, kind: MapKind, code: &str, id: Option<i64>) {
        let key = (kind, code.to_owned());
        match id {
            Some(id) => drop(self.forward.insert(key, id)),
            None => drop(self.forward.remove(&key)),
        }
    }

    /// The id of the box type that has this code in Komet; `None` while its list was not read.
    pub fn box_type(&self, code: &str) -> Option<i64> {
        self.boxes.get(&code.trim().to_uppercase()).copied()
    }

    /// The Komet id of an Axerrio code.
    pub fn komet(&self, kind: MapKind, code: &str) -> Option<i64> {
        self.forward.get(&(kind, code.to_owned())).copied()
    }

    /// The Axerrio code of a Komet id.
    pub fn axerrio(&self, kind: MapKind, id: i64) -> Option<&str> {
        self.backward.get(&(kind, id)).map(String::as_str)
    }
}
