//! Dezky inside a process of another language: what its packages for Node and Python have in common.
//!
//! Calls are requests to the router of `dezky`, so that a method of a package, its handler and the HTTP API are one behaviour.
//! A package adds conversions, and nothing that decides.

mod answer;
mod failure;
mod opening;
mod request;
mod stores;
#[cfg(feature = "test-kit")]
pub mod test_kit;
mod tokens;

pub use answer::{Answer, ask, guarded};
pub use failure::{closed, json};
pub use opening::{Names, Opened, Options, Texts};
pub use request::{Headers, Said};
pub use stores::{IssuerView, SettingsView, check_input, copy_store, fingerprint};
pub use tokens::KnownTokens;
