//! Users. Written by the platform alone; people read themselves.

mod create;
mod delete;
mod list;
mod read;
pub mod tombstone;
mod update;

pub use list::UserFilter;

use super::work::Subject;
use crate::{
    domain::{Membership, TenantId, User, UserId},
    error::Result,
    service::{Call, Service, profile::PROFILE_TENANTS},
};

/// The kind of thing in audit events.
const KIND: &str = "user";

fn subject(user: &User) -> Subject {
    Subject { tenant: None, user: Some(user.id) }
}

impl Service {
    /// The first 100 tenants of a user by name.
    async fn tenant_ids(&self, call: &Call, user: UserId) -> Result<Vec<TenantId>> {
        let memberships: Vec<Membership> = self.memberships_of(call, user, None, None, PROFILE_TENANTS).await?;
        Ok(memberships.into_iter().map(|membership| membership.tenant_id).collect())
    }
}
