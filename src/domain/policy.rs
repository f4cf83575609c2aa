//! Choices an admin makes in `sync.toml` that change what stemsync does with orders.

/// What happens when both sides changed, or the side that doesn't own a value changed it (`on_conflict`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// A person decides.
    #[default]
    Hold,
    /// The owner's value wins, and the other one is recorded.
    Owner,
}

/// When the PO of a flow 2 order is made (`create_po`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CreatePo {
    /// Once the vendor accepts.
    #[default]
    Accepted,
    /// Once the order is in Axerrio.
    Received,
}

/// The most a run may cancel without a person's word (`max_cancellations`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Per cent of the open orders.
    pub percent: u8,
}

impl Brake {
    /// Up to this many cancellations always pass: small importers cancel a handful on any day.
    pub const ALWAYS: usize = 5;

    /// Whether cancelling `cancellations` of `open` orders needs a person's word.
    pub fn stops(self, cancellations: usize, open: usize) -> bool {
        cancellations > Self::ALWAYS && cancellations * 100 > open * usize::from(self.percent)
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self { percent: 20 }
    }
}
