//! Audit events as callers see them.

pub use crate::domain::audit::AuditEventView;
use crate::{callers::Callers, domain::AuditEvent};

impl From<AuditEvent> for AuditEventView {
    fn from(event: AuditEvent) -> Self {
        Self::shown_to(event, Callers::ADMINS)
    }
}
