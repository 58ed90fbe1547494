//! Users. Written by the platform alone; people read themselves.

mod create;
mod delete;
mod end_sessions;
mod list;
mod read;
pub mod tombstone;
mod update;

pub use list::UserFilter;

use super::work::Subject;
use crate::{
    domain::{Membership, TenantId, User, UserId},
    error::Result,
    service::{Call, Service, access::CallerFacts, profile::PROFILE_TENANTS},
};

/// The kind of thing in audit events.
const KIND: &str = "user";

fn subject(user: &User) -> Subject {
    Subject { tenant: None, user: Some(user.id) }
}

impl Service {
    /// The first 100 tenants of a user by name, as far as the caller may see them: the platform sees deleted ones too, and
    /// the token of a tenant's own issuer shows that tenant alone.
    async fn tenant_ids(&self, call: &Call, caller: &CallerFacts, user: UserId) -> Result<Vec<TenantId>> {
        let memberships: Vec<Membership> = match caller {
            CallerFacts::Person { bound_to: Some(slug), .. } => {
                self.bound_membership(call, user, slug).await?.into_iter().collect()
            }
            _ => self.memberships_of(call, user, None, None, PROFILE_TENANTS).await?,
        };
        let ids: Vec<TenantId> = memberships.into_iter().map(|membership| membership.tenant_id).collect();
        if caller.is_platform() {
            return Ok(ids);
        }
        let living = self.tenants_by_id(call, ids.iter().copied()).await?;
        Ok(ids.into_iter().filter(|id| living.contains_key(id)).collect())
    }
}
