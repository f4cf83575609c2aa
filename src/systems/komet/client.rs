//! Komet's methods over the transport. Reads carry the token in the query string, so no URL built here may leave
//! this file in a text; writes carry it in the body, go out once, and are refused here when they exceed 64 KB.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use reqwest::Method;
use serde::Serialize;

use super::bodies::{self, Sender};
use super::loose::Bad;
use super::refusals::Refusals;
use super::wire::{self, ReadAnswer, WriteAnswer};
use super::{convert, verdict};
use crate::domain::{
    BoxType, Carrier, CodeChange, CodeChanged, CreatedPo, CreatedPrebook, ItemId, NewPrebook, NewPurchaseOrder,
    PoItemId, Prebook, PrebookId, PurchaseOrder, Shipment, Shipped,
};
use crate::systems::network::SharedNetwork;
use crate::systems::reply::{Failure, Reply};
use crate::systems::transport::{Settings, Transport, encode};
use crate::systems::{
    Answer, Fault, Komet, Meter, PoQuery, PrebookDates, PrebookQuery, SharedMeter, System, SystemError,
    Unreadable, without_words,
};

/// What the adapter needs to know. No `Debug`: it holds the token.
pub struct KometOptions {
    /// `https://api.kometsales.com/api/`, or a loopback address.
    pub base_url: String,
    /// A Vendor or a Company token.
    pub token: String,
    /// With a Company token the vendor it acts for; `None` with a Vendor token, which implies it.
    pub vendor_id: Option<i64>,
    /// For one attempt, from connecting to the answer's last byte.
    pub timeout: Duration,
    /// The first pause before a read is repeated; it doubles each time. 250 ms is kind to a server.
    pub retry_base: Duration,
}

/// Komet over HTTP. No `Debug`: it holds the token.
#[derive(Clone)]
pub struct KometClient {
    transport: Arc<Transport>,
    token: String,
    vendor_id: Option<i64>,
    /// `?authenticationToken=…`, encoded once.
    query: String,
    /// What is known of refused writes.
    refusals: Arc<Refusals>,
}

impl KometClient {
    /// A client with its own connection pool; make one and keep it. Nothing is sent yet.
    ///
    /// Fails where the base URL is none, or where TLS cannot be set up (no certificates on the machine).
    pub fn new(options: KometOptions) -> Result<Self, SystemError> {
        Self::build(options, None)
    }

    /// A client over a simulated network.
    ///
    /// Fails as [`Self::new`] does.
    pub fn over(network: SharedNetwork, options: KometOptions) -> Result<Self, SystemError> {
        Self::build(options, Some(network))
    }

    fn build(options: KometOptions, network: Option<SharedNetwork>) -> Result<Self, SystemError> {
        let KometOptions { base_url, token, vendor_id, timeout, retry_base } = options;
        let mut query = "?authenticationToken=".to_owned();
        encode(&mut query, &token);
        let transport = Arc::new(Transport::new(Settings {
            system: System::Komet,
            base_url,
            token: token.clone(),
            auth: None,
            timeout,
            retry_base,
            network,
        })?);
        Ok(Self { transport, token, vendor_id, query, refusals: Arc::default() })
    }

