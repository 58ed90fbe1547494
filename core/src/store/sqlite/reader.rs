//! Reading: a pool of connections, used on the calling thread.
//!
//! A point read takes about four microseconds; handing it to another thread and back costs more. So reads run on the
//! calling thread. This is safe for an asynchronous caller because conditions are served by indexes, results are
//! bounded by the query's limit, the deadline interrupts longer reads, and locks are waited for asynchronously.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::{sync::Semaphore, time};

use super::{
    connection::{self, Bound},
    lease::Lease,
};
use crate::store::{Collection, StoreError, StoreResult};

/// Interval between attempts to read while another process recovers or closes the log.
const LOCK_INTERVAL: Duration = Duration::from_millis(2);

/// Connections for reading, opened when first needed.
#[derive(Debug)]
pub(super) struct Readers {
    permits: Semaphore,
    idle: Mutex<Vec<ReadConnection>>,
    /// Counts reopenings of the file; connections opened before the last one are discarded.
    generation: Arc<AtomicU64>,
    /// Set when a damaged page was found.
    damage: Arc<OnceLock<String>>,
    busy_timeout: Duration,
    lease: Arc<Lease>,
}

#[derive(Debug)]
struct ReadConnection {
    connection: Connection,
    bound: Bound,
    generation: u64,
}

impl Readers {
    pub(super) fn new(
        count: usize,
        busy_timeout: Duration,
        generation: Arc<AtomicU64>,
        damage: Arc<OnceLock<String>>,
    ) -> Self {
        Self {
            permits: Semaphore::new(count.max(1)),
            idle: Mutex::new(Vec::new()),
            generation,
            damage,
            busy_timeout,
            lease: Arc::default(),
        }
    }

    /// Runs a read until the deadline, and retries it if the file is locked.
    pub(super) async fn read<T>(
        &self,
        file: &Path,
        collection: &'static Collection,
        deadline: Instant,
        operation: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> StoreResult<T> {
        let start = Instant::now();
        if start >= deadline {
            return Err(StoreError::Timeout);
        }
        self.lease.extend(file, self.generation.load(Ordering::Acquire), start);
        loop {
            let result = {
                let _permit = match self.permits.try_acquire() {
                    Ok(permit) => permit,
                    Err(_) => time::timeout_at(deadline.into(), self.permits.acquire())
                        .await
                        .map_err(|_| StoreError::Timeout)?
                        .map_err(|_| StoreError::Unavailable { detail: "the store is closed".to_owned() })?,
                };
                self.attempt(file, deadline, &operation)
            };
            match result {
                Ok(value) => return Ok(value),
                Err(error) if connection::is_locked(&error) => {
                    let now = Instant::now();
                    if now >= deadline {
                        return Err(StoreError::Timeout);
                    }
                    if now >= start + self.busy_timeout {
                        return Err(connection::unavailable(&error));
                    }
                    time::sleep(LOCK_INTERVAL).await;
                }
                Err(error) => {
                    connection::note_damage(&error, &self.damage);
                    return Err(connection::failure(collection, &error));
                }
            }
        }
    }

    fn attempt<T>(
        &self,
        file: &Path,
        deadline: Instant,
        operation: &impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let generation = self.generation.load(Ordering::Acquire);
        let idle = loop {
            let last = self.idle().pop();
            match last {
                Some(reader) if reader.generation != generation => drop(reader),
                other => break other,
            }
        };
        let reader = match idle {
            Some(reader) => reader,
            None => {
                let (connection, bound) = connection::open_reader(file)?;
                ReadConnection { connection, bound, generation }
            }
        };
        reader.bound.set(deadline);
        let result = operation(&reader.connection);
        match &result {
            Err(error) if connection::breaks_connection(error) => drop(reader),
            _ => self.idle().push(reader),
        }
        result
    }

    /// Closes the idle connections.
    pub(super) fn close(&self) {
        self.lease.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<ReadConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::*;
    use crate::domain::tenant::TENANTS;

    /// Reads block their thread, so the one that holds the only connection has its own.
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn who_waits_for_a_connection_waits_until_the_deadline_and_is_served_once_one_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let file: Arc<Path> = folder.path().join("read.sqlite").into();
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE one (value); INSERT INTO one VALUES (1)").unwrap();
        let readers = Arc::new(Readers::new(1, Duration::from_secs(5), Arc::default(), Arc::default()));
        let read = |patience: Duration, while_reading: Box<dyn Fn() + Send + Sync>| {
            let (readers, file) = (Arc::clone(&readers), Arc::clone(&file));
            tokio::spawn(async move {
                let deadline = Instant::now() + patience;
                readers
                    .read(&file, &TENANTS, deadline, |connection| {
                        while_reading();
                        connection.query_row("SELECT value FROM one", [], |row| row.get::<_, i64>(0))
                    })
                    .await
            })
        };
        const LONG: Duration = Duration::from_secs(60);
        let (began, begun) = oneshot::channel();
        let (go_on, gone_on) = mpsc::channel::<()>();
        let (began, gone_on) = (Mutex::new(Some(began)), Mutex::new(gone_on));
        let slow = read(
            LONG,
            Box::new(move || {
                if let Some(began) = began.lock().unwrap().take() {
                    began.send(()).unwrap();
                }
                gone_on.lock().unwrap().recv().unwrap();
            }),
        );
        begun.await.unwrap();
        let impatient: Vec<_> = (0..100).map(|_| read(Duration::from_millis(20), Box::new(|| {}))).collect();
        let patient: Vec<_> = (0..100).map(|_| read(LONG, Box::new(|| {}))).collect();
        for waiting in impatient {
            assert!(matches!(waiting.await.unwrap(), Err(StoreError::Timeout)));
        }
        assert!(patient.iter().all(|waiting| !waiting.is_finished()));
        go_on.send(()).unwrap();
        assert_eq!(slow.await.unwrap().unwrap(), 1);
        for waiting in patient {
            assert_eq!(waiting.await.unwrap().unwrap(), 1);
        }
        assert_eq!(readers.idle().len(), 1, "one connection has served all of them");
    }
}
