//! A platform with tenants and people in all states, served by the hostile component.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use dezky::{
    clock::Clock as _,
    context::RequestContext,
    domain::{
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, TenantId, UpdateSubscription,
        UserId, membership::MEMBERSHIPS,
    },
    service::{Call, Service, ServiceSettings},
    store::{Collection, Query, SharedStore},
    test_kit::{
        DevelopmentIssuer, ManualClock,
        cases::{NativeStage, Setup, Stage as _},
    },
};
use http::{HeaderMap, Request, request::Builder};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::stage::{hostile, router};
use crate::{
    component::{Compiled, Isolation},
    server::Metrics,
};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// Tenants and people for attacks.
///
/// `acme` has its owner Anna, its administrator Ada, its member Mark, and Rita, who was removed. `other` has its owner
/// Eve. `still` is suspended and `gone` is deleted; Sam is a member of both, and of `acme`. Root administers the
/// platform, and Dora is disabled. Bea is in `acme` and `other`, and signs in through the own issuer of `acme`.
pub(super) struct World {
    pub(super) router: Router,
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: SharedStore,
    /// The use cases, run natively.
    pub(super) service: Service,
    pub(super) acme: TenantId,
    pub(super) other: TenantId,
    pub(super) still: TenantId,
    pub(super) gone: TenantId,
    people: HashMap<&'static str, UserId>,
    issuer: DevelopmentIssuer,
    own: DevelopmentIssuer,
    pub(super) clock: Arc<ManualClock>,
    _stage: NativeStage,
}

impl World {
    pub(super) async fn new(isolation: Isolation) -> Self {
        let world = Self::with(isolation, &hostile(), RequestContext::DEFAULT_TIMEOUT).await;
        // The host records the first use of each token; afterwards only requests change the store.
        for name in world.people.keys() {
            world.try_during(name, "GET", "/anything", None, &[]).await;
        }
        world
    }

    pub(super) async fn with(isolation: Isolation, compiled: &Compiled, timeout: Duration) -> Self {
        let stage = NativeStage::on_sqlite().unwrap();
        let store = stage.store().await.unwrap();
        let clock = Arc::new(ManualClock::at_now());
        let (issuer, own) = (DevelopmentIssuer::start().await.unwrap(), DevelopmentIssuer::start().await.unwrap());
        let issuer_ids = vec!["default".to_owned(), "own".to_owned()];
        let settings = ServiceSettings { issuer_ids, ..ServiceSettings::default() };
        let service = Service::new(Arc::clone(&store), clock.clone(), settings.clone());
        let mut tenants = Vec::new();
        for slug in ["acme", "other", "still", "gone"] {
            tenants.push(tenant(&service, slug).await);
        }
        let [acme, other, still, gone] = tenants[..] else { panic!("four tenants") };
        let mut people = HashMap::new();
        for (name, issuer, more) in [
            ("anna", "default", json!({})),
            ("ada", "default", json!({})),
            ("mark", "default", json!({})),
            ("rita", "default", json!({})),
            ("sam", "default", json!({})),
            ("eve", "default", json!({})),
            ("root", "default", json!({"platformAdmin": true})),
            ("dora", "default", json!({"status": "disabled"})),
            ("bea", "own", json!({})),
        ] {
            let mut body = json!({
                "issuerId": issuer, "authentikSubjectId": name, "email": format!("{name}@example.eu"), "name": name
            });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            people.insert(name, person(&service, body).await);
        }
        for (tenant, name, role) in [
            (acme, "anna", MembershipRole::Owner),
            (acme, "ada", MembershipRole::Admin),
            (acme, "mark", MembershipRole::Member),
            (acme, "rita", MembershipRole::Member),
            (acme, "sam", MembershipRole::Member),
            (acme, "dora", MembershipRole::Owner),
            (acme, "bea", MembershipRole::Owner),
            (other, "bea", MembershipRole::Owner),
            (other, "eve", MembershipRole::Owner),
            (still, "sam", MembershipRole::Owner),
            (gone, "sam", MembershipRole::Owner),
        ] {
            grant(&service, tenant, people[name], role).await;
        }
        let call = Call::by_system("test");
        service.revoke_membership(&call, &acme.into(), people["rita"]).await.unwrap();
        service.suspend_tenant(&call, &still.into()).await.unwrap();
        service.delete_tenant(&call, &gone.into()).await.unwrap();
        let mut bound = own.settings("own");
        bound.tenant = Some("acme".to_owned());
        let issuers = vec![issuer.settings("default"), bound];
        let setup = Setup { store: Arc::clone(&store), clock: Arc::clone(&clock), issuers, service: settings };
        let (router, metrics) = router(setup, compiled, isolation, timeout).unwrap();
        Self { router, metrics, store, service, acme, other, still, gone, people, issuer, own, clock, _stage: stage }
    }

    /// Returns a person's id.
    pub(super) fn id(&self, name: &str) -> String {
        self.people[name].to_string()
    }

