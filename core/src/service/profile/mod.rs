//! The caller's own profile, and the claims sync.

mod first_use;
mod memberships;
mod own_membership;
mod read;
mod reconcile;
mod sync;

pub(crate) use memberships::{MembershipReads, OwnPage, living, membership_position, tenants_named};
pub(crate) use own_membership::OwnMembership;
pub use read::ReadAhead;
#[cfg(feature = "authn")]
pub(crate) use reconcile::{Reconciliation, Statement};
pub use sync::{ProfileDocuments, SyncedCaller};

/// Number of tenants that a profile shows.
pub const PROFILE_TENANTS: u32 = 100;
