//! Issuers in the store: tokens of tenants' own logins, from the first request after they are there to the first after
//! they are gone.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    Error,
    authn::{
        IssuerSettings, IssuerSource, StoreIssuers, VerifiedToken, Verifier, VerifierOptions,
        keys::{FetchError, FetchErrorKind, KeySource, NoArchive},
    },
    clock::Clock,
    context::RequestContext,
    domain::{Issuer, MembershipRole, TenantId, UpdateTenant},
    service::{Service, access::TenantReference},
    store::{Commit, Repository as _, SharedStore},
    test_kit::{Claims, DevelopmentIssuer, ManualClock},
};
use serde_json::json;

use support::{by, on_every_store, system};

const MINUTE: Duration = Duration::from_secs(60);

/// Keys of every issuer at the hosts of tenants: one Authentik signs for all of them with one key.
#[derive(Debug)]
struct OneProvider(Arc<DevelopmentIssuer>);

#[async_trait]
impl KeySource for OneProvider {
    async fn fetch(&self, issuer: &IssuerSettings) -> Result<bytes::Bytes, FetchError> {
        if issuer.urls[0].contains("down.") {
            return Err(FetchError::new(FetchErrorKind::Unreachable, "it is down"));
        }
        Ok(self.0.jwks().to_string().into())
    }
}

/// A source that counts its reads.
#[derive(Debug)]
struct Counting {
    source: StoreIssuers,
    reads: AtomicUsize,
    urls: AtomicUsize,
}

#[async_trait]
impl IssuerSource for Counting {
    async fn find(&self, context: &RequestContext, urls: &[String]) -> Result<Vec<IssuerSettings>, Error> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.urls.fetch_add(urls.len(), Ordering::SeqCst);
        self.source.find(context, urls).await
    }
}

/// A process on the store.
struct Process {
    verifier: Verifier,
    service: Service,
    source: Arc<Counting>,
}

impl Process {
    async fn verify(&self, token: &str) -> Result<Arc<VerifiedToken>, String> {
        let context = RequestContext::new("test");
        self.verifier.verify(&context, token).await.map_err(|error| error.code().to_owned())
    }

    /// Signs in, and returns the slugs that the caller sees.
    async fn tenants(&self, token: &str) -> Vec<String> {
        let token = self.verify(token).await.unwrap();
        let profile = self.service.profile(&by(&token)).await.unwrap();
        profile.tenants.into_iter().map(|tenant| tenant.slug).collect()
    }

    fn reads(&self) -> usize {
        self.source.reads.load(Ordering::SeqCst)
    }
}

struct World {
    clock: Arc<ManualClock>,
    provider: Arc<DevelopmentIssuer>,
    store: SharedStore,
    /// Issuers of the configuration.
    configured: Vec<IssuerSettings>,
}

impl World {
    async fn on(store: SharedStore) -> Self {
        let provider = Arc::new(DevelopmentIssuer::start().await.unwrap());
        let configured = vec![provider.settings("default")];
        Self { clock: Arc::new(ManualClock::at_now()), provider, store, configured }
    }

    fn process(&self) -> Process {
        let source = StoreIssuers::new(Arc::clone(&self.store), &self.configured).unwrap();
        let source = Arc::new(Counting { source, reads: AtomicUsize::new(0), urls: AtomicUsize::new(0) });
        let mut options = VerifierOptions::default();
        options.issuer_source = Some(source.clone());
        let keys = Arc::new(OneProvider(Arc::clone(&self.provider)));
        let verifier =
            Verifier::new(self.configured.clone(), keys, Arc::new(NoArchive), self.clock.clone(), options).unwrap();
        let service = support::service(Arc::clone(&self.store), self.clock.clone());
        Process { verifier, service, source }
    }

    /// Creates a tenant with a group of its name and a login of its own.
    async fn tenant(&self, slug: &str) -> TenantId {
        let service = support::service(Arc::clone(&self.store), self.clock.clone());
        let tenant = support::tenant(&service, slug).await;
        self.switch(tenant, true).await;
        self.add(Issuer::of_login(tenant, &url(slug), &audience(slug), self.clock.now())).await;
        tenant
    }

