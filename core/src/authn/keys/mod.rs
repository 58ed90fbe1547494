//! Signing keys of issuers: reading them, fetching them, keeping them.

mod archive;
#[cfg(feature = "authn")]
mod key;
#[cfg(feature = "authn")]
mod set;
#[cfg(feature = "authn")]
mod source;
mod status;
#[cfg(feature = "authn")]
mod thumbprint;

pub use archive::{ArchivedKeySet, KeySetArchive, NoArchive, StoreArchive, StoredKeySet};
#[cfg(feature = "authn")]
pub(crate) use key::Key;
#[cfg(feature = "authn")]
pub use set::{KeySet, KeySetError};
#[cfg(feature = "authn")]
pub use source::{FetchError, FetchErrorKind, KeySource};
pub use status::KeyStatus;
