//! Every reading route, for tests of the store calls that they make.

use std::sync::Arc;

use dezky::{
    Platform,
    authn::keys::{HttpKeySource, NoArchive},
    development_issuer::{Claims, DevelopmentIssuer},
    platform::PlatformOptions,
    service::{ServiceSettings, seed::SeedSettings},
    store::SharedStore,
};
use http::Request;
use serde_json::Value;
use tower::ServiceExt as _;

/// An API over a seeded store, and an issuer.
pub(crate) struct Api {
    pub(crate) issuer: DevelopmentIssuer,
    router: axum::Router,
}

/// `TENANT` stands for the tenant's id, `PERSON` for the caller's, and `SUBSCRIPTION` for that of its subscription.
const READS: &[&str] = &[
    "/users/me",
    "/users/me/tenants",
    "/users/me/tenants?search=de",
    "/tenants",
    "/tenants?limit=1",
    "/tenants?status=active&search=de",
    "/tenants/TENANT",
    "/tenants/dezky",
    "/tenants/TENANT/members",
    "/tenants/dezky/members?role=member",
    "/tenants/dezky/members?search=anna+example",
    "/tenants/dezky/members/PERSON",
    "/subscriptions",
    "/subscriptions?tenantId=TENANT",
    "/subscriptions?status=active",
    "/subscriptions/SUBSCRIPTION",
    "/users/PERSON",
];

/// Routes that only administrators may read.
const ADMINISTERED: &[&str] =
    &["/users", "/users?search=anna", "/audit", "/audit?tenant=dezky", "/audit?userId=PERSON"];

impl Api {
    pub(crate) async fn new(store: SharedStore) -> Self {
        let issuer = DevelopmentIssuer::start().await.unwrap();
        let settings =
            ServiceSettings { platform_admin_group: Some("admins".to_owned()), ..ServiceSettings::default() };
        let options = PlatformOptions::new(store)
            .issuers(vec![issuer.settings("default")])
            .keys(Arc::new(HttpKeySource::new(None).unwrap()), Arc::new(NoArchive))
            .service(settings);
        let platform = Platform::open(options).unwrap();
        platform.service().seed(&SeedSettings::default()).await.unwrap();
        Self { issuer, router: platform.router() }
    }

    /// Returns the claims of a member of the tenant, or of an administrator of the platform.
    pub(crate) fn claims(&self, administrator: bool) -> Claims {
        let claims = if administrator {
            self.issuer.claims("ada").groups(["dezky", "admins"])
        } else {
            self.issuer.claims("anna").groups(["dezky", "no tenant's"])
        };
        claims.person("anna@example.eu", "Anna Example")
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Value {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        let answer = self.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// Calls each reading route with tokens that were used before, and calls `look` after each.
    pub(crate) async fn each_read(&self, mut look: impl FnMut(Option<&str>)) {
        for administrator in [false, true] {
            let token = self.issuer.mint(&self.claims(administrator));
            let profile = self.get("/users/me", &token).await;
            let id = |part: &Value| part["id"].as_str().unwrap().to_owned();
            let [tenant, subscription] = [&profile["tenants"][0], &profile["subscriptions"][0]].map(id);
            let person = id(&profile["user"]);
            for path in READS.iter().chain(ADMINISTERED.iter().filter(|_| administrator)) {
                let path =
                    path.replace("TENANT", &tenant).replace("PERSON", &person).replace("SUBSCRIPTION", &subscription);
                look(None);
                self.get(&path, &token).await;
                look(Some(&path));
            }
        }
    }
}
