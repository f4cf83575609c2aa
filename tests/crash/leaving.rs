//! A daemon that is told to stop: what is in hand is finished and kept, and nothing else is begun.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use stemsync::domain::Stage;
use stemsync::sandbox::{Answers, World};
use stemsync::store::{Store, intents, orders};
use tokio::runtime::Runtime;

use crate::gate::{Moment, Trap};
use crate::manager::{Service, until};
use crate::process::Site;
use crate::trade::{FREEDOM, line, order};

/// One order, so that one request is in hand.
fn ordered(world: &mut World, today: NaiveDate, now: DateTime<Utc>) {
    world.axerrio.customer_orders(order(today + TimeDelta::days(3), vec![line(FREEDOM, 2)]), now);
}

#[test]
fn an_answer_that_comes_after_the_signal_is_kept_and_nothing_else_is_asked() {
    let runtime = Runtime::new().unwrap();
    // Nobody gives the request up meanwhile, also on a busy machine.
    let site = Site::with_timeout(runtime.handle(), Answers::Plain, "1m");
    site.act(ordered);
    site.gate.set(Some(Trap { method: Some("prebook.create".to_owned()), nth: 0, moment: Moment::Answered }));
    let mut service = Service::new(&site.place);
    service.start(&site.place);
    until("Komet has made a Prebook, and its answer is on its way", || site.gate.has_sprung());
    service.signal("-TERM");
    service.expect("STOPPING=1");
    site.gate.hand_over();
    assert_eq!(service.end().code(), Some(0));
    let log = service.log();
    assert!(!log.iter().any(|line| line.contains("left before the last answers came")), "{log:#?}");
    // Behind the gate, which lets nothing through any more, another request would be one in doubt.
    let store = Store::open(&site.place.database()).unwrap();
    assert_eq!(store.read_blocking(intents::count).unwrap(), 0);
    assert_eq!(store.read_blocking(orders::stage_counts).unwrap(), [(Stage::Prebooked, 1)]);
}
