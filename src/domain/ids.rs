//! Identities. Each system's numbers have a type of their own, so that a Prebook item can never be passed where
//! a PO line is meant.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(/// A Prebook's internal id in Komet (`prebookId`), not the number people see.
    PrebookId(i64));
id!(/// The Prebook number that people see in Komet.
    PrebookNumber(String));
id!(/// One line of a Prebook (`prebookItemId`).
    ItemId(i64));
id!(/// The PO number that people see in Komet.
    PoNumber(String));
id!(/// One line of a PO (`poItemId`).
    PoItemId(i64));
id!(/// An order in Axerrio, such as `AX-100234`.
    AxOrderId(String));
id!(/// A line of an Axerrio order: stable, unique within its order. Flow 2 lines carry the Prebook item's id.
    LineId(String));
id!(/// A label in Axerrio.
    LabelId(String));

impl PoNumber {
    /// Whether Komet can be asked for it: `purchase.order.list` takes a comma for two numbers, and documents 10 characters.
    pub fn can_be_asked_for(&self) -> bool {
        !self.0.contains(',') && self.0.chars().count() <= 10
    }
}

impl From<&ItemId> for LineId {
    /// Flow 2: the line that stemsync makes in Axerrio is named by its Prebook item.
    fn from(item: &ItemId) -> Self {
        Self(item.0.to_string())
    }
}

/// The name stemsync gives, in Axerrio, to an order that was prebooked in Komet: `komet-prebook-<id>` for the
/// first ship date seen of a Prebook and `komet-prebook-<id>-<ship date>` for each further one (product.md).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalRef(pub String);

impl ExternalRef {
    const PREFIX: &'static str = "komet-prebook-";

    /// The reference of the first ship date seen of `prebook`.
    pub fn first(prebook: &PrebookId) -> Self {
        Self(format!("{}{prebook}", Self::PREFIX))
    }

    /// The reference of a further ship date of `prebook`; from the second order on that was first seen on that date, a number
    /// keeps them apart.
    pub fn further(prebook: &PrebookId, ship_date: NaiveDate, nth: u32) -> Self {
        let number = if nth > 1 { format!("-{nth}") } else { String::new() };
        Self(format!("{}{prebook}-{ship_date}{number}", Self::PREFIX))
    }

    /// The Prebook that this reference names; `None` for references that are not stemsync's.
    pub fn prebook(&self) -> Option<PrebookId> {
        let rest = self.0.strip_prefix(Self::PREFIX)?;
        rest.split('-').next()?.parse().ok().map(PrebookId)
    }
}

impl fmt::Display for ExternalRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The mark by which stemsync finds its own Prebooks again: their comments end with `[AX <order id>]`.
pub mod tag {
    use super::AxOrderId;

    /// Komet's `comments` hold this many characters (clarification 14, assumed).
    pub const COMMENTS_LIMIT: usize = 500;

    /// `comments` with the tag behind them, the comments cut with an ellipsis so that the tag always fits.
    pub fn append(comments: Option<&str>, order: &AxOrderId) -> String {
        let tag = format!("[AX {order}]");
        let text = comments.unwrap_or("").trim();
        if text.is_empty() {
            return tag;
        }
        match COMMENTS_LIMIT.saturating_sub(tag.chars().count() + 1) {
            0 => tag,
            room => format!("{} {tag}", cut(text, room)),
        }
    }

    /// Whether a tag can name the order: it fits, and would be found again.
    pub fn can_name(order: &AxOrderId) -> bool {
        let tag = append(None, order);
        tag.chars().count() <= COMMENTS_LIMIT && find(&tag).as_ref() == Some(order)
    }

    /// The order whose tag ends `comments`.
    pub fn find(comments: &str) -> Option<AxOrderId> {
        let rest = comments.trim_end().strip_suffix(']')?;
        let start = rest.rfind("[AX ")?;
        let id = rest[start + 4..].trim();
        (!id.is_empty() && is_balanced(id)).then(|| AxOrderId(id.to_owned()))
    }

    /// Whether `comments` bear the order's tag, at their end or with somebody's words behind it.
    pub fn is_in(comments: &str, order: &AxOrderId) -> bool {
        find(comments).is_some_and(|found| found == *order)
            || find(comments).is_none() && comments.contains(&format!("[AX {order}]"))
    }

    /// The orders whose tags stand within `comments`, where none ends them; an id that holds brackets is not among them.
    pub fn within(comments: &str) -> Vec<AxOrderId> {
        if find(comments).is_some() {
            return Vec::new();
        }
        let tags = comments.split("[AX ").skip(1).filter_map(|rest| rest.split_once(']'));
        tags.map(|(id, _)| AxOrderId(id.trim().to_owned())).collect()
    }

    /// Whether every bracket in an id is closed in it: else the tag ended before, and other text in brackets follows.
    fn is_balanced(id: &str) -> bool {
        let mut open = 0;
        for bracket in id.chars() {
            match bracket {
                '[' => open += 1,
                ']' if open == 0 => return false,
                ']' => open -= 1,
                _ => {}
            }
        }
        open == 0
    }

    /// `text` in at most `limit` characters; what is cut ends in an ellipsis. For comments and notes only:
    /// everything else that is too long is held.
    pub fn cut(text: &str, limit: usize) -> String {
        if text.chars().count() <= limit {
            return text.to_owned();
        }
        let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
        short.push('…');
        short
    }
}
