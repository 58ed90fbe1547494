//! What is taken in the database is refused on the very next request with the very same token, on every route.

use dezky::{
    authz::{Action, Actor, Outcome, Resource, TargetFacts, TenantFacts, decide},
    domain::{TenantStatus, UpdateUser, UserId},
    service::Service,
    store::SharedStore,
};
use serde_json::{Value, json};

use crate::{
    matrix::{Expected, check},
    routes::{Does, ROUTES, Route},
    support::system,
    world::{Caller, Platform, World},
};

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken {
    Membership,
    PlatformAdmin,
    /// The person is disabled.
    Status,
    /// The person is erased.
    Person,
    /// Tokens from before now end.
    Tokens,
    /// The identity provider ends the session.
    Session,
}

const ALL: [Taken; 6] =
    [Taken::Membership, Taken::PlatformAdmin, Taken::Status, Taken::Person, Taken::Tokens, Taken::Session];

async fn update(service: &Service, user: UserId, body: Value) {
    service.update_user(&system(), user, UpdateUser::read(body).unwrap()).await.unwrap();
}

async fn take(platform: &Platform, world: &World, taken: Taken, user: UserId) {
    let service = &platform.service;
    match taken {
        Taken::Membership => service.revoke_membership(&system(), &world.tenant.into(), user).await.unwrap(),
        Taken::PlatformAdmin => update(service, user, json!({"platformAdmin": false})).await,
        Taken::Status => update(service, user, json!({"status": "disabled"})).await,
        Taken::Person => service.delete_user(&system(), user).await.unwrap(),
        Taken::Tokens => drop(service.end_all_sessions(&system(), user).await.unwrap()),
        Taken::Session => platform.log_out(Caller::Owner, world).await,
    }
}

/// What the policy gives to somebody whom the platform knows and who belongs to no tenant.
fn as_a_stranger(route: &Route, action: Action, tenant: Option<TenantFacts<'_>>) -> Expected {
    let actor = Actor::User { disabled: false, platform_admin: false, bound_to: None };
    let target: TargetFacts = route.target();
    match decide(&actor, action, &Resource { tenant, target, ..Resource::default() }).outcome {
        Outcome::Allow => Expected::Granted,
        Outcome::Refuse => Expected::Forbidden(None),
        Outcome::Hide => Expected::Hidden,
    }
}

fn expected(taken: Taken, route: &Route, world: &World) -> Expected {
    match (taken, route.does) {
        (Taken::Tokens | Taken::Session, _) => Expected::Unauthenticated,
        (Taken::Status, _) => Expected::Forbidden(Some("user_disabled")),
        (Taken::Person, _) if route.path == "/users/me" => Expected::Forbidden(Some("user_deleted")),
        (Taken::Person, _) => Expected::Forbidden(Some("user_unknown")),
        (_, Does::Own | Does::Public) => Expected::Granted,
        (_, Does::Platform(action)) => as_a_stranger(route, action, None),
        (_, Does::Tenant(action)) => {
            as_a_stranger(route, action, Some(TenantFacts { slug: &world.slug, status: world.status }))
        }
    }
}

pub(crate) async fn what_is_taken_is_refused_to_the_same_token_on_every_route(store: SharedStore) {
    let platform = Platform::on(store).await;
    for taken in ALL {
        let world = platform.world(TenantStatus::Active).await;
        let names = world.names();
        let token = platform.token_of(Caller::Owner, &world);
        let send = async |route: &Route| {
            let (path, body) = (route.path(&names), route.body(&names));
            platform.send(Some(&token), &route.method.to_uppercase(), &path, body.as_ref()).await
        };
        let profile = platform.send(Some(&token), "GET", "/users/me", None).await;
        let profile: Value = serde_json::from_str(&profile.body).unwrap();
        let user: UserId = profile["user"]["id"].as_str().unwrap().parse().unwrap();
        if taken == Taken::PlatformAdmin {
            update(&platform.service, user, json!({"platformAdmin": true})).await;
            platform.service.revoke_membership(&system(), &world.tenant.into(), user).await.unwrap();
        }
        let routes = || ROUTES.iter().filter(|route| !matches!(route.does, Does::Public));
        let mut granted = 0;
        for route in routes().filter(|route| route.is_read()) {
            granted += usize::from(send(route).await.status == 200);
        }
        assert!(granted >= 8, "{taken:?}: the token was good for {granted} routes only");
        take(&platform, &world, taken, user).await;
        for route in routes() {
            let answer = send(route).await;
            let about = format!("{taken:?} {} {}", route.method, route.path);
            check(&answer, &expected(taken, route, &world), route.is_read(), &about);
            let text = answer.text();
            assert!(!text.contains(&world.slug) && !text.contains(&names.tenant_id), "{about} shows it: {text}");
        }
    }
}
