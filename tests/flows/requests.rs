//! How little is asked: two Komet writes an order, label batches as large as 64 KB allow, a quiet run that writes
//! nothing, a dry run that changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use stemsync::domain::Stage;
use stemsync::sandbox::faults::{Fault, Target};
use stemsync::sandbox::komet::ItemDraft;
use stemsync::sandbox::{Answers, KometRules};
use stemsync::store::orders;
use stemsync::sync::RunRequest;
use stemsync::sync::engine::{Listener, Progress, Settings};
use stemsync::sync::report::{ActionResult, Job};
use stemsync::systems::System;

use crate::invariants::invariants;
use crate::link::{BOTH, Link, Setup, accepted_prebook, both, both_with};
use crate::trade::{
    AWB, FREEDOM, LOT, MONDIAL, NOBBIO, approve_all, bought, item, items_of, line, order, orders_for, po_of,
    prebook, prebooks_of, print_all,
};

fn place(link: &Link, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let day = link.day(3 + i64::try_from(n % 5).unwrap());
            let draft = order(day, vec![line(FREEDOM, 2), line(MONDIAL, 1), line(NOBBIO, 1)]);
            link.act(|w, now| w.axerrio.customer_orders(draft, now))
        })
        .collect()
}

#[tokio::test]
async fn the_first_sync_makes_two_komet_writes_an_order() {
    let link = Link::plain().await;
    let ids = place(&link, 60);
    link.sync_well().await;
    let count = u64::try_from(ids.len()).unwrap();
    let writes = link.act(|w, _| w.requests().writes.get(&System::Komet).copied());
    assert_eq!(writes, Some(2 * count));
    assert_eq!(link.act(|w, _| w.requests().writes.get(&System::Axerrio).copied()), None);
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    assert_eq!(
        link.komet_requests("prebook.details.list"),
        2 * windows,
        "in full before the push, changes after it"
    );
    invariants(&link).await;
}

#[tokio::test]
async fn create_answers_without_ids_cost_reads_shared_by_all_orders() {
    let link = Link::start(Setup { answers: Answers::Messy(3), ..Setup::default() }).await;
    let ids = place(&link, 60);
    link.sync_well().await;
    let count = u64::try_from(ids.len()).unwrap();
    assert_eq!(link.komet_requests("prebook.create"), count);
    assert_eq!(link.komet_requests("purchase.order.create"), count);
    for list in ["prebook.details.list", "purchase.order.list"] {
        let reads = link.komet_requests(list);
        assert!(reads <= 20, "{reads} times {list} for {count} orders");
    }
    invariants(&link).await;
}

/// It is in doubt for a quarter of an hour, because lists may lag; that is no reason to read them over and over.
#[tokio::test]
async fn what_somebody_took_away_before_it_was_read_back_is_not_looked_for_over_and_over() {
    let rules = KometRules { create_tells_items: false, ..KometRules::default() };
    let settings = Settings { komet_timeout: Duration::from_secs(2), ..Settings::default() };
    let link = Link::start(Setup { settings, rules, ..Setup::default() }).await;
    link.sync_well().await;
    let id = place(&link, 1).remove(0);
    link.act(|w, _| {
        w.inject(Target::next(System::Komet, "prebook.details.list").times(500), Fault::Html(502));
    });
    link.sync_jobs(&[Job::Orders]).await;
    link.act(|w, _| {
        w.clear_faults();
        let made = prebooks_of(w, &id)[0].id;
        w.komet.rep_deletes_prebook(made)
    })
    .unwrap();
    let before = link.komet_requests("prebook.details.list");
    link.sync().await;
    let windows = u64::try_from(link.engine.windows().count()).unwrap();
    let reads = link.komet_requests("prebook.details.list") - before;
    // By its ship date and by its truck date, and both once more when its absence comes to prove something.
    assert!(reads <= windows + 4, "{reads} reads");
}

