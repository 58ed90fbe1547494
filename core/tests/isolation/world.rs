//! A platform on a real store, with tenants and people of every kind.

use std::sync::{Arc, atomic::AtomicUsize};

use async_trait::async_trait;
use axum::{Router, body::Body};
use dezky::{
    authn::{
        IssuerSettings,
        keys::{FetchError, HttpKeySource, KeySource, NoArchive},
    },
    clock::{Clock, SystemClock, Timestamp},
    domain::{
        CreateUser, Issuer, MembershipRole, UpdateTenant, UserId, tenant_domain::DomainTimes, workspace::SystemKind,
    },
    http::RequestIdentity,
    platform::PlatformOptions,
    service::{Service, ServiceSettings},
    store::{Commit, SharedStore},
    test_kit::DevelopmentIssuer,
};
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    estate::World,
    outside::{Agreeable, plans, records},
    support,
};

/// The tenant that the second issuer is bound to, as that of a login of its own.
pub(crate) const BOUND: &str = "bolt";

/// The URL of that issuer, which is in the store.
const BOUND_URL: &str = "https://bolt.example.eu/application/o/dezky-tenant-bolt/";

/// The audience of its tokens.
const BOUND_AUDIENCE: &str = "dezky-bolt";

/// The keys of the first issuer over HTTP, and those of the second one, whose host is nowhere.
#[derive(Debug)]
struct Keys {
    http: HttpKeySource,
    bound: Arc<DevelopmentIssuer>,
}

#[async_trait]
impl KeySource for Keys {
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<bytes::Bytes, FetchError> {
        match issuer.is_of_tenant() {
            true => Ok(self.bound.jwks().to_string().into()),
            false => self.http.fetch(issuer).await,
        }
    }
}

/// The group whose members administer the platform.
pub(crate) const PLATFORM_ADMINS: &str = "platform-admins";

/// A caller, relative to one tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Caller {
    NoToken,
    BadToken,
    /// A person with a valid token who has never called `GET /users/me`.
    Unknown,
    /// A member of another tenant.
    Stranger,
    /// A former owner of the tenant.
    Revoked,
    /// An owner of the tenant, with a token of another tenant's issuer.
    BoundElsewhere,
    Member,
    Admin,
    Owner,
    /// A disabled owner.
    Disabled,
    PlatformAdmin,
    /// A platform administrator with a token of a tenant's own issuer, who has only a stranger's rights.
    BoundRoot,
    /// An owner of the tenant, with a token of the tenant's own issuer; only in a world at that tenant.
    BoundOwner,
    /// A member of the tenant, with a token of the tenant's own issuer.
    BoundMember,
    /// An API key of the tenant, with all scopes but that which pushes people. See [`Platform::give_keys`].
    TenantKey,
    /// An API key of another tenant, with the same scopes.
    ForeignKey,
}

impl Caller {
    /// The callers in an ordinary world.
    pub(crate) const ALL: [Self; 12] = [
        Self::NoToken,
        Self::BadToken,
        Self::Unknown,
        Self::Stranger,
        Self::Revoked,
        Self::BoundElsewhere,
        Self::Disabled,
        Self::Member,
        Self::Admin,
        Self::Owner,
        Self::PlatformAdmin,
        Self::BoundRoot,
    ];

    /// The callers with tokens of a tenant's issuer, in the world at that tenant.
    pub(crate) const AT_BOUND: [Self; 3] = [Self::BoundRoot, Self::BoundOwner, Self::BoundMember];

