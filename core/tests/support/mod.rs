//! A platform on a real store, for several tests.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod gated;
pub(crate) mod interleaved;
pub(crate) mod scheduled;

use std::sync::Arc;

use dezky::{
    authn::{FirstUse, KeyThumbprint, VerifiedToken},
    clock::{Clock, SystemClock, Timestamp},
    context::RequestContext,
    domain::{CreateTenant, CreateUser, GrantMembership, MembershipRole, TenantId, UserId},
    service::{Call, Service, ServiceSettings},
    store::{SharedStore, mongodb::MongodbStore, sqlite::SqliteStore},
};
use serde_json::json;

/// A store that is deleted with its folder.
pub(crate) struct TestStore {
    pub(crate) store: SharedStore,
    _folder: Option<tempfile::TempDir>,
}

/// Creates an empty embedded store.
pub(crate) fn sqlite() -> TestStore {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dezky.sqlite");
    let store = SqliteStore::open(path, Default::default(), dezky::COLLECTIONS).unwrap();
    TestStore { store: Arc::new(store), _folder: Some(folder) }
}

/// Creates a store in its own database, on the MongoDB-wire servers of the test run.
pub(crate) async fn mongodb() -> SharedStore {
    let uri = dezky::test_kit::mongodb_server::shared_uri().unwrap();
    Arc::new(MongodbStore::open(&uri, Default::default(), dezky::COLLECTIONS).unwrap())
}

/// Creates the use cases over a store, with the administrators' group `platform-admins`.
pub(crate) fn service(store: SharedStore, clock: Arc<dyn Clock>) -> Service {
    let settings = ServiceSettings {
        platform_admin_group: Some("platform-admins".to_owned()),
        event_retention: std::time::Duration::ZERO,
        ..ServiceSettings::default()
    };
    Service::new(store, clock, settings)
}

/// Returns a verified token of a subject, with groups.
pub(crate) fn token(subject: &str, groups: Option<&[&str]>, issued_at: Timestamp) -> Arc<VerifiedToken> {
    Arc::new(VerifiedToken {
        issuer_id: "default".to_owned(),
        subject: subject.to_owned(),
        issued_at,
        expires_at: issued_at.plus(std::time::Duration::from_secs(3_600)),
        not_before: None,
        tenant: None,
        email: Some(format!("{subject}@example.eu")),
        name: Some(subject.to_owned()),
        groups: groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect()),
        signed_in_at: None,
        session_id: None,
        token_id: None,
        key_thumbprint: KeyThumbprint([0; 32]),
        first_use: FirstUse::default(),
    })
}

/// Returns a call by the bearer of a token.
pub(crate) fn by(token: &Arc<VerifiedToken>) -> Call {
    Call::by_token(RequestContext::new("test"), Arc::clone(token))
}

/// Returns a call by the bearer of a token, with a given request id.
pub(crate) fn by_as(token: &Arc<VerifiedToken>, request_id: String) -> Call {
    Call::by_token(RequestContext::new(request_id), Arc::clone(token))
}

/// Returns a call by the system.
pub(crate) fn system() -> Call {
    Call::by_system("test")
}

/// Creates a tenant with a group of the same name.
pub(crate) async fn tenant(service: &Service, slug: &str) -> TenantId {
    let body = json!({"slug": slug, "name": slug, "status": "active", "authentikGroup": slug});
    service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id
}

/// Creates a person.
pub(crate) async fn person(service: &Service, subject: &str) -> UserId {
    let body = json!({"authentikSubjectId": subject, "name": subject});
    service.create_user(&system(), CreateUser::read(body).unwrap()).await.unwrap().value.id
}

/// Adds a person to a tenant.
pub(crate) async fn grant(service: &Service, tenant: TenantId, user_id: UserId, role: MembershipRole) {
    let grant = GrantMembership { user_id, role };
    service.grant_membership(&system(), &tenant.into(), grant).await.unwrap();
}

/// Returns the current time.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// Runs each promise on both stores: `super::promise(store)` in the modules `on_sqlite` and `on_mongodb`.
#[allow(unused_macros, reason = "each test uses its part")]
macro_rules! on_every_store {
    ($($promise:ident),+ $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    let fixture = crate::support::sqlite();
                    super::$promise(std::sync::Arc::clone(&fixture.store)).await;
                }
            )+
        }
        mod on_mongodb {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $promise() {
                    super::$promise(crate::support::mongodb().await).await;
                }
            )+
        }
    };
}
#[allow(unused_imports, reason = "each test uses its part")]
pub(crate) use on_every_store;
