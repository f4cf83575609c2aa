//! What an answer as a whole says: done, refused, the token refused, the quota spent; and for writes, what became of
//! each entry. A write's answer that leaves anything open is a complaint, never a guess: the effect is read back.

use super::convert::po_number;
use super::loose::{Bad, List, Loose, Record};
use super::wire;
use crate::domain::{
    CodeChange, CodeChanged, CreatedPo, CreatedPrebook, ItemId, NewPurchaseOrder, PoItemId, PrebookId,
    PrebookNumber, Shipment, Shipped,
};
use crate::systems::reply::{Failure, Reply, RetryAfter};
use crate::systems::{Fault, System};

impl From<Bad> for Failure {
    fn from(bad: Bad) -> Self {
        Self::shape(bad.to_string())
    }
}

/// Whether a read came to a Komet at all: each has every method, and refuses one with a `status` of its own.
pub(super) fn found(reply: &Reply) -> Result<(), Failure> {
    let refuses = |text| match wire::parse::<wire::ReadAnswer<'_>>(text) {
        Ok(Record::Is(answer)) => matches!(answer.status.flag("status"), Ok(Some(false))),
        _ => false,
    };
    if reply.status.as_u16() == 404 && !reply.text().is_ok_and(refuses) {
        return Err(Fault::NoSuchAddress(System::Komet).into());
    }
    Ok(())
}

