//! What a person's word does, for each reason to wait: both systems after `holds release --take axerrio`, `--take komet`
//! and `holds dismiss`, and after a further run, which must neither change a thing nor ask again. And what happens when
//! nobody decides, but the cause goes away: the hold clears itself. And where the admin lets the owner win
//! (`on_conflict = "owner"`): the same table, with nobody asked.

#![allow(clippy::semicolon_if_nothing_returned)] // a deed is one expression

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use stemsync::config::Config;
use stemsync::domain::{HoldReason, OnConflict, Verdict};
use stemsync::reports::choices::{self, Choice};
use stemsync::reports::ground::Ground;
use stemsync::sandbox::World;
use stemsync::sandbox::axerrio::{LabelStatus, OrderChange, Reprint};
use stemsync::sandbox::komet::{HeaderChange, ItemChange};
use stemsync::store::holds;
use stemsync::sync::engine::Settings;

use crate::link::{BOTH, Link, Setup};
use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, NOBBIO, UNKNOWN, UNKNOWN_IS, approve_all, bought, item, items_of, line, order,
    orders_for, po_of, prebook, prebooks_of, print_all,
};

/// How far the trade has come when the cause of the hold comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// Flow 1, four boxes of one product and two of another, the PO pending.
    Pending,
    Approved,
    Labelled,
    /// The second product is one that Komet does not know.
    Unknown,
    /// Flow 2, the same lines, not accepted yet.
    Prebooked,
    Accepted,
    /// Flow 2, approved and labelled.
    Printed,
}

/// The order in question.
struct At {
    order: String,
    prebook: u64,
    items: Vec<u64>,
    ship: NaiveDate,
}

type Deed = fn(&mut World, &At, DateTime<Utc>);

