//! Logins of tenants' own: made, used with real tokens, switched off, purged.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use dezky::{
    authn::{
        IssuerSettings, StoreIssuers, Verifier, VerifierOptions,
        keys::{FetchError, KeySource, StoreArchive},
    },
    clock::Clock as _,
    context::RequestContext,
    domain::{
        Issuer, TenantId, UpdateTenant,
        workspace::{Condition, ConditionStatus, Phase, SystemKind},
    },
    emulators::{Fault, Faults, authentik::Kind},
    service::Service,
    store::SharedStore,
    test_kit::DevelopmentIssuer,
    workspace::Drift,
};
use serde_json::json;

use crate::{
    support::{self, by, on_every_store, system},
    world::{DAY, World},
};

/// The application of the tenant `acme`.
const APPLICATION: &str = "dezky-tenant-acme";

/// The keys of Authentik, at whichever host they are fetched.
#[derive(Debug)]
struct Keys(Arc<DevelopmentIssuer>);

#[async_trait]
impl KeySource for Keys {
    async fn fetch(&self, _: &IssuerSettings) -> Result<bytes::Bytes, FetchError> {
        Ok(self.0.jwks().to_string().into())
    }
}

/// A process that verifies tokens and answers requests.
struct Process {
    verifier: Verifier,
    service: Service,
}

impl Process {
    fn over(world: &World, provider: &Arc<DevelopmentIssuer>) -> Self {
        let store: SharedStore = Arc::clone(world.store());
        let configured = vec![provider.settings("default")];
        let mut options = VerifierOptions::default();
        options.issuer_source = Some(Arc::new(StoreIssuers::new(Arc::clone(&store), &configured).unwrap()));
        let (keys, archive) = (Arc::new(Keys(Arc::clone(provider))), Arc::new(StoreArchive::new(Arc::clone(&store))));
        let verifier = Verifier::new(configured, keys, archive, world.clock.clone(), options).unwrap();
        Self { verifier, service: support::service(store, world.clock.clone()) }
    }

    /// Signs in. Returns the slugs of the caller's tenants, or the code of the refusal.
    async fn sign_in(&self, token: &str) -> Result<Vec<String>, &'static str> {
        let token = self.verifier.verify(&RequestContext::new("test"), token).await.map_err(|error| error.code())?;
        let profile = self.service.profile(&by(&token)).await.map_err(|error| error.code())?;
        Ok(profile.tenants.into_iter().map(|tenant| tenant.slug).collect())
    }
}

/// Mints a token as the login of a tenant does for a member.
fn token(world: &World, provider: &DevelopmentIssuer, issuer: &Issuer, subject: &str, groups: &[&str]) -> String {
    let audience = issuer.audiences[0].as_str();
    let claims = provider.claims(subject).lasting(world.clock.now(), Duration::from_secs(300));
    let claims = claims.with("iss", issuer.url.as_str()).with("aud", audience).with("azp", audience);
    provider.mint(&claims.groups(groups.iter().copied()))
}

async fn condition(world: &World, tenant: TenantId) -> Option<Condition> {
    let state = world.state(tenant, SystemKind::Identity).await;
    state.conditions.into_iter().find(|condition| condition.kind == "LoginReady")
}

on_every_store! {
    a_login_is_made_used_switched_off_and_refused_at_the_next_request,
    a_purged_tenant_has_no_login_and_a_suspended_one_keeps_it,
}

