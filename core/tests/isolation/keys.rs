//! Compares every route with the policy for API keys: of the tenant, of another, of the platform, and of those that are over.

use std::{sync::Arc, time::Duration};

use dezky::{
    authz::{Action, Actor, Resource, TenantFacts, decide, policy::POLICY},
    clock::Clock as _,
    domain::{ApiKeyId, CreateApiKey, MembershipRole, TenantId, TenantStatus},
    service::api_keys::RotateSecret,
    store::SharedStore,
    test_kit::ManualClock,
};
use serde_json::{Value, json};

use crate::{
    estate::World,
    matrix::{Expected, answer_to, check, make_room, needs_room},
    routes::{Does, ROUTES, Route},
    support::system,
    world::{Answer, Platform},
};

/// The owner of a key, relative to a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Tenant,
    /// The tenant, with one scope.
    TenantWithOneScope,
    OtherTenant,
    Platform,
}

const ALL: [Of; 4] = [Of::Tenant, Of::TenantWithOneScope, Of::OtherTenant, Of::Platform];

/// A key and what it may do.
struct Key {
    of: Of,
    id: ApiKeyId,
    secret: String,
    scopes: Vec<String>,
}

impl Key {
    async fn create(platform: &Platform, of: Of, world: &World, other: TenantId) -> Self {
        let tenant = match of {
            Of::Tenant | Of::TenantWithOneScope => Some(world.tenant),
            Of::OtherTenant => Some(other),
            Of::Platform => None,
        };
        let scopes: Vec<String> = match of {
            Of::TenantWithOneScope => vec![Action::ReadMembers.name().to_owned()],
            _ => {
                let possible = POLICY.iter().filter(|rule| rule.action.is_for_api_keys(of == Of::Platform));
                possible.map(|rule| rule.name.to_owned()).collect()
            }
        };
        Self::with(platform, of, scopes, json!({"tenantId": tenant})).await
    }

    async fn with(platform: &Platform, of: Of, scopes: Vec<String>, mut input: Value) -> Self {
        input["name"] = json!("Sync");
        input["scopes"] = json!(scopes);
        if input["tenantId"].is_null() {
            input.as_object_mut().unwrap().remove("tenantId");
        }
        let made = platform.service.create_api_key(&system(), CreateApiKey::read(input).unwrap()).await.unwrap().value;
        Self { of, id: made.id, secret: made.secret.unwrap().0, scopes }
    }

    async fn call(&self, platform: &Platform, world: &World, route: &Route) -> Answer {
        let names = world.names();
        platform.send(Some(&self.secret), route.method, &route.path(&names), route.body(&names).as_ref()).await
    }

    fn expected(&self, route: &Route, world: &World) -> Expected {
        let (action, tenant) = match route.does {
            Does::Public => return Expected::Granted,
            Does::Own => return Expected::Refused(403, "person_required"),
            Does::Platform(action) => (action, None),
            Does::Tenant(action) => (action, Some(TenantFacts { slug: &world.slug, status: world.status })),
        };
        let own = matches!(self.of, Of::Tenant | Of::TenantWithOneScope) && tenant.is_some();
        let actor = Actor::ApiKey { platform: self.of == Of::Platform, scopes: &self.scopes };
        let role = own.then_some(MembershipRole::Admin);
        answer_to(decide(&actor, action, &Resource { tenant, role, target: route.target(), ..Resource::default() }))
    }
}

fn protected() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !matches!(route.does, Does::Public))
}

pub(crate) async fn every_route_answers_every_key_as_the_policy_says(store: SharedStore, statuses: &[TenantStatus]) {
    let platform = Platform::on(store).await;
    let other = platform.world(TenantStatus::Active).await;
    for status in statuses.iter().copied() {
        for of in ALL {
            // Created while the tenant is active, since no key is made for one that is not.
            let mut world = platform.world(TenantStatus::Active).await;
            let mut key = Key::create(&platform, of, &world, other.tenant).await;
            platform.turn(&mut world, status).await;
            for route in protected() {
                if needs_room(route, status) {
                    make_room(&platform, &world).await;
                }
                let expected = key.expected(route, &world);
                let answer = key.call(&platform, &world, route).await;
                let about = format!("a key of {of:?}: {} {} ({status:?})", route.method, route.path);
                check(&answer, &expected, route.is_read(), &about);
                if (expected == Expected::Granted && !route.is_read()) || needs_room(route, status) {
                    world = platform.world(TenantStatus::Active).await;
                    if matches!(of, Of::Tenant | Of::TenantWithOneScope) {
                        key = Key::create(&platform, of, &world, other.tenant).await;
                    }
                    platform.turn(&mut world, status).await;
                }
            }
        }
    }
}

/// The end of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Revoked,
    Expired,
    Rotated,
}

pub(crate) async fn what_has_ended_is_refused_to_its_key_on_every_route(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let platform = Platform::at(store, clock.clone()).await;
    for ended in [Ended::Revoked, Ended::Expired, Ended::Rotated] {
        let world = platform.world(TenantStatus::Active).await;
        let mut input = json!({"tenantId": world.tenant});
        if ended == Ended::Expired {
            input["expiresAt"] = json!(clock.now().plus(Duration::from_secs(3_600)));
        }
        let possible = POLICY.iter().filter(|rule| rule.action.is_for_api_keys(false));
        let key = Key::with(&platform, Of::Tenant, possible.map(|rule| rule.name.to_owned()).collect(), input).await;
        let mut granted = 0;
        for route in protected().filter(|route| route.is_read()) {
            granted += usize::from(key.call(&platform, &world, route).await.status == 200);
        }
        assert!(granted > 10, "{ended:?}: the key was good for {granted} routes only");
        match ended {
            Ended::Revoked => platform.service.delete_api_key(&system(), key.id).await.unwrap(),
            Ended::Expired => clock.advance(Duration::from_secs(3_601)),
            Ended::Rotated => {
                let at_once = RotateSecret::read(json!({"overlapSeconds": 0})).unwrap();
                platform.service.rotate_api_key(&system(), key.id, at_once).await.unwrap();
            }
        }
        for route in protected() {
            let answer = key.call(&platform, &world, route).await;
            let about = format!("{ended:?}: {} {}", route.method, route.path);
            check(&answer, &Expected::Unauthenticated, route.is_read(), &about);
            assert!(!answer.text().contains(&world.slug), "{about} shows the tenant: {}", answer.text());
        }
    }
}
