//! The mail system: the tenant's domains with their DNS records, and its mailboxes.

pub mod check;
pub mod domains;
pub mod mailbox;
pub mod passwords;
pub mod records;
