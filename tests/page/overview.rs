//! The overview: what it says of what is on file, and how quickly.

use std::time::Instant;

use chrono::{Days, Utc};
use stemsync::domain::*;
use stemsync::store::orders::{self, NewOrder};
use stemsync::store::{Connection, StoreError, holds};

use crate::house::House;

fn insert(conn: &Connection, number: u64, days: u64, stage: Stage) -> Result<OrderKey, StoreError> {
    let ship_date = Utc::now().date_naive() + Days::new(days);
    let new = NewOrder {
        flow: Flow::FromAxerrio,
        ax_id: Some(AxOrderId(format!("AX-{number}"))),
        reference: None,
        prebook: None,
        ship_date,
    };
    let key = orders::insert(conn, &new)?;
    orders::settle(conn, key, stage, ship_date, false)?;
    Ok(key)
}

fn hold(detail: &str) -> Hold {
    Hold { reason: HoldReason::UnmappedProduct, line: None, cause: detail.to_owned(), detail: detail.to_owned() }
}

#[tokio::test]
async fn it_tells_how_it_is_and_what_waits_the_most_urgent_first() {
    let house = House::new().await;
    let empty = house.guest().get("/").await;
    assert!(empty.body.contains("Healthy: nothing waits for a person, nothing failed."), "{}", empty.body);
    assert!(empty.body.contains("No order ships in the next weeks."));
    house
        .store
        .write(|conn| {
            for n in 0..12 {
                let key = insert(conn, 100 + n, 12 - n, Stage::Prebooked)?;
                holds::sync_order(
                    conn,
                    key,
                    &[hold(&format!("Rose <b>{n}</b> & \"co\" is not mapped"))],
                    Utc::now(),
                )?;
            }
            insert(conn, 200, 3, Stage::PoPending)?;
            Ok(())
        })
        .await
        .unwrap();
    let guest = house.guest().get("/").await.body;
    assert!(guest.contains("Needs a look: 12 held."), "{guest}");
    let at = |order: &str| guest.find(order).unwrap_or(usize::MAX);
    assert!(at("AX-111<") < at("AX-110<") && at("AX-110<") < at("AX-104<"), "{guest}");
    assert_eq!(at("AX-103<"), usize::MAX, "eight of them");
    assert!(guest.contains("All 12") && guest.contains("PO pending"));
    assert!(!guest.contains("is not mapped"), "the detail is for who is logged in");
    let admin = house.admin().await.get("/").await.body;
    assert!(admin.contains("Rose &lt;b&gt;11&lt;/b&gt; &amp; &quot;co&quot; is not mapped"), "{admin}");
    assert!(!admin.contains("<b>11"), "nothing from outside is markup");
}

#[tokio::test]
async fn its_table_has_the_numbers_of_the_chart() {
    let house = House::new().await;
    house
        .store
        .write(|conn| {
            for n in 0..30 {
                insert(conn, n, 2, if n < 7 { Stage::Labelled } else { Stage::Placed })?;
            }
            insert(conn, 50, 2, Stage::Cancelled)?;
            insert(conn, 51, 60, Stage::Placed).map(drop)
        })
        .await
        .unwrap();
    let page = house.guest().get("/").await.body;
    for told in [">7</td>", ">23</td>", ">30</td>", "As a table", "1 order ships later than"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    assert!(page.len() < 40_000, "{}", page.len());
}

#[tokio::test]
async fn with_a_hundred_thousand_orders_it_is_as_quick_as_with_none() {
    let house = House::new().await;
    house
        .store
        .write(|conn| {
            (0..100_000)
                .try_for_each(|n| insert(conn, n, n % 28, Stage::ALL[usize::try_from(n % 6).unwrap()]).map(drop))
        })
        .await
        .unwrap();
    let mut client = house.guest();
    client.get("/").await;
    let mut times = Vec::new();
    for n in 0..20 {
        // What is on file changes before each look: nothing is kept.
        house.store.write(move |conn| insert(conn, 200_000 + n, 5, Stage::Placed).map(drop)).await.unwrap();
        let began = Instant::now();
        assert_eq!(client.get("/").await.status, 200);
        times.push(began.elapsed());
    }
    times.sort();
    println!("the overview with 100,000 orders: {:?} in the middle, {:?} at most", times[10], times[19]);
    // Unoptimised and beside other tests; the release build is five times as quick.
    assert!(times[10].as_millis() < 60, "{times:?}");
}

#[tokio::test]
async fn a_page_with_all_it_loads_is_small() {
    let house = House::new().await;
    let mut client = house.guest();
    let (css, js) =
        (client.get("/assets/page.css").await.body.len(), client.get("/assets/page.js").await.body.len());
    assert!(css < 16_000 && js < 6_000, "{css} {js}");
}
