//! The shapes of the scenario files, as people edit them. Every unknown key is refused, so that a typing error is
//! found when the file is read. What the files mean together is worked out in [`super::resolve`].

use std::path::Path;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::{BoxType, Importer, OtherVendor, PeopleNames, ScenarioError, VendorInfo};
use crate::domain::UnitType;

/// The texts of the six files.
pub(super) struct Texts {
    pub(super) company: String,
    pub(super) box_types: String,
    pub(super) carriers: String,
    pub(super) customers: String,
    pub(super) catalogue: String,
    pub(super) week: String,
}

impl Texts {
    pub(super) const COMPANY: &str = "company.toml";
    pub(super) const BOX_TYPES: &str = "boxtypes.toml";
    pub(super) const CARRIERS: &str = "carriers.toml";
    pub(super) const CUSTOMERS: &str = "customers.toml";
    pub(super) const CATALOGUE: &str = "catalogue.toml";
    pub(super) const WEEK: &str = "week.toml";

    /// The files that come with the program.
    pub(super) fn bundled() -> Self {
        Self {
            company: include_str!("../../../data/scenario/company.toml").to_owned(),
            box_types: include_str!("../../../data/scenario/boxtypes.toml").to_owned(),
            carriers: include_str!("../../../data/scenario/carriers.toml").to_owned(),
            customers: include_str!("../../../data/scenario/customers.toml").to_owned(),
            catalogue: include_str!("../../../data/scenario/catalogue.toml").to_owned(),
            week: include_str!("../../../data/scenario/week.toml").to_owned(),
        }
    }

    /// The files of a folder; one that is not there is taken from the program, so that a person who only wants another
    /// week writes only that.
    pub(super) fn of_dir(dir: &Path) -> Result<Self, ScenarioError> {
        let mut texts = Self::bundled();
        let mut found = false;
        for (name, text) in [
            (Self::COMPANY, &mut texts.company),
            (Self::BOX_TYPES, &mut texts.box_types),
            (Self::CARRIERS, &mut texts.carriers),
            (Self::CUSTOMERS, &mut texts.customers),
            (Self::CATALOGUE, &mut texts.catalogue),
            (Self::WEEK, &mut texts.week),
        ] {
            let path = dir.join(name);
            match std::fs::read_to_string(&path) {
                Ok(own) => {
                    *text = own;
                    found = true;
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(ScenarioError::Read { file: path.display().to_string(), source }),
            }
        }
        if found { Ok(texts) } else { Err(ScenarioError::Empty(dir.display().to_string())) }
    }
}

/// Reads one file; the error names the file, the line and what was expected there.
pub(super) fn parse<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<T, ScenarioError> {
    toml::from_str(text).map_err(|e| ScenarioError::Parse { file, message: e.to_string().trim_end().to_owned() })
}

/// Money as people write it, in quotes: rust_decimal itself would take a float, which has already lost what was meant.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Money(pub(super) Decimal);

impl TryFrom<String> for Money {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("expected an amount such as \"0.32\", found {text:?}"))
    }
}

pub(super) fn money<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    Money::deserialize(from).map(|money| money.0)
}

pub(super) fn money_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    Option::<Money>::deserialize(from).map(|money| money.map(|m| m.0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompanyFile {
    pub(super) importer: Importer,
    pub(super) vendor: VendorInfo,
    pub(super) other_vendor: OtherVendor,
    pub(super) people: PeopleNames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BoxTypesFile {
    #[serde(rename = "box_type")]
    pub(super) box_types: Vec<BoxType>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarriersFile {
    #[serde(rename = "carrier")]
    pub(super) carriers: Vec<CarrierRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarrierRow {
    pub(super) code: String,
    pub(super) komet_id: u32,
    pub(super) komet_code: Option<String>,
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomersFile {
    #[serde(rename = "customer")]
    pub(super) customers: Vec<CustomerRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerRow {
    pub(super) code: String,
    pub(super) komet_id: u32,
    pub(super) komet_code: Option<String>,
    pub(super) name: String,
    pub(super) kind: super::CustomerKind,
    pub(super) place: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogueFile {
    #[serde(default, rename = "rose_length")]
    pub(super) rose_lengths: Vec<RoseLength>,
    #[serde(default, rename = "rose")]
    pub(super) roses: Vec<Rose>,
    #[serde(default, rename = "product")]
    pub(super) products: Vec<ProductRow>,
    #[serde(default, rename = "recipe")]
    pub(super) recipes: Vec<RecipeRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoseLength {
    pub(super) cm: u32,
    #[serde(rename = "box")]
    pub(super) box_type: String,
    pub(super) bunches: u32,
    pub(super) stems: u32,
    pub(super) cost: [Money; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rose {
    pub(super) variety: String,
    pub(super) colour: String,
    pub(super) code: String,
    pub(super) komet_id: u32,
    pub(super) lengths: Vec<u32>,
    pub(super) extra: Option<Money>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductRow {
    pub(super) code: String,
    pub(super) komet_id: Option<u32>,
    pub(super) komet_code: Option<String>,
    pub(super) map_to: Option<super::MapTarget>,
    pub(super) description: String,
    #[serde(rename = "box")]
    pub(super) box_type: String,
    pub(super) bunches: u32,
    pub(super) stems: u32,
    pub(super) unit: UnitType,
    pub(super) cost: [Money; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecipeRow {
    pub(super) code: String,
    pub(super) komet_id: u32,
    pub(super) description: String,
    #[serde(rename = "box")]
    pub(super) box_type: String,
    pub(super) stems: u32,
    pub(super) unit: UnitType,
    pub(super) cost: Money,
    pub(super) parts: Vec<PartRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartRow {
    pub(super) product: String,
    pub(super) bunches: u32,
    pub(super) cost: Money,
}
