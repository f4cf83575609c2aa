//! Every owned field of one linked record, changed on either side: exactly that difference is reported, and nothing
//! else. People change what they have a method for; the rest is changed in the simulated systems' own tables.

use chrono::{DateTime, Days, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use stemsync::sandbox::axerrio::{Named, OrderChange, Reprint};
use stemsync::sandbox::komet::{HeaderChange, ItemChange};
use stemsync::sandbox::{Answers, World};

use crate::played::{Played, Upto, told};

/// One order of the week on both sides.
struct At {
    order: String,
    /// Its number in Axerrio's table.
    number: String,
    prebook: u64,
    /// Prebook items, PO lines and the lines in Axerrio, in the order's order.
    items: Vec<u64>,
    po: u64,
    po_id: u64,
    po_lines: Vec<u64>,
    lines: Vec<String>,
    /// The first line's labels and their box codes.
    labels: Vec<(String, String)>,
}

impl At {
    /// A flow 1 order.
    fn order(played: &Played, name: &str) -> Self {
        let order = played.order(name);
        played.link.act(|w, _| {
            let tag = format!("[AX {order}]");
            let prebook = w.komet.prebooks().find(|p| p.comments.ends_with(&tag)).unwrap();
            let items = prebook.items.iter().map(|i| i.id).collect();
            Self::of(w, order.clone(), prebook.id, items)
        })
    }

    /// A flow 2 order: the first ship date of its Prebook.
    fn prebook(played: &Played, name: &str) -> Self {
        let prebook = played.prebook(name);
        played.link.act(|w, _| {
            let order = w.axerrio.order_by_ref(&format!("komet-prebook-{prebook}")).unwrap();
            let items = order.draft.lines.iter().map(|l| l.id.parse().unwrap()).collect();
            Self::of(w, order.id.clone(), prebook, items)
        })
    }

    fn of(w: &World, order: String, prebook: u64, items: Vec<u64>) -> Self {
        let shown = w.axerrio.order(&order).unwrap();
        let lines: Vec<String> = shown.draft.lines.iter().map(|l| l.id.clone()).collect();
        let bought: Vec<_> = items.iter().map(|item| w.komet.lines_buying(*item).next().unwrap()).collect();
        let labels = w.axerrio.labels_of(&order).filter(|l| l.line_id == lines[0]);
        Self {
            number: order.trim_start_matches("AX-").to_owned(),
            prebook,
            items,
            po: bought[0].0.number,
            po_id: bought[0].0.id,
            po_lines: bought.iter().map(|(_, line)| line.id).collect(),
            labels: labels.map(|l| (l.id.clone(), l.box_code.clone())).collect(),
            lines,
            order,
        }
    }

    fn ax<'v>(&self, world: &'v mut Value) -> &'v mut Value {
        &mut world["axerrio"]["orders"]["records"][&self.number]
    }

    fn ax_line<'v>(&self, world: &'v mut Value, line: usize) -> &'v mut Value {
        &mut self.ax(world)["draft"]["lines"][line]
    }

    fn komet<'v>(&self, world: &'v mut Value) -> &'v mut Value {
        &mut world["komet"]["prebooks"][self.prebook.to_string()]
    }

    fn item<'v>(&self, world: &'v mut Value, line: usize) -> &'v mut Value {
        let item = json!(self.items[line]);
        self.komet(world)["items"].as_array_mut().unwrap().iter_mut().find(|i| i["id"] == item).unwrap()
    }

    fn po<'v>(&self, world: &'v mut Value) -> &'v mut Value {
        &mut world["komet"]["orders"][self.po_id.to_string()]
    }

    fn po_line<'v>(&self, world: &'v mut Value, line: usize) -> &'v mut Value {
        let line = json!(self.po_lines[line]);
        self.po(world)["lines"].as_array_mut().unwrap().iter_mut().find(|l| l["id"] == line).unwrap()
    }
}

/// Who changes what.
#[derive(Clone, Copy)]
enum Change {
    Person(fn(&mut World, &At, DateTime<Utc>) -> anyhow::Result<()>),
    Table(fn(&mut Value, &At)),
}
use Change::{Person, Table};

/// Deed, and the differences it makes: line (`-` for the order, `1` for its first line) and field.
type Case = (&'static str, Change, &'static [(&'static str, &'static str)]);

fn tomorrow(day: chrono::NaiveDate) -> chrono::NaiveDate {
    day + Days::new(1)
}

