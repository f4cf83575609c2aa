//! `map`: the local maps from Axerrio codes to Komet ids. A CSV is taken whole or not at all: every bad row is told
//! with its number.

mod suggest;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::args::{MapAction, MapArgs};
use super::exit::{Exit, WrongUsage};
use super::output::{Output, Page, Report, Tone};
use super::{change, look};
use crate::config::{Config, nearest};
use crate::domain::MapKind;
use crate::reports::map_csv::{self, code};
use crate::store::maps;

/// `map KIND --format json`.
#[derive(Debug, Serialize)]
struct MapReport {
    kind: MapKind,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    axerrio_code: String,
    komet_id: i64,
}

impl Report for MapReport {
    fn tell(&self, page: &mut Page) {
        if self.entries.is_empty() && page.is_drawn() {
            let name = self.kind.name();
            let how = format!("stemsync map {name} set AXERRIO-CODE KOMET-ID");
            return page.paragraph(Tone::Plain, 0, &format!("The {name} map is empty. To add to it: {how}"));
        }
        let rows = self.entries.iter().map(|e| [e.axerrio_code.clone().into(), e.komet_id.to_string().into()]);
        page.table(["AXERRIO CODE", "KOMET ID"], rows.collect());
    }
}

/// What a change came to.
#[derive(Debug, Serialize)]
struct Changed {
    kind: MapKind,
    /// How many codes were set or removed, or written to the file.
    codes: usize,
    /// How many of them were news.
    #[serde(rename = "changed")]
    news: usize,
    /// The Komet id that one code had until now, if it was another.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<i64>,
    #[serde(skip)]
    told: String,
}

impl Report for Changed {
    fn tell(&self, page: &mut Page) {
        page.paragraph(Tone::Plain, 2, &self.told);
    }
}

/// Carries `map` out.
pub(super) async fn run(config: &Config, output: Output, args: &MapArgs) -> anyhow::Result<Exit> {
    let kind = args.kind;
    match &args.action {
        None | Some(MapAction::List) => {
            let entries = entries(config, kind).await?;
            let entries = entries.into_iter().map(|(axerrio_code, komet_id)| Entry { axerrio_code, komet_id });
            output.print(&MapReport { kind, entries: entries.collect() })?;
        }
        Some(MapAction::Set { axerrio_code, komet_id }) => {
            let code = code(axerrio_code).map_err(WrongUsage)?;
            let (store, _lock) = change(config, output).await?;
            let mut told = format!("{} {code} is {komet_id} in Komet", kind.name());
            let komet_id = *komet_id;
            let before = store
                .write(move |conn| {
                    let before = maps::find(conn, kind, &code)?;
                    maps::set(conn, kind, &code, komet_id)?;
                    Ok(before)
                })
                .await?;
            let replaces = before.filter(|before| *before != komet_id);
            told.push_str(&replaces.map_or(".".to_owned(), |before| format!(", no longer {before}.")));
            output.print(&Changed {
                kind,
                codes: 1,
                news: usize::from(before != Some(komet_id)),
                replaces,
                told,
            })?;
        }
        Some(MapAction::Remove { axerrio_code }) => remove(config, output, kind, axerrio_code).await?,
        Some(MapAction::Import { csv }) => import(config, output, kind, csv).await?,
        Some(MapAction::Suggest { axerrio_code }) => {
            return suggest::run(config, output, kind, axerrio_code).await;
        }
        Some(MapAction::Export { csv }) => export(config, output, kind, csv).await?,
    }
    Ok(Exit::Done)
}

async fn entries(config: &Config, kind: MapKind) -> anyhow::Result<Vec<(String, i64)>> {
    match look(config)? {
        Some(store) => Ok(store.read(move |conn| maps::list(conn, kind)).await?),
        None => Ok(Vec::new()),
    }
}

async fn remove(config: &Config, output: Output, kind: MapKind, code: &str) -> anyhow::Result<()> {
    let known = entries(config, kind).await?;
    let Some(komet_id) = known.iter().find(|(k, _)| k == code).map(|(_, id)| *id) else {
        let near = nearest(code, known.iter().map(|(k, _)| k.as_str()));
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(WrongUsage(format!("the {} map has no code {code}{hint}", kind.name())).into());
    };
    let (store, _lock) = change(config, output).await?;
    let mut told = format!("{} {code} is not mapped any more.", kind.name());
    let code = code.to_owned();
    let (pending, removed) = store
        .write(move |conn| Ok((maps::pending_by(conn, kind, &code, komet_id)?, maps::remove(conn, kind, &code)?)))
        .await?;
    if pending > 0 {
        told.push_str(&left_by(kind, pending));
    }
    output.print(&Changed { kind, codes: 1, news: usize::from(removed), replaces: None, told })
}

/// What becomes of orders that went out by an entry that is taken away, and whose PO is pending.
fn left_by(kind: MapKind, pending: usize) -> String {
    let orders = if pending == 1 { "1 order".to_owned() } else { format!("{pending} orders") };
    let becomes = match kind {
        MapKind::Product => "what it was wrong for stays as it is until the code is set anew",
        MapKind::Customer => "where Komet calls that customer otherwise, the next run asks about it",
        MapKind::Carrier | MapKind::BoxType => {
            "where Komet knows the code itself as something else, the next run makes it anew; else it stays as it is"
        }
    };
    format!(" {orders} whose PO is pending went out by it: {becomes}.")
}

async fn import(config: &Config, output: Output, kind: MapKind, file: &Path) -> anyhow::Result<()> {
    let name = if is_standard(file) { "stdin".to_owned() } else { file.display().to_string() };
    let text: Box<dyn Read> = if is_standard(file) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| WrongUsage(format!("cannot read {name}: {error}")))?)
    };
    let rows = map_csv::parse(text).map_err(|problems| {
        let told: Vec<_> = map_csv::told(&problems).iter().map(|problem| format!("  {problem}")).collect();
        WrongUsage(format!("nothing was imported from {name}:\n{}", told.join("\n")))
    })?;
    let (store, _lock) = change(config, output).await?;
    let codes = rows.len();
    let changed = store.write(move |conn| maps::import(conn, kind, &rows)).await?;
    let told = map_csv::imported(kind, codes, changed, &name);
    output.print(&Changed { kind, codes, news: changed, replaces: None, told })
}

async fn export(config: &Config, output: Output, kind: MapKind, file: &Path) -> anyhow::Result<()> {
    if output.is_json() && is_standard(file) {
        let instead = format!("`stemsync map {} list --format json`", kind.name());
        return Err(WrongUsage(format!("export writes CSV; for JSON use {instead}")).into());
    }
    let entries = entries(config, kind).await?;
    let text = map_csv::write(&entries).context("writing CSV to memory")?;
    if is_standard(file) {
        return super::output::write(&text);
    }
    let name = file.display();
    super::spare_own(config, file)?;
    write_whole(file, &text).with_context(|| format!("cannot write {name}"))?;
    let codes = entries.len();
    let told = format!("{codes} {} codes written to {name}.", kind.name());
    output.print(&Changed { kind, codes, news: 0, replaces: None, told })
}

/// Writes a file whole or not at all; what is no plain file, such as a pipe, is written to.
fn write_whole(file: &Path, text: &[u8]) -> std::io::Result<()> {
    if file.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
        return File::create(file)?.write_all(text);
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text)?;
    new.persist(file).map(drop).map_err(|error| error.error)
}

/// `-` stands for stdin or stdout.
fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}
