//! The pipeline as a chart: a bar for each ship date, its parts the stages. Where the window is narrow the bars lie, a line
//! for each of the next ship dates, so that nothing has to be pushed sideways to be seen. And the same as a table, for
//! whoever cannot see it or wants the numbers.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate};
use maud::{Markup, html};

use super::parts::{count, day, empty, stage_name};
use crate::domain::Stage;

/// What is drawn, from the bottom to the top: what is done lies below.
const STAGES: [Stage; 6] =
    [Stage::Received, Stage::Labelled, Stage::PoApproved, Stage::PoPending, Stage::Prebooked, Stage::Placed];

/// Weeks that are drawn at least, so that an empty one shows, too.
const WEEKS: u64 = 4;

/// Days that are told line by line where the window is narrow: what is further ahead is a click away, in the table.
const NEAR: u64 = 14;

/// Of the drawing, in its own units.
const HEIGHT: i64 = 150;
const STEP: i64 = 32;
const BAR: i64 = 22;
const LEFT: i64 = 40;
const TOP: i64 = 8;

type Columns = BTreeMap<NaiveDate, BTreeMap<Stage, i64>>;

/// How many orders of each ship date stand at each stage, from `from` on for four weeks or as far as there are orders.
pub(super) fn stages(counts: &[(NaiveDate, Stage, i64)], from: NaiveDate, today: NaiveDate) -> Markup {
    let mut columns = Columns::new();
    for (date, stage, orders) in counts.iter().filter(|(_, stage, _)| *stage != Stage::Cancelled) {
        *columns.entry(*date).or_default().entry(*stage).or_default() += orders;
    }
    if columns.is_empty() {
        return empty("No order ships in the next weeks.");
    }
    let last = columns.last_key_value().map_or(from, |(date, _)| *date).max(from + Days::new(WEEKS * 7));
    let drawn: Columns =
        from.iter_days().take_while(|day| *day <= last).map(|day| (day, BTreeMap::new())).collect();
    let drawn: Columns = drawn.into_iter().chain(columns.clone()).collect();
    html! {
        (drawing(&drawn, columns.len(), today))
        (lines(&columns, from, today))
        details #pipeline-table {
            summary { "As a table" }
            div.scroll role="region" aria-label="Orders by ship date and stage" tabindex="0" { (table(&columns)) }
        }
    }
}

/// The colour of a stage, beside its name.
pub(super) fn key(stage: Stage) -> Markup {
    html! {
        svg.key width="12" height="12" aria-hidden="true" { rect class={ "s-" (stage.name()) } width="12" height="12" rx="3" {} }
    }
}

fn drawing(columns: &Columns, dates: usize, today: NaiveDate) -> Markup {
    let total = |stages: &BTreeMap<Stage, i64>| stages.values().sum::<i64>();
    let most = columns.values().map(total).max().unwrap_or(0).max(1);
    let top = nice(most);
    let scaled = |orders: i64| orders * HEIGHT / top;
    let width = LEFT + STEP * i64::try_from(columns.len()).unwrap_or(0) + 8;
    let all: i64 = columns.values().map(total).sum();
    let told =
        format!("{all} orders on {dates} ship dates, at most {most} on one. The table below has the numbers.");
    html! {
        svg.chart width=(width) height=(HEIGHT + TOP + 38) viewBox={ "0 0 " (width) " " (HEIGHT + TOP + 38) } role="img" aria-label=(told) {
            @for mark in [0, top / 2, top] {
                @let y = TOP + HEIGHT - scaled(mark);
                line.axis x1=(LEFT) x2=(width) y1=(y) y2=(y) {}
                text x=(LEFT - 6) y=(y + 4) text-anchor="end" { (mark) }
            }
            @for ((date, stages), x) in columns.iter().zip((0..).map(|at| LEFT + STEP * at + (STEP - BAR) / 2)) {
                g {
                    @if !stages.is_empty() { title { (tip(*date, stages)) } }
                    @for (stage, below) in stacked(stages) {
                        @let (from, to) = (scaled(below), scaled(below + stages[&stage]));
                        rect class={ "s-" (stage.name()) } x=(x) width=(BAR) y=(TOP + HEIGHT - to) height=((to - from).max(1)) {}
                    }
                    text.today[*date == today] x=(x + BAR / 2) y=(TOP + HEIGHT + 16) text-anchor="middle" { (date.format("%-d")) }
                    text x=(x + BAR / 2) y=(TOP + HEIGHT + 30) text-anchor="middle" {
                        @if *date == today { "today" } @else if date.day() == 1 { (date.format("%b")) } @else { (date.format("%a")) }
                    }
                }
            }
        }
    }
}

