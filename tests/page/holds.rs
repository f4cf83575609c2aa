//! What waits for a person, and deciding it.

use stemsync::domain::{HoldReason, MapKind};
use stemsync::sandbox::komet::ItemChange;
use stemsync::store::maps;

use crate::link::Link;
use crate::orders::traded;
use crate::site::Site;
use crate::trade::*;

/// An order whose first line was edited in Komet.
async fn edited() -> (Site, String, i64) {
    let site = Site::start().await;
    let link = &site.link;
    let draft = order(link.day(3), vec![line(FREEDOM, 4)]);
    let id = link.act(|w, now| w.axerrio.customer_orders(draft, now));
    link.sync_well().await;
    let item = link.act(|w, _| items_of(w, &id)[0].id);
    let nine = ItemChange { boxes: Some(9), ..ItemChange::default() };
    link.act(|w, now| w.komet.rep_changes_item(item, &nine, now)).unwrap();
    link.sync().await;
    let holds = link.holds().await;
    assert_eq!((holds.len(), holds[0].reason), (1, HoldReason::EditedInKomet));
    (site, id, holds[0].id)
}

/// More than may be cancelled in one run.
fn seven_orders(link: &Link) -> Vec<String> {
    let place = |_| {
        let draft = order(link.day(4), vec![line(FREEDOM, 1)]);
        link.act(|w, now| w.axerrio.customer_orders(draft, now))
    };
    (0..7).map(place).collect()
}

#[tokio::test]
async fn nothing_that_waits_is_said_plainly() {
    let site = Site::start().await;
    site.anybody().get("/holds").await.says("Nothing waits for a person.");
}

#[tokio::test]
async fn each_choice_says_what_it_will_do_on_each_system_and_does_it() {
    let (site, order, id) = edited().await;
    let admin = site.admin().await;
    let page = admin.get("/holds").await;
    page.says("1 hold waits").says(&order).says("Somebody changed or deleted in Komet what Axerrio owns");
    page.says("Boxes (now ");
    let shown = page.words();
    let at = |what: &str| shown.find(what).unwrap_or_else(|| panic!("{what} in {shown}"));
    let take_axerrio = &shown[at("Axerrio's counts")..at("Komet's stays as it is")];
    assert!(take_axerrio.contains("In Axerrio nothing is written"), "{take_axerrio}");
    for step in ["is taken off PO", "is taken out of Prebook", "gets 4 boxes QB of Rose Freedom 50 cm"] {
        assert!(take_axerrio.contains(step), "{step} in {take_axerrio}");
    }
    let take_komet = &shown[at("Komet's stays as it is")..at("Things stay as they are")];
    assert!(take_komet.contains("In Komet nothing is written"), "{take_komet}");

    let before = site.link.writes();
    let answer = admin.post(&format!("/holds/{id}"), &[("take", "axerrio"), ("back", "/holds")]).await;
    assert_eq!((answer.status, answer.location()), (303, "/holds?done=axerrio"));
    admin
        .get(answer.location())
        .await
        .says("Released: what Axerrio says counts")
        .says("Nothing waits for a person");
    site.link.sync_well().await;
    assert_eq!(site.link.act(|w, _| items_of(w, &order)[0].goods.boxes), 4);
    // As many writes as steps were foreseen.
    assert_eq!(site.link.writes() - before, 4);
}

#[tokio::test]
async fn komet_is_taken_or_the_hold_dismissed_without_a_write() {
    for fields in [[("take", "komet")], [("dismiss", "1")]] {
        let (site, order, id) = edited().await;
        let admin = site.admin().await;
        let key = site.link.order(&order).await.key.0;
        let back = format!("/orders/{key}");
        let answer = admin.post(&format!("/holds/{id}"), &[fields[0], ("back", &back)]).await;
        assert!(answer.status == 303 && answer.location().starts_with(&format!("{back}?done=")), "{answer:?}");
        let writes = site.link.writes();
        site.link.sync_well().await;
        assert_eq!((site.link.writes(), site.link.holds().await.len()), (writes, 0));
        admin
            .get(&back)
            .await
            .says("Both sides say the same, but for what a person agreed to leave")
            .says("Agreed to differ");
    }
}

#[tokio::test]
async fn a_hold_that_somebody_else_decided_is_a_friendly_page() {
    let (site, _, id) = edited().await;
    let admin = site.admin().await;
    let path = format!("/holds/{id}");
    assert_eq!(admin.post(&path, &[("take", "komet")]).await.status, 303);
    let again = admin.post(&path, &[("take", "axerrio")]).await;
    assert_eq!(again.status, 409);
    again.says("is gone").says("it was decided, its cause went away").says("Nothing was changed by this");
    let look = admin.get(&path).await;
    assert_eq!(look.status, 404);
    look.says("is gone").says("What waits now");
    assert_eq!(admin.post(&path, &[("code", "X"), ("komet_id", "1")]).await.status, 409);
    assert_eq!(admin.get("/maps/product").await.words().matches("This map is empty").count(), 1);
    for id in ["0", "-1", "x", "99999999", "9223372036854775808"] {
        assert_eq!(admin.get(&format!("/holds/{id}")).await.status, 404, "{id}");
        let answer = admin.post(&format!("/holds/{id}"), &[("dismiss", "1")]).await;
        assert!([404, 409].contains(&answer.status), "{id} {answer:?}");
    }
}

