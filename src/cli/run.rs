//! `run`: the daemon. Here it gets its lock, its link and its signals; what it does stands in `daemon`.

use std::env;
use std::io::IsTerminal;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::Context as _;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

use super::exit::{AnotherDaemon, Exit};
use super::link::Link;
use super::output::{Cell, Output, Page, Report, Tone, relative};
use crate::config::{Config, Endpoint};
use crate::daemon::alarm::Alarm;
use crate::daemon::{Daemon, Served, signals};
use crate::page::{self, CannotListen, Desk, Listening, Standing};
use crate::sandbox::life;
use crate::store::{DaemonLock, Store};
use crate::sync::engine::Engine;
use crate::sync::report::Job;
use crate::systems::axerrio::AxerrioClient;
use crate::systems::komet::KometClient;

/// What the two allocators are told through the environment, which they read only as the program begins: the program's own to give
/// back at once what a run took, since between two runs there may be an hour; the system's, from which the database takes its
/// memory, to keep that in one place, and little of it.
const SPARING: [(&str, &str); 3] =
    [("MIMALLOC_PURGE_DELAY", "0"), ("MALLOC_ARENA_MAX", "1"), ("MALLOC_TRIM_THRESHOLD_", "32768")];

/// Begins the program once more in its own place with [`SPARING`], since it lives beside others. Returns where all of that is set
/// already, by this or by whoever started the program, or cannot be: then it takes a tenth more memory.
pub(super) fn lean() {
    let unset: Vec<_> = SPARING.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect();
    if unset.is_empty() {
        return;
    }
    let mut arguments = env::args_os();
    let mut again = Command::new("/proc/self/exe");
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    let _ = again.args(arguments).envs(unset).exec();
}

/// Carries `run` out.
pub(super) async fn run(config: Config, output: Output) -> anyhow::Result<Exit> {
    let Some(_lock) = DaemonLock::try_acquire(&config.state.path)? else {
        return Err(AnotherDaemon(DaemonLock::holder(&config.state.path)).into());
    };
    // From here on a signal is heard, not suffered.
    let (ask, wishes) = signals::wishes().context("cannot listen for signals")?;
    // Before anything else is begun, so that whoever waits for the daemon finds its page as well.
    let listening = match config.status.listen {
        Some(address) => Some(Listening::on(address).await),
        None => None,
    };
    let store = Store::open(&config.state.path)?;
    let link = Link::open(&config, store).await?;
    let alarm = match Alarm::start().await {
        Ok(alarm) => Some(alarm),
        Err(error) => {
            log::warn!("the alarm cannot be set ({error}); jobs run all the same, up to a second late");
            None
        }
    };
    let opening = Opening::new(&config, listening.as_ref());
    let store = link.engine.store.clone();
    let daemon = Daemon::new(link, config, alarm, wishes).await?;
    let page = match listening {
        Some(listening) => {
            let desk = Desk::open(store, daemon.board().clone(), ask).await?;
            Some(Standing::serve(listening, desk, page::TRY_AGAIN))
        }
        None => None,
    };
    // Otherwise stdout is the journal, which has its own lines.
    if output.is_json() || std::io::stdout().is_terminal() {
        output.print(&opening.with_times(&daemon))?;
    }
    let lived = daemon.live().await;
    if let Some(page) = page {
        page.stop().await;
    }
    lived?;
    Ok(Exit::Done)
}

impl Served for Link {
    type Komet = KometClient;
    type Axerrio = AxerrioClient;

    fn engine(&self) -> &Engine<KometClient, AxerrioClient> {
        &self.engine
    }

    fn pace(&self) -> Option<TimeDelta> {
        self.has_a_life().then_some(life::PACE)
    }

    fn take_up(&mut self) -> anyhow::Result<()> {
        Self::take_up(self)?;
        for told in self.live()? {
            log::info!("sandbox: {told}");
        }
        // Before the first request: were the world of this run lost, the database would know things that it does not.
        self.save()
    }

    fn put_down(&mut self) -> anyhow::Result<()> {
        self.save()
    }

    async fn reconfigure(&mut self, config: &Config) -> anyhow::Result<()> {
        // A simulated world lies saved beside the database between two runs: the new link finds it there.
        let new = Self::open(config, self.engine.store.clone()).await?;
        std::mem::replace(self, new).close().await;
        Ok(())
    }
}

/// What a person in a terminal reads before the log; and `run --format json`.
#[derive(Debug, Serialize)]
struct Opening {
    komet: String,
    axerrio: String,
    database: String,
    configuration: String,
    /// Where the status page is; `null` where it is off, or waits for its address.
    page: Option<String>,
    #[serde(skip)]
    page_waits: bool,
    jobs: Vec<Scheduled>,
    #[serde(skip)]
    now: DateTime<Utc>,
}

/// One job's schedule.
#[derive(Debug, Serialize)]
struct Scheduled {
    job: &'static str,
    schedule: String,
    next_run: Option<DateTime<Utc>>,
}

impl Opening {
    fn new(config: &Config, page: Option<&Result<Listening, CannotListen>>) -> Self {
        let place = |endpoint: &Endpoint| match endpoint {
            Endpoint::Sandbox => "simulated in this process".to_owned(),
            Endpoint::Remote { base_url, .. } => base_url.host_str().unwrap_or_default().to_owned(),
        };
        let jobs = Job::ALL.into_iter().map(|job| Scheduled {
            job: job.name(),
            schedule: config.jobs.schedule(job).text().to_owned(),
            next_run: None,
        });
        Self {
            komet: place(&config.komet.endpoint),
            axerrio: place(&config.axerrio.endpoint),
            database: config.state.path.display().to_string(),
            configuration: config.file.display().to_string(),
            page: page.and_then(|page| page.as_ref().ok()).map(|page| format!("http://{}/", page.address())),
            page_waits: page.is_some_and(Result::is_err),
            jobs: jobs.collect(),
            now: Utc::now(),
        }
    }

    fn with_times(mut self, daemon: &Daemon<Link>) -> Self {
        for (scheduled, job) in self.jobs.iter_mut().zip(Job::ALL) {
            scheduled.next_run = daemon.agenda().next_of(job, self.now);
        }
        self
    }
}

impl Report for Opening {
    fn tell(&self, page: &mut Page) {
        page.paragraph(
            Tone::Strong,
            0,
            "Every job runs on its schedule until you stop it (Ctrl-C). SIGHUP reads the configuration again.",
        );
        page.gap();
        let page_is = match &self.page {
            Some(address) => address,
            None if self.page_waits => "waits for its address",
            None => "off",
        };
        let facts = [
            ("Komet", self.komet.as_str()),
            ("Axerrio", &self.axerrio),
            ("Database", &self.database),
            ("Configuration", &self.configuration),
            ("Status page", page_is),
        ];
        for (name, fact) in facts {
            page.paragraph(Tone::Plain, 15, &format!("{name:<15}{fact}"));
        }
        page.gap();
        let rows = self.jobs.iter().map(|job| {
            let next = match job.next_run {
                None => Cell::new("off", Tone::Faint),
                Some(at) if at <= self.now => "now".into(),
                Some(at) if page.is_drawn() => relative(at, self.now).into(),
                Some(at) => at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
            };
            [job.job.into(), next, job.schedule.clone().into()]
        });
        let rows: Vec<[Cell; 3]> = rows.collect();
        page.table(["JOB", "NEXT RUN", "SCHEDULE"], rows);
        page.gap();
    }
}
