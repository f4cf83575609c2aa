//! `map KIND suggest CODE`: what a code of Axerrio's may be in Komet, with the reasons, and the command that says so.

use std::path::Path;

use serde::Serialize;

use crate::cli::exit::{Exit, WrongUsage};
use crate::cli::look;
use crate::cli::output::{Output, Page, Report, Tone};
use crate::config::Config;
use crate::domain::suggest::Suggestion;
use crate::domain::{MapKind, quoted};
use crate::reports::map_csv::code;
use crate::reports::suggest::{Suggestions, compare};
use crate::reports::words::command;
use crate::store::seen::Reach;

/// `map KIND suggest CODE --format json`.
#[derive(Debug, Serialize)]
struct SuggestReport {
    #[serde(flatten)]
    found: Suggestions,
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
    let found = match look(config)? {
        Some(store) => store.read(move |conn| compare(conn, kind, &code, Reach::All)).await?,
        None => Suggestions::none(kind, code),
    };
    let report = SuggestReport::of(found, &config.file);
    output.print(&report)?;
    Ok(if report.suggestions.is_empty() { Exit::Attention } else { Exit::Done })
}

impl SuggestReport {
    fn of(found: Suggestions, file: &Path) -> Self {
        let stemsync = command(file);
        let (kind, code) = (found.kind.name(), quoted(&found.axerrio_code));
        let told = found.suggestions.iter().map(|suggestion| Told {
            suggestion: suggestion.clone(),
            command: format!("{stemsync} map {kind} set {code} {}", suggestion.komet_id),
        });
        Self { suggestions: told.collect(), found }
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
        page.paragraph(Tone::Strong, 2, &self.found.heading());
        if let Some(id) = self.found.mapped_to {
            page.paragraph(Tone::Waiting, 2, &format!("It is mapped to {id} already."));
        }
        if self.suggestions.is_empty() {
            return page.paragraph(Tone::Plain, 2, &self.found.nothing());
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
