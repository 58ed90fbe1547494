//! A tenant on a store, and a sender of webhooks that reaches this machine.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dezky::{
    clock::{Clock as _, Timestamp},
    domain::{
        CreateEventEndpoint, Event, EventDelivery, EventDeliveryView, EventEndpoint, EventEndpointView, OutboxEvent,
        OutboxEventId, TenantId, UpdateEventEndpoint, UpdateTenant,
        event_delivery::{Attempt, EVENT_DELIVERIES},
    },
    outbound::Url,
    service::{Service, ServiceSettings, audit::AuditFilter},
    store::{Commit, Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::Webhooks,
};
use serde_json::{Value, json};

use super::{
    server::{Arrived, Server, local},
    support::{self, system},
};

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) tenant: TenantId,
}

impl World {
    pub(crate) async fn on(store: SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let service = Service::new(store, Arc::clone(&clock) as _, ServiceSettings::default());
        let tenant = support::tenant(&service, "acme").await;
        clock.advance(std::time::Duration::from_millis(1));
        Self { clock, service: Arc::new(service), webhooks: Arc::new(Webhooks::new(local())), tenant }
    }

    /// Returns another process on the same store.
    pub(crate) fn another(&self) -> Self {
        let service =
            Service::new(Arc::clone(self.service.store()), Arc::clone(&self.clock) as _, ServiceSettings::default());
        let webhooks = Arc::new(Webhooks::new(local()));
        Self { clock: Arc::clone(&self.clock), service: Arc::new(service), webhooks, tenant: self.tenant }
    }

    /// Returns a process that keeps no event for longer than it needs to.
    pub(crate) fn forgetful(self) -> Self {
        let settings = ServiceSettings { event_retention: std::time::Duration::ZERO, ..ServiceSettings::default() };
        let service = Service::new(Arc::clone(self.service.store()), Arc::clone(&self.clock) as _, settings);
        Self { service: Arc::new(service), ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Creates an endpoint. Returns it with its secret.
    pub(crate) async fn endpoint(
        &self,
        tenant: Option<TenantId>,
        url: &Url,
        types: &[&str],
    ) -> (EventEndpointView, String) {
        let mut body = json!({"url": url.as_str(), "types": types});
        if let Some(tenant) = tenant {
            body["tenantId"] = json!(tenant);
        }
        let input = CreateEventEndpoint::read(body).unwrap();
        let mut endpoint = self.service.create_event_endpoint(&system(), input).await.unwrap().value;
        let secret = endpoint.secret.take().unwrap().0;
        (endpoint, secret)
    }

    pub(crate) async fn change(&self, endpoint: &EventEndpointView, body: Value) {
        let input = UpdateEventEndpoint::read(body).unwrap();
        self.service.update_event_endpoint(&system(), endpoint.id, input).await.unwrap();
    }

    pub(crate) async fn rename(&self, name: &str) {
        let input = UpdateTenant::read(json!({"name": name})).unwrap();
        self.service.update_tenant(&system(), &self.tenant.into(), input).await.unwrap();
    }

    /// Stores deliveries to an endpoint that have failed once.
    pub(crate) async fn retrying(&self, endpoint: &EventEndpointView, number: u64) {
        let (context, now) = (system().context, self.now());
        let endpoint: Option<EventEndpoint> = self.service.store().load(&context, endpoint.id).await.unwrap();
        let mut commit = Commit::new();
        for sequence in 0..number {
            let event = OutboxEvent {
                id: OutboxEventId::generate(),
                version: 1,
                action: "tenant.update".to_owned(),
                tenant_id: Some(self.tenant),
                user_id: None,
                resource: None,
                changed_fields: Vec::new(),
                created_at: now,
            };
            let mut delivery = EventDelivery::of(&Event::at(sequence, event), endpoint.as_ref().unwrap(), now);
            delivery.note(Attempt::Refused { status: 400, why: "it answered 400".to_owned() }, 0.0, now);
            commit.insert(&delivery).unwrap();
        }
        self.service.store().commit(&context, &commit).await.unwrap();
    }

    pub(crate) async fn deliver(&self) {
        self.webhooks.run_due(&self.service).await.unwrap();
    }

    /// Returns the deliveries to an endpoint, the oldest first.
    pub(crate) async fn deliveries(&self, endpoint: &EventEndpointView) -> Vec<EventDeliveryView> {
        let (filter, page) = Default::default();
        let found = self.service.list_event_deliveries(&system(), endpoint.id, &filter, &page).await.unwrap();
        found.items.into_iter().rev().collect()
    }

    /// Returns all stored deliveries.
    pub(crate) async fn stored(&self) -> Vec<EventDelivery> {
        self.service.store().load_all(&system().context, &Query::new(&EVENT_DELIVERIES).limit(200)).await.unwrap()
    }

    /// Returns the ids of the tenant's audit events, the oldest first.
    pub(crate) async fn trail(&self) -> Vec<String> {
        let filter = AuditFilter { tenant: Some(self.tenant.into()), ..AuditFilter::default() };
        let found = self.service.list_audit(&system(), &filter, &Default::default()).await.unwrap();
        found.items.iter().rev().map(|event| event.id.to_string()).collect()
    }
}

/// Returns the events that have arrived.
pub(crate) fn bodies(server: &Server) -> Vec<Value> {
    server.arrived().into_iter().map(|request: Arrived| serde_json::from_slice(&request.body).unwrap()).collect()
}

/// Returns the types of the events that have arrived.
pub(crate) fn types(server: &Server) -> Vec<String> {
    bodies(server).iter().map(|body| body["type"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that a request is signed with a secret.
pub(crate) fn verify(secret: &str, request: &Arrived) {
    assert!(verifies(secret, request), "{request:?} is not signed with the secret");
}

/// Verifies a webhook as <https://www.standardwebhooks.com> says, without the code that signs.
pub(crate) fn verifies(secret: &str, request: &Arrived) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let of = |name| request.header(name).unwrap();
    let mut signed = format!("{}.{}.", of("webhook-id"), of("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&request.body);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    of("webhook-signature")
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .any(|signature| aws_lc_rs::hmac::verify(&key, &signed, &STANDARD.decode(signature).unwrap()).is_ok())
}
