//! Tests that rights revoked at the identity provider are gone with the next token, on every route and in every
//! process.

use std::{sync::Arc, time::Duration};

use dezky::{
    authz::{Action, Actor, PlatformRight, Resource, TenantFacts, decide},
    clock::Clock as _,
    domain::{GrantMembership, MembershipRole, TenantStatus, UpdateMembership, UserId},
    store::SharedStore,
    test_kit::ManualClock,
    work::catch_up,
};
use serde_json::{Value, json};

use crate::{
    estate::World,
    matrix::{Expected, answer_to, check},
    routes::{Does, ROUTES, Route},
    support::system,
    world::{Answer, BOUND, PLATFORM_ADMINS, Platform},
};

/// The right that the groups claim granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// A membership, which a person then promoted to administrator.
    Membership,
    /// The right to administer the platform.
    Platform,
}

/// Returns the policy's answer for a person without any tenant.
fn expected(route: &Route, world: &World) -> Expected {
    let actor = Actor::User { disabled: false, platform: PlatformRight::None, bound_to: None };
    let answer = |action: Action, tenant| {
        answer_to(decide(&actor, action, &Resource { tenant, target: route.target(), ..Resource::default() }))
    };
    match route.does {
        Does::Own | Does::Public => Expected::Granted,
        Does::Platform(action) => answer(action, None),
        Does::Tenant(action) => answer(action, Some(TenantFacts { slug: &world.slug, status: world.status })),
    }
}

/// A person with a right by a claim, and another membership by a grant.
struct Person<'a> {
    platform: &'a Platform,
    world: &'a World,
    subject: String,
    groups: Vec<String>,
    user: UserId,
}

impl<'a> Person<'a> {
    async fn new(platform: &'a Platform, world: &'a World, given: Given, number: usize, clock: &ManualClock) -> Self {
        let subject = format!("claimed-{}-{number}", world.number);
        let groups = match given {
            Given::Membership => vec![world.slug.clone()],
            Given::Platform => vec![PLATFORM_ADMINS.to_owned()],
        };
        let named: Vec<&str> = groups.iter().map(String::as_str).collect();
        let token = platform.mint(&subject, clock.now(), &named);
        let profile = platform.send(Some(&token), "GET", "/users/me", None).await;
        let profile: Value = serde_json::from_str(&profile.body).unwrap();
        let user: UserId = profile["user"]["id"].as_str().unwrap().parse().unwrap();
        if given == Given::Membership {
            let admin = UpdateMembership { role: Some(MembershipRole::Admin) };
            platform.service.update_membership(&system(), &world.tenant.into(), user, admin).await.unwrap();
        }
        let grant = GrantMembership { user_id: user, role: MembershipRole::Member };
        platform.service.grant_membership(&system(), &BOUND.into(), grant).await.unwrap();
        Self { platform, world, subject, groups, user }
    }

    async fn send(&self, token: &str, route: &Route) -> Answer {
        self.send_to(self.platform, token, route).await
    }

    async fn send_to(&self, process: &Platform, token: &str, route: &Route) -> Answer {
        let names = self.world.names();
        let (path, body) = (route.path(&names), route.body(&names));
        process.send(Some(token), route.method, &path, body.as_ref()).await
    }

    /// Asserts that only the granted membership is left.
    async fn has_the_grant_alone(&self, about: &str) {
        let view = self.platform.service.read_user(&system(), self.user).await.unwrap();
        assert_eq!((view.tenant_ids.len(), view.platform_admin), (1, false), "{about}");
    }
}

fn protected() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !matches!(route.does, Does::Public))
}

