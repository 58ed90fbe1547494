//! File descriptors: how many the process may open, and how many connections they allow.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Maximum number of connections, given enough descriptors.
pub(crate) const CONNECTIONS: usize = 10_000;
/// Descriptors reserved for everything but client connections: the store, issuers, the component, logs.
const RESERVE: usize = 96;
/// Minimum number of connections for a useful server.
const FEWEST: usize = 32;

/// Allowed number of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimit {
    /// Concurrent connections; `None` where there are too few descriptors for a server.
    pub(crate) connections: Option<usize>,
    /// Hard limit on descriptors, which the process cannot raise.
    pub(crate) limit: usize,
}

impl ConnectionLimit {
    /// Computes the number from the limits of the process, assuming that its soft limit is raised.
    pub(crate) fn of_process() -> Self {
        Self::within(getrlimit(Resource::Nofile).maximum)
    }

    /// Computes it and raises the soft limit as far as useful.
    ///
    /// # Errors
    /// When the system refuses to raise it up to the hard limit.
    pub(crate) fn take() -> std::io::Result<Self> {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let allowed = Self::within(maximum);
        let wanted = u64::try_from(allowed.limit.min(CONNECTIONS.saturating_add(RESERVE))).unwrap_or(u64::MAX);
        if current.is_some_and(|current| current < wanted) {
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
        }
        Ok(allowed)
    }

    fn within(limit: Option<u64>) -> Self {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let connections = limit.saturating_sub(RESERVE).min(CONNECTIONS);
        Self { connections: (connections >= FEWEST).then_some(connections), limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_what_the_limit_leaves() {
        let connections = |limit| ConnectionLimit::within(limit).connections;
        assert_eq!(connections(None), Some(10_000));
        assert_eq!(connections(Some(1_048_576)), Some(10_000));
        assert_eq!(connections(Some(1_024)), Some(928));
        assert_eq!((connections(Some(128)), connections(Some(127)), connections(Some(0))), (Some(32), None, None));
    }
}
