//! Where `useExisting` may have led whose answer was lost (clarification 2): into a Prebook of the same header that the token
//! did not see before. Until that is settled nothing that looks like it is put to Axerrio as somebody's order.

use super::read::{is_put, strays_among};
use crate::domain::{CreatedPrebook, Flow, ItemId, LineId, Order, OrderKey, Prebook, PrebookItem};
use crate::store::{Connection, StoreError, intents, orders};
use crate::sync::action::{Action, CreatePrebook};
use crate::sync::plan::is_made_of;

/// Whether an order prebooked in Komet shows what a request in doubt may have left there: it waits until that is settled.
pub(in crate::sync) fn awaits_create(conn: &Connection, order: &Order) -> Result<bool, StoreError> {
    if order.flow != Flow::FromKomet || !order.komet.prebooks.iter().any(|own| news(order, own).next().is_some()) {
        return Ok(false);
    }
    for intent in intents::list(conn)? {
        let entries: Vec<(OrderKey, Action)> = intent.action()?;
        for (key, action) in entries {
            let Action::CreatePrebook(create) = action else { continue };
            let Some(expected) = &create.expect else { continue };
            let is_like_one =
                |item: &PrebookItem| create.new.items.iter().any(|sent| is_made_of(sent, &item.terms));
            if order.komet.prebooks.iter().any(|own| own.id != *expected && news(order, own).any(is_like_one))
                && orders::keys_of_alike(conn, key, expected)?.contains(&order.key)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A Prebook that a create made, and the item of each of its lines, where there is one.
pub(super) type Found = (CreatedPrebook, Vec<Option<ItemId>>);

/// The Prebook into which all of a create's lines went that was not answered, and its items, line by line. Only what nobody has planned yet
/// can be that; of several Prebooks the one whose item is the latest is.
pub(super) fn found(
    conn: &Connection,
    own: OrderKey,
    create: &CreatePrebook,
) -> Result<Option<Found>, StoreError> {
    let Some(expected) = &create.expect else { return Ok(None) };
    let mut all = Vec::new();
    for key in orders::keys_of_alike(conn, own, expected)? {
        let Some(other) = orders::load(conn, key)?.filter(|other| other.flow == Flow::FromKomet) else { continue };
        for prebook in other.komet.prebooks.iter().filter(|prebook| prebook.id != *expected) {
            let items = strays_among(news(&other, prebook).cloned().collect(), &create.new.items);
            if items.iter().all(Option::is_some) {
                let created =
                    CreatedPrebook { id: prebook.id.clone(), number: prebook.number.clone(), items: None };
                all.push((created, items));
            }
        }
    }
    Ok(all.into_iter().max_by_key(|(_, items)| items.iter().flatten().map(|item| item.0).max()))
}

/// The live items that were never planned: what was on file before the request was sent is not what it made.
fn news<'o>(order: &'o Order, prebook: &'o Prebook) -> impl Iterator<Item = &'o PrebookItem> {
    let is_news = |item: &&PrebookItem| {
        item.is_alive() && !order.agreed.lines.contains_key(&LineId::from(&item.id)) && !is_put(order, &item.id)
    };
    prebook.items.iter().filter(is_news)
}