pub(crate) async fn what_a_newer_token_claims_no_more_is_gone_on_the_route_that_it_is_used_on_first(
    store: SharedStore,
) {
    let clock = Arc::new(ManualClock::at_now());
    let here = Platform::at(Arc::clone(&store), clock.clone()).await;
    let world = here.world(TenantStatus::Active).await;
    let combinations = protected().flat_map(|route| [(Given::Membership, route), (Given::Platform, route)]);
    for (number, (given, route)) in combinations.enumerate() {
        let about = format!("{given:?}: {} {}", route.method, route.path);
        let person = Person::new(&here, &world, given, number, &clock).await;
        let named: Vec<&str> = person.groups.iter().map(String::as_str).collect();
        // A token older than the newest one revokes nothing.
        let older = here.mint(&person.subject, clock.now().minus(Duration::from_secs(1)), &["other"]);
        person.send(&older, route_that_reads(given)).await;
        let granted = person.send(&older, route_that_reads(given)).await;
        assert_eq!(granted.status, 200, "{about}: {}", granted.text());
        let old = here.mint(&person.subject, clock.now(), &named);
        // Another process, which has its own token cache and has accepted this token.
        let there = here.twin(Arc::clone(&store));
        assert_eq!(person.send_to(&there, &old, route_that_reads(given)).await.status, 200, "{about}");

        clock.advance(Duration::from_secs(1));
        let newer = here.mint(&person.subject, clock.now(), &["other"]);
        let answer = person.send(&newer, route).await;
        check(&answer, &expected(route, &world), route.is_read(), &about);
        let text = answer.text();
        assert!(!text.contains(&world.slug) && !text.contains(&world.names().tenant_id), "{about} shows it: {text}");
        person.has_the_grant_alone(&about).await;

        for token in [&old, &newer] {
            let answer = person.send_to(&there, token, route).await;
            check(&answer, &expected(route, &world), route.is_read(), &format!("{about}, in another process"));
        }
        let profile = there.send(Some(&old), "GET", "/users/me", None).await;
        assert!(!profile.text().contains(&world.slug), "{about}: the older token brings it back");
        person.has_the_grant_alone(&about).await;
    }
}

/// Returns a route that answers 200 for as long as the right exists.
fn route_that_reads(given: Given) -> &'static Route {
    let path = match given {
        Given::Membership => "/tenants/{tenant}",
        Given::Platform => "/users",
    };
    ROUTES.iter().find(|route| route.path == path && route.is_read()).unwrap()
}

/// Returns the successive names and addresses of a former member.
fn called(number: usize) -> Value {
    json!({"name": format!("Known {number}"), "email": format!("known-{number}@example.eu")})
}

/// Asserts that an owner who restores a former member sees nothing of that person's later names.
pub(crate) async fn who_is_put_back_shows_nothing_new_until_they_come(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let platform = Platform::at(store, clock.clone()).await;
    let world = platform.world(TenantStatus::Active).await;
    let rename = async |number: usize| {
        let input = dezky::domain::UpdateUser::read(called(number)).unwrap();
        platform.service.update_user(&system(), world.revoked, input).await.unwrap();
        while catch_up(&platform.service).await.unwrap() > 0 {}
    };
    let owner = platform.mint(&format!("owner-{}", world.number), clock.now(), &[]);
    let members = format!("/tenants/{}/members", world.slug);
    rename(1).await;
    let put_back = json!({"userId": world.revoked});
    let answer = platform.send(Some(&owner), "POST", &members, Some(&put_back)).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut seen = answer.text();
    rename(2).await;
    let names = crate::routes::Names { user: world.revoked.to_string(), ..world.names() };
    let further =
        ["?search=known", "?role=member&search=known", "?search=revoked"].map(|query| format!("{members}{query}"));
    for path in protected().filter(|route| route.is_read()).map(|route| route.path(&names)).chain(further) {
        seen += &platform.send(Some(&owner), "GET", &path, None).await.text();
    }
    for body in [json!({"role": "admin"}), json!({"role": "member"})] {
        let path = format!("{members}/{}", world.revoked);
        seen += &platform.send(Some(&owner), "PATCH", &path, Some(&body)).await.text();
    }
    assert!(!seen.to_lowercase().contains("known"), "{seen}");
    assert!(seen.contains(&format!("revoked-{}", world.number)), "what the tenant knew stays: {seen}");
    // Revoked and restored again the result is the same; then the person returns.
    platform.send(Some(&owner), "DELETE", &format!("{members}/{}", world.revoked), None).await;
    rename(3).await;
    let again = platform.send(Some(&owner), "POST", &members, Some(&put_back)).await;
    assert!(again.status == 201 && !again.text().to_lowercase().contains("known"), "{}", again.text());
    let token = platform.mint(&format!("revoked-{}", world.number), clock.now(), &[]);
    assert_eq!(platform.send(Some(&token), "GET", "/users/me", None).await.status, 200);
    rename(4).await;
    let shown = platform.send(Some(&owner), "GET", &format!("{members}?search=known"), None).await;
    assert!(shown.text().contains("known-4@example.eu"), "{}", shown.text());
}