    async fn switch(&self, tenant: TenantId, on: bool) {
        let service = support::service(Arc::clone(&self.store), self.clock.clone());
        let change = UpdateTenant::read(json!({"isolatedLogin": on})).unwrap();
        service.update_tenant(&system(), &tenant.into(), change).await.unwrap();
    }

    async fn add(&self, issuer: Issuer) {
        let mut commit = Commit::new();
        commit.insert(&issuer).unwrap();
        self.store.commit(&system().context, &commit).await.unwrap();
    }

    async fn issuer(&self, tenant: TenantId) -> Issuer {
        self.store.load_unique(&system().context, Issuer::tenant_key(tenant)).await.unwrap().unwrap()
    }

    async fn remove(&self, tenant: TenantId) {
        let mut commit = Commit::new();
        commit.delete(&self.issuer(tenant).await);
        self.store.commit(&system().context, &commit).await.unwrap();
    }

    /// Returns the claims of a tenant's own login.
    fn claims(&self, slug: &str, subject: &str) -> Claims {
        let claims = self.provider.claims(subject).lasting(self.clock.now(), MINUTE * 5);
        claims.with("iss", url(slug)).with("aud", audience(slug)).with("azp", audience(slug)).groups([slug])
    }

    fn token(&self, slug: &str, subject: &str) -> String {
        self.provider.mint(&self.claims(slug, subject))
    }
}

fn url(slug: &str) -> String {
    format!("https://{slug}.example.eu/application/o/dezky-tenant-{slug}/")
}

fn audience(slug: &str) -> String {
    format!("dezky-{slug}")
}

on_every_store! {
    a_token_of_a_tenants_own_issuer_is_that_of_a_bound_one,
    a_removed_issuer_is_refused_at_the_next_request_of_every_process,
    a_switched_off_login_is_refused_before_anybody_removes_it,
    a_tenants_issuer_gives_nothing_beyond_its_tenant,
    a_configured_issuer_is_never_replaced,
    a_changed_issuer_counts_at_once,
}

async fn a_token_of_a_tenants_own_issuer_is_that_of_a_bound_one(store: SharedStore) {
    let mut world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let token = world.token("acme", "anna");
    let of_store = world.process().verify(&token).await.unwrap();
    assert_eq!(of_store.issuer_id, format!("Tenant-{acme}"));
    assert_eq!(of_store.tenant.as_deref(), Some("acme"));
    // The same issuer in the configuration, bound to the tenant.
    let mut configured = IssuerSettings::new("own", url("acme"), audience("acme"));
    (configured.tenant, configured.groups) = (Some("acme".to_owned()), Some(dezky::authn::GroupsClaim::Sync));
    world.configured.push(configured);
    let of_configuration = world.process().verify(&token).await.unwrap();
    let expected = VerifiedToken { issuer_id: of_store.issuer_id.clone(), ..(*of_configuration).clone() };
    assert_eq!(*of_store, expected);
    assert_eq!(of_configuration.issuer_id, "own", "a configured one comes first");
    // And what is no such token is refused as it is there.
    world.configured.pop();
    let process = world.process();
    let claims = world.claims("acme", "anna");
    for (token, code) in [
        (world.provider.forge_signature(&claims), "token_signature"),
        (world.provider.forge_unsigned(&claims), "token_algorithm"),
        (world.provider.mint(&claims.clone().with("aud", audience("beta"))), "token_audience"),
        (world.provider.mint(&claims.clone().without("uid")), "token_claim_missing"),
        (world.provider.mint(&claims.clone().with("iss", url("acme").trim_end_matches('/'))), "token_issuer"),
        (world.provider.mint(&claims.clone().with("iss", url("ACME"))), "token_issuer"),
        (world.provider.mint(&claims.clone().with("iss", url("acme").replace("https", "http"))), "token_issuer"),
    ] {
        assert_eq!(process.verify(&token).await.unwrap_err(), code);
    }
    world.clock.advance(MINUTE * 10);
    assert_eq!(process.verify(&token).await.unwrap_err(), "token_expired");
}

