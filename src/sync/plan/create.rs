//! Making the lines of a flow 1 order: in its Prebook where that has the same header, else in a new one.

use super::compare::{SHORT_FIELD, cut_field, goods_from_axerrio, product_ref};
use super::draft::Draft;
use super::header::{self, Edited};
use super::header_fields;
use super::prints::{line_cause, terms_print};
use super::strays;
use crate::domain::{
    AgreedPrebook, AxLine, AxOrder, HoldReason, KometRef, LineId, MapKind, NewPrebook, NewPrebookItem, Party,
    PrebookHeader, PrebookId, Verdict, blank, fingerprint, tag,
};
use crate::sync::action::{Action, CreatePrebook};

/// Whether the line may be written at all: its fields fit, and Komet would still show it.
pub(super) fn is_possible(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) -> bool {
    if order.header.ship_date < draft.rules.visible_from {
        ask_about_late(draft, order, line);
        return false;
    }
    if !tag::can_name(&order.id) {
        let _ = draft.ask(HoldReason::FieldTooLong, None, "order id", || {
            "the order's id does not fit the mark at the end of a Prebook's comments by which stemsync finds it again, so it is not \
             sent. Give the order another id in Axerrio."
                .to_owned()
        });
        return false;
    }
    let whole = || {
        let lines = order.lines.iter().filter(|line| line.terms.boxes > 0);
        fingerprint(&lines.map(|line| (&line.id, line_cause(line, &order.header))).collect::<Vec<_>>())
    };
    let po_fits =
        fits(draft, None, "customer PO", order.header.customer_po.as_deref(), || format!("{:016x}", whole()));
    let mark = line.terms.mark_code.as_deref();
    let mark_fits = fits(draft, Some(&line.id), "mark code", mark, || line_cause(line, &order.header));
    po_fits && mark_fits
}

/// Asks about what has to be written of a ship date that is over. Of an order that was first seen after it nothing is due.
fn ask_about_late(draft: &mut Draft<'_>, order: &AxOrder, line: &AxLine) {
    if draft.agreed.lines.is_empty() && !draft.agreed.due {
        return;
    }
    let day = order.header.ship_date;
    let cause = format!("late {day} {:016x}", terms_print(&line.terms));
    let _ = draft.ask(HoldReason::RejectedByKomet, Some(&line.id), &cause, || {
        format!(
            "the line is not in Komet as it stands in Axerrio, and its ship date {day} is over: Komet shows nothing of it any more, so \
             stemsync writes nothing. Put it right in Komet by hand, then dismiss this."
        )
    });
}

/// Whether a field fits Komet's 20 characters, or a person said to cut it. What else is to be written, by its `print`, is a new
/// question: it would wait unseen.
fn fits(
    draft: &mut Draft<'_>,
    line: Option<&LineId>,
    field: &str,
    value: Option<&str>,
    print: impl FnOnce() -> String,
) -> bool {
    let Some(value) = blank(value) else { return true };
    let length = value.chars().count();
    if length <= SHORT_FIELD {
        // Too long once more, it is a new question.
        let beginning = format!("{field}: ");
        draft.forget(HoldReason::FieldTooLong, line, |decision| decision.cause.starts_with(&beginning));
        return true;
    }
    let beginning = format!("{field}: {value}");
    if draft.was_cut(line, &beginning) {
        return true;
    }
    let cause = format!("{beginning} [{}]", print());
    draft.ask(HoldReason::FieldTooLong, line, &cause, || {
        format!(
            "the {field} has {length} characters, Komet holds {SHORT_FIELD}. Shorten it in Axerrio, or take komet to cut it."
        )
    }) == Some(Verdict::TakeKomet)
}

