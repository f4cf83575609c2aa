//! `trace`: the whole story of one order, found by whatever name a person has for it. It is gathered in
//! [`crate::reports::story`]; here it is told.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::args::TraceArgs;
use super::exit::Exit;
use super::output::{Cell, Output, Page, Report, Tone};
use super::{holds, look};
use crate::config::Config;
use crate::domain::Zone;
use crate::reports::story::{
    self, AxerrioSide, BoxStory, EventStory, KometSide, LineStory, PoStory, PrebookStory, SEARCHED, Story,
};

/// A PO or a Prebook may hold lines of several orders.
#[derive(Debug, Serialize)]
struct Several {
    orders: Vec<Story>,
}

/// Nothing is known of the reference.
#[derive(Debug, Serialize)]
struct Unknown<'a> {
    order: Option<()>,
    reference: &'a str,
    searched: [&'static str; 5],
}

/// Carries `trace` out.
pub(super) async fn run(config: &Config, output: Output, args: &TraceArgs) -> anyhow::Result<Exit> {
    let reference = args.reference.trim().to_owned();
    let zone = config.jobs.timezone;
    let mut found = match look(config)? {
        Some(store) => {
            let reference = reference.clone();
            store.read(move |conn| story::find(conn, &reference, zone)).await?
        }
        None => Vec::new(),
    };
    match found.len() {
        0 => {
            output.print(&Unknown { order: None, reference: &reference, searched: SEARCHED })?;
            return Ok(Exit::Attention);
        }
        1 => output.print(&found.remove(0))?,
        _ => output.print(&Several { orders: found })?,
    }
    Ok(Exit::Done)
}

impl Report for Unknown<'_> {
    fn tell(&self, page: &mut Page) {
        let places = self.searched.join(", ");
        page.paragraph(Tone::Plain, 2, &format!("Nothing is known of {:?}. Searched: {places}.", self.reference));
    }
}

impl Report for Several {
    fn tell(&self, page: &mut Page) {
        for order in &self.orders {
            page.gap();
            order.tell(page);
        }
    }
}

impl Report for Story {
    fn tell(&self, page: &mut Page) {
        let (born, stage) = (self.born(), self.stage);
        page.paragraph(
            Tone::Strong,
            2,
            &format!("{}, {born}: {} ({})", self.order, story::stage_words(stage), stage.name()),
        );
        match &self.axerrio {
            Some(side) => tell_axerrio(page, side),
            None => page.paragraph(Tone::Faint, 0, "Axerrio has not shown it yet."),
        }
        match &self.komet {
            Some(side) => tell_komet(page, side),
            None => page.paragraph(Tone::Faint, 0, "Komet has not shown it yet."),
        }
        if !self.boxes.is_empty() {
            page.heading("Boxes");
            let rows = self.boxes.iter().map(box_row).collect();
            page.table(["  CODE", "LINE", "BOX", "LOT", "AWB", "STATUS"], rows);
        }
        if !self.events.is_empty() {
            page.heading(&format!("What happened (times in {})", self.zone.name()));
            for event in &self.events {
                tell_event(page, event, self.zone);
            }
        }
        if !self.waits.is_empty() {
            page.heading("What waits for a person");
            for hold in &self.waits {
                holds::tell(hold, page, Utc::now());
            }
        }
    }
}

fn tell_axerrio(page: &mut Page, side: &AxerrioSide) {
    page.heading("In Axerrio");
    let mut head = vec![side.id.clone(), side.status_name().to_owned(), format!("ships {}", side.ship_date)];
    if side.truck_date != side.ship_date {
        head.push(format!("truck {}", side.truck_date));
    }
    head.push(format!("customer {}", side.customer.code));
    head.extend(side.customer_po.as_ref().map(|po| format!("customer PO {po}")));
    head.extend(side.location.as_ref().map(|location| format!("location {location}")));
    head.extend(side.carrier.as_ref().map(|carrier| format!("carrier {}", carrier.code)));
    page.paragraph(Tone::Plain, 0, &head.join(", "));
    lines(page, &side.lines, "LINE");
    if let Some(po) = &side.purchase_order {
        let awb = po.awb.as_ref().map(|awb| format!(", AWB {awb}")).unwrap_or_default();
        let told = format!("Knows of PO {}: {}, ships {}{awb}", po.number, po.status_name(), po.ship_date);
        page.paragraph(Tone::Plain, 0, &told);
    }
}

fn tell_komet(page: &mut Page, side: &KometSide) {
    page.heading("In Komet");
    for PrebookStory { number, truck_date, customer_po, lines: items, .. } in &side.prebooks {
        let po = customer_po.as_ref().map(|po| format!(", customer PO {po}")).unwrap_or_default();
        page.paragraph(Tone::Plain, 0, &format!("Prebook {number}, truck {truck_date}{po}"));
        lines(page, items, "ITEM");
    }
    for PoStory { number, status, ship_date, awb, lines: bought } in &side.purchase_orders {
        let awb = awb.as_ref().map(|awb| format!(", AWB {awb}")).unwrap_or_default();
        page.paragraph(
            Tone::Plain,
            0,
            &format!("PO {number}, {}, ships {ship_date}{awb}", story::po_words(*status)),
        );
        lines(page, bought, "PO LINE");
    }
}

fn lines(page: &mut Page, lines: &[LineStory], id: &str) {
    let rows = lines.iter().map(|line| {
        let boxes = match line.confirmed_boxes {
            Some(confirmed) => format!("{confirmed} of {}", line.boxes),
            None if line.boxes == 0 => "deleted".to_owned(),
            None => line.boxes.to_string(),
        };
        let unit = line.unit_type.map(|unit| format!(" a {}", story::unit_words(unit))).unwrap_or_default();
        let product = if line.is_mapped {
            Cell::from(line.description.clone())
        } else {
            Cell::new(format!("{} (unknown to Komet)", line.description), Tone::Bad)
        };
        [
            Cell::from(format!("  {}", line.id)),
            product,
            format!("{boxes} {}", line.box_type).into(),
            format!("{} x {}", line.bunches, line.stems_per_bunch).into(),
            format!("{}{unit}", line.unit_cost).into(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let id = format!("  {id}");
    page.table([id.as_str(), "PRODUCT", "BOXES", "BUNCHES", "COST"], rows);
}

fn box_row(story: &BoxStory) -> [Cell; 6] {
    let text = |text: &Option<String>| Cell::from(text.clone().unwrap_or_default());
    let tone = match story.status {
        "received" => Tone::Good,
        "void" => Tone::Faint,
        _ => Tone::Plain,
    };
    let number = story.box_number.map(|n| n.to_string()).unwrap_or_default();
    [
        Cell::from(format!("  {}", story.code)),
        text(&story.line),
        number.into(),
        text(&story.lot_number),
        text(&story.awb),
        Cell::new(story.status, tone),
    ]
}

fn tell_event(page: &mut Page, event: &EventStory, zone: Zone) {
    let at: DateTime<Zone> = event.at.with_timezone(&zone);
    let who = event.system.map_or("stemsync", |system| system.title());
    let colon = if event.detail.is_empty() { "" } else { ": " };
    let told = format!("  {}  {who:<8}  {}{colon}{}", at.format("%b %d %H:%M"), event.what, event.detail);
    page.paragraph(Tone::Plain, 26, &told);
}
