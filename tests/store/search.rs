//! What a person finds among the orders on file, and the pages it comes in.

use stemsync::domain::*;
use stemsync::store::orders::{self, Found, Search, Sort, Stages};
use stemsync::store::{Connection, Store, holds};

use super::trade::*;

/// Three orders: one ordered in Axerrio with a Prebook, a PO and a label, one cancelled, one prebooked in Komet only.
fn traded() -> (tempfile::TempDir, Store) {
    let (dir, store) = fresh();
    let mut first = ax_order("AX-100234", "2026-03-05");
    first.lines[0].terms.product.description = "Rose Freedom 60 cm ÉLÉGANT".into();
    let mut second = ax_order("AX-100235", "2026-03-04");
    second.header.customer = Party { code: "TULIPS".to_owned(), name: "Tulips & More".to_owned() };
    second.lines[0].terms.product =
        Product { code: "TUL".to_owned(), description: "Tulip Strong Gold".to_owned() };
    let mut third = prebook(9001, "85099", &[1], "2026-03-06");
    third.items[0].terms.product.description = "Lily Siberia".into();
    let label = label("L1", "AX-100234", "BX-777");
    store
        .write_blocking(move |conn| {
            let key = orders::insert(conn, &flow_1("AX-100234", "2026-03-05"))?;
            orders::observe_axerrio(conn, key, &first)?;
            let prebooks = vec![prebook(9000, "85063", &[11], "2026-03-05")];
            let purchase_orders = vec![purchase_order("14021", 11, &[], "2026-03-05")];
            orders::observe_komet(conn, key, &KometView { prebooks, purchase_orders })?;
            orders::settle(conn, key, Stage::PoApproved, day("2026-03-05"), false)?;
            stemsync::store::labels::observe(conn, &label)?;
            let hold = hold(HoldReason::EditedInKomet, None, "x");
            holds::sync_order(conn, key, &[hold], now())?;
            let key = orders::insert(conn, &flow_1("AX-100235", "2026-03-04"))?;
            orders::observe_axerrio(conn, key, &second)?;
            orders::settle(conn, key, Stage::Cancelled, day("2026-03-04"), false)?;
            let key = orders::insert(conn, &flow_2(9001, "2026-03-06"))?;
            orders::observe_komet(conn, key, &KometView { prebooks: vec![third], purchase_orders: vec![] })?;
            Ok(())
        })
        .unwrap();
    (dir, store)
}

fn found(store: &Store, search: Search) -> Found {
    let search = Search { limit: if search.limit == 0 { 50 } else { search.limit }, ..search };
    store.read_blocking(move |conn| orders::search(conn, &search)).unwrap()
}

fn keys(store: &Store, search: Search) -> Vec<i64> {
    let found = found(store, search);
    assert_eq!(found.total as usize, found.keys.len());
    found.keys.iter().map(|key| key.0).collect()
}

fn typed(text: &str) -> Search {
    Search { text: text.to_owned(), customers: true, ..Search::default() }
}

#[test]
fn an_order_is_found_by_whatever_a_person_has_of_it() {
    let (_dir, store) = traded();
    for text in [
        "AX-100234",
        "ax-100234",
        "100234",
        " AX-100234 ",
        "85063",
        "8506",
        "14021",
        "BX-777",
        "bx-77",
        "freedom",
        "ROSE 60",
        "rosfr60",
        "élégant",
        "ÉLÉGANT",
        "bloom",
        "C100 bloom",
    ] {
        assert!(keys(&store, typed(text)).contains(&1), "{text}");
    }
    assert_eq!(keys(&store, typed("lily")), [3]);
    assert_eq!(keys(&store, typed("komet-prebook-9001")), [3]);
    assert_eq!(keys(&store, typed("85099")), [3]);
    assert_eq!(keys(&store, typed("AX-1002")), [2, 1], "the first ship date first");
    for (part, order) in [("x-100235", 2), ("0023", 1), ("X-10023", 1), ("BOOK-9001", 3), ("5099", 3), ("402", 1)]
    {
        assert!(keys(&store, typed(part)).contains(&order), "{part}");
    }
    for text in [
        "nothing",
        "%",
        "_",
        "AX_100234",
        "AX%234",
        "!",
        "AX!-100234",
        "'",
        "rose tulip",
        "\u{10ffff}",
        "[\"",
        &"x".repeat(5_000),
    ] {
        assert_eq!(keys(&store, typed(text)), [0_i64; 0], "{text}");
    }
}

