//! What may be typed: every command with its arguments, help and examples. Nothing is done here.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::moment::{Moment, Wait};
use crate::domain::{MapKind, Verdict};
use crate::sync::report::Job;

/// Keeps a flower importer's Komet Sales and its vendor's Axerrio in agreement.
///
/// Orders, Prebooks, approved purchase orders and labels that changed in one system are carried to the other: nothing
/// twice, nothing lost, nothing unexplained.
#[derive(Debug, Parser)]
#[command(
    name = "stemsync",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
EXAMPLES:
  stemsync demo                       A guided tour, nothing to set up
  stemsync run                        The daemon: every job on its schedule
  stemsync sync                       One run now, of all four jobs
  stemsync status                     Is all well? What waits?
  stemsync trace AX-100234            The whole story of one order
  stemsync holds                      What waits for a person
  stemsync map product set ROS-60 915 Tell which Komet product a code means

EXIT STATUS:
  0  done, and nothing waits for a person
  1  an unexpected failure, or stopped by a signal
  2  wrong usage
  3  the configuration is wrong
  4  done, but something is held or failed; status: not healthy
  5  a system cannot be reached or refuses the token
  6  another run holds the lock
  7  the day's quota is spent")]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub(super) struct Global {
    /// The configuration [default: $STEMSYNC_CONFIG, ./sync.toml, /etc/stemsync/sync.toml]
    #[arg(short, long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) config: Option<PathBuf>,
    /// How to answer; JSON is one object on stdout and nothing else
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table", help_heading = "Global options")]
    pub(super) format: Format,
    /// Log more to stderr (-v what is done, -vv each step); wins over $RUST_LOG
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(super) verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Global options")]
    pub(super) quiet: bool,
    /// When to use colours; auto heeds $NO_COLOR
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub(super) color: ColorWhen,
}

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// A guided tour on the built-in sandbox: both flows, start to end
    #[command(after_help = "\
It needs no configuration and leaves nothing behind.

EXAMPLES:
  stemsync demo
  stemsync demo --format json | jq .orders")]
    Demo,
    /// The daemon: every job on its schedule, and the status page, until stopped
    ///
    /// The schedules stand in sync.toml, [jobs]. Jobs never overlap; a run that was missed is made up once. A system that
    /// fails is left alone for a while, ever longer up to 15 minutes, and that is said once. The status page is where
    /// sync.toml says, [status]: http://127.0.0.1:8787/ unless it says otherwise.
    #[command(after_help = "\
SIGTERM and Ctrl-C finish the requests in hand, record them, and leave within
10 seconds. SIGHUP reads the configuration again; a wrong one changes nothing.
Other commands can be used meanwhile: `sync` gets in between two runs. Ends with
6 when another daemon serves the same database.

EXAMPLES:
  stemsync run                        Until Ctrl-C; the log on stderr
  stemsync run -v -c /etc/stemsync/sync.toml
  systemctl reload stemsync           After a change of sync.toml")]
    Run,
    /// One run now, of all jobs or those named
    ///
    /// The jobs are orders, prebooks, purchase-orders and labels. Each polls what changed, works out what differs and
    /// pushes it to the other system; then those that got new work run once more.
    #[command(after_help = "\
Ends with 0 when nothing waits, with 4 when something is held or failed, with 5
when a system cannot be reached or refuses the token, with 6 when another run
is going on, with 7 when Komet's quota of the day is spent. Ctrl-C finishes the
requests in hand and records them; what is left is done by the next run.

EXAMPLES:
  stemsync sync                       Everything
  stemsync sync --dry-run             Tell what would be done, write nothing
  stemsync sync orders labels         These two jobs
  stemsync sync --order AX-100234     Poll all, push only this order
  stemsync sync --since 2h            Read the last two hours again
  stemsync sync --paced -q            From a timer: spares the day's quota
  stemsync sync --wait 0s --format json | jq .outcome")]
    Sync(SyncArgs),
    /// Both simulated systems on loopback, until stopped
    #[command(after_help = "\
