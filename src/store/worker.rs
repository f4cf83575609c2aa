//! The thread that owns the connection. It takes work from a queue, and whatever writes are queued together it
//! commits together: one `fsync` answers them all, which is what makes an intent before every request affordable.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Fault, StoreError};

/// As many writes as one transaction takes. It bounds how long the first of them waits, and the memory of
/// uncommitted pages.
const GROUP: usize = 512;

/// A queued closure, its result and whoever waits for it.
pub(super) trait Work: Send {
    /// Runs the closure and keeps its result; says why it failed, if it did.
    fn run(&mut self, conn: &Connection) -> Result<(), StoreError>;
    /// Hands the result over. `end` is how the transaction ended: with an error the result counts for nothing.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

/// What is queued.
pub(super) enum Job {
    /// Runs in a transaction with others.
    Write(Box<dyn Work>),
    /// Runs by itself and leaves no trace.
    Read(Box<dyn Work>),
}

/// The one implementation of [`Work`].
pub(super) struct Task<T, F> {
    /// `None` once it ran.
    closure: Option<F>,
    /// `None` until it ran.
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(closure: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { closure: Some(closure), result: None, reply }
    }
}

impl<T, F> Work for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let Some(closure) = self.closure.take() else { return Ok(()) };
        let result = catch_unwind(AssertUnwindSafe(|| closure(conn)));
        let result = result.unwrap_or_else(|panic| Err(Fault::Panicked(message(&*panic)).into()));
        let end = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.result = Some(result);
        end
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let answer = match (self.result, end) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(Fault::Closed.into()),
        };
        // Whoever asked may have gone away since; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("panic").to_owned()
}

/// The connection and what waits for it.
pub(super) struct Worker {
    conn: Connection,
    path: PathBuf,
    queue: Receiver<Job>,
    /// Reads that came while a transaction was being filled: they run after its commit.
    reads: VecDeque<Box<dyn Work>>,
}

impl Worker {
    pub(super) fn new(conn: Connection, path: PathBuf, queue: Receiver<Job>) -> Self {
        Self { conn, path, queue, reads: VecDeque::new() }
    }

    /// Works until every handle is gone, then closes the database.
    pub(super) fn run(mut self) {
        while let Ok(job) = self.queue.recv() {
            self.serve(job);
        }
    }

    /// Does what is queued, and no more: for a store without a thread of its own.
    pub(super) fn turn(&mut self) {
        while let Ok(job) = self.queue.try_recv() {
            self.serve(job);
        }
    }

    fn serve(&mut self, job: Job) {
        match job {
            Job::Read(work) => self.read(work),
            Job::Write(work) => self.write(work),
        }
        while let Some(work) = self.reads.pop_front() {
            self.read(work);
        }
    }

    /// One read on one snapshot. It ends in a rollback, so that a read which writes by mistake changes nothing.
    fn read(&self, mut work: Box<dyn Work>) {
        let end = self.execute("BEGIN DEFERRED").map(|()| {
            // Its error, if any, travels with its answer.
            let _ = work.run(&self.conn);
            self.roll_back();
        });
        work.answer(end);
    }

    /// One transaction of `first` and everything else that is queued.
    fn write(&mut self, first: Box<dyn Work>) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            // Locked by another process: the others would only wait as long again. Not so what comes once they are answered.
            let mut waited = vec![first];
            waited.extend(std::iter::from_fn(|| self.next_write()));
            for work in waited {
                work.answer(Err(error.clone()));
            }
            return;
        }
        let mut done = Vec::new();
        let mut end = Ok(());
        let mut next = Some(first);
        while let Some(mut work) = next {
            end = self.run_in_savepoint(&mut *work);
            done.push(work);
            next = if end.is_ok() && done.len() < GROUP { self.next_write() } else { None };
        }
        let end = end.and_then(|()| self.execute("COMMIT"));
        if end.is_err() {
            self.roll_back();
        }
        for work in done {
            work.answer(end.clone());
        }
    }

    /// Runs `work` so that its failure takes back its own writes only. An error means that the whole transaction is
    /// lost: SQLite ends it by itself on some failures, a full disk among them.
    fn run_in_savepoint(&self, work: &mut dyn Work) -> Result<(), StoreError> {
        self.execute("SAVEPOINT work")?;
        match work.run(&self.conn) {
            Ok(()) => self.execute("RELEASE work"),
            Err(error) if self.conn.is_autocommit() => Err(error.at(&self.path)),
            Err(_) => self.execute("ROLLBACK TO work").and_then(|()| self.execute("RELEASE work")),
        }
    }

    /// The next queued write, if there is one; reads on the way are put aside.
    fn next_write(&mut self) -> Option<Box<dyn Work>> {
        loop {
            match self.queue.try_recv().ok()? {
                Job::Write(work) => return Some(work),
                Job::Read(work) => self.reads.push_back(work),
            }
        }
    }

    fn execute(&self, sql: &'static str) -> Result<(), StoreError> {
        let ran = self.conn.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        ran.map(|_| ()).map_err(|e| StoreError::from(e).at(&self.path))
    }

    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            log::error!("{error}");
        }
    }
}
