//! Signing keys of issuers: reading them, fetching them, keeping them.

mod archive;
#[cfg(feature = "authn")]
mod source;
mod status;

pub use archive::{ArchivedKeySet, KeySetArchive, NoArchive, StoreArchive, StoredKeySet};
#[cfg(feature = "authn")]
pub use source::{FetchError, FetchErrorKind, KeySource};
pub use status::KeyStatus;
