//! Tests of old and new claims concurrent with revocations by people.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    authn::VerifiedToken,
    clock::{Clock as _, SystemClock, Timestamp},
    context::RequestContext,
    domain::{CreateSubscription, GrantMembership, MembershipRole, ObjectId, TenantId, UpdateTenant, UserId},
    service::Service,
    store::{ChangeNotice, Collection, Commit, Document, Query, SharedStore, Store, StoreError, StoreResult as Found},
    test_kit::ManualClock,
};
use futures_util::stream::BoxStream;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{
    self, by, by_as,
    gated::Gated,
    grant,
    interleaved::{Meanwhile, interleaved, overtaken},
    now,
    scheduled::Scheduled,
    system, tenant, token,
};

/// The initial state of a membership when requests that claim it begin.
#[derive(Debug, Clone, Copy)]
enum Claimed {
    /// Active, made by a claim.
    Member,
    /// Revoked by a claim; the claims of those requests are late enough to restore it.
    Tombstone,
    /// It never existed.
    Absent,
}

const CLAIMED: [Claimed; 3] = [Claimed::Member, Claimed::Tombstone, Claimed::Absent];

/// A person, and a tenant whose group they claim.
struct Claim {
    service: Arc<Service>,
    tenant: TenantId,
    user: UserId,
    slug: String,
    subject: String,
    from: Timestamp,
}

impl Claim {
    async fn new(store: &SharedStore, state: Claimed, number: u64) -> Self {
        let service = Arc::new(support::service(Arc::clone(store), Arc::new(SystemClock)));
        let (slug, subject) = (format!("acme-{number}"), format!("anna-{number}"));
        let tenant = tenant(&service, &slug).await;
        let from = now().minus(Duration::from_secs(3_000));
        let groups: &[&[&str]] = match state {
            Claimed::Member => &[&[&slug]],
            Claimed::Tombstone => &[&[&slug], &[]],
            Claimed::Absent => &[&[]],
        };
        let mut user = None;
        for (later, groups) in groups.iter().enumerate() {
            let issued = from.plus(Duration::from_secs(u64::try_from(later).unwrap()));
            user = Some(service.profile(&by(&token(&subject, Some(groups), issued))).await.unwrap().user.id);
        }
        Self { service, tenant, user: user.unwrap(), slug, subject, from }
    }

    /// Returns a token with the group, issued this many seconds after those that caused the state.
    ///
    /// From 3,100 on, it is late enough to restore a membership that a claim has just revoked.
    fn token(&self, later: u64) -> Arc<VerifiedToken> {
        token(&self.subject, Some(&[&self.slug]), self.from.plus(Duration::from_secs(later)))
    }

    /// Revokes the membership as a person, creating it by a claim or grant first if necessary.
    async fn take(&self, state: Claimed) {
        match state {
            Claimed::Member => {}
            Claimed::Tombstone => {
                let revived = self.service.profile(&by(&self.token(3_200))).await.unwrap();
                assert_eq!(revived.tenants.len(), 1, "the claim is late enough");
            }
            Claimed::Absent => grant(&self.service, self.tenant, self.user, MembershipRole::Member).await,
        }
        self.service.revoke_membership(&system(), &self.tenant.into(), self.user).await.unwrap();
    }

    /// Asserts that the membership stays revoked for every token, and that an explicit grant restores it.
    async fn is_gone_until_it_is_granted(&self, about: &str) {
        for later in [10, 3_100, 3_200, 3_300, 6_000] {
            let profile = self.service.profile(&by(&self.token(later))).await.unwrap();
            assert!(profile.tenants.is_empty(), "{about}: a token of {later} brings it back");
        }
        assert!(self.service.read_tenant(&by(&self.token(6_000)), &self.tenant.into()).await.is_err(), "{about}");
        grant(&self.service, self.tenant, self.user, MembershipRole::Member).await;
        assert_eq!(self.service.profile(&by(&self.token(10))).await.unwrap().tenants.len(), 1, "{about}");
    }
}