async fn a_removed_issuer_is_refused_at_the_next_request_of_every_process(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (one, other) = (world.process(), world.process());
    let token = world.token("acme", "anna");
    for process in [&one, &other] {
        assert_eq!(process.tenants(&token).await, ["acme"]);
        assert!(process.verifier.verify_now(&token).is_none(), "it is asked for each time");
        assert!(process.verify(&token).await.is_ok(), "remembered");
    }
    let issuer = world.issuer(acme).await;
    world.remove(acme).await;
    let fresh = world.token("acme", "bert");
    for process in [&one, &other] {
        assert_eq!(process.verify(&token).await.unwrap_err(), "token_issuer");
        assert_eq!(process.verify(&fresh).await.unwrap_err(), "token_issuer");
    }
    // Made again, it has the same people.
    world.add(Issuer { id: dezky::domain::IssuerId::generate(), version: 1, ..issuer }).await;
    assert_eq!(world.process().tenants(&world.token("acme", "anna")).await, ["acme"]);
    world.clock.advance(Duration::from_secs(11));
    assert!(one.verify(&fresh).await.is_ok(), "an absence is remembered for ten seconds");
}

async fn a_switched_off_login_is_refused_before_anybody_removes_it(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let process = world.process();
    let token = world.token("acme", "anna");
    assert!(process.verify(&token).await.is_ok());
    world.switch(acme, false).await;
    assert_eq!(process.verify(&token).await.unwrap_err(), "token_issuer");
    assert_eq!(world.issuer(acme).await.tenant_id, acme, "the controller has not come to it");
    // Logout tokens go the same way.
    let logout = world.provider.logout_claims("one", Some("anna"), None).with("iss", url("acme"));
    let logout = world.provider.mint(&logout.with("aud", audience("acme")));
    let refused = process.verifier.verify_logout(&RequestContext::new("test"), &logout).await.unwrap_err();
    assert_eq!(refused.code(), "token_issuer");
    world.switch(acme, true).await;
    let accepted = world.process().verifier.verify_logout(&RequestContext::new("test"), &logout).await.unwrap();
    assert_eq!(accepted.issuer_id, format!("Tenant-{acme}"));
}

async fn a_tenants_issuer_gives_nothing_beyond_its_tenant(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let beta = world.tenant("beta").await;
    let process = world.process();
    // A token that names the other tenant's group and that of the platform's administrators.
    let claims = world.claims("acme", "anna").groups(["acme", "beta", "platform-admins"]);
    let token = world.provider.mint(&claims);
    assert_eq!(process.tenants(&token).await, ["acme"]);
    let verified = process.verify(&token).await.unwrap();
    let call = by(&verified);
    let profile = process.service.profile(&call).await.unwrap();
    assert!(!profile.user.platform_admin);
    assert_eq!(profile.user.tenant_ids, [acme]);
    let code = |outcome: Result<_, Error>| outcome.map(drop).unwrap_err().code();
    assert_eq!(code(process.service.read_tenant(&call, &TenantReference::Id(beta)).await), "not_found");
    assert_eq!(code(process.service.read_tenant(&call, &TenantReference::Slug("beta".to_owned())).await), "not_found");
    // Not even what is granted there by a person or by right of administration is used.
    support::grant(&process.service, beta, profile.user.id, MembershipRole::Owner).await;
    let admin = dezky::domain::UpdateUser::read(json!({"platformAdmin": true})).unwrap();
    process.service.update_user(&system(), profile.user.id, admin).await.unwrap();
    assert_eq!(code(process.service.read_tenant(&call, &TenantReference::Id(beta)).await), "not_found");
    assert_eq!(process.tenants(&token).await, ["acme"]);
    // The person of the same subject at the first issuer, or at the other tenant's, is somebody else.
    let elsewhere = world.provider.claims("anna").lasting(world.clock.now(), MINUTE).groups(["beta"]);
    assert_eq!(process.tenants(&world.provider.mint(&elsewhere)).await, ["beta"]);
    let at_beta = process.verify(&world.token("beta", "anna")).await.unwrap();
    let at_beta = process.service.profile(&by(&at_beta)).await.unwrap();
    assert_ne!(at_beta.user.id, profile.user.id);
    // The claim's end ends the membership in its tenant, and in no other.
    let without = world.claims("acme", "anna").lasting(world.clock.now(), MINUTE).groups([]);
    assert_eq!(process.tenants(&world.provider.mint(&without)).await, [""; 0]);
    let granted = dezky::domain::Membership::key(beta, profile.user.id);
    let granted: dezky::domain::Membership =
        world.store.load_unique(&system().context, granted).await.unwrap().unwrap();
    assert!(granted.active);
}

