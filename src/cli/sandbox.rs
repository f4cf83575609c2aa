//! `sandbox`: both simulated systems on loopback until stopped, for trying stemsync out from other shells, and for
//! load tests.

use std::time::Duration;

use chrono::Utc;
use serde::Serialize;

use super::args::SandboxArgs;
use super::exit::Exit;
use super::output::{Output, Page, Report, Tone, write};
use crate::daemon::signals::Signals;
use crate::sandbox::people::People;
use crate::sandbox::scenario::{Scenario, place_orders};
use crate::sandbox::{Answers, Sandbox, SandboxOptions, life};

/// How often people act where nothing else was asked for.
const PEOPLE: u64 = 60;
/// Lines of a generated order.
const BULK_LINES: usize = 3;
/// The generated orders are the same each time.
const BULK_SEED: u64 = 7;

/// Where the sandbox is found.
#[derive(Debug, Serialize)]
struct Started {
    komet: Door,
    axerrio: Door,
    /// Ready to be written to a file.
    sync_toml: String,
    /// Orders that were entered now.
    placed: usize,
    #[serde(skip)]
    people: Option<Duration>,
    #[serde(skip)]
    state: Option<String>,
}

/// One system's. The tokens are the simulation's: they open nothing else.
#[derive(Debug, Serialize)]
struct Door {
    base_url: String,
    token_env: &'static str,
    token: String,
}

/// Carries `sandbox` out.
pub(super) async fn run(output: Output, args: &SandboxArgs) -> anyhow::Result<Exit> {
    let mut signals = Signals::listen()?;
    let scenario = Scenario::bundled();
    let people = People::of(&scenario);
    let options = SandboxOptions {
        port: args.port,
        catalogue: scenario.catalogue(),
        answers: args.messy.map_or(Answers::Plain, Answers::Messy),
        ..SandboxOptions::default()
    };
    let sandbox = match &args.state {
        Some(path) => Sandbox::load_or_new(path, options).await?,
        None => Sandbox::start(options).await?,
    };
    let pace = args.people.unwrap_or(if args.bulk.is_some() { 0 } else { PEOPLE });
    let pace = (pace > 0).then(|| Duration::from_secs(pace));
    let today = || Utc::now().date_naive();
    let is_new = sandbox.act(|world, _| world.axerrio.orders().next().is_none());
    let mut placed = 0;
    match args.bulk {
        Some(orders) if is_new => {
            let inputs = scenario.bulk(orders, BULK_LINES, BULK_SEED, today());
            placed = sandbox.act(|world, now| place_orders(world, inputs, now)).len();
        }
        Some(_) => log::warn!("--bulk adds nothing: the state has orders already"),
        None => {
            // The first call brings the first week.
            let told = sandbox.act(|world, now| life::pass(world, &scenario, &people, today(), now))?;
            placed += if is_new { told.len() } else { 0 };
        }
    }
    output.print(&Started::new(&sandbox, placed, pace, args))?;
    loop {
        tokio::select! {
            () = signals.next() => break,
            () = until(pace) => {
                let told = sandbox.act(|world, now| {
                    let mut told = if args.bulk.is_none() {
                        life::week(world, &scenario, today(), now)?
                    } else {
                        Vec::new()
                    };
                    told.extend(life::act(world, &people, now)?);
                    anyhow::Ok(told)
                })?;
                save(&sandbox, args)?;
                if !output.is_json() {
                    tell(output, &told)?;
                }
            }
        }
    }
    let saved = save(&sandbox, args);
    sandbox.stop().await;
    saved?;
    Ok(Exit::Done)
}

/// Never, if nobody acts.
async fn until(pace: Option<Duration>) {
    match pace {
        Some(pace) => tokio::time::sleep(pace).await,
        None => std::future::pending().await,
    }
}

fn save(sandbox: &Sandbox, args: &SandboxArgs) -> anyhow::Result<()> {
    args.state.as_deref().map_or(Ok(()), |path| sandbox.save(path))
}

fn tell(output: Output, told: &[String]) -> anyhow::Result<()> {
    let mut page = output.page();
    let at = Utc::now().format("%H:%M:%S");
    for one in told {
        page.paragraph(Tone::Plain, 10, &format!("{at}  {one}"));
    }
    write(page.text().as_bytes())
}

impl Started {
    fn new(sandbox: &Sandbox, placed: usize, people: Option<Duration>, args: &SandboxArgs) -> Self {
        let komet = Door {
            base_url: sandbox.komet_url(),
            token_env: "KOMET_TOKEN",
            token: sandbox.komet_token().to_owned(),
        };
        let axerrio = Door {
            base_url: sandbox.axerrio_url(),
            token_env: "AXERRIO_TOKEN",
            token: sandbox.axerrio_token().to_owned(),
        };
        let mut sync_toml = String::new();
        for (section, door) in [("komet", &komet), ("axerrio", &axerrio)] {
            let Door { base_url, token_env, .. } = door;
            let section =
                format!("[{section}]\nbase_url = \"{base_url}\"\ntoken = {{ env = \"{token_env}\" }}\n\n");
            sync_toml.push_str(&section);
        }
        sync_toml.push_str("[state]\npath = \"sandbox.db\"\n");
        let state = args.state.as_ref().map(|path| path.display().to_string());
        Self { komet, axerrio, sync_toml, placed, people, state }
    }
}

impl Report for Started {
    fn tell(&self, page: &mut Page) {
        page.paragraph(Tone::Strong, 0, "Both systems are simulated here until you stop them (Ctrl-C).");
        page.gap();
        for (name, door) in [("Komet", &self.komet), ("Axerrio", &self.axerrio)] {
            page.paragraph(Tone::Plain, 0, &format!("{name:<9}{}", door.base_url));
        }
        if self.placed > 0 {
            page.paragraph(
                Tone::Plain,
                0,
                &format!("Trade    {} orders and Prebooks were just entered", self.placed),
            );
        }
        let people = match self.people {
            Some(pace) => format!("People   act every {} s and are told here", pace.as_secs()),
            None => "People   do not act (--people SECS)".to_owned(),
        };
        page.paragraph(Tone::Plain, 0, &people);
        let state = match &self.state {
            Some(path) => format!("State    is kept in {path}"),
            None => "State    is lost when it stops (--state FILE keeps it)".to_owned(),
        };
        page.paragraph(Tone::Plain, 9, &state);
        page.heading("In another shell, for the tokens");
        for door in [&self.komet, &self.axerrio] {
            page.paragraph(Tone::Plain, 0, &format!("export {}={}", door.token_env, door.token));
        }
        page.heading("As sync.toml");
        for line in self.sync_toml.lines() {
            page.paragraph(Tone::Plain, 0, line);
        }
        page.gap();
        page.paragraph(Tone::Faint, 0, "Then: stemsync sync");
        page.gap();
    }
}
