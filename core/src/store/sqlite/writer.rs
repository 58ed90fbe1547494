//! Writing: one thread that performs waiting commits together.
//!
//! A durable `COMMIT` costs a synchronization of the disk, whatever its size. So commits that wait while one is running
//! share the next one. Each has its own savepoint, so that a refused one does not affect the others, and each is
//! acknowledged only after the `COMMIT`.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, broadcast, oneshot};

use super::{
    SqliteOptions,
    batch::{self, Failure, Instruction},
    connection::{self, Bound},
    location::{self, LocationError},
    statements::Tables,
};
use crate::store::{ChangeNotice, Collection, StoreError, StoreResult};

/// Interval of checks for commits of other processes, while there are listeners.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The state that the writer thread and the handles of a store share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) path: PathBuf,
    /// The absolute path, once known.
    pub(super) file: OnceLock<PathBuf>,
    pub(super) options: SqliteOptions,
    pub(super) collections: &'static [&'static Collection],
    pub(super) tables: Tables,
    pub(super) notices: broadcast::Sender<ChangeNotice>,
    /// Counts openings of the file, for the readers.
    pub(super) generation: Arc<AtomicU64>,
    /// Message about a damaged page, once one was found. It stays for the life of the process, because a damaged file
    /// is restored while no process uses it.
    pub(super) damage: Arc<OnceLock<String>>,
    /// `true` if it can be read.
    open: AtomicBool,
    /// `true` if it can be written too.
    writable: AtomicBool,
    obstacle: Mutex<String>,
}

impl Shared {
    pub(super) fn new(path: PathBuf, options: SqliteOptions, collections: &'static [&'static Collection]) -> Self {
        Self {
            path,
            file: OnceLock::new(),
            tables: Tables::new(collections),
            options,
            collections,
            notices: broadcast::channel(64).0,
            generation: Arc::new(AtomicU64::new(0)),
            damage: Arc::default(),
            open: AtomicBool::new(false),
            writable: AtomicBool::new(false),
            obstacle: Mutex::new(String::new()),
        }
    }

    /// Returns the file, if the store is open.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason if it is not.
    pub(super) fn opened(&self) -> StoreResult<&PathBuf> {
        match self.file.get() {
            Some(file) if self.open.load(Ordering::Acquire) => Ok(file),
            _ => Err(self.obstacle()),
        }
    }

    /// Checks that the store can be written.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with the reason if it cannot.
    pub(super) fn writable(&self) -> StoreResult<()> {
        if self.writable.load(Ordering::Acquire) { Ok(()) } else { Err(self.obstacle()) }
    }

    fn obstacle(&self) -> StoreError {
        StoreError::Unavailable { detail: self.obstacle.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }

    /// Opens the file for writing, or records why that is not possible.
    pub(super) fn open(&self, patience: Duration) -> StoreResult<Database> {
        let opened = location::prepare(&self.path)
            .map_err(|error| match error {
                LocationError::Mistake(error) => error,
                LocationError::Passing(detail) => StoreError::Unavailable { detail },
            })
            .and_then(|file| {
                let (connection, bound) = connection::open_writer(&file, self.collections, patience)?;
                let seen = data_version(&connection).map_err(|error| connection::unavailable(&error))?;
                Ok((file, Database { connection, bound, seen }))
            });
        match opened {
            Ok((file, database)) => {
                self.file.get_or_init(|| file);
                self.generation.fetch_add(1, Ordering::AcqRel);
                self.open.store(true, Ordering::Release);
                self.writable.store(true, Ordering::Release);
                Ok(database)
            }
            Err(error) => {
                self.close(&error);
                Err(error)
            }
        }
    }

    /// Stops reads and writes until the file is reopened.
    fn close(&self, error: &StoreError) {
        self.stop_writing(error);
        self.open.store(false, Ordering::Release);
    }

    /// Stops writes until the file is reopened; reads continue.
    fn stop_writing(&self, error: &StoreError) {
        let detail = match error {
            StoreError::Unavailable { detail } => detail.clone(),
            other => other.to_string(),
        };
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = detail;
        self.writable.store(false, Ordering::Release);
    }
}

