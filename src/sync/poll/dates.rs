//! Reads Komet's Prebooks of a range of dates, whatever their number. With a Company token a busy week's may make an answer too long
//! to be read: then the dates are read in halves, down to single ones, so that no more is left out than must be.

use chrono::{NaiveDate, TimeDelta};

use crate::domain::Prebook;
use crate::sync::engine::Engine;
use crate::systems::{Answer, Axerrio, Komet, PrebookDates, PrebookQuery, SystemError};

/// What dates showed, in one answer or several.
pub(in crate::sync) struct Shown {
    /// Of the dates that could be read; as of the first answer.
    pub(in crate::sync) answer: Answer<Prebook>,
    /// The dates of which even a single one's answer is too long.
    pub(in crate::sync) too_long: Vec<NaiveDate>,
}

impl Shown {
    /// Whether nothing is left out: what is not shown may else be just that.
    pub(in crate::sync) fn is_whole(&self) -> bool {
        self.answer.unreadable.is_empty() && self.too_long.is_empty()
    }
}

impl<K: Komet, A: Axerrio> Engine<K, A> {
    /// Fails where Komet does; what is too long for one answer is no failure.
    pub(in crate::sync) async fn prebooks_of(&self, query: &PrebookQuery) -> Result<Shown, SystemError> {
        let mut answers: Vec<Answer<Prebook>> = Vec::new();
        let mut too_long = Vec::new();
        let mut left = vec![query.dates];
        while let Some(dates) = left.pop() {
            match self.komet.prebooks(&PrebookQuery { dates, ..query.clone() }).await {
                Ok(answer) => answers.push(answer),
                Err(error) if error.is_too_long() => match halves(dates) {
                    Ok([first, second]) => left.extend([second, first]),
                    Err(date) => too_long.push(date),
                },
                Err(error) => return Err(error),
            }
        }
        let nothing = Answer { items: Vec::new(), unreadable: Vec::new(), as_of: self.komet_now() };
        let answer = answers
            .into_iter()
            .reduce(|mut all, more| {
                all.items.extend(more.items);
                all.unreadable.extend(more.unreadable);
                all
            })
            .unwrap_or(nothing);
        Ok(Shown { answer, too_long })
    }
}

/// The earlier dates and the later ones; a single date cannot be divided.
fn halves(dates: PrebookDates) -> Result<[PrebookDates; 2], NaiveDate> {
    match dates {
        PrebookDates::Ship { from, to } if from < to => {
            let middle = from + TimeDelta::days((to - from).num_days() / 2);
            let after = middle + TimeDelta::days(1);
            Ok([PrebookDates::Ship { from, to: middle }, PrebookDates::Ship { from: after, to }])
        }
        PrebookDates::Ship { from: date, .. } | PrebookDates::Truck(date) => Err(date),
    }
}