/// The ship dates of the next two weeks, below each other: only the style knows which of the two drawings fits.
fn lines(columns: &Columns, from: NaiveDate, today: NaiveDate) -> Markup {
    let total = |stages: &BTreeMap<Stage, i64>| stages.values().sum::<i64>();
    let (near, far): (Vec<_>, Vec<_>) = columns.iter().partition(|(date, _)| **date < from + Days::new(NEAR));
    let most = near.iter().map(|(_, stages)| total(stages)).max().unwrap_or(0).max(1);
    let later: i64 = far.iter().map(|(_, stages)| total(stages)).sum();
    html! {
        div.lines {
            ul aria-label="Orders by ship date" {
                @for (date, stages) in &near {
                    li {
                        a.today[**date == today] href={ "/orders?ship=" (date) } { (day(**date)) }
                        svg viewBox={ "0 0 " (most) " 1" } preserveAspectRatio="none" aria-hidden="true" {
                            @for (stage, before) in stacked(stages) {
                                rect class={ "s-" (stage.name()) } x=(before) width=(stages[&stage]) height="1" {}
                            }
                        }
                        b { (total(stages)) }
                    }
                }
            }
            @if later > 0 { p.small.muted { (count(later, "order of a later ship date is", "orders of later ship dates are")) " in the table." } }
        }
    }
}

/// Each stage of a column, and how many orders lie below it.
fn stacked(stages: &BTreeMap<Stage, i64>) -> Vec<(Stage, i64)> {
    let there = STAGES.into_iter().filter(|stage| stages.contains_key(stage));
    let mut below = 0;
    let place = |stage: Stage| {
        let at = below;
        below += stages[&stage];
        (stage, at)
    };
    there.map(place).collect()
}

fn tip(date: NaiveDate, stages: &BTreeMap<Stage, i64>) -> String {
    let parts: Vec<_> = stages.iter().map(|(stage, orders)| format!("{orders} {}", stage_name(*stage))).collect();
    format!("{}: {}", date.format("%a %b %-d"), parts.join(", "))
}

/// A round number not below `most`, and even: half of it is marked, too.
fn nice(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        if let Some(found) = [2, 4, 6, 8, 10, 12, 16].into_iter().map(|step| step * unit).find(|top| *top >= most)
        {
            return found;
        }
        unit *= 10;
    }
}

fn table(columns: &Columns) -> Markup {
    html! {
        table {
            caption.hidden { "Orders by ship date and stage" }
            thead {
                tr {
                    th scope="col" { "Ship date" }
                    @for stage in STAGES.iter().rev() { th.num scope="col" { (stage_name(*stage)) } }
                    th.num scope="col" { "Together" }
                }
            }
            tbody {
                @for (date, stages) in columns {
                    tr {
                        th scope="row" { a href={ "/orders?ship=" (date) } { (day(*date)) } }
                        @for stage in STAGES.iter().rev() {
                            td.num { @if let Some(orders) = stages.get(stage) { (orders) } @else { span.muted { "–" } } }
                        }
                        td.num { (stages.values().sum::<i64>()) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_round_and_even() {
        for (most, top) in
            [(1, 2), (2, 2), (3, 4), (5, 6), (7, 8), (11, 12), (41, 60), (99, 100), (101, 120), (12_345, 16_000)]
        {
            assert_eq!(nice(most), top, "{most}");
        }
    }
}
