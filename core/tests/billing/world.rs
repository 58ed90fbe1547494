//! A platform with an emulated Stripe.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dezky::{
    ErrorKind, Result,
    clock::{Clock as _, Timestamp},
    connectors::{
        Secret,
        stripe::{Stripe, StripeSettings, signature::WebhookSecrets},
    },
    context::RequestContext,
    domain::{
        CreateTenant, Subscription, Tenant, TenantId,
        plan::{Catalogue, Plan},
        subscription::{SUBSCRIPTIONS, SUBSCRIPTIONS_OF_TENANT},
    },
    emulators::{
        Emulator, EmulatorOptions,
        stripe::{StripeEvent, StripeSystem},
    },
    outbound::CertificateAuthorities,
    service::{
        Service, ServiceSettings,
        billing::{Checkout, Signed},
    },
    store::{Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::billing,
};
use serde_json::json;

use crate::support::system;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const SECRET: &str = "whsec_of_the_tests";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: SharedStore,
    pub(crate) service: Arc<Service>,
    pub(crate) stripe: Emulator<StripeSystem>,
}

fn plan(seats: u32, price: &str, trial_days: u32) -> Plan {
    let prices = [price.to_owned()].into();
    Plan { seats, files_gib: 100, mailbox_gib: 10, features: [].into(), prices, trial_days }
}

pub(crate) fn catalogue() -> Catalogue {
    let plans = [("team", plan(5, "price_team", 14)), ("firm", plan(50, "price_firm", 0))];
    Catalogue::new(plans.into_iter().map(|(name, plan)| (name.to_owned(), plan)).collect()).unwrap()
}

impl World {
    pub(crate) async fn on(store: SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let options = EmulatorOptions { clock: Arc::clone(&clock) as _, ..EmulatorOptions::default() };
        let stripe = Emulator::start(StripeSystem::new("sk_test_1", SECRET), options).await.unwrap();
        stripe.system().at(stripe.url());
        let service = Arc::new(serving(&store, &clock, &stripe));
        Self { clock, store, service, stripe }
    }

    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        let body = json!({"slug": slug, "name": slug, "plan": "team", "status": "active",
                          "billingInfo": {"company": "Acme & Söhne GmbH", "email": "billing@acme.example"}});
        self.service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id
    }

    pub(crate) async fn read(&self, id: TenantId) -> Tenant {
        self.store.load(&system().context, id).await.unwrap().unwrap()
    }

    /// Returns all subscriptions of a tenant, the oldest first.
    pub(crate) async fn subscriptions(&self, id: TenantId) -> Vec<Subscription> {
        let query = Query::new(&SUBSCRIPTIONS).sort(&SUBSCRIPTIONS_OF_TENANT).equal("tenantId", id.0).limit(50);
        self.store.load_all(&system().context, &query).await.unwrap()
    }

    pub(crate) async fn checkout(&self, tenant: TenantId, plan: &str, seats: u32) -> Result<String> {
        let input = Checkout { plan: plan.to_owned(), price: None, seats: Some(seats) };
        Ok(self.service.begin_checkout(&system(), &tenant.into(), input).await?.value.url)
    }

    /// Subscribes a tenant at Stripe. Nothing is announced yet.
    pub(crate) async fn subscribe(&self, tenant: TenantId, plan: &str, seats: u32) -> String {
        let url = self.checkout(tenant, plan, seats).await.unwrap();
        let session = url.rsplit('/').next().unwrap();
        self.stripe.system().complete(session, self.clock.now()).unwrap()
    }

    /// Delivers an event as Stripe does, signed now.
    pub(crate) async fn deliver(&self, event: &StripeEvent) -> Result<()> {
        let signature = self.stripe.system().signature(&event.body, self.clock.now());
        self.receive(Some(&signature), &event.body).await
    }

    pub(crate) async fn receive(&self, signature: Option<&str>, body: &str) -> Result<()> {
        let context = RequestContext::new("webhook");
        self.service.receive_provider_event(&context, Signed { signature, body: body.as_bytes() }).await
    }

    /// Deals with what is due.
    pub(crate) async fn work(&self) {
        billing::run_due(&self.service).await.unwrap();
    }

    /// Delivers all events so far, and deals with them.
    pub(crate) async fn settle(&self) {
        for event in self.stripe.system().take_events() {
            self.deliver(&event).await.unwrap();
        }
        self.work().await;
    }

    /// Returns what a person sees of a tenant's billing, without ids that are drawn and times of writes.
    pub(crate) async fn shown(&self, tenant: TenantId) -> serde_json::Value {
        let subscriptions: Vec<_> = self
            .subscriptions(tenant)
            .await
            .into_iter()
            .map(|one| {
                (
                    one.stripe_subscription_id.clone(),
                    json!({
                        "status": one.status, "plan": one.plan, "seats": one.seats,
                        "trialEndsAt": one.trial_ends_at, "currentPeriodEndsAt": one.current_period_ends_at,
                        "endsAt": one.ends_at, "subscription": one.stripe_subscription_id,
                        "customer": one.stripe_customer_id,
                        "files": one.terms.map(|terms| terms.files_bytes),
                    }),
                )
            })
            .collect::<BTreeMap<_, _>>()
            .into_values()
            .collect();
        let found = self.read(tenant).await;
        json!({ "status": found.status, "customer": found.stripe_customer_id, "subscriptions": subscriptions })
    }
}

/// Creates the use cases over a store, with this Stripe.
pub(crate) fn serving(store: &SharedStore, clock: &Arc<ManualClock>, stripe: &Emulator<StripeSystem>) -> Service {
    let settings = StripeSettings {
        url: stripe.url().parse().unwrap(),
        key: Secret::Bearer("sk_test_1".to_owned()),
        webhook_secrets: WebhookSecrets::new(vec![SECRET.to_owned()]),
        portal: "https://portal.example.eu/".parse().unwrap(),
        automatic_tax: false,
        authorities: CertificateAuthorities::default(),
    };
    let of_service = ServiceSettings { plans: catalogue(), ..ServiceSettings::default() };
    Service::new(Arc::clone(store), Arc::clone(clock) as _, of_service)
        .with_billing(Some(Arc::new(Stripe::new(&settings).unwrap())))
}

/// Returns the code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    let error = result.unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
    error.declared_code().to_string()
}
