//! What answers requests, one file a resource. Which operation a handler answers, and on which route, `operations` says.

pub(super) mod audit;
pub(super) mod document;
pub(super) mod launcher;
pub(super) mod members;
pub(super) mod profile;
pub(super) mod sessions;
pub(super) mod subscriptions;
pub(super) mod tenants;
pub(super) mod users;
