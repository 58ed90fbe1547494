//! Bounds of the MongoDB store, and guarantees that its URI cannot weaken.

use std::time::Duration;

use ::mongodb::options::{
    Acknowledgment, ClientOptions, ConnectionString, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};

use crate::store::{StoreError, StoreResult};

/// Bounds of the MongoDB store; the defaults suit a server. Values in the URI take precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongodbOptions {
    /// Maximum number of connections to a server of the deployment. Default: 64.
    pub maximum_connections: u32,
    /// Longest wait for a suitable server, and for a connection to open. Default: 3 s.
    pub server_selection_timeout: Duration,
    /// Name of this program in the database's logs. Default: `dezky`.
    pub application_name: String,
}

impl Default for MongodbOptions {
    fn default() -> Self {
        Self {
            maximum_connections: 64,
            server_selection_timeout: Duration::from_secs(3),
            application_name: "dezky".to_owned(),
        }
    }
}

/// Database if the URI names none.
pub(super) const DEFAULT_DATABASE: &str = "dezky";

/// `w: majority, j: true`: an acknowledged commit survives the loss of any minority of machines.
pub(super) fn write_concern() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).journal(true).build()
}

pub(super) fn primary() -> SelectionCriteria {
    SelectionCriteria::ReadPreference(ReadPreference::Primary)
}

/// Minimum of `maxPoolSize` in a URI.
///
/// One connection may watch changes and one may carry a transaction. With fewer than these and some for reads,
/// readiness checks and housekeeping would wait behind the operations that need them.
const FEWEST_CONNECTIONS: u32 = 4;

/// Parses a URI without any lookup.
pub(super) fn parse(uri: &str) -> StoreResult<ConnectionString> {
    let parsed = ConnectionString::parse(uri).map_err(|error| wrong(&error.to_string()))?;
    // 0 means unlimited.
    if parsed.max_pool_size.is_some_and(|size| size > 0 && size < FEWEST_CONNECTIONS) {
        return Err(wrong(&format!("`maxPoolSize` must be at least {FEWEST_CONNECTIONS}; without it there are 64")));
    }
    match &parsed.default_database {
        Some(name) if name.len() > 63 || name.contains(['/', '\\', '.', ' ', '"', '$']) => {
            Err(wrong("the name of the database has characters that MongoDB refuses, or more than 63"))
        }
        _ => Ok(parsed),
    }
}

// The URI itself may contain a password and is never part of a message.
fn wrong(detail: &str) -> StoreError {
    StoreError::Configuration { detail: format!("the MongoDB URI is not acceptable: {detail}") }
}

/// Returns the client options, with read and write concerns that a URI cannot weaken.
///
/// Reads are from the primary with majority concern, so that the next request sees an acknowledged revocation. Writes
/// are durable on a majority.
pub(super) async fn client_options(uri: ConnectionString, bounds: &MongodbOptions) -> StoreResult<ClientOptions> {
    let mut options = ClientOptions::parse(uri).await.map_err(|error| match *error.kind {
        // A `mongodb+srv` name that does not resolve now may resolve later.
        ::mongodb::error::ErrorKind::DnsResolve { .. } => StoreError::Unavailable { detail: error.to_string() },
        _ => wrong(&error.to_string()),
    })?;
    options.app_name.get_or_insert_with(|| bounds.application_name.clone());
    options.max_pool_size.get_or_insert(bounds.maximum_connections);
    options.server_selection_timeout.get_or_insert(bounds.server_selection_timeout);
    options.connect_timeout.get_or_insert(bounds.server_selection_timeout);
    options.selection_criteria = Some(primary());
    options.read_concern = Some(ReadConcern::majority());
    options.write_concern = Some(write_concern());
    options.retry_reads = Some(true);
    options.retry_writes = Some(true);
    Ok(options)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn too_few_connections_are_refused_by_name() {
        for size in 1..4 {
            let refused = parse(&format!("mongodb://127.0.0.1/?maxPoolSize={size}")).unwrap_err();
            assert!(refused.to_string().contains("`maxPoolSize` must be at least 4"), "{refused}");
        }
        for uri in ["mongodb://127.0.0.1/", "mongodb://127.0.0.1/?maxPoolSize=0", "mongodb://127.0.0.1/?maxPoolSize=4"]
        {
            assert!(parse(uri).is_ok(), "{uri}");
        }
    }
}
