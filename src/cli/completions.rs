//! `completions`: what a shell needs to complete commands, jobs and options. It is made from the same definitions as the
//! help.

use clap::CommandFactory as _;
use serde::Serialize;

use super::args::{Cli, CompletionsArgs};
use super::exit::Exit;
use super::output::{Output, Page, Report, write};

/// `completions SHELL --format json`.
#[derive(Debug, Serialize)]
struct Completions {
    shell: String,
    script: String,
}

impl Report for Completions {
    /// Never a page for people: it goes out as it is.
    fn tell(&self, _: &mut Page) {}
}

/// Carries `completions` out.
pub(super) fn run(output: Output, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stemsync", &mut script);
    if output.is_json() {
        output.print(&Completions { shell: args.shell.to_string(), script: String::from_utf8(script)? })?;
    } else {
        write(&script)?;
    }
    Ok(Exit::Done)
}
