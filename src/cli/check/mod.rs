//! `check`: configuration, secrets, both systems, database and units, one line each, with what to do. Each subject is
//! a file; none of them changes anything, but Komet's requests are counted where a database is there to count them.

mod database;
mod machine;
mod systems;

use serde::Serialize;

use super::exit::Exit;
use super::link;
use super::output::{Cell, Output, Page, Report, Tone};
use crate::config::{Config, Endpoint};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// Works, but a person should look.
    Warning,
    /// Does not work.
    Failed,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    /// What was looked at; scripts rely on it.
    name: &'static str,
    outcome: Outcome,
    /// What was found.
    detail: String,
    /// What to do; `None` where there is nothing to do.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Ok, detail: detail.into(), advice: None }
    }

    fn warning(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Warning, detail: detail.into(), advice: Some(advice.into()) }
    }

    fn failed(name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, outcome: Outcome::Failed, detail: detail.into(), advice: Some(advice.into()) }
    }
}

/// `check --format json`.
#[derive(Debug, Serialize)]
struct CheckReport {
    checks: Vec<Check>,
    #[serde(skip)]
    komet_requests: u64,
}

/// Carries `check` out. A configuration that is wrong never comes here: it ends with 3, all its problems told.
pub(super) async fn run(config: &Config, output: Output) -> anyhow::Result<Exit> {
    let mut checks = vec![Check::ok("configuration", format!("{} is valid", config.file.display()))];
    checks.push(secrets(config));
    let (store, looked) = database::look(config).await;
    checks.extend(looked);
    let systems = link::Systems::open(config).await?;
    database::count_requests(config, store.as_ref(), &systems.komet);
    let asked = systems::ask(config, &systems, store.as_ref()).await;
    if let Some(simulation) = systems.simulation {
        simulation.sandbox.stop().await;
    }
    checks.extend(asked.checks);
    checks.extend(machine::look(config).await);
    let broken = checks.iter().any(|check| check.outcome == Outcome::Failed);
    output.print(&CheckReport { checks, komet_requests: asked.komet_requests })?;
    Ok(match asked.trouble {
        Some(systems::Trouble::Down) => Exit::System,
        Some(systems::Trouble::QuotaSpent) => Exit::QuotaSpent,
        None if broken => Exit::Attention,
        None => Exit::Done,
    })
}

/// Secrets were resolved with the configuration; here it is told from where.
fn secrets(config: &Config) -> Check {
    let of = |name: &str, endpoint: &Endpoint| match endpoint {
        Endpoint::Sandbox => format!("{name}: none, it is the sandbox"),
        Endpoint::Remote { token, .. } => format!("{name}: from {}", token.source()),
    };
    let mut told = vec![of("Komet", &config.komet.endpoint), of("Axerrio", &config.axerrio.endpoint)];
    told.extend(config.notify.webhook.iter().map(|secret| format!("webhook: from {}", secret.source())));
    let login = config.notify.email.iter().filter_map(|email| email.login.as_ref());
    told.extend(login.map(|login| format!("e-mail: from {}", login.password.source())));
    Check::ok("secrets", told.join("; "))
}

impl Report for CheckReport {
    fn tell(&self, page: &mut Page) {
        let rows = self.checks.iter().map(|check| {
            let (word, tone) = match check.outcome {
                Outcome::Ok => ("✓ ok", Tone::Good),
                Outcome::Warning => ("! warning", Tone::Waiting),
                Outcome::Failed => ("✗ failed", Tone::Bad),
            };
            let text = match &check.advice {
                Some(advice) => format!("{}. {advice}", check.detail.trim_end_matches('.')),
                None => check.detail.clone(),
            };
            [Cell::new(word, tone), check.name.into(), text.into()]
        });
        let rows = rows.collect();
        page.table(["RESULT", "CHECK", "DETAIL"], rows);
        page.gap();
        let count = |outcome| self.checks.iter().filter(|check| check.outcome == outcome).count();
        let (failed, warnings) = (count(Outcome::Failed), count(Outcome::Warning));
        let tone = match (failed, warnings) {
            (0, 0) => Tone::Good,
            (0, _) => Tone::Waiting,
            _ => Tone::Bad,
        };
        let requests = match self.komet_requests {
            1 => "1 request".to_owned(),
            n => format!("{n} requests"),
        };
        let checks = self.checks.len();
        page.paragraph(
            tone,
            0,
            &format!("{checks} checks: {failed} failed, {warnings} to look at. It cost {requests} to Komet."),
        );
    }
}