/// Asserts that a revocation wins over a hundred requests of one person that have decided their writes and are at their
/// first commit.
pub(super) async fn a_hundred_profiles_in_flight_do_not_bring_back_what_was_revoked(store: SharedStore) {
    for (number, state) in (0..).zip(CLAIMED) {
        let claim = Claim::new(&store, state, number).await;
        let gate = Gated::new(Arc::clone(&store));
        let service = Arc::new(support::service(gate.clone(), Arc::new(SystemClock)));
        let requests: Vec<_> = (0..100)
            .map(|request| {
                let (service, token) =
                    (Arc::clone(&service), claim.token(if request % 2 == 0 { 3_100 } else { 3_150 }));
                tokio::spawn(async move { service.profile(&by_as(&token, format!("request-{request}"))).await })
            })
            .collect();
        gate.holds(100).await;
        claim.take(state).await;
        gate.open();
        for request in requests {
            // None fails. They show memberships that were read before the revocation, and have not created any.
            let profile = request.await.unwrap().unwrap();
            assert!(
                matches!(state, Claimed::Member) || profile.tenants.is_empty(),
                "{state:?}: made after it was taken"
            );
        }
        claim.is_gone_until_it_is_granted(&format!("{state:?}")).await;
    }
}

/// The sync has decided to restore a revoked membership; meanwhile another one does so, and a person revokes it.
pub(super) async fn a_claim_in_flight_does_not_revive_what_a_person_takes_meanwhile(store: SharedStore) {
    let claim = Arc::new(Claim::new(&store, Claimed::Tombstone, 0).await);
    let other = Arc::clone(&claim);
    let meanwhile: Meanwhile = Box::new(move || Box::pin(async move { other.take(Claimed::Tombstone).await }));
    let profile = interleaved(&store, meanwhile).profile(&by(&claim.token(3_100))).await.unwrap();
    assert!(profile.tenants.is_empty());
    claim.is_gone_until_it_is_granted("revived meanwhile").await;
}