async fn a_login_is_made_used_switched_off_and_refused_at_the_next_request(store: SharedStore) {
    let world = World::on(store).await;
    let provider = Arc::new(DevelopmentIssuer::start().await.unwrap());
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let (_, anna, _) = world.member(acme, "anna").await;
    world.settle().await;
    assert_eq!((world.login_parts(), condition(&world, acme).await), ([0; 4], None));
    world.switch_login(acme, true).await;
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.login_parts(), [1; 4]);
    assert_eq!(condition(&world, acme).await.unwrap().status, ConditionStatus::True);
    assert!(world.authentik.system().may_sign_in(APPLICATION, anna.pk));
    let stranger = world.authentik.system().add_person("stranger");
    assert!(!world.authentik.system().may_sign_in(APPLICATION, stranger.pk));
    let issuer = world.issuer(acme).await.unwrap();
    assert_eq!(issuer.url, "https://acme.example.eu/application/o/dezky-tenant-acme/");
    assert_eq!(issuer.audiences, [format!("dezky-{acme}")]);
    let view = world.service.read_workspace(&system(), &acme.into()).await.unwrap();
    let login = view.login.unwrap();
    assert_eq!(
        (login.host.as_str(), &login.issuer, &login.client_id),
        ("acme.example.eu", &issuer.url, &issuer.audiences[0])
    );
    assert_eq!(world.service.read_workspace(&system(), &other.into()).await.unwrap().login, None);
    // Two processes accept its tokens.
    let (one, two) = (Process::over(&world, &provider), Process::over(&world, &provider));
    let signed = token(&world, &provider, &issuer, "anna", &["acme", "other"]);
    for process in [&one, &two] {
        assert_eq!(process.sign_in(&signed).await, Ok(vec!["acme".to_owned()]));
    }
    // A look at what is as it should be only reads.
    world.clock.advance(DAY * 2);
    let writes = world.authentik.writes();
    world.settle().await;
    assert_eq!(world.authentik.writes(), writes);
    // Switched off while the identity system is away: access ends all the same, and the login later.
    let signed = token(&world, &provider, &issuer, "anna", &["acme"]);
    assert_eq!(one.sign_in(&signed).await, Ok(vec!["acme".to_owned()]));
    world.authentik.set_faults(Faults { every: Some(Fault::ResetBefore), ..Faults::default() });
    world.switch_login(acme, false).await;
    for process in [&one, &two] {
        assert_eq!(process.sign_in(&signed).await, Err("token_issuer"));
    }
    world.work().await;
    assert_eq!((world.issuer(acme).await, world.login_parts()), (None, [1; 4]), "access goes before the login");
    world.authentik.set_faults(Faults::default());
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!((world.login_parts(), condition(&world, acme).await), ([0; 4], None));
    assert_eq!(world.members("acme"), [anna.pk].into(), "the group is kept");
    for process in [&one, &two] {
        assert_eq!(process.sign_in(&signed).await, Err("token_issuer"));
    }
    let view = world.service.read_workspace(&system(), &acme.into()).await.unwrap();
    assert_eq!(view.login, None);
}

