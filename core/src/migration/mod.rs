//! Migration: a MongoDB database of the replaced service upgraded in place, and copies from one store to another.

pub mod canonical;
pub mod copy;
pub mod upgrade;

pub use copy::{Copied, CopyProgress, Fingerprint, copy, fingerprint};
pub use upgrade::{Finding, FindingKind, ForeignValue, Mapping, Report, UpgradeSettings, upgrade};
