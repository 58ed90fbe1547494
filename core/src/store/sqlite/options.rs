//! Bounds of the embedded store.

use std::time::Duration;

/// Bounds of the embedded store; the defaults suit a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Longest wait for a lock of another process on the file. Default: 5 s. An earlier deadline of the request ends
    /// the wait too.
    pub busy_timeout: Duration,
    /// Maximum number of connections that read concurrently. Default: twice the processors available to the process.
    pub readers: usize,
    /// Maximum number of commits that wait for the writer; more wait for capacity until their deadline. Default: 1,024.
    pub queue: usize,
    /// Maximum number of commits that share one `COMMIT`. Default: 64.
    pub batch: usize,
    /// Longest time that a batch is open for further commits. Default: 5 ms.
    ///
    /// A batch never waits for commits: it ends when none is waiting.
    pub batch_time: Duration,
    /// Interval between attempts to open a file that cannot be opened now. Default: 500 ms.
    pub retry_interval: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            busy_timeout: Duration::from_secs(5),
            readers: processors.saturating_mul(2),
            queue: 1_024,
            batch: 64,
            batch_time: Duration::from_millis(5),
            retry_interval: Duration::from_millis(500),
        }
    }
}
