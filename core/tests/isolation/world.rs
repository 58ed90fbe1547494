//! A platform on a real store, with tenants and people of every kind.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use dezky::{
    authn::{
        IssuerSettings, StoreIssuers, Verifier, VerifierOptions,
        keys::{FetchError, HttpKeySource, KeySource, NoArchive},
    },
    clock::{Clock, SystemClock, Timestamp},
    domain::{
        ApiKeyId, AppPasswordId, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, CreateUser, EventEndpointId, InvitationId, Issuer, Mailbox, MailboxId, MembershipRole,
        SubscriptionId, TenantId, TenantStatus, UpdateTenant, UpdateUser, UserId, tenant_domain::DomainTimes,
        workspace::SystemKind,
    },
    http::{HttpState, RequestIdentity, TokenIdentity, router},
    service::{Service, ServiceSettings, subscriptions::SubscriptionFilter},
    store::{Commit, Repository as _, SharedStore},
    test_kit::DevelopmentIssuer,
};
use futures_util::future::join_all;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    outside::{Agreeable, plans, records},
    routes::{domain, spare},
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
        problem["code"].as_str().unwrap_or_default().to_owned()
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
    pub(crate) service: Service,
    router: Router,
    clock: Arc<dyn Clock>,
    issuer: Arc<DevelopmentIssuer>,
    bound: Arc<DevelopmentIssuer>,
    worlds: AtomicUsize,
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
        let settings = vec![issuer.settings("default")];
        let keys = Arc::new(Keys { http: HttpKeySource::new(None).unwrap(), bound: Arc::clone(&bound) });
        let archive = Arc::new(NoArchive);
        let mut options = VerifierOptions::default();
        options.issuer_source = Some(Arc::new(StoreIssuers::new(Arc::clone(&store), &settings).unwrap()));
        let verifier = Verifier::new(settings, keys, archive, Arc::clone(&clock), options).unwrap();
        let api = Arc::new(
            Service::new(Arc::clone(&store), Arc::clone(&clock), service_settings())
                .with_records(records())
                .with_billing(Some(Arc::new(Agreeable))),
        );
        let router = router(HttpState::new(api, Arc::new(TokenIdentity::new(verifier))));
        let service = Service::new(store, Arc::clone(&clock), service_settings())
            .with_records(records())
            .with_billing(Some(Arc::new(Agreeable)));
        Self { service, router, clock, issuer, bound, worlds: AtomicUsize::new(0) }
    }

    async fn person(&self, body: Value) -> UserId {
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
    async fn bound_id(&self) -> String {
        Issuer::name_of(self.service.read_tenant(&support::system(), &BOUND.into()).await.unwrap().id)
    }

    /// Returns a token of the first issuer.
    pub(crate) fn mint(&self, subject: &str, issued_at: Timestamp, groups: &[&str]) -> String {
        let claims = self.issuer.claims(subject).lasting(issued_at, std::time::Duration::from_secs(3_600));
        self.issuer.mint(&claims.groups(groups.iter().copied()))
    }

    /// Creates a tenant with its people.
    pub(crate) async fn world(&self, status: TenantStatus) -> World {
        let number = self.worlds.fetch_add(1, Ordering::Relaxed);
        let slug = format!("acme-{number}");
        let tenant = support::tenant(&self.service, &slug).await;
        let named = |kind: &str| format!("{kind}-{number}");
        // Concurrently, since stores write concurrent commits together.
        let kinds = ["member", "admin", "owner", "stranger", "disabled"].map(named);
        let people = join_all(kinds.iter().map(|subject| support::person(&self.service, subject)));
        let bound_id = self.bound_id().await;
        let bound = self.person(json!({"issuerId": bound_id, "authentikSubjectId": named("bound")}));
        let (people, bound, (target, revoked)) = futures_util::join!(people, bound, self.targets(number));
        let [member, admin, owner, stranger, disabled] = people.try_into().unwrap();
        for (user, role) in [
            (member, MembershipRole::Member),
            (admin, MembershipRole::Admin),
            (owner, MembershipRole::Owner),
            (bound, MembershipRole::Owner),
            (disabled, MembershipRole::Owner),
        ] {
            support::grant(&self.service, tenant, user, role).await;
        }
        self.settle_targets(tenant, target, revoked).await;
        let input = dezky::domain::GrantMembership { user_id: stranger, role: MembershipRole::Owner };
        self.service.grant_membership(&support::system(), &BOUND.into(), input).await.unwrap();
        let disable = UpdateUser::read(json!({"status": "disabled"})).unwrap();
        self.service.update_user(&support::system(), disabled, disable).await.unwrap();
        let subscription = self.subscription(tenant).await;
        let (mailbox, password) = self.mailbox(tenant, &slug, number, target).await;
        let invitation = self.invitation(tenant, number).await;
        let api_key = self.api_key(tenant).await;
        let endpoint = self.endpoint(tenant).await;
        self.set_status(tenant, status).await;
        World {
            number,
            slug,
            tenant,
            status,
            subscription,
            target,
            revoked,
            mailbox,
            password,
            invitation,
            api_key,
            endpoint,
        }
    }

    /// Returns the tenant that the second issuer is bound to, with new people of [`Caller::AT_BOUND`].
    pub(crate) async fn world_at_bound(&self, status: TenantStatus) -> World {
        let number = self.worlds.fetch_add(1, Ordering::Relaxed);
        let tenant = self.service.read_tenant(&support::system(), &BOUND.into()).await.unwrap().id;
        self.set_status(tenant, TenantStatus::Active).await;
        for (kind, role) in [("bound-owner", MembershipRole::Owner), ("bound-member", MembershipRole::Member)] {
            let subject = format!("{kind}-{number}");
            let user = self.person(json!({"issuerId": Issuer::name_of(tenant), "authentikSubjectId": subject})).await;
            support::grant(&self.service, tenant, user, role).await;
        }
        let (target, revoked) = self.targets(number).await;
        self.settle_targets(tenant, target, revoked).await;
        let filter = SubscriptionFilter { tenant_id: Some(tenant), ..SubscriptionFilter::default() };
        let page = self.service.list_subscriptions(&support::system(), &filter, &Default::default()).await.unwrap();
        let subscription = match page.items.first() {
            Some(subscription) => subscription.id,
            None => self.subscription(tenant).await,
        };
        let (mailbox, password) = self.mailbox(tenant, BOUND, number, target).await;
        let invitation = self.invitation(tenant, number).await;
        let api_key = self.api_key(tenant).await;
        let (system, of, all) = (support::system(), tenant.into(), Default::default());
        let page = self.service.list_event_endpoints(&system, Some(&of), &all).await.unwrap();
        let endpoint = match page.items.first() {
            Some(endpoint) => endpoint.id,
            None => self.endpoint(tenant).await,
        };
        self.set_status(tenant, status).await;
        let slug = BOUND.to_owned();
        World {
            number,
            slug,
            tenant,
            status,
            subscription,
            target,
            revoked,
            mailbox,
            password,
            invitation,
            api_key,
            endpoint,
        }
    }

    /// Verifies a domain of the tenant, and creates a mailbox of a member with an app password.
    pub(crate) async fn mailbox(
        &self,
        tenant: TenantId,
        slug: &str,
        number: usize,
        user: UserId,
    ) -> (MailboxId, AppPasswordId) {
        let name = domain(slug);
        let verified = json!({"domains": [&name, &spare(&name)], "domainVerifications": [{"name": &name, "verifiedAt": self.clock.now()}]});
        let verified = UpdateTenant::read(verified).unwrap();
        self.service.update_tenant(&support::system(), &tenant.into(), verified).await.unwrap();
        let input = json!({"userId": user, "localPart": format!("box-{number}"), "domain": &name});
        let input = CreateMailbox::read(input).unwrap();
        let id = self.service.create_mailbox(&support::system(), &tenant.into(), input).await.unwrap().value.id;
        // Without a mail system, nobody creates one.
        let (store, context) = (self.service.store(), support::system().context);
        let mailbox: Mailbox = store.load(&context, id).await.unwrap().unwrap();
        let password = CreateAppPassword::build("Phone").finish().unwrap();
        let password = password.into_app_password(&mailbox, 0, self.clock.now());
        let mut commit = Commit::new();
        commit.insert(&password).unwrap();
        store.commit(&context, &commit).await.unwrap();
        (id, password.id)
    }

    /// Creates an open invitation.
    pub(crate) async fn invitation(&self, tenant: TenantId, number: usize) -> InvitationId {
        let input = CreateInvitation::read(json!({"email": format!("invited-{number}@example.eu")})).unwrap();
        self.service.create_invitation(&support::system(), &tenant.into(), input).await.unwrap().value.id
    }

    /// Creates an API key of the tenant.
    pub(crate) async fn api_key(&self, tenant: TenantId) -> ApiKeyId {
        let input = json!({"tenantId": tenant, "name": "Sync", "scopes": ["membership.read"]});
        let input = CreateApiKey::read(input).unwrap();
        self.service.create_api_key(&support::system(), input).await.unwrap().value.id
    }

    /// Creates an endpoint for events.
    pub(crate) async fn endpoint(&self, tenant: TenantId) -> EventEndpointId {
        let input = CreateEventEndpoint::read(json!({"tenantId": tenant, "url": "https://hooks.example/"})).unwrap();
        self.service.create_event_endpoint(&support::system(), input).await.unwrap().value.id
    }

    /// Creates a member and a former owner.
    async fn targets(&self, number: usize) -> (UserId, UserId) {
        let [target, revoked] = ["target", "revoked"].map(|kind| format!("{kind}-{number}"));
        futures_util::join!(support::person(&self.service, &target), support::person(&self.service, &revoked))
    }

    async fn settle_targets(&self, tenant: TenantId, target: UserId, revoked: UserId) {
        support::grant(&self.service, tenant, target, MembershipRole::Member).await;
        support::grant(&self.service, tenant, revoked, MembershipRole::Owner).await;
        self.service.revoke_membership(&support::system(), &tenant.into(), revoked).await.unwrap();
    }

    async fn subscription(&self, tenant: TenantId) -> SubscriptionId {
        let input =
            CreateSubscription::read(json!({"tenantId": tenant, "plan": "starter", "stripeCustomerId": "cus_1"}))
                .unwrap();
        self.service.create_subscription(&support::system(), input).await.unwrap().value.id
    }

    async fn set_status(&self, tenant: TenantId, status: TenantStatus) {
        let (system, tenant) = (support::system(), tenant.into());
        match status {
            TenantStatus::Suspended => drop(self.service.suspend_tenant(&system, &tenant).await.unwrap()),
            TenantStatus::Deleted => self.service.delete_tenant(&system, &tenant).await.unwrap(),
            TenantStatus::Active | TenantStatus::Pending => {
                drop(self.service.restore_tenant(&system, &tenant).await.unwrap());
            }
        }
    }

    fn bearer(&self, caller: Caller, number: usize) -> Option<String> {
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
        self.send(self.bearer(caller, world.number).as_deref(), method, path, body).await
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
        self.send_with(self.bearer(caller, world.number).as_deref(), (method, path), body, headers).await
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

/// A tenant and its people.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) number: usize,
    pub(crate) slug: String,
    pub(crate) tenant: TenantId,
    pub(crate) status: TenantStatus,
    pub(crate) subscription: SubscriptionId,
    /// A member.
    pub(crate) target: UserId,
    /// A former owner, whom the tenant's people may restore.
    pub(crate) revoked: UserId,
    /// A mailbox of the member.
    pub(crate) mailbox: MailboxId,
    pub(crate) password: AppPasswordId,
    /// An open invitation.
    pub(crate) invitation: InvitationId,
    /// An API key.
    pub(crate) api_key: ApiKeyId,
    /// An endpoint for events.
    pub(crate) endpoint: EventEndpointId,
}
