//! What goes to stdout. A command hands over a [`Report`]: the same value becomes one JSON object or a text for
//! people. Tables are drawn and colours used only where a terminal reads them; through a pipe a table is one line a
//! row with tabs between the cells.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use comfy_table::{Attribute, Cell as Drawn, Color, ColumnConstraint, ContentArrangement, Table, presets};
use serde::Serialize;

pub use crate::reports::words::relative;

use super::args::{ColorWhen, Format, Global};
use crate::domain::plain;
use crate::reports::words::{command, of_link};

/// What a command answers.
pub trait Report: Serialize {
    /// Writes it for people.
    fn tell(&self, page: &mut Page);
}

/// What a text means, as a colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Neither.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Waits for a person.
    Waiting,
    /// Went wrong.
    Bad,
    /// Less important.
    Faint,
    /// A heading.
    Strong,
}

impl Tone {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Waiting => Some("33"),
            Self::Bad => Some("31"),
            Self::Faint => Some("2"),
            Self::Strong => Some("1"),
        }
    }
}

/// One cell of a table.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A cell with a colour.
    pub fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Tone::Plain)
    }
}

/// Where answers go, and how.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Format,
    color: bool,
    /// Whether a person looks at it.
    drawn: bool,
    width: u16,
    quiet: bool,
}

/// The width where none can be found out.
const USUAL_WIDTH: u16 = 80;

impl Output {
    /// As the options, the environment and the terminal say.
    pub(super) fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let color = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                terminal && !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        let width = Table::new().width().filter(|w| terminal && *w > 20).unwrap_or(USUAL_WIDTH);
        Self {
            format: global.format,
            color,
            drawn: terminal || global.color == ColorWhen::Always,
            width,
            quiet: global.quiet,
        }
    }

    /// Whether JSON is asked for: then nothing else may reach stdout.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether a person watches stderr and wants to see how it goes.
    pub(super) fn shows_progress(self) -> bool {
        !self.is_json() && !self.quiet && io::stderr().is_terminal()
    }

    /// How many columns a line may take.
    pub(super) fn width(self) -> usize {
        usize::from(self.width)
    }

    /// Whether a person reads the answer and the log on the same terminal.
    pub(super) fn shares_terminal(self) -> bool {
        !self.is_json() && io::stdout().is_terminal() && io::stderr().is_terminal()
    }

    /// Prints the answer.
    pub fn print(&self, report: &impl Report) -> anyhow::Result<()> {
        if self.is_json() {
            let mut text = serde_json::to_string_pretty(report)?;
            text.push('\n');
            return write(text.as_bytes());
        }
        let mut page = self.page();
        report.tell(&mut page);
        write(page.text.as_bytes())
    }

    /// An empty page.
    pub fn page(&self) -> Page {
        Page { text: String::new(), color: self.color, drawn: self.drawn, width: usize::from(self.width) }
    }
}

/// How the program is called for the link of this process: the log tells commands as well, and has nobody to ask.
static COMMAND: OnceLock<String> = OnceLock::new();

/// From here on commands are told as they must be called for the link of this configuration; a second call changes nothing.
pub(super) fn name_link(file: &Path) {
    COMMAND.get_or_init(|| command(file));
}

/// `text` with its commands as they must be called for this process's link.
pub(super) fn of_our_link(text: &str) -> Cow<'_, str> {
    COMMAND.get().map_or(Cow::Borrowed(text), |command| of_link(text, command))
}

