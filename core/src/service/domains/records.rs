//! Port to public DNS, as far as the use cases need it.

use std::fmt;

use async_trait::async_trait;

/// The answer of a DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The values of the records; empty if there are none.
    Values(Vec<String>),
    /// No usable answer, with the reason.
    Nothing(String),
    /// An answer that DNSSEC proves to be false.
    Bogus(String),
}

/// Public DNS, as several servers see it.
#[async_trait]
pub trait PublicRecords: fmt::Debug + Send + Sync {
    /// Asks each server, apart from the others, for the records of a name: `TXT`, `CNAME`, `A` or `AAAA`.
    ///
    /// Returns all configured servers with their answers, in bounded time.
    async fn ask(&self, kind: &str, name: &str) -> Vec<(String, Told)>;
}
