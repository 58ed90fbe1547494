//! The routes, one file a resource.

pub(super) mod audit;
pub(super) mod launcher;
pub(super) mod logout;
pub(super) mod members;
pub(super) mod profile;
pub(super) mod subscriptions;
pub(super) mod tenants;
pub(super) mod users;

use std::sync::Arc;

use axum::{Router, routing::get, routing::post};

use super::{HttpState, openapi};

/// Routes that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// `/users/me`.
    Profile,
    /// `/users`.
    Users,
    /// `/tenants`.
    Tenants,
    /// `/subscriptions`.
    Subscriptions,
    /// Those with a route or two: `/audit`, `/launcher`, `/oidc`, `/openapi.json`, and what there is not.
    Others,
}

impl Section {
    /// All of them.
    const ALL: [Self; 5] = [Self::Profile, Self::Users, Self::Tenants, Self::Subscriptions, Self::Others];

    /// Where the route of a path would be.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        match segments.next() {
            Some("users") if segments.next() == Some("me") => Self::Profile,
            Some("users") => Self::Users,
            Some("tenants") => Self::Tenants,
            Some("subscriptions") => Self::Subscriptions,
            _ => Self::Others,
        }
    }

    /// Its routes.
    pub(super) fn routes(self) -> Router<Arc<HttpState>> {
        let routes = Router::new();
        match self {
            Self::Profile => {
                routes.route("/users/me", get(profile::read)).route("/users/me/tenants", get(profile::tenants))
            }
            Self::Users => routes
                .route("/users", get(users::list).post(users::create))
                .route("/users/{id}", get(users::read).patch(users::update).delete(users::delete)),
            Self::Tenants => routes
                .route("/tenants", get(tenants::list).post(tenants::create))
                .route("/tenants/{tenant}", get(tenants::read).patch(tenants::update).delete(tenants::delete))
                .route("/tenants/{tenant}/suspend", post(tenants::suspend))
                .route("/tenants/{tenant}/restore", post(tenants::restore))
                .route("/tenants/{tenant}/members", get(members::list).post(members::grant))
                .route(
                    "/tenants/{tenant}/members/{user}",
                    get(members::read).patch(members::update).delete(members::revoke),
                ),
            Self::Subscriptions => {
                routes.route("/subscriptions", get(subscriptions::list).post(subscriptions::create)).route(
                    "/subscriptions/{id}",
                    get(subscriptions::read).patch(subscriptions::update).delete(subscriptions::delete),
                )
            }
            Self::Others => routes
                .route("/audit", get(audit::list))
                .route("/launcher", get(launcher::read))
                .route("/oidc/backchannel-logout", post(logout::end))
                .route("/openapi.json", get(openapi::serve)),
        }
    }
}

/// All routes of the API.
pub(super) fn all() -> Router<Arc<HttpState>> {
    Section::ALL.into_iter().fold(Router::new(), |all, section| all.merge(section.routes()))
}
