//! The threads that own the connections, and what they do with the transactions of their [queue](super::queue).
//!
//! SQLite has one writer and a few readers; PostgreSQL has as many of each as configured. A transaction that a deadlock
//! or a busy file stopped runs again.

use super::migrate::{Dialect, MigrateError, migrate};
use super::postgres::PgConnection;
use super::queue::{Job, Queue, Typed};
use super::sqlite::SqliteConnection;
use super::tx::{Connection, Owed};
use super::{Mode, StoreConfig, StoreError, Tx};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Readers of an SQLite file: they do not hinder each other, and two cores are common.
const SQLITE_READERS: usize = 4;
/// Attempts before contention is reported.
const MAX_ATTEMPTS: u32 = 8;
/// A writer that nobody has asked for anything for so long does what it has put off.
const IDLE: Duration = Duration::from_millis(10);
/// After so long it has leisure, too, for what need not be done.
const LEISURE: Duration = Duration::from_secs(5);
/// The first pause before another attempt; it doubles, and a random part keeps rivals apart.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The database cannot be opened or reached.
    #[error("the database cannot be opened")]
    Connect(#[source] StoreError),
    /// It cannot be brought to this program's version.
    #[error("the database cannot be brought to this program's version")]
    Migrate(#[from] MigrateError),
    /// The operating system gave no thread.
    #[error("no thread for the store")]
    Thread(#[source] std::io::Error),
}

/// What a process opens the store for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Serving,
    Looking,
}

/// The open store. Clones share it; the last [`close`](Self::close) or drop ends its threads.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    readers: usize,
    reads: Arc<Queue>,
    writes: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Store {
    /// Opens the database, brings it to this program's version, and starts the threads. Blocks until that is done.
    ///
    /// # Errors
    /// If the database cannot be opened or reached, or does not fit this program.
    pub fn open(config: &StoreConfig, now: Instant) -> Result<Self, OpenStoreError> {
        Self::open_for(config, now, Purpose::Serving)
    }

    /// As [`open`](Self::open), for a process that only looks and serves nobody: a replay. Work that other processes have
    /// put off stays put off, and SQLite's file is mapped into memory. If the disk fails under the mapping, the process
    /// ends by a signal; one that serves must not.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for_looking(config: &StoreConfig, now: Instant) -> Result<Self, OpenStoreError> {
        Self::open_for(config, now, Purpose::Looking)
    }

    fn open_for(config: &StoreConfig, now: Instant, purpose: Purpose) -> Result<Self, OpenStoreError> {
        let (writers, readers) = match config {
            StoreConfig::Sqlite { .. } => (1, SQLITE_READERS),
            StoreConfig::Postgres { connections, .. } => ((*connections).max(1), (*connections).max(1)),
        };
        let reads = Queue::new(Mode::Read);
        let writes = Queue::new(Mode::Write);
        let store = Self {
            shared: Arc::new(Shared {
                readers,
                reads: Arc::clone(&reads),
                writes: Arc::clone(&writes),
                threads: Mutex::new(Vec::new()),
            }),
        };
        // The first writer brings the database up to date before anyone else looks at it.
        store.start_thread(config, &writes, purpose, "core-write-0", Some(now))?;
        for number in 1..writers {
            store.start_thread(config, &writes, purpose, &format!("core-write-{number}"), None)?;
        }
        for number in 0..readers {
            store.start_thread(config, &reads, purpose, &format!("core-read-{number}"), None)?;
        }
        Ok(store)
    }

    /// Starts a thread and waits until it has its connection. The synchronous PostgreSQL client drives a runtime of
    /// its own and must never be touched from a thread that already runs one.
    fn start_thread(
        &self,
        config: &StoreConfig,
        queue: &Arc<Queue>,
        purpose: Purpose,
        name: &str,
        migrate_at: Option<Instant>,
    ) -> Result<(), OpenStoreError> {
        let (ready, opened) = std::sync::mpsc::sync_channel(1);
        let (config, queue) = (config.clone(), Arc::clone(queue));
        let handle = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || match connect(&config, purpose, queue.mode, migrate_at) {
                Ok(mut connection) => {
                    let _ = ready.send(Ok(()));
                    match (queue.mode, purpose) {
                        (Mode::Write, Purpose::Serving) => work_and_catch_up(connection.as_mut(), &queue),
                        (Mode::Read, _) | (_, Purpose::Looking) => work(connection.as_mut(), &queue),
                    }
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                }
            })
            .map_err(OpenStoreError::Thread)?;
        self.shared.threads.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        opened.recv().unwrap_or(Err(OpenStoreError::Connect(StoreError::Panicked)))
    }

    /// Runs `work` in one transaction that may write, and commits if it returns `Ok`. It may run more than once.
    ///
    /// # Errors
    /// What `work` returns, or the store's own failure.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.shared.writes, work).await
    }

    /// As [`write`](Self::write), and blocks until it is done: for a start, before anything is served.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_blocking<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, answer) = std::sync::mpsc::sync_channel(1);
        let reply = move |result| drop(sender.send(result));
        self.shared.writes.push(Box::new(Typed::new(work, reply)));
        answer.recv().unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }

    /// Runs `work` over one unchanging picture of the database.
    ///
    /// # Errors
    /// What `work` returns, or the store's own failure.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(&self.shared.reads, work).await
    }

    /// Reading transactions that run at once.
    pub fn readers(&self) -> usize {
        self.shared.readers
    }

    /// Takes no more transactions, finishes those that wait, and ends the threads. Blocks until then.
    pub fn close(&self) {
        self.shared.close();
    }
}

