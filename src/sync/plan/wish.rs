//! What Axerrio wants of a line whose PO line a buyer changed, or took off: the question says it, and is a new one once it is another
//! wish.

use super::compare::asks_otherwise;
use super::prints::LinePrint;
use crate::domain::{NewGoods, PoLink};

/// What Axerrio wants of a line whose PO line a buyer changed.
pub(super) enum Wish<'w> {
    /// What was bought.
    AsBought(&'w NewGoods),
    /// That, in as many boxes as the vendor confirms by now.
    Confirmed(&'w NewGoods),
    /// Other goods; the print names the line as it is now.
    Changed(&'w NewGoods, LinePrint),
    /// The same or other goods on another day, with another carrier or customer PO; the print names line and header.
    Moved(&'w NewGoods, LinePrint),
    /// What Axerrio wanted all along, written anew: its item was edited in Komet and a person took Axerrio's, or the map was corrected.
    Anew(&'w NewGoods, LinePrint),
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
    pub(super) fn print(&self) -> Option<LinePrint> {
        match self {
            Self::AsBought(goods) | Self::Confirmed(goods) => Some(LinePrint::of_goods(goods)),
            _ => self.line_print().cloned(),
        }
    }

    /// Names the line as Axerrio and the map have it by now, where its item is made anew for that.
    pub(super) fn line_print(&self) -> Option<&LinePrint> {
        match self {
            Self::Changed(_, print) | Self::Moved(_, print) | Self::Anew(_, print) => Some(print),
            Self::AsBought(_) | Self::Confirmed(_) | Self::Gone => None,
        }
    }

    pub(super) fn goods(&self) -> Option<&'w NewGoods> {
        match self {
            Self::AsBought(goods)
            | Self::Confirmed(goods)
            | Self::Changed(goods, _)
            | Self::Moved(goods, _)
            | Self::Anew(goods, _) => Some(goods),
            Self::Gone => None,
        }
    }
}