    /// Returns the role of the active membership in the database.
    pub(crate) fn role(self) -> Option<MembershipRole> {
        match self {
            Self::Member | Self::BoundMember => Some(MembershipRole::Member),
            Self::Admin => Some(MembershipRole::Admin),
            Self::Owner | Self::Disabled | Self::BoundElsewhere | Self::BoundOwner => Some(MembershipRole::Owner),
            _ => None,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// Returns the entity tag.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == "etag").map(|(_, value)| value.as_str())
    }

    pub(crate) fn code(&self) -> String {
        let problem: Value = serde_json::from_str(&self.body).unwrap_or_default();
        problem["code"].as_str().or_else(|| dezky::scim::code_of(&problem)).unwrap_or_default().to_owned()
    }

    /// Returns everything that the caller sees, as one text.
    pub(crate) fn text(&self) -> String {
        format!("{} {:?} {}", self.status, self.headers, self.body)
    }
}

fn service_settings() -> ServiceSettings {
    ServiceSettings {
        platform_admin_group: Some(PLATFORM_ADMINS.to_owned()),
        domains: DomainTimes { least: std::time::Duration::ZERO, ..DomainTimes::default() },
        plans: plans(),
        system_urls: [(SystemKind::Chat, "https://{slug}.chat.example.eu".to_owned())].into(),
        ..ServiceSettings::default()
    }
}

pub(crate) struct Platform {
    pub(crate) service: Arc<Service>,
    router: Router,
    pub(crate) clock: Arc<dyn Clock>,
    issuer: Arc<DevelopmentIssuer>,
    bound: Arc<DevelopmentIssuer>,
    pub(crate) worlds: AtomicUsize,
}

impl Platform {
    pub(crate) async fn on(store: SharedStore) -> Self {
        Self::at(store, Arc::new(SystemClock)).await
    }

    /// Creates a platform with another clock.
    pub(crate) async fn at(store: SharedStore, clock: Arc<dyn Clock>) -> Self {
        let issuer = Arc::new(DevelopmentIssuer::start().await.unwrap());
        let bound = Arc::new(DevelopmentIssuer::start().await.unwrap());
        let platform = Self::over(store, clock, issuer, bound);
        platform.prepare().await;
        platform
    }

    /// Creates the data outside of worlds.
    pub(crate) async fn prepare(&self) {
        let tenant = support::tenant(&self.service, BOUND).await;
        let own = UpdateTenant::read(json!({"isolatedLogin": true})).unwrap();
        self.service.update_tenant(&support::system(), &tenant.into(), own).await.unwrap();
        let mut commit = Commit::new();
        commit.insert(&Issuer::of_login(tenant, BOUND_URL, BOUND_AUDIENCE, self.clock.now())).unwrap();
        self.service.store().commit(&support::system().context, &commit).await.unwrap();
        for issuer in ["default", &Issuer::name_of(tenant)] {
            self.person(json!({"issuerId": issuer, "authentikSubjectId": "root", "platformAdmin": true})).await;
        }
    }

    /// Creates a platform with the same clock and issuers over another store.
    pub(crate) fn twin(&self, store: SharedStore) -> Self {
        Self::over(store, Arc::clone(&self.clock), Arc::clone(&self.issuer), Arc::clone(&self.bound))
    }

    fn over(
        store: SharedStore,
        clock: Arc<dyn Clock>,
        issuer: Arc<DevelopmentIssuer>,
        bound: Arc<DevelopmentIssuer>,
    ) -> Self {
        let keys = Arc::new(Keys { http: HttpKeySource::new(None).unwrap(), bound: Arc::clone(&bound) });
        let options = PlatformOptions::new(store)
            .issuers(vec![issuer.settings("default")])
            .keys(keys, Arc::new(NoArchive))
            .clock(Arc::clone(&clock))
            .service(service_settings())
            .records(records())
            .billing(Some(Arc::new(Agreeable)));
        let platform = dezky::Platform::open(options).unwrap();
        let (service, router) = (Arc::clone(platform.service()), platform.router());
        Self { service, router, clock, issuer, bound, worlds: AtomicUsize::new(0) }
    }

    pub(crate) async fn person(&self, body: Value) -> UserId {
        self.service.create_user(&support::system(), CreateUser::read(body).unwrap()).await.unwrap().value.id
    }

    /// Returns a token without groups, so that its first use makes no additional store calls.
    fn token(&self, issuer: &DevelopmentIssuer, subject: &str) -> String {
        let claims = issuer.claims(subject).lasting(self.clock.now(), std::time::Duration::from_secs(3_600));
        issuer.mint(&claims.without("groups"))
    }

    /// Returns a token of the second issuer, as the login of the tenant mints it.
    fn bound_token(&self, subject: &str) -> String {
        let claims = self.bound.claims(subject).lasting(self.clock.now(), std::time::Duration::from_secs(3_600));
        let claims = claims.with("iss", BOUND_URL).with("aud", BOUND_AUDIENCE).with("azp", BOUND_AUDIENCE);
        self.bound.mint(&claims.without("groups"))
    }

