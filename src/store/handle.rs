//! The handle through which everybody uses the database: open it, then send closures to the thread that owns the
//! connection (`worker`). Handles are cheap to clone; the last one to go waits for the queue and closes the file.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::worker::{Job, Task, Worker};
use super::{Fault, StoreError, files, schema};

/// How long a lock of another process (`stemsync holds release` beside the daemon) is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// Statements kept compiled; there are fewer than this in `store`.
const STATEMENTS: usize = 160;

/// A moment between two changes of what is on file; equal as long as nobody, here or in another process, wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnFile {
    /// Rows that this connection wrote.
    own: u64,
    /// SQLite's count of other connections' commits.
    others: i64,
}

impl OnFile {
    /// As it is now.
    pub fn now(conn: &Connection) -> Result<Self, StoreError> {
        let others = conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok(Self { own: conn.total_changes(), others })
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Which file that was when it was opened; `None` of a database in memory.
    file: Option<(u64, u64)>,
    /// `None` only while it is dropped: the worker ends when no sender is left.
    queue: Option<Sender<Job>>,
    worker: Desk,
}

/// Where the worker works.
enum Desk {
    /// On a thread of its own.
    Thread(Option<JoinHandle<()>>),
    /// On the thread of whoever waits for it. On a panic it has done whole transactions only.
    Inline(Mutex<Worker>),
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Thread(_) => "Thread",
            Self::Inline(_) => "Inline",
        })
    }
}

impl Inner {
    /// Without a thread, does what is queued.
    fn turn(&self) {
        if let Desk::Inline(worker) = &self.worker {
            worker.lock().unwrap_or_else(PoisonError::into_inner).turn();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue = None;
        // A closure may hold the last handle: the worker cannot wait for itself.
        if let Desk::Thread(worker) = &mut self.worker
            && let Some(worker) = worker.take_if(|w| w.thread().id() != std::thread::current().id())
        {
            let _ = worker.join();
        }
    }
}

impl Store {
    /// Opens the database for reading and writing, creates it (mode 0600) and its directories where they are missing,
    /// and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_waiting(path, BUSY)
    }

    /// As [`Store::open`], with another patience for locks of other processes.
    pub fn open_waiting(path: &Path, busy: Duration) -> Result<Self, StoreError> {
        Self::open_with(path, busy, "FULL")
    }

