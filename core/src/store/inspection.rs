//! What an operator is told of a store, without anything being changed in it but a mark that it can be written.

/// What stands in a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Version of the layout that it has; none in a store that no release has prepared yet.
    pub schema_version: Option<u32>,
    /// Tables and indexes that this release declares and that are not there, or not as declared. They are made when a
    /// server, or any command that works on the store, opens it.
    pub missing: Vec<String>,
    /// Collections with documents that only the replaced service has written, and what of it stands in their way.
    pub not_upgraded: Vec<String>,
    /// Whether an upgrade has come to its end: what is left then waits for a person.
    pub upgraded: bool,
    /// Why it cannot be written; none when it can.
    pub not_writable: Option<String>,
}
