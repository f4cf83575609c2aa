//! The headers of a flow 1 order's Prebooks. Komet's header cannot be written after the Prebook was made, so a header
//! that changed in Axerrio means a new Prebook; one that changed in Komet waits for a person, with all its lines.

use std::fmt::Write as _;

use super::draft::Draft;
use super::header_fields::{Field, edits, is_carrier, is_other_customer, shown_print, told};
use super::prints::{header_print, terms_print};
use super::{header_fields, wanted};
use crate::domain::{
    AgreedLine, AgreedPrebook, AxOrder, Header, HoldReason, ItemLink, LineId, MapKind, Prebook, PrebookId,
    PrebookItem, Verdict, blank, fingerprint, quoted,
};

/// Whether the Prebook was made from a header that still says the same, and means the same by the local map.
pub(super) fn stands(draft: &Draft<'_>, prebook: &PrebookId, header: &Header) -> bool {
    let Some(agreed) = draft.agreed.prebooks.get(prebook) else { return false };
    agreed.sent.as_ref().is_some_and(|sent| sent.same_as(header))
        && !is_mapped_otherwise(draft, prebook, agreed, header)
}

/// Whether the local map was corrected since the Prebook was made by it, or came to name what went by its code, and Komet took for
/// another: it is another customer's, or goes with another carrier. So does a carrier whose entry was taken away, and which is another by
/// Komet's own list; of a customer, of whom there is no list, [`ask_about_unmapped`] asks. Once procurement has approved the PO it stays,
/// and so does what Komet's people made of it.
fn is_mapped_otherwise(draft: &Draft<'_>, id: &PrebookId, agreed: &AgreedPrebook, header: &Header) -> bool {
    let seen = agreed.seen.as_ref();
    let is_other = |kind, code: &str, then: Option<i64>, shown: Option<i64>| {
        let now = draft.rules.maps.komet(kind, code);
        then.is_some() && now.is_some() && now != then && shown == then
    };
    let Some(prebook) = draft.prebook(id).filter(|_| !draft.is_decided()) else { return false };
    let shown = &prebook.header;
    let carrier = header.carrier.as_ref().map(|carrier| carrier.code.as_str()).unwrap_or_default();
    let customer = agreed.mapped_customer.or_else(|| seen?.customer_id);
    let by_carrier = agreed.mapped_carrier.or_else(|| seen?.carrier_id);
    let is_carrier_unmapped = || {
        let was_mapped = agreed.mapped_carrier.is_some() && agreed.mapped_carrier == shown.carrier_id;
        was_mapped
            && draft.rules.maps.komet(MapKind::Carrier, carrier).is_none()
            && is_carrier(header.carrier.as_ref(), shown.carrier_id, draft.rules) == Some(false)
    };
    is_other(MapKind::Customer, &header.customer.code, customer, shown.customer_id)
        || is_other(MapKind::Carrier, carrier, by_carrier, shown.carrier_id)
        || is_carrier_unmapped()
}

/// The entry of the map was taken away by which Komet was asked for the Prebook's customer, and Komet calls that customer otherwise than
/// Axerrio. Whether it knows one by Axerrio's code nobody can tell before it is asked, and lines that were taken out for one that it refused
/// would stand nowhere: a person must say, whoever owns the header.
fn ask_about_unmapped(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook) -> Option<Verdict> {
    let agreed = draft.agreed.prebooks.get(&prebook.id)?;
    let (customer, shown) = (&order.header.customer, &prebook.header);
    let is_as_sent = agreed.sent.as_ref().is_some_and(|sent| sent.customer.code == customer.code);
    let is_unmapped = is_as_sent
        && agreed.mapped_customer.is_some()
        && agreed.mapped_customer == shown.customer_id
        && draft.rules.maps.komet(MapKind::Customer, &customer.code).is_none()
        && is_other_customer(customer, shown, draft.rules);
    if !is_unmapped {
        return None;
    }
    let code = quoted(&customer.code);
    draft.ask(HoldReason::EditedInKomet, None, &format!("unmapped prebook {} {}", prebook.id, customer.code), || {
        format!(
            "the customer {code} is mapped no more, and Prebook {} was made for another customer by that map. Take axerrio to move the \
             lines to a new Prebook for whom Komet itself knows as {code} (it refuses that if it knows nobody), take komet to leave it. \
             Or run: stemsync map customer set {code} KOMET-ID; it is made anew for that customer then.",
            prebook.number
        )
    })
}

