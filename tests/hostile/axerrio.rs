//! Every call of Axerrio, its answer mutated, and the two headers that carry times.

use std::time::Duration;

use stemsync::domain::{
    AxOrder, AxOrderId, ExternalRef, InputLine, Label, OrderInput, PrebookId, PurchaseOrderInfo,
};
use stemsync::systems::axerrio::{AxerrioClient, wire};
use stemsync::systems::{Axerrio, Fault, FeedPage, System, SystemError};

use crate::corpus;
use crate::fuzz::fuzz;
use crate::komet::{judge, mutated, parrot, sane_date, sane_time};
use crate::mutate::leaks;
use crate::world;

/// An answer on loopback is there long before.
const SOON: Duration = Duration::from_millis(250);

fn sane_order(order: &AxOrder) -> Result<(), String> {
    sane_time(order.changed_at)?;
    sane_date(order.header.ship_date)?;
    order.header.truck_date.map_or(Ok(()), sane_date)?;
    order.purchase_order.as_ref().map_or(Ok(()), |info| {
        sane_time(info.updated_at)?;
        sane_date(info.ship_date)
    })
}

fn sane_label(label: &Label) -> Result<(), String> {
    sane_time(label.changed_at)?;
    sane_date(label.ship_date)
}

fn sane_page<T>(
    page: Result<FeedPage<T>, SystemError>,
    method: &str,
    sane: fn(&T) -> Result<(), String>,
) -> Result<(), String> {
    let Some(page) = judge(page, System::Axerrio, method)? else { return Ok(()) };
    sane_time(page.answer.as_of)?;
    for one in &page.answer.unreadable {
        if leaks(&one.what) || one.id.as_deref().is_some_and(leaks) {
            return Err(format!("the token is told: {one:?}"));
        }
        one.changed_at.map_or(Ok(()), sane_time)?;
    }
    page.answer.items.iter().try_for_each(sane)
}

async fn call(call: &str, axerrio: &AxerrioClient, order: &AxOrder) -> Result<(), String> {
    let one = |told: Result<AxOrder, SystemError>, method: &str| {
        judge(told, System::Axerrio, method)?.as_ref().map_or(Ok(()), sane_order)
    };
    match call {
        "health" => judge(axerrio.health().await, System::Axerrio, "GET health")?.map_or(Ok(()), sane_time),
        "orders" => sane_page(axerrio.orders(world::now(), None).await, "GET orders", sane_order),
        "labels" => sane_page(axerrio.labels(world::now(), None).await, "GET labels", sane_label),
        "order" => {
            let told = axerrio.order(&AxOrderId("AX-1".to_owned())).await;
            judge(told, System::Axerrio, "GET orders/{id}")?.flatten().as_ref().map_or(Ok(()), sane_order)
        }
        "put-order" => {
            let lines =
                order.lines.iter().map(|l| InputLine { id: l.id.clone(), terms: l.terms.clone() }).collect();
            let input = OrderInput { header: order.header.clone(), lines };
            let told = axerrio.put_order(&ExternalRef::first(&PrebookId(7)), &input).await;
            one(told, "PUT orders/by-ref/{externalRef}")
        }
        "cancel-order" => {
            let told = axerrio.cancel_order(&ExternalRef::first(&PrebookId(7))).await;
            one(told, "POST orders/by-ref/{externalRef}/cancel")
        }
        _ => {
            let info: &PurchaseOrderInfo = order.purchase_order.as_ref().unwrap();
            one(axerrio.put_purchase_order(&order.id, info).await, "PUT orders/{id}/purchase-order")
        }
    }
}

/// `specimens`: the call whose answers are mutated.
async fn target(name: &str, specimens: &str) {
    let specimens = corpus::answers(specimens);
    let answers = corpus::answers("put-purchase-order");
    let order: AxOrder = serde_json::from_str::<wire::Order>(&answers[0]).unwrap().try_into().unwrap();
    let (server, next) = parrot().await;
    let axerrio = world::axerrio(&server.url);
    fuzz(&format!("axerrio::{}", name.replace('-', "_")), 200, async |mutator| {
        let specimen = &specimens[mutator.rng.usize(..specimens.len())];
        *next.lock().unwrap() = mutated(mutator, specimen);
        call(name, &axerrio, &order).await
    })
    .await;
}

#[tokio::test]
async fn health() {
    target("health", "health").await;
}

#[tokio::test]
async fn orders() {
    target("orders", "orders").await;
}

#[tokio::test]
async fn labels() {
    target("labels", "labels").await;
}

#[tokio::test]
async fn order_by_id() {
    target("order", "orders").await;
}

#[tokio::test]
async fn put_order() {
    target("put-order", "put-order").await;
}

#[tokio::test]
async fn cancel_order() {
    target("cancel-order", "put-order").await;
}

#[tokio::test]
async fn put_purchase_order() {
    target("put-purchase-order", "put-purchase-order").await;
}

/// `Retry-After` and `Date` are read with every answer. What asks for a pause of up to 30 seconds gets it, which is not waited for
/// here.
#[tokio::test]
async fn headers() {
    let (server, next) = parrot().await;
    let axerrio = world::axerrio(&server.url);
    let seeds: [&[u8]; 9] = [
        b"120",
        b"1.5",
        b"Mon, 02 Feb 2026 10:00:30 GMT",
        b"18446744073709551615",
        b"18446744073709551616",
        b"-1",
        b"1e9",
        b"Sun, 06 Nov 1994 08:49:37 +2359",
        b"Fri, 31 Dec 9999 23:59:60 -0000",
    ];
    fuzz("axerrio::headers", 200, async |mutator| {
        let head = |mutator: &mut crate::mutate::Mutator| {
            let seed = mutator.pick(&seeds);
            let mut bytes = if mutator.chance(30) { seed.to_vec() } else { mutator.bytes(seed) };
            bytes.retain(|b| !b"\r\n\0".contains(b));
            bytes
        };
        let (wait, date) = (head(mutator), head(mutator));
        let mut bytes = b"HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: ".to_vec();
        bytes.extend([&wait[..], b"\r\nDate: ", &date, b"\r\n\r\n"].concat());
        *next.lock().unwrap() = bytes;
        let reference = ExternalRef::first(&PrebookId(7));
        let Ok(told) = tokio::time::timeout(SOON, axerrio.cancel_order(&reference)).await else { return Ok(()) };
        let method = "POST orders/by-ref/{externalRef}/cancel";
        if let Err(SystemError { fault: Fault::Throttled(wait), .. }) = &told
            && *wait > Duration::from_hours(1)
        {
            return Err(format!("asks to wait {wait:?}"));
        }
        judge(told, System::Axerrio, method).map(drop)
    })
    .await;
}
