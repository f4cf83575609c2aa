//! A week of trade, played to a certain point, and what it is called there.

use stemsync::sandbox::scenario::{Placed, PlacedId};
use stemsync::sandbox::{Answers, Tokens, World};
use stemsync::store::orders;
use stemsync::sync::audit::{AuditReport, Difference};
use stemsync::sync::engine::Settings;

use crate::link::{Link, failures};

/// How far the week was played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Upto {
    /// Every order has its Prebook and its pending PO.
    Ordered,
    /// Procurement approved every PO, and Axerrio knows.
    Approved,
    /// Every box has its label.
    Labelled,
    /// Every box was scanned in.
    Received,
}

/// A played week.
pub(crate) struct Played {
    pub(crate) link: Link,
    placed: Vec<(String, PlacedId)>,
}

/// It is read again for each of its many fields.
fn unlimited() -> Settings {
    Settings { quota_limit: 1_000_000, ..Settings::default() }
}

impl Played {
    pub(crate) async fn week(answers: Answers, upto: Upto) -> Self {
        Self::on(Link::with(answers, unlimited()).await, upto).await
    }

    /// A few orders of the week only.
    pub(crate) async fn some(answers: Answers, upto: Upto, names: &[&str]) -> Self {
        let link = Link::with(answers, unlimited()).await;
        let today = link.today();
        let week = &link.scenario.week;
        let placed = link.act(|w, now| {
            let orders = week.orders.iter().filter(|o| names.contains(&o.name.as_str()));
            let mut placed: Vec<_> =
                orders.map(|o| link.scenario.place_order(w, o, today, now).unwrap()).collect();
            let prebooks = week.prebooks.iter().filter(|p| names.contains(&p.name.as_str()));
            placed.extend(prebooks.map(|p| link.scenario.place_prebook(w, p, today, now).unwrap()));
            placed
        });
        assert_eq!(placed.len(), names.len());
        Self::play(link, placed, upto).await
    }

    pub(crate) async fn on(link: Link, upto: Upto) -> Self {
        let today = link.today();
        let placed = link.act(|w, now| link.scenario.place_week(w, today, now)).unwrap();
        Self::play(link, placed, upto).await
    }

    async fn play(link: Link, placed: Vec<Placed>, upto: Upto) -> Self {
        let placed = placed.into_iter().map(|p| (p.name, p.id)).collect();
        let played = Self { link, placed };
        played.sync().await;
        let people = &played.link.people;
        played.link.act(|w, now| people.maps_products(w, now)).unwrap();
        played.sync().await;
        played.link.act(|w, now| people.vendor_accepts(w, now)).unwrap();
        played.sync().await;
        if upto >= Upto::Approved {
            played.link.act(|w, now| people.buyer_approves(w, now)).unwrap();
            played.sync().await;
        }
        if upto >= Upto::Labelled {
            played.link.act(|w, now| people.packer_prints(w, now)).unwrap();
            played.sync().await;
        }
        if upto >= Upto::Received {
            played.link.act(|w, now| people.warehouse_receives(w, now)).unwrap();
            played.sync().await;
        }
        played
    }

    /// Two runs: what the first one learns, the second one carries on.
    pub(crate) async fn sync(&self) {
        for _ in 0..2 {
            let report = self.link.sync().await;
            assert_eq!(failures(&report), Vec::<String>::new());
        }
    }

    pub(crate) async fn audit(&self) -> AuditReport {
        self.link.engine.audit().await.unwrap()
    }

    /// The order in Axerrio of a flow 1 order of the week.
    pub(crate) fn order(&self, name: &str) -> String {
        match self.placed.iter().find(|(n, _)| n == name) {
            Some((_, PlacedId::Order(id))) => id.clone(),
            other => panic!("{name} is no order: {other:?}"),
        }
    }

    /// The Prebook in Komet of a flow 2 order of the week, by its internal id.
    pub(crate) fn prebook(&self, name: &str) -> u64 {
        match self.placed.iter().find(|(n, _)| n == name) {
            Some((_, PlacedId::Prebook(id))) => *id,
            other => panic!("{name} is no Prebook: {other:?}"),
        }
    }

    pub(crate) async fn orders_on_file(&self) -> u64 {
        self.link.engine.store.read(orders::all_keys).await.unwrap().len() as u64
    }

    pub(crate) fn world(&self) -> String {
        self.link.act(|world, _| world.to_json()).unwrap()
    }

    pub(crate) fn put_world(&self, json: &str) {
        let mut world = World::from_json(json).unwrap();
        world.set_tokens(Tokens {
            vendor: self.link.sandbox.komet_token().to_owned(),
            company: None,
            axerrio: self.link.sandbox.axerrio_token().to_owned(),
        });
        self.link.act(|w, _| *w = world);
    }
}

/// `order line field axerrio/komet`, for comparing with a story.
pub(crate) fn told(differences: &[Difference]) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    differences
        .iter()
        .map(|d| {
            format!("{} {} {} {}/{}", text(&d.order), text(&d.line), d.field, text(&d.axerrio), text(&d.komet))
        })
        .collect()
}

/// What an audit of the link reports.
pub(crate) async fn differences(link: &Link) -> Vec<String> {
    told(&link.engine.audit().await.unwrap().differences)
}

/// What an audit of the link lists apart.
pub(crate) async fn listed_apart(link: &Link) -> Vec<String> {
    told(&link.engine.audit().await.unwrap().agreed_to_differ)
}