/// Whether Axerrio moved the order to another of the importer's locations since its Prebooks were made: what the PO of the former
/// one buys is bought anew on one of its own.
pub(super) fn has_left_location(draft: &Draft<'_>, order: &AxOrder) -> bool {
    let location = blank(order.header.location.as_deref());
    let made_for = |link: &ItemLink| draft.agreed.prebooks.get(&link.prebook)?.sent.as_ref();
    let items = draft.agreed.lines.values().filter_map(|line| line.item.as_ref());
    !draft.is_decided()
        && items
            .filter(|link| draft.item_alive(link))
            .filter_map(made_for)
            .any(|sent| blank(sent.location.as_deref()) != location)
}

/// Prebooks whose header Komet's people changed, and which therefore take no further lines.
#[derive(Default)]
pub(super) struct Edited {
    /// A person must decide: nothing is done about their lines.
    waiting: Vec<PrebookId>,
    /// A person has left the header as it is on both sides. Their lines stay where they are.
    left: Vec<PrebookId>,
}

impl Edited {
    pub(super) fn waits(&self, prebook: &PrebookId) -> bool {
        self.waiting.contains(prebook)
    }

    pub(super) fn is_left(&self, prebook: &PrebookId) -> bool {
        self.left.contains(prebook)
    }

    pub(super) fn contains(&self, prebook: &PrebookId) -> bool {
        self.waits(prebook) || self.is_left(prebook)
    }
}

/// Judges what changed in Komet. Prebooks that were given to Axerrio no longer stand.
pub(super) fn judge(draft: &mut Draft<'_>, order: &AxOrder) -> Edited {
    let mut edited = Edited::default();
    let prebooks = draft.order.komet.prebooks.iter();
    for prebook in prebooks.filter(|p| p.items.iter().any(PrebookItem::is_alive)) {
        match judge_one(draft, order, prebook) {
            Judged::Stands => {}
            Judged::Waits => edited.waiting.push(prebook.id.clone()),
            Judged::Left => edited.left.push(prebook.id.clone()),
        }
    }
    edited
}

enum Judged {
    /// As it was made, as a person let it be, or to be made anew.
    Stands,
    Waits,
    Left,
}

fn judge_one(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook) -> Judged {
    let Some(agreed) = draft.agreed.prebooks.get(&prebook.id) else { return Judged::Stands };
    let Some(mut sent) = agreed.sent.clone() else { return Judged::Stands };
    let edits = edits(agreed.seen.as_ref(), &sent, &prebook.header, draft.rules);
    let rules = draft.rules;
    let are_as_wanted = edits.iter().all(|field| field.is_as_wanted(&order.header, &prebook.header, rules));
    let mut before = None;
    forget_put_right(draft, prebook, &edits, are_as_wanted);
    if draft.is_decided() {
        // From approval on Komet's people may change it; what it was before counts again if they take the approval back.
        let agreed = draft.agreed.prebooks.get(&prebook.id);
        before = agreed.and_then(|agreed| agreed.before_approval.clone().or_else(|| agreed.seen.clone()));
        before = before
            .filter(|before| !header_fields::edits(Some(before), &sent, &prebook.header, draft.rules).is_empty());
    } else {
        let open = if are_as_wanted { agree(draft, order, prebook, &mut sent, &edits) } else { edits };
        if !open.is_empty() {
            let asked = if are_as_wanted { takes_moved_anew } else { ask };
            let verdict = match asked(draft, order, prebook, &open) {
                Some(Verdict::Dismissed) => ask_for_lines(draft, order, prebook, &open),
                verdict => verdict,
            };
            match verdict {
                Some(Verdict::TakeKomet) => leave_to_komet(draft, order, prebook, &mut sent, &open),
                Some(Verdict::TakeAxerrio) => {
                    // What was left before does not stand as it is.
                    if !are_as_wanted && let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
                        agreed.sent = None;
                    }
                    return Judged::Stands;
                }
                Some(Verdict::Dismissed) => return Judged::Left,
                None => return Judged::Waits,
            }
        }
        if ask_about_unmapped(draft, order, prebook) == Some(Verdict::TakeAxerrio) {
            if let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
                agreed.sent = None;
            }
            return Judged::Stands;
        }
    }
    if let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
        agreed.seen = Some(prebook.header.clone());
        agreed.sent = Some(sent);
        agreed.before_approval = before;
    }
    Judged::Stands
}