/// What the HTTP status of a reply means, before its body is looked at as an answer.
pub(super) fn http_status(reply: &Reply) -> Result<(), Failure> {
    if reply.status.is_success() {
        return Ok(());
    }
    let message = reply.text().ok().and_then(|text| {
        let Record::Is(answer) = wire::parse::<wire::ReadAnswer<'_>>(text).ok()? else { return None };
        answer.message.string("message").ok()?
    });
    // Komet's own words say more than a status such as 400; a 5xx may have done something all the same.
    if let (400 | 402 | 404..=407 | 409..=428, Some(message)) = (reply.status.as_u16(), &message) {
        return Err(refusal(message.clone()).into());
    }
    // Without `Retry-After` a 429 is the end of the day's quota (clarification 15).
    let spent = Fault::QuotaSpent(message.clone().unwrap_or_else(|| "HTTP 429".to_owned()));
    // One that asks for a pause of no length, but says that the day is over, means the day.
    if reply.status.as_u16() == 429
        && reply.retry_after == RetryAfter::Unclear
        && message.as_deref().is_some_and(is_of_the_day)
    {
        return Err(spent.into());
    }
    match reply.fault(message, spent) {
        // A page of somebody in between, which says nothing of what Komet did before.
        Some(Fault::Rejected(said)) if reply.is_page() => Err(Fault::Server(said).into()),
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}

/// `status` and `message`: `Err` with Komet's reason where it refused.
pub(super) fn accepted(status: Loose<'_>, message: Loose<'_>) -> Result<(), Failure> {
    match status.flag("status")? {
        Some(true) => Ok(()),
        Some(false) => Err(refusal(reason(message)).into()),
        None => Err(status.bad("status", "1 or 0").into()),
    }
}

/// Komet's words for a refusal.
fn reason(message: Loose<'_>) -> String {
    message.string("message").ok().flatten().unwrap_or_else(|| "no reason given".to_owned())
}

/// Whether a refusal concerns the request, the token or the day's quota (clarification 15). The last two stop a
/// whole run, so words that a product, a customer or a limit of the trade brings along must not be taken for them.
pub(super) fn refusal(message: String) -> Fault {
    let plain = unquoted(&message).to_lowercase();
    let words: Vec<&str> = plain
        .split(|c: char| c.is_whitespace() || ",;:!?()[]".contains(c))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        // A method's name, such as `box.code.change`.
        .filter(|word| !word.is_empty() && !word.contains('.'))
        .collect();
    let any = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let limit = any(&[
        "limit",
        "limits",
        "limited",
        "exceed",
        "exceeds",
        "exceeded",
        "exhausted",
        "reached",
        "quota",
        "throttled",
    ]) || words.windows(2).any(|pair| pair == ["too", "many"]);
    // A limit that is not said to be of anything else.
    let bare = any(&["limit", "limits"]) && words.iter().all(|word| SAY_NOTHING.contains(word));
    let requests = any(&["request", "requests", "api", "call", "calls", "daily", "day", "quota", "rate"]);
    let trade = any(&[
        "credit",
        "customer",
        "customers",
        "product",
        "products",
        "carrier",
        "box",
        "boxes",
        "item",
        "items",
        "line",
        "lines",
        "quantity",
        "weight",
        "stems",
        "bunches",
        "characters",
        "character",
        "length",
        "size",
        "kb",
        "price",
        "cost",
        "payment",
        "date",
    ]);
    if bare || limit && requests && !trade {
        return Fault::QuotaSpent(message);
    }
    let token = any(&["token", "tokens", "authentication", "unauthorized", "authenticationtoken"]);
    let unauthorized = words.windows(2).any(|pair| pair == ["not", "authorized"]);
    if token || unauthorized { Fault::Unauthorized(message) } else { Fault::Rejected(message) }
}

/// Whether a refusal speaks of the day's quota, and not just of too many requests.
fn is_of_the_day(why: &str) -> bool {
    let plain = unquoted(why).to_lowercase();
    let day = ["day", "daily", "quota"].iter().any(|word| plain.contains(word));
    day && matches!(refusal(why.to_owned()), Fault::QuotaSpent(_))
}

/// Whether what sounds like a refused token, of a token that may read, is said of the method, and not of what one order asks for.
pub(super) fn is_of_the_method(why: &str) -> bool {
    let plain = unquoted(why).to_lowercase();
    ["http 401", "http 403", "token", "authentication", "method"].iter().any(|word| plain.contains(word))
}

/// What a message of a limit may say and not say which limit it is.
const SAY_NOTHING: [&str; 22] = [
    "limit", "limits", "exceed", "exceeds", "exceeded", "reached", "hit", "you", "your", "company", "account",
    "has", "have", "is", "was", "been", "the", "its", "this", "error", "maximum", "allowed",
];

/// `text` without what it quotes: names from an order prove nothing. An apostrophe inside a word is no quote.
fn unquoted(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut inside: Option<char> = None;
    let mut before = ' ';
    for c in text.chars() {
        match inside {
            Some(quote) if c == quote => inside = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') && !before.is_alphanumeric() => inside = Some(c),
            None => plain.push(c),
        }
        before = c;
    }
    // An unclosed quote quotes nothing.
    if inside.is_some() { text.to_owned() } else { plain }
}

/// `prebook.create`: the ids, or a complaint that leaves the effect to be read back.
pub(super) fn created_prebook(answer: &wire::WriteAnswer<'_>, sent: usize) -> Result<CreatedPrebook, Bad> {
    let number = answer.prebook_number;
    let items = ids(&answer.prebook_items, sent, |item| item.prebook_item_id.id("prebookItemId").ok().flatten());
    Ok(CreatedPrebook {
        id: PrebookId(answer.prebook_id.required_id("prebookId")?),
        number: PrebookNumber(
            number.string("prebookNumber")?.ok_or_else(|| number.bad("prebookNumber", "a number"))?,
        ),
        items: items.map(|ids| ids.into_iter().map(ItemId).collect()),
    })
}

/// `purchase.order.create` and `purchase.order.mixed.create`. Lines that name their Prebook items are matched by
/// them; else their order counts, if none is missing.
pub(super) fn created_po(answer: &wire::WriteAnswer<'_>, new: &NewPurchaseOrder) -> Result<CreatedPo, Bad> {
    let field = answer.purchase_order_number;
    let number =
        po_number(field, "purchaseOrderNumber")?.ok_or_else(|| field.bad("purchaseOrderNumber", "a PO number"))?;
    let list = answer.po_lines();
    let lines = ids(list, new.lines.len(), |item| item.po_item_id.id("poItemId").ok().flatten());
    let items = ids(list, new.lines.len(), |item| item.prebook_item_id.id("prebookItemId").ok().flatten());
    let lines = match (lines, items) {
        (Some(lines), Some(items)) => new
            .lines
            .iter()
            .map(|line| items.iter().position(|item| *item == line.item.0).map(|at| lines[at]))
            .collect::<Option<Vec<_>>>(),
        (lines, None) => lines,
        (None, _) => None,
    };
    Ok(CreatedPo { number, lines: lines.map(|ids| ids.into_iter().map(PoItemId).collect()) })
}

/// The ids of a create answer: all of them and each once, or none that could be trusted.
fn ids<'w>(
    list: &List<wire::CreatedItem<'w>>,
    sent: usize,
    id: impl Fn(&wire::CreatedItem<'w>) -> Option<i64>,
) -> Option<Vec<i64>> {
    let List::Is(records) = list else { return None };
    let ids: Vec<i64> = records
        .iter()
        .map(|record| if let Record::Is(item) = record { id(item) } else { None })
        .collect::<Option<_>>()?;
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (ids.len() == sent && sorted.len() == sent).then_some(ids)
}

/// A result that an answer leaves out.
const UNMENTIONED: &str = "Komet's answer does not mention it";

/// One entry of an answer's list of results, matched but not yet told.
struct Outcome<'w, W> {
    entry: Option<&'w W>,
    result: Result<(), String>,
}

