//! What a run did, as a person would tell it: one sentence an order.

use crate::sync::report::{ActionReport, ActionResult};

/// One sentence for each order that something was done for, in the order of their names.
pub(super) fn of(actions: &[ActionReport]) -> Vec<String> {
    let mut orders: Vec<&str> = actions.iter().filter_map(|action| action.order.as_deref()).collect();
    orders.sort_unstable();
    orders.dedup();
    let sentence = |order: &str| {
        let done: Vec<_> = actions
            .iter()
            .filter(|action| action.order.as_deref() == Some(order))
            .filter(|action| matches!(action.result, ActionResult::Done | ActionResult::Adopted))
            .collect();
        let deeds = deeds(&done);
        (!deeds.is_empty()).then(|| format!("{order}: {}", deeds.join("; ")))
    };
    orders.into_iter().filter_map(sentence).collect()
}

/// One sentence for each hold that opened, without the instructions that follow it.
pub(super) fn held(actions: &[ActionReport]) -> Vec<String> {
    let held = actions.iter().filter(|action| action.result == ActionResult::Held);
    held.map(|action| {
        let first = action.detail.split(". ").next().unwrap_or_default().trim_end_matches('.');
        match &action.order {
            Some(order) => format!("{order}: {first}"),
            None => first.to_owned(),
        }
    })
    .collect()
}

fn deeds(done: &[&ActionReport]) -> Vec<String> {
    let mut told = Vec::new();
    let of = |methods: &[&str]| -> Vec<&str> {
        done.iter().filter(|a| methods.contains(&a.method.as_str())).map(|a| a.detail.as_str()).collect()
    };
    if let Some(put) = of(&["PUT orders/by-ref/{externalRef}"]).first() {
        let reference = put.split(' ').next().unwrap_or_default();
        told.push(format!("entered in Axerrio for the Prebook, as {reference}"));
    }
    let mut made: Vec<String> = Vec::new();
    for detail in of(&["prebook.create"]) {
        made.push(detail.replacen("prebook", "Prebook", 1));
    }
    for detail in of(&["purchase.order.create", "purchase.order.mixed.create"]) {
        // A mixed box joins the PO of the other lines.
        if !made.iter().any(|known| known == detail) {
            made.push(detail.to_owned());
        }
    }
    if !made.is_empty() {
        told.push(format!("made {} in Komet", made.join(" and ")));
    }
    for detail in of(&["PUT orders/{id}/purchase-order"]) {
        told.push(format!("told Axerrio that {detail}").replacen(" approved", " is approved", 1));
    }
    let boxes: u32 = of(&["purchase.order.items.awb.add"]).into_iter().filter_map(leading).sum();
    if boxes > 0 {
        told.push(format!("gave Komet the codes of {boxes} boxes and their AWB"));
    }
    let rest = done.iter().filter(|action| !KNOWN.contains(&action.method.as_str()));
    told.extend(rest.map(|action| format!("{} {}", crate::reports::words::deed(&action.method), action.detail)));
    told
}

/// The methods that have words of their own.
const KNOWN: [&str; 6] = [
    "PUT orders/by-ref/{externalRef}",
    "prebook.create",
    "purchase.order.create",
    "purchase.order.mixed.create",
    "PUT orders/{id}/purchase-order",
    "purchase.order.items.awb.add",
];

/// The number that a detail begins with: `3 boxes on AWB …`.
fn leading(detail: &str) -> Option<u32> {
    detail.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::System;

    fn action(order: &str, method: &str, result: ActionResult, detail: &str) -> ActionReport {
        ActionReport {
            order: Some(order.to_owned()),
            system: System::Komet,
            method: method.to_owned(),
            result,
            detail: detail.to_owned(),
        }
    }

    #[test]
    fn what_was_done_for_an_order_is_one_sentence() {
        let told = of(&[
            action("AX-2", "prebook.create", ActionResult::Done, "prebook 8"),
            action("AX-1", "prebook.create", ActionResult::Done, "prebook 7"),
            action("AX-1", "purchase.order.create", ActionResult::Done, "PO 41"),
            action("AX-1", "purchase.order.mixed.create", ActionResult::Done, "PO 41"),
            action("AX-2", "purchase.order.create", ActionResult::Failed, "a PO of 3 lines"),
        ]);
        assert_eq!(told, ["AX-1: made Prebook 7 and PO 41 in Komet", "AX-2: made Prebook 8 in Komet"]);
    }

    #[test]
    fn labels_are_counted_over_the_lines() {
        let told = of(&[
            action("AX-1", "purchase.order.items.awb.add", ActionResult::Done, "3 boxes on AWB 1, line 1 of PO 4"),
            action("AX-1", "purchase.order.items.awb.add", ActionResult::Done, "1 box on AWB 1, line 2 of PO 4"),
        ]);
        assert!(told[0].contains("the codes of 4 boxes"), "{told:?}");
    }

    #[test]
    fn a_hold_is_told_without_its_instructions() {
        let told =
            held(&[action("AX-1", "unmapped_product", ActionResult::Held, "Komet does not know it. Map it.")]);
        assert_eq!(told, ["AX-1: Komet does not know it"]);
    }
}