/// The writer's open file.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    bound: Bound,
    /// Data version of the file at the last check for commits of other processes.
    seen: i64,
}

fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Work for the writer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) work: Instruction,
    pub(super) queued: Instant,
    pub(super) deadline: Instant,
    pub(super) reply: oneshot::Sender<StoreResult<()>>,
    /// The job's place in the queue; released when the job is done.
    pub(super) permit: OwnedSemaphorePermit,
}

/// A message in the queue.
#[derive(Debug)]
pub(super) enum Message {
    Job(Job),
    /// A listener for changes was added.
    Wake,
}

/// The state of the writer thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    receiver: Receiver<Message>,
    database: Option<Database>,
    retry_at: Instant,
    poll_at: Instant,
}

enum Received {
    Job(Job),
    Nothing,
    End,
}

/// Answers for the jobs of a batch, sent once it is done.
type Answers = Vec<(Job, StoreResult<()>)>;

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, receiver: Receiver<Message>, database: Option<Database>) -> Self {
        let now = Instant::now();
        let retry_at = now + shared.options.retry_interval;
        Self { shared, receiver, database, retry_at, poll_at: now + POLL_INTERVAL }
    }

    /// Runs until the last handle is dropped and the queue is empty.
    pub(super) fn run(mut self) {
        loop {
            match self.receive() {
                Received::Job(job) => self.work(job),
                Received::Nothing => {}
                Received::End => return,
            }
            self.reopen();
            self.look_for_others();
        }
    }

    fn receive(&self) -> Received {
        let until = |instant: Instant| instant.saturating_duration_since(Instant::now());
        let message = if self.database.is_none() {
            self.receiver.recv_timeout(until(self.retry_at))
        } else if self.shared.notices.receiver_count() > 0 {
            self.receiver.recv_timeout(until(self.poll_at))
        } else {
            self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match message {
            Ok(Message::Job(job)) => Received::Job(job),
            Ok(Message::Wake) | Err(RecvTimeoutError::Timeout) => Received::Nothing,
            Err(RecvTimeoutError::Disconnected) => Received::End,
        }
    }

    /// Retries to open a file that could not be opened or has failed.
    fn reopen(&mut self) {
        if self.database.is_none() && Instant::now() >= self.retry_at {
            let interval = self.shared.options.retry_interval;
            match self.shared.open(interval) {
                Ok(database) => {
                    tracing::info!(path = %self.shared.path.display(), "the store is available again");
                    self.database = Some(database);
                }
                Err(error) => tracing::warn!(path = %self.shared.path.display(), %error, "the store stays closed"),
            }
            self.retry_at = Instant::now() + interval;
        }
    }

    /// Checks for commits of other processes.
    fn look_for_others(&mut self) {
        let now = Instant::now();
        let Some(database) = &mut self.database else { return };
        if now < self.poll_at || self.shared.notices.receiver_count() == 0 {
            return;
        }
        self.poll_at = now + POLL_INTERVAL;
        // An error here shows in the next commit or health check.
        if let Ok(version) = data_version(&database.connection)
            && version != database.seen
        {
            database.seen = version;
            notify(&self.shared, Vec::new());
        }
    }

    /// Performs a job and those that wait behind it.
    fn work(&mut self, first: Job) {
        let Some(database) = self.database.take() else {
            let answer = Err(self.shared.obstacle());
            answer_all(vec![(first, answer)]);
            return;
        };
        // The wait counts from the job's arrival, so that jobs queued behind a lock wait concurrently.
        let bound = first.deadline.min(first.queued + self.shared.options.busy_timeout);
        database.bound.set(bound);
        let mut answers = Answers::new();
        match self.batch(&database.connection, first, &mut answers) {
            Ok(()) => {
                self.database = Some(database);
                self.acknowledge(answers);
            }
            Err(error) => {
                let failed = connection::unavailable(&error);
                connection::note_damage(&error, &self.shared.damage);
                if self.recover(&database.connection, &error) {
                    self.database = Some(database);
                } else {
                    tracing::error!(path = %self.shared.path.display(), error = %failed, "the store failed");
                    if connection::prevents_reading(&error) {
                        self.shared.close(&failed);
                    } else {
                        self.shared.stop_writing(&failed);
                    }
                    self.retry_at = Instant::now() + self.shared.options.retry_interval;
                }
                let now = Instant::now();
                for (job, answer) in &mut answers {
                    let late = connection::is_locked(&error) && now >= job.deadline;
                    *answer = Err(if late { StoreError::Timeout } else { failed.clone() });
                }
                answer_all(answers);
            }
        }
    }

    /// Runs one transaction. Every job ends up in `answers`, whatever happens.
    fn batch(&self, connection: &Connection, first: Job, answers: &mut Answers) -> rusqlite::Result<()> {
        let options = &self.shared.options;
        if let Some(refused) = expired(&first) {
            answers.push((first, Err(refused)));
            return Ok(());
        }
        let begun = execute(connection, "BEGIN IMMEDIATE");
        let end = Instant::now() + options.batch_time;
        let mut next = Some(first);
        if let Err(error) = begun {
            answers.extend(next.map(|job| (job, Ok(()))));
            return Err(error);
        }
        while let Some(job) = next.take() {
            let answer = match expired(&job) {
                Some(refused) => Ok(Err(refused)),
                None => attempt(connection, &self.shared.tables, &job.work),
            };
            match answer {
                Ok(answer) => answers.push((job, answer)),
                Err(error) => {
                    answers.push((job, Ok(())));
                    return Err(error);
                }
            }
            if answers.len() < options.batch.max(1) && Instant::now() < end {
                next = self.waiting();
            }
        }
        execute(connection, "COMMIT")
    }

    /// Returns the next job, if one is already waiting.
    fn waiting(&self) -> Option<Job> {
        loop {
            match self.receiver.try_recv() {
                Ok(Message::Job(job)) => return Some(job),
                Ok(Message::Wake) => {}
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
    }

    /// Ends a failed transaction. Returns `false` if the connection is no longer usable.
    fn recover(&self, connection: &Connection, error: &rusqlite::Error) -> bool {
        if connection::breaks_connection(error) {
            return false;
        }
        // SQLite ends the transaction by itself after some errors.
        connection.is_autocommit() || execute(connection, "ROLLBACK").is_ok()
    }

    fn acknowledge(&self, answers: Answers) {
        let touched: BTreeSet<&'static str> = if self.shared.notices.receiver_count() == 0 {
            BTreeSet::new()
        } else {
            let done = answers.iter().filter(|(_, answer)| answer.is_ok());
            done.flat_map(|(job, _)| job.work.collections()).collect()
        };
        answer_all(answers);
        if !touched.is_empty() {
            notify(&self.shared, touched.into_iter().collect());
        }
    }
}

fn notify(shared: &Shared, collections: Vec<&'static str>) {
    // The only error means that there are no listeners.
    let _nobody = shared.notices.send(ChangeNotice { collections });
}

fn answer_all(answers: Answers) {
    for (job, answer) in answers {
        drop(job.permit);
        // The caller was dropped and nobody waits; the commit has had its whole effect.
        let _gone = job.reply.send(answer);
    }
}

/// Returns the error for a job that is not started because nobody waits for it any more.
fn expired(job: &Job) -> Option<StoreError> {
    (job.reply.is_closed() || Instant::now() >= job.deadline).then_some(StoreError::Timeout)
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Runs one job in its own savepoint.
fn attempt(connection: &Connection, tables: &Tables, work: &Instruction) -> rusqlite::Result<StoreResult<()>> {
    execute(connection, "SAVEPOINT job")?;
    let answer = match batch::apply(connection, tables, work) {
        Ok(()) => Ok(()),
        Err(Failure::Refused(refused)) => {
            execute(connection, "ROLLBACK TO job")?;
            Err(refused)
        }
        Err(Failure::Database(error)) => return Err(error),
    };
    execute(connection, "RELEASE job")?;
    Ok(answer)
}
