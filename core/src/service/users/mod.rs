//! Users. Only the platform writes them; people read themselves.

mod create;
mod delete;
mod end_sessions;
mod list;
mod read;
pub mod tombstone;
mod update;

pub use list::UserFilter;

use super::unit_of_work::Subject;
use crate::{
    domain::{
        TenantId, User, UserId,
        membership::{MEMBERSHIPS, TENANTS_OF_USER},
    },
    error::Result,
    service::{
        Call, Service,
        access::CallerFacts,
        profile::{MembershipReads, PROFILE_TENANTS, living, tenants_named},
    },
    store::{Follow, Origin, Query, Read, Repository},
};

/// The kind of resource in audit events.
const KIND: &str = "user";

fn subject(user: &User) -> Subject {
    Subject { tenant: None, user: Some(user.id) }
}

impl Service {
    /// Returns the first 100 tenants of a user by name that the caller may see.
    ///
    /// The platform also sees deleted ones; the token of a tenant's own issuer shows only that tenant.
    async fn tenant_ids(&self, call: &Call, caller: &CallerFacts, user: UserId) -> Result<Vec<TenantId>> {
        let bound_to = match caller {
            CallerFacts::System(_) | CallerFacts::ApiKey(_) => None,
            CallerFacts::Person { bound_to, .. } => bound_to.as_deref(),
        };
        let mut reads = Vec::new();
        let own = MembershipReads::new(bound_to, user, None, None, PROFILE_TENANTS, 0);
        let tenants = own.add_to(&mut reads);
        let platform = caller.is_platform();
        if !platform {
            reads.push(tenants_named(tenants, PROFILE_TENANTS));
        }
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let ids = own.take(&mut answers)?.into_iter().map(|membership| membership.tenant_id);
        if platform {
            return Ok(ids.collect());
        }
        let tenants = living(answers.all()?);
        Ok(ids.filter(|id| tenants.contains_key(id)).collect())
    }
}

/// Returns the read of the active memberships of each user that an earlier read finds.
///
/// It returns the first 100 by name of tenant.
fn memberships_of_each(users: Origin) -> Read {
    Query::new(&MEMBERSHIPS)
        .sort(&TENANTS_OF_USER)
        .equal("active", true)
        .limit(PROFILE_TENANTS)
        .follow(Follow::Each("userId", users))
}