#[test]
fn who_may_not_see_customers_does_not_find_them() {
    let (_dir, store) = traded();
    let anybody = |text: &str| Search { text: text.to_owned(), ..Search::default() };
    for text in ["bloom", "C100", "tulips", "more"] {
        assert!(!keys(&store, typed(text)).is_empty(), "{text}");
        assert!(keys(&store, anybody(text)).is_empty(), "{text}");
    }
    assert_eq!(keys(&store, anybody("gold")), [2]);
}

#[test]
fn what_is_not_called_so_any_more_is_not_found() {
    let (_dir, store) = traded();
    let mut order = ax_order("AX-100235", "2026-03-04");
    order.lines[0].terms.product = Product { code: "GYP".to_owned(), description: "Gypsophila".to_owned() };
    store.write_blocking(move |conn| orders::observe_axerrio(conn, OrderKey(2), &order)).unwrap();
    assert_eq!(keys(&store, typed("gypso")), [2]);
    assert_eq!(keys(&store, typed("tulip")), [0_i64; 0]);
}

#[test]
fn filters_narrow_and_sorts_sort_with_and_without_a_search() {
    let (_dir, store) = traded();
    for text in ["", "komet-prebook-9001 ", "AX-1002"] {
        let all = keys(&store, typed(text));
        let with = |change: fn(&mut Search)| {
            let mut search = typed(text);
            change(&mut search);
            keys(&store, search)
        };
        let of = |keys: &[i64]| keys.iter().copied().filter(|key| all.contains(key)).collect::<Vec<_>>();
        assert_eq!(with(|_| ()), of(&[2, 1, 3]));
        assert_eq!(with(|s| s.descending = true), of(&[3, 1, 2]));
        assert_eq!(with(|s| s.sort = Sort::Name), of(&[1, 2, 3]));
        assert_eq!(with(|s| (s.sort, s.descending) = (Sort::Name, true)), of(&[3, 2, 1]));
        assert_eq!(with(|s| s.sort = Sort::Stage), of(&[3, 1, 2]));
        assert_eq!(with(|s| (s.sort, s.descending) = (Sort::Stage, true)), of(&[2, 1, 3]));
        assert_eq!(with(|s| s.stages = Stages::Open), of(&[1, 3]));
        assert_eq!(with(|s| (s.stages, s.sort) = (Stages::Open, Sort::Stage)), of(&[3, 1]));
        assert_eq!(with(|s| s.stages = Stages::One(Stage::Cancelled)), of(&[2]));
        assert_eq!(with(|s| s.flow = Some(Flow::FromKomet)), of(&[3]));
        assert_eq!(with(|s| s.ships = Some((day("2026-03-05"), day("2026-03-05")))), of(&[1]));
        assert_eq!(with(|s| s.held = true), of(&[1]));
        assert_eq!(with(|s| (s.held, s.stages) = (true, Stages::One(Stage::Placed))), of(&[]));
    }
}

#[test]
fn orders_that_wait_for_the_brake_wait_for_a_person() {
    let (_dir, store) = traded();
    store.write_blocking(|conn| holds::set_brake(conn, &[OrderKey(2), OrderKey(3)], "too many", now())).unwrap();
    assert_eq!(keys(&store, Search { held: true, ..typed("") }), [2, 1, 3]);
}

#[test]
fn pages_follow_each_other_whatever_they_are_sorted_by() {
    let (_dir, store) = fresh();
    for n in 0..23 {
        let ship_date = format!("2026-03-{:02}", 1 + n % 5);
        settled(&store, flow_1(&format!("AX-{n:02}"), &ship_date));
    }
    for sort in [Sort::ShipDate, Sort::Name, Sort::Stage] {
        for (descending, text) in [(false, ""), (true, ""), (false, "AX"), (true, "AX")] {
            let page = |offset: u32, limit: u32| {
                found(
                    &store,
                    Search { sort, descending, offset, limit, text: text.to_owned(), ..Search::default() },
                )
            };
            let all = page(0, 100);
            assert_eq!((all.keys.len(), all.total, all.and_more), (23, 23, false));
            let pages: Vec<_> = [0, 10, 20, 30].into_iter().flat_map(|offset| page(offset, 10).keys).collect();
            assert_eq!(pages, all.keys, "{sort:?} {descending} {text:?}");
        }
    }
}

