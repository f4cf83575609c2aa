//! One request of one order: what it holds, and what its answer says.

use super::action::Action;
use super::apply::Outcome;
use super::engine::Engine;
use crate::domain::{CreatedPo, CreatedPrebook};
use crate::systems::{Axerrio, Fault, Komet, SystemError};

/// What a system answered.
pub(super) enum Answered {
    Outcome(Outcome),
    /// Done, but the ids must be read back: the answer so far, as JSON.
    Incomplete(String),
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// As many lines as one request of 64,000 bytes holds; the others follow, planned anew.
    pub(super) fn fit(&self, action: Action) -> Action {
        match action {
            Action::CreatePrebook(mut create) => {
                let fits = self.komet.prebook_fits(&create.new);
                create.new.items.truncate(fits);
                create.lines.truncate(fits);
                Action::CreatePrebook(create)
            }
            Action::CreatePo(mut new) => {
                let fits = self.komet.po_fits(&new);
                new.lines.truncate(fits);
                Action::CreatePo(new)
            }
            other => other,
        }
    }

    /// Sends one request of one order.
    pub(super) async fn send(&self, action: &Action) -> Result<Answered, SystemError> {
        let outcome = match action {
            Action::CreatePrebook(create) => {
                let created = self.komet.prebook_create(&create.new).await?;
                if created.items.as_ref().is_none_or(|items| items.len() != create.lines.len()) {
                    return Ok(incomplete(&CreatedPrebook { items: None, ..created }));
                }
                Outcome::PrebookCreated(created)
            }
            Action::DeleteItem(delete) => {
                self.komet.prebook_item_delete(&delete.prebook, &delete.item).await?;
                Outcome::Deleted
            }
            Action::CreatePo(new) => {
                let created = self.komet.po_create(new).await?;
                if created.lines.as_ref().is_none_or(|lines| lines.len() != new.lines.len()) {
                    return Ok(incomplete(&CreatedPo { lines: None, ..created }));
                }
                Outcome::PoCreated(created)
            }
            Action::DeletePoLine(delete) => {
                self.komet.po_item_delete(&delete.po_item).await?;
                Outcome::Deleted
            }
            Action::PutOrder(put) => {
                Outcome::Order(Box::new(self.axerrio.put_order(&put.reference, &put.input).await?))
            }
            Action::CancelOrder(cancel) => {
                Outcome::Order(Box::new(self.axerrio.cancel_order(&cancel.reference).await?))
            }
            Action::PutPurchaseOrder(put) => {
                Outcome::Order(Box::new(self.axerrio.put_purchase_order(&put.order, &put.info).await?))
            }
            // Boxes go with others, each with a result of its own (`batch`): one that came here was not sent.
            Action::Ship(_) | Action::ChangeCode(_) => return Err(not_alone(action)),
        };
        Ok(Answered::Outcome(outcome))
    }
}

fn incomplete(created: &impl serde::Serialize) -> Answered {
    Answered::Incomplete(serde_json::to_string(created).unwrap_or_default())
}

fn not_alone(action: &Action) -> SystemError {
    let fault = Fault::Rejected("it is sent with others only".to_owned());
    SystemError { system: action.system(), method: action.method(), fault }
}