    /// Returns the name of the second issuer.
    pub(crate) async fn bound_id(&self) -> String {
        Issuer::name_of(self.service.read_tenant(&support::system(), &BOUND.into()).await.unwrap().id)
    }

    /// Returns a token of the first issuer.
    pub(crate) fn mint(&self, subject: &str, issued_at: Timestamp, groups: &[&str]) -> String {
        let claims = self.issuer.claims(subject).lasting(issued_at, std::time::Duration::from_secs(3_600));
        self.issuer.mint(&claims.groups(groups.iter().copied()))
    }

    fn bearer(&self, caller: Caller, world: &World) -> Option<String> {
        let number = world.number;
        let named = |kind: &str| format!("{kind}-{number}");
        Some(match caller {
            Caller::NoToken => return None,
            Caller::BadToken => self.issuer.forge_signature(&self.issuer.claims("root")),
            Caller::Unknown => self.token(&self.issuer, &named("unknown")),
            Caller::Stranger => self.token(&self.issuer, &named("stranger")),
            Caller::Revoked => self.token(&self.issuer, &named("revoked")),
            Caller::BoundElsewhere => self.bound_token(&named("bound")),
            Caller::Member => self.token(&self.issuer, &named("member")),
            Caller::Admin => self.token(&self.issuer, &named("admin")),
            Caller::Owner => self.token(&self.issuer, &named("owner")),
            Caller::Disabled => self.token(&self.issuer, &named("disabled")),
            Caller::PlatformAdmin => self.token(&self.issuer, "root"),
            Caller::BoundRoot => self.bound_token("root"),
            Caller::BoundOwner => self.bound_token(&named("bound-owner")),
            Caller::BoundMember => self.bound_token(&named("bound-member")),
            Caller::TenantKey => world.keys.as_ref().unwrap()[0].clone(),
            Caller::ForeignKey => world.keys.as_ref().unwrap()[1].clone(),
        })
    }

    /// Calls the API as a person of a world.
    pub(crate) async fn call(
        &self,
        caller: Caller,
        world: &World,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.send(self.bearer(caller, world).as_deref(), method, path, body).await
    }

    /// Does the same with additional headers.
    pub(crate) async fn call_with(
        &self,
        caller: Caller,
        world: &World,
        (method, path): (&str, &str),
        body: Option<&Value>,
        headers: &[(&'static str, String)],
    ) -> Answer {
        self.send_with(self.bearer(caller, world).as_deref(), (method, path), body, headers).await
    }

    /// Ends all sessions of a person by back-channel logout.
    pub(crate) async fn log_out(&self, caller: Caller, world: &World) {
        let name = format!("{caller:?}-{}", world.number).to_lowercase();
        let claims = self.issuer.logout_claims(&format!("logout-of-{name}"), Some(&name), None);
        let claims = claims.lasting(self.clock.now(), std::time::Duration::from_secs(120));
        let token = self.issuer.mint(&claims);
        let request = Request::builder().method("POST").uri("/oidc/backchannel-logout");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(Body::from(format!("logout_token={token}"))).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert!(response.status().is_success(), "{response:?}");
    }

    /// Calls the API with a token.
    pub(crate) async fn send(&self, token: Option<&str>, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.send_with(token, (method, path), body, &[]).await
    }

    async fn send_with(
        &self,
        token: Option<&str>,
        (method, path): (&str, &str),
        body: Option<&Value>,
        headers: &[(&'static str, String)],
    ) -> Answer {
        // Audit events contain the ids of their requests.
        let identity = RequestIdentity("isolation".to_owned());
        let mut request = Request::builder().method(method).uri(path).extension(identity);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let text = body.map(|body| {
            request.headers_mut().unwrap().insert("content-type", "application/json".parse().unwrap());
            body.to_string()
        });
        let request = request.body(Body::from(text.unwrap_or_default())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter().filter(|(name, _)| *name != "x-request-id");
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let mut answer = Answer { status: parts.status.as_u16(), headers, body };
        // A problem contains the id of its request, like the header.
        if let Ok(Value::Object(mut problem)) = serde_json::from_str(&answer.body)
            && problem.remove("requestId").is_some()
        {
            answer.body = Value::Object(problem).to_string();
        }
        answer
    }
}
