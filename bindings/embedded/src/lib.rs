//! Dezky inside a process of another language: the common parts of its packages for Node and Python.
//!
//! Calls are requests to the router of `dezky`, so that a method of a package and the HTTP API behave the same. A
//! package only converts types.

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
