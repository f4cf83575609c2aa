//! The CSV of `map import` and `map export`: two columns under a header. A file is good as a whole, or each bad row is told
//! with its number.

use std::collections::HashMap;
use std::io::Read;

use crate::domain::MapKind;

/// The first row.
const HEADER: [&str; 2] = ["axerrio_code", "komet_id"];

/// Bad rows that are told one by one.
const TOLD: usize = 20;

/// A million codes; what is longer is the wrong file, or a pipe that does not end.
const LONGEST: u64 = 32 * 1024 * 1024;

/// Reads a CSV, 32 MB at most. Either every row is good, or each bad one is told with its number; the header is row 1.
pub fn parse(text: impl Read) -> Result<Vec<(String, i64)>, Vec<String>> {
    let mut bytes = Vec::new();
    text.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| vec![format!("row 1: {error}")])?;
    if bytes.len() as u64 > LONGEST {
        return Err(vec!["the file is longer than 32 MB, which no map is".to_owned()]);
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(&bytes[..]);
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

/// What [`parse`] reads again.
pub fn write(entries: &[(String, i64)]) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(HEADER)?;
    for (code, id) in entries {
        csv.write_record([code.as_str(), &id.to_string()])?;
    }
    csv.into_inner().map_err(|error| error.into_error().into())
}

/// What is told of a file that is refused: its problems one by one, as far as anybody reads.
pub fn told(problems: &[String]) -> Vec<String> {
    let mut told: Vec<_> = problems.iter().take(TOLD).cloned().collect();
    if problems.len() > TOLD {
        told.push(format!("and {} more", problems.len() - TOLD));
    }
    told
}

/// A Komet id as it is typed.
pub fn komet_id(text: &str) -> Result<i64, String> {
    let id = text.trim().parse().ok().filter(|id: &i64| *id > 0);
    id.ok_or_else(|| format!("komet_id: found {text:?}, expected a whole number from 1 on"))
}

/// What an import came to; `name` is the file's.
pub fn imported(kind: MapKind, codes: usize, changed: usize, name: &str) -> String {
    let noun = if codes == 1 { "code" } else { "codes" };
    format!("{codes} {} {noun} imported from {name}, {changed} of them new or changed.", kind.name())
}

fn entry(record: &csv::StringRecord) -> Result<(String, i64), String> {
    let cells: Vec<_> = record.iter().collect();
    let [axerrio_code, komet_id] = cells[..] else {
        return Err(format!("{} columns, expected 2: {}", cells.len(), HEADER.join(",")));
    };
    let code = code(axerrio_code)?;
    Ok((code, self::komet_id(komet_id)?))
}

/// A code as it is kept.
pub fn code(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.contains(char::is_control) {
        return Err(format!("axerrio_code: found {text:?}, expected a code as Axerrio writes it"));
    }
    Ok(text.to_owned())
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "bytes that are not UTF-8".to_owned(),
        _ => error.to_string(),
    }
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
