//! `map KIND suggest CODE`: what a code of Axerrio's may be in Komet, with the reasons, and the command that says so. It
//! looks at what is on file, asks neither system, and sets nothing: a wrong product on a box is worse than a question.

use chrono::NaiveDate;
use serde::Serialize;

use super::csv_file::code;
use crate::cli::exit::{Exit, WrongUsage};
use crate::cli::look;
use crate::cli::output::{Output, Page, Report, Tone};
use crate::config::Config;
use crate::domain::MapKind;
use crate::domain::suggest::{Listed, Suggestion, Wanted, box_types, parties, products};
use crate::store::seen::{self, SeenCode};
use crate::store::{Connection, StoreError, maps, reference};

/// As many are told; what comes after them is hardly ever meant.
const TOLD: usize = 5;

/// `map KIND suggest CODE --format json`.
#[derive(Debug, Serialize)]
struct SuggestReport {
    kind: MapKind,
    axerrio_code: String,
    /// What Axerrio calls it; `null` if it stands in no order on file, or has no name.
    name: Option<String>,
    /// Lines or orders it stands on, and the last of their ship dates.
    times: u32,
    last_ship_date: Option<NaiveDate>,
    /// What it is mapped to already.
    mapped_to: Option<i64>,
    /// How many things of Komet's it was compared with.
    compared_with: usize,
    suggestions: Vec<Told>,
}

#[derive(Debug, Serialize)]
struct Told {
    #[serde(flatten)]
    suggestion: Suggestion,
    /// What a person may run.
    command: String,
}

/// Carries `map KIND suggest` out; ends with 4 where there is nothing to suggest.
pub(super) async fn run(config: &Config, output: Output, kind: MapKind, text: &str) -> anyhow::Result<Exit> {
    let code = code(text).map_err(WrongUsage)?;
    let file = config.file.clone();
    let report = match look(config)? {
        Some(store) => store.read(move |conn| compare(conn, kind, &code)).await?,
        None => SuggestReport::new(kind, code, None, None, 0, Vec::new()),
    };
    let report = report.with_commands(&file);
    output.print(&report)?;
    Ok(if report.suggestions.is_empty() { Exit::Attention } else { Exit::Done })
}

fn compare(conn: &Connection, kind: MapKind, typed: &str) -> Result<SuggestReport, StoreError> {
    let (seen, compared, found) = match kind {
        MapKind::Product => {
            let (seen, candidates) = seen::products(conn, typed)?;
            let wanted = Wanted {
                code: seen.as_ref().map_or(typed, |seen| &seen.code).to_owned(),
                description: seen.as_ref().map(|seen| seen.name.clone()).unwrap_or_default(),
                box_types: seen.as_ref().map(|seen| seen.box_types.clone()).unwrap_or_default(),
            };
            let found = products(&wanted, &candidates);
            (seen, candidates.len(), found)
        }
        MapKind::Customer | MapKind::Carrier => {
            let (seen, customers) = seen::others(conn, kind, typed)?;
            let listed = if kind == MapKind::Customer { customers } else { carriers(conn)? };
            let name = seen.as_ref().map(|seen| seen.name.clone()).unwrap_or_default();
            (seen, listed.len(), parties(typed, &name, &listed))
        }
        MapKind::BoxType => {
            let (seen, _) = seen::others(conn, kind, typed)?;
            let listed = reference::box_types(conn)?.map(|list| list.items).unwrap_or_default();
            (seen, listed.len(), box_types(typed, &listed))
        }
    };
    let code = seen.as_ref().map_or(typed, |seen| &seen.code).to_owned();
    let mapped = maps::list(conn, kind)?.into_iter().find(|(known, _)| *known == code).map(|(_, id)| id);
    Ok(SuggestReport::new(kind, code, seen, mapped, compared, found))
}

fn carriers(conn: &Connection) -> Result<Vec<Listed>, StoreError> {
    let listed = reference::carriers(conn)?.map(|list| list.items).unwrap_or_default();
    Ok(listed.into_iter().map(|c| Listed { id: c.id, code: c.code, name: c.name }).collect())
}

