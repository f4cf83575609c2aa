//! `holds`: what waits for a person, and taking in what the person decides. The next run acts on it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::{HoldsAction, HoldsArgs};
use super::exit::{Exit, WrongUsage};
use super::output::{Cell, Output, Page, Report, Tone, relative};
use super::{change, look};
use crate::config::Config;
use crate::domain::Verdict;
use crate::reports::choices::means;
use crate::reports::holds::{HoldReport, gone, without_sides};
use crate::reports::words::{command, of_link};
use crate::store::holds;

/// `holds --format json`.
#[derive(Debug, Serialize)]
struct HoldsReport {
    holds: Vec<HoldReport>,
    /// How the program is called for this link.
    #[serde(skip)]
    command: String,
}

/// Two lines for people: what and since when, then what happened and what to do.
pub(super) fn tell(hold: &HoldReport, page: &mut Page, now: DateTime<Utc>) {
    let about = match (&hold.order, &hold.line) {
        (Some(order), Some(line)) => format!(", order {order}, line {line}"),
        (Some(order), None) => format!(", order {order}"),
        (None, _) => String::new(),
    };
    let head = format!("{:>4}  {}{about}, since {}", hold.id, hold.reason, relative(hold.since, now));
    page.paragraph(Tone::Waiting, 6, &head);
    page.paragraph(Tone::Plain, 6, &format!("      {}", hold.detail));
}

impl Report for HoldsReport {
    fn tell(&self, page: &mut Page) {
        let now = Utc::now();
        if self.holds.is_empty() {
            return page.paragraph(Tone::Good, 0, "Nothing waits for a person.");
        }
        if !page.is_drawn() {
            let text = |text: &Option<String>| Cell::from(text.clone().unwrap_or_default());
            let rows = self.holds.iter().map(|h| {
                let since = h.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                [
                    h.id.to_string().into(),
                    h.reason.into(),
                    text(&h.order),
                    text(&h.line),
                    since.into(),
                    h.detail.clone().into(),
                ]
            });
            return page.table(["ID", "REASON", "ORDER", "LINE", "SINCE", "DETAIL"], rows.collect());
        }
        for hold in &self.holds {
            tell(hold, page, now);
        }
        page.gap();
        let to_decide = if self.holds.iter().any(|hold| hold.has_sides) {
            format!("To decide: {0} holds release ID --take axerrio|komet, or {0} holds dismiss ID", self.command)
        } else {
            let dismiss = format!("{} holds dismiss ID", self.command);
            format!(
                "Each goes away by itself once its cause is gone. To be asked no more, and have what waits go on waiting: {dismiss}"
            )
        };
        page.paragraph(Tone::Faint, 0, &to_decide);
    }
}

/// What became of a decision.
#[derive(Debug, Serialize)]
struct Decided {
    #[serde(rename = "decided")]
    hold: HoldReport,
    verdict: Verdict,
    #[serde(skip)]
    means: &'static str,
}

impl Report for Decided {
    fn tell(&self, page: &mut Page) {
        let order = self.hold.order.as_deref().map(|order| format!(" of {order}")).unwrap_or_default();
        let what = match self.verdict {
            Verdict::TakeAxerrio | Verdict::TakeKomet => "released",
            Verdict::Dismissed => "dismissed",
        };
        let HoldReport { id, reason, .. } = &self.hold;
        let text = format!("Hold {id} ({reason}){order} {what}. {}", self.means);
        page.paragraph(Tone::Plain, 2, &text);
    }
}

/// Carries `holds` out.
pub(super) async fn run(config: &Config, output: Output, args: &HoldsArgs) -> anyhow::Result<Exit> {
    match args.action {
        None | Some(HoldsAction::List) => {
            let rows = match look(config)? {
                Some(store) => store.read(holds::list).await?,
                None => Vec::new(),
            };
            let command = command(&config.file);
            let mut holds: Vec<_> = rows.into_iter().map(HoldReport::from).collect();
            // The text is on file with the hold, whatever the configuration is called.
            for hold in &mut holds {
                hold.detail = of_link(&hold.detail, &command).into_owned();
            }
            output.print(&HoldsReport { holds, command })?;
        }
        Some(HoldsAction::Release { id, take }) => decide(config, output, id, take).await?,
        Some(HoldsAction::Dismiss { id }) => decide(config, output, id, Verdict::Dismissed).await?,
    }
    Ok(Exit::Done)
}

async fn decide(config: &Config, output: Output, id: i64, verdict: Verdict) -> anyhow::Result<()> {
    let unknown = || WrongUsage(format!("{}; `stemsync holds` lists what waits", gone(id)));
    if look(config)?.is_none() {
        return Err(unknown().into());
    }
    let (store, _lock) = change(config, output).await?;
    let row = match store.write(move |conn| holds::decide(conn, id, verdict, Utc::now())).await? {
        holds::Decided::Taken(row) => row,
        holds::Decided::WithoutSides(row) => return Err(WrongUsage(without_sides(&row)).into()),
        holds::Decided::Gone => return Err(unknown().into()),
    };
    let means = means(row.reason, verdict);
    output.print(&Decided { hold: row.into(), verdict, means })
}