async fn a_purged_tenant_has_no_login_and_a_suspended_one_keeps_it(store: SharedStore) {
    let world = World::on(store).await;
    let provider = Arc::new(DevelopmentIssuer::start().await.unwrap());
    let acme = world.tenant("acme").await;
    world.switch_login(acme, true).await;
    world.settle().await;
    world.assert_ready(acme).await;
    let issuer = world.issuer(acme).await.unwrap();
    let process = Process::over(&world, &provider);
    let sign_in = async |groups: &[&str]| process.sign_in(&token(&world, &provider, &issuer, "anna", groups)).await;
    assert_eq!(sign_in(&["acme"]).await, Ok(vec!["acme".to_owned()]));
    world.service.suspend_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    assert_eq!(world.login_parts(), [1; 4]);
    // What its tokens may do there is decided in the store: people read, and nobody joins.
    assert_eq!(sign_in(&["acme"]).await, Ok(vec!["acme".to_owned()]));
    let other = token(&world, &provider, &issuer, "bert", &["acme"]);
    assert_eq!(process.sign_in(&other).await, Ok(Vec::new()));
    world.service.restore_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    world.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    world.settle().await;
    assert_eq!(world.login_parts(), [1; 4]);
    assert_eq!(sign_in(&["acme"]).await, Ok(Vec::new()), "its people see nothing of it");
    world.clock.advance(DAY * 31);
    world.settle().await;
    assert_eq!((world.login_parts(), world.issuer(acme).await), ([0; 4], None));
    assert!(world.groups().iter().all(|(name, _)| name != "acme"));
    assert_eq!(world.state(acme, SystemKind::Identity).await.phase, Phase::Removed);
    assert_eq!(sign_in(&["acme"]).await, Err("token_issuer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn something_foreign_is_told_and_left_and_the_rest_of_the_tenant_works() {
    let publisher = json!("Dezky tenant 000000000000000000000000");
    for (kind, fields) in [
        (Kind::Application, json!({"name": "x", "slug": APPLICATION, "meta_publisher": publisher})),
        (Kind::Provider, json!({"name": APPLICATION})),
        (Kind::Brand, json!({"domain": "acme.example.eu"})),
    ] {
        let fixture = support::sqlite();
        let world = World::on(fixture.store.clone()).await;
        let foreign = world.authentik.system().add(kind, fields);
        let before = world.authentik.system().fields(kind, &foreign);
        let acme = world.tenant("acme").await;
        world.switch_login(acme, true).await;
        for _ in 0..6 {
            world.work().await;
            world.clock.advance(Duration::from_secs(20));
        }
        let told = condition(&world, acme).await.unwrap();
        assert_eq!((told.status, told.reason.as_str()), (ConditionStatus::False, "ForeignLogin"), "{kind:?}");
        assert!(told.message.contains("acme"), "it says what is in the way: {}", told.message);
        assert_eq!(world.state(acme, SystemKind::Identity).await.phase, Phase::Degraded);
        assert_eq!(world.state(acme, SystemKind::Files).await.phase, Phase::Ready, "files wait for the group alone");
        assert_eq!(world.issuer(acme).await, None, "no token of it is accepted");
        // Switched off, whatever was made of it goes, and what is foreign stays.
        world.switch_login(acme, false).await;
        world.settle().await;
        world.assert_ready(acme).await;
        assert_eq!(world.authentik.system().fields(kind, &foreign), before);
        let left: usize = world.login_parts().iter().sum();
        assert_eq!(left, 1, "{kind:?}");
        // Out of the way, the login is made.
        assert!(world.authentik.system().remove(kind, &foreign));
        world.switch_login(acme, true).await;
        world.settle().await;
        assert_eq!(world.login_parts(), [1; 4]);
        assert!(world.issuer(acme).await.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_make_one_login_and_leave_none() {
    for seed in 0..4 {
        let fixture = support::sqlite();
        let world = World::on(fixture.store.clone()).await;
        let acme = world.tenant("acme").await;
        world.settle().await;
        for on in [true, false] {
            world.authentik.set_faults(Faults { share: 0.3, seed, ..Faults::default() });
            world.switch_login(acme, on).await;
            for _ in 0..40 {
                world.work().await;
                world.clock.advance(Duration::from_secs(20));
            }
            world.authentik.set_faults(Faults::default());
            world.settle().await;
            world.assert_ready(acme).await;
            assert_eq!(world.login_parts(), [usize::from(on); 4], "seed {seed}");
            assert_eq!(world.issuer(acme).await.is_some(), on, "seed {seed}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_never_completed_is_removed() {
    for seed in 0..8 {
        let fixture = support::sqlite();
        let world = World::on(fixture.store.clone()).await;
        let acme = world.tenant("acme").await;
        world.settle().await;
        world.authentik.set_faults(Faults { share: 0.15, seed: seed * 7_919, ..Faults::default() });
        world.switch_login(acme, true).await;
        // One run, which some fault ends somewhere.
        world.work().await;
        let parts: usize = world.login_parts().iter().sum();
        assert!(parts == 4 || world.issuer(acme).await.is_none(), "no token is accepted before all is there");
        world.authentik.set_faults(Faults::default());
        world.switch_login(acme, false).await;
        world.settle().await;
        world.assert_ready(acme).await;
        assert_eq!((world.login_parts(), world.issuer(acme).await), ([0; 4], None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_by_hand_is_undone_or_told() {
    for drift in [Drift::Repair, Drift::Report] {
        let fixture = support::sqlite();
        let world = World::with(fixture.store.clone(), drift).await;
        let acme = world.tenant("acme").await;
        world.switch_login(acme, true).await;
        world.settle().await;
        let stranger = world.authentik.system().add_person("stranger");
        let id = |kind| world.authentik.system().ids(kind).pop().unwrap();
        let (provider, binding) = (id(Kind::Provider), id(Kind::Binding));
        for (kind, id, field, value) in [
            (Kind::Provider, provider.as_str(), "redirect_uris", json!([{"matching_mode": "regex", "url": ".*"}])),
            (Kind::Provider, provider.as_str(), "signing_key", json!(null)),
            (Kind::Binding, binding.as_str(), "enabled", json!(false)),
            (Kind::Application, APPLICATION, "name", json!("Other")),
        ] {
            let before = world.authentik.system().fields(kind, id).unwrap();
            assert!(world.authentik.system().set(kind, id, field, value));
            world.clock.advance(DAY * 2);
            world.settle().await;
            let after = world.authentik.system().fields(kind, id).unwrap();
            match drift {
                Drift::Repair => assert_eq!(after, before, "{field}"),
                Drift::Report => {
                    assert_ne!(after, before, "{field}");
                    let state = world.state(acme, SystemKind::Identity).await;
                    assert!(state.conditions.iter().any(|one| one.reason == "Drift"), "{state:#?}");
                    assert_eq!(state.phase, Phase::Degraded);
                    world.service.retry_workspace(&system(), &acme.into()).await.unwrap();
                    world.settle().await;
                    assert_eq!(world.authentik.system().fields(kind, id).unwrap(), before, "{field}");
                }
            }
        }
        assert!(!world.authentik.system().may_sign_in(APPLICATION, stranger.pk));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_made_again_is_bound_again() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    let (_, anna, _) = world.member(acme, "anna").await;
    world.switch_login(acme, true).await;
    world.settle().await;
    let group = world.groups().into_iter().find(|(name, _)| name == "acme").unwrap().1;
    assert!(world.authentik.system().remove(Kind::Group, &group));
    world.clock.advance(DAY * 2);
    world.settle().await;
    world.assert_ready(acme).await;
    let stranger = world.authentik.system().add_person("stranger");
    assert!(world.authentik.system().may_sign_in(APPLICATION, anna.pk));
    assert!(!world.authentik.system().may_sign_in(APPLICATION, stranger.pk));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_reaches_the_login() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.switch_login(acme, true).await;
    world.settle().await;
    let rename = UpdateTenant::read(json!({"name": "Acme AG"})).unwrap();
    world.service.update_tenant(&system(), &acme.into(), rename).await.unwrap();
    world.settle().await;
    world.assert_ready(acme).await;
    assert_eq!(world.authentik.system().fields(Kind::Application, APPLICATION).unwrap()["name"], "Acme AG");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_made_and_removed() {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let acme = world.tenant("acme").await;
    world.settle().await;
    let planned = async || {
        let before = (world.authentik.writes(), world.issuer(acme).await);
        let runs = world.worker.dry_run(&world.service, acme).await.unwrap();
        assert_eq!((world.authentik.writes(), world.issuer(acme).await), before, "a dry run only reads");
        runs.into_iter().flat_map(|run| run.changes).collect::<Vec<_>>()
    };
    world.switch_login(acme, true).await;
    assert_eq!(planned().await, ["login.create"]);
    world.settle().await;
    assert_eq!(planned().await, [""; 0]);
    world.switch_login(acme, false).await;
    assert_eq!(planned().await, ["issuer.delete", "login.delete"]);
    world.settle().await;
    assert_eq!(planned().await, [""; 0]);
}
