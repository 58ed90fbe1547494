//! The audit trail's chains: sealing, verification, retention, and copies of heads elsewhere.

mod heads;
mod retention;
mod seal;
mod verify;

pub use heads::{Head, heads};
pub use retention::retain;
pub use seal::{seal, waits};
pub use verify::{Fault, Finding, Verified, verify, verify_all, verify_copy};

use crate::{
    domain::{AuditChain, TenantId},
    error::Result,
    service::{Call, Service},
    store::Repository,
};

/// Name of the action that writes a checkpoint.
pub(crate) const RETAINED: &str = crate::domain::system_action::AUDIT_RETAIN;

/// Returns the chain of a tenant or of the platform as it is stored; none before its first event.
async fn chain(service: &Service, call: &Call, tenant: Option<TenantId>) -> Result<Option<AuditChain>> {
    Ok(service.store().load(&call.context, AuditChain::id_of(tenant)).await?)
}
