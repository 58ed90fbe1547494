//! Outbound HTTP: permitted addresses and bounded responses.
//!
//! An address chosen by someone else, in a setting or a response, may name what only this network reaches: this
//! machine, its neighbours, a cloud's metadata service. So addresses are checked after name resolution, and the
//! connection goes to exactly the checked addresses.

mod address;
mod body;
mod lookup;

pub use address::private_range;
pub use body::{BodyError, bounded};
pub use lookup::{Lookup, PrivateAddress, PublicOnly, SystemLookup, Unrestricted};
