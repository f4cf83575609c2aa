//! What Axerrio wants of a line whose PO line a buyer changed, or took off: the question says it, and is a new one once it is another
//! wish.

use super::compare::asks_otherwise;
use super::prints::goods_print;
use crate::domain::{NewGoods, PoLink};

/// What Axerrio wants of a line whose PO line a buyer changed.
pub(super) enum Wish<'w> {
    /// What was bought.
    AsBought(&'w NewGoods),
    /// That, in as many boxes as the vendor confirms by now.
    Confirmed(&'w NewGoods),
    /// Other goods; the number names the line as it is now.
    Changed(&'w NewGoods, u64),
    /// The same or other goods on another day, with another carrier or customer PO; the number names line and header.
    Moved(&'w NewGoods, u64),
    /// Nothing any more.
    Gone,
}

impl<'w> Wish<'w> {
    pub(super) fn of(links: &[PoLink], goods: &'w NewGoods) -> Self {
        let asked = links.iter().find_map(|link| link.asked.as_ref());
        if asked.is_some_and(|asked| asks_otherwise(asked, goods)) {
            Self::Confirmed(goods)
        } else {
            Self::AsBought(goods)
        }
    }

    /// Names the line as it is now; `None` where nothing more is wanted of it.
    pub(super) fn print(&self) -> Option<u64> {
        match self {
            Self::Changed(_, name) | Self::Moved(_, name) => Some(*name),
            Self::AsBought(goods) | Self::Confirmed(goods) => Some(goods_print(goods)),
            Self::Gone => None,
        }
    }

    pub(super) fn goods(&self) -> Option<&'w NewGoods> {
        match self {
            Self::AsBought(goods) | Self::Confirmed(goods) | Self::Changed(goods, _) | Self::Moved(goods, _) => {
                Some(goods)
            }
            Self::Gone => None,
        }
    }
}
