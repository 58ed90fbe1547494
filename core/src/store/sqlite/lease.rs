//! A shared read lock that is kept while there are readers.
//!
//! SQLite takes and releases a lock of the write-ahead log for each read: two system calls, made under a mutex that all
//! connections of the process share. With two threads reading small documents, a fifth of the processor time was spent
//! there. The lock is shared, and SQLite only calls the system for its first holder in a process and its last. So an
//! additional connection keeps a read transaction open while reads follow one another closely, and the other
//! connections find the lock already held.
//!
//! This does not affect what other connections read: each of their transactions begins at the newest commit. The kept
//! transaction is renewed every [`RENEWAL`] and ended [`IDLE`] after the last read. A log of checkpoint size can only
//! restart when nobody reads from it, so while it is that long, no transaction is kept
//! (<https://sqlite.org/wal.html#avoiding_excessively_large_wal_files>).

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::{runtime::Handle, time};

use super::connection::{self, Bound, LOG_BYTES};

/// Longest life of one transaction while there are reads.
const RENEWAL: Duration = Duration::from_millis(2);

/// Interval of the check for recent reads; without any, the transaction ends.
const IDLE: Duration = Duration::from_millis(10);

/// The kept lock.
#[derive(Debug, Default)]
pub(super) struct Lease {
    held: Mutex<Held>,
    used: AtomicBool,
}

#[derive(Debug, Default)]
struct Held {
    connection: Option<(Connection, Bound, u64)>,
    /// Time of the last check if a transaction is to be kept.
    looked: Option<Instant>,
    /// `true` if one is kept.
    open: bool,
    /// `true` if a task is watching for its end.
    watched: bool,
}

impl Lease {
    /// Keeps the lock; to be called before a read.
    ///
    /// Without it a read takes its own lock, so nothing here fails the read, and problems of the file are left to the
    /// read.
    pub(super) fn extend(self: &Arc<Self>, file: &Path, generation: u64, now: Instant) {
        self.used.store(true, Ordering::Relaxed);
        // Another thread is doing this right now.
        let Ok(mut held) = self.held.try_lock() else { return };
        let current = held.connection.as_ref().is_some_and(|(_, _, opened)| *opened == generation);
        if !current {
            *held = Held { watched: held.watched, ..Held::default() };
        }
        if held.looked.is_some_and(|looked| now.saturating_duration_since(looked) < RENEWAL) {
            return;
        }
        held.renew(file, generation, now);
        if held.open && !held.watched {
            held.watched = true;
            // Without a runtime nothing could end it.
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn(watch(Arc::downgrade(self)))),
                Err(_) => *held = Held::default(),
            }
        }
    }

    /// Ends the transaction and closes the connection.
    pub(super) fn close(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Held { watched: held.watched, ..Held::default() };
    }

    /// Ends the transaction if there was no read since the last check. Returns `true` if it continues.
    fn end_if_idle(&self) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.open && self.used.swap(false, Ordering::Relaxed) {
            return true;
        }
        held.end();
        held.watched = false;
        false
    }
}

impl Held {
    fn renew(&mut self, file: &Path, generation: u64, now: Instant) {
        self.end();
        self.looked = Some(now);
        if log_is_long(file) {
            return;
        }
        if self.connection.is_none() {
            self.connection = connection::open_reader(file).ok().map(|(opened, bound)| (opened, bound, generation));
        }
        let Some((connection, bound, _)) = &self.connection else { return };
        bound.set(now + IDLE);
        let begun = connection.prepare_cached("BEGIN").and_then(|mut begin| begin.execute([])).and_then(|_| {
            // The lock is taken by the first read.
            connection
                .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)")?
                .query_row([], |_| Ok(()))
        });
        match begun {
            Ok(()) => self.open = true,
            Err(_) => self.connection = None,
        }
    }

    fn end(&mut self) {
        self.looked = None;
        if !std::mem::take(&mut self.open) {
            return;
        }
        if let Some((connection, _, _)) = &self.connection {
            let ended = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            if ended.is_err() {
                // Closing ends the transaction too.
                self.connection = None;
            }
        }
    }
}

fn log_is_long(file: &Path) -> bool {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > LOG_BYTES)
}

async fn watch(lease: Weak<Lease>) {
    loop {
        time::sleep(IDLE).await;
        match lease.upgrade() {
            Some(lease) if lease.end_if_idle() => {}
            _ => return,
        }
    }
}
