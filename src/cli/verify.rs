//! `verify`: reads both systems in full and reports every difference. It writes to neither; of the database only the
//! count of Komet's requests moves.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use serde::Serialize;

use super::exit::Exit;
use super::link::Link;
use super::output::{Cell, Output, Page, Report, Tone};
use super::sync::what_to_do;
use super::{PATIENCE, lock_unless_told, read_until_told};
use crate::config::Config;
use crate::daemon::signals::Signals;
use crate::store::Store;
use crate::sync::audit::{AuditError, AuditReport, Difference};
use crate::sync::poll::PollError;
use crate::systems::{Axerrio as _, Komet as _};

/// `verify --format json`.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Verified(AuditReport);

/// Carries `verify` out.
pub(super) async fn run(config: &Config, output: Output) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    // What a run is about to push would look like a difference.
    let _lock = lock_unless_told(&mut signals, &config.state.path, PATIENCE, output).await?;
    let link = Link::open(config, Store::open(&config.state.path)?).await?;
    let stop = Arc::new(AtomicBool::new(false));
    link.engine.komet.heed(Arc::clone(&stop));
    link.engine.axerrio.heed(Arc::clone(&stop));
    let audit = async { link.engine.audit().await.map_err(told) };
    let audit = read_until_told(&mut signals, &stop, audit).await;
    link.close().await;
    let report = audit?;
    let exit = if report.differences.is_empty() { Exit::Done } else { Exit::Attention };
    output.print(&Verified(report))?;
    Ok(exit)
}

/// Why there is nothing to report, and what to do.
fn told(error: AuditError) -> anyhow::Error {
    match error {
        PollError::System(error) if error.is_systemic() => {
            let advice = what_to_do(&error);
            anyhow::Error::from(error).context(format!("nothing was compared. {advice} What happened"))
        }
        PollError::System(error) => anyhow::Error::from(error).context("nothing was compared"),
        PollError::Store(error) => error.into(),
    }
}

impl Report for Verified {
    fn tell(&self, page: &mut Page) {
        let AuditReport { checked, differences, agreed_to_differ } = &self.0;
        let orders = if *checked == 1 { "1 order".to_owned() } else { format!("{checked} orders") };
        let (tone, text) = match differences.len() {
            0 => (Tone::Good, format!("{orders} read in full from both systems: no differences.")),
            1 => (Tone::Bad, format!("1 difference in {orders}, read in full from both systems:")),
            n => (Tone::Bad, format!("{n} differences in {orders}, read in full from both systems:")),
        };
        page.paragraph(tone, 0, &text);
        if !differences.is_empty() {
            page.gap();
            table(page, differences);
            page.gap();
            page.paragraph(
                Tone::Plain,
                0,
                "`stemsync sync` carries out what is outstanding, `stemsync holds` tells what waits for a person, and \
                 `stemsync trace REF` what happened to an order.",
            );
        }
        if !agreed_to_differ.is_empty() {
            page.heading("Agreed to differ");
            table(page, agreed_to_differ);
        }
    }
}

fn table(page: &mut Page, differences: &[Difference]) {
    let value = |value: &Option<String>| match value {
        Some(value) => value.as_str().into(),
        None => Cell::new("-", Tone::Faint),
    };
    let rows = differences
        .iter()
        .map(|d| {
            let field = if page.is_drawn() { d.field.replace('_', " ") } else { d.field.to_owned() };
            [value(&d.order), value(&d.line), field.into(), value(&d.axerrio), value(&d.komet)]
        })
        .collect();
    page.table(["ORDER", "LINE", "FIELD", "AXERRIO", "KOMET"], rows);
}