It needs no configuration: it prints one, with the tokens, for other shells.

EXAMPLES:
  stemsync sandbox
  stemsync sandbox --port 8800 --state trade.json --people 10
  stemsync sandbox --messy            As awkward as real answers may be
  stemsync sandbox --bulk 10000       A load test")]
    Sandbox(SandboxArgs),
    /// Health, watermarks, backlog, holds, quota, last and next runs
    #[command(after_help = "\
Ends with 0 when healthy and with 4 when not: when a job's last run failed, when
something is held, failed or unverified, or when a job is overdue. With -v it
tells what the request budget decided, and why.

EXAMPLES:
  stemsync status
  stemsync status --format json | jq .healthy
  stemsync status | mail -E -s 'stemsync this morning' admin@example.com")]
    Status,
    /// The whole story of one order, Prebook, PO or box code
    #[command(after_help = "\
Ends with 4 when nothing is known of the reference. A Prebook or PO may hold
several orders: then the JSON is {\"orders\": [...]}, one object for each.

EXAMPLES:
  stemsync trace AX-100234                 an order, by its id in Axerrio
  stemsync trace komet-prebook-85063       an order that came from Komet
  stemsync trace 85063                     a Prebook or PO, by its number
  stemsync trace BX00012345 --format json  a box, by its code")]
    Trace(TraceArgs),
    /// Past runs, newest first; one of them in detail
    ///
    /// Runs in a row that found nothing are kept as one line: the last of them, and how many there were.
    #[command(after_help = "\
Ends with 4 when there is no such run, whatever became of the runs themselves.

EXAMPLES:
  stemsync history                      The last 20 runs
  stemsync history --job labels --limit 100
  stemsync history show latest
  stemsync history --format json | jq '.runs[] | select(.outcome == \"failed\")'")]
    History(HistoryArgs),
    /// What waits for a person: list, release, dismiss
    #[command(after_help = "\
EXAMPLES:
  stemsync holds                        What waits, the next ship date first
  stemsync holds release 12 --take komet
  stemsync holds dismiss 13")]
    Holds(HoldsArgs),
    /// Which Komet id an Axerrio code means: list, set, remove, import, export, suggest
    #[command(after_help = "\
EXAMPLES:
  stemsync map product                        The product map
  stemsync map product set ROS-RED-60 91502
  stemsync map carrier remove DHL
  stemsync map product import products.csv    Header: axerrio_code,komet_id
  stemsync map product export products.csv
  stemsync map product suggest ROS-RED-70     What it may be; sets nothing")]
    Map(MapArgs),
    /// Up to when each job has read: show, set, reset
    #[command(after_help = "\
EXAMPLES:
  stemsync watermark                    All jobs
  stemsync watermark set orders 2h      Read the last two hours again
  stemsync watermark reset labels       Read everything again")]
    Watermark(WatermarkArgs),
    /// A consistent copy of the database while the daemon runs
    ///
    /// The copy is made beside FILE, checked by opening it, and only then given its name: what is there is whole. It is
    /// its owner's alone (mode 0600) and holds orders, customers and costs, but no token.
    #[command(after_help = "\
To restore it, stop stemsync, put the copy in the place of the database, give it
the owner of its folder, remove the database's -wal and -shm, and start again:
the first run reads what happened in both systems since.

EXAMPLES:
  stemsync backup /var/backups/stemsync.db
  stemsync backup --force /var/backups/stemsync.db    Replace the last one
  stemsync backup /var/backups/stemsync-$(date +%F).db --format json | jq .bytes")]
    Backup(BackupArgs),
    /// Read both systems in full over the horizon and report every difference
    ///
    /// Nothing is changed, in neither system. What is read counts against Komet's quota.
    #[command(after_help = "\
Ends with 0 when both systems agree, with 4 when they differ. What a person
agreed to (holds release --take ...) is listed apart and is no difference. With
5 when a system cannot be reached or refuses the token, with 7 when Komet's
requests of the day are spent: then nothing was compared.

EXAMPLES:
  stemsync verify
  stemsync verify --format json | jq '.differences[] | .order' | sort -u")]
    Verify,
    /// Shell completions, for bash, zsh, fish, elvish or powershell
    #[command(after_help = "\
It needs no configuration.

EXAMPLES:
  stemsync completions bash > /usr/share/bash-completion/completions/stemsync
  stemsync completions zsh > ~/.zfunc/_stemsync
  source <(stemsync completions bash)         This shell only")]
    Completions(CompletionsArgs),
    /// The manual page, or with --dir one for each command
    #[command(after_help = "\
It needs no configuration.

EXAMPLES:
  stemsync man | man -l -
  stemsync man --dir /usr/share/man/man1      stemsync.1, stemsync-sync.1, ...")]
    Man(ManArgs),
    /// Configuration, secrets, both systems, database, units: is all as it should be?
    ///
    /// One line each, with what to do. Komet is asked four times, which counts against its quota; nothing is written.
    #[command(after_help = "\
Ends with 0 when nothing failed (warnings are allowed), with 4 when something
did, with 5 when a system cannot be reached or refuses the token, with 7 when
Komet's requests of the day are spent.

EXAMPLES:
  stemsync check
  stemsync check -c /etc/stemsync/sync.toml --format json")]
    Check,
}