/// Writes a line to stderr. That nobody can read it there any more, because the terminal went away, is no failure.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes to stdout. A reader that went away (`| head`) is no failure.
pub(super) fn write(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// A text for people, as it grows.
#[derive(Debug)]
pub struct Page {
    text: String,
    color: bool,
    drawn: bool,
    width: usize,
}

impl Page {
    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a person looks at it; else a program may read it line by line.
    pub fn is_drawn(&self) -> bool {
        self.drawn
    }

    /// `text` in the colour of `tone`, if there are colours; control characters are taken out.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let text = plain(text);
        match tone.code().filter(|_| self.color) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.into_owned(),
        }
    }

    /// An empty line, unless the page is empty.
    pub fn gap(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A heading with an empty line before it.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        let text = self.paint(Tone::Strong, text);
        let _ = writeln!(self.text, "{text}"); // writing to a String cannot fail
    }

    /// A paragraph, wrapped; its further lines are indented by `indent`.
    pub fn paragraph(&mut self, tone: Tone, indent: usize, text: &str) {
        let width = if self.drawn { self.width } else { usize::MAX };
        for line in wrap(&plain(&of_our_link(text)), width, indent) {
            let line = self.paint(tone, &line);
            let _ = writeln!(self.text, "{line}");
        }
    }

    /// A table; nothing at all if there are no rows.
    pub fn table<const N: usize>(&mut self, header: [&str; N], rows: Vec<[Cell; N]>) {
        if rows.is_empty() {
            return;
        }
        if !self.drawn {
            let _ = writeln!(self.text, "{}", header.map(str::trim).join("\t"));
            for row in rows {
                let _ = writeln!(self.text, "{}", row.map(|cell| told(&cell).trim().to_owned()).join("\t"));
            }
            return;
        }
        // A name is what another command takes: broken over two lines it could not be copied.
        let names = (0..N).map(|at| {
            let mut texts = rows.iter().map(|row| told(&row[at]));
            texts.try_fold(0, |widest, text| (!text.contains(' ')).then(|| widest.max(text.chars().count())))
        });
        let names: Vec<Option<usize>> = names.collect();
        let room_for_names = names.iter().flatten().map(|width| width + 2).sum::<usize>() <= self.width * 2 / 3;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.width).unwrap_or(USUAL_WIDTH));
        if self.color {
            table.enforce_styling();
            table.style_text_only();
        } else {
            table.force_no_tty();
        }
        table.set_header(header.map(|text| Drawn::new(text).add_attribute(Attribute::Bold)));
        table.add_rows(rows.into_iter().map(|row| row.each_ref().map(drawn)));
        for (column, name) in table.column_iter_mut().zip(names) {
            column.set_padding((0, 2));
            if name.is_some() && room_for_names {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        for line in table.lines() {
            let _ = writeln!(self.text, "{}", line.trim_end());
        }
    }
}

/// What a cell says, fit for a terminal.
fn told(cell: &Cell) -> String {
    plain(&of_our_link(&cell.text)).into_owned()
}

fn drawn(cell: &Cell) -> Drawn {
    let drawn = Drawn::new(told(cell));
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Good => drawn.fg(Color::DarkGreen),
        Tone::Waiting => drawn.fg(Color::DarkYellow),
        Tone::Bad => drawn.fg(Color::DarkRed),
        Tone::Faint => drawn.add_attribute(Attribute::Dim),
        Tone::Strong => drawn.add_attribute(Attribute::Bold),
    }
}

/// Breaks a text at spaces into lines of at most `width` characters. Spaces within a line are kept as they are.
fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    let mut words = text.split(' ');
    let mut line = words.next().unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for word in words {
        let is_blank = line.trim().is_empty();
        if !is_blank && !word.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent) + word;
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(drawn: bool, color: bool) -> Page {
        Page { text: String::new(), color, drawn, width: 40 }
    }

    #[test]
    fn a_pipe_gets_tabs_and_a_terminal_gets_columns() {
        let rows = || vec![["1".into(), Cell::new("red", Tone::Bad)]];
        let mut piped = page(false, false);
        piped.table(["ID", "COLOUR"], rows());
        assert_eq!(piped.text(), "ID\tCOLOUR\n1\tred\n");
        let mut drawn = page(true, false);
        drawn.table(["ID", "COLOUR"], rows());
        assert_eq!(drawn.text(), "ID  COLOUR\n1   red\n");
        let mut colored = page(true, true);
        colored.table(["ID", "COLOUR"], rows());
        assert!(colored.text().contains("\u{1b}["));
    }

    #[test]
    fn a_table_keeps_to_the_terminals_width() {
        let mut page = page(true, false);
        page.table(["ID", "DETAIL"], vec![["1".into(), "roses ".repeat(30).into()]]);
        assert!(page.text().lines().count() > 3 && page.text().lines().all(|l| l.chars().count() <= 40));
    }

    #[test]
    fn a_name_that_another_command_takes_is_never_broken() {
        let run = "01M8GRKG5QEPNG2FGKG6WJ00F5";
        for width in [60, 80] {
            let mut page = Page { width, ..page(true, false) };
            let row = [run, "Nov 28 10:00", "attention", "nothing new, 96 runs in a row, and then some"];
            page.table(["RUN", "STARTED", "OUTCOME", "WHAT"], vec![row.map(Cell::from)]);
            assert!(page.text().contains(run), "{}", page.text());
            assert!(page.text().lines().all(|l| l.chars().count() <= width), "{}", page.text());
        }
    }

    #[test]
    fn foreign_text_cannot_steer_the_terminal_nor_break_a_row() {
        let mut page = page(false, false);
        page.table(["A"], vec![["x\u{1b}[2J\ty\nz".into()]]);
        assert_eq!(page.text(), "A\nx [2J y z\n");
    }

    #[test]
    fn paragraphs_wrap_under_their_first_word() {
        assert_eq!(wrap("  one two three", 9, 4), ["  one two", "    three"]);
        assert_eq!(wrap("incomprehensibilities", 5, 2), ["incomprehensibilities"]);
        assert_eq!(wrap("a  b c", 5, 0), ["a  b", "c"]);
        assert_eq!(wrap("", 5, 2), [""]);
    }
}
