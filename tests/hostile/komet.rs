//! Every method of Komet, its answer mutated: a value that makes sense or an error that names system and method, and
//! never the token.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde_json::Value;
use stemsync::domain::{
    CodeChange, ItemId, KometRef, LineId, NewGoods, NewPoLine, NewPrebook, NewPrebookItem, NewPurchaseOrder,
    PoItemId, Prebook, PrebookId, PurchaseOrder, Shipment, UnitType,
};
use stemsync::systems::komet::KometClient;
use stemsync::systems::{Answer, Komet, PoQuery, PrebookDates, PrebookQuery, System, SystemError};

use crate::corpus;
use crate::fuzz::fuzz;
use crate::http::{Server, response};
use crate::mutate::{Mutator, leaks};
use crate::world;

/// What the next request is answered with.
pub(crate) type Next = Arc<Mutex<Vec<u8>>>;

pub(crate) async fn parrot() -> (Server, Next) {
    let next = Next::default();
    let said = Arc::clone(&next);
    let server = Server::start(move |_| Some(said.lock().unwrap().clone())).await;
    (server, next)
}

/// An error that a person can use, and no token in it.
pub(crate) fn judge<T>(result: Result<T, SystemError>, system: System, method: &str) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            let told = format!("{error} {error:?}");
            if leaks(&told) {
                return Err(format!("the token is told: {told}"));
            }
            if error.system != system || error.method != method || error.to_string().chars().count() > 700 {
                return Err(format!("not an error of {method}: {error}"));
            }
            Ok(None)
        }
    }
}

/// Times and dates that can be counted with.
pub(crate) fn sane_date(date: NaiveDate) -> Result<(), String> {
    (0..=9999).contains(&date.year()).then_some(()).ok_or_else(|| format!("the year {}", date.year()))
}

pub(crate) fn sane_time(time: DateTime<Utc>) -> Result<(), String> {
    sane_date(time.date_naive())
}

fn sane_answer<T>(answer: &Answer<T>) -> Result<(), String> {
    sane_time(answer.as_of)?;
    for one in &answer.unreadable {
        if leaks(&one.what) || one.id.as_deref().is_some_and(leaks) {
            return Err(format!("the token is told: {one:?}"));
        }
        one.changed_at.map_or(Ok(()), sane_time)?;
    }
    Ok(())
}

fn sane_prebook(prebook: &Prebook) -> Result<(), String> {
    sane_date(prebook.header.truck_date)?;
    prebook.items.iter().try_for_each(|item| sane_date(item.ship_date))
}

fn sane_po(po: &PurchaseOrder) -> Result<(), String> {
    po.updated_on.map_or(Ok(()), sane_time)?;
    sane_date(po.ship_date)
}

/// An answer with its body mutated, and now and then its head.
pub(crate) fn mutated(mutator: &mut Mutator, specimen: &str) -> Vec<u8> {
    let body = mutator.json(specimen);
    // Throttling is left out: a read would sleep as long as it is asked to.
    let status = match mutator.rng.u8(..24) {
        0 => 500,
        1 => 400,
        2 => 401,
        3 => 404,
        4 => 422,
        5 => 302,
        _ => 200,
    };
    let date = mutator.pick(&[
        "Mon, 02 Feb 2026 10:00:00 GMT",
        "Mon, 02 Feb 2026 10:00:00 GMT",
        "Thu, 01 Jan 0000 00:00:00 +2359",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Sat, 01 Jan 262142 00:00:00 GMT",
        "Sun, 31 Feb 2026 25:61:61 GMT",
        "yesterday",
        "",
        "\u{fffd}",
    ]);
    let kind = mutator.pick(&[
        "application/json",
        "text/html; charset=utf-16",
        "",
        "application/json; charset=\"\u{e9}\"",
    ]);
    response(status, &[("Date", date), ("Content-Type", kind)], &body)
}

fn line_goods() -> NewGoods {
    NewGoods {
        boxes: 3,
        box_type: KometRef::Id(4),
        bunches: 12,
        stems_per_bunch: 25,
        unit_type: UnitType::Stem,
        unit_cost: "0.32".parse().unwrap(),
        notes: None,
        mix: Vec::new(),
    }
}

/// Every value of a key in a document, as text.
fn values(document: &Value, key: &str) -> Vec<String> {
    let deeper: Vec<&Value> = match document {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => {
            if let Some(found) = map.get(key).filter(|found| !found.is_object() && !found.is_array()) {
                return vec![found.as_str().map_or_else(|| found.to_string(), str::to_owned)];
            }
            map.values().collect()
        }
        _ => Vec::new(),
    };
    deeper.into_iter().flat_map(|one| values(one, key)).collect()
}

/// The request that a specimen once answered, as far as its answer tells.
struct Asked {
    prebook: NewPrebook,
    po: NewPurchaseOrder,
    shipments: Vec<Shipment>,
    changes: Vec<CodeChange>,
}

