//! Emulator of Stripe: customers, Checkout, the customer portal, subscriptions, and signed events.
//!
//! Requests and answers have the shapes of API version 2026-10-28 (<https://docs.stripe.com/api>); a test with the official
//! library holds it to them. It bills nobody: its pages have buttons for what people would do at Stripe.

mod form;
mod objects;
mod pages;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Response, StatusCode, header};
use serde_json::{Value, json};

use self::{
    form::Form,
    objects::{Customer, Session, Subscription},
};
use super::{Emulated, Exchange};
use crate::{clock::Timestamp, connectors::stripe::signature::sign, outbound::Url};

/// Length of a period: 30 days.
const PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Number of events that are kept.
const MOST_EVENTS: usize = 100_000;

/// Names of the fields from which a subscription is made.
struct Names {
    tenant: &'static str,
    trial_end: &'static str,
    price: &'static str,
    quantity: &'static str,
}

const OF_CHECKOUT: Names = Names {
    tenant: "subscription_data[metadata][tenant_id]",
    trial_end: "subscription_data[trial_end]",
    price: "line_items[0][price]",
    quantity: "line_items[0][quantity]",
};

const OF_SUBSCRIPTION: Names = Names {
    tenant: "metadata[tenant_id]",
    trial_end: "trial_end",
    price: "items[0][price]",
    quantity: "items[0][quantity]",
};

/// An event with the time at which it happened.
#[derive(Debug, Clone)]
pub struct StripeEvent {
    /// Time of the event.
    pub at: Timestamp,
    /// Its body, byte for byte.
    pub body: String,
}

/// The emulated system.
pub struct StripeSystem {
    key: String,
    webhook_secret: String,
    /// Address of the emulator itself, for links to its pages.
    origin: Mutex<String>,
    state: Mutex<State>,
    deliver: Option<tokio::sync::mpsc::UnboundedSender<StripeEvent>>,
}

impl fmt::Debug for StripeSystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StripeSystem").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    number: u64,
    customers: BTreeMap<String, Customer>,
    sessions: BTreeMap<String, Session>,
    subscriptions: BTreeMap<String, Subscription>,
    portals: BTreeMap<String, (String, String)>,
    /// Answers by idempotency key, with the request that they are to.
    answered: BTreeMap<String, (Bytes, StatusCode, Value)>,
    events: Vec<StripeEvent>,
}

impl State {
    fn id(&mut self, prefix: &str) -> String {
        self.number += 1;
        format!("{prefix}_{:012}", self.number)
    }

    /// Records an event about an object.
    fn announce(&mut self, kind: &str, object: Value, now: Timestamp) {
        let id = self.id("evt");
        let body = json!({
            "id": id, "object": "event", "api_version": crate::connectors::stripe::API_VERSION, "created": now.seconds(),
            "type": kind, "livemode": false, "pending_webhooks": 1, "data": { "object": object },
            "request": { "id": null, "idempotency_key": null },
        });
        if self.events.len() < MOST_EVENTS {
            self.events.push(StripeEvent { at: now, body: body.to_string() });
        }
    }

    /// Changes a subscription, and announces it.
    fn change(
        &mut self,
        id: &str,
        kind: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Subscription),
    ) -> Option<Value> {
        let subscription = self.subscriptions.get_mut(id)?;
        change(subscription);
        let object = subscription.object();
        self.announce(kind, object.clone(), now);
        Some(object)
    }

    /// Announces an invoice of a subscription.
    fn bill(&mut self, id: &str, kind: &str, now: Timestamp) {
        let Some(customer) = self.subscriptions.get(id).map(|subscription| subscription.customer.clone()) else {
            return;
        };
        let invoice = json!({
            "id": self.id("in"), "object": "invoice", "customer": customer, "status": "open",
            "parent": { "type": "subscription_details", "quote_details": null, "subscription_details": { "metadata": {}, "subscription": id } },
        });
        self.announce(kind, invoice, now);
    }

    fn subscribe(&mut self, customer: &str, fields: &Form, names: &Names, now: Timestamp) -> String {
        let id = self.id("sub");
        let item = self.id("si");
        let trial_end = fields.text(names.trial_end).and_then(|end| end.parse().ok());
        let subscription = Subscription {
            id: id.clone(),
            item,
            customer: customer.to_owned(),
            status: if trial_end.is_some() { "trialing" } else { "active" }.to_owned(),
            tenant: fields.text(names.tenant),
            price: fields.text(names.price).unwrap_or_default(),
            quantity: fields.text(names.quantity).and_then(|number| number.parse().ok()).unwrap_or(1),
            collection_method: fields.text("collection_method").unwrap_or_else(|| "charge_automatically".to_owned()),
            created: now.seconds(),
            trial_end,
            period_end: trial_end.unwrap_or_else(|| now.plus(PERIOD).seconds()),
            cancel_at_period_end: false,
            ended_at: None,
        };
        let object = subscription.object();
        self.subscriptions.insert(id.clone(), subscription);
        self.announce("customer.subscription.created", object, now);
        self.bill(&id, "invoice.paid", now);
        id
    }
}

