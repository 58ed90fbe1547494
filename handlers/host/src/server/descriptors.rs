//! File descriptors: how many this process may have, and how many connections that leaves.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Most connections at the same time, where there are descriptors for them.
pub(crate) const CONNECTIONS: usize = 10_000;
/// Descriptors for everything that is no connection of a client: the store, issuers, the component, logs.
const RESERVE: usize = 96;
/// Fewest connections with which a server is of use.
const FEWEST: usize = 32;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// Connections at the same time; none where there are too few descriptors for a server.
    pub(crate) connections: Option<usize>,
    /// The hard limit on descriptors, which this process cannot raise.
    pub(crate) limit: usize,
}

impl Room {
    /// What the limits of this process leave once its soft limit is raised.
    pub(crate) fn of_process() -> Self {
        Self::within(getrlimit(Resource::Nofile).maximum)
    }

    /// The same, and the soft limit is raised as far as it is of use.
    ///
    /// # Errors
    /// When the system does not let this process raise it up to the hard limit.
    pub(crate) fn take() -> std::io::Result<Self> {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let room = Self::within(maximum);
        let wanted = u64::try_from(room.limit.min(CONNECTIONS.saturating_add(RESERVE))).unwrap_or(u64::MAX);
        if current.is_some_and(|current| current < wanted) {
            setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })?;
        }
        Ok(room)
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
        let connections = |limit| Room::within(limit).connections;
        assert_eq!(connections(None), Some(10_000));
        assert_eq!(connections(Some(1_048_576)), Some(10_000));
        assert_eq!(connections(Some(1_024)), Some(928));
        assert_eq!((connections(Some(128)), connections(Some(127)), connections(Some(0))), (Some(32), None, None));
    }
}