/// Makes lines: in the order's Prebook where there is one with the same header, else in a new one.
pub(super) fn lines(draft: &mut Draft<'_>, order: &AxOrder, lines: &[&AxLine], edited: &Edited) {
    let ship_date = order.header.ship_date;
    if !draft.knows_windows(&[ship_date]) {
        return;
    }
    let takes_lines = |id: &PrebookId, agreed: &AgreedPrebook| {
        let shown = draft.prebook(id);
        let still_there = agreed.seen.is_none() || shown.is_some();
        // Where another order's Prebook has the same header, a line could land there, and its answer be lost.
        let is_sure = !draft.order.ambiguous.contains(id);
        let is_elses = shown.is_some_and(|shown| strays::is_of_another_customer(draft, shown));
        !draft.agreed.avoid_existing
            && still_there
            && is_sure
            && !is_elses
            && !edited.contains(id)
            && header::stands(draft, id, &order.header)
    };
    let mut prebooks = draft.agreed.prebooks.iter().rev();
    let expect = prebooks.find(|(id, agreed)| takes_lines(id, agreed)).map(|(id, _)| id.clone());
    let action = create_action(draft, order, lines, expect.clone());
    if action.lines().len() > 1 && draft.goes_another_way(&action) {
        // One line of several was refused: alone, the others pass.
        let singles: Vec<Action> =
            lines.iter().map(|line| create_action(draft, order, &[*line], expect.clone())).collect();
        for single in singles {
            draft.act(single);
        }
    } else {
        draft.act(action);
    }
}

/// The items as Komet is asked for them.
pub(super) fn items(draft: &Draft<'_>, order: &AxOrder, lines: &[&AxLine]) -> Vec<NewPrebookItem> {
    let rules = draft.rules;
    let item = |line: &&AxLine| NewPrebookItem {
        line: line.id.clone(),
        product: product_ref(&line.terms.product, rules),
        goods: goods_from_axerrio(&line.terms, line.terms.boxes, rules),
        price: line.terms.unit_price,
        ship_date: order.header.ship_date,
        mark_code: cut_field(line.terms.mark_code.as_deref()),
    };
    lines.iter().map(item).collect()
}

fn create_action(draft: &Draft<'_>, order: &AxOrder, lines: &[&AxLine], expect: Option<PrebookId>) -> Action {
    let rules = draft.rules;
    let header = &order.header;
    // A header that was left as Komet has it is the one by which Komet finds the Prebook.
    let left = expect.as_ref().and_then(|id| draft.prebook(id)).map(|prebook| &prebook.header);
    let carrier = left.and_then(|left| left.carrier_id).filter(|id| *id != 0);
    let party = |kind, party: &Party| match rules.maps.komet(kind, &party.code) {
        Some(id) => KometRef::Id(id),
        None => KometRef::Code { code: party.code.clone(), name: party.name.clone() },
    };
    Action::CreatePrebook(CreatePrebook {
        new: NewPrebook {
            customer: match left.filter(|left| header_fields::is_other_customer(&header.customer, left, rules)) {
                Some(PrebookHeader { customer_id: Some(id), .. }) => KometRef::Id(*id),
                _ => party(MapKind::Customer, &header.customer),
            },
            carrier: match (carrier, &header.carrier) {
                (Some(id), wanted)
                    if wanted.is_none()
                        || header_fields::is_carrier(wanted.as_ref(), Some(id), rules) == Some(false) =>
                {
                    Some(KometRef::Id(id))
                }
                (_, wanted) => wanted.as_ref().map(|c| party(MapKind::Carrier, c)),
            },
            truck_date: left.map_or(header.truck_date(), |left| left.truck_date),
            customer_po: match left {
                Some(left) => blank(left.customer_po.as_deref()).map(str::to_owned),
                None => cut_field(header.customer_po.as_deref()),
            },
            comments: tag::append(header.comments.as_deref(), &order.id),
            location_code: left
                .and_then(|left| blank(left.location_code.as_deref()))
                .or(blank(header.location.as_deref()))
                .or(rules.location_code)
                .map(str::to_owned),
            use_existing: expect.is_some(),
            items: items(draft, order, lines),
        },
        header: header.clone(),
        lines: lines.iter().map(|l| (l.id.clone(), l.terms.clone())).collect(),
        expect,
    })
}
