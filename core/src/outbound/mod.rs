//! The outbound HTTP client: permitted addresses, bounded responses, credentials that stay at their origin, retries.
//!
//! An address chosen by someone else, in a setting or a response, may name what only this network reaches: this
//! machine, its neighbours, a cloud's metadata service. So addresses are checked after name resolution, and the
//! connection goes to exactly the checked addresses. See `docs/design/outbound.md`.

mod address;
mod authorities;
mod body;
mod client;
mod credential;
mod error;
mod in_flight;
mod lookup;
mod options;
mod request;
mod response;
mod retry;
mod traffic;
mod transport;

pub use address::{AddressRange, AllowedAddresses};
pub use authorities::{CertificateAuthorities, extra_ca_certificates};
pub use client::{Client, OriginClient};
pub use credential::Credential;
pub use error::{OutboundError, OutboundErrorKind};
pub use lookup::{Lookup, RefusedAddress, SystemLookup};
pub use options::{OutboundOptions, PlainHttp, Proxies};
pub use request::Request;
pub use response::Response;
pub use traffic::Traffic;
pub use url::Url;

pub use retry::{Pause, RetryPolicy, SystemPause};
