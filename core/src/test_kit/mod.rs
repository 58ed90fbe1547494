//! What the tests of every edge and language use, and `dezky dev` too: a development issuer among them.

pub mod cases;
pub mod clock;
pub mod development_issuer;
#[cfg(feature = "mongodb")]
pub mod mongodb_server;

pub use clock::ManualClock;
pub use development_issuer::{Behaviour, Claims, DevelopmentIssuer, DevelopmentIssuerOptions};
