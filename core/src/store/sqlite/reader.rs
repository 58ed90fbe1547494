//! Reading: a pool of connections, used on the calling thread.
//!
//! A point read takes some four microseconds; handing it to another thread and back costs more than that. So reads run
//! where they are called. What makes this safe for an asynchronous caller: conditions are served by indexes,
//! results are bounded by the query's limit, the deadline interrupts what takes longer, and a lock is waited for
//! asynchronously.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
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

/// Time between two attempts to read what another process has locked (it recovers or closes the log).
const LOCK_INTERVAL: Duration = Duration::from_millis(2);

/// Connections for reading, opened when first needed.
#[derive(Debug)]
pub(super) struct Readers {
    permits: Semaphore,
    idle: Mutex<Vec<Reader>>,
    /// Counts the times that the file was opened again; connections of earlier times are thrown away.
    generation: Arc<AtomicU64>,
    busy_timeout: Duration,
    lease: Arc<Lease>,
}

#[derive(Debug)]
struct Reader {
    connection: Connection,
    bound: Bound,
    generation: u64,
}

impl Readers {
    pub(super) fn new(count: usize, busy_timeout: Duration, generation: Arc<AtomicU64>) -> Self {
        Self {
            permits: Semaphore::new(count.max(1)),
            idle: Mutex::new(Vec::new()),
            generation,
            busy_timeout,
            lease: Arc::default(),
        }
    }

    /// Runs a read until the deadline, again if the file is locked.
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
                Err(error) => return Err(connection::failure(collection, &error)),
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
                Reader { connection, bound, generation }
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

    /// Closes the connections that are not in use.
    pub(super) fn close(&self) {
        self.lease.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