#[tokio::test]
async fn a_decision_that_cannot_be_meant_changes_nothing() {
    let (site, _, id) = edited().await;
    let admin = site.admin().await;
    let path = format!("/holds/{id}");
    for fields in [
        &[][..],
        &[("take", "both")],
        &[("take", "")],
        &[("code", ""), ("komet_id", "1")],
        &[("code", "A"), ("komet_id", "-1")],
    ] {
        assert_eq!(admin.post(&path, fields).await.status, 400, "{fields:?}");
    }
    for back in ["//evil.example", "https://evil.example", "/orders/1/../../x", "/orders/", "javascript:1"] {
        assert_eq!(site.link.holds().await.len(), 1);
        let answer = admin.post(&path, &[("take", "nonsense"), ("back", back)]).await;
        assert_eq!(answer.status, 400);
    }
    let answer = admin.post(&path, &[("take", "komet"), ("back", "https://evil.example")]).await;
    assert_eq!(answer.location(), "/holds?done=komet");
}

#[tokio::test]
async fn who_is_not_logged_in_reads_and_decides_nothing() {
    let (site, order, id) = edited().await;
    let anybody = site.anybody();
    let page = anybody.get("/holds").await;
    page.says(&order)
        .says("Axerrio's counts")
        .says("Log in to decide")
        .keeps_quiet_of("<form")
        .keeps_quiet_of("Bloom");
    assert_eq!(anybody.post(&format!("/holds/{id}"), &[("take", "axerrio")]).await.status, 403);
    assert_eq!(site.link.holds().await.len(), 1);
}

#[tokio::test]
async fn an_unknown_product_is_mapped_from_its_hold_and_the_hold_goes_away() {
    let (site, order) = traded().await;
    let admin = site.admin().await;
    let holds = site.link.holds().await;
    let hold = holds.iter().find(|hold| hold.reason == HoldReason::UnmappedProduct).unwrap();
    admin.get("/holds").await.says("Product not mapped").says("Map this product").says(UNKNOWN_CODE);
    admin.get("/maps/product").await.says("Orders wait for these").says("1 line waits").says(UNKNOWN_CODE);
    let one = admin.get(&format!("/holds/{}", hold.id)).await;
    one.says("What HYDRANGEA-SELECT-BLUE may be in Komet").says("Komet id");
    let id = UNKNOWN_IS.to_string();
    let answer = admin.post(&format!("/holds/{}", hold.id), &[("code", UNKNOWN_CODE), ("komet_id", &id)]).await;
    assert_eq!((answer.status, answer.location()), (303, "/holds?done=mapped"));
    admin.get(answer.location()).await.says("Mapped. The next run goes on").says("the next run goes on");
    let mapped = site.link.engine.store.read(|conn| maps::list(conn, MapKind::Product)).await.unwrap();
    assert_eq!(mapped, [(UNKNOWN_CODE.to_owned(), i64::try_from(UNKNOWN_IS).unwrap())]);
    site.link.sync().await;
    site.link.sync().await;
    assert!(!site.link.held().await.iter().any(|(reason, _)| *reason == HoldReason::UnmappedProduct), "{order}");
    admin.get("/maps/product").await.keeps_quiet_of("Orders wait for these");
}

/// What procurement has approved is not made anew: only Komet's own map helps.
#[tokio::test]
async fn a_local_map_is_not_offered_for_a_product_on_an_approved_po() {
    let (site, _) = traded().await;
    site.link.act(approve_all);
    site.link.sync().await;
    let holds = site.admin().await.get("/holds").await;
    holds.says("Product not mapped").says("a local map comes too late").keeps_quiet_of("Map this product");
}

