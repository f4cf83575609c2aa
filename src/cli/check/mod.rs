//! `check`: configuration, secrets, database, disk, units, both systems and notifications, one line each, with what to do.
//! Each subject is a file; none of them changes anything, but Komet's requests are counted where a database is there to
//! count them.

mod database;
mod disk;
mod machine;
mod notices;
mod owners;
mod rights;
mod secrets;
mod systemd;
mod systems;
mod unit_file;
mod units;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use serde::Serialize;

use super::exit::Exit;
use super::output::{Cell, Output, Page, Report, Tone};
use super::{link, read_until_told};
use crate::config::Config;
use crate::daemon::signals::Signals;
use crate::systems::{Axerrio as _, Komet as _};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// Cannot be tried without changing something.
    Untried,
    /// Works, but a person should look.
    Warning,
    /// Does not work.
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    /// What was looked at; scripts rely on it.
    name: &'static str,
    outcome: Outcome,
    /// Which of several of that name: a system's method, a unit.
    of: Option<String>,
    /// What was found.
    detail: String,
    /// What to do; `None` where there is nothing to do.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, of: None, detail: detail.into(), advice: None }
    }

    fn warning(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warning, of: None, detail: detail.into(), advice: Some(advice.into()) }
    }

    fn failed(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failed, of: None, detail: detail.into(), advice: Some(advice.into()) }
    }

    fn untried(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Untried, of: None, detail: detail.into(), advice: Some(advice.into()) }
    }

    /// The same, of one thing among several.
    fn of(self, what: &str) -> Self {
        Self { of: Some(what.to_owned()), ..self }
    }
}

/// `check --format json`.
#[derive(Debug, Serialize)]
struct CheckReport {
    checks: Vec<Check>,
    #[serde(skip)]
    komet_requests: u64,
}

/// Carries `check` out. A configuration that is wrong never comes here: it ends with 3, all its problems told.
pub(super) async fn run(config: &Config, output: Output) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let stop = Arc::new(AtomicBool::new(false));
    // On the heap: the whole program would carry it.
    let (report, trouble) = read_until_told(&mut signals, &stop, Box::pin(look(config, &stop))).await?;
    let broken = report.checks.iter().any(|check| check.outcome == Outcome::Failed);
    output.print(&report)?;
    Ok(match trouble {
        Some(systems::Trouble::Down) => Exit::System,
        Some(systems::Trouble::QuotaSpent) => Exit::QuotaSpent,
        None if broken => Exit::Attention,
        None => Exit::Done,
    })
}

/// Looks at one thing after the other.
async fn look(config: &Config, stop: &Arc<AtomicBool>) -> anyhow::Result<(CheckReport, Option<systems::Trouble>)> {
    let mut checks = vec![Check::ok("configuration", format!("{} is valid", config.file.display()))];
    checks.extend(secrets::look(config));
    let (store, looked) = database::look(config).await;
    checks.extend(looked);
    checks.push(disk::look(&config.state.path));
    checks.extend(units::look(config, store.as_ref()).await);
    let systems = link::Systems::open(config).await?;
    systems.komet.heed(Arc::clone(stop));
    systems.axerrio.heed(Arc::clone(stop));
    database::count_requests(config, store.as_ref(), &systems.komet);
    let asked = systems::ask(config, &systems, store.as_ref()).await;
    if let Some(simulation) = systems.simulation {
        simulation.sandbox.stop().await;
    }
    checks.extend(asked.checks);
    checks.extend(machine::look(config));
    // Their servers need not be asked for a report that nobody will see.
    if !stop.load(Ordering::Relaxed) {
        checks.extend(notices::look(config).await);
    }
    Ok((CheckReport { checks, komet_requests: asked.komet_requests }, asked.trouble))
}

impl Report for CheckReport {
    fn tell(&self, page: &mut Page) {
        let rows = self.checks.iter().map(|check| {
            let (word, tone) = match check.outcome {
                Outcome::Ok => ("✓ ok", Tone::Good),
                Outcome::Untried => ("- untried", Tone::Faint),
                Outcome::Warning => ("! warning", Tone::Waiting),
                Outcome::Failed => ("✗ failed", Tone::Bad),
            };
            let mut text = match &check.of {
                Some(of) => format!("{of}: {}", check.detail),
                None => check.detail.clone(),
            };
            if let Some(advice) = &check.advice {
                text = format!("{}. {advice}", text.trim_end_matches('.'));
            }
            [Cell::new(word, tone), check.name.into(), text.into()]
        });
        let rows = rows.collect();
        page.table(["RESULT", "CHECK", "DETAIL"], rows);
        page.gap();
        let count = |outcome| self.checks.iter().filter(|check| check.outcome == outcome).count();
        let (failed, warnings, untried) =
            (count(Outcome::Failed), count(Outcome::Warning), count(Outcome::Untried));
        let tone = match (failed, warnings) {
            (0, 0) => Tone::Good,
            (0, _) => Tone::Waiting,
            _ => Tone::Bad,
        };
        let requests = match self.komet_requests {
            1 => "1 request".to_owned(),
            n => format!("{n} requests"),
        };
        let checks = self.checks.len();
        page.paragraph(
            tone,
            0,
            &format!(
                "{checks} checks: {failed} failed, {warnings} to look at, {untried} not tried. It cost {requests} to \
                 Komet."
            ),
        );
    }
}