#[allow(clippy::unnecessary_wraps)] // people's methods take it so
fn cost(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

fn other_unit(value: &mut Value) {
    *value = json!(if *value == json!("stem") { "bunch" } else { "stem" });
}

/// Makes of goods what the other ones are.
fn substituted(goods: &mut Value, other: &Value) {
    for field in ["product", "description"] {
        goods[field] = other[field].clone();
    }
}

fn moved(value: &mut Value) {
    let day: chrono::NaiveDate = value.as_str().unwrap().parse().unwrap();
    *value = json!(tomorrow(day));
}

/// Packs the first and the third part of a mixed box as the other one was.
fn change_places(parts: &mut Value, product: &[&str]) {
    for field in product {
        let first = parts[0][*field].take();
        parts[0][*field] = std::mem::replace(&mut parts[2][*field], first);
    }
}

async fn finds(played: &Played, at: &At, cases: &[Case]) {
    finds_apart(played, at, cases, |_| false).await;
}

/// As [`finds`], but where a deed is somebody's right, its differences are listed apart.
async fn finds_apart(played: &Played, at: &At, cases: &[Case], is_right: fn(&str) -> bool) {
    let untouched = played.world();
    let mut wrong = Vec::new();
    for (deed, change, expected) in cases {
        match change {
            Person(change) => played.link.act(|w, now| change(w, at, now)).unwrap(),
            Table(change) => {
                let mut world: Value = serde_json::from_str(&untouched).unwrap();
                change(&mut world, at);
                played.put_world(&world.to_string());
            }
        }
        let report = played.audit().await;
        let (listed, other) = if is_right(deed) {
            (&report.agreed_to_differ, &report.differences)
        } else {
            (&report.differences, &report.agreed_to_differ)
        };
        let mut found: Vec<(String, &str)> = listed
            .iter()
            .map(|d| {
                let line = d.line.as_ref().map_or("-".to_owned(), |line| {
                    let number = at.lines.iter().position(|l| l == line);
                    number.map_or_else(|| line.clone(), |n| (n + 1).to_string())
                });
                (line, d.field)
            })
            .collect();
        found.sort();
        let mut expected: Vec<(String, &str)> = expected.iter().map(|(l, f)| ((*l).to_owned(), *f)).collect();
        expected.sort();
        let sound = listed.iter().all(|d| d.order.as_ref() == Some(&at.order) && d.axerrio != d.komet);
        if found != expected || !sound || !other.is_empty() {
            wrong.push(format!("{deed}: {:?} {:?}", told(&report.differences), told(&report.agreed_to_differ)));
        }
        played.put_world(&untouched);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(played.audit().await.differences.is_empty());
}

/// What is said of an order born in Axerrio, whatever its stage.
const FLOW_1: &[Case] = &[
    (
        "boxes in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_edits_line(&at.order, "1", Some(9), None, now)),
        &[("1", "boxes")],
    ),
    (
        "boxes in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { boxes: Some(9), ..ItemChange::default() }, now)
        }),
        &[("1", "boxes")],
    ),
    (
        "cost in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_edits_line(&at.order, "1", None, cost("0.99"), now)),
        &[("1", "cost")],
    ),
    (
        "cost in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { cost: cost("0.99"), ..ItemChange::default() }, now)
        }),
        &[("1", "cost")],
    ),
    ("bunches in Axerrio", Table(|w, at| at.ax_line(w, 0)["bunchesPerBox"] = json!(99)), &[("1", "bunches")]),
    (
        "bunches in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { bunches: Some(99), ..ItemChange::default() }, now)
        }),
        &[("1", "bunches")],
    ),
    ("stems in Axerrio", Table(|w, at| at.ax_line(w, 1)["stemsPerBunch"] = json!(99)), &[("2", "stems")]),
    (
        "stems in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[1], &ItemChange { stems: Some(99), ..ItemChange::default() }, now)
        }),
        &[("2", "stems")],
    ),
    ("unit in Axerrio", Table(|w, at| other_unit(&mut at.ax_line(w, 0)["unitType"])), &[("1", "unit_type")]),
    ("unit in Komet", Table(|w, at| other_unit(&mut at.item(w, 0)["goods"]["unit"])), &[("1", "unit_type")]),
    ("box type in Axerrio", Table(|w, at| at.ax_line(w, 0)["boxType"] = json!("EB")), &[("1", "box_type")]),
    ("box type in Komet", Table(|w, at| at.item(w, 0)["goods"]["box_type"] = json!("EB")), &[("1", "box_type")]),
    ("mark code in Axerrio", Table(|w, at| at.ax_line(w, 0)["markCode"] = Value::Null), &[("1", "mark_code")]),
    (
        "mark code in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(
                at.items[0],
                &ItemChange { mark_code: Some("OTHER".into()), ..ItemChange::default() },
                now,
            )
        }),
        &[("1", "mark_code")],
    ),
    (
        "product in Axerrio",
        Table(|w, at| at.ax_line(w, 0)["product"] = json!({"code": "RVEND60", "description": "x"})),
        &[("1", "product")],
    ),
    (
        "product in Komet",
        Table(|w, at| {
            let other = at.item(w, 1)["goods"]["product"].clone();
            at.item(w, 0)["goods"]["product"] = other;
        }),
        &[("1", "product")],
    ),
    ("ship date in Axerrio", Table(|w, at| moved(&mut at.ax(w)["draft"]["shipDate"])), &[("-", "ship_date")]),
    (
        "ship date of one item in Komet",
        Table(|w, at| moved(&mut at.item(w, 1)["ship_date"])),
        &[("2", "ship_date")],
    ),
    (
        "ship date of every item in Komet",
        Table(|w, at| (0..at.items.len()).for_each(|i| moved(&mut at.item(w, i)["ship_date"]))),
        &[("-", "ship_date")],
    ),
    (
        "every item far beyond the horizon",
        Table(|w, at| {
            (0..at.items.len()).for_each(|i| {
                let far = Utc::now().date_naive() + Days::new(40);
                at.item(w, i)["ship_date"] = json!(far);
            });
        }),
        &[("-", "ship_date")],
    ),
    ("truck date in Axerrio", Table(|w, at| moved(&mut at.ax(w)["draft"]["truckDate"])), &[("-", "truck_date")]),
    ("truck date in Komet", Table(|w, at| moved(&mut at.komet(w)["truck_date"])), &[("-", "truck_date")]),
    (
        "customer PO in Axerrio",
        Table(|w, at| at.ax(w)["draft"]["customerPo"] = json!("OTHER")),
        &[("-", "customer_po")],
    ),
    (
        "customer PO in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_header(
                at.prebook,
                &HeaderChange { customer_po: Some(String::new()), ..HeaderChange::default() },
                now,
            )
        }),
        &[("-", "customer_po")],
    ),
    (
        "carrier in Axerrio",
        Person(|w, at, now| {
            let carrier = Some(Named { code: "SUNBELT".into(), name: "x".into() });
            w.axerrio.customer_changes_header(&at.order, &OrderChange { carrier, ..OrderChange::default() }, now)
        }),
        &[("-", "carrier")],
    ),
    ("no carrier in Axerrio", Table(|w, at| at.ax(w)["draft"]["carrier"] = Value::Null), &[("-", "carrier")]),
    (
        "carrier in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_header(
                at.prebook,
                &HeaderChange { carrier: Some("SUNBELT".into()), ..HeaderChange::default() },
                now,
            )
        }),
        &[("-", "carrier")],
    ),
    (
        "customer in Axerrio",
        Table(|w, at| at.ax(w)["draft"]["customer"]["code"] = json!("JUNIPER")),
        &[("-", "customer")],
    ),
    ("customer in Komet", Table(|w, at| at.komet(w)["customer"] = json!(3103)), &[("-", "customer")]),
    ("location in Axerrio", Table(|w, at| at.ax(w)["draft"]["location"] = json!("LAX")), &[("-", "location")]),
    (
        "line removed in Axerrio",
        Person(|w, at, now| w.axerrio.customer_removes_line(&at.order, "2", now)),
        &[("2", "line")],
    ),
    (
        "line added in Axerrio",
        Table(|w, at| {
            let mut line = at.ax_line(w, 0).clone();
            line["id"] = json!("77");
            at.ax(w)["draft"]["lines"].as_array_mut().unwrap().push(line);
        }),
        &[("77", "line")],
    ),
    ("item deleted in Komet", Person(|w, at, now| w.komet.rep_deletes_item(at.items[1], now)), &[("2", "line")]),
    (
        "item emptied in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[1], &ItemChange { boxes: Some(0), ..ItemChange::default() }, now)
        }),
        &[("2", "line")],
    ),
    (
        "item doubled in Komet",
        Table(|w, at| {
            let mut item = at.item(w, 1).clone();
            item["id"] = json!(9_999_999);
            at.komet(w)["items"].as_array_mut().unwrap().push(item);
        }),
        &[("-", "item")],
    ),
    (
        "Prebook doubled in Komet",
        Table(|w, at| {
            let mut prebook = at.komet(w).clone();
            prebook["id"] = json!(9_999_998);
            prebook["number"] = json!(9_999_998);
            let items = prebook["items"].as_array_mut().unwrap();
            items.truncate(2);
            items[0]["id"] = json!(9_999_998);
            items[1]["id"] = json!(9_999_999);
            w["komet"]["prebooks"]["9999998"] = prebook;
        }),
        &[("-", "item"), ("-", "item")],
    ),
    ("Prebook deleted in Komet", Person(|w, at, _| w.komet.rep_deletes_prebook(at.prebook)), &[("-", "order")]),
    ("order cancelled in Axerrio", Table(|w, at| at.ax(w)["status"] = json!("cancelled")), &[("-", "order")]),
    (
        "order gone from Axerrio",
        Table(|w, at| drop(w["axerrio"]["orders"]["records"].as_object_mut().unwrap().remove(&at.number))),
        &[("-", "order")],
    ),
    // What is not reconciled is no difference.
    (
        "comments and notes",
        Table(|w, at| {
            at.ax(w)["draft"]["comments"] = json!("other");
            at.ax_line(w, 0)["notes"] = json!("other");
            at.ax_line(w, 0)["unitPrice"] = json!("9.99");
            at.ax(w)["draft"]["customer"]["name"] = json!("other");
            at.item(w, 0)["goods"]["notes"] = json!("other");
            at.item(w, 0)["goods"]["description"] = json!("other");
        }),
        &[],
    ),
];

