//! Tests that a right revoked in the database is refused on the next request with the same token, on every route.
//! Neither that token, which still has the groups, nor a newer one restores it.

use std::{sync::Arc, time::Duration};

use dezky::{
    authz::{Action, Actor, PlatformRight, Resource, TargetFacts, TenantFacts, decide},
    clock::Clock as _,
    domain::{TenantStatus, UpdateUser, UserId},
    service::Service,
    store::SharedStore,
    test_kit::ManualClock,
};
use serde_json::{Value, json};

use crate::{
    estate::World,
    matrix::{Expected, answer_to, check},
    routes::{Does, ROUTES, Route},
    support::system,
    world::{Caller, PLATFORM_ADMINS, Platform},
};

/// The revoked right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// A granted membership.
    Membership,
    /// A membership made by the token's group.
    ClaimedMembership,
    /// A granted right to administer the platform.
    PlatformAdmin,
    /// The right to administer the platform by the token's group.
    ClaimedPlatformAdmin,
    /// The person is disabled.
    Status,
    /// The person is erased.
    Person,
    /// Tokens issued before now are invalidated.
    Tokens,
    /// The identity provider ends the session.
    Session,
}

const ALL: [Taken; 8] = [
    Taken::Membership,
    Taken::ClaimedMembership,
    Taken::PlatformAdmin,
    Taken::ClaimedPlatformAdmin,
    Taken::Status,
    Taken::Person,
    Taken::Tokens,
    Taken::Session,
];

impl Taken {
    fn is_platform_admin(self) -> bool {
        matches!(self, Self::PlatformAdmin | Self::ClaimedPlatformAdmin)
    }

    /// Returns `true` for a right that was not granted, so that the claim makes it.
    fn is_claimed(self) -> bool {
        matches!(self, Self::ClaimedMembership | Self::ClaimedPlatformAdmin)
    }

    /// Returns `true` if only tokens are invalidated: later ones are accepted.
    fn is_of_tokens(self) -> bool {
        matches!(self, Self::Tokens | Self::Session)
    }
}

async fn update(service: &Service, user: UserId, body: Value) {
    service.update_user(&system(), user, UpdateUser::read(body).unwrap()).await.unwrap();
}

async fn take(platform: &Platform, world: &World, taken: Taken, user: UserId) {
    let service = &platform.service;
    match taken {
        Taken::Membership | Taken::ClaimedMembership => {
            service.revoke_membership(&system(), &world.tenant.into(), user).await.unwrap()
        }
        Taken::PlatformAdmin | Taken::ClaimedPlatformAdmin => {
            update(service, user, json!({"platformAdmin": false})).await;
        }
        Taken::Status => update(service, user, json!({"status": "disabled"})).await,
        Taken::Person => service.delete_user(&system(), user).await.unwrap(),
        Taken::Tokens => drop(service.end_all_sessions(&system(), user).await.unwrap()),
        Taken::Session => platform.log_out(Caller::Owner, world).await,
    }
}

/// Returns the policy's answer for a known person without any tenant.
fn as_a_stranger(route: &Route, action: Action, tenant: Option<TenantFacts<'_>>) -> Expected {
    let actor = Actor::User { disabled: false, platform: PlatformRight::None, bound_to: None };
    let target: TargetFacts = route.target();
    answer_to(decide(&actor, action, &Resource { tenant, target, ..Resource::default() }))
}

fn expected(taken: Taken, route: &Route, world: &World) -> Expected {
    match (taken, route.does) {
        (Taken::Tokens | Taken::Session, _) => Expected::Unauthenticated,
        (Taken::Status, _) => Expected::Refused(403, "user_disabled"),
        (Taken::Person, _) if route.path == "/users/me" => Expected::Refused(403, "user_deleted"),
        (Taken::Person, _) => Expected::Refused(403, "user_unknown"),
        (_, Does::Own | Does::Public) => Expected::Granted,
        (_, Does::Platform(action)) => as_a_stranger(route, action, None),
        (_, Does::Tenant(action)) => {
            as_a_stranger(route, action, Some(TenantFacts { slug: &world.slug, status: world.status }))
        }
    }
}

/// A person with a token.
struct Bearer<'a> {
    platform: &'a Platform,
    world: &'a World,
    token: String,
}

impl Bearer<'_> {
    async fn send(&self, route: &Route) -> crate::world::Answer {
        let names = self.world.names();
        let (path, body) = (route.path(&names), route.body(&names));
        self.platform.send(Some(&self.token), route.method, &path, body.as_ref()).await
    }

    /// Returns the number of routes that answer successfully.
    async fn reads(&self) -> usize {
        let mut granted = 0;
        for route in protected().filter(|route| route.is_read()) {
            granted += usize::from(self.send(route).await.status == 200);
        }
        granted
    }

    /// Asserts refusals, first of the sync, which might restore a right, then of every route.
    async fn is_refused_everywhere(&self, taken: Taken, when: &str) {
        let sync = ROUTES.iter().find(|route| route.path == "/users/me").unwrap();
        for route in [sync].into_iter().chain(protected()) {
            let answer = self.send(route).await;
            let about = format!("{taken:?}, {when}: {} {}", route.method, route.path);
            check(&answer, &expected(taken, route, self.world), route.is_read(), &about);
            let text = answer.text();
            let hidden = [&self.world.slug, &self.world.names().tenant_id];
            assert!(hidden.iter().all(|name| !text.contains(*name)), "{about} shows it: {text}");
        }
    }
}

fn protected() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !matches!(route.does, Does::Public))
}

pub(crate) async fn what_is_taken_is_refused_to_the_same_token_on_every_route(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let platform = Platform::at(store, clock.clone()).await;
    for (number, taken) in ALL.into_iter().enumerate() {
        let world = platform.world(TenantStatus::Active).await;
        let subject = if taken.is_claimed() { format!("claimed-{number}") } else { format!("owner-{number}") };
        let groups =
            if taken == Taken::ClaimedPlatformAdmin { vec![PLATFORM_ADMINS] } else { vec![world.slug.as_str()] };
        let token = |groups: &[&str]| platform.mint(&subject, clock.now(), groups);
        let bearer = |token: String| Bearer { platform: &platform, world: &world, token };
        let old = bearer(token(&groups));
        let profile = platform.send(Some(&old.token), "GET", "/users/me", None).await;
        let profile: Value = serde_json::from_str(&profile.body).unwrap();
        let user: UserId = profile["user"]["id"].as_str().unwrap().parse().unwrap();
        if taken == Taken::PlatformAdmin {
            update(&platform.service, user, json!({"platformAdmin": true})).await;
            platform.service.revoke_membership(&system(), &world.tenant.into(), user).await.unwrap();
        }
        // An ordinary member cannot read the audit trail.
        let granted = old.reads().await;
        assert!(granted >= 7, "{taken:?}: the token was good for {granted} routes only");
        take(&platform, &world, taken, user).await;
        old.is_refused_everywhere(taken, "with the same token").await;
        // A newer token that still has the groups is refused too.
        clock.advance(Duration::from_secs(600));
        let newer = bearer(token(&groups));
        if taken.is_of_tokens() {
            assert_eq!(newer.reads().await, granted, "{taken:?}: who signs in again has what they had");
        } else {
            newer.is_refused_everywhere(taken, "with a newer token").await;
        }
        if taken.is_platform_admin() {
            let both = bearer(token(&[PLATFORM_ADMINS]));
            both.is_refused_everywhere(taken, "with a token of the administrators' group").await;
        }
    }
}
