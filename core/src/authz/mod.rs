//! Authorization: one policy table and a pure decision. No I/O, no token: facts come from the database.

mod action;
pub mod actor;
mod data;
mod decision;
pub mod documentation;
pub mod policy;

pub use action::Action;
pub use actor::{Actor, PlatformRight, Resource, TargetFacts, TenantFacts};
pub use data::policy_data;
pub use decision::{Decision, Outcome, Reason, decide, forbidden_fields};

pub use crate::callers::Callers;
