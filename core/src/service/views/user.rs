//! Users as callers see them.

pub use crate::domain::user::UserView;
use crate::{
    callers::Callers,
    domain::{TenantId, User},
};

impl UserView {
    /// Returns what the person and the platform see, with those tenants that the caller may see.
    pub(crate) fn new(user: User, tenant_ids: Vec<TenantId>) -> Self {
        Self::shown_to(user, Callers::SELF, tenant_ids)
    }
}