async fn a_configured_issuer_is_never_replaced(store: SharedStore) {
    let mut world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let beta = world.tenant("beta").await;
    // Whatever the store says of the URL of a configured issuer.
    let configured = "https://id.example.eu/";
    world
        .configured
        .push(IssuerSettings { tenant: Some("beta".to_owned()), ..IssuerSettings::new("own", configured, "portal") });
    world.remove(acme).await;
    world.add(Issuer::of_login(acme, configured, "dezky-acme", world.clock.now())).await;
    let process = world.process();
    let claims = world.provider.claims("anna").lasting(world.clock.now(), MINUTE).with("iss", configured);
    let verified = process.verify(&world.provider.mint(&claims.clone().with("aud", "portal"))).await.unwrap();
    assert_eq!((verified.issuer_id.as_str(), verified.tenant.as_deref()), ("own", Some("beta")));
    let refused = process.verify(&world.provider.mint(&claims.with("aud", "dezky-acme"))).await.unwrap_err();
    assert_eq!(refused, "token_audience");
    assert_eq!(process.reads(), 0, "a configured issuer costs no read");
    // Nor does one tenant's issuer take another's URL.
    let mut commit = Commit::new();
    let stolen = Issuer { id: dezky::domain::IssuerId::generate(), ..world.issuer(beta).await };
    commit.insert(&Issuer { tenant_id: TenantId::generate(), ..stolen }).unwrap();
    assert!(world.store.commit(&system().context, &commit).await.is_err());
    // What is not over TLS, or at an address, is not used: nobody has written it into the settings.
    for url in ["http://localhost:9000/o/", "https://localhost/o/", "https://10.0.0.5/o/", "https://[::1]/o/"] {
        world.remove(acme).await;
        world.add(Issuer::of_login(acme, url, "dezky-acme", world.clock.now())).await;
        let claims = world.claims("acme", "anna").with("iss", url).with("aud", "dezky-acme");
        assert_eq!(world.process().verify(&world.provider.mint(&claims)).await.unwrap_err(), "token_issuer", "{url}");
    }
}

