//! What the views show, recognised but not acted upon: the links, and what each side should know of the other. For
//! comparing the two systems (`sync::audit`), which must not depend on what would be done about a difference.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::{flow2, inform, links, rules::Rules, words};
use crate::domain::{Agreed, Flow, LineId, Order, OrderInput, PurchaseOrderInfo};

/// What the views of one order show.
pub(crate) struct Sight {
    /// The agreed view with every link that the other two show. Baselines of what differs stay as they were.
    pub(crate) agreed: Agreed,
    /// What Axerrio should know of the PO; `None` where Komet has none.
    pub(crate) po_to_tell: Option<PurchaseOrderInfo>,
    /// Flow 2: the Prebook in Axerrio's words, items that wait for their product included.
    pub(crate) ordered: Option<OrderInput>,
    /// Lines about which procurement has decided: Komet's from then on.
    pub(crate) decided: BTreeSet<LineId>,
}

/// Recognises what the views of `order` show.
pub(crate) fn sight(order: &Order, rules: &Rules<'_>) -> Sight {
    let mut draft = Draft::new(order, rules);
    links::recognise(&mut draft);
    let po_to_tell = inform::desired(&draft);
    let prebook = order.komet.prebooks.first().filter(|_| order.flow == Flow::FromKomet);
    let ordered = prebook.map(|prebook| OrderInput {
        header: words::header(prebook, order, &draft.agreed, rules),
        lines: prebook
            .items
            .iter()
            .filter(|item| item.is_alive())
            // What another order has still to let go of is told there.
            .filter(|item| !flow2::is_elsewhere(order, &LineId::from(&item.id)))
            .map(|item| words::line(item, order, &draft.agreed, rules))
            .collect(),
    });
    let decided = draft.agreed.lines.keys().filter(|line| draft.is_line_decided(line)).cloned().collect();
    Sight { agreed: draft.agreed, po_to_tell, ordered, decided }
}
