//! Request handlers, one file a resource. `operations` declares the operation and route of each.

pub(super) mod api_keys;
pub(super) mod app_passwords;
pub(super) mod audit;
pub(super) mod billing;
pub(super) mod document;
pub(super) mod domains;
pub(super) mod entitlements;
pub(super) mod evaluations;
pub(super) mod event_endpoints;
pub(super) mod events;
pub(super) mod invitations;
pub(super) mod launcher;
pub(super) mod mailboxes;
pub(super) mod members;
pub(super) mod profile;
#[cfg(feature = "authn")]
pub(super) mod scim;
pub(super) mod sessions;
pub(super) mod subscriptions;
pub(super) mod tenants;
pub(super) mod users;
pub(super) mod workspace;
