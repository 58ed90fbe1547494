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

/// All routes of the API.
pub(super) fn all() -> Router<Arc<HttpState>> {
    Router::new()
        .route("/users/me", get(profile::read))
        .route("/users/me/tenants", get(profile::tenants))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::read).patch(users::update).delete(users::delete))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{tenant}", get(tenants::read).patch(tenants::update).delete(tenants::delete))
        .route("/tenants/{tenant}/suspend", post(tenants::suspend))
        .route("/tenants/{tenant}/restore", post(tenants::restore))
        .route("/tenants/{tenant}/members", get(members::list).post(members::grant))
        .route("/tenants/{tenant}/members/{user}", get(members::read).patch(members::update).delete(members::revoke))
        .route("/subscriptions", get(subscriptions::list).post(subscriptions::create))
        .route(
            "/subscriptions/{id}",
            get(subscriptions::read).patch(subscriptions::update).delete(subscriptions::delete),
        )
        .route("/audit", get(audit::list))
        .route("/launcher", get(launcher::read))
        .route("/oidc/backchannel-logout", post(logout::end))
        .route("/openapi.json", get(openapi::serve))
}
