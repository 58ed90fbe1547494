//! Tenants.

mod create;
mod delete;
mod list;
mod read;
mod restore;
mod status;
mod suspend;
mod update;

pub use list::TenantFilter;

use super::unit_of_work::Subject;
use crate::{
    domain::Tenant,
    error::{Error, FieldCode, FieldError, Result},
    service::Service,
};

/// The kind of resource in audit events.
const KIND: &str = "tenant";

fn subject(tenant: &Tenant) -> Subject {
    Subject { tenant: Some(tenant.id), user: None }
}

impl Service {
    /// Refuses the platform administrators' group as a tenant's: the tenant's members would administer the platform.
    pub(crate) fn check_group(&self, tenant: &Tenant) -> Result<()> {
        match (&tenant.authentik_group, &self.settings.platform_admin_group) {
            (Some(group), Some(platform)) if group == platform => Err(Error::invalid(vec![FieldError::new(
                "authentikGroup",
                FieldCode::RESERVED,
                "this is the group of the platform's administrators: choose another",
            )])),
            _ => Ok(()),
        }
    }
}
