//! Tenants, people, memberships, subscriptions and the audit trail: what they are and what makes them valid. No I/O.

pub mod id;

pub use id::*;
