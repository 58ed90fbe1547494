//! Loads the facts that a decision rests on, and turns a decision into an answer.

mod caller;
mod decision;
mod facts;
mod tenant;

pub(crate) use self::{
    caller::{CALLER, FoundCaller, known_caller, own_reads},
    decision::check,
    facts::{CallerFacts, TenantAccess},
};
/// Stands in for an absent tenant, so that the store calls do not differ.
pub(crate) use crate::store::read::ABSENT;

use crate::domain::TenantId;

/// A tenant as a path names it: by id or by slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantReference {
    /// By id.
    Id(TenantId),
    /// By slug.
    Slug(String),
}

impl From<&str> for TenantReference {
    /// Reads text in the form of an id as an id; no slug has that form.
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Slug(text.to_owned()), Self::Id)
    }
}

impl From<TenantId> for TenantReference {
    fn from(id: TenantId) -> Self {
        Self::Id(id)
    }
}
