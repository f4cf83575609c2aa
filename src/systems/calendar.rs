//! Which dates of the two systems can be counted with. Both write years of four digits; a parser takes more, and a
//! watermark or a window of ship dates computed from the year 262142 would overflow, or be stored as a text that cannot be
//! read again.

use chrono::Datelike;

/// Whether the year has four digits.
pub(super) fn is_countable(at: impl Datelike + Copy) -> bool {
    (1..=9999).contains(&at.year())
}