/// A refusal as Stripe words it.
fn refusal(status: StatusCode, code: &str, message: &str) -> (StatusCode, Value) {
    (status, json!({ "error": { "code": code, "message": message, "type": "invalid_request_error" } }))
}

impl StripeSystem {
    /// Creates a system with its key and the signing secret of its webhook.
    #[must_use]
    pub fn new(key: impl Into<String>, webhook_secret: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            webhook_secret: webhook_secret.into(),
            origin: Mutex::default(),
            state: Mutex::default(),
            deliver: None,
        }
    }

    /// Has events sent on as they happen.
    #[must_use]
    pub fn delivering(mut self, to: tokio::sync::mpsc::UnboundedSender<StripeEvent>) -> Self {
        self.deliver = Some(to);
        self
    }

    /// Sets the address under which browsers reach it, once it is known.
    pub fn at(&self, origin: impl Into<String>) {
        *self.origin.lock().unwrap_or_else(PoisonError::into_inner) = origin.into();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn origin(&self) -> String {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the events since the last call, in their order.
    #[must_use]
    pub fn take_events(&self) -> Vec<StripeEvent> {
        std::mem::take(&mut self.state().events)
    }

    /// Returns the `Stripe-Signature` of a body sent at this time.
    #[must_use]
    pub fn signature(&self, body: &str, at: Timestamp) -> String {
        sign(&self.webhook_secret, body.as_bytes(), at)
    }

    /// Completes a Checkout session as a customer who pays. Returns the id of the subscription.
    pub fn complete(&self, session: &str, now: Timestamp) -> Option<String> {
        let mut state = self.state();
        let (customer, form) = {
            let session = state.sessions.get_mut(session).filter(|session| session.subscription.is_none())?;
            (session.customer.clone(), session.form.clone())
        };
        let id = state.subscribe(&customer, &form, &OF_CHECKOUT, now);
        let session = state.sessions.get_mut(session)?;
        session.subscription = Some(id.clone());
        let object = session.object();
        state.announce("checkout.session.completed", object, now);
        drop(state);
        self.send();
        Some(id)
    }

    /// Gives a subscription another status, with the events that Stripe sends for it.
    pub fn set_status(&self, id: &str, status: &str, now: Timestamp) {
        let mut state = self.state();
        match status {
            "past_due" | "unpaid" => state.bill(id, "invoice.payment_failed", now),
            "active" => state.bill(id, "invoice.paid", now),
            _ => {}
        }
        let kind = if status == "canceled" { "customer.subscription.deleted" } else { "customer.subscription.updated" };
        state.change(id, kind, now, |subscription| {
            status.clone_into(&mut subscription.status);
            match status {
                "canceled" => subscription.ended_at = Some(now.seconds()),
                "active" => subscription.period_end = subscription.period_end.max(now.plus(PERIOD).seconds()),
                _ => {}
            }
        });
        drop(state);
        self.send();
    }

    /// Changes price and quantity of a subscription, as a customer does in the portal.
    pub fn set_item(&self, id: &str, price: &str, quantity: u64, now: Timestamp) {
        self.state().change(id, "customer.subscription.updated", now, |subscription| {
            price.clone_into(&mut subscription.price);
            subscription.quantity = quantity;
        });
        self.send();
    }

    /// Has a subscription end with its period, or not.
    pub fn set_ending(&self, id: &str, ends: bool, now: Timestamp) {
        self.state().change(id, "customer.subscription.updated", now, |subscription| {
            subscription.cancel_at_period_end = ends;
        });
        self.send();
    }

    /// Returns status, price and quantity of all subscriptions, by id.
    #[must_use]
    pub fn subscriptions(&self) -> BTreeMap<String, (String, String, u64)> {
        let shown = |one: &Subscription| (one.status.clone(), one.price.clone(), one.quantity);
        self.state().subscriptions.iter().map(|(id, one)| (id.clone(), shown(one))).collect()
    }

    /// Returns the number of customers.
    #[must_use]
    pub fn customers(&self) -> usize {
        self.state().customers.len()
    }

    /// Sends events on, if somebody takes them.
    fn send(&self) {
        if let Some(deliver) = &self.deliver {
            for event in self.take_events() {
                // Nobody takes them any more once the process stops.
                let _ = deliver.send(event);
            }
        }
    }

    fn is_authorized(&self, exchange: &Exchange) -> bool {
        let given = exchange.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given == Some(format!("Bearer {}", self.key).as_str())
    }

    /// Answers a request to the API, once for its idempotency key.
    fn api(&self, exchange: &Exchange, path: &[&str]) -> (StatusCode, Value) {
        if !self.is_authorized(exchange) {
            return refusal(StatusCode::UNAUTHORIZED, "api_key_invalid", "Invalid API Key provided");
        }
        let key = exchange.headers.get("idempotency-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut state = self.state();
        if let Some(key) = &key
            && let Some((body, status, answer)) = state.answered.get(key)
        {
            return match *body == exchange.body {
                true => (*status, answer.clone()),
                false => refusal(
                    StatusCode::BAD_REQUEST,
                    "idempotency_key_in_use",
                    "Keys for idempotent requests can only be used with the same parameters they were first used with",
                ),
            };
        }
        let (status, answer) = self.operation(&mut state, exchange, path);
        if let Some(key) = key.filter(|_| status.is_success()) {
            state.answered.insert(key, (exchange.body.clone(), status, answer.clone()));
        }
        (status, answer)
    }

    fn operation(&self, state: &mut State, exchange: &Exchange, path: &[&str]) -> (StatusCode, Value) {
        let form = Form::read(&exchange.body);
        let now = exchange.now;
        let absent = |what: &str, id: &str| {
            refusal(StatusCode::NOT_FOUND, "resource_missing", &format!("No such {what}: '{id}'"))
        };
        let customer = |state: &State| form.text("customer").filter(|id| state.customers.contains_key(id));
        match (&exchange.method, path) {
            (&Method::POST, ["customers"]) => {
                let id = state.id("cus");
                let customer = Customer::new(&id, &form, now.seconds());
                let object = customer.object();
                state.customers.insert(id, customer);
                (StatusCode::OK, object)
            }
            (&Method::GET, ["customers", id]) => match state.customers.get(*id) {
                Some(customer) => (StatusCode::OK, customer.object()),
                None => absent("customer", id),
            },
            (&Method::POST, ["checkout", "sessions"]) => {
                let Some(customer) = customer(state) else { return absent("customer", "") };
                if form.text("mode").as_deref() != Some("subscription") || form.text("line_items[0][price]").is_none() {
                    return refusal(
                        StatusCode::BAD_REQUEST,
                        "parameter_missing",
                        "Missing required param: line_items.",
                    );
                }
                let id = state.id("cs_test");
                let session = Session::new(&id, &customer, form, &self.origin());
                let object = session.object();
                state.sessions.insert(id, session);
                (StatusCode::OK, object)
            }
            (&Method::POST, ["billing_portal", "sessions"]) => {
                let Some(customer) = customer(state) else { return absent("customer", "") };
                let id = state.id("bps");
                let back = form.text("return_url").unwrap_or_default();
                let url = format!("{}/portal/{id}", self.origin());
                let object = objects::portal(&id, &customer, &back, &url, now.seconds());
                state.portals.insert(id, (customer, back));
                (StatusCode::OK, object)
            }
            (&Method::POST, ["subscriptions"]) => {
                let Some(customer) = customer(state) else { return absent("customer", "") };
                let id = state.subscribe(&customer, &form, &OF_SUBSCRIPTION, now);
                (StatusCode::OK, state.subscriptions.get(&id).map(Subscription::object).unwrap_or_default())
            }
            (&Method::GET, ["subscriptions"]) => (StatusCode::OK, self.listed(state, exchange)),
            (&Method::GET, ["subscriptions", id]) => match state.subscriptions.get(*id) {
                Some(subscription) => (StatusCode::OK, subscription.object()),
                None => absent("subscription", id),
            },
            (&Method::DELETE, ["subscriptions", id]) => {
                match state.subscriptions.get(*id).map(|subscription| subscription.ended_at.is_some()) {
                    Some(false) => {
                        let object = state.change(id, "customer.subscription.deleted", now, |subscription| {
                            "canceled".clone_into(&mut subscription.status);
                            subscription.ended_at = Some(now.seconds());
                        });
                        (StatusCode::OK, object.unwrap_or_default())
                    }
                    _ => absent("subscription", id),
                }
            }
            _ => refusal(StatusCode::NOT_FOUND, "url_invalid", "Unrecognized request URL"),
        }
    }

    /// Lists the subscriptions that have not ended, the newest first.
    fn listed(&self, state: &State, exchange: &Exchange) -> Value {
        let query = Form::read(exchange.uri.query().unwrap_or_default().as_bytes());
        let limit = query.text("limit").and_then(|limit| limit.parse::<usize>().ok()).unwrap_or(10).clamp(1, 100);
        let customer = query.text("customer");
        let after = query.text("starting_after");
        let matching = state
            .subscriptions
            .values()
            .rev()
            .filter(|one| one.ended_at.is_none() && customer.as_ref().is_none_or(|id| *id == one.customer));
        let rest: Vec<&Subscription> = match after {
            Some(after) => matching.skip_while(|one| one.id != after).skip(1).collect(),
            None => matching.collect(),
        };
        let data: Vec<Value> = rest.iter().take(limit).map(|one| one.object()).collect();
        json!({ "object": "list", "url": "/v1/subscriptions", "has_more": rest.len() > limit, "data": data })
    }
}

impl Emulated for StripeSystem {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let path: Vec<&str> = exchange.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        if let ["v1", rest @ ..] = path.as_slice() {
            let (status, body) = self.api(exchange, rest);
            self.send();
            let mut response = Response::new(Bytes::from(body.to_string()));
            *response.status_mut() = status;
            response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            return response;
        }
        pages::answer(self, exchange, &path)
    }
}

/// Sends events to an address as they happen, each until it is taken. Ends when the system does.
pub async fn deliver(
    mut events: tokio::sync::mpsc::UnboundedReceiver<StripeEvent>,
    secret: String,
    to: Url,
    clock: std::sync::Arc<dyn crate::clock::Clock>,
) {
    use crate::outbound::{AllowedAddresses, Client, OutboundOptions, PlainHttp, Request};
    const SIGNATURE: http::HeaderName = http::HeaderName::from_static("stripe-signature");
    let client = Client::new(OutboundOptions {
        addresses: AllowedAddresses::PUBLIC.and_private().and_loopback(),
        plain_http: PlainHttp::OnLoopback,
        ..OutboundOptions::default()
    });
    while let Some(event) = events.recv().await {
        for attempt in 0..5_u32 {
            let signature = sign(&secret, event.body.as_bytes(), clock.now());
            let request = Request::post("").header(SIGNATURE, &signature).body("application/json", event.body.clone());
            let context = crate::context::RequestContext::fresh();
            match client.send(&context, &to, &request).await {
                Ok(response) if response.status().is_success() => break,
                Ok(response) => tracing::warn!(status = %response.status(), "an emulated event was refused"),
                Err(error) => tracing::warn!(%error, "an emulated event was not delivered"),
            }
            tokio::time::sleep(Duration::from_millis(200) * 2_u32.saturating_pow(attempt)).await;
        }
    }
}