    fn sender(&self) -> Sender<'_> {
        Sender { token: &self.token, vendor_id: self.vendor_id }
    }

    /// One read. `records` picks and reads the method's list.
    async fn list<T>(
        &self,
        method: &'static str,
        parameters: &[(&str, &str)],
        records: impl Fn(&ReadAnswer<'_>) -> Result<(Vec<T>, Vec<Unreadable>), Bad>,
    ) -> Result<Answer<T>, SystemError> {
        let mut path = format!("{method}{}", self.query);
        for (name, value) in parameters {
            path.push('&');
            path.push_str(name);
            path.push('=');
            encode(&mut path, value);
        }
        let mut answer = self
            .transport
            .read(method, &path, |reply| {
                verdict::found(reply)?;
                verdict::http_status(reply)?;
                let parsed = wire::parse::<ReadAnswer<'_>>(reply.text()?).map_err(|e| Failure::json(&e))?;
                let answer = parsed.get("the answer")?;
                verdict::accepted(answer.status, answer.message)?;
                let (items, unreadable) = records(answer)?;
                Ok(Answer { items, unreadable, as_of: reply.date.unwrap_or_else(Utc::now) })
            })
            .await
            .inspect_err(|error| self.refusals.read_failed(&error.fault))?;
        for one in &mut answer.unreadable {
            one.what = self.transport.clean(&one.what);
            one.id = one.id.as_deref().map(|id| self.transport.clean(id));
        }
        Ok(answer)
    }

    /// One write. `told` reads what an answer says, its `status` included.
    async fn send<T>(
        &self,
        method: &'static str,
        body: &impl Serialize,
        told: impl FnOnce(&WriteAnswer<'_>) -> Result<T, Failure>,
    ) -> Result<T, SystemError> {
        let body = bodies::bytes(body);
        if body.len() > bodies::LIMIT {
            return Err(self.transport.error(method, Fault::TooLarge(body.len())));
        }
        if let Some(why) = self.refusals.of_method(method, self.now().unwrap_or_default()) {
            return Err(self.transport.error(method, Fault::Rejected(why)));
        }
        let judge = |reply: &Reply| {
            verdict::http_status(reply)?;
            let parsed = wire::parse::<WriteAnswer<'_>>(reply.text()?).map_err(|e| Failure::json(&e))?;
            told(parsed.get("the answer")?)
        };
        match self.transport.write(method, Method::POST, method, body, judge).await {
            Ok(done) => {
                self.refusals.passed(method);
                Ok(done)
            }
            Err(error) => {
                let reads = async || self.carriers().await.is_ok();
                let fault = self.refusals.judge(method, error.fault, || self.now(), reads).await;
                Err(SystemError { fault, ..error })
            }
        }
    }

    /// Komet's time in seconds, as far as it is known: where requests are counted whoever counts them has it, else the last answer.
    fn now(&self) -> Option<i64> {
        let now = self.transport.meter().map(Meter::now).or_else(|| self.transport.clock());
        now.map(|now| now.timestamp())
    }

    /// A refusal of one entry, its foreign text cleaned.
    fn cleaned(&self, result: Result<(), String>) -> Result<(), String> {
        result.map_err(|message| self.transport.clean(&message))
    }
}

/// A list that has no place for what is unreadable in it: that is logged, and the rest serves.
fn readable<T>(method: &str, answer: Answer<T>) -> Vec<T> {
    for one in &answer.unreadable {
        log::warn!("Komet {method}: left out, as it is unreadable: {}", without_words(&one.what));
    }
    answer.items
}

/// A write whose answer holds nothing but `status` and `message`.
fn plainly(answer: &WriteAnswer<'_>) -> Result<(), Failure> {
    verdict::accepted(answer.status, answer.message)
}

/// Seven dates at most, and not backwards (clarification 16).
fn window(from: NaiveDate, to: NaiveDate) -> Result<(), Fault> {
    let dates = (to - from).num_days() + 1;
    if (1..=7).contains(&dates) {
        return Ok(());
    }
    Err(Fault::Rejected(format!("{from} to {to} is no window of one to seven ship dates; nothing was sent")))
}

impl Komet for KometClient {
    async fn prebooks(&self, query: &PrebookQuery) -> Result<Answer<Prebook>, SystemError> {
        const METHOD: &str = "prebook.details.list";
        let mut parameters: Vec<(&str, &str)> = Vec::with_capacity(4);
        let (first, last, changed);
        match query.dates {
            PrebookDates::Ship { from, to } => {
                window(from, to).map_err(|fault| self.transport.error(METHOD, fault))?;
                (first, last) = (from.to_string(), to.to_string());
                parameters.push(("vendorShipDateFrom", &first));
                parameters.push(("vendorShipDateTo", &last));
            }
            PrebookDates::Truck(date) => {
                first = date.to_string();
                parameters.push(("date", &first));
            }
        }
        if let Some(time) = query.updated_as_of {
            changed = time.format("%Y-%m-%d %H:%M:%S").to_string();
            parameters.push(("updatedAsOf", &changed));
        }
        if let Some(number) = &query.number {
            parameters.push(("prebook", &number.0));
        }
        self.list(METHOD, &parameters, |answer| convert::prebooks(&answer.prebooks, self.vendor_id)).await
    }

    async fn purchase_orders(&self, query: &PoQuery) -> Result<Answer<PurchaseOrder>, SystemError> {
        let date;
        let vendor = self.vendor_id.map(|id| id.to_string());
        let mut parameters = vec![match query {
            PoQuery::ShipDate(day) => {
                date = day.to_string();
                ("date", date.as_str())
            }
            PoQuery::Number(number) => ("number", number.0.as_str()),
        }];
        if let Some(vendor) = &vendor {
            parameters.push(("vendorId", vendor));
        }
        let mut answer = self
            .list("purchase.order.list", &parameters, |answer| {
                convert::purchase_orders(&answer.purchase_orders, self.vendor_id)
            })
            .await?;
        // Axerrio must be told a time. Of a PO that says none no more is known than that it was so when it was read.
        for po in &mut answer.items {
            po.updated_on.get_or_insert(answer.as_of);
        }
        Ok(answer)
    }

    async fn carriers(&self) -> Result<Vec<Carrier>, SystemError> {
        let answer = self.list("carrier.list", &[], |answer| convert::carriers(&answer.carriers)).await?;
        Ok(readable("carrier.list", answer))
    }

    async fn box_types(&self) -> Result<Vec<BoxType>, SystemError> {
        let answer = self.list("boxtype.list", &[], |answer| convert::box_types(answer.box_types())).await?;
        Ok(readable("boxtype.list", answer))
    }

    async fn prebook_create(&self, new: &NewPrebook) -> Result<CreatedPrebook, SystemError> {
        self.send("prebook.create", &self.sender().prebook_create(new), |answer| {
            plainly(answer)?;
            Ok(verdict::created_prebook(answer, new.items.len())?)
        })
        .await
    }

    async fn prebook_item_delete(&self, prebook: &PrebookId, item: &ItemId) -> Result<(), SystemError> {
        let body = bodies::PrebookItemDelete {
            authentication_token: &self.token,
            prebook_id: prebook,
            prebook_item_id: item,
        };
        self.send("prebook.item.delete", &body, plainly).await
    }

    async fn po_create(&self, new: &NewPurchaseOrder) -> Result<CreatedPo, SystemError> {
        let method = if new.mixed { "purchase.order.mixed.create" } else { "purchase.order.create" };
        self.send(method, &self.sender().po_create(new), |answer| {
            plainly(answer)?;
            Ok(verdict::created_po(answer, new)?)
        })
        .await
    }

    async fn po_item_delete(&self, line: &PoItemId) -> Result<(), SystemError> {
        let body = bodies::PoItemDelete { authentication_token: &self.token, po_item_id: line };
        self.send("purchase.order.item.delete", &body, plainly).await
    }

    async fn ship(&self, shipments: &[Shipment]) -> Result<Vec<Shipped>, SystemError> {
        let mut results = self
            .send("purchase.order.items.awb.add", &self.sender().awb_add(shipments), |answer| {
                verdict::shipped(answer, shipments)
            })
            .await?;
        for one in &mut results {
            one.result = self.cleaned(std::mem::replace(&mut one.result, Ok(())));
        }
        Ok(results)
    }

    async fn change_codes(&self, changes: &[CodeChange]) -> Result<Vec<CodeChanged>, SystemError> {
        let mut results = self
            .send("box.code.change", &self.sender().codes_change(changes), |answer| {
                verdict::changed(answer, changes)
            })
            .await?;
        for one in &mut results {
            one.result = self.cleaned(std::mem::replace(&mut one.result, Ok(())));
        }
        Ok(results)
    }

    fn prebook_fits(&self, new: &NewPrebook) -> usize {
        let sender = self.sender();
        bodies::fits(&sender.prebook_head(new), new.items.iter().map(|item| sender.prebook_item(item)))
    }

    fn po_fits(&self, new: &NewPurchaseOrder) -> usize {
        bodies::fits(&self.sender().po_head(new), new.lines.iter().map(bodies::po_line))
    }

    fn shipments_fit(&self, shipments: &[Shipment]) -> usize {
        let sender = self.sender();
        bodies::fits(&sender.awb_add(&[]), shipments.iter().map(|shipment| sender.awb_item(shipment)))
    }

    fn changes_fit(&self, changes: &[CodeChange]) -> usize {
        bodies::fits(&self.sender().codes_change(&[]), changes.iter().map(bodies::code_item))
    }

    fn requests(&self) -> u64 {
        self.transport.requests()
    }

    fn heed(&self, stop: Arc<AtomicBool>) {
        self.transport.heed(stop);
    }

    fn attach(&self, meter: SharedMeter) {
        self.transport.attach(meter);
    }

    fn meter(&self) -> Option<&dyn Meter> {
        self.transport.meter()
    }

    fn clock(&self) -> Option<DateTime<Utc>> {
        self.transport.clock()
    }
}
