//! `man`: the manual, made from the same definitions as the help: the main page, or one for each command. The examples
//! and exit statuses, which the help lays out by hand, keep their lines.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::CommandFactory as _;
use clap_mangen::Man;
use serde::Serialize;

use super::args::{Cli, ManArgs};
use super::exit::Exit;
use super::output::{Output, Page, Report, Tone, write};

/// `man --format json`.
#[derive(Debug, Serialize)]
struct MainPage {
    page: String,
}

impl Report for MainPage {
    /// Never a page for people: it goes out as it is.
    fn tell(&self, _: &mut Page) {}
}

/// `man --dir DIR --format json`.
#[derive(Debug, Serialize)]
struct Written {
    dir: PathBuf,
    pages: Vec<String>,
}

impl Report for Written {
    fn tell(&self, page: &mut Page) {
        let (count, dir) = (self.pages.len(), self.dir.display());
        page.paragraph(Tone::Plain, 2, &format!("{count} manual pages written to {dir}."));
    }
}

/// Carries `man` out.
pub(super) fn run(output: Output, args: &ManArgs) -> anyhow::Result<Exit> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        Some(dir) => {
            let pages = write_all(&command, dir).with_context(|| format!("cannot write to {}", dir.display()))?;
            output.print(&Written { dir: dir.clone(), pages })?;
        }
        None if output.is_json() => output.print(&MainPage { page: page(&command)? })?,
        None => write(page(&command)?.as_bytes())?,
    }
    Ok(Exit::Done)
}

fn write_all(command: &clap::Command, dir: &Path) -> anyhow::Result<Vec<String>> {
    std::fs::create_dir_all(dir)?;
    let mut written = Vec::new();
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        let name = format!("{}.1", title(command));
        std::fs::write(dir.join(&name), page(command)?)?;
        written.push(name);
        waiting.extend(command.get_subcommands());
    }
    written.sort();
    Ok(written)
}

/// `stemsync-map-set`.
fn title(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &clap::Command) -> anyhow::Result<String> {
    let source = concat!("stemsync ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(title(command)).source(source).manual("stemsync");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    page.extend(synopsis(command).into_bytes());
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut page = String::from_utf8(page)?;
    if let Some(help) = command.get_after_help() {
        page.push_str(&sections(&help.to_string()));
    }
    if title(command) != "stemsync" {
        page.push_str(".SH \"SEE ALSO\"\n.BR stemsync (1)\n");
    }
    Ok(page)
}

/// How the command is called, as its help has it: with the arguments of the commands above it, and the values of its options.
fn synopsis(command: &clap::Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let lines = usage.lines().map(|line| escaped(line.trim()) + "\n.br\n");
    format!(".SH SYNOPSIS\n{}", lines.collect::<String>())
}

/// The text behind a help as sections. A line in capitals that ends in a colon is a heading; what follows it is laid out
/// by hand. What stands before the first one is plain text.
fn sections(help: &str) -> String {
    let is_heading = |line: &str| line.ends_with(':') && !line.starts_with(' ') && line.to_uppercase() == *line;
    let mut text = String::new();
    let mut in_section = false;
    for line in help.lines() {
        if is_heading(line) {
            if in_section {
                text.push_str(".fi\n");
            }
            text.push_str(".SH \"");
            text.push_str(line.trim_end_matches(':'));
            text.push_str("\"\n.nf\n");
            in_section = true;
        } else if !line.trim().is_empty() {
            if text.is_empty() {
                text.push_str(".SH NOTES\n");
            }
            text.push_str(&escaped(line));
            text.push('\n');
        }
    }
    if in_section {
        text.push_str(".fi\n");
    }
    text
}

/// A line that roff prints as it is.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_by_hand_keeps_its_lines() {
        let help = "Ends with 4.\nOr not.\n\nEXAMPLES:\n  stemsync a \\ b\n  .c --d\n\nEXIT STATUS:\n  0  done\n";
        let expected = ".SH NOTES\nEnds with 4.\nOr not.\n.SH \"EXAMPLES\"\n.nf\n  stemsync a \\e b\n  .c \\-\\-d\n.fi\n\
                        .SH \"EXIT STATUS\"\n.nf\n  0  done\n.fi\n";
        assert_eq!(sections(help), expected);
        assert_eq!(escaped(".so x"), "\\&.so x");
    }
}
