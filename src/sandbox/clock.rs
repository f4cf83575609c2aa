//! What time it is in the sandbox: the machine's, the machine's shifted, or a fixed moment that tests move by hand.
//! Both systems tell this time, in Komet's HTTP `Date` and in Axerrio's `asOf`.

use chrono::{DateTime, TimeDelta, Utc};

/// The sandbox's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// The machine's, ahead (or, if negative, behind) by so much.
    Shifted(TimeDelta),
    /// Stands still until it is set again.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Shifted(by) => Utc::now() + *by,
            Self::Fixed(at) => *at,
        }
    }

    pub(super) fn is_system(&self) -> bool {
        *self == Self::System
    }
}
