//! The caller's own profile: the claims sync, and what it shows.

mod first_use;
mod memberships;
mod read;
mod reconcile;
mod sync;

pub(crate) use memberships::{MembershipReads, OwnPage, living, membership_position, tenants_named};
pub use sync::SyncedCaller;

/// How many tenants a profile shows.
pub const PROFILE_TENANTS: u32 = 100;