#[test]
fn an_order_is_found_by_a_part_of_each_number_that_it_came_to_have() {
    let (_dir, store) = fresh();
    let numbers = |conn: &Connection| {
        let mut statement = conn.prepare("SELECT text FROM numbers ORDER BY page")?;
        let pages = statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        let mut lines: Vec<String> = pages.concat().lines().map(str::to_owned).collect();
        lines.sort();
        Ok(lines)
    };
    store
        .write_blocking(|conn| {
            for n in 0..130 {
                let key = orders::insert(conn, &flow_2(9000 + n, "2026-03-05"))?;
                // Its Prebook is numbered and its PO made later; then Axerrio gives it an id.
                let mut view = KometView {
                    prebooks: vec![prebook(9000 + n, &format!("85{n:03}"), &[n], "2026-03-05")],
                    ..KometView::default()
                };
                orders::observe_komet(conn, key, &view)?;
                view.purchase_orders = vec![purchase_order(&format!("14{n:03}"), n, &[], "2026-03-05")];
                orders::observe_komet(conn, key, &view)?;
                orders::observe_komet(conn, key, &view)?;
                orders::observe_axerrio(conn, key, &ax_order(&format!("Ax-{n:03}"), "2026-03-05"))?;
            }
            Ok(())
        })
        .unwrap();
    for part in ["5077", "4077", "x-077", "X-077", "BOOK-9077"] {
        assert_eq!(keys(&store, typed(part)), [78], "{part}");
    }
    // Neither a row's key nor what two lines make together is a number.
    for part in ["130", "78 AX", "077\n78"] {
        assert_eq!(keys(&store, typed(part)), [0_i64; 0], "{part}");
    }
    let kept = store.read_blocking(numbers).unwrap();
    assert_eq!(kept.len(), 130 * 4, "each once");

    // What is on file from before is written down alike.
    store
        .write_blocking(|conn| {
            let tables = "DROP TABLE numbers; DROP TRIGGER orders_named; DROP TRIGGER orders_named_in_axerrio;
                          DROP TRIGGER orders_referred_to; DROP TRIGGER prebooks_linked; DROP TRIGGER prebooks_numbered;
                          DROP TRIGGER pos_linked;";
            conn.execute_batch(tables)?;
            conn.execute_batch(include_str!("../../src/store/migrations/0008_number_search.sql"))?;
            Ok(())
        })
        .unwrap();
    assert_eq!(store.read_blocking(numbers).unwrap(), kept);
}

/// The migration reads the names out of the documents, the program out of its types: both must find the same.
#[test]
fn names_of_a_database_from_before_are_found_like_new_ones() {
    let (dir, store) = traded();
    let names = |conn: &Connection| {
        let mut statement = conn.prepare(
            "SELECT o.order_key, o.side, n.kind, n.text FROM order_names o JOIN names n ON n.id = o.name ORDER BY 1, 2, 3, 4",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        Ok(rows.collect::<Result<Vec<(i64, String, String, String)>, _>>()?)
    };
    let expected = store.read_blocking(names).unwrap();
    assert!(expected.len() >= 7, "{expected:?}");
    drop(store);
    let path = dir.path().join("state/stemsync.db");
    let migration = include_str!("../../src/store/migrations/0007_order_search.sql");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(
        "DROP TABLE order_names; DROP TABLE names; DROP INDEX orders_by_name; DROP INDEX prebook_links_by_order;",
    )
    .unwrap();
    conn.execute_batch(migration).unwrap();
    drop(conn);
    // SQLite's `lower` knows ASCII only.
    let ascii = |names: Vec<(i64, String, String, String)>| {
        names
            .into_iter()
            .map(|(key, side, kind, text)| (key, side, kind, text.replace(['é', 'É'], "e")))
            .collect::<Vec<_>>()
    };
    let migrated = Store::open(&path).unwrap().read_blocking(names).unwrap();
    assert_eq!(ascii(migrated), ascii(expected));
}
