//! Entitlements of a tenant: what its subscription gives, beside what is used of it.

mod plans;
mod read;

pub use plans::{PlanView, PlansView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{Open, SubscriptionStatus, TenantId},
};

/// Entitlements of a tenant, with what is used of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntitlementsView {
    /// The tenant.
    #[schema(value_type = String, pattern = "^[0-9a-f]{24}$")]
    pub tenant_id: TenantId,
    /// The plan.
    pub plan: String,
    /// Status of the subscription; absent without one that is not cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SubscriptionStatus>, nullable = false)]
    pub status: Option<Open<SubscriptionStatus>>,
    /// `true` if the subscription gives what it is about: on trial, paid, or within the grace period of a late payment.
    pub in_force: bool,
    /// Time at which the terms were agreed on; absent for a subscription from before the catalogue of plans.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub agreed_at: Option<Timestamp>,
    /// Names of what the plan includes.
    pub features: Vec<String>,
    /// People and open invitations.
    pub seats: Use,
    /// Mailboxes. They are bounded by seats only.
    pub mailboxes: Use,
    /// Bytes of files, as the file system told at the last look.
    pub files_bytes: Use,
    /// Bound of each mailbox in bytes.
    pub mailbox_bytes: u64,
}

/// A use beside its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Use {
    /// The number in use; absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub used: Option<u64>,
    /// The bound; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub limit: Option<u64>,
    /// Time at which the use was told, where it comes from another system.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub as_of: Option<Timestamp>,
}

impl Use {
    /// Creates a use that is counted now.
    fn counted(used: u32, limit: Option<u32>) -> Self {
        Self { used: Some(used.into()), limit: limit.map(u64::from), as_of: None }
    }
}
