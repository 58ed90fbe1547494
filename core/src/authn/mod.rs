//! Authentication: issuers, token policy, signing keys and verification.
//!
//! A token identifies a caller and never grants a right. Issuers and the token policy do no I/O; fetching keys and
//! checking signatures needs the feature `authn`.

#[cfg_attr(
    not(feature = "authn"),
    allow(dead_code, reason = "parts of the policy are used where signatures are verified")
)]
pub mod groups;
pub mod issuer;
pub mod keys;
mod life;
#[cfg_attr(
    not(feature = "authn"),
    allow(dead_code, reason = "parts of the policy are used where signatures are verified")
)]
pub mod logout;
#[cfg(feature = "authn")]
mod memory;
pub mod refusal;
#[cfg(feature = "authn")]
pub mod registry;
#[cfg(feature = "authn")]
mod signature;
#[cfg_attr(
    not(feature = "authn"),
    allow(dead_code, reason = "parts of the policy are used where signatures are verified")
)]
pub mod token;
#[cfg(feature = "authn")]
pub mod verifier;

pub use groups::{ClaimNames, GroupsAbsent, GroupsClaim};
pub use issuer::{IssuerSettings, JwksSource, Profile};
pub use life::{ParseTokenLifeError, TokenLife};
pub use logout::LogoutRequest;
pub use refusal::TokenRefusal;
#[cfg(feature = "authn")]
pub use registry::{IssuerSource, StoreIssuers};
#[cfg(feature = "authn")]
pub use signature::{verify_signature, verify_with};
pub use token::{FirstUse, KeyThumbprint, VerifiedToken};
#[cfg(feature = "authn")]
pub use verifier::{Verifier, VerifierOptions};