#[tokio::test]
async fn hundreds_of_labels_go_in_one_request() {
    both(async |link: Link| {
        let draft = order(link.day(3), vec![line(FREEDOM, 150), line(MONDIAL, 150)]);
        let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
        link.sync_well().await;
        link.act(|w, now| {
            approve_all(w, now);
            print_all(w, &id, now)
        });
        link.sync_well().await;
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        assert_eq!(link.komet_requests("purchase.order.items.awb.add"), 1);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_reprints_beyond_64_kb_is_split_in_as_few_requests_as_it_takes() {
    let link = Link::plain().await;
    let draft = order(link.day(3), vec![line(FREEDOM, 900)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    link.act(|w, now| {
        approve_all(w, now);
        print_all(w, &id, now)
    });
    link.sync_well().await;
    link.sync_well().await;
    link.act(|w, now| {
        let labels: Vec<String> = w.axerrio.labels_of(&id).map(|l| l.id.clone()).collect();
        for label in labels {
            w.axerrio.vendor_reprints(&label, stemsync::sandbox::axerrio::Reprint::SameLabel, now).unwrap();
        }
    });
    link.sync_well().await;
    let total = link.act(|w, _| w.requests().totals[&(System::Komet, "box.code.change")]);
    let fewest = total.bytes.div_ceil(64_000);
    assert!(total.largest <= 64_000 && total.requests == fewest, "{total:?}");
    invariants(&link).await;
}

#[tokio::test]
async fn an_order_of_hundreds_of_lines_is_split_and_stays_one_prebook_and_one_po() {
    both(async |link: Link| {
        let lines = (0..400).map(|n| line(FREEDOM, 1 + n % 3)).collect();
        let id = link.act(|w, now| w.axerrio.customer_orders(order(link.day(3), lines), now));
        link.sync_well().await;
        link.act(|w, _| {
            assert_eq!(items_of(w, &id).len(), 400);
            assert_eq!(prebooks_of(w, &id).len(), 1);
            po_of(w, &id);
            let total = w.requests().totals[&(System::Komet, "prebook.create")];
            assert!(total.largest <= 64_000 && total.requests == total.bytes.div_ceil(64_000), "{total:?}");
        });
        invariants(&link).await;
    })
    .await;
}

/// Every row of every table, as text.
async fn contents(link: &Link) -> BTreeMap<String, Vec<String>> {
    link.engine
        .store
        .read(|conn| {
            let mut tables = conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
            let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut all = BTreeMap::new();
            for name in names {
                let mut statement = conn.prepare(&format!("SELECT * FROM {name}"))?;
                let columns = statement.column_count();
                let rows = statement.query_map([], |row| {
                    let cells = (0..columns).map(|i| row.get_ref(i).map(|value| format!("{value:?}")));
                    Ok(cells.collect::<Result<Vec<_>, _>>()?.join("|"))
                })?;
                all.insert(name.clone(), rows.collect::<Result<_, _>>()?);
            }
            Ok(all)
        })
        .await
        .unwrap()
}

fn changed_tables(before: &BTreeMap<String, Vec<String>>, after: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    after.iter().filter(|(name, rows)| before.get(*name) != Some(rows)).map(|(name, _)| name.clone()).collect()
}

/// A link with something of everything in it, all of it settled and received.
async fn settled(answers: Answers) -> Link {
    let link = Link::start(Setup { answers, ..Setup::default() }).await;
    place(&link, 5);
    let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
    accepted_prebook(&link, &draft).await;
    link.sync_well().await;
    link.act(approve_all);
    link.sync_well().await;
    link.act(|w, now| {
        let ids: Vec<String> = w.axerrio.orders().map(|o| o.id.clone()).collect();
        for id in ids {
            print_all(w, &id, now);
        }
    });
    link.sync_well().await;
    link.act(|w, now| {
        let codes: Vec<String> = w.axerrio.labels().map(|l| l.box_code.clone()).collect();
        codes.iter().try_for_each(|code| w.komet.warehouse_receives(code, now))
    })
    .unwrap();
    link.sync_well().await;
    link
}

#[tokio::test]
async fn a_quiet_run_asks_at_most_eight_times_and_writes_nothing_but_that_it_ran() {
    for answers in BOTH {
        println!("--- {answers:?}");
        let link = settled(answers).await;
        assert!(link.orders().await.iter().all(|o| o.stage == Stage::Received), "no PO is open");
        let before = contents(&link).await;
        link.act(|w, _| w.clear_requests());
        link.sync_well().await;
        let (komet, axerrio, writes) = link
            .act(|w, _| (w.requests().of(System::Komet), w.requests().of(System::Axerrio), w.requests().writes()));
        assert_eq!(writes, 0);
        if answers == Answers::Plain {
            // Messy feeds have small pages.
            assert!(komet + axerrio <= 8, "{komet} + {axerrio}");
        }
        for table in changed_tables(&before, &contents(&link).await) {
            let may = ["runs", "run_jobs", "watermarks", "quota", "sources", "budget_hours"];
            assert!(may.contains(&table.as_str()), "{table} was written");
        }
        let after = contents(&link).await;
        link.sync_well().await;
        let later = contents(&link).await;
        for table in ["runs", "run_jobs", "watermarks", "sources"] {
            assert_eq!(
                later[table].len(),
                after[table].len(),
                "{table} does not grow with runs that find nothing"
            );
        }
    }
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_do_and_changes_nothing_anywhere() {
    both(async |link: Link| {
        let ids = place(&link, 2);
        let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
        link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        let before = contents(&link).await;
        let report = link.run(RunRequest { dry_run: true, ..RunRequest::default() }).await.report;
        assert_eq!(link.writes(), 0);
        assert!(report.dry_run && report.actions.iter().all(|a| a.result == ActionResult::Planned));
        let mut planned: Vec<_> = report.actions.iter().map(|a| a.method.as_str()).collect();
        planned.sort_unstable();
        let (put, create, buy) = ("PUT orders/by-ref/{externalRef}", "prebook.create", "purchase.order.create");
        assert_eq!(planned, [put, create, create, buy, buy]);
        assert_eq!(changed_tables(&before, &contents(&link).await), ["quota"]);

        link.sync_well().await;
        link.act(|w, now| {
            approve_all(w, now);
            print_all(w, &ids[0], now);
            w.axerrio.customer_changes_line(&ids[1], "1", |l| l.boxes = 5, now).unwrap();
        });
        let writes = link.writes();
        let report = link.run(RunRequest { dry_run: true, ..RunRequest::default() }).await.report;
        assert_eq!(link.writes(), writes);
        assert!(!report.actions.is_empty());
        link.sync_well().await;
        link.sync_well().await;
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_told_to_stop_reads_nothing_more() {
    let link = settled(Answers::Plain).await;
    let stop: Arc<AtomicBool> = Arc::default();
    let told = Arc::clone(&stop);
    // The signal comes when the first job is done, and every window is still to be read.
    let listener: Listener = Arc::new(move |progress| {
        told.fetch_or(matches!(progress, Progress::Polling(Job::Prebooks)), Ordering::Relaxed);
    });
    let before = link.act(|w, _| (w.requests().of(System::Komet), w.requests().of(System::Axerrio)));
    let end = link.run(RunRequest { stop, listener: Some(listener), ..RunRequest::default() }).await;
    let after = link.act(|w, _| (w.requests().of(System::Komet), w.requests().of(System::Axerrio)));
    assert_eq!((after.0 - before.0, after.1 - before.1), (0, 1), "only the orders were read");
    assert!(end.stopped && end.down.is_empty() && end.failures.is_empty());
    let told: Vec<_> = end.report.jobs.iter().filter_map(|job| job.error.as_deref()).collect();
    assert!(told.iter().all(|error| *error == "stopped by a signal"), "{told:?}");
    link.sync_well().await;
}

#[tokio::test]
async fn one_order_by_name_is_pushed_alone() {
    both(async |link: Link| {
        let ids = place(&link, 3);
        // Known by name only once it was polled.
        link.run(RunRequest { only: Some([].into()), ..RunRequest::default() }).await;
        assert_eq!(link.writes(), 0);
        let key = link.order(&ids[1]).await.key;
        link.run(RunRequest { only: Some([key].into()), ..RunRequest::default() }).await;
        let made = link.act(|w, _| ids.iter().map(|id| items_of(w, id).len()).collect::<Vec<_>>());
        assert_eq!(made, [0, 3, 0]);
        link.sync_well().await;
        assert_eq!(link.act(|w, _| ids.iter().map(|id| items_of(w, id).len()).collect::<Vec<_>>()), [3, 3, 3]);
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn single_jobs_do_their_part_only() {
    both(async |link: Link| {
        let id = place(&link, 1).remove(0);
        link.sync_jobs(&[Job::PurchaseOrders, Job::Labels, Job::Prebooks]).await;
        assert_eq!(link.writes(), 0);
        link.sync_jobs(&[Job::Orders]).await;
        link.act(approve_all);
        link.sync_jobs(&[Job::PurchaseOrders]).await;
        assert_eq!(link.order(&id).await.stage, Stage::PoApproved);
        link.act(|w, now| print_all(w, &id, now));
        link.sync_jobs(&[Job::Labels]).await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        link.sync_well().await;
        invariants(&link).await;
    })
    .await;
}

#[tokio::test]
async fn a_company_token_works_as_well_as_a_vendor_token() {
    let setup = Setup { company_token: true, ..Setup::default() };
    both_with(setup, async |link: Link| {
        let id = place(&link, 1).remove(0);
        let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(3))]);
        let prebook = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
        link.sync_well().await;
        link.act(|w, now| {
            w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 5, now).unwrap();
            w.axerrio.customer_removes_line(&id, "2", now).unwrap();
            w.axerrio.vendor_accepts_all(now).unwrap();
        });
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        let order = link.act(|w, now| {
            let order = orders_for(w, prebook)[0].id.clone();
            w.axerrio.vendor_prints(&id, "1", 2, Some(AWB), Some(LOT), now).unwrap();
            print_all(w, &order, now);
            order
        });
        link.sync_well().await;
        assert_eq!(link.order(&order).await.stage, Stage::Labelled);
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    })
    .await;
}

/// A sales rep has a Prebook of the same customer, truck date, carrier and customer PO.
#[tokio::test]
async fn use_existing_that_finds_somebody_elses_prebook_is_undone() {
    for (own_vendor, after_first) in [(true, true), (false, true), (true, false), (false, false)] {
        both(async |link: Link| {
            let id = place(&link, 1).remove(0);
            let mut theirs = prebook(link.day(5), vec![item(NOBBIO, 3, link.day(3))]);
            theirs.customer_po = "PO-77".into();
            let enter = |link: &Link| {
                link.act(|w, now| {
                    if own_vendor {
                        w.komet.rep_creates_prebook(&theirs, now)
                    } else {
                        w.komet.other_vendor_prebook(&theirs, now)
                    }
                })
                .unwrap()
            };
            let mut other = 0;
            if !after_first {
                other = enter(&link);
            }
            link.sync_well().await;
            if after_first {
                other = enter(&link);
                // Its number is lower only in the eyes of Komet, which may pick either.
                link.sync_well().await;
            }
            link.act(|w, now| w.axerrio.customer_adds_line(&id, line(NOBBIO, 7), now)).unwrap();
            link.sync_well().await;
            link.sync_well().await;
            if own_vendor {
                assert_eq!(link.komet_requests("prebook.item.delete"), 0, "what the token shows is not tried");
            }
            link.act(|w, _| {
                let alive = w.komet.prebook(other).unwrap().items.iter().filter(|i| i.goods.boxes > 0).count();
                assert_eq!(alive, 1, "the rep's Prebook is the rep's");
                let items = items_of(w, &id);
                assert_eq!(items.len(), 4);
                assert!(items.iter().all(|i| bought(w, i.id).len() == 1));
            });
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        })
        .await;
    }
}

/// What Komet put into another vendor's Prebook without answering, or answered without items and did not delete at once, is nobody's
/// order: it goes, each run tries that again, and the line is made once.
#[tokio::test]
async fn a_line_astray_is_taken_out_whatever_is_lost_on_the_way() {
    let fails = || Fault::Http { status: 500, body: String::new(), headers: Vec::new() };
    let refuses = || Fault::Http {
        status: 200,
        body: r#"{"status": 0, "message": "Try later"}"#.to_owned(),
        headers: Vec::new(),
    };
    let [create, delete] = ["prebook.create", "prebook.item.delete"];
    let lost: [(&str, Fault, u32); 6] = [
        (create, Fault::AnswerLost, 1),
        (create, Fault::Truncated, 1),
        (delete, fails(), 1),
        (delete, Fault::RefusedBefore, 1),
        (delete, refuses(), 3),
        (delete, fails(), 9),
    ];
    for (method, fault, times) in lost {
        for create_tells_items in [true, false] {
            println!("--- {method} {fault:?} {times} times, items told: {create_tells_items}");
            let rules = KometRules { create_tells_items, ..KometRules::default() };
            // What was not answered is believed undone a time-out later.
            let settings = Settings { komet_timeout: Duration::from_secs(2), ..Settings::default() };
            let link = Link::start(Setup { settings, rules, ..Setup::default() }).await;
            let id = place(&link, 1).remove(0);
            let mut theirs = prebook(link.day(5), vec![item(NOBBIO, 3, link.day(3))]);
            theirs.customer_po = "PO-77".into();
            let other = link.act(|w, now| w.komet.other_vendor_prebook(&theirs, now)).unwrap();
            link.sync_well().await;
            link.act(|w, now| {
                w.inject(Target::next(System::Komet, method).times(times), fault.clone());
                w.axerrio.customer_adds_line(&id, line(NOBBIO, 7), now)
            })
            .unwrap();
            for _ in 0..3 {
                link.sync().await;
                link.act(|w, _| {
                    let of_line = w.komet.prebooks().flat_map(|p| &p.items).filter(|i| i.goods.boxes == 7).count();
                    assert!(of_line <= 1, "the line is alive once");
                });
                assert!(link.act(|w, _| orders_for(w, other).is_empty()), "nobody ordered it in Komet");
                link.let_pass(TimeDelta::minutes(1));
            }
            link.act(|w, _| w.clear_faults());
            link.sync().await;
            link.sync_well().await;
            assert!(link.komet_requests(delete) > 0, "it went astray");
            link.act(|w, _| {
                let alive = w.komet.prebook(other).unwrap().items.iter().filter(|i| i.goods.boxes > 0).count();
                assert_eq!(alive, 1, "the other vendor's");
                let items = items_of(w, &id);
                assert_eq!(items.iter().map(|i| bought(w, i.id).len()).collect::<Vec<_>>(), [1; 4]);
                assert!(orders_for(w, other).is_empty());
            });
            assert_eq!(link.holds().await, []);
            invariants(&link).await;
        }
    }
}

/// What a rep enters meanwhile looks alike in everything: once the create is found where it belongs, or is not done, that is an order of
/// its own.
#[tokio::test]
async fn a_reps_prebook_that_looks_like_a_line_astray_is_the_reps_own() {
    for is_known in [false, true] {
        println!("--- known before: {is_known}");
        let link = Link::plain().await;
        let id = place(&link, 1).remove(0);
        link.sync_well().await;
        let wanted = line(NOBBIO, 7);
        let alike = ItemDraft {
            box_type: wanted.box_type.clone(),
            bunches: wanted.bunches_per_box,
            stems: wanted.stems_per_bunch,
            cost: Some(wanted.unit_cost),
            mark_code: wanted.mark_code.clone().unwrap_or_default(),
            ..item(NOBBIO, 7, link.day(3))
        };
        let mut own = prebook(link.day(5), vec![alike]);
        own.customer_po = "PO-77".into();
        let enter = || link.act(|w, now| w.komet.rep_creates_prebook(&own, now)).unwrap();
        let other = enter();
        if is_known {
            link.sync_well().await;
        }
        link.act(|w, now| {
            w.inject(Target::next(System::Komet, "prebook.create"), Fault::AnswerLost);
            w.axerrio.customer_adds_line(&id, wanted, now)
        })
        .unwrap();
        link.sync().await;
        link.sync_well().await;
        assert_eq!(link.komet_requests("prebook.item.delete"), 0);
        link.act(|w, _| {
            assert_eq!(orders_for(w, other).len(), 1, "the rep's is ordered");
            assert_eq!(items_of(w, &id).len(), 4);
        });
        assert_eq!(link.holds().await, []);
        invariants(&link).await;
    }
}

#[tokio::test]
async fn komet_may_ignore_the_ship_date_and_hide_pos_and_awbs() {
    let rules = KometRules {
        create_tells_items: false,
        items_show_po: false,
        orders_show_awb: false,
        po_touches_prebook: true,
        mapping_touches_prebook: true,
        deleted_po_line_stays: true,
        window_shows_whole_prebook: true,
        ..KometRules::default()
    };
    both_with(Setup { rules, ..Setup::default() }, async |link: Link| {
        let id = place(&link, 1).remove(0);
        link.sync_well().await;
        link.act(|w, now| w.axerrio.customer_changes_line(&id, "1", |l| l.boxes = 5, now)).unwrap();
        link.sync_well().await;
        link.act(approve_all);
        link.sync_well().await;
        link.act(|w, now| print_all(w, &id, now));
        link.sync_well().await;
        assert_eq!(link.order(&id).await.stage, Stage::Labelled);
        link.let_pass(TimeDelta::hours(25));
        link.sync_well().await;
        assert_eq!(link.engine.store.read(orders::backlog).await.unwrap(), 0);
        invariants(&link).await;
    })
    .await;
}
