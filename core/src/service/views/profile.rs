//! The caller's profile, and the public launcher.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SubscriptionView, TenantView, UserView};
use crate::domain::Branding;

/// The caller's user, tenants and subscriptions: the answer of `GET /users/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileView {
    /// The caller.
    pub user: UserView,
    /// The caller's tenants, the first 100 by name.
    pub tenants: Vec<TenantView>,
    /// The subscriptions of those tenants that are not cancelled.
    pub subscriptions: Vec<SubscriptionView>,
    /// Cursor with which `GET /users/me/tenants` continues after these tenants; `null` if these are all.
    pub next_cursor: Option<String>,
}

/// The public part of a tenant, which its launcher shows before signing in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherView {
    /// The DNS label of its host.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The appearance of its launcher.
    pub branding: Branding,
}
