//! Memberships as callers see them.

pub use crate::domain::membership::MembershipView;
use crate::{callers::Callers, domain::Membership, service::access::TenantAccess};

impl MembershipView {
    /// Returns the part of a membership that the caller of `access` sees.
    pub(crate) fn through(access: &TenantAccess, membership: Membership) -> Self {
        let viewer = super::viewer(access.role(), access.caller.is_platform());
        let own = access.caller.user_id() == Some(membership.user_id);
        Self::shown_to(membership, if own { viewer.and(Callers::ONESELF) } else { viewer })
    }
}
