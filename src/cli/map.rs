//! `map`: the local maps from Axerrio codes to Komet ids. A CSV is taken whole or not at all: every bad row is told
//! with its number.

use std::collections::HashMap;
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
use crate::store::maps;

/// The first row of a CSV.
const HEADER: [&str; 2] = ["axerrio_code", "komet_id"];

/// Bad rows that are told one by one.
const TOLD: usize = 20;

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
            let (store, _lock) = change(config).await?;
            let told = format!("{} {code} is {komet_id} in Komet.", kind.name());
            let komet_id = *komet_id;
            let news = store.write(move |conn| maps::set(conn, kind, &code, komet_id)).await?;
            output.print(&Changed { kind, codes: 1, news: usize::from(news), told })?;
        }
        Some(MapAction::Remove { axerrio_code }) => remove(config, output, kind, axerrio_code).await?,
        Some(MapAction::Import { csv }) => import(config, output, kind, csv).await?,
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
    if !known.iter().any(|(k, _)| k == code) {
        let near = nearest(code, known.iter().map(|(k, _)| k.as_str()));
        let hint = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        return Err(WrongUsage(format!("the {} map has no code {code}{hint}", kind.name())).into());
    }
    let (store, _lock) = change(config).await?;
    let told = format!("{} {code} is not mapped any more.", kind.name());
    let code = code.to_owned();
    let removed = store.write(move |conn| maps::remove(conn, kind, &code)).await?;
    output.print(&Changed { kind, codes: 1, news: usize::from(removed), told })
}

async fn import(config: &Config, output: Output, kind: MapKind, file: &Path) -> anyhow::Result<()> {
    let name = if is_standard(file) { "stdin".to_owned() } else { file.display().to_string() };
    let text: Box<dyn Read> = if is_standard(file) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| WrongUsage(format!("cannot read {name}: {error}")))?)
    };
    let rows = parse(text).map_err(|problems| {
        let mut told: Vec<_> = problems.iter().take(TOLD).map(|problem| format!("  {problem}")).collect();
        if problems.len() > TOLD {
            told.push(format!("  and {} more", problems.len() - TOLD));
        }
        WrongUsage(format!("nothing was imported from {name}:\n{}", told.join("\n")))
    })?;
    let (store, _lock) = change(config).await?;
    let codes = rows.len();
    let changed = store.write(move |conn| maps::import(conn, kind, &rows)).await?;
    let told = format!("{codes} {} codes imported from {name}, {changed} of them new or changed.", kind.name());
    output.print(&Changed { kind, codes, news: changed, told })
}

/// Reads a CSV. Either every row is good, or each bad one is told with its number; the header is row 1.
fn parse(text: impl Read) -> Result<Vec<(String, i64)>, Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
    let expected = HEADER.join(",");
    match reader.headers() {
        Ok(header) => {
            let found: Vec<_> = header.iter().map(|cell| cell.trim_start_matches('\u{feff}')).collect();
            if found != HEADER {
                return Err(vec![format!("row 1: found {:?}, expected the header {expected}", found.join(","))]);
            }
        }
        Err(error) => return Err(vec![format!("row 1: {}", reason(&error))]),
    }
    let mut rows = Vec::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut problems = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let row = error.position().map_or(0, csv::Position::line);
                problems.push(format!("row {row}: {}", reason(&error)));
                if matches!(error.kind(), csv::ErrorKind::Io(_)) {
                    break; // what cannot be read now cannot be read later
                }
                continue;
            }
        };
        let row = record.position().map_or(0, csv::Position::line);
        match entry(&record) {
            Err(why) => problems.push(format!("row {row}: {why}")),
            Ok((code, id)) => match seen.insert(code.clone(), row) {
                Some(before) => problems.push(format!("row {row}: {code} stands in row {before} already")),
                None => rows.push((code, id)),
            },
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

fn entry(record: &csv::StringRecord) -> Result<(String, i64), String> {
    let cells: Vec<_> = record.iter().collect();
    let [axerrio_code, komet_id] = cells[..] else {
        return Err(format!("{} columns, expected 2: {}", cells.len(), HEADER.join(",")));
    };
    let code = code(axerrio_code)?;
    let id = komet_id.parse().ok().filter(|id: &i64| *id > 0);
    let id = id.ok_or_else(|| format!("komet_id: found {komet_id:?}, expected a whole number from 1 on"))?;
    Ok((code, id))
}

/// A code as it is kept.
fn code(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(format!("axerrio_code: found {text:?}, expected a code as Axerrio writes it"));
    }
    Ok(text.to_owned())
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "bytes that are not UTF-8".to_owned(),
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

async fn export(config: &Config, output: Output, kind: MapKind, file: &Path) -> anyhow::Result<()> {
    if output.is_json() && is_standard(file) {
        let instead = format!("`stemsync map {} list --format json`", kind.name());
        return Err(WrongUsage(format!("export writes CSV; for JSON use {instead}")).into());
    }
    let entries = entries(config, kind).await?;
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER)?;
    for (code, id) in &entries {
        csv.write_record([code.as_str(), &id.to_string()])?;
    }
    let text = csv.into_inner().context("writing CSV to memory")?;
    if is_standard(file) {
        return super::output::write(&text);
    }
    let name = file.display();
    File::create(file)
        .and_then(|mut file| file.write_all(&text))
        .with_context(|| format!("cannot write {name}"))?;
    let codes = entries.len();
    let told = format!("{codes} {} codes written to {name}.", kind.name());
    output.print(&Changed { kind, codes, news: 0, told })
}

/// `-` stands for stdin or stdout.
fn is_standard(file: &Path) -> bool {
    file.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_csv_from_a_spreadsheet_is_read() {
        let text = "\u{feff}axerrio_code,komet_id\r\n ROS-60 ,915\r\n\r\n\"ROS, RED\",7\r\n";
        assert_eq!(parse(text.as_bytes()).unwrap(), [("ROS-60".to_owned(), 915), ("ROS, RED".to_owned(), 7)]);
    }

    #[test]
    fn every_bad_row_is_told_with_its_number() {
        let text = b"axerrio_code,komet_id\nA,1\nB,x\n,3\nA,4\nC\nD,5,6\nE,-1\nF\xff,1\nG,1.5\n";
        let told = parse(&text[..]).unwrap_err();
        let rows: Vec<_> = told.iter().map(|t| t.split(':').next().unwrap()).collect();
        assert_eq!(rows, ["row 3", "row 4", "row 5", "row 6", "row 7", "row 8", "row 9", "row 10"]);
        assert!(told[2].contains("A stands in row 2 already"), "{}", told[2]);
    }

    #[test]
    fn another_header_is_refused() {
        for text in ["", "komet_id,axerrio_code\n1,A\n", "A,1\n", "axerrio_code;komet_id\nA;1\n"] {
            let told = parse(text.as_bytes()).unwrap_err();
            assert!(told.len() == 1 && told[0].starts_with("row 1: "), "{told:?}");
        }
    }
}
