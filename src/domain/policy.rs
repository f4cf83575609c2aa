//! Choices an admin makes in `sync.toml` that change what stemsync does with orders.

use std::fmt;

/// What happens when both sides changed, or the side that doesn't own a value changed it (`on_conflict`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// A person decides.
    #[default]
    Hold,
    /// The owner's value wins, and the other one is recorded.
    Owner,
}

impl OnConflict {
    /// Its name in `sync.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Owner => "owner",
        }
    }
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

impl CreatePo {
    /// Its name in `sync.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Received => "received",
        }
    }
}

/// A share, kept in hundredths of a percent: at most 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    /// All of it.
    pub const ALL: Self = Self(10_000);

    /// Reads `"20%"`, with two decimals at most, up to 100 %.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().strip_suffix('%')?.trim_end();
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 3 {
            return None;
        }
        let hundredths = format!("{part:0<2}").parse::<u32>().ok()?;
        let share = whole.parse::<u32>().ok()? * 100 + hundredths;
        (share <= Self::ALL.0).then_some(Self(share))
    }

    /// That part of `total`, rounded down.
    pub fn of(self, total: u64) -> u64 {
        let part = u128::from(total) * u128::from(self.0) / u128::from(Self::ALL.0);
        u64::try_from(part).unwrap_or(total) // a part of a u64 always is one
    }

    /// Whether `part` is more than that share of `total`.
    fn is_exceeded(self, part: u64, total: u64) -> bool {
        u128::from(part) * u128::from(Self::ALL.0) > u128::from(total) * u128::from(self.0)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{}%", self.0 / 100),
            part => write!(f, "{}.{part:02}%", self.0 / 100),
        }
    }
}

/// The most a run may cancel without a person's word (`max_cancellations`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Of the open orders.
    pub percent: Percent,
}

impl Brake {
    /// Up to this many cancellations always pass: small importers cancel a handful on any day.
    pub const ALWAYS: usize = 5;

    /// Whether cancelling `cancellations` of `open` orders needs a person's word.
    pub fn stops(self, cancellations: usize, open: usize) -> bool {
        cancellations > Self::ALWAYS && self.percent.is_exceeded(cancellations as u64, open as u64)
    }
}

impl Default for Brake {
    fn default() -> Self {
        Self { percent: Percent(2000) }
    }
}
