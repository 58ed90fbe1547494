//! Components shared by the tests of every edge and language: the case runner, a manual clock and test servers.

pub mod cases;
pub mod clock;
#[cfg(feature = "mongodb")]
pub mod mongodb_server;

pub use clock::ManualClock;

pub use crate::development_issuer::{Behaviour, Claims, DevelopmentIssuer, DevelopmentIssuerOptions};
