//! The audit trail.

mod head;
mod list;

pub use list::AuditFilter;