impl SuggestReport {
    fn new(
        kind: MapKind,
        axerrio_code: String,
        seen: Option<SeenCode>,
        mapped_to: Option<i64>,
        compared_with: usize,
        found: Vec<Suggestion>,
    ) -> Self {
        let told = found.into_iter().take(TOLD).map(|suggestion| Told { suggestion, command: String::new() });
        Self {
            kind,
            axerrio_code,
            times: seen.as_ref().map_or(0, |seen| seen.times),
            last_ship_date: seen.as_ref().map(|seen| seen.last_ship_date),
            name: seen.map(|seen| seen.name).filter(|name| !name.trim().is_empty()),
            mapped_to,
            compared_with,
            suggestions: told.collect(),
        }
    }

    /// The commands name the configuration wherever another one would be found without it: a map belongs to its link.
    fn with_commands(mut self, file: &std::path::Path) -> Self {
        let file = file.to_string_lossy();
        let usual = ["./sync.toml", "sync.toml"].contains(&&*file);
        let link = if usual { String::new() } else { format!("-c {} ", quoted(&file)) };
        let (kind, code) = (self.kind.name(), quoted(&self.axerrio_code));
        for told in &mut self.suggestions {
            told.command = format!("stemsync {link}map {kind} set {code} {}", told.suggestion.komet_id);
        }
        self
    }

    /// What was looked for, in a line.
    fn heading(&self) -> String {
        let code = &self.axerrio_code;
        let (unit, units) = match self.kind {
            MapKind::Product | MapKind::BoxType => ("line", "lines"),
            MapKind::Customer | MapKind::Carrier => ("order", "orders"),
        };
        let name = self.name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
        match self.last_ship_date {
            Some(date) if self.times == 1 => format!("{code}{name}: on 1 {unit}, which ships {date}."),
            Some(date) => format!("{code}{name}: on {} {units}, the last of which ships {date}.", self.times),
            None => format!("{code} stands in no order on file; it is compared by its own words."),
        }
    }

    /// Why there is nothing to suggest.
    fn nothing(&self) -> String {
        let what = match self.kind {
            MapKind::Product => "products seen in Prebooks and POs",
            MapKind::Customer => "customers seen in Prebooks",
            MapKind::Carrier => "carriers in Komet's list",
            MapKind::BoxType => "box types in Komet's list",
        };
        if self.compared_with == 0 {
            return format!(
                "No {what} are on file yet; `stemsync sync` reads them. Nothing can be suggested before."
            );
        }
        format!("It resembles none of the {what} ({}). Look up its id in Komet.", self.compared_with)
    }
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

impl Report for SuggestReport {
    fn tell(&self, page: &mut Page) {
        if !page.is_drawn() && !self.suggestions.is_empty() {
            let rows = self.suggestions.iter().map(|told| {
                let Told { suggestion, command } = told;
                let id = suggestion.komet_id.to_string();
                let score = suggestion.score.to_string();
                [id, suggestion.description.clone(), score, suggestion.why.join("; "), command.clone()]
                    .map(Into::into)
            });
            return page.table(["KOMET ID", "DESCRIPTION", "SCORE", "WHY", "TO SET IT"], rows.collect());
        }
        page.paragraph(Tone::Strong, 2, &self.heading());
        if let Some(id) = self.mapped_to {
            page.paragraph(Tone::Waiting, 2, &format!("It is mapped to {id} already."));
        }
        if self.suggestions.is_empty() {
            return page.paragraph(Tone::Plain, 2, &self.nothing());
        }
        for Told { suggestion, command } in &self.suggestions {
            page.gap();
            let tone = if suggestion.score >= 80 { Tone::Good } else { Tone::Plain };
            let title = format!("{:>3}  {}  {}", suggestion.score, suggestion.komet_id, suggestion.description);
            page.paragraph(tone, 5, &title);
            page.paragraph(Tone::Plain, 5, &format!("     {}", suggestion.why.join("; ")));
            page.paragraph(Tone::Faint, 7, &format!("     {command}"));
        }
        page.gap();
        page.paragraph(
            Tone::Faint,
            0,
            "Nothing was set. Scores go up to 100; run the command of the one that is meant.",
        );
    }
}