/// A deed at a PO, and the differences it makes while the PO is pending, and from approval on.
type PoCase =
    (&'static str, Change, &'static [(&'static str, &'static str)], &'static [(&'static str, &'static str)]);

/// What may be done to a PO at any time: while it is pending it must buy what the order says; from approval on its lines
/// are Komet's, and Axerrio must know them.
const PO: &[PoCase] = &[
    (
        "boxes of the PO",
        Person(|w, at, now| w.komet.buyer_changes_line(at.po_lines[0], Some(9), None, now)),
        &[("1", "po_boxes")],
        &[("1", "po_boxes")],
    ),
    (
        "cost of the PO",
        Person(|w, at, now| w.komet.buyer_changes_line(at.po_lines[1], None, cost("0.99"), now)),
        &[("2", "po_cost")],
        &[("2", "po_cost")],
    ),
    (
        "product of the PO",
        Table(|w, at| {
            let other = at.po_line(w, 1)["goods"].clone();
            substituted(&mut at.po_line(w, 0)["goods"], &other);
        }),
        &[("1", "po_product")],
        &[("1", "po_product")],
    ),
    // From here on what is not told to Axerrio is nobody's but Komet's after approval.
    (
        "bunches of the PO",
        Table(|w, at| at.po_line(w, 0)["goods"]["bunches"] = json!(99)),
        &[("1", "po_bunches")],
        &[],
    ),
    ("stems of the PO", Table(|w, at| at.po_line(w, 0)["goods"]["stems"] = json!(99)), &[("1", "po_stems")], &[]),
    (
        "unit of the PO",
        Table(|w, at| other_unit(&mut at.po_line(w, 0)["goods"]["unit"])),
        &[("1", "po_unit_type")],
        &[],
    ),
    (
        "box type of the PO",
        Table(|w, at| at.po_line(w, 0)["goods"]["box_type"] = json!("EB")),
        &[("1", "po_box_type")],
        &[],
    ),
    (
        "fewer boxes confirmed",
        Person(|w, at, now| w.axerrio.vendor_accepts(&at.order, &[(&at.lines[0], 1)], now)),
        &[("1", "po_boxes")],
        &[("1", "confirmed_boxes")],
    ),
    (
        "PO line deleted",
        Table(|w, at| drop(at.po(w)["lines"].as_array_mut().unwrap().remove(0))),
        &[("1", "po_line")],
        &[("1", "po_line")],
    ),
    (
        "PO cancelled",
        Person(|w, at, now| w.komet.buyer_cancels(at.po, now)),
        &[("-", "po")],
        &[("-", "po_status")],
    ),
    (
        "bought twice on another PO",
        Table(|w, at| {
            let mut po = at.po(w).clone();
            po["id"] = json!(9_999_999);
            po["number"] = json!(9_999_999);
            let lines = po["lines"].as_array_mut().unwrap();
            lines.truncate(1);
            lines[0]["id"] = json!(9_999_999);
            lines[0]["boxes"] = json!([]);
            w["komet"]["orders"]["9999999"] = po;
        }),
        &[("1", "po_line")],
        &[("1", "po_line")],
    ),
];

/// [`PO`] while it is pending, with what can only be done then.
fn pending() -> Vec<Case> {
    let shared = PO.iter().map(|(deed, change, pending, _)| (*deed, *change, *pending));
    shared.chain(PENDING.iter().copied()).collect()
}

/// [`PO`] from approval on, with what can only be done then.
fn approved() -> Vec<Case> {
    let shared = PO.iter().map(|(deed, change, _, approved)| (*deed, *change, *approved));
    shared.chain(APPROVED.iter().copied()).collect()
}

/// What can be done to a pending PO only.
const PENDING: &[Case] = &[
    (
        "PO deleted",
        Table(|w, at| drop(w["komet"]["orders"].as_object_mut().unwrap().remove(&at.po_id.to_string()))),
        &[("-", "po")],
    ),
    ("PO approved", Person(|w, at, now| w.komet.buyer_approves(at.po, now)), &[("-", "po")]),
    (
        "line bought twice",
        Table(|w, at| {
            let mut line = at.po_line(w, 0).clone();
            line["id"] = json!(9_999_999);
            at.po(w)["lines"].as_array_mut().unwrap().push(line);
        }),
        &[("1", "po_line")],
    ),
];

/// What Axerrio knows of a decided PO, and what becomes of one.
const APPROVED: &[Case] = &[
    ("PO confirmed by the farm", Person(|w, at, now| w.komet.buyer_confirms(at.po, now)), &[("-", "po_status")]),
    (
        "PO moved",
        Person(|w, at, now| {
            let day = w.komet.purchase_order(at.po).unwrap().ship_date;
            w.komet.buyer_moves_po(at.po, tomorrow(day), now)
        }),
        &[("-", "po_ship_date")],
    ),
    (
        "PO moved out of sight",
        Person(|w, at, now| w.komet.buyer_moves_po(at.po, now.date_naive() + Days::new(60), now)),
        &[("-", "po_ship_date")],
    ),
    (
        "PO number in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["number"] = json!("1")),
        &[("-", "po_number")],
    ),
    (
        "PO status in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["status"] = json!("pending")),
        &[("-", "po_status")],
    ),
    (
        "PO ship date in Axerrio",
        Table(|w, at| moved(&mut at.ax(w)["purchaseOrder"]["shipDate"])),
        &[("-", "po_ship_date")],
    ),
    (
        "PO boxes in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["lines"][0]["boxes"] = json!(99)),
        &[("1", "po_boxes")],
    ),
    (
        "PO cost in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["lines"][1]["unitCost"] = json!("9.99")),
        &[("2", "po_cost")],
    ),
    (
        "PO line in Axerrio",
        Table(|w, at| drop(at.ax(w)["purchaseOrder"]["lines"].as_array_mut().unwrap().remove(1))),
        &[("2", "po_line")],
    ),
    (
        "PO line's number in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["lines"][0]["poItemId"] = json!("1")),
        &[("1", "po_line")],
    ),
    ("no PO in Axerrio", Table(|w, at| at.ax(w)["purchaseOrder"] = Value::Null), &[("-", "po")]),
];

const LABELLED: &[Case] = &[
    (
        "label reprinted",
        Person(|w, at, now| w.axerrio.vendor_reprints(&at.labels[0].0, Reprint::SameLabel, now).map(drop)),
        &[("1", "box_code")],
    ),
    (
        "label reprinted as a new one",
        Person(|w, at, now| w.axerrio.vendor_reprints(&at.labels[0].0, Reprint::NewLabel, now).map(drop)),
        &[("1", "box_code")],
    ),
    ("label void", Person(|w, at, now| w.axerrio.vendor_voids(&at.labels[0].0, now)), &[("1", "box_code")]),
    (
        "label gone",
        Table(|w, at| {
            drop(
                w["axerrio"]["labels"]["records"]
                    .as_object_mut()
                    .unwrap()
                    .remove(at.labels[0].0.trim_start_matches("LB-")),
            );
        }),
        &[("1", "box_code")],
    ),
    (
        "a label of the same instant and a lower number, of a code of its own",
        Table(|w, at| {
            let number = at.labels[0].0.trim_start_matches("LB-");
            let mut former = w["axerrio"]["labels"]["records"][number].clone();
            (former["id"], former["boxCode"]) = (json!("LB-9"), json!("FORMER"));
            w["axerrio"]["labels"]["records"]["9"] = former;
        }),
        &[],
    ),
    (
        "a label of a line that the order does not have",
        Table(|w, at| {
            let number = at.labels[0].0.trim_start_matches("LB-");
            let mut lost = w["axerrio"]["labels"]["records"][number].clone();
            (lost["id"], lost["boxCode"], lost["lineId"]) = (json!("LB-9"), json!("LOST"), json!("77"));
            w["axerrio"]["labels"]["records"]["9"] = lost;
        }),
        &[("77", "box_code")],
    ),
    (
        "lot in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_corrects_label(&at.labels[0].0, None, None, Some("OTHER"), now)),
        &[("1", "lot_number")],
    ),
    (
        "AWB in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_corrects_label(&at.labels[0].0, Some("OTHER"), None, None, now)),
        &[("1", "awb")],
    ),
    (
        "house AWB in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_corrects_label(&at.labels[0].0, None, Some("OTHER"), None, now)),
        &[("1", "house_awb")],
    ),
    (
        "box code in Komet",
        Table(|w, at| at.po_line(w, 0)["boxes"][0]["code"] = json!("OTHER")),
        &[("1", "box_code")],
    ),
    ("lot in Komet", Table(|w, at| at.po_line(w, 0)["boxes"][0]["lot"] = json!("OTHER")), &[("1", "lot_number")]),
    (
        "box gone from Komet",
        Table(|w, at| drop(at.po_line(w, 0)["boxes"].as_array_mut().unwrap().remove(0))),
        &[("1", "box_code")],
    ),
    (
        "AWB of the PO in Axerrio",
        Table(|w, at| at.ax(w)["purchaseOrder"]["awb"] = json!("OTHER")),
        &[("-", "po_awb")],
    ),
];

/// What is said of an order prebooked in Komet, whatever its stage.
const FLOW_2: &[Case] = &[
    (
        "boxes in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_edits_line(&at.order, &at.lines[0], Some(99), None, now)),
        &[("1", "boxes")],
    ),
    (
        "boxes in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { boxes: Some(99), ..ItemChange::default() }, now)
        }),
        &[("1", "boxes")],
    ),
    (
        "cost in Axerrio",
        Person(|w, at, now| w.axerrio.vendor_edits_line(&at.order, &at.lines[0], None, cost("0.99"), now)),
        &[("1", "cost")],
    ),
    (
        "cost in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { cost: cost("0.99"), ..ItemChange::default() }, now)
        }),
        &[("1", "cost")],
    ),
    ("bunches in Axerrio", Table(|w, at| at.ax_line(w, 0)["bunchesPerBox"] = json!(99)), &[("1", "bunches")]),
    (
        "bunches in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[0], &ItemChange { bunches: Some(99), ..ItemChange::default() }, now)
        }),
        &[("1", "bunches")],
    ),
    ("stems in Axerrio", Table(|w, at| at.ax_line(w, 1)["stemsPerBunch"] = json!(99)), &[("2", "stems")]),
    (
        "stems in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(at.items[1], &ItemChange { stems: Some(99), ..ItemChange::default() }, now)
        }),
        &[("2", "stems")],
    ),
    ("unit in Axerrio", Table(|w, at| other_unit(&mut at.ax_line(w, 0)["unitType"])), &[("1", "unit_type")]),
    ("unit in Komet", Table(|w, at| other_unit(&mut at.item(w, 0)["goods"]["unit"])), &[("1", "unit_type")]),
    ("box type in Axerrio", Table(|w, at| at.ax_line(w, 0)["boxType"] = json!("EB")), &[("1", "box_type")]),
    ("box type in Komet", Table(|w, at| at.item(w, 0)["goods"]["box_type"] = json!("EB")), &[("1", "box_type")]),
    ("mark code in Axerrio", Table(|w, at| at.ax_line(w, 0)["markCode"] = Value::Null), &[("1", "mark_code")]),
    (
        "mark code in Komet",
        Person(|w, at, now| {
            w.komet.rep_changes_item(
                at.items[0],
                &ItemChange { mark_code: Some("OTHER".into()), ..ItemChange::default() },
                now,
            )
        }),
        &[("1", "mark_code")],
    ),
    (
        "product in Axerrio",
        Table(|w, at| at.ax_line(w, 0)["product"]["code"] = json!("OTHER")),
        &[("1", "product")],
    ),
    (
        "product in Komet",
        Table(|w, at| {
            let other = at.item(w, 1)["goods"]["product"].clone();
            at.item(w, 0)["goods"]["product"] = other;
        }),
        &[("1", "product")],
    ),
    ("ship date in Axerrio", Table(|w, at| moved(&mut at.ax(w)["draft"]["shipDate"])), &[("-", "ship_date")]),
    (
        "ship date in Komet",
        Table(|w, at| (0..at.items.len()).for_each(|i| moved(&mut at.item(w, i)["ship_date"]))),
        &[("-", "ship_date")],
    ),
    ("truck date in Axerrio", Table(|w, at| moved(&mut at.ax(w)["draft"]["truckDate"])), &[("-", "truck_date")]),
    ("truck date in Komet", Table(|w, at| moved(&mut at.komet(w)["truck_date"])), &[("-", "truck_date")]),
    (
        "customer PO in Axerrio",
        Table(|w, at| at.ax(w)["draft"]["customerPo"] = Value::Null),
        &[("-", "customer_po")],
    ),
    ("customer PO in Komet", Table(|w, at| at.komet(w)["customer_po"] = json!("OTHER")), &[("-", "customer_po")]),
    (
        "carrier in Axerrio",
        Table(|w, at| at.ax(w)["draft"]["carrier"]["code"] = json!("OTHER")),
        &[("-", "carrier")],
    ),
    ("carrier in Komet", Table(|w, at| at.komet(w)["carrier"] = Value::Null), &[("-", "carrier")]),
    (
        "customer in Axerrio",
        Table(|w, at| at.ax(w)["draft"]["customer"]["code"] = json!("JUNIPER")),
        &[("-", "customer")],
    ),
    ("customer in Komet", Table(|w, at| at.komet(w)["customer"] = json!(3103)), &[("-", "customer")]),
    ("location in Axerrio", Table(|w, at| at.ax(w)["draft"]["location"] = json!("LAX")), &[("-", "location")]),
    (
        "line gone from Axerrio",
        Table(|w, at| drop(at.ax(w)["draft"]["lines"].as_array_mut().unwrap().remove(1))),
        &[("2", "line")],
    ),
    (
        "line added in Axerrio",
        Table(|w, at| {
            let mut line = at.ax_line(w, 0).clone();
            line["id"] = json!("77");
            at.ax(w)["draft"]["lines"].as_array_mut().unwrap().push(line);
        }),
        &[("77", "line")],
    ),
    (
        "item added in Komet",
        Table(|w, at| {
            let mut item = at.item(w, 1).clone();
            item["id"] = json!(9_999_999);
            at.komet(w)["items"].as_array_mut().unwrap().push(item);
        }),
        &[("9999999", "line")],
    ),
    ("item deleted in Komet", Person(|w, at, now| w.komet.rep_deletes_item(at.items[1], now)), &[("2", "line")]),
    ("Prebook deleted in Komet", Person(|w, at, _| w.komet.rep_deletes_prebook(at.prebook)), &[("-", "order")]),
    ("order cancelled in Axerrio", Table(|w, at| at.ax(w)["status"] = json!("cancelled")), &[("-", "order")]),
    ("order rejected in Axerrio", Table(|w, at| at.ax(w)["status"] = json!("rejected")), &[("-", "order")]),
    (
        "order gone from Axerrio",
        Table(|w, at| drop(w["axerrio"]["orders"]["records"].as_object_mut().unwrap().remove(&at.number))),
        &[("-", "order")],
    ),
    (
        "comments and notes",
        Table(|w, at| {
            at.ax(w)["draft"]["comments"] = json!("other");
            at.ax_line(w, 0)["notes"] = json!("other");
            at.komet(w)["comments"] = json!("other");
            at.item(w, 0)["goods"]["notes"] = json!("other");
            at.item(w, 0)["price"] = json!("9.99");
        }),
        &[],
    ),
];

