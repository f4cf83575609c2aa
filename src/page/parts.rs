//! Small pieces that several views are made of.

use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};

use crate::domain::{Stage, Zone};
use crate::reports::words::relative;

/// A moment: how far away it is, and to the second for whoever points at it.
pub(super) fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    time(at, zone, &relative(at, now))
}

fn time(at: DateTime<Utc>, zone: Zone, shown: &str) -> Markup {
    let title = at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z");
    html! {
        time datetime=(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)) title=(title) { (shown) }
    }
}

/// The time of day, with its day where that is not today.
pub(super) fn clock(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    let local = at.with_timezone(&zone);
    let is_today = local.date_naive() == now.with_timezone(&zone).date_naive();
    let shown = local.format(if is_today { "%H:%M:%S" } else { "%b %-d, %H:%M" });
    time(at, zone, &shown.to_string())
}

/// A ship date as people write it: `Fri Feb 6`.
pub(super) fn day(date: NaiveDate) -> Markup {
    html! { time datetime=(date.to_string()) { (date.format("%a %b %-d")) } }
}

/// A stage in the trade's words.
pub(super) fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Placed => "Placed",
        Stage::Prebooked => "Prebooked",
        Stage::PoPending => "PO pending",
        Stage::PoApproved => "PO approved",
        Stage::Labelled => "Labelled",
        Stage::Received => "Received",
        Stage::Cancelled => "Cancelled",
    }
}

/// How far an order has come.
pub(super) fn stage_badge(stage: Stage) -> Markup {
    html! { span class={ "badge stage-" (stage.name()) } { (stage_name(stage)) } }
}

/// Where there is nothing to show: why, and what would change that.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}

/// Pages of a list, which count from 1. `names` are those of the ways back and forth, `pages` is how many there are, where
/// that is known, `address` makes a page's address.
pub(super) fn pager(
    names: [&str; 2],
    page: u64,
    pages: Option<u64>,
    is_more: bool,
    address: impl Fn(u64) -> String,
) -> Markup {
    let [back, forth] = names;
    html! {
        @if page > 1 || is_more {
            nav.pager aria-label="Pages" {
                @if page > 1 { a rel="prev" href=(address(page - 1)) { "← " (back) } } @else { span.muted { "← " (back) } }
                span { "Page " (thousands(page)) @if let Some(pages) = pages { " of " (thousands(pages)) } }
                @if is_more { a rel="next" href=(address(page + 1)) { (forth) " →" } } @else { span.muted { (forth) " →" } }
            }
        }
    }
}

/// Words with commands in them, which stand between backticks.
pub(super) fn words(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// `1 order`, `2 orders`.
pub(super) fn count(number: impl TryInto<u64> + Copy, one: &str, many: &str) -> String {
    let number: u64 = number.try_into().unwrap_or_default();
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// `12,345`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What every form holds, so that no other page's form is taken for one of ours.
pub(super) fn csrf_field(csrf: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(csrf); }
}

/// A text as the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