/// `backup FILE`
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to make
    pub(super) file: PathBuf,
    /// Replace the file if it is there already
    #[arg(long)]
    pub(super) force: bool,
}

/// `completions SHELL`
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// `man`
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write one page for each command and subcommand to this directory, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

/// `sync [JOB…]`
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// Jobs to run [default: all]
    #[arg(value_name = "JOB", value_parser = job())]
    pub(super) jobs: Vec<Job>,
    /// Plan everything and write nothing; what is read counts against the quota all the same
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Read from here on instead of from the watermarks: RFC 3339, YYYY-MM-DD, or how long ago: 2h, 3d
    #[arg(long, value_name = "T")]
    pub(super) since: Option<Moment>,
    /// Push only this order: an order's id, a Prebook's or PO's number, a box code
    #[arg(long, value_name = "REF", value_parser = reference)]
    pub(super) order: Option<String>,
    /// Read of Komet only what is worth a request by now, as the daemon does: for timers and cron
    #[arg(long, conflicts_with_all = ["since", "order"])]
    pub(super) paced: bool,
    /// How long to wait for a run that is going on: 0s, 30s, 5m
    #[arg(long, value_name = "DUR", default_value = "30s")]
    pub(super) wait: Wait,
}

/// `sandbox`
#[derive(Debug, Args)]
pub(super) struct SandboxArgs {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = whole(0..=u16::MAX))]
    pub(super) port: u16,
    /// Word answers as awkwardly as real systems may: numbers as texts, nulls, unknown fields
    #[arg(long, value_name = "SEED", num_args = 0..=1, default_missing_value = "1", value_parser = whole(0..=u64::MAX))]
    pub(super) messy: Option<u64>,
    /// Go on with the state in this file, and keep it there; it is made where it is missing
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// How often people act (accept, approve, print, receive), in seconds; 0: never [default: 60, with --bulk 0]
    #[arg(long, value_name = "SECS", hide_default_value = true, value_parser = whole(0..=u64::MAX))]
    pub(super) people: Option<u64>,
    /// Begin with so many generated orders of three lines instead of the week of orders
    #[arg(long, value_name = "N", value_parser = whole(0..=usize::MAX))]
    pub(super) bulk: Option<usize>,
}