/// Mixed boxes: their parts are compared, whatever their order.
const MIXED: &[Case] = &[
    ("a part in Axerrio", Table(|w, at| at.ax_line(w, 2)["mix"][0]["bunches"] = json!(99)), &[("3", "mix")]),
    (
        "a part's product in Axerrio",
        Table(|w, at| at.ax_line(w, 2)["mix"][0]["product"]["code"] = json!("OTHER")),
        &[("3", "mix")],
    ),
    (
        "a part in Komet",
        Table(|w, at| at.item(w, 2)["goods"]["parts"][0]["cost"] = json!("9.99")),
        &[("3", "mix")],
    ),
    (
        "a part's product in Komet",
        Table(|w, at| at.item(w, 2)["goods"]["parts"][0]["product"] = json!(1)),
        &[("3", "mix")],
    ),
    (
        "a part of the PO",
        Table(|w, at| at.po_line(w, 2)["goods"]["parts"][0]["stems"] = json!(99)),
        &[("3", "po_mix")],
    ),
    (
        "a part's product on the PO",
        Table(|w, at| {
            let other = json!({"product": 1, "description": "other"});
            substituted(&mut at.po_line(w, 2)["goods"]["parts"][0], &other);
        }),
        &[("3", "po_mix")],
    ),
    (
        "amounts that changed places in Axerrio",
        Table(|w, at| change_places(&mut at.ax_line(w, 2)["mix"], &["product"])),
        &[("3", "mix")],
    ),
    (
        "amounts that changed places in Komet",
        Table(|w, at| change_places(&mut at.item(w, 2)["goods"]["parts"], &["product", "description"])),
        &[("3", "mix")],
    ),
    (
        "amounts that changed places on the PO",
        Table(|w, at| change_places(&mut at.po_line(w, 2)["goods"]["parts"], &["product", "description"])),
        &[("3", "po_mix")],
    ),
    ("boxes", Table(|w, at| at.ax_line(w, 2)["boxes"] = json!(99)), &[("3", "boxes")]),
    (
        "the order of the parts",
        Table(|w, at| at.item(w, 2)["goods"]["parts"].as_array_mut().unwrap().reverse()),
        &[],
    ),
];

