//! The open questions of Komet's page, each a switch, so that the engine can be tried against every answer.

use serde::{Deserialize, Serialize};

/// Where the pages leave Komet's behaviour open, this decides. The defaults are the plainest reading; messy answers
/// pick some of them from the seed where the page says "or" (see each field).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools)] // each stands for one open question of the pages
pub struct KometRules {
    /// Requests a UTC day, over all tokens; `None` for no limit.
    pub daily_limit: Option<u64>,
    /// A spent quota answers HTTP 429 instead of `status` 0.
    pub limit_is_429: bool,
    /// A body of more than 64,000 bytes answers HTTP 413 instead of `status` 0. Messy: by seed.
    pub too_large_is_413: bool,
    /// Create answers hold the new items' ids. Messy: never.
    pub create_tells_items: bool,
    /// A customer code that Komet does not know is refused; else the customer is created.
    pub refuse_unknown_customer: bool,
    /// A carrier code that Komet does not know is refused; else the carrier is created.
    pub refuse_unknown_carrier: bool,
    /// `prebook.create` without a carrier is refused.
    pub require_carrier: bool,
    /// `vendorShipDate` of `prebook.create` is kept; else the truck date takes its place.
    pub keep_vendor_ship_date: bool,
    /// A Vendor token's `price` is kept; Komet ignores it unless the company allows it.
    pub allow_vendor_price: bool,
    /// Making or deleting a PO line counts as a change of the Prebook (`updatedAsOf`).
    pub po_touches_prebook: bool,
    /// Mapping a product counts as a change of the Prebooks that hold it.
    pub mapping_touches_prebook: bool,
    /// A deleted PO line stays with quantity 0; else it is gone. Messy: by seed.
    pub deleted_po_line_stays: bool,
    /// Prebook items name the PO they are on. Messy: by seed.
    pub items_show_po: bool,
    /// POs name their AWB. Messy: by seed.
    pub orders_show_awb: bool,
    /// A window of ship dates shows the whole Prebook as soon as one item lies in it; else only those items.
    pub window_shows_whole_prebook: bool,
}

impl Default for KometRules {
    fn default() -> Self {
        Self {
            daily_limit: None,
            limit_is_429: false,
            too_large_is_413: false,
            create_tells_items: true,
            refuse_unknown_customer: true,
            refuse_unknown_carrier: true,
            require_carrier: false,
            keep_vendor_ship_date: true,
            allow_vendor_price: false,
            po_touches_prebook: false,
            mapping_touches_prebook: false,
            deleted_po_line_stays: false,
            items_show_po: true,
            orders_show_awb: true,
            window_shows_whole_prebook: false,
        }
    }
}