/// A whole number; std's and clap's words for what is none are a programmer's.
fn whole<T>(range: RangeInclusive<T>) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let (least, most) = (range.start(), range.end().to_string());
            // A bound that only says how numbers are kept tells nobody anything.
            if most.len() < 10 {
                format!("a whole number is expected, from {least} to {most}")
            } else {
                format!("a whole number is expected, {least} or more")
            }
        })
    }
}

fn reference(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an order's id, a Prebook's or PO's number, or a box code".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// `trace REF`
#[derive(Debug, Args)]
pub(super) struct TraceArgs {
    /// An order's id, a Prebook's or PO's number, a box code
    #[arg(value_name = "REF")]
    pub(super) reference: String,
}

/// `history …`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct HistoryArgs {
    #[command(subcommand)]
    pub(super) action: Option<HistoryAction>,
    /// Only runs of this job, with its figures alone
    #[arg(long, value_name = "JOB", value_parser = job())]
    pub(super) job: Option<Job>,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = whole(1..=u32::MAX))]
    pub(super) limit: u32,
}

/// What to tell of past runs.
#[derive(Debug, Subcommand)]
pub(super) enum HistoryAction {
    /// One run in detail: its jobs, and what became of each push
    #[command(after_help = "\
EXAMPLES:
  stemsync history show 01JD4Q6Z8K3N5T7V9X1B3D5F7H
  stemsync history show latest --format json | jq .actions")]
    Show {
        /// The run, as `history` lists it, or `latest`
        run: String,
    },
}

/// `holds …`
#[derive(Debug, Args)]
pub(super) struct HoldsArgs {
    #[command(subcommand)]
    pub(super) action: Option<HoldsAction>,
}

/// What to do with holds.
#[derive(Debug, Subcommand)]
pub(super) enum HoldsAction {
    /// What waits, the next ship date first
    #[command(after_help = "EXAMPLES:\n  stemsync holds list\n  stemsync holds list --format json")]
    List,
    /// Decide whose value counts; the next run acts on it
    #[command(after_help = "\
EXAMPLES:
  stemsync holds release 12 --take axerrio  What Axerrio says counts
  stemsync holds release 12 --take komet    What Komet says counts")]
    Release {
        /// The hold's number, as `holds` lists it
        #[arg(value_parser = whole(1..=i64::MAX))]
        id: i64,
        /// Whose value counts
        #[arg(long, value_name = "SYSTEM", value_parser = side())]
        take: Verdict,
    },
    /// Leave things as they are, and stop asking
    #[command(after_help = "EXAMPLES:\n  stemsync holds dismiss 13")]
    Dismiss {
        /// The hold's number, as `holds` lists it
        #[arg(value_parser = whole(1..=i64::MAX))]
        id: i64,
    },
}

fn side() -> impl TypedValueParser<Value = Verdict> {
    PossibleValuesParser::new(["axerrio", "komet"])
        .map(|side| if side == "axerrio" { Verdict::TakeAxerrio } else { Verdict::TakeKomet })
}

/// `map KIND …`
#[derive(Debug, Args)]
pub(super) struct MapArgs {
    /// What is translated
    #[arg(value_parser = kind())]
    pub(super) kind: MapKind,
    #[command(subcommand)]
    pub(super) action: Option<MapAction>,
}

fn kind() -> impl TypedValueParser<Value = MapKind> {
    PossibleValuesParser::new(MapKind::ALL.map(MapKind::name))
        .try_map(|name| MapKind::parse(&name).ok_or_else(|| format!("no such map: {name}")))
}