async fn submit<T, E, F>(queue: &Queue, work: F) -> Result<T, E>
where
    F: FnMut(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (sender, answer) = oneshot::channel();
    let reply = |result| drop(sender.send(result));
    queue.push(Box::new(Typed::new(work, reply)));
    answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
}

impl Shared {
    fn close(&self) {
        self.reads.close();
        self.writes.close();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last handle may go away with a job, on a store thread: that one ends by itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a store thread panicked");
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

fn connect(
    config: &StoreConfig,
    purpose: Purpose,
    mode: Mode,
    migrate_at: Option<Instant>,
) -> Result<Box<dyn Connection>, OpenStoreError> {
    let (mut connection, dialect): (Box<dyn Connection>, Dialect) = match config {
        StoreConfig::Sqlite { path } => {
            let mapped = purpose == Purpose::Looking && mode == Mode::Read;
            let opened = SqliteConnection::open(path, mapped).map_err(OpenStoreError::Connect)?;
            (Box::new(opened), Dialect::Sqlite)
        }
        StoreConfig::Postgres { url, schema, .. } => (
            Box::new(PgConnection::open(url, schema.clone()).map_err(OpenStoreError::Connect)?),
            Dialect::Postgres,
        ),
    };
    if let Some(now) = migrate_at {
        connection.begin(Mode::Write).map_err(OpenStoreError::Connect)?;
        match migrate(connection.as_mut(), dialect, now) {
            Ok(0) => connection.rollback(),
            Ok(steps) => {
                connection.commit().map_err(OpenStoreError::Connect)?;
                tracing::info!(steps, "the database was brought to this program's version");
            }
            Err(error) => {
                connection.rollback();
                return Err(error.into());
            }
        }
    }
    Ok(connection)
}

/// Serves the queue until it is closed.
fn work(connection: &mut dyn Connection, queue: &Queue) {
    while let Some(job) = queue.pop() {
        serve(connection, queue, job);
    }
}

/// The same, and does what the connection has put off when nobody waits.
fn work_and_catch_up(connection: &mut dyn Connection, queue: &Queue) {
    let mut owed = look(connection.owed());
    let mut wait = IDLE;
    loop {
        let job = match owed {
            Owed::Nothing => match queue.pop() {
                Some(job) => Some(job),
                None => return,
            },
            Owed::AtLeisure => queue.pop_within(LEISURE),
            Owed::Some => queue.pop_within(wait),
            Owed::OneStep | Owed::TooMuch => None,
        };
        match job {
            Some(job) => {
                serve(connection, queue, job);
                owed = look(connection.owed());
                wait = IDLE;
            }
            None if matches!(owed, Owed::AtLeisure | Owed::Some) && queue.is_closed() => return,
            None => {
                owed = look(connection.catch_up());
                wait = Duration::ZERO;
            }
        }
    }
}

/// What cannot be done now is tried again after the next job.
fn look(owed: Result<Owed, StoreError>) -> Owed {
    owed.unwrap_or_else(|error| {
        tracing::warn!(error = with_causes(&error), "work that was put off is still not done");
        Owed::Nothing
    })
}

/// Runs one job to its end.
fn serve(connection: &mut dyn Connection, queue: &Queue, mut job: Box<dyn Job>) {
    let mut attempt = 1;
    let failure = loop {
        match run_once(connection, queue.mode, job.as_mut()) {
            Attempt::Done => break None,
            Attempt::Failed(error) => break Some(error),
            Attempt::Again if attempt < MAX_ATTEMPTS => {
                metrics::counter!("yinke_core_store_retries_total").increment(1);
                pause(queue, attempt);
                attempt += 1;
            }
            Attempt::Again => break Some(StoreError::Contention { attempts: attempt }),
        }
    };
    let result = match &failure {
        None => "ok",
        Some(error) if error.may_retry() => "unavailable",
        Some(_) => "error",
    };
    metrics::counter!("yinke_core_store_transactions_total", "result" => result).increment(1);
    job.finish(failure);
}

enum Attempt {
    /// Committed, or rolled back because the closure said so.
    Done,
    /// Something was in the way; nothing was changed.
    Again,
    /// The store failed.
    Failed(StoreError),
}

fn run_once(connection: &mut dyn Connection, mode: Mode, job: &mut dyn Job) -> Attempt {
    match connection.begin(mode) {
        Ok(()) => {}
        Err(StoreError::Transient(_)) => return Attempt::Again,
        Err(error) => return Attempt::Failed(error),
    }
    match catch_unwind(AssertUnwindSafe(|| job.run(connection))) {
        Ok(true) => match connection.commit() {
            Ok(()) => Attempt::Done,
            Err(StoreError::Transient(_)) => {
                connection.rollback();
                Attempt::Again
            }
            Err(error) => {
                connection.rollback();
                Attempt::Failed(error)
            }
        },
        Ok(false) => {
            let again = connection.failed_transiently();
            connection.rollback();
            if again { Attempt::Again } else { Attempt::Done }
        }
        Err(_) => {
            connection.rollback();
            Attempt::Failed(StoreError::Panicked)
        }
    }
}

/// Waits longer after each attempt, with a random part; a closing queue ends the wait.
fn pause(queue: &Queue, attempt: u32) {
    let base = FIRST_PAUSE * 2u32.pow(attempt - 1);
    let jitter = getrandom::u32().map_or(0, |random| random % 1_000);
    let pause = base / 2 + base * jitter / 1_000;
    queue.pause(pause);
}