struct Case {
    what: &'static str,
    start: Start,
    deed: Deed,
    reason: HoldReason,
    line: Option<&'static str>,
    /// Both systems after each verdict: axerrio, komet, dismissed.
    after: [&'static str; 3],
    /// Takes the cause away; both systems after that.
    undo: Option<(Deed, &'static str)>,
}

async fn start(link: &Link, start: Start) -> At {
    let ship = link.day(3);
    let flow2 = matches!(start, Start::Prebooked | Start::Accepted | Start::Printed);
    let second = if start == Start::Unknown { UNKNOWN } else { MONDIAL };
    let (order, prebook) = if flow2 {
        let draft = prebook(link.day(5), vec![item(FREEDOM, 4, ship), item(second, 2, ship)]);
        let id = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        (link.act(|w, _| orders_for(w, id)[0].id.clone()), id)
    } else {
        let draft = order(ship, vec![line(FREEDOM, 4), line(second, 2)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        let prebook = link.act(|w, _| prebooks_of(w, &id)[0].id);
        (id, prebook)
    };
    if matches!(start, Start::Accepted | Start::Printed) {
        link.act(|w, now| w.axerrio.vendor_accepts(&order, &[], now)).unwrap();
        link.sync_well().await;
    }
    if matches!(start, Start::Approved | Start::Labelled | Start::Printed) {
        link.act(approve_all);
        link.sync_well().await;
    }
    if matches!(start, Start::Labelled | Start::Printed) {
        link.act(|w, now| print_all(w, &order, now));
        link.sync_well().await;
    }
    let items = link.act(|w, _| w.komet.prebook(prebook).unwrap().items.iter().map(|i| i.id).collect());
    At { order, prebook, items, ship }
}

/// Both systems in a line: Axerrio's status and boxes a line, Komet's boxes an item (with its mark code where that is
/// not the usual one) and what is bought, shipped boxes after a plus.
fn worlds(link: &Link, at: &At) -> String {
    link.act(|w, _| {
        let ax = w.axerrio.order(&at.order).unwrap();
        let lines: Vec<String> = ax.draft.lines.iter().map(|l| l.boxes.to_string()).collect();
        let flow2 = ax.external_ref.is_some();
        let items = if flow2 {
            let items = w.komet.prebook(at.prebook).map(|p| p.items.clone()).unwrap_or_default();
            items.into_iter().filter(|i| i.goods.boxes > 0).collect()
        } else {
            items_of(w, &at.order)
        };
        let mut komet: Vec<String> = items
            .iter()
            .map(|item| {
                let lines = bought(w, item.id);
                let boxes: u32 = lines.iter().map(|(_, l)| l.goods.boxes).sum();
                let shipped: usize = lines.iter().map(|(_, l)| l.boxes.len()).sum();
                let shipped = if shipped > 0 { format!("+{shipped}") } else { String::new() };
                let product = item.goods.description.split(' ').nth(1).unwrap();
                format!("{product} {} po {boxes}{shipped}", item.goods.boxes)
            })
            .collect();
        komet.sort();
        format!("{:?} {} | {}", ax.status, lines.join(" "), komet.join(", ")).to_lowercase()
    })
}

/// Brings the hold about.
async fn held(case: &Case, answers: stemsync::sandbox::Answers) -> (Link, At) {
    let link = Link::start(Setup { answers, ..Setup::default() }).await;
    let at = start(&link, case.start).await;
    link.act(|w, now| (case.deed)(w, &at, now));
    link.sync().await;
    let found = link.held().await;
    assert_eq!(found, [(case.reason, case.line.map(|l| name_of(l, &at)))], "{}", case.what);
    (link, at)
}

/// `#1` is the first item's line.
fn name_of(line: &str, at: &At) -> String {
    match line.strip_prefix('#') {
        Some(n) => at.items[n.parse::<usize>().unwrap() - 1].to_string(),
        None => line.to_owned(),
    }
}

/// What the status page tells of a choice before it is made.
async fn foreseen(link: &Link, verdict: Verdict) -> Choice {
    let config = Config::load(std::path::Path::new("sync.toml")).unwrap();
    let today = link.today();
    let choices = link.engine.store.read(move |conn| {
        let hold = holds::list(conn)?.remove(0);
        choices::all(conn, &Ground::load(conn, &config, today)?, &hold)
    });
    choices.await.unwrap().into_iter().find(|choice| choice.verdict == verdict).unwrap()
}

async fn decided(
    case: &Case,
    verdict: Verdict,
    expected: &str,
    answers: stemsync::sandbox::Answers,
    wrong: &mut Vec<String>,
) {
    let (link, at) = held(case, answers).await;
    // Where there are no sides none can be taken (`tests/store/holds.rs`).
    let hold = link.holds().await.remove(0);
    if verdict != Verdict::Dismissed && !hold.reason.has_sides(&hold.cause) {
        return;
    }
    let foreseen = foreseen(&link, verdict).await;
    let before = link.writes();
    link.decide(verdict).await;
    // What a release sets in motion may take a second look at Komet.
    link.sync().await;
    link.sync().await;
    let told = |what: &str, is: &str| format!("{} {verdict:?} {answers:?}: {what}: {is}", case.what);
    let sent = usize::try_from(link.writes() - before).unwrap();
    if foreseen.waits_for.is_none() && sent != foreseen.axerrio.len() + foreseen.komet.len() {
        wrong.push(told("the page foresaw", &format!("{foreseen:?}, but {sent} were sent")));
    }
    if worlds(&link, &at) != expected {
        wrong.push(told("not as said", &worlds(&link, &at)));
    }
    if !link.held().await.is_empty() {
        wrong.push(told("asked again", &format!("{:?}", link.held().await)));
    }
    let writes = link.writes();
    link.sync().await;
    if link.writes() != writes || worlds(&link, &at) != expected || !link.held().await.is_empty() {
        wrong.push(told("a further run acts", &worlds(&link, &at)));
    }
    // What a person answered is listed apart, and is no difference.
    let audit = link.engine.audit().await.unwrap();
    if !audit.differences.is_empty() {
        wrong.push(told("verify", &format!("{:?}", audit.differences)));
    }
    if !link.strangers_are_untouched() {
        wrong.push(told("strangers", "touched"));
    }
}

/// As the owner says, without a question; what is no conflict of two sides (`None`) is asked about all the same.
async fn by_owner(case: &Case, owner: Option<Verdict>, wrong: &mut Vec<String>) {
    let settings = Settings { on_conflict: OnConflict::Owner, ..Settings::default() };
    let answers = BOTH[case.what.len() % 2];
    let link = Link::start(Setup { answers, settings, ..Setup::default() }).await;
    let at = start(&link, case.start).await;
    link.act(|w, now| (case.deed)(w, &at, now));
    for _ in 0..3 {
        link.sync().await;
    }
    let told = |what: &str, is: &str| format!("{} by its owner {answers:?}: {what}: {is}", case.what);
    let Some(owner) = owner else {
        if link.held().await != [(case.reason, case.line.map(|l| name_of(l, &at)))] {
            wrong.push(told("not asked", &format!("{:?}", link.held().await)));
        }
        return;
    };
    let expected =
        case.after[[Verdict::TakeAxerrio, Verdict::TakeKomet].iter().position(|v| *v == owner).unwrap()];
    if worlds(&link, &at) != expected {
        wrong.push(told("not as said", &worlds(&link, &at)));
    }
    if !link.held().await.is_empty() {
        wrong.push(told("asked", &format!("{:?}", link.held().await)));
    }
    let writes = link.writes();
    link.sync().await;
    if link.writes() != writes {
        wrong.push(told("a further run acts", &worlds(&link, &at)));
    }
    let audit = link.engine.audit().await.unwrap();
    if !audit.differences.is_empty() {
        wrong.push(told("verify", &format!("{:?}", audit.differences)));
    }
    if !link.strangers_are_untouched() {
        wrong.push(told("strangers", "touched"));
    }
}

async fn all(cases: &[Case], owner: Option<Verdict>) {
    let mut wrong = Vec::new();
    for case in cases {
        by_owner(case, owner, &mut wrong).await;
        for (at, verdict) in [Verdict::TakeAxerrio, Verdict::TakeKomet, Verdict::Dismissed].into_iter().enumerate()
        {
            // One wording of the answers for each: which one changes from case to case.
            let answers = BOTH[(case.what.len() + at) % 2];
            decided(case, verdict, case.after[at], answers, &mut wrong).await;
        }
        if let Some((undo, expected)) = case.undo {
            let (link, at) = held(case, BOTH[case.what.len() % 2]).await;
            link.act(|w, now| undo(w, &at, now));
            link.sync().await;
            link.sync().await;
            if !link.held().await.is_empty() || worlds(&link, &at) != expected {
                let is = worlds(&link, &at);
                wrong.push(format!("{} undone: {is} {:?}", case.what, link.held().await));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn boxes(boxes: u32) -> ItemChange {
    ItemChange { boxes: Some(boxes), ..ItemChange::default() }
}

fn first_label(w: &World, at: &At) -> String {
    let labels = w.axerrio.labels_of(&at.order).filter(|l| l.status == LabelStatus::Printed);
    labels.min_by_key(|l| (l.line_id.clone(), l.box_number)).unwrap().id.clone()
}

fn third_label(w: &World, at: &At) -> String {
    w.axerrio.labels_of(&at.order).find(|l| l.line_id == "1" && l.box_number == 3).unwrap().id.clone()
}

fn po_line(w: &World, at: &At) -> u64 {
    bought(w, at.items[0])[0].1.id
}

const KOMET_EDITS: &[Case] = &[
    Case {
        what: "an item's boxes",
        start: Start::Pending,
        deed: |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(9), now).unwrap(),
        reason: HoldReason::EditedInKomet,
        line: Some("1"),
        after: [
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 | freedom 9 po 4, mondial 2 po 2",
            "placed 4 2 | freedom 9 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(4), now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "an item taken out",
        start: Start::Pending,
        deed: |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(0), now).unwrap(),
        reason: HoldReason::EditedInKomet,
        line: Some("1"),
        after: [
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 | mondial 2 po 2",
            "placed 4 2 | mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(4), now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "an item added",
        start: Start::Pending,
        deed: |w, at, now| {
            w.komet.rep_adds_item(at.prebook, &item(NOBBIO, 8, at.ship), now).unwrap();
        },
        reason: HoldReason::EditedInKomet,
        line: None,
        after: [
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2, nobbio 8 po 0",
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2, nobbio 8 po 0",
        ],
        undo: Some((
            |w, at, now| {
                let added = w.komet.prebook(at.prebook).unwrap().items.last().unwrap().id;
                w.komet.rep_changes_item(added, &boxes(0), now).unwrap();
            },
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "the header",
        start: Start::Pending,
        deed: |w, at, now| {
            let change = HeaderChange { customer_po: Some("OTHER".into()), ..HeaderChange::default() };
            w.komet.rep_changes_header(at.prebook, &change, now).unwrap();
        },
        reason: HoldReason::EditedInKomet,
        line: None,
        after: ["placed 4 2 | freedom 4 po 4, mondial 2 po 2"; 3],
        undo: Some((
            |w, at, now| {
                let change = HeaderChange { customer_po: Some("PO-77".into()), ..HeaderChange::default() };
                w.komet.rep_changes_header(at.prebook, &change, now).unwrap();
            },
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "a pending PO's boxes",
        start: Start::Pending,
        deed: |w, at, now| w.komet.buyer_changes_line(po_line(w, at), Some(3), None, now).unwrap(),
        reason: HoldReason::EditedInKomet,
        line: Some("1"),
        after: [
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 | freedom 4 po 3, mondial 2 po 2",
            "placed 4 2 | freedom 4 po 3, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.komet.buyer_changes_line(po_line(w, at), Some(4), None, now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "a pending PO's ship date",
        start: Start::Pending,
        deed: |w, at, now| w.komet.buyer_moves_po(po_of(w, &at.order), at.ship + TimeDelta::days(1), now).unwrap(),
        reason: HoldReason::EditedInKomet,
        line: None,
        after: ["placed 4 2 | freedom 4 po 4, mondial 2 po 2"; 3],
        undo: Some((
            |w, at, now| w.komet.buyer_moves_po(po_of(w, &at.order), at.ship, now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
];

const AXERRIO_EDITS: &[Case] = &[
    Case {
        what: "a line of a Prebook",
        start: Start::Accepted,
        deed: |w, at, now| {
            w.axerrio
                .vendor_edits_line(&at.order, &at.items[0].to_string(), Some(1), Some(Decimal::ONE), now)
                .unwrap()
        },
        reason: HoldReason::EditedInAxerrio,
        line: Some("#1"),
        after: [
            "accepted 1 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "accepted 1 2 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| {
                w.axerrio
                    .vendor_edits_line(
                        &at.order,
                        &at.items[0].to_string(),
                        Some(4),
                        Some(Decimal::new(29, 2)),
                        now,
                    )
                    .unwrap()
            },
            "accepted 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "a Prebook's order cancelled",
        start: Start::Accepted,
        deed: |w, at, now| w.axerrio.customer_cancels(&at.order, now).unwrap(),
        reason: HoldReason::EditedInAxerrio,
        line: None,
        after: [
            "cancelled 4 2 | freedom 4 po 0, mondial 2 po 0",
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
            "cancelled 4 2 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: None,
    },
    Case {
        what: "a Prebook's order on another day",
        start: Start::Prebooked,
        deed: |w, at, now| {
            let change = OrderChange { ship_date: Some(at.ship + TimeDelta::days(1)), ..OrderChange::default() };
            w.axerrio.customer_changes_header(&at.order, &change, now).unwrap();
        },
        reason: HoldReason::EditedInAxerrio,
        line: None,
        after: ["placed 4 2 | freedom 4 po 0, mondial 2 po 0"; 3],
        undo: Some((
            |w, at, now| {
                let change = OrderChange { ship_date: Some(at.ship), ..OrderChange::default() };
                w.axerrio.customer_changes_header(&at.order, &change, now).unwrap();
            },
            "placed 4 2 | freedom 4 po 0, mondial 2 po 0",
        )),
    },
];

const AFTER_APPROVAL: &[Case] = &[
    Case {
        what: "a line changed",
        start: Start::Approved,
        deed: |w, at, now| w.axerrio.customer_changes_line(&at.order, "1", |l| l.boxes = 6, now).unwrap(),
        reason: HoldReason::ChangedAfterApproval,
        line: Some("1"),
        after: [
            "placed 6 2 | freedom 6 po 6, mondial 2 po 2",
            "placed 6 2 | freedom 4 po 4, mondial 2 po 2",
            "placed 6 2 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.axerrio.customer_changes_line(&at.order, "1", |l| l.boxes = 4, now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "a line removed",
        start: Start::Approved,
        deed: |w, at, now| w.axerrio.customer_removes_line(&at.order, "2", now).unwrap(),
        reason: HoldReason::ChangedAfterApproval,
        line: Some("2"),
        after: [
            "placed 4 | freedom 4 po 4",
            "placed 4 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: None,
    },
    Case {
        what: "a line added",
        start: Start::Approved,
        deed: |w, at, now| drop(w.axerrio.customer_adds_line(&at.order, line(NOBBIO, 1), now).unwrap()),
        reason: HoldReason::ChangedAfterApproval,
        line: Some("3"),
        after: [
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2, nobbio 1 po 1",
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.axerrio.customer_removes_line(&at.order, "3", now).unwrap(),
            "placed 4 2 | freedom 4 po 4, mondial 2 po 2",
        )),
    },
    Case {
        what: "the order cancelled",
        start: Start::Approved,
        deed: |w, at, now| w.axerrio.customer_cancels(&at.order, now).unwrap(),
        reason: HoldReason::ChangedAfterApproval,
        line: None,
        after: [
            "cancelled 4 2 | ",
            "cancelled 4 2 | freedom 4 po 4, mondial 2 po 2",
            "cancelled 4 2 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: None,
    },
    Case {
        what: "fewer boxes confirmed",
        start: Start::Approved,
        deed: |w, at, now| w.axerrio.vendor_accepts(&at.order, &[("1", 3)], now).unwrap(),
        reason: HoldReason::ChangedAfterApproval,
        line: Some("1"),
        after: [
            "accepted 4 2 | freedom 4 po 3, mondial 2 po 2",
            "accepted 4 2 | freedom 4 po 4, mondial 2 po 2",
            "accepted 4 2 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.komet.buyer_changes_line(po_line(w, at), Some(3), None, now).unwrap(),
            "accepted 4 2 | freedom 4 po 3, mondial 2 po 2",
        )),
    },
];

const LABELS: &[Case] = &[
    Case {
        what: "a label withdrawn after shipping",
        start: Start::Labelled,
        deed: |w, at, now| w.axerrio.vendor_voids(&first_label(w, at), now).unwrap(),
        reason: HoldReason::VoidLabel,
        line: Some("1"),
        after: ["placed 4 2 | freedom 4 po 4+4, mondial 2 po 2+2"; 3],
        undo: Some((
            |w, at, now| {
                let void =
                    w.axerrio.labels_of(&at.order).find(|l| l.status == LabelStatus::Void).unwrap().id.clone();
                drop(w.axerrio.vendor_reprints(&void, Reprint::NewLabel, now).unwrap());
            },
            "placed 4 2 | freedom 4 po 4+4, mondial 2 po 2+2",
        )),
    },
    Case {
        what: "a lot changed after shipping",
        start: Start::Labelled,
        deed: |w, at, now| {
            w.axerrio.vendor_corrects_label(&first_label(w, at), None, None, Some("OTHER"), now).unwrap()
        },
        reason: HoldReason::LabelChangedAfterShipping,
        line: Some("1"),
        after: ["placed 4 2 | freedom 4 po 4+4, mondial 2 po 2+2"; 3],
        undo: Some((
            |w, at, now| w.axerrio.vendor_corrects_label(&first_label(w, at), None, None, Some(LOT), now).unwrap(),
            "placed 4 2 | freedom 4 po 4+4, mondial 2 po 2+2",
        )),
    },
    Case {
        what: "a lot of Komet's own range",
        start: Start::Approved,
        deed: |w, at, now| drop(w.axerrio.vendor_prints(&at.order, "1", 4, Some(AWB), Some("5000"), now).unwrap()),
        reason: HoldReason::ReservedLotNumber,
        line: Some("1"),
        after: ["placed 4 2 | freedom 4 po 4, mondial 2 po 2"; 3],
        undo: Some((
            |w, at, now| {
                let labels: Vec<String> = w.axerrio.labels_of(&at.order).map(|l| l.id.clone()).collect();
                for label in labels {
                    w.axerrio.vendor_corrects_label(&label, None, None, Some(LOT), now).unwrap();
                }
            },
            "placed 4 2 | freedom 4 po 4+4, mondial 2 po 2",
        )),
    },
    Case {
        what: "a code that two labels have",
        start: Start::Approved,
        deed: |w, at, now| {
            print_all(w, &at.order, now);
            let (first, third) = (first_label(w, at), third_label(w, at));
            let code = w.axerrio.labels_of(&at.order).find(|l| l.id == first).unwrap().box_code.clone();
            w.axerrio.vendor_misprints(&third, &code, now).unwrap();
        },
        reason: HoldReason::DuplicateBoxCode,
        line: Some("1"),
        after: ["placed 4 2 | freedom 4 po 4+3, mondial 2 po 2+2"; 3],
        undo: Some((
            |w, at, now| drop(w.axerrio.vendor_reprints(&third_label(w, at), Reprint::SameLabel, now).unwrap()),
            "placed 4 2 | freedom 4 po 4+4, mondial 2 po 2+2",
        )),
    },
    Case {
        what: "a product that Komet does not know",
        start: Start::Unknown,
        deed: |w, at, now| {
            approve_all(w, now);
            print_all(w, &at.order, now);
        },
        reason: HoldReason::UnmappedProduct,
        line: Some("2"),
        after: ["placed 4 2 | freedom 4 po 4+4, select 2 po 2"; 3],
        undo: Some((
            |w, _, now| assert!(w.komet.person_maps_product(UNKNOWN, UNKNOWN_IS, now).unwrap() > 0),
            "placed 4 2 | freedom 4 po 4+4, mix 2 po 2+2",
        )),
    },
];

const REFUSALS: &[Case] = &[
    Case {
        what: "a mark code that is too long",
        start: Start::Pending,
        deed: |w, at, now| {
            let mut long = line(NOBBIO, 1);
            long.mark_code = Some("A MARK CODE BEYOND TWENTY CHARACTERS".into());
            drop(w.axerrio.customer_adds_line(&at.order, long, now).unwrap());
        },
        reason: HoldReason::FieldTooLong,
        line: Some("3"),
        after: [
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2",
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2, nobbio 1 po 1",
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2",
        ],
        undo: Some((
            |w, at, now| w.axerrio.customer_changes_line(&at.order, "3", |l| l.mark_code = None, now).unwrap(),
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2, nobbio 1 po 1",
        )),
    },
    Case {
        what: "a box type that Komet refuses",
        start: Start::Pending,
        deed: |w, at, now| {
            let mut odd = line(NOBBIO, 1);
            odd.box_type = "ZZ".into();
            drop(w.axerrio.customer_adds_line(&at.order, odd, now).unwrap());
        },
        reason: HoldReason::RejectedByKomet,
        line: Some("3"),
        after: ["placed 4 2 1 | freedom 4 po 4, mondial 2 po 2"; 3],
        undo: Some((
            |w, at, now| {
                w.axerrio.customer_changes_line(&at.order, "3", |l| l.box_type = "QB".into(), now).unwrap()
            },
            "placed 4 2 1 | freedom 4 po 4, mondial 2 po 2, nobbio 1 po 1",
        )),
    },
    Case {
        what: "an order that the vendor rejects",
        start: Start::Prebooked,
        deed: |w, at, now| w.axerrio.vendor_rejects(&at.order, now).unwrap(),
        reason: HoldReason::RejectedByAxerrio,
        line: None,
        after: ["rejected 4 2 | freedom 4 po 0, mondial 2 po 0"; 3],
        undo: Some((
            |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(3), now).unwrap(),
            "placed 3 2 | freedom 3 po 0, mondial 2 po 0",
        )),
    },
    Case {
        what: "a change that Axerrio refuses, because labels are printed",
        start: Start::Printed,
        deed: |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(9), now).unwrap(),
        reason: HoldReason::RejectedByAxerrio,
        line: None,
        after: ["accepted 4 2 | freedom 9 po 4+4, mondial 2 po 2+2"; 3],
        undo: Some((
            |w, at, now| w.komet.rep_changes_item(at.items[0], &boxes(4), now).unwrap(),
            "accepted 4 2 | freedom 4 po 4+4, mondial 2 po 2+2",
        )),
    },
];

#[tokio::test]
async fn what_was_edited_in_komet_is_written_again_or_left() {
    all(KOMET_EDITS, Some(Verdict::TakeAxerrio)).await;
}

#[tokio::test]
async fn what_was_edited_in_axerrio_is_put_again_or_left() {
    all(AXERRIO_EDITS, Some(Verdict::TakeKomet)).await;
}

#[tokio::test]
async fn what_changed_after_approval_is_carried_out_or_left() {
    all(AFTER_APPROVAL, Some(Verdict::TakeKomet)).await;
}

#[tokio::test]
async fn what_is_wrong_with_labels_is_left_and_not_asked_again() {
    all(LABELS, None).await;
}

#[tokio::test]
async fn what_was_refused_is_left_until_the_order_changes() {
    all(REFUSALS, None).await;
}