/// Finds each sent entry's result by its key, else by its place where no result has a key at all.
fn outcomes<'w, W, K: PartialEq>(
    name: &str,
    list: &'w List<W>,
    sent: &[K],
    key: impl Fn(&W) -> Result<Option<K>, Bad>,
    judge: impl Fn(&W) -> (Loose<'w>, Loose<'w>),
) -> Result<Vec<Outcome<'w, W>>, Bad> {
    let mut entries = Vec::new();
    for (index, record) in list.get(name)?.iter().enumerate() {
        let entry = record.get(&format!("{name}[{index}]"))?;
        let at = |bad: Bad| bad.within(name, index);
        let (status, message) = judge(entry);
        // A result that says neither yes nor no leaves the effect unknown: the whole answer is read back.
        let done = status.flag("status").map_err(at)?.ok_or_else(|| at(status.bad("status", "1 or 0")))?;
        entries.push((key(entry).map_err(at)?, Some((entry, if done { Ok(()) } else { Err(reason(message)) }))));
    }
    let by_place = entries.len() == sent.len() && entries.iter().all(|(key, _)| key.is_none());
    Ok(sent
        .iter()
        .enumerate()
        .map(|(place, wanted)| {
            let found = entries
                .iter_mut()
                .enumerate()
                .find(|(at, (key, entry))| {
                    entry.is_some() && if by_place { *at == place } else { key.as_ref() == Some(wanted) }
                })
                .and_then(|(_, (_, entry))| entry.take());
            match found {
                Some((entry, result)) => Outcome { entry: Some(entry), result },
                None => Outcome { entry: None, result: Err(UNMENTIONED.to_owned()) },
            }
        })
        .collect())
}

/// `purchase.order.items.awb.add`, judged line by line whatever the overall status says.
pub(super) fn shipped<'w>(
    answer: &'w wire::WriteAnswer<'w>,
    shipments: &[Shipment],
) -> Result<Vec<Shipped>, Failure> {
    const LIST: &str = "purchaseOrderItemDetailsAWBAddAPIResultList";
    if !answer.shipped.has_any() {
        accepted(answer.status, answer.message)?;
        answer.shipped.get(LIST)?;
        // Done, says Komet, and does not say what: it must be read back, or boxes would be shipped twice.
        return Err(Bad::new(LIST, "a result for each line", "nothing").into());
    }
    let sent: Vec<i64> = shipments.iter().map(|shipment| shipment.po_item.0).collect();
    let outcomes = outcomes(
        LIST,
        &answer.shipped,
        &sent,
        |entry| entry.po_item_id.id("poItemId"),
        |entry| (entry.status, entry.message),
    )?;
    let mut results = Vec::with_capacity(sent.len());
    for (outcome, shipment) in outcomes.into_iter().zip(shipments) {
        // Whether it shipped is not known: the whole answer is read back, or boxes would be shipped twice.
        let unmentioned = || Bad::new(LIST, "a result for each line", "none for one of them");
        let entry = outcome.entry.ok_or_else(unmentioned)?;
        let codes = entry.box_codes.texts("boxCodes")?;
        let rest = entry.new_po_item_id.id("newPOItemId")?.map(PoItemId);
        results.push(Shipped { po_item: shipment.po_item.clone(), result: outcome.result, codes, rest });
    }
    Ok(results)
}

/// `box.code.change`, judged box by box: the overall status is 1 even where boxes failed.
pub(super) fn changed<'w>(
    answer: &'w wire::WriteAnswer<'w>,
    changes: &[CodeChange],
) -> Result<Vec<CodeChanged>, Failure> {
    if !answer.boxes.has_any() {
        accepted(answer.status, answer.message)?;
        answer.boxes.get("boxes")?;
        return Err(Bad::new("boxes", "a result for each box", "nothing").into());
    }
    let sent: Vec<String> = changes.iter().map(|change| change.new.trim().to_owned()).collect();
    let outcomes = outcomes(
        "boxes",
        &answer.boxes,
        &sent,
        |entry| entry.new_box_code.string("newBoxCode"),
        |entry| (entry.status, entry.message),
    )?;
    Ok(outcomes
        .into_iter()
        .zip(changes)
        .map(|(outcome, change)| CodeChanged { new: change.new.clone(), result: outcome.result })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_requests_ends_the_day_and_a_limit_of_the_trade_does_not() {
        for message in [
            "API request limit exceeded",
            "You have exceeded the daily limit",
            "The company has reached its limit of 1000 requests per day.",
            "Quota exceeded for method prebook.create",
            "Requests limit for this token exceeded",
            "Too many requests",
            "Your company's daily requests are exhausted",
            "Limit exceeded",
            "You have reached your limit.",
        ] {
            assert_eq!(refusal(message.to_owned()), Fault::QuotaSpent(message.to_owned()));
        }
        for message in [
            "Credit limit exceeded for customer 12",
            "The request exceeds the customer's credit limit",
            "The daily limit of 500 boxes is reached",
            "The request exceeds the size limit of 64 KB",
            "markCode exceeds 20 characters",
            "Product 'API daily limit rose' is not active",
            "The day's cutoff for this carrier has passed",
            "Pallet limit exceeded",
            "Too many boxes",
        ] {
            assert_eq!(refusal(message.to_owned()), Fault::Rejected(message.to_owned()));
        }
    }

    #[test]
    fn a_refused_token_is_known_by_its_words_unless_they_are_a_products_name() {
        for message in
            ["Invalid token", "User's token isn't valid", "Authentication failed", "You are not authorized."]
        {
            assert_eq!(refusal(message.to_owned()), Fault::Unauthorized(message.to_owned()));
        }
        let message = "Product \"Token of Love\" does not exist";
        assert_eq!(refusal(message.to_owned()), Fault::Rejected(message.to_owned()));
    }
}
