//! Migration: in-place upgrade of a MongoDB database of the replaced service, and copies between stores.

pub mod copy;
pub mod upgrade;

pub use copy::{Copied, CopyProgress, Fingerprint, copy, fingerprint};
pub use upgrade::{Finding, FindingKind, ForeignValue, Mapping, Report, UpgradeSettings, upgrade};
