//! Draws the request budget for `status -v` and `check -v`.

use chrono::{DateTime, Utc};

use super::output::{Cell, Page, Tone, relative};
use crate::reports::budget::BudgetReport;

/// The sources, for `-v`.
pub(super) fn tell(budget: &BudgetReport, page: &mut Page, now: DateTime<Utc>) {
    page.heading("Request budget");
    let BudgetReport { price_minutes, reserve, reads_left, .. } = budget;
    let price = match price_minutes {
        Some(minutes) => format!("A read must save {minutes} min of waiting; {reads_left} requests"),
        None => "No requests".to_owned(),
    };
    let text = format!("{price} are left for polls, {reserve} are kept for writes.");
    page.paragraph(Tone::Plain, 0, &text);
    let rows = budget.sources.iter().map(|one| {
        let read = match one.last_read {
            None => Cell::new("never", Tone::Faint),
            Some(at) if page.is_drawn() => relative(at, now).into(),
            Some(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into(),
        };
        let tone = if one.due { Tone::Good } else { Tone::Plain };
        [
            one.source.clone().into(),
            format!("{:.2}", one.expected_changes).into(),
            format!("{:.1} min", one.waiting_minutes).into(),
            read,
            Cell::new(one.why, tone),
        ]
    });
    let rows = rows.collect();
    page.table(["SOURCE", "EXPECTED CHANGES", "WAITING", "LAST READ", "DUE"], rows);
}
