//! Authorization: one policy table and a pure decision. No I/O, no token: facts come from the database.

pub mod actor;
mod data;
pub mod documentation;
pub mod policy;

pub use actor::{Actor, PlatformRight, Resource, TargetFacts, TenantFacts};
pub use data::policy_data;
pub use policy::{Action, Callers, Decision, Outcome, Reason, decide, forbidden_fields};