async fn a_changed_issuer_counts_at_once(store: SharedStore) {
    let world = World::on(store).await;
    let acme = world.tenant("acme").await;
    let (process, second) = (world.process(), world.process());
    let token = world.token("acme", "anna");
    assert!(process.verify(&token).await.is_ok() && second.verify(&token).await.is_ok());
    let before = world.issuer(acme).await;
    let after = Issuer { audiences: vec!["another".to_owned()], version: before.version + 1, ..before.clone() };
    let mut commit = Commit::new();
    commit.update(&after, before.version).unwrap();
    world.store.commit(&system().context, &commit).await.unwrap();
    assert_eq!(process.verify(&token).await.unwrap_err(), "token_audience");
    let other = world.provider.mint(&world.claims("acme", "anna").with("aud", "another"));
    for process in [&process, &second] {
        assert!(process.verify(&other).await.is_ok(), "whichever token comes first");
        assert_eq!(process.verify(&token).await.unwrap_err(), "token_audience");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_issuers_costs_few_reads_and_hides_no_issuer() {
    let fixture = support::sqlite();
    let world = World::on(Arc::clone(&fixture.store)).await;
    world.tenant("acme").await;
    let process = Arc::new(world.process());
    let began = std::time::Instant::now();
    let flood: Vec<_> = (0..1_000)
        .map(|number| {
            let claims = world.claims("acme", "mallory").with("iss", format!("https://{number}.example.eu/"));
            let (process, token) = (Arc::clone(&process), world.provider.forge_unsigned(&claims));
            // The header names a key, as that of a genuine token does.
            let token = token.replacen(token.split('.').next().unwrap(), HEADER, 1) + "AAAA";
            tokio::spawn(async move { process.verify(&token).await })
        })
        .collect();
    for outcome in flood {
        let code = outcome.await.unwrap().unwrap_err();
        assert!(["token_issuer", "store_unavailable"].contains(&code.as_str()), "{code}");
    }
    let most = 2 + usize::try_from(began.elapsed().as_millis() / 50).unwrap();
    let reads = process.reads();
    assert!(reads <= most, "{reads} reads, at most {most}");
    assert!(process.source.urls.load(Ordering::SeqCst) <= reads * StoreIssuers::MAXIMUM_URLS);
    // An issuer that exists is found all the same.
    assert!(process.verify(&world.token("acme", "anna")).await.is_ok());
    // Once more, the same: what is no issuer is remembered, up to a number and for a while.
    let claims = world.claims("acme", "mallory").with("iss", "https://0.example.eu/");
    let token = world.provider.mint(&claims);
    let _ = process.verify(&token).await;
    let before = process.reads();
    for _ in 0..100 {
        assert_eq!(process.verify(&token).await.unwrap_err(), "token_issuer");
    }
    assert_eq!(process.reads(), before);
    world.clock.advance(MINUTE);
    assert_eq!(process.verify(&token).await.unwrap_err(), "token_issuer");
    assert_eq!(process.reads(), before + 1);
    // What cannot be an issuer, and a forged token of one that is known, are not looked up at all.
    let before = process.reads();
    for url in ["http://x.example.eu/", "", "acme", &format!("https://x.example.eu/{}", "x".repeat(600))] {
        let token = world.provider.mint(&world.claims("acme", "mallory").with("iss", url));
        assert_eq!(process.verify(&token).await.unwrap_err(), "token_issuer");
    }
    let forged = world.provider.forge_signature(&world.claims("acme", "anna"));
    assert_eq!(process.verify(&forged).await.unwrap_err(), "token_signature");
    assert_eq!(process.reads(), before);
}

/// The header `{"alg":"RS256","kid":"x","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngiLCJ0eXAiOiJKV1QifQ";

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_provider_that_is_down_concerns_its_people_only() {
    let fixture = support::sqlite();
    let world = World::on(Arc::clone(&fixture.store)).await;
    world.tenant("down").await;
    world.tenant("acme").await;
    let process = world.process();
    assert_eq!(process.verify(&world.token("down", "anna")).await.unwrap_err(), "issuer_unavailable");
    assert!(process.verify(&world.token("acme", "anna")).await.is_ok());
    assert!(
        process.verifier.key_status().iter().all(|status| status.issuer_id == "default"),
        "readiness is the platform's"
    );
}

#[test]
fn private_networks_are_for_tenants_issuers_where_they_are_for_that_of_the_platform() {
    let now = ManualClock::at_now().now();
    let mut system = IssuerSettings::new("default", "https://auth.example.eu/", "dezky");
    let tenant = TenantId::generate();
    let of = |system: &IssuerSettings, url: &str| system.of_tenant(&Issuer::of_login(tenant, url, "a", now), "acme");
    for url in ["https://10.0.0.5/o/", "https://localhost/o/"] {
        assert!(of(&system, url).is_err());
    }
    assert!(!of(&system, "https://acme.example.eu/o/").unwrap().private_addresses);
    system.private_addresses = true;
    system.jwks_hosts = vec!["keys.example.eu".to_owned()];
    let settings = of(&system, "https://10.0.0.5/o/").unwrap();
    assert!(settings.private_addresses && settings.jwks_hosts.is_empty());
    for url in
        ["http://10.0.0.5/o/", "http://localhost/o/", "https://a@acme.example.eu/", "https://acme.example.eu/?x", "x"]
    {
        assert!(of(&system, url).is_err(), "{url}");
    }
}
