//! A platform with two tenants and their people, behind the hostile component.

use std::{sync::Arc, time::Duration};

use axum::{Router, body::Body};
use dezky::{
    clock::Clock as _,
    domain::{CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, TenantId, UserId},
    service::{Call, Service, ServiceSettings},
    store::SharedStore,
    test_kit::{
        DevelopmentIssuer, ManualClock,
        cases::{NativeStage, Setup, Stage as _},
    },
};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::stage::{hostile, router};
use crate::{component::Isolation, server::Metrics};

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) body: Value,
}

/// Two tenants: `acme` with its owner Anna and its member Mark, `other` with its owner Eve; and Root of the platform.
pub(super) struct World {
    pub(super) router: Router,
    pub(super) metrics: Arc<Metrics>,
    pub(super) store: SharedStore,
    pub(super) acme: TenantId,
    pub(super) other: TenantId,
    pub(super) anna: UserId,
    pub(super) mark: UserId,
    pub(super) eve: UserId,
    issuer: DevelopmentIssuer,
    clock: Arc<ManualClock>,
    _stage: NativeStage,
}

impl World {
    pub(super) async fn new(isolation: Isolation) -> Self {
        let stage = NativeStage::on_sqlite().unwrap();
        let store = stage.store().await.unwrap();
        let clock = Arc::new(ManualClock::at_now());
        let issuer = DevelopmentIssuer::start().await.unwrap();
        let settings = ServiceSettings::default();
        let service = Service::new(Arc::clone(&store), clock.clone(), settings.clone());
        let (acme, other) = (tenant(&service, "acme").await, tenant(&service, "other").await);
        let anna = person(&service, json!({"authentikSubjectId": "anna", "email": "anna@example.eu"})).await;
        let mark = person(&service, json!({"authentikSubjectId": "mark"})).await;
        let eve = person(&service, json!({"authentikSubjectId": "eve", "email": "eve@example.eu"})).await;
        person(&service, json!({"authentikSubjectId": "root", "platformAdmin": true})).await;
        grant(&service, acme, anna, MembershipRole::Owner).await;
        grant(&service, acme, mark, MembershipRole::Member).await;
        grant(&service, other, eve, MembershipRole::Owner).await;
        let issuers = vec![issuer.settings("default")];
        let setup = Setup { store: Arc::clone(&store), clock: Arc::clone(&clock), issuers, service: settings };
        let (router, metrics) = router(setup, &hostile(), isolation).unwrap();
        Self { router, metrics, store, acme, other, anna, mark, eve, issuer, clock, _stage: stage }
    }

    fn token(&self, subject: &str) -> String {
        let claims = self.issuer.claims(subject).lasting(self.clock.now(), Duration::from_secs(3_600));
        self.issuer.mint(&claims)
    }

    /// A request by somebody, with a header more.
    pub(super) async fn send(
        &self,
        subject: Option<&str>,
        method: &str,
        path: &str,
        header: (&str, &str),
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header.0, header.1);
        if let Some(subject) = subject {
            request = request.header("authorization", format!("Bearer {}", self.token(subject)));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let media_type = parts.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: parts.status.as_u16(), media_type: media_type.unwrap_or_default(), body }
    }

    /// The outcomes of a script that runs as somebody, who is asked for first.
    pub(super) async fn script(&self, subject: &str, steps: &[Value]) -> Vec<Value> {
        let mut all = vec![json!({"call": "caller"})];
        all.extend(steps.iter().cloned());
        let script = Value::Array(all).to_string();
        let answer = self.send(Some(subject), "GET", "/script", ("x-script", &script), None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mut outcomes = answer.body.as_array().unwrap().clone();
        assert_eq!(outcomes.remove(0)["ok"][1], subject);
        outcomes
    }
}

async fn tenant(service: &Service, slug: &str) -> TenantId {
    let input = CreateTenant::read(json!({"slug": slug, "name": slug})).unwrap();
    let id = service.create_tenant(&Call::by_system("test"), input).await.unwrap().value.id;
    let input = CreateSubscription::read(json!({"tenantId": id, "plan": "starter"})).unwrap();
    service.create_subscription(&Call::by_system("test"), input).await.unwrap();
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
