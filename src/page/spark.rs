//! A sparkline: how a figure went over the last runs, without a scale.

use maud::{Markup, html};

const WIDTH: usize = 300;
const HEIGHT: f64 = 40.0;

/// The oldest figure is at the left. `told`: the same in words.
#[allow(clippy::cast_precision_loss, reason = "drawn on forty points")]
pub(super) fn line(figures: &[u64], told: &str) -> Markup {
    let most = figures.iter().copied().max().unwrap_or(0).max(1) as f64;
    let last = figures.len().saturating_sub(1).max(1);
    let point = |(at, figure): (usize, &u64)| {
        let y = HEIGHT - 2.0 - *figure as f64 / most * (HEIGHT - 6.0);
        format!("{}{} {y:.1}", if at == 0 { "M" } else { "L" }, at * WIDTH / last)
    };
    let path: String = figures.iter().enumerate().map(point).collect();
    html! {
        svg.spark viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(told) {
            line.axis x1="0" x2=(WIDTH) y1=(HEIGHT - 1.0) y2=(HEIGHT - 1.0) {}
            @if figures.len() > 1 { path d=(path) {} }
        }
    }
}
