//! What goes out over HTTP: to which addresses, and how large what comes back may be.
//!
//! An address that somebody else chose, in a setting or in an answer, may name what only this network reaches: the machine
//! itself, its neighbours, the metadata of a cloud. So addresses are looked at after a name is resolved, and the very ones
//! that were looked at are connected to.

mod address;
mod body;
mod lookup;

pub use address::private_range;
pub use body::{BodyError, bounded};
pub use lookup::{Lookup, PrivateAddress, PublicOnly, SystemLookup, Unrestricted};