/// Asserts that a membership stays revoked in any order of store calls.
///
/// The calls are of requests with old and new claims, one without, and a person who revokes the membership.
pub(super) async fn in_no_order_of_calls_does_a_claim_undo_a_revocation(store: SharedStore, seeds: u64) {
    let mut calls = 0;
    for seed in 0..seeds {
        let state = CLAIMED[usize::try_from(seed % 3).unwrap()];
        let claim = Arc::new(Claim::new(&store, state, seed).await);
        let scheduler = Scheduled::new(Arc::clone(&store));
        let service = Arc::new(support::service(scheduler.clone(), Arc::new(SystemClock)));
        let mut tasks = JoinSet::new();
        let without = token(&claim.subject, Some(&[]), claim.from.plus(Duration::from_secs(3_120)));
        for token in [claim.token(10), claim.token(3_100), without, claim.token(3_150), claim.token(3_150)] {
            let service = Arc::clone(&service);
            tasks.spawn(async move {
                service.profile(&by(&token)).await.unwrap();
            });
        }
        for (later, groups) in [(3_130, &[][..]), (3_140, &[claim.slug.as_str()][..])] {
            let issued = claim.from.plus(Duration::from_secs(later));
            let (service, token, tenant) =
                (Arc::clone(&service), token(&claim.subject, Some(groups), issued), claim.tenant);
            tasks.spawn(async move {
                // Refused or not: only the order of calls matters here.
                let found = service.read_tenant(&by(&token), &tenant.into()).await;
                assert!(found.err().is_none_or(|error| error.code() == "not_found"));
            });
        }
        let taking = Arc::clone(&claim);
        tasks.spawn(async move {
            // A membership that is absent, or was revoked by a claim meanwhile, is granted first so that it can be
            // revoked.
            loop {
                let taken = service.revoke_membership(&system(), &taking.tenant.into(), taking.user).await;
                match taken {
                    Ok(()) => return,
                    Err(error) if error.code() == "not_found" => {
                        let grant = GrantMembership { user_id: taking.user, role: MembershipRole::Member };
                        let granted = service.grant_membership(&system(), &taking.tenant.into(), grant).await;
                        // A claim may have come first.
                        assert!(granted.err().is_none_or(|error| error.code() == "already_member"));
                    }
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        calls += scheduler.run(tasks, seed + 1).await;
        claim.is_gone_until_it_is_granted(&format!("seed {seed}, {state:?}")).await;
    }
    assert!(calls > usize::try_from(seeds).unwrap() * 20, "only {calls} calls of the store were put in order");
}

/// Asserts that a claim restores a claim's tombstone only if it is later by more than the leeway.
///
/// The clocks of issuer and server may differ by the leeway in either direction, so a token with an `iat` up to that
/// much after a revocation may have been issued before it.
pub(super) async fn of_a_claims_own_tombstone_only_a_later_claim_makes_a_membership(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let service = support::service(Arc::clone(&store), clock.clone());
    let leeway = service.settings().leeway;
    let millisecond = Duration::from_millis(1);
    let after = |later: Duration| (Some(later), None);
    let before = |earlier: Duration| (None, Some(earlier));
    for (number, (skew, comes_back)) in [
        (before(leeway + millisecond), false),
        (before(leeway), false),
        (before(leeway - millisecond), false),
        (before(millisecond), false),
        (after(Duration::ZERO), false),
        (after(millisecond), false),
        (after(leeway - millisecond), false),
        (after(leeway), false),
        (after(leeway + millisecond), true),
    ]
    .into_iter()
    .enumerate()
    {
        clock.advance(Duration::from_secs(600));
        let (slug, subject) = (format!("acme-{number}"), format!("anna-{number}"));
        let tenant = tenant(&service, &slug).await;
        let groups = [slug.as_str(), "platform-admins"];
        let sign_in =
            async |groups: Option<&[&str]>, issued| service.profile(&by(&token(&subject, groups, issued))).await;
        let revoked_at = clock.now();
        let long_before = revoked_at.minus(leeway + leeway);
        assert_eq!(sign_in(Some(&groups), long_before).await.unwrap().tenants.len(), 1);
        assert!(
            sign_in(Some(&[]), long_before.plus(millisecond)).await.unwrap().tenants.is_empty(),
            "the claim takes it"
        );
        let issued = match skew {
            (Some(later), _) => revoked_at.plus(later),
            (None, earlier) => revoked_at.minus(earlier.unwrap()),
        };
        let profile = sign_in(Some(&groups), issued).await.unwrap();
        assert_eq!(profile.tenants.len(), usize::from(comes_back), "issued {skew:?} of the revocation");
        assert_eq!(profile.user.platform_admin, comes_back, "issued {skew:?} of the revocation");
        // A revocation by a person is not restored by any claim, however late.
        if comes_back {
            service.revoke_membership(&system(), &tenant.into(), profile.user.id).await.unwrap();
        }
        let much_later = revoked_at.plus(leeway * 10);
        let kept = sign_in(Some(&groups), much_later).await.unwrap().tenants.len();
        assert_eq!(kept, usize::from(!comes_back), "the claim's own tombstone yields in the end, a person's does not");
    }
}

/// A store that refuses changes.
#[derive(Debug)]
struct ReadOnly(SharedStore);

#[async_trait]
impl Store for ReadOnly {
    async fn get(&self, context: &RequestContext, of: &'static Collection, id: ObjectId) -> Found<Option<Document>> {
        self.0.get(context, of, id).await
    }
    async fn find(&self, context: &RequestContext, query: &Query) -> Found<Vec<Document>> {
        self.0.find(context, query).await
    }
    async fn commit(&self, _: &RequestContext, _: &Commit) -> Found<()> {
        Err(StoreError::Unavailable { detail: "the disk is full".to_owned() })
    }
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        None
    }
    async fn health(&self, context: &RequestContext) -> Found<()> {
        self.0.health(context).await
    }
}

/// Asserts that a store without writes admits only tokens without revocations.
pub(super) async fn a_store_that_takes_no_changes_lets_in_only_whoever_has_nothing_to_lose(store: SharedStore) {
    let claim = Claim::new(&store, Claimed::Member, 0).await;
    let full = support::service(Arc::new(ReadOnly(Arc::clone(&store))), Arc::new(SystemClock));
    let with = claim.token(100);
    assert!(full.read_tenant(&by(&with), &claim.tenant.into()).await.is_ok());
    let without = token(&claim.subject, Some(&["other"]), claim.from.plus(Duration::from_secs(200)));
    let refused = full.read_tenant(&by(&without), &claim.tenant.into()).await.unwrap_err();
    assert_eq!(refused.kind(), dezky::ErrorKind::Unavailable);
    // Once it accepts changes, the same tokens are handled.
    let found = claim.service.read_tenant(&by(&without), &claim.tenant.into()).await;
    assert_eq!(found.unwrap_err().code(), "not_found");
    assert_eq!(full.read_tenant(&by(&with), &claim.tenant.into()).await.unwrap_err().code(), "not_found");
}

/// A first use has decided to revoke a membership by claim; meanwhile a person grants or permanently revokes it.
pub(super) async fn a_first_use_in_flight_takes_no_grant_and_eases_no_revocation(store: SharedStore) {
    for (number, granted) in [(0, true), (1, false)] {
        let claim = Claim::new(&store, Claimed::Member, number).await;
        let (service, tenant, user) = (Arc::clone(&claim.service), claim.tenant, claim.user);
        let meanwhile: Meanwhile = Box::new(move || {
            Box::pin(async move {
                service.revoke_membership(&system(), &tenant.into(), user).await.unwrap();
                if granted {
                    grant(&service, tenant, user, MembershipRole::Member).await;
                }
            })
        });
        let without = token(&claim.subject, Some(&[]), claim.from.plus(Duration::from_secs(100)));
        let found = interleaved(&store, meanwhile).read_tenant(&by(&without), &tenant.into()).await;
        assert_eq!(found.is_ok(), granted, "{found:?}");
        if granted {
            assert!(claim.service.read_tenant(&by(&without), &tenant.into()).await.is_ok());
        } else {
            claim.is_gone_until_it_is_granted("taken by both").await;
        }
    }
}

/// The first use has read the rights; meanwhile another request revokes what the same token revokes.
///
/// The other request is in another process, or in the same one, which then remembers the token as handled.
pub(super) async fn a_first_use_decides_by_no_rights_from_before_what_another_took(store: SharedStore) {
    for (number, same_process) in [(0, false), (1, true)] {
        for route in 0..3 {
            let claim = Claim::new(&store, Claimed::Member, number * 10 + route).await;
            let terms = CreateSubscription::build(claim.tenant).seats(5_u32).plan("business").finish().unwrap();
            let started = claim.service.create_subscription(&system(), terms).await.unwrap().value.id;
            let without = token(&claim.subject, Some(&["other"]), claim.from.plus(Duration::from_secs(100)));
            let racing: Arc<OnceLock<Arc<Service>>> = Arc::default();
            let (elsewhere, here) = (Arc::clone(&claim.service), Arc::clone(&racing));
            let (tenant, again) = (claim.tenant, Arc::clone(&without));
            let meanwhile: Meanwhile = Box::new(move || {
                Box::pin(async move {
                    let service = if same_process { here.get().unwrap() } else { &elsewhere };
                    // Another process has verified the token itself.
                    let token = if same_process { again } else { Arc::new((*again).clone()) };
                    let refused = service.read_tenant(&by(&token), &tenant.into()).await.unwrap_err();
                    assert_eq!(refused.code(), "not_found");
                })
            });
            let service = racing.get_or_init(|| Arc::new(overtaken(&store, meanwhile)));
            let (call, reference) = (by(&without), claim.tenant.into());
            let outcome = match route {
                0 => service.read_tenant(&call, &reference).await.map(drop),
                1 => service.list_members(&call, &reference, &Default::default(), &Default::default()).await.map(drop),
                _ => service.read_subscription(&call, started).await.map(drop),
            };
            assert_eq!(outcome.unwrap_err().code(), "not_found", "same process: {same_process}, route {route}");
        }
    }
}

/// Concurrent first uses of a newer token on many routes and in several processes: each is refused, and one revokes.
pub(super) async fn first_uses_at_the_same_time_are_all_refused_and_one_takes(store: SharedStore) {
    let claim = Claim::new(&store, Claimed::Member, 0).await;
    let without = token(&claim.subject, Some(&["other"]), claim.from.plus(Duration::from_secs(100)));
    let requests = (0..40).map(|request| {
        let service = Arc::new(support::service(Arc::clone(&store), Arc::new(SystemClock)));
        // Each process has verified the token itself.
        let token = if request % 2 == 0 { Arc::clone(&without) } else { Arc::new((*without).clone()) };
        let tenant = claim.tenant;
        tokio::spawn(async move {
            let call = by_as(&token, format!("request-{request}"));
            match request % 4 {
                0 | 1 => service.read_tenant(&call, &tenant.into()).await.map(drop),
                2 => service
                    .list_members(&call, &tenant.into(), &Default::default(), &Default::default())
                    .await
                    .map(drop),
                _ => service
                    .update_tenant(&call, &tenant.into(), UpdateTenant::read(json!({"name": "Mine"})).unwrap())
                    .await
                    .map(drop),
            }
        })
    });
    for outcome in futures_util::future::join_all(requests).await {
        assert_eq!(outcome.unwrap().unwrap_err().code(), "not_found");
    }
    let tenant = dezky::service::access::TenantReference::Id(claim.tenant);
    let filter = dezky::service::audit::AuditFilter { tenant: Some(tenant), ..Default::default() };
    let events = claim.service.list_audit(&system(), &filter, &Default::default()).await.unwrap().items;
    assert_eq!(events.iter().filter(|event| event.action == "membership.revoke").count(), 1, "{events:?}");
}
