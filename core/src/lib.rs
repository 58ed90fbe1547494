#![doc = include_str!("../README.md")]
//!
//! ## Structure
//!
//! Dependencies point down: `http` → `service` → `authz`, `authn`, `domain` → the ports in `store`, `clock` and
//! `context`. `domain` and `authz` do no I/O. See `docs/architecture.md`.
#![warn(missing_docs)]

pub mod authn;
pub mod authz;
pub mod callers;
pub mod clock;
#[cfg(feature = "outbound")]
pub mod connectors;
pub mod context;
#[cfg(feature = "development-issuer")]
pub mod development_issuer;
pub mod domain;
#[cfg(feature = "development-issuer")]
pub mod emulators;
pub mod error;
pub mod http;
mod json;
#[cfg(feature = "authn")]
pub mod mail;
#[cfg(feature = "mongodb")]
pub mod migration;
pub mod object_id;
#[cfg(feature = "outbound")]
pub mod outbound;
pub mod plain;
#[cfg(feature = "authn")]
pub mod platform;
#[cfg(feature = "authn")]
pub mod scim;
pub mod service;
pub mod store;
#[cfg(feature = "test-kit")]
pub mod test_kit;
pub mod text;
pub mod trace;
#[cfg(feature = "authn")]
pub mod work;
#[cfg(feature = "authn")]
pub mod workspace;

pub use error::{Code, Error, ErrorKind, FieldCode, FieldError, Result};
#[cfg(feature = "authn")]
pub use platform::{Platform, PlatformOptions};

/// All collections, which a store is opened with.
pub static COLLECTIONS: &[&store::Collection] = &[
    &domain::tenant::TENANTS,
    &domain::user::USERS,
    &domain::membership::MEMBERSHIPS,
    &domain::subscription::SUBSCRIPTIONS,
    &domain::audit::AUDIT_EVENTS,
    &domain::audit::AUDIT_DETAILS,
    &domain::trail::AUDIT_CHAINS,
    &domain::trail::AUDIT_STUBS,
    &domain::outbox::OUTBOX,
    &domain::event::EVENTS,
    &domain::event::CURSORS,
    &domain::event::DEFERRED_EVENTS,
    &domain::task::TASK_RECORDS,
    &domain::activity::USER_ACTIVITY,
    &domain::idempotency::IDEMPOTENCY_RECORDS,
    &domain::secret::PLATFORM_SECRETS,
    &domain::session::ENDED_SESSIONS,
    &domain::workspace::SYSTEM_STATES,
    &domain::workspace::DOMAIN_RECORDS,
    &domain::mailbox::MAILBOXES,
    &domain::issuer::ISSUERS,
    &domain::app_password::APP_PASSWORDS,
    &domain::api_key::API_KEYS,
    &domain::api_key::API_KEY_USES,
    &domain::seat::SEAT_LEDGERS,
    &domain::tenant_domain::TENANT_DOMAINS,
    &domain::invitation::INVITATIONS,
    &domain::billing::PROVIDER_EVENTS,
    &domain::notice::NOTICES,
    &domain::event_endpoint::EVENT_ENDPOINTS,
    &domain::event_delivery::EVENT_DELIVERIES,
    &domain::provisioned::PROVISIONED_USERS,
    &domain::provisioned::PROVISIONED_GROUPS,
    &domain::provisioned::PROVISIONED_MEMBERS,
    &authn::keys::KEY_SETS,
];
