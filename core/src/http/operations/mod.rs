//! The operations of the API, each declared once, in a file for each section.
//!
//! Routes, the OpenAPI document, the SDKs' methods, the portal's forwarded routes, the isolation matrix and the table
//! in the README are derived from these tables.

use std::sync::{Arc, LazyLock};

use axum::{Router, routing::MethodRouter};

pub use super::table::RESOURCES;
use super::{
    HttpState,
    openapi::{self, shape::Shape},
    operation::Operation,
    routes,
};
use crate::error::Result;

sections! {
    /// `/users/me`.
    Profile below "/users/me" in profile;
    /// `/users`.
    Users below "/users" in users;
    /// `/tenants`.
    Tenants below "/tenants" in tenants;
    /// `/invitations`.
    Invitations below "/invitations" in invitations;
    /// `/subscriptions`.
    Subscriptions below "/subscriptions" in subscriptions;
    /// `/api-keys`.
    ApiKeys below "/api-keys" in api_keys;
    /// `/access/v1`: for clients of the AuthZEN API, which bring their own types; in Rust `Acting::evaluations`.
    Evaluations below "/access/v1" in evaluations;
    /// `/scim/v2`: for identity providers, which bring their own types.
    Scim below "/scim/v2" in scim;
    /// `/event-endpoints`.
    EventEndpoints below "/event-endpoints" in event_endpoints;
    /// The remaining routes: `/audit` with `/audit/head`, `/events`, `/launcher`, `/oidc`, `/openapi.json`, and unknown paths.
    Others below "" in others;
}

/// `true` in a component, whose host answers some requests itself.
const GUEST: bool = cfg!(target_family = "wasm");

impl Section {
    /// Returns `true` for sections that the host of a component answers itself.
    ///
    /// They are about people whom a component may not read, or about credentials, or about the log of events, which it never
    /// reads.
    #[must_use]
    pub const fn is_of_host(self) -> bool {
        matches!(self, Self::ApiKeys | Self::Evaluations | Self::Scim | Self::EventEndpoints)
    }

    /// Returns the section that the route of a path would be in.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let below = |section: &&Self| {
            path.strip_prefix(section.prefix()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Self::ALL.iter().find(below).copied().unwrap_or(Self::Others)
    }

    /// Returns its routes.
    pub(super) fn routes(self) -> Router<Arc<HttpState>> {
        match self {
            Self::Others if !GUEST => {
                self.operations().route(routes::document::PATH, MethodRouter::new().get(routes::document::read))
            }
            #[cfg(feature = "authn")]
            Self::Scim => self.operations().layer(axum::middleware::map_response(routes::scim::as_scim)),
            _ => self.operations(),
        }
    }

    /// Returns the routes of all sections.
    pub(super) fn all_routes() -> Router<Arc<HttpState>> {
        Self::ALL.iter().fold(Router::new(), |all, section| all.merge(section.routes()))
    }
}

/// Generates the OpenAPI 3.1 document as JSON text.
///
/// The served document is [`super::DOCUMENT`].
///
/// # Errors
/// [`crate::ErrorKind::Internal`] when it cannot be serialized, which is a bug.
pub fn document() -> Result<String> {
    openapi::write(RESOURCES, OPERATIONS.iter().zip(shapes()))
}

/// Returns the patterns of all paths of the API, for edges that only forward requests.
#[must_use]
pub fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = OPERATIONS.iter().map(|operation| operation.path).collect();
    // Operations on one path are adjacent.
    paths.dedup();
    paths.push(routes::document::PATH);
    paths
}
