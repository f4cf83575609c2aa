//! Tells the demo: line by line as it happens, with time to read along where a person watches; in JSON as one object
//! at the end.

use std::time::Duration;

use chrono::NaiveDate;
use serde::Serialize;

use crate::cli::output::{Cell, Output, Page, Report, Tone, write};
use crate::domain::{Flow, Order, Stage};
use crate::sync::audit::AuditReport;

/// Between two lines, where a person reads along: some 40 lines in about six seconds.
const PAUSE: Duration = Duration::from_millis(140);

/// Who tells what happens.
pub(super) struct Teller {
    output: Output,
    chapters: usize,
    steps: Vec<Step>,
}

/// One thing that happened.
#[derive(Debug, Serialize)]
struct Step {
    chapter: usize,
    /// `people`, `stemsync`, or `held` for what stemsync leaves to people.
    by: &'static str,
    told: String,
}

/// Where an order stands in the end.
#[derive(Debug, Serialize)]
pub(super) struct DemoOrder {
    order: String,
    flow: u8,
    customer: String,
    ship_date: NaiveDate,
    prebooks: Vec<String>,
    purchase_orders: Vec<String>,
    boxes: usize,
    stage: Stage,
}

impl DemoOrder {
    pub(super) fn of(order: &Order) -> Self {
        let komet = &order.komet;
        Self {
            order: order.name().to_owned(),
            flow: order.flow.number(),
            customer: order.axerrio.order.as_ref().map(|o| o.header.customer.name.clone()).unwrap_or_default(),
            ship_date: order.ship_date,
            prebooks: komet.prebooks.iter().map(|prebook| prebook.number.to_string()).collect(),
            purchase_orders: komet.purchase_orders.iter().map(|po| po.number.to_string()).collect(),
            boxes: order.axerrio.labels.len(),
            stage: order.stage,
        }
    }
}

/// `demo --format json`, and what people read at the end.
#[derive(Debug, Serialize)]
struct DemoReport {
    steps: Vec<Step>,
    orders: Vec<DemoOrder>,
    #[serde(flatten)]
    audit: AuditReport,
    requests: u64,
}

impl Teller {
    pub(super) fn new(output: Output) -> Self {
        Self { output, chapters: 0, steps: Vec::new() }
    }

    /// What this is.
    pub(super) fn open(&self, importer: &str, vendor: &str) -> anyhow::Result<()> {
        self.say(|page| {
            let text = format!(
                "{importer} sells flowers and runs Komet; {vendor} grows them and runs Axerrio. Both systems are \
                 simulated here, on loopback; stemsync between them is the real one. What stemsync does is marked →."
            );
            page.paragraph(Tone::Plain, 0, &text);
        })
    }

    /// A new part of the story begins.
    pub(super) fn chapter(&mut self, title: &str) -> anyhow::Result<()> {
        self.chapters += 1;
        let title = format!("{}  {title}", self.chapters);
        self.say(|page| {
            page.paragraph(Tone::Plain, 0, "");
            page.paragraph(Tone::Strong, 0, &title);
        })
    }

    /// Somebody did something.
    pub(super) async fn person(&mut self, told: &str) -> anyhow::Result<()> {
        self.step("people", Tone::Plain, "   ", told).await
    }

    /// stemsync did something about it.
    pub(super) async fn stemsync(&mut self, told: &str) -> anyhow::Result<()> {
        self.step("stemsync", Tone::Good, "   → ", told).await
    }

    /// stemsync leaves something to people.
    pub(super) async fn held(&mut self, told: &str) -> anyhow::Result<()> {
        self.step("held", Tone::Waiting, "   ! held: ", told).await
    }

    async fn step(&mut self, by: &'static str, tone: Tone, mark: &str, told: &str) -> anyhow::Result<()> {
        self.say(|page| page.paragraph(tone, 5, &format!("{mark}{told}")))?;
        self.steps.push(Step { chapter: self.chapters, by, told: told.to_owned() });
        if self.output.page().is_drawn() && !self.output.is_json() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Prints at once, unless JSON is asked for.
    fn say(&self, tell: impl FnOnce(&mut Page)) -> anyhow::Result<()> {
        if self.output.is_json() {
            return Ok(());
        }
        let mut page = self.output.page();
        tell(&mut page);
        write(page.text().as_bytes())
    }

    /// Where everything stands.
    pub(super) fn end(self, orders: Vec<DemoOrder>, audit: AuditReport, requests: u64) -> anyhow::Result<()> {
        let report = DemoReport { steps: self.steps, orders, audit, requests };
        self.output.print(&report)
    }
}

impl Report for DemoReport {
    fn tell(&self, page: &mut Page) {
        page.paragraph(Tone::Plain, 0, "");
        page.paragraph(Tone::Strong, 0, "Where the orders stand");
        let rows = self.orders.iter().map(|order| {
            let stage = if order.stage == Stage::Received { Tone::Good } else { Tone::Bad };
            [
                order.order.clone().into(),
                Cell::from(if order.flow == Flow::FromAxerrio.number() {
                    "Axerrio → Komet"
                } else {
                    "Komet → Axerrio"
                }),
                order.customer.clone().into(),
                order.prebooks.join(" ").into(),
                order.purchase_orders.join(" ").into(),
                order.boxes.to_string().into(),
                Cell::new(order.stage.name(), stage),
            ]
        });
        page.table(["ORDER", "TRAVELLED", "CUSTOMER", "PREBOOK", "PO", "BOXES", "STAGE"], rows.collect());
        page.gap();
        if self.audit.differences.is_empty() {
            let text = format!(
                "verify: {} orders read in full from both systems, no differences. It took {} requests.",
                self.audit.checked, self.requests
            );
            page.paragraph(Tone::Good, 0, &text);
        } else {
            let text = format!("verify: {} differences; this should not be.", self.audit.differences.len());
            page.paragraph(Tone::Bad, 0, &text);
        }
        page.heading("Next");
        // Started by cargo the program is likely not installed.
        let program = if std::env::var_os("CARGO").is_some() { "cargo run --release --" } else { "stemsync" };
        let rows = [
            ("sync", "a week of orders, on a lasting sandbox"),
            ("holds", "what then waits for a person"),
            ("trace AX-100001", "the whole story of one order"),
            ("--help", "everything else"),
        ];
        let width = program.len() + rows.iter().map(|(command, _)| command.len()).max().unwrap_or(0) + 3;
        for (command, what) in rows {
            let command = format!("{program} {command}");
            page.paragraph(Tone::Plain, width, &format!("{command:<width$}{what}"));
        }
        let text = "They read ./sync.toml; the one beside the README runs on the sandbox.";
        page.paragraph(Tone::Faint, 0, text);
    }
}