impl Asked {
    fn before(specimen: &str) -> Self {
        let answer: Value = serde_json::from_str(specimen).unwrap();
        let day = world::now().date_naive();
        let po_items: Vec<i64> = values(&answer, "poItemId").iter().map(|id| id.parse().unwrap()).collect();
        let items: Vec<i64> = values(&answer, "prebookItemId").iter().map(|id| id.parse().unwrap()).collect();
        let count = items.len().max(po_items.len()).max(1);
        let item = |place: usize| items.get(place).copied().unwrap_or(10 + i64::try_from(place).unwrap());
        Self {
            prebook: NewPrebook {
                customer: KometRef::Id(5),
                carrier: None,
                truck_date: day,
                customer_po: None,
                comments: "[AX AX-1]".to_owned(),
                location_code: None,
                use_existing: false,
                items: (0..count)
                    .map(|place| NewPrebookItem {
                        line: LineId(place.to_string()),
                        product: KometRef::Id(77),
                        goods: line_goods(),
                        price: None,
                        ship_date: day,
                        mark_code: None,
                    })
                    .collect(),
            },
            po: NewPurchaseOrder {
                mixed: false,
                ship_date: day,
                location_code: None,
                number: None,
                lines: (0..count)
                    .map(|place| NewPoLine {
                        line: LineId(place.to_string()),
                        item: ItemId(item(place)),
                        goods: line_goods(),
                        wanted: None,
                    })
                    .collect(),
            },
            shipments: po_items
                .iter()
                .map(|id| Shipment {
                    po_item: PoItemId(*id),
                    awb: "729-12345675".to_owned(),
                    house_awb: None,
                    ship_date: day,
                    codes: vec!["B0001".to_owned()],
                    lot_number: None,
                })
                .collect(),
            changes: values(&answer, "newBoxCode")
                .into_iter()
                .map(|new| CodeChange { current: "OLD".to_owned(), new })
                .collect(),
        }
    }
}

async fn read(method: &'static str, komet: &KometClient) -> Result<(), String> {
    let day = world::now().date_naive();
    let judge_komet = |told: Result<(), SystemError>| judge(told, System::Komet, method);
    match method {
        "prebook.details.list" => {
            let query = PrebookQuery {
                dates: PrebookDates::Ship { from: day, to: day },
                updated_as_of: None,
                number: None,
            };
            if let Some(answer) = judge(komet.prebooks(&query).await, System::Komet, method)? {
                sane_answer(&answer)?;
                answer.items.iter().try_for_each(sane_prebook)?;
            }
        }
        "purchase.order.list" => {
            if let Some(answer) =
                judge(komet.purchase_orders(&PoQuery::ShipDate(day)).await, System::Komet, method)?
            {
                sane_answer(&answer)?;
                answer.items.iter().try_for_each(sane_po)?;
            }
        }
        "carrier.list" => drop(judge_komet(komet.carriers().await.map(drop))?),
        _ => drop(judge_komet(komet.box_types().await.map(drop))?),
    }
    komet.clock().map_or(Ok(()), sane_time)
}

async fn write(method: &'static str, komet: &KometClient, asked: &Asked) -> Result<(), String> {
    let refusals = |all: Vec<Result<(), String>>| all.into_iter().filter_map(Result::err).collect::<String>();
    let told = match method {
        "prebook.create" => komet.prebook_create(&asked.prebook).await.map(|_| String::new()),
        "prebook.item.delete" => {
            komet.prebook_item_delete(&PrebookId(7), &ItemId(10)).await.map(|()| String::new())
        }
        "purchase.order.create" | "purchase.order.mixed.create" => {
            let new = NewPurchaseOrder { mixed: method == "purchase.order.mixed.create", ..asked.po.clone() };
            komet.po_create(&new).await.map(|_| String::new())
        }
        "purchase.order.item.delete" => komet.po_item_delete(&PoItemId(501)).await.map(|()| String::new()),
        "purchase.order.items.awb.add" => {
            let told = komet.ship(&asked.shipments).await;
            told.map(|all| refusals(all.into_iter().map(|one| one.result).collect()))
        }
        _ => {
            let told = komet.change_codes(&asked.changes).await;
            told.map(|all| refusals(all.into_iter().map(|one| one.result).collect()))
        }
    };
    match judge(told, System::Komet, method)? {
        Some(refusals) if leaks(&refusals) => Err(format!("the token is told: {refusals}")),
        _ => Ok(()),
    }
}

async fn read_target(method: &'static str) {
    let specimens = corpus::answers(method);
    let (server, next) = parrot().await;
    let komet = world::komet(&server.url);
    fuzz(&format!("komet::{}", method.replace('.', "_")), 200, async |mutator| {
        let specimen = &specimens[mutator.rng.usize(..specimens.len())];
        *next.lock().unwrap() = mutated(mutator, specimen);
        read(method, &komet).await
    })
    .await;
}

async fn write_target(method: &'static str) {
    let specimens: Vec<(String, Asked)> =
        corpus::answers(method).into_iter().map(|text| (text.clone(), Asked::before(&text))).collect();
    let (server, next) = parrot().await;
    let komet = world::komet(&server.url);
    fuzz(&format!("komet::{}", method.replace('.', "_")), 200, async |mutator| {
        let (specimen, asked) = &specimens[mutator.rng.usize(..specimens.len())];
        *next.lock().unwrap() = mutated(mutator, specimen);
        write(method, &komet, asked).await
    })
    .await;
}

#[tokio::test]
async fn prebook_details_list() {
    read_target("prebook.details.list").await;
}

#[tokio::test]
async fn purchase_order_list() {
    read_target("purchase.order.list").await;
}

#[tokio::test]
async fn carrier_list() {
    read_target("carrier.list").await;
}

#[tokio::test]
async fn boxtype_list() {
    read_target("boxtype.list").await;
}

#[tokio::test]
async fn prebook_create() {
    write_target("prebook.create").await;
}

#[tokio::test]
async fn prebook_item_delete() {
    write_target("prebook.item.delete").await;
}

#[tokio::test]
async fn purchase_order_create() {
    write_target("purchase.order.create").await;
}

#[tokio::test]
async fn purchase_order_mixed_create() {
    write_target("purchase.order.mixed.create").await;
}

#[tokio::test]
async fn purchase_order_item_delete() {
    write_target("purchase.order.item.delete").await;
}

#[tokio::test]
async fn purchase_order_items_awb_add() {
    write_target("purchase.order.items.awb.add").await;
}

#[tokio::test]
async fn box_code_change() {
    write_target("box.code.change").await;
}