    fn token(&self, subject: &str) -> String {
        let issuer = if subject == "bea" { &self.own } else { &self.issuer };
        let claims = issuer.claims(subject).lasting(self.clock.now(), Duration::from_secs(3_600));
        // With `auth_time` the host has no session to record, so that only requests change the store.
        let signed_in = self.clock.now().seconds();
        issuer.mint(&claims.with("sid", format!("session-of-{subject}")).with("auth_time", signed_in))
    }

    /// Sends a request of a person.
    pub(super) async fn send(&self, subject: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(Value::to_string).unwrap_or_default();
        self.send_raw(subject, Request::builder().method(method).uri(path), Body::from(body)).await
    }

    /// Sends a request of a person that was built elsewhere.
    pub(super) async fn send_raw(&self, subject: Option<&str>, mut request: Builder, body: Body) -> Answer {
        if let Some(subject) = subject {
            request = request.header("authorization", format!("Bearer {}", self.token(subject)));
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let media_type = parts.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        let media_type = media_type.unwrap_or_default();
        Answer { status: parts.status.as_u16(), media_type, headers: parts.headers, body }
    }

    /// Runs a script on behalf of a person after identifying the caller, and returns the outcomes.
    pub(super) async fn script(&self, subject: &str, steps: &[Value]) -> Vec<Value> {
        self.during(subject, "GET", "/anything", None, steps).await
    }

    /// Runs a script in a request, and returns the outcomes.
    pub(super) async fn during(
        &self,
        subject: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        steps: &[Value],
    ) -> Vec<Value> {
        let answer = self.try_during(subject, method, path, body, steps).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut outcomes = answer.body.as_array().unwrap().clone();
        outcomes.remove(0);
        outcomes
    }

    /// Runs a script in a request, and returns the answer.
    pub(super) async fn try_during(
        &self,
        subject: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
        steps: &[Value],
    ) -> Answer {
        let mut all = vec![json!({"call": "caller"})];
        all.extend(steps.iter().cloned());
        self.send(Some(subject), method, &with_script(path, &Value::Array(all)), body).await
    }

    /// Returns every stored document as text, except the archive of the issuers' keys, which the host writes in the
    /// background.
    pub(super) async fn stored(&self) -> Vec<String> {
        let context = RequestContext::system("test");
        let mut all = Vec::new();
        for collection in dezky::COLLECTIONS.iter().filter(|collection| collection.name != "key_sets") {
            let found = self.store.find(&context, &Query::new(collection).limit(10_000)).await.unwrap();
            all.extend(found.into_iter().map(|one| format!("{} {} {}", collection.name, one.id, one.json)));
        }
        all
    }

    /// Returns the stored documents of a collection.
    pub(super) async fn all(&self, collection: &'static Collection) -> Vec<Value> {
        let context = RequestContext::system("test");
        let found = self.store.find(&context, &Query::new(collection).limit(10_000)).await.unwrap();
        found.iter().map(|one| serde_json::from_str(&one.json).unwrap()).collect()
    }

    /// Returns a stored document.
    pub(super) async fn document(&self, collection: &'static Collection, id: &str) -> Value {
        let context = RequestContext::system("test");
        let found = self.store.get(&context, collection, id.parse().unwrap()).await.unwrap().unwrap();
        serde_json::from_str(&found.json).unwrap()
    }

    /// Returns a person's membership in a tenant.
    pub(super) async fn membership(&self, tenant: TenantId, name: &str) -> Value {
        let all = self.all(&MEMBERSHIPS).await;
        let of = |one: &Value| one["tenantId"] == tenant.to_string() && one["userId"] == self.id(name);
        all.into_iter().find(of).unwrap()
    }
}

/// Returns a path with a script for the hostile component.
pub(super) fn with_script(path: &str, script: &Value) -> String {
    let encoded: String = script.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{path}?script={encoded}")
}

async fn tenant(service: &Service, slug: &str) -> TenantId {
    let input = CreateTenant::read(json!({
        "slug": slug, "name": slug, "authentikGroup": format!("group-{slug}"), "ocisSpaceId": format!("space-{slug}"),
        "stalwartDomain": format!("{slug}.example.eu"), "billingInfo": {"company": format!("{slug} Ltd")}
    }))
    .unwrap();
    let call = Call::by_system("test");
    let id = service.create_tenant(&call, input).await.unwrap().value.id;
    let input = CreateSubscription::read(json!({"tenantId": id, "plan": "starter"})).unwrap();
    let subscription = service.create_subscription(&call, input).await.unwrap().value.id;
    let stripe = json!({"stripeCustomerId": format!("cus_{slug}"), "stripeSubscriptionId": format!("sub_{slug}")});
    service.update_subscription(&call, subscription, UpdateSubscription::read(stripe).unwrap()).await.unwrap();
    id
}

async fn person(service: &Service, body: Value) -> UserId {
    let input = CreateUser::read(body).unwrap();
    service.create_user(&Call::by_system("test"), input).await.unwrap().value.id
}

async fn grant(service: &Service, tenant: TenantId, user_id: UserId, role: MembershipRole) {
    let input = GrantMembership { user_id, role };
    service.grant_membership(&Call::by_system("test"), &tenant.into(), input).await.unwrap();
}
