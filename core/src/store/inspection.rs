//! A report on a store.
//!
//! It is made without changing the store, except for a mark that proves that it can be written.

/// The state of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Version of its layout; `None` in a store that no release has prepared yet.
    pub schema_version: Option<u32>,
    /// Declared tables and indexes that are missing or outdated.
    ///
    /// They are created when a server, or a command that works on the store, opens it.
    pub missing: Vec<String>,
    /// Collections with documents that only the replaced service has written, and what prevents their upgrade.
    pub not_upgraded: Vec<String>,
    /// `true` if an upgrade has finished; any remaining documents need manual action.
    pub upgraded: bool,
    /// The reason why it cannot be written; `None` if it can.
    pub not_writable: Option<String>,
}
