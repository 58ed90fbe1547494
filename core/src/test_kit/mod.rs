//! Parts that the tests of every edge and language share: the case runner, a manual clock, servers to test against.

pub mod cases;
pub mod clock;
#[cfg(feature = "mongodb")]
pub mod mongodb_server;

pub use clock::ManualClock;

pub use crate::development_issuer::{Behaviour, Claims, DevelopmentIssuer, DevelopmentIssuerOptions};
