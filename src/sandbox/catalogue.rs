//! What the simulated Komet company knows: its vendors, locations, customers, carriers, box types and products.
//! Scenario files are read into a [`Catalogue`]; the model only looks things up in it, except that a person may
//! map a product and that rules may let an unknown customer be created.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything that Komet knows before the first order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalogue {
    /// The vendor that the Vendor token belongs to.
    pub vendor: Vendor,
    /// Another vendor of the same company; its items must never be seen with the Vendor token.
    pub other_vendor: Vendor,
    /// The company's locations; the first one is the default.
    pub locations: Vec<Location>,
    /// Customers.
    pub customers: Vec<Customer>,
    /// Carriers.
    pub carriers: Vec<Carrier>,
    /// Box types.
    pub box_types: Vec<BoxType>,
    /// Products that Komet knows.
    pub products: Vec<Product>,
}

/// A vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    /// Komet's id.
    pub id: u64,
    /// Name for people.
    pub name: String,
}

/// A location of the importer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// Komet's id.
    pub id: u64,
    /// Short code such as `MIA`.
    pub code: String,
    /// Name for people.
    pub name: String,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Komet's id.
    pub id: u64,
    /// The code in Komet.
    pub code: String,
    /// Name for people.
    pub name: String,
}

/// A carrier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carrier {
    /// Komet's id.
    pub id: u64,
    /// The code in Komet.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Whether it may be used.
    #[serde(default = "yes")]
    pub active: bool,
}

/// A box type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxType {
    /// Komet's id.
    pub id: u64,
    /// Three characters at most.
    pub code: String,
    /// Full box equivalent.
    pub fbe: Decimal,
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Komet's id.
    pub id: u64,
    /// The code in Komet; may be empty.
    #[serde(default)]
    pub code: String,
    /// The exact description by which it is found too.
    pub description: String,
}

fn yes() -> bool {
    true
}

/// A small company, enough for tests: two customers, two carriers, four box types, six products.
impl Default for Catalogue {
    fn default() -> Self {
        let customer = |id, code: &str, name: &str| Customer { id, code: code.into(), name: name.into() };
        let carrier =
            |id, code: &str, name: &str, active| Carrier { id, code: code.into(), name: name.into(), active };
        let box_type = |id, code: &str, fbe| BoxType { id, code: code.into(), fbe: Decimal::new(fbe, 3) };
        let product = |id, code: &str, text: &str| Product { id, code: code.into(), description: text.to_owned() };
        Self {
            vendor: Vendor { id: 1201, name: "Flores del Valle".into() },
            other_vendor: Vendor { id: 1377, name: "Andes Blooms".into() },
            locations: vec![Location { id: 1, code: "MIA".into(), name: "Miami".into() }],
            customers: vec![
                customer(5001, "BLOOM", "Bloom & Bough Wholesale"),
                customer(5002, "PETAL", "Petal Street Florists"),
            ],
            carriers: vec![
                carrier(301, "ARM", "Greenway Trucking", true),
                carrier(302, "PRI", "Bluestem Freight", true),
                carrier(303, "OLD", "Oldway Trucking", false),
            ],
            box_types: vec![
                box_type(1, "FB", 1000),
                box_type(2, "HB", 500),
                box_type(3, "QB", 250),
                box_type(4, "EB", 125),
            ],
            products: vec![
                product(9001, "RFRE50", "Rose Freedom 50 cm"),
                product(9002, "RFRE60", "Rose Freedom 60 cm"),
                product(9003, "RMON50", "Rose Mondial 50 cm"),
                product(9004, "REXP60", "Rose Explorer 60 cm"),
                product(9005, "CNOB", "Carnation Nobbio"),
                product(9006, "ALSM", "Alstroemeria Mix"),
            ],
        }
    }
}

/// Finds catalogue entries by id, code or description without walking the lists.
#[derive(Default)]
pub(super) struct Lookup {
    customers: HashMap<u64, usize>,
    customer_codes: HashMap<String, usize>,
    carriers: HashMap<u64, usize>,
    carrier_codes: HashMap<String, usize>,
    products: HashMap<u64, usize>,
    product_codes: HashMap<String, usize>,
    descriptions: HashMap<String, usize>,
}

/// Codes and descriptions are compared without regard to case and outer blanks.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Lookup {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut lookup = Self::default();
        for (at, customer) in catalogue.customers.iter().enumerate() {
            lookup.customers.insert(customer.id, at);
            lookup.customer_codes.insert(fold(&customer.code), at);
        }
        for (at, carrier) in catalogue.carriers.iter().enumerate() {
            lookup.carriers.insert(carrier.id, at);
            lookup.carrier_codes.insert(fold(&carrier.code), at);
        }
        for (at, product) in catalogue.products.iter().enumerate() {
            // A mapped description is a second entry of the same product; the first one names it.
            lookup.products.entry(product.id).or_insert(at);
            if !product.code.trim().is_empty() {
                lookup.product_codes.insert(fold(&product.code), at);
            }
            lookup.descriptions.insert(fold(&product.description), at);
        }
        lookup
    }

    pub(super) fn customer<'c>(&self, catalogue: &'c Catalogue, id: u64) -> Option<&'c Customer> {
        self.customers.get(&id).map(|&at| &catalogue.customers[at])
    }

    pub(super) fn customer_of_code<'c>(&self, catalogue: &'c Catalogue, code: &str) -> Option<&'c Customer> {
        self.customer_codes.get(&fold(code)).map(|&at| &catalogue.customers[at])
    }

    pub(super) fn carrier<'c>(&self, catalogue: &'c Catalogue, id: u64) -> Option<&'c Carrier> {
        self.carriers.get(&id).map(|&at| &catalogue.carriers[at])
    }

    pub(super) fn carrier_of_code<'c>(&self, catalogue: &'c Catalogue, code: &str) -> Option<&'c Carrier> {
        self.carrier_codes.get(&fold(code)).map(|&at| &catalogue.carriers[at])
    }

    pub(super) fn product<'c>(&self, catalogue: &'c Catalogue, id: u64) -> Option<&'c Product> {
        self.products.get(&id).map(|&at| &catalogue.products[at])
    }

    pub(super) fn product_of_code<'c>(&self, catalogue: &'c Catalogue, code: &str) -> Option<&'c Product> {
        self.product_codes.get(&fold(code)).map(|&at| &catalogue.products[at])
    }

    pub(super) fn product_described<'c>(&self, catalogue: &'c Catalogue, text: &str) -> Option<&'c Product> {
        self.descriptions.get(&fold(text)).map(|&at| &catalogue.products[at])
    }
}