/// Both sides changed these fields alike. Answers what was left as Komet has it, where something else means a new Prebook all the same.
fn agree(
    draft: &mut Draft<'_>,
    order: &AxOrder,
    prebook: &Prebook,
    sent: &mut Header,
    edits: &[Field],
) -> Vec<Field> {
    for field in edits {
        field.agree(sent, &order.header);
    }
    if let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
        agreed.left.retain(|left| !edits.iter().any(|field| field.name() == left));
    }
    if stands(draft, &prebook.id, &order.header) {
        return Vec::new();
    }
    left_fields(draft, order, prebook, sent)
}

/// A person took Komet's header, in these fields: it stands for what Axerrio says and the map means today.
fn leave_to_komet(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook, sent: &mut Header, fields: &[Field]) {
    sent.clone_from(&order.header);
    let maps = draft.rules.maps;
    let customer = maps.komet(MapKind::Customer, &sent.customer.code);
    let carrier = sent.carrier.as_ref().and_then(|carrier| maps.komet(MapKind::Carrier, &carrier.code));
    if let Some(agreed) = draft.agreed.prebooks.get_mut(&prebook.id) {
        agreed.mapped_customer = customer;
        agreed.mapped_carrier = carrier;
        agreed.left.extend(fields.iter().map(|field| field.name().to_owned()));
    }
}

/// The fields in which a person left the header to Komet, and which Axerrio does not change now: a change of the very thing that
/// was left is carried out.
fn left_fields(draft: &Draft<'_>, order: &AxOrder, prebook: &Prebook, sent: &Header) -> Vec<Field> {
    let Some(agreed) = draft.agreed.prebooks.get(&prebook.id) else { return Vec::new() };
    let is_left = |field: &Field| {
        agreed.left.contains(field.name())
            && !field.is_as_wanted(&order.header, &prebook.header, draft.rules)
            && field.is_as_sent(sent, &order.header)
    };
    Field::ALL.into_iter().filter(is_left).collect()
}

/// Asks about a header that was left as Komet has it once Axerrio, or the map, changes something else of it: its lines can only
/// move to a new Prebook, which would have none of what was left.
fn takes_moved_anew(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook, left: &[Field]) -> Option<Verdict> {
    let cause = format!(
        "moved prebook {} {:016x} {:016x}{}",
        prebook.id,
        shown_print(&prebook.header),
        header_print(&order.header),
        map_print(draft, order, prebook)
    );
    draft.settle(HoldReason::EditedInKomet, None, &cause, Verdict::TakeAxerrio, || {
        format!(
            "the order's date, carrier, customer or customer PO changed in Axerrio or in the map, but {} of Prebook {} was left as \
             Komet has it. Take axerrio to move the lines to a new Prebook, take komet to leave them where they are.",
            told(left),
            prebook.number
        )
    })
}

/// Names by which ids the header goes by now, if the map was corrected since the Prebook was made.
fn map_print(draft: &Draft<'_>, order: &AxOrder, prebook: &Prebook) -> String {
    let agreed = draft.agreed.prebooks.get(&prebook.id);
    if !agreed.is_some_and(|agreed| is_mapped_otherwise(draft, &prebook.id, agreed, &order.header)) {
        return String::new();
    }
    let maps = draft.rules.maps;
    let carrier = order.header.carrier.as_ref().map(|carrier| maps.komet(MapKind::Carrier, &carrier.code));
    format!(" mapped to {:?}", (maps.komet(MapKind::Customer, &order.header.customer.code), carrier))
}