/// The orders under test, and others that must not be mentioned.
async fn played(answers: Answers, upto: Upto) -> Played {
    let names = ["larkspur-reds", "tidewater-whites", "hudson-spray-roses", "great-bend-split-week"];
    Played::some(answers, upto, &names).await
}

#[tokio::test]
async fn every_field_of_a_pending_order_is_compared() {
    let played = played(Answers::Plain, Upto::Ordered).await;
    let at = At::order(&played, "larkspur-reds");
    finds(&played, &at, FLOW_1).await;
    finds(&played, &at, &pending()).await;
    finds(&played, &At::order(&played, "tidewater-whites"), MIXED).await;
    let at = At::prebook(&played, "hudson-spray-roses");
    finds(&played, &at, FLOW_2).await;
    // Komet owns flow 2: a pending line that was made as it should be is the buyer's to change.
    finds_apart(&played, &at, &pending(), |deed| deed.ends_with(" of the PO")).await;
}

#[tokio::test]
async fn every_field_of_an_approved_order_is_compared() {
    let played = played(Answers::Messy(5), Upto::Approved).await;
    let at = At::order(&played, "larkspur-reds");
    finds(&played, &at, FLOW_1).await;
    finds(&played, &at, &approved()).await;
    let at = At::prebook(&played, "hudson-spray-roses");
    finds(&played, &at, FLOW_2).await;
    finds(&played, &at, &approved()).await;
}

#[tokio::test]
async fn every_field_of_a_received_order_is_compared() {
    let played = played(Answers::Plain, Upto::Received).await;
    for at in [At::order(&played, "larkspur-reds"), At::prebook(&played, "hudson-spray-roses")] {
        finds(&played, &at, &approved()).await;
        finds(&played, &at, LABELLED).await;
    }
    finds(&played, &At::order(&played, "larkspur-reds"), FLOW_1).await;
    finds(&played, &At::prebook(&played, "hudson-spray-roses"), FLOW_2).await;
}
