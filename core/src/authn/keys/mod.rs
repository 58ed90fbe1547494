//! Signing keys of issuers: reading them, fetching them, keeping them.

mod archive;
#[cfg(feature = "authn")]
mod cache;
#[cfg(feature = "authn")]
mod certificate;
#[cfg(feature = "authn")]
mod destination;
#[cfg(feature = "authn")]
mod fetch;
#[cfg(feature = "authn")]
mod flight;
#[cfg(feature = "authn")]
mod key;
#[cfg(feature = "authn")]
mod refresh;
#[cfg(feature = "authn")]
mod roca;
#[cfg(feature = "authn")]
mod set;
#[cfg(feature = "authn")]
mod source;
mod status;
#[cfg(feature = "authn")]
mod thumbprint;
#[cfg(feature = "authn")]
mod unknown;

#[cfg(feature = "authn")]
pub use crate::outbound::extra_ca_certificates;
pub use archive::{ArchivedKeySet, KEY_SETS, KeySetArchive, NoArchive, StoreArchive, StoredKeySet};
pub use status::KeyStatus;
#[cfg(feature = "authn")]
pub(crate) use {
    cache::{Availability, IssuerKeys, KeyLimits, Snapshot},
    key::Key,
    refresh::keep_refreshed,
};
#[cfg(feature = "authn")]
pub use {
    certificate::{AddedCertificate, added_certificates},
    fetch::{HttpKeySource, Observed},
    set::{KeySet, KeySetError},
    source::{FetchError, FetchErrorKind, KeySource},
};
