//! Clients of the systems behind a tenant: identity (Authentik), mail (Stalwart), files (ownCloud Infinite Scale); and of the
//! mail server that the platform's own mail goes through (SMTP).
//!
//! Each kind of system is a small trait, which controllers use, and a client of one product. A client keeps to what its
//! system's interface says: it looks before it creates, and tells an absent object from a refused request. All requests
//! go through [`crate::outbound`]. See `docs/design/connectors.md`.

pub mod authentik;
mod dns;
mod error;
mod files;
mod identity;
mod mail;
pub mod ocis;
mod servers;
mod settings;
pub mod smtp;
pub mod stalwart;
pub mod stripe;

pub use dns::{Dns, SystemDns};
pub use error::{ConnectorError, ConnectorResult};
pub use files::{Files, Grant, NewSpace, Space, SpaceChange, SpaceState};
pub use identity::{Group, Identity, Login, NewLogin, OldLogin, Person};
pub use mail::{AppPassword, DkimKey, DnsRecord, DomainInFull, Mail, MailDomain, Mailbox, MailboxChange, NewMailbox};
pub use servers::{DnsAnswer, DnsServers};
pub use settings::{ConnectorSettings, Secret};

/// Report of a system about itself to a credential, for diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemReport {
    /// Product and version, such as `Authentik 2026.8.3`, as far as the system tells it.
    pub version: Option<String>,
    /// Rights that the credential lacks, each as a clause for an operator.
    pub missing_rights: Vec<String>,
}