/// What to do with a map.
#[derive(Debug, Subcommand)]
pub(super) enum MapAction {
    /// Every code and its Komet id
    #[command(after_help = "EXAMPLES:\n  stemsync map customer list --format json")]
    List,
    /// Say which Komet id a code means
    #[command(after_help = "EXAMPLES:\n  stemsync map product set ROS-RED-60 91502")]
    Set {
        /// The code in Axerrio
        axerrio_code: String,
        /// The id in Komet
        #[arg(value_parser = whole(1..=i64::MAX))]
        komet_id: i64,
    },
    /// Forget a code
    #[command(after_help = "EXAMPLES:\n  stemsync map product remove ROS-RED-60")]
    Remove {
        /// The code in Axerrio
        axerrio_code: String,
    },
    /// Set every code of a CSV file, or none if a row is bad
    #[command(after_help = "\
The first row is: axerrio_code,komet_id
Codes that the file does not name stay as they are.

EXAMPLES:
  stemsync map product import products.csv
  stemsync map product import - < products.csv")]
    Import {
        /// The file; - for stdin
        csv: PathBuf,
    },
    /// Tell what a code may be in Komet, and why; sets nothing
    ///
    /// A product is compared with those seen in Prebooks and POs by its words, length, colour and box type; a customer with
    /// those seen in Prebooks, a carrier or box type with Komet's lists.
    #[command(after_help = "\
Ends with 4 when nothing resembles it.

EXAMPLES:
  stemsync map product suggest ROS-RED-60
  stemsync map carrier suggest GREENLINE
  stemsync map product suggest ROS-RED-60 --format json | jq '.suggestions[0]'")]
    Suggest {
        /// The code in Axerrio, also one that was never seen
        axerrio_code: String,
    },
    /// Write the map to a CSV file
    #[command(after_help = "\
EXAMPLES:
  stemsync map product export products.csv
  stemsync map product export - | sort")]
    Export {
        /// The file; - for stdout
        csv: PathBuf,
    },
}

/// `watermark …`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct WatermarkArgs {
    #[command(subcommand)]
    pub(super) action: Option<WatermarkAction>,
    /// The job to show [default: all]
    #[arg(value_parser = job())]
    pub(super) job: Option<Job>,
}

/// What to do with watermarks.
#[derive(Debug, Subcommand)]
pub(super) enum WatermarkAction {
    /// Up to when a job has read
    #[command(after_help = "EXAMPLES:\n  stemsync watermark show prebooks")]
    Show {
        /// The job [default: all]
        #[arg(value_parser = job())]
        job: Option<Job>,
    },
    /// Read again from a moment on; what is read twice changes nothing
    ///
    /// A watermark is only ever set back: set forward, it would skip changes that nobody has read.
    #[command(after_help = "\
EXAMPLES:
  stemsync watermark set orders 2026-01-15T10:00:00Z
  stemsync watermark set orders 2026-01-15    From that day's beginning on
  stemsync watermark set labels 3d            Three days ago")]
    Set {
        /// The job
        #[arg(value_parser = job())]
        job: Job,
        /// RFC 3339, YYYY-MM-DD, or how long ago: 2h, 3d
        #[arg(value_name = "T")]
        at: Moment,
    },
    /// Forget it, so that the next run reads everything
    #[command(after_help = "EXAMPLES:\n  stemsync watermark reset prebooks")]
    Reset {
        /// The job
        #[arg(value_parser = job())]
        job: Job,
    },
}

fn job() -> impl TypedValueParser<Value = Job> {
    PossibleValuesParser::new(Job::ALL.map(Job::name))
        .try_map(|name| Job::parse(&name).ok_or_else(|| format!("no such job: {name}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn walk(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("EXAMPLES:"), "{}", command.get_name());
            // What is laid out by hand is not wrapped well.
            assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
            command.get_subcommands().filter(|c| c.get_name() != "help").for_each(walk);
        }
        walk(&Cli::command());
    }

    #[test]
    fn help_is_readable_in_80_columns() {
        fn walk(command: &clap::Command) {
            let help = command.clone().term_width(80).render_long_help().to_string();
            let long: Vec<_> = help.lines().filter(|line| line.chars().count() > 80).collect();
            assert!(long.is_empty(), "{}: {long:#?}", command.get_name());
            command.get_subcommands().for_each(walk);
        }
        let mut command = Cli::command();
        command.build();
        walk(&command);
    }
}
