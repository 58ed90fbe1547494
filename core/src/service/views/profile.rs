//! The caller's profile, and the public launcher.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{SubscriptionView, TenantView, UserView};
use crate::domain::Branding;

/// Who the caller is, and what they have: the answer of `GET /users/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProfileView {
    /// The caller.
    pub user: UserView,
    /// The caller's tenants, the first 100 by name.
    pub tenants: Vec<TenantView>,
    /// The subscriptions of those tenants that are not cancelled.
    pub subscriptions: Vec<SubscriptionView>,
    /// Where `GET /users/me/tenants` goes on after these tenants; `null` when these are all.
    pub next_cursor: Option<String>,
}

/// What anybody may know of a tenant: how its launcher looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LauncherView {
    /// The DNS label under which it lives.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// How its launcher looks.
    pub branding: Branding,
}