/// What was decided about edits that were put right since is forgotten: made again, they are a new question. What was left as it is
/// stays known while it is so.
fn forget_put_right(draft: &mut Draft<'_>, prebook: &Prebook, edits: &[Field], are_as_wanted: bool) {
    if draft.agreed.decisions.is_empty() || !are_as_wanted {
        return;
    }
    let beginning = format!("prebook {} ", prebook.id);
    draft.forget(HoldReason::EditedInKomet, None, |decision| {
        let is_over = !edits.is_empty() || decision.verdict == Verdict::Dismissed;
        is_over && decision.cause.starts_with(&beginning)
    });
}

/// Lines that Axerrio changes while its Prebook's header is left undecided are a new question: they would wait unseen. So is what
/// the map names otherwise since.
fn ask_for_lines(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook, edits: &[Field]) -> Option<Verdict> {
    let stands_here = |agreed: &AgreedLine| agreed.item.as_ref().is_some_and(|link| link.prebook == prebook.id);
    let agreed = draft.agreed.lines.iter().filter(|(_, agreed)| stands_here(agreed));
    let changed: Vec<(LineId, Option<u64>)> = agreed
        .filter_map(|(id, agreed)| {
            let line = order.lines.iter().find(|line| line.id == *id && line.terms.boxes > 0);
            let is_gone = line.is_none() && agreed.item.as_ref().is_some_and(|link| draft.item_alive(link));
            let is_other = line.is_some_and(|line| !agreed.terms.same_goods(&line.terms));
            (is_gone || is_other).then(|| (id.clone(), line.map(|line| terms_print(&line.terms))))
        })
        .collect();
    let mapped: Vec<(LineId, String)> = order
        .lines
        .iter()
        .filter(|line| draft.agreed.lines.get(&line.id).is_some_and(stands_here))
        .filter_map(|line| Some((line.id.clone(), wanted::map_print(draft, line)?)))
        .collect();
    let remapped = map_print(draft, order, prebook);
    if changed.is_empty() && mapped.is_empty() && remapped.is_empty() {
        return Some(Verdict::Dismissed);
    }
    let mut cause = format!("lines of prebook {} {:016x}{remapped}", prebook.id, fingerprint(&changed));
    if !mapped.is_empty() {
        let _ = write!(cause, " {:016x}", fingerprint(&mapped));
    }
    draft.settle(HoldReason::EditedInKomet, None, &cause, Verdict::TakeAxerrio, || {
        let mut what = Vec::new();
        if !changed.is_empty() {
            what.push(format!("line {} changed in Axerrio", names(changed.iter().map(|(id, _)| id))));
        }
        if !mapped.is_empty() {
            what.push(format!("line {} was mapped anew", names(mapped.iter().map(|(id, _)| id))));
        }
        if !remapped.is_empty() {
            what.push("the customer or carrier was mapped anew".to_owned());
        }
        format!(
            "{}, but {} of Prebook {} changed in Komet and was left undecided. Take axerrio to move the lines to a new Prebook, \
             take komet to leave the header and carry out the change of the lines.",
            what.join(", "),
            told(edits),
            prebook.number
        )
    })
}

fn names<'l>(lines: impl Iterator<Item = &'l LineId>) -> String {
    lines.map(|line| line.0.as_str()).collect::<Vec<_>>().join(", ")
}

fn ask(draft: &mut Draft<'_>, order: &AxOrder, prebook: &Prebook, edits: &[Field]) -> Option<Verdict> {
    let header = &prebook.header;
    let shown = shown_print(header);
    let mut cause = format!("prebook {} {shown:016x} {:016x}", prebook.id, header_print(&order.header));
    if edits.contains(&Field::Location) {
        let _ = write!(cause, " at {}", blank(header.location_code.as_deref()).unwrap_or_default());
    }
    draft.settle(HoldReason::EditedInKomet, None, &cause, Verdict::TakeAxerrio, || {
        format!(
            "{} of Prebook {} changed in Komet, but the order is Axerrio's until its PO is approved. Take axerrio to move the \
             lines to a new Prebook, take komet to leave it.",
            told(edits),
            prebook.number
        )
    })
}