    /// As [`Store::open`], for a copy that is thrown away: its commits do not wait for the disk.
    pub fn open_scratch(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, BUSY, "OFF")
    }

    fn open_with(path: &Path, busy: Duration, synchronous: &str) -> Result<Self, StoreError> {
        files::open_private(path)?;
        let open = || -> Result<Connection, StoreError> {
            let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy)?;
            if conn.is_readonly(rusqlite::MAIN_DB)? {
                return Err(Fault::ReadOnly.into());
            }
            let found = schema::version(&conn)?;
            if found > schema::VERSION {
                return Err(Fault::Newer { found, known: schema::VERSION }.into());
            }
            if found == 0 {
                is_nobodys(&conn)?;
                // Only before anything is in it; older files are rewritten for it by `retention`.
                conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            }
            conn.pragma_update(None, "journal_mode", "WAL")?;
            conn.pragma_update(None, "synchronous", synchronous)?;
            schema::migrate(&mut conn)?;
            Ok(conn)
        };
        open().map_err(|e| e.at(path)).and_then(|conn| Self::start(conn, path))
    }

    /// A database that works on its caller's thread, in the order in which it is asked: a life that is played from a
    /// seed must not depend on a thread's. What is queued when the last handle goes is lost, as with a process that
    /// is killed. `name` is an SQLite URI, such as `file:/life?vfs=memdb`; `prepare` gets the connection before anybody.
    ///
    /// Caveat: only handles on the same thread may use it.
    pub fn open_inline(
        name: &str,
        prepare: impl FnOnce(&mut Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, StoreError> {
        let path = Path::new(name);
        let open = || -> Result<Connection, StoreError> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
            let mut conn = connect(path, flags | OpenFlags::SQLITE_OPEN_URI, Duration::ZERO)?;
            schema::migrate(&mut conn)?;
            prepare(&mut conn)?;
            Ok(conn)
        };
        let conn = open().map_err(|e| e.at(path))?;
        let (queue, jobs) = channel();
        let worker = Desk::Inline(Mutex::new(Worker::new(conn, path.to_owned(), jobs)));
        Ok(Self { inner: Arc::new(Inner { path: path.to_owned(), file: None, queue: Some(queue), worker }) })
    }

    /// Opens an existing database for reading; `None` if there is none yet.
    pub fn open_existing_read_only(path: &Path) -> Result<Option<Self>, StoreError> {
        if !path.try_exists().map_err(|e| StoreError::new(Fault::CannotOpen(e.to_string()), path))? {
            return Ok(None);
        }
        let open = || -> Result<Option<Connection>, StoreError> {
            let conn = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, BUSY)?;
            match schema::version(&conn)? {
                0 => is_nobodys(&conn).map(|()| None),
                found if found > schema::VERSION => Err(Fault::Newer { found, known: schema::VERSION }.into()),
                found if found < schema::VERSION => Err(Fault::Older { found, known: schema::VERSION }.into()),
                _ => Ok(Some(conn)),
            }
        };
        open().map_err(|e| e.at(path))?.map(|conn| Self::start(conn, path)).transpose()
    }

    fn start(conn: Connection, path: &Path) -> Result<Self, StoreError> {
        let (queue, jobs) = channel();
        let worker = Worker::new(conn, path.to_owned(), jobs);
        let worker = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run())
            .map_err(|e| StoreError::new(Fault::CannotOpen(e.to_string()), path))?;
        let (file, worker) = (files::id(path), Desk::Thread(Some(worker)));
        let inner = Inner { path: path.to_owned(), file, queue: Some(queue), worker };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Whoever holds the run lock asks this before he goes on with a database that was opened before.
    ///
    /// # Errors
    /// [`Fault::Replaced`] if its name stands for another file by now, or for none: two processes that each work with a file
    /// of their own would both send what the other has sent.
    pub fn is_in_place(&self) -> Result<(), StoreError> {
        let path = self.path();
        if self.inner.file.is_some() && files::id(path) != self.inner.file {
            return Err(StoreError::new(Fault::Replaced, path));
        }
        Ok(())
    }

    /// Gives back the memory that holds pages of the file: nothing will be asked for a while.
    pub async fn rest(&self) -> Result<(), StoreError> {
        self.read(|conn| Ok(conn.execute_batch("PRAGMA shrink_memory")?)).await
    }

    /// Runs `f` in a transaction and answers once it is on disk. Writes that are queued together share one
    /// transaction; an `Err` or a panic of `f` takes back what `f` wrote and nothing else. If the commit fails, all of
    /// them get its error and nothing was stored.
    ///
    /// Caveat: a future dropped before it is ready leaves `f` in the queue; it still runs.
    pub async fn write<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.answer(self.send(f, Job::Write)).await
    }

    /// Runs `f` on one snapshot that holds everything committed before the call. What `f` writes is taken back.
    pub async fn read<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.answer(self.send(f, Job::Read)).await
    }

    /// A consistent copy of the database in a new file at `target`, while others go on reading and writing.
    pub fn copy_to(&self, target: &Path) -> Result<(), StoreError> {
        let copy = || -> Result<(), StoreError> {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let conn = connect(self.path(), flags, BUSY)?;
            conn.execute("VACUUM INTO ?1", [target.to_string_lossy()])?;
            Ok(())
        };
        copy().map_err(|e| e.at(self.path()))
    }

    /// [`Store::write`] for callers outside of async code; panics inside of it.
    pub fn write_blocking<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.answer_blocking(self.send(f, Job::Write))
    }

    /// [`Store::read`] for callers outside of async code; panics inside of it.
    pub fn read_blocking<T, F>(&self, f: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.answer_blocking(self.send(f, Job::Read))
    }

    /// Queues `f`. If the worker is gone the answer's sender is dropped here, which the receiver notices.
    fn send<T, F>(&self, f: F, job: fn(Box<dyn super::worker::Work>) -> Job) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        if let Some(queue) = &self.inner.queue {
            let _ = queue.send(job(Box::new(Task::new(f, reply))));
        }
        answer
    }

    async fn answer<T>(&self, answer: Answer<T>) -> Result<T, StoreError> {
        if let Desk::Inline(_) = self.inner.worker {
            // Others may queue first, so that inline too what waits together is committed together.
            let mut waited = false;
            std::future::poll_fn(|context| {
                if std::mem::replace(&mut waited, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            self.inner.turn();
        }
        self.unpack(answer.await)
    }

    fn answer_blocking<T>(&self, answer: Answer<T>) -> Result<T, StoreError> {
        self.inner.turn();
        self.unpack(answer.blocking_recv())
    }

    fn unpack<T>(
        &self,
        answer: Result<Result<T, StoreError>, oneshot::error::RecvError>,
    ) -> Result<T, StoreError> {
        answer.unwrap_or_else(|_| Err(Fault::Closed.into())).map_err(|e| e.at(&self.inner.path))
    }
}

/// A file without a version of ours is a new one only if nothing is in it.
fn is_nobodys(conn: &Connection) -> Result<(), StoreError> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if tables == 0 { Ok(()) } else { Err(Fault::Foreign.into()) }
}

type Answer<T> = oneshot::Receiver<Result<T, StoreError>>;

pub(super) fn connect(path: &Path, mode: OpenFlags, busy: Duration) -> Result<Connection, StoreError> {
    // Else SQLite speaks of the disk.
    if path.is_dir() {
        return Err(Fault::IsDirectory.into());
    }
    let conn = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(busy)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    // Without it a statement is compiled anew whenever it is run with another key.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    // 6 MiB of pages hold the upper levels of every index; with 2 MiB a first sync reads them again and again. A longer
    // log between two checkpoints writes a page that changes often once instead of many times.
    conn.pragma_update(None, "cache_size", -6144)?;
    conn.pragma_update(None, "wal_autocheckpoint", 4000)?;
    // Savepoints' undo pages stay in memory.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}
