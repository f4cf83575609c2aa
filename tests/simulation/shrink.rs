//! The shortest history that still goes wrong: steps are taken out, larger pieces first, for as long as something is
//! wrong at the end; then what is left of the faults is calmed.

use crate::life::{self, Step};
use crate::{live, plain};

/// Whether a history of the seed goes wrong in the same way.
fn fails(seed: u64, all: &[Step], kept: &[usize], kind: &str) -> bool {
    let steps: Vec<Step> = kept.iter().map(|&at| all[at].clone()).collect();
    live(seed, &steps, false).wrong.iter().any(|wrong| plain(wrong) == kind)
}

/// The steps of the seed's history that are left when none can be taken out any more.
fn shortest(seed: u64, all: &[Step]) -> Vec<usize> {
    let first = live(seed, all, false).wrong;
    let kind = first.first().map(|wrong| plain(wrong)).unwrap_or_default();
    let mut kept: Vec<usize> = (0..all.len()).collect();
    let mut piece = (kept.len() / 2).max(1);
    loop {
        let mut at = 0;
        let mut shorter = false;
        while at < kept.len() {
            let until = (at + piece).min(kept.len());
            let without: Vec<usize> = kept[..at].iter().chain(&kept[until..]).copied().collect();
            if fails(seed, all, &without, &kind) {
                kept = without;
                shorter = true;
            } else {
                at = until;
            }
        }
        if piece == 1 && !shorter {
            return kept;
        }
        piece = if piece > 1 { piece / 2 } else { 1 };
    }
}

/// Shrinks a failing seed and tells the story of what is left, with the command that replays it.
pub(crate) fn tell(seed: u64) {
    let all = life::history(seed);
    let kept = shortest(seed, &all);
    let steps: Vec<Step> = kept.iter().map(|&at| all[at].clone()).collect();
    let fate = live(seed, &steps, true);
    println!("\nThe shortest history of seed {seed} that goes wrong, {} of {} steps:", kept.len(), all.len());
    fate.story.iter().for_each(|line| println!("  {line}"));
    fate.wrong.iter().for_each(|wrong| println!("  WRONG: {wrong}"));
    println!(
        "\nReplay it:\n  cargo test --profile simulate --example simulation -- --replay {seed} --keep {}",
        written(&kept)
    );
}

/// `0-4,9`.
fn written(kept: &[usize]) -> String {
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for &at in kept {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == at => *last = at,
            _ => parts.push((at, at)),
        }
    }
    let text = |(from, to): &(usize, usize)| if from == to { from.to_string() } else { format!("{from}-{to}") };
    parts.iter().map(text).collect::<Vec<_>>().join(",")
}

/// Reads what [`written`] wrote.
pub(crate) fn parse(text: &str) -> Vec<usize> {
    let number = |text: &str| text.trim().parse::<usize>().expect("a step's number");
    text.split(',')
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| match part.split_once('-') {
            Some((from, to)) => number(from)..=number(to),
            None => number(part)..=number(part),
        })
        .collect()
}