#[tokio::test]
async fn a_button_for_each_suggestion_maps_to_it() {
    let (site, _) = traded().await;
    let admin = site.admin().await;
    let page = admin.get("/maps/product?code=ROSE-FREEDOM-50").await;
    page.says("Rose Freedom 50 cm").says("Map to this").says("words: rose, freedom");
    let id = page.body.split("name=\"komet_id\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let answer = admin.post("/maps/product", &[("code", "ROSE-FREEDOM-50"), ("komet_id", &id)]).await;
    assert_eq!(answer.location(), "/maps/product?done=set");
    admin.get(answer.location()).await.says("ROSE-FREEDOM-50").says("Set. The next run goes on");
}

#[tokio::test]
async fn a_product_of_a_prebook_from_komet_is_komets_to_map() {
    let site = Site::start().await;
    let link = &site.link;
    let draft = prebook(link.day(5), vec![item(UNKNOWN, 2, link.day(3))]);
    link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    link.sync().await;
    assert_eq!(link.held().await.first().map(|(reason, _)| *reason), Some(HoldReason::UnmappedProduct));
    let admin = site.admin().await;
    let holds = admin.get("/holds").await;
    holds.says("Product not mapped").says("Prebook Summary").keeps_quiet_of("Map this product");
    holds.keeps_quiet_of("the next run goes on");
    admin.get("/maps/product").await.keeps_quiet_of("Orders wait for these");
}

#[tokio::test]
async fn what_the_brake_stopped_is_told_as_a_sum_and_that_is_what_goes() {
    let site = Site::start().await;
    let link = &site.link;
    let draft = prebook(link.day(6), vec![item(FREEDOM, 4, link.day(4)), item(MONDIAL, 2, link.day(4))]);
    let prebook = link.act(|w, now| w.komet.rep_creates_prebook(&draft, now)).unwrap();
    let cancelled = seven_orders(link);
    link.sync_well().await;
    link.act(|w, now| {
        cancelled.iter().try_for_each(|id| w.axerrio.customer_cancels(id, now)).unwrap();
        let items: Vec<u64> = w.komet.prebook(prebook).unwrap().items.iter().map(|item| item.id).collect();
        let none = ItemChange { boxes: Some(0), ..ItemChange::default() };
        items.iter().try_for_each(|item| w.komet.rep_changes_item(*item, &none, now))
    })
    .unwrap();
    link.sync_well().await;
    let (hold, writes) = (link.holds().await.remove(0), link.writes());
    assert_eq!((hold.reason, hold.covers.len()), (HoldReason::TooManyCancellations, 8));

    let admin = site.admin().await;
    let page = admin.get("/holds").await;
    page.says(&format!("Orders {} ,", cancelled[0]));
    let shown = page.words();
    let of = |choice: &str| shown.split(choice).nth(1).unwrap().split("Take ").next().unwrap().to_owned();
    let axerrio = of("those cancelled in Komet are kept.");
    assert!(
        axerrio
            .contains("In Axerrio nothing is written In Komet 7 PO lines are deleted 7 Prebook items are deleted"),
        "{axerrio}"
    );
    let komet = of("those cancelled in Axerrio are kept.");
    assert!(komet.contains("In Axerrio 1 order is cancelled In Komet nothing is written"), "{komet}");
    let dismissed = of("None of these orders is cancelled on the other side.");
    assert!(dismissed.contains("In Axerrio nothing is written In Komet nothing is written"), "{dismissed}");

    admin.post(&format!("/holds/{}", hold.id), &[("take", "axerrio")]).await;
    link.sync_well().await;
    assert_eq!(link.writes() - writes, 14);
}

/// What is worded for a shell, wherever it is shown.
const FOR_A_SHELL: [&str; 5] = ["stemsync map", "--take", "KOMET-ID", "ake axerrio", "ake komet "];

#[tokio::test]
async fn what_a_hold_says_to_do_can_be_done_on_the_page() {
    let (site, _, id) = edited().await;
    let link = &site.link;
    let unknown = order(link.day(3), vec![line(UNKNOWN, 2)]);
    let unknown = link.act(|w, now| w.axerrio.customer_orders(unknown, now));
    let cancelled = seven_orders(link);
    link.sync_well().await;
    link.act(|w, now| cancelled.iter().try_for_each(|id| w.axerrio.customer_cancels(id, now))).unwrap();
    link.sync_well().await;
    let mut held: Vec<_> = link.holds().await.into_iter().map(|hold| hold.reason).collect();
    held.sort_unstable();
    held.dedup();
    let meant = [HoldReason::UnmappedProduct, HoldReason::EditedInKomet, HoldReason::TooManyCancellations];
    assert!(meant.iter().all(|reason| held.contains(reason)), "{held:?}");

    let admin = site.admin().await;
    admin
        .get("/holds")
        .await
        .says("Take Axerrio's to write Axerrio's line again, take Komet's to leave Komet's as it is.")
        .says("Map it in Komet's Prebook Summary (shown in red), or on this page.")
        .says("Take Axerrio's to let them go, take Komet's to keep them.");
    let key = |order: stemsync::domain::Order| format!("/orders/{}", order.key.0);
    let run = admin.get("/runs").await.body;
    let run = format!("/runs/{}", run.split("href=\"/runs/").nth(1).unwrap().split('"').next().unwrap());
    let order = key(link.order(&unknown).await);
    for path in ["/", "/holds", &format!("/holds/{id}"), &order, &run] {
        let page = admin.get(path).await;
        for words in FOR_A_SHELL {
            page.keeps_quiet_of(words);
        }
    }
    let guest = site.anybody().get("/holds").await;
    for words in FOR_A_SHELL {
        guest.keeps_quiet_of(words);
    }
    guest.says("Map it in Komet's Prebook Summary (shown in red).");
    // Scripts, and whoever sits in a shell, read what they always did.
    let holds = link.holds().await;
    let said = |words: &str| holds.iter().any(|hold| hold.detail.contains(words));
    assert!(said("or run: stemsync map product set HYDRANGEA-SELECT-BLUE KOMET-ID"), "{holds:?}");
    assert!(said("Take axerrio to write") && said("Take axerrio to let them go"), "{holds:?}");
}
